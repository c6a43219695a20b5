"""`multiprocessing.Process` and `Array`: answers are integers in shared memory."""

import contextlib
import sys

from runner import Answer, Refusal, main, work_in_place

NUMBERS = len(Answer._fields) - 1


def answer(share, array):
    answer = work_in_place(share)
    if isinstance(answer, Exception):
        sys.exit(str(answer))
    # Each worker has a part of its own, but an Array has a lock, and users take it.
    array[share.worker * NUMBERS : (share.worker + 1) * NUMBERS] = answer[1:]


@contextlib.contextmanager
def team(visit, shares):
    def call():
        array = visit.processes.Array("q", NUMBERS * visit.nthread)
        workers = [visit.processes.Process(target=answer, args=(share, array)) for share in shares]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode != 0 for worker in workers):
            raise Refusal(f"workers exited with {[worker.exitcode for worker in workers]}")
        parts = [array[at : at + NUMBERS] for at in range(0, len(array), NUMBERS)]
        return [Answer(worker.name, *part) for worker, part in zip(workers, parts)]

    yield call


if __name__ == "__main__":
    main(team)
