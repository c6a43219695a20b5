"""`multiprocessing.Process` and `Queue`: processes started in each call."""

import contextlib

from runner import main, work_pinned


def compute(share, queue):
    queue.put((share.worker, work_pinned(share)))


@contextlib.contextmanager
def team(visit, shares):
    def call():
        queue = visit.processes.Queue()
        workers = [visit.processes.Process(target=compute, args=(share, queue)) for share in shares]
        for worker in workers:
            worker.start()
        # This must precede `join`: a process does not end before its queue is empty.
        results = dict(queue.get() for _ in workers)
        for worker in workers:
            worker.join()
        return [results[share.worker] for share in shares]

    yield call


if __name__ == "__main__":
    main(team)
