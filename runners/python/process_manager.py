"""`multiprocessing.Process` and `Manager`: a server process that exists across
calls has the results; the workers are started in each call."""

import contextlib

from runner import main, work_pinned


def compute(share, results):
    results[share.worker] = work_pinned(share)


@contextlib.contextmanager
def team(visit, shares):
    with visit.processes.Manager() as manager:

        def call():
            results = manager.dict()
            workers = [
                visit.processes.Process(target=compute, args=(share, results)) for share in shares
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return [results[share.worker] for share in shares]

        yield call


if __name__ == "__main__":
    # The CPU times of the server are known only after its end.
    main(team, cpu_times_known=False)
