"""`multiprocessing.Process` and `Array`: results are integers in shared memory."""

import contextlib
import sys

from runner import Refusal, Result, main, work_pinned

NUMBERS = len(Result._fields) - 1


def compute(share, array):
    result = work_pinned(share)
    if isinstance(result, Exception):
        sys.exit(str(result))
    # Each worker writes only its own part, but users of an Array take its lock.
    array[share.worker * NUMBERS : (share.worker + 1) * NUMBERS] = result[1:]


@contextlib.contextmanager
def team(visit, shares):
    def call():
        array = visit.processes.Array("q", NUMBERS * visit.nthread)
        workers = [visit.processes.Process(target=compute, args=(share, array)) for share in shares]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode != 0 for worker in workers):
            raise Refusal(f"workers exited with {[worker.exitcode for worker in workers]}")
        parts = [array[at : at + NUMBERS] for at in range(0, len(array), NUMBERS)]
        return [Result(worker.name, *part) for worker, part in zip(workers, parts)]

    yield call


if __name__ == "__main__":
    main(team)
