/* OpenMP in C: one visit, exact. Build with
 *     gcc -O3 -march=native -fopenmp -o openmp openmp.c
 * docs/RUNNER.md describes the protocol and the random streams. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <omp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#ifndef FLAGS
#define FLAGS "flags unknown"
#endif

enum { LANES = 16, MOST_WORKERS = 1024, MOST_INPUT = 1 << 20 };

static const uint64_t GAMMA = 0x9e3779b97f4a7c15;

typedef struct {
    uint64_t busy_ns, cpu_ns, blocks, hits;
    char padding[64 - 4 * sizeof(uint64_t)]; /* a cache line each */
} Worker;

static Worker workers[MOST_WORKERS];

static void fail(const char *message) {
    printf("{\"error\":{\"message\":\"%s\"}}\n", message);
    exit(1);
}

/* ---- the random streams ---- */

static uint64_t mix(uint64_t word) {
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

static inline uint64_t rotate_left(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

static uint64_t hits_of_block(uint64_t seed, uint64_t block, uint64_t draws) {
    uint64_t s0[LANES], s1[LANES], s2[LANES], s3[LANES], outside[LANES] = {0};
    uint64_t word = mix(mix(seed + GAMMA) ^ block);
    for (int lane = 0; lane < LANES; lane++) {
        s0[lane] = mix(word += GAMMA);
        s1[lane] = mix(word += GAMMA);
        s2[lane] = mix(word += GAMMA);
        s3[lane] = mix(word += GAMMA);
    }
    for (uint64_t step = 0; step < draws / LANES; step++) {
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
    uint64_t inside = draws;
    for (int lane = 0; lane < LANES; lane++)
        inside -= outside[lane];
    return inside;
}

/* ---- the request: one JSON object, whose keys are unique and not nested ---- */

static char input[MOST_INPUT];

/* Returns the beginning of the value of a key. */
static const char *value_of(const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *at = strstr(input, quoted);
    if (!at)
        return "null";
    at += strlen(quoted);
    return at + strspn(at, " \t\r\n:");
}

/* Returns a number, or the number in a string; `otherwise` if the value is null. */
static uint64_t number_of(const char *key, uint64_t otherwise) {
    const char *value = value_of(key);
    value += *value == '"';
    return *value >= '0' && *value <= '9' ? strtoull(value, NULL, 10) : otherwise;
}

static bool is_text(const char *key, const char *text) {
    const char *value = value_of(key);
    size_t length = strlen(text);
    return *value == '"' && !strncmp(value + 1, text, length) && value[length + 1] == '"';
}

/* Parses the next mask of `pin`, such as "0-3,8", and moves past it. */
static void read_mask(const char **at, cpu_set_t *mask) {
    CPU_ZERO(mask);
    const char *text = strchr(*at, '"');
    if (!text)
        fail("pin has too few masks");
    for (text++; *text && *text != '"'; text += *text == ',') {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (end == text)
            fail("pin has a mask that is no list of CPUs");
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
            CPU_SET(cpu, mask);
        text = end;
    }
    *at = text + (*text == '"');
}

/* ---- clocks ---- */

static uint64_t now_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

static uint64_t nanoseconds(struct timeval time) {
    return time.tv_sec * UINT64_C(1000000000) + time.tv_usec * UINT64_C(1000);
}

/* ---- the visit ---- */

/* Makes the calls of a job, each a parallel loop over its blocks. */
static uint64_t call(uint64_t seed, uint64_t block, uint64_t blocks, int nthread) {
    uint64_t hits = 0;
#pragma omp parallel num_threads(nthread) reduction(+ : hits)
    {
        Worker own = {0};
        uint64_t cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID), start = now_ns(CLOCK_MONOTONIC);
#pragma omp for schedule(runtime) nowait
        for (uint64_t at = 0; at < blocks; at++) {
            own.hits += hits_of_block(seed, at, block);
            own.blocks++;
        }
        own.busy_ns = now_ns(CLOCK_MONOTONIC) - start;
        own.cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
        hits += own.hits;
        workers[omp_get_thread_num()] = own;
    }
    return hits;
}

static void print_tally(uint64_t draws, uint64_t hits) {
    printf("\"tally\":{\"draws\":\"%" PRIu64 "\",\"sum\":\"%" PRIu64 "\",\"sum_sq\":\"%" PRIu64 "\"}",
           draws, hits, hits);
}

static void print_call(const char *key, uint64_t seed, uint64_t block, uint64_t blocks, int nthread) {
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    uint64_t hits = call(seed, block, blocks, nthread);
    uint64_t wall_ns = now_ns(CLOCK_MONOTONIC) - start;
    getrusage(RUSAGE_SELF, &after);
    printf("{\"%s\":{\"wall_ns\":%" PRIu64 ",\"user_ns\":%" PRIu64 ",\"system_ns\":%" PRIu64 ",", key,
           wall_ns, nanoseconds(after.ru_utime) - nanoseconds(before.ru_utime),
           nanoseconds(after.ru_stime) - nanoseconds(before.ru_stime));
    print_tally(block * blocks, hits);
    printf(",\"workers\":[");
    for (int worker = 0; worker < nthread; worker++) {
        Worker own = workers[worker];
        printf("%s{\"name\":\"thread-%d\",\"busy_ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64
               ",\"blocks\":%" PRIu64 ",",
               worker ? "," : "", worker, own.busy_ns, own.cpu_ns, own.blocks);
        print_tally(block * own.blocks, own.hits);
        printf("}");
    }
    printf("]}}\n");
}

/* Starts the threads, which OpenMP keeps, and pins them if requested. */
static bool start_team(int nthread, const cpu_set_t *masks) {
    int started = 0, pinned = 0;
#pragma omp parallel num_threads(nthread) reduction(+ : started, pinned)
    {
        started = 1;
        cpu_set_t taken;
        const cpu_set_t *mask = masks ? &masks[omp_get_thread_num()] : NULL;
        /* The system silently ignores the unavailable CPUs of a mask: read it back. */
        pinned = !mask || (!sched_setaffinity(0, sizeof *mask, mask) &&
                           !sched_getaffinity(0, sizeof taken, &taken) && CPU_EQUAL(mask, &taken));
    }
    if (started != nthread)
        fail("OpenMP started fewer threads than requested");
    return pinned == nthread;
}

static void set_schedule(void) {
    omp_sched_t kind = omp_sched_static;
    if (is_text("schedule", "dynamic"))
        kind = omp_sched_dynamic;
    else if (is_text("schedule", "guided"))
        kind = omp_sched_guided;
    /* Below 1, the default of the schedule. */
    omp_set_schedule(kind, (int)number_of("chunk", 0));
}

static void print_done(cpu_set_t *cpus) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"done\":{\"voluntary_switches\":%ld,\"involuntary_switches\":%ld,"
           "\"max_rss_bytes\":%ld,\"cpus\":\"",
           usage.ru_nvcsw, usage.ru_nivcsw, usage.ru_maxrss * 1024);
    const char *comma = "";
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, cpus)) {
            printf("%s%d", comma, cpu);
            comma = ",";
        }
    printf("\"}}\n");
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    input[fread(input, 1, sizeof input - 1, stdin)] = 0;
    if (!is_text("kernel", "pi"))
        fail("this runner knows pi only");
    if (number_of("inner_nthread", 1) > 1)
        fail("these workers have no threads inside them");
    uint64_t nthread = number_of("nthread", 0), block = number_of("block", 0);
    uint64_t blocks = number_of("blocks", 0), seed = number_of("seed", 0);
    if (nthread < 1 || nthread > MOST_WORKERS || block % LANES || !block)
        fail("nthread or block is out of range");

    static cpu_set_t masks[MOST_WORKERS];
    cpu_set_t cpus;
    sched_getaffinity(0, sizeof cpus, &cpus);
    const char *pin = value_of("pin");
    bool is_pinned = *pin == '[';
    if (is_pinned)
        CPU_ZERO(&cpus);
    for (uint64_t worker = 0; is_pinned && worker < nthread; worker++) {
        read_mask(&pin, &masks[worker]);
        CPU_OR(&cpus, &cpus, &masks[worker]);
    }
    printf("{\"hello\":{\"protocol\":1,\"check\":\"exact\",\"build\":\"gcc " __VERSION__
           ", OpenMP %d, " FLAGS "\"}}\n", _OPENMP);

    uint64_t start = now_ns(CLOCK_MONOTONIC);
    omp_set_dynamic(0);
    set_schedule();
    if (!start_team((int)nthread, is_pinned ? masks : NULL))
        fail("a worker could not be pinned to all CPUs that were requested");
    printf("{\"setup\":{\"wall_ns\":%" PRIu64 "}}\n", now_ns(CLOCK_MONOTONIC) - start);
    for (uint64_t warmup = number_of("warmup", 0); warmup > 0; warmup--)
        print_call("warmup", seed, block, blocks, (int)nthread);
    for (uint64_t left = number_of("iterations", 1); left > 0; left--)
        print_call("call", seed, block, blocks, (int)nthread);
    start = now_ns(CLOCK_MONOTONIC);
    omp_pause_resource_all(omp_pause_hard); /* ends the threads */
    printf("{\"teardown\":{\"wall_ns\":%" PRIu64 "}}\n", now_ns(CLOCK_MONOTONIC) - start);
    print_done(&cpus);
    return 0;
}
