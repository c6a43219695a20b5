"""Processes of Python's multiprocessing, for comparison.

Prints "ready"; then, for each line with the name of an operation and a number N,
repeats the operation N times and prints the time of one in nanoseconds: the median of
calls, or the mean of consecutive messages. The first request for an operation makes
what it needs, and uses it a few times before it is timed. An operation that cannot run
here is answered by "unavailable: " and the reason.

Nothing is started or imported before it is needed, so that a fork copies little memory.
For a fair comparison, use one process of this program for each operation."""

import concurrent.futures
import contextlib
import multiprocessing
import statistics
import sys
import time

WORKERS = 2
WARM_UPS = 5

fork = multiprocessing.get_context("fork")


def identity(item):
    return item


def nothing():
    pass


def pool_map(made):
    pool = made.enter_context(fork.Pool(WORKERS))
    return median_of(lambda: pool.map(identity, range(WORKERS)))


def process(made):
    def call():
        workers = [fork.Process(target=nothing) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return median_of(call)


def loky(made):
    import joblib

    parallel = made.enter_context(joblib.Parallel(n_jobs=WORKERS, backend="loky"))
    tasks = [joblib.delayed(nothing)() for _ in range(WORKERS)]
    return median_of(lambda: parallel(tasks))


def concurrent_map(made):
    executor = concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=fork)
    made.enter_context(executor)
    return median_of(lambda: list(executor.map(identity, range(WORKERS))))


def manager(made):
    value = made.enter_context(fork.Manager()).Value("q", 0)
    return median_of(lambda: value.value)


def queue(made):
    messages = fork.Queue()
    return mean_of_messages(messages.put, messages.get)


def pipe(made):
    receiving, sending = fork.Pipe(duplex=False)
    return mean_of_messages(sending.send, receiving.recv)


def median_of(call):
    def timed():
        start = time.perf_counter_ns()
        call()
        return time.perf_counter_ns() - start

    for _ in range(WARM_UPS):
        call()
    return lambda count: statistics.median(timed() for _ in range(count))


def mean_of_messages(put, get):
    """Another process puts the requested number of messages, and this one gets them."""
    orders, order = fork.Pipe(duplex=False)

    def sender():
        while True:
            for number in range(orders.recv()):
                put(number)

    # A daemon is ended when this program ends.
    fork.Process(target=sender, daemon=True).start()

    def mean(count):
        start = time.perf_counter_ns()
        order.send(count)
        for _ in range(count):
            get()
        return (time.perf_counter_ns() - start) / count

    mean(WARM_UPS)
    return mean


MEASURES = {
    "pool-map": pool_map,
    "process": process,
    "loky": loky,
    "concurrent": concurrent_map,
    "manager": manager,
    "queue": queue,
    "pipe": pipe,
}


def answer(name, count, made, ready):
    try:
        if name not in ready:
            ready[name] = MEASURES[name](made)
        return ready[name](count)
    except Exception as error:
        return f"unavailable: {type(error).__name__}: {error}"


if __name__ == "__main__":
    with contextlib.ExitStack() as made:
        ready = {}
        print("ready", flush=True)
        for line in sys.stdin:
            name, count = line.split()
            print(answer(name, int(count), made, ready), flush=True)
