"""The notebook's own pool, but for one thing: forked workers that share NumPy's
global generator, and throw the same darts. It is here to be caught.

Its workers wait for each other before they begin. In the notebook's, a busy machine
lets one worker take two shares now and then; after that its copy is ahead of the
others, equal darts are thrown in different calls, and who looks at one call at a time
sees nothing."""

import contextlib

from runner import main, work

_barrier = None


def keep(barrier):
    global _barrier
    _barrier = barrier


def work_together(share):
    _barrier.wait()
    return work(share)


@contextlib.contextmanager
def team(visit, shares):
    barrier = visit.processes.Barrier(visit.nthread)
    with visit.processes.Pool(visit.nthread, initializer=keep, initargs=(barrier,)) as pool:
        yield lambda: pool.map(work_together, shares, chunksize=1)
        pool.close()
        pool.join()


if __name__ == "__main__":
    main(team, form="global", can_pin=False)
