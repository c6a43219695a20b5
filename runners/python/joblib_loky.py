"""joblib with its default, `loky`: a pool of processes that lives across calls. Its
workers are started when there is work for them, so the first call pays for them."""

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
        # The pool outlives the context, for whoever asks for one next.
        get_reusable_executor().shutdown(wait=True)


if __name__ == "__main__":
    main(team, can_pin=False)
