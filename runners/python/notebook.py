"""Darts from NumPy's global generator: the error of the original notebook.

The generator is made when `numpy.random` is loaded, before any worker is forked
(NumPy 2 no longer loads it with the rest). Each worker has a copy in the same
state, and throws the same darts."""

import numpy
import numpy.random

AT_ONCE = 1 << 14


def hits(darts):
    inside = 0
    for _ in range(darts // AT_ONCE):
        inside += hits_at_once(AT_ONCE)
    return inside + hits_at_once(darts % AT_ONCE)


def hits_at_once(darts):
    x, y = numpy.random.rand(darts), numpy.random.rand(darts)
    return int(numpy.count_nonzero(x * x + y * y <= 1.0))
