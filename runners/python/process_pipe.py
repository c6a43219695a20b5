"""`multiprocessing.Process` and `Pipe`: processes started in each call, a pipe each."""

import contextlib

from runner import main, work_in_place


def answer(share, end):
    end.send(work_in_place(share))
    end.close()


@contextlib.contextmanager
def team(visit, shares):
    def call():
        workers, ends = [], []
        for share in shares:
            ours, theirs = visit.processes.Pipe(duplex=False)
            worker = visit.processes.Process(target=answer, args=(share, theirs))
            worker.start()
            # The end of a pipe is seen only when nobody can write into it.
            theirs.close()
            workers.append(worker)
            ends.append(ours)
        answers = [end.recv() for end in ends]
        for worker in workers:
            worker.join()
        for end in ends:
            end.close()
        return answers

    yield call


if __name__ == "__main__":
    main(team)
