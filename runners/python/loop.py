"""Darts as in the notebook: one at a time, with the module `random`."""

import os
import random
import threading

_own = threading.local()


def generator():
    """Returns the generator of this worker, made after the start of the worker: a copy made
    by `fork` would throw the same darts as all other copies."""
    if getattr(_own, "pid", None) != os.getpid():
        _own.pid, _own.generator = os.getpid(), random.Random()
    return _own.generator


def hits(darts):
    rng, inside = generator(), 0
    for _ in range(darts):
        x, y = rng.random(), rng.random()
        inside += x * x + y * y <= 1.0
    return inside
