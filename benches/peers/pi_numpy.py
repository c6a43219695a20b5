"""pi by darts in NumPy, for comparison: SFC64, vectorised, in place.

Prints "ready"; then, for each line with a number of draws, throws that many darts and
prints the time of a draw in nanoseconds and the number of hits."""

import sys
import time

import numpy

CHUNK = 1 << 14  # two arrays of it stay in the second-level cache

generator = numpy.random.Generator(numpy.random.SFC64(1))
x = numpy.empty(CHUNK)
y = numpy.empty(CHUNK)


def hits(draws):
    inside = 0
    for _ in range(draws // CHUNK):
        generator.random(out=x)
        generator.random(out=y)
        numpy.multiply(x, x, out=x)
        numpy.multiply(y, y, out=y)
        numpy.add(x, y, out=x)
        inside += numpy.count_nonzero(x < 1.0)
    return inside


print("ready", flush=True)
for line in sys.stdin:
    draws = int(line)
    start = time.perf_counter_ns()
    inside = hits(draws)
    print((time.perf_counter_ns() - start) / draws, inside, flush=True)
