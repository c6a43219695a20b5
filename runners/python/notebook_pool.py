"""The notebook's pool as a counterexample: forked workers with copies of NumPy's global
generator, which throw the same darts. harness must detect this.

There is one difference from the notebook: the workers wait for each other before they
begin. Without that, one worker may take two shares on a busy machine. Its copy is then
ahead of the others, the equal darts are thrown in different calls, and a check of single
calls does not find them."""

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
