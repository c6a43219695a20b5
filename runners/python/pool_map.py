"""`multiprocessing.Pool.map`: the pool exists across calls."""

import contextlib

from runner import initializer, main, work


@contextlib.contextmanager
def team(visit, shares):
    pool = visit.processes.Pool(visit.nthread, **initializer(visit))
    try:
        yield lambda: pool.map(work, shares, chunksize=1)
        pool.close()
    except BaseException:
        pool.terminate()
        raise
    finally:
        pool.join()


if __name__ == "__main__":
    main(team)
