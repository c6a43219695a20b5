"""`multiprocessing.Process` and `Manager`: a server process, which lives across
calls, has the answers; the workers are started in each call."""

import contextlib

from runner import main, work_in_place


def answer(share, answers):
    answers[share.worker] = work_in_place(share)


@contextlib.contextmanager
def team(visit, shares):
    with visit.processes.Manager() as manager:

        def call():
            answers = manager.dict()
            workers = [
                visit.processes.Process(target=answer, args=(share, answers)) for share in shares
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return [answers[share.worker] for share in shares]

        yield call


if __name__ == "__main__":
    # The times of the server are not known before it ends.
    main(team, are_seen=False)
