/* pi by darts in C, for comparison: 16 lanes of xoshiro256++ and exact
 * integers, vectorised by `omp simd`. Build with
 *     gcc -O3 -march=native -fopenmp pi_simd.c
 * Prints "ready"; then, for each line with a number of draws, throws that many darts and
 * prints the time of a draw in nanoseconds and the number of hits. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { LANES = 16 };

static uint64_t rotate_left(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

static uint64_t split_mix(uint64_t *state) {
    uint64_t word = *state += 0x9e3779b97f4a7c15;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

static uint64_t hits(uint64_t seed, uint64_t steps) {
    uint64_t s0[LANES], s1[LANES], s2[LANES], s3[LANES], outside[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        s0[lane] = split_mix(&seed);
        s1[lane] = split_mix(&seed);
        s2[lane] = split_mix(&seed);
        s3[lane] = split_mix(&seed);
        outside[lane] = 0;
    }
    for (uint64_t step = 0; step < steps; step++) {
#pragma omp simd
        for (int lane = 0; lane < LANES; lane++) {
            uint64_t dart = rotate_left(s0[lane] + s3[lane], 23) + s0[lane];
            uint64_t shifted = s1[lane] << 17;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= shifted;
            s3[lane] = rotate_left(s3[lane], 45);
            int64_t x = (int32_t)dart, y = (int32_t)(dart >> 32);
            uint64_t sum = (uint64_t)(x * x) + (uint64_t)(y * y);
            outside[lane] += (sum + (UINT64_C(1) << 62)) >> 63;
        }
    }
    uint64_t inside = LANES * steps;
    for (int lane = 0; lane < LANES; lane++)
        inside -= outside[lane];
    return inside;
}

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(void) {
    uint64_t draws, seed = 0;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    puts("ready");
    while (scanf("%" SCNu64, &draws) == 1) {
        double start = now_ns();
        uint64_t inside = hits(++seed, draws / LANES);
        printf("%.6f %" PRIu64 "\n", (now_ns() - start) / draws, inside);
    }
    return 0;
}
