"""joblib with its default backend, `loky`: a pool of processes that exists across calls.
The workers start with the first task, so the first call includes their start."""

import contextlib

import joblib
from joblib.externals.loky import get_reusable_executor

from runner import main, work


@contextlib.contextmanager
def team(visit, shares):
    try:
        with joblib.Parallel(n_jobs=visit.nthread, backend="loky", batch_size=1) as parallel:
            yield lambda: parallel(joblib.delayed(work)(share) for share in shares)
    finally:
        # The pool outlives the context, because joblib reuses it: shut it down.
        get_reusable_executor().shutdown(wait=True)


if __name__ == "__main__":
    main(team, can_pin=False)
