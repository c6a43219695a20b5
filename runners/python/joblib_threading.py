"""joblib with `threading`: threads of one process, which share the GIL."""

import contextlib

import joblib

from runner import main, work


@contextlib.contextmanager
def team(visit, shares):
    with joblib.Parallel(n_jobs=visit.nthread, backend="threading", batch_size=1) as parallel:
        yield lambda: parallel(joblib.delayed(work)(share) for share in shares)


if __name__ == "__main__":
    main(team, can_pin=False)
