"""`multiprocessing.Process` and `Pipe`: processes started in each call, a pipe each."""

import contextlib

from runner import main, work_pinned


def compute(share, end):
    end.send(work_pinned(share))
    end.close()


@contextlib.contextmanager
def team(visit, shares):
    def call():
        workers, ends = [], []
        for share in shares:
            ours, theirs = visit.processes.Pipe(duplex=False)
            worker = visit.processes.Process(target=compute, args=(share, theirs))
            worker.start()
            # End of file is reported only after every writing end is closed.
            theirs.close()
            workers.append(worker)
            ends.append(ours)
        results = [end.recv() for end in ends]
        for worker in workers:
            worker.join()
        for end in ends:
            end.close()
        return results

    yield call


if __name__ == "__main__":
    main(team)
