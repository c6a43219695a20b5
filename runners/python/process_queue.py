"""`multiprocessing.Process` and `Queue`: processes started in each call."""

import contextlib

from runner import main, work_in_place


def answer(share, queue):
    queue.put((share.worker, work_in_place(share)))


@contextlib.contextmanager
def team(visit, shares):
    def call():
        queue = visit.processes.Queue()
        workers = [visit.processes.Process(target=answer, args=(share, queue)) for share in shares]
        for worker in workers:
            worker.start()
        # Before they are joined: a process does not end before its queue is empty.
        answers = dict(queue.get() for _ in workers)
        for worker in workers:
            worker.join()
        return [answers[share.worker] for share in shares]

    yield call


if __name__ == "__main__":
    main(team)
