"""The kernels of harness in NumPy, bit for bit: docs/RUNNER.md, section "Random streams".

Generators are vectors: all 16 lanes of many blocks advance at once, so that NumPy
works on long arrays. The blocks of a share are computed in groups that fit into the
second-level cache."""

import numpy

LANES = 16
AT_ONCE = 256
GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(word):
    """Returns SplitMix64's output function of an array of words."""
    word = (word ^ (word >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return word ^ (word >> numpy.uint64(31))


def starts(seed, blocks):
    """Returns the starting points of the streams of blocks."""
    seed = numpy.array([(seed + GAMMA) & MASK], dtype=numpy.uint64)
    return mix(mix(seed) ^ numpy.asarray(blocks, dtype=numpy.uint64))


def words(starts, count):
    """Returns the first words of SplitMix64, one row for each starting point."""
    steps = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(GAMMA)
    return mix(starts[:, None] + steps)


class Lanes:
    """The xoshiro256++ generators of all lanes of some blocks."""

    def __init__(self, seed, blocks):
        states = words(starts(seed, blocks), 4 * LANES).reshape(-1, 4)
        self.words = [numpy.ascontiguousarray(states[:, word]) for word in range(4)]
        self.output, self.high, self.low = (numpy.empty_like(self.words[0]) for _ in range(3))

    def rotate(self, words, bits, out):
        numpy.left_shift(words, numpy.uint64(bits), out=self.high)
        numpy.right_shift(words, numpy.uint64(64 - bits), out=self.low)
        numpy.bitwise_or(self.high, self.low, out=out)

    def next(self):
        """Returns the next output of each lane, in an array that the next call overwrites."""
        s0, s1, s2, s3 = self.words
        numpy.add(s0, s3, out=self.output)
        self.rotate(self.output, 23, out=self.output)
        numpy.add(self.output, s0, out=self.output)
        numpy.left_shift(s1, numpy.uint64(17), out=self.high)
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= self.high
        self.rotate(s3, 45, out=s3)
        return self.output


def pi(share):
    """Returns the hits twice: as sum and as sum of squares."""
    inside = 0
    for first in range(share.first, share.last, AT_ONCE):
        blocks = range(first, min(first + AT_ONCE, share.last))
        inside += hits(Lanes(share.seed, blocks), share.block // LANES)
    return inside, inside


def hits(lanes, steps):
    inside = 0
    squares = numpy.empty(2 * lanes.output.size, dtype=numpy.int64)
    sums = numpy.empty(lanes.output.size, dtype=numpy.uint64)
    for _ in range(steps):
        # The halves of a word are the coordinates of a dart, for either byte order.
        numpy.copyto(squares, lanes.next().view(numpy.int32))
        numpy.multiply(squares, squares, out=squares)
        unsigned = squares.view(numpy.uint64)
        numpy.add(unsigned[0::2], unsigned[1::2], out=sums)
        inside += int(numpy.count_nonzero(sums < numpy.uint64(1 << 62)))
    return inside


def matmul(share):
    """Returns sum and sum of squares of all entries of the products of the blocks."""
    total, total_sq = 0, 0
    for block in range(share.first, share.last):
        product = numpy.matmul(*factors(share.seed, block, share.block)).ravel()
        # Doubles represent these integers exactly: sums of squares are about draws^1.5,
        # which is below 2^53 for all blocks that fit into memory.
        total += int(product.sum())
        total_sq += int(numpy.dot(product, product))
    return total, total_sq


def factors(seed, block, draws):
    """Returns two matrices of +1 and -1, k x k and k x k (or k x 2k), from the bits of words."""
    inner = 1 << ((draws.bit_length() - 1) // 2)
    count = inner * inner + inner * (draws // inner)
    streams = words(starts(seed, [block]), count // 64)
    octets = streams.astype("<u8", copy=False).view(numpy.uint8).ravel()
    entries = numpy.unpackbits(octets, bitorder="little") * 2.0 - 1.0
    first, second = entries[: inner * inner], entries[inner * inner :]
    return first.reshape(inner, inner), second.reshape(inner, -1)


def blas():
    """Returns the BLAS library and its number of threads, if they are known."""
    try:
        import threadpoolctl
    except ImportError:
        try:
            config = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
            return f"{config['name']} {config['version']}"
        except (KeyError, TypeError):
            return "BLAS unknown"
    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    names = [
        f"{pool['internal_api']} {pool['version']} ({pool['num_threads']} threads)" for pool in pools
    ]
    return ", ".join(names) or "BLAS unknown"


KERNELS = {"pi": pi, "matmul": matmul}
