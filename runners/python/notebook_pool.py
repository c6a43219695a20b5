"""The notebook's own pool, as it was: forked workers that share NumPy's global
generator, and throw the same darts. It is here to be caught."""

import contextlib

from runner import main, work


def wait(barrier):
    """All workers are up before the first call: one that came late would leave its
    share to another, whose darts would then differ, by chance."""
    barrier.wait()


@contextlib.contextmanager
def team(visit, shares):
    barrier = visit.processes.Barrier(visit.nthread + 1)
    with visit.processes.Pool(visit.nthread, initializer=wait, initargs=(barrier,)) as pool:
        barrier.wait()
        yield lambda: pool.map(work, shares, chunksize=1)
        pool.close()
        pool.join()


if __name__ == "__main__":
    main(team, form="global", can_pin=False)
