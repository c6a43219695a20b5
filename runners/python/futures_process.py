"""`concurrent.futures.ProcessPoolExecutor`: the pool exists across calls."""

import concurrent.futures
import contextlib

from runner import initializer, main, work


@contextlib.contextmanager
def team(visit, shares):
    executor = concurrent.futures.ProcessPoolExecutor(
        visit.nthread, mp_context=visit.processes, **initializer(visit)
    )
    with executor:
        yield lambda: list(executor.map(work, shares))


if __name__ == "__main__":
    main(team)
