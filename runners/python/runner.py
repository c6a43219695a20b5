"""The common part of all runners in this directory: one visit, in Python.

A runner is a file for one facility. It defines a context manager `team(visit, shares)`
that yields a function. Each call of this function hands out the shares of the workers,
waits, and returns the results in the order of the shares. The facility creates what it
keeps between calls (a pool) when the context is entered, and what its users pay in every
call (processes) inside the call. `main(team)` does the rest. docs/RUNNER.md describes the
protocol.

The argument `loop` selects the notebook's plain loop in place of NumPy."""

import atexit
import contextlib
import json
import multiprocessing
import os
import resource
import sys
import threading
import time
from collections import namedtuple

Share = namedtuple("Share", "worker kernel form block first last seed cpus")

# The result of a share, as its worker reports it. All fields but the name are integers.
Result = namedtuple(
    "Result", "name pid blocks draws sum sum_sq busy_ns cpu_ns user_ns system_ns max_rss_bytes"
)


class Refusal(Exception):
    """A request that this runner cannot fulfil."""


class Visit:
    """The request of harness."""

    def __init__(self, request, form):
        self.kernel, self.form = request["kernel"], form
        self.nthread = request["nthread"]
        self.inner_nthread = request.get("inner_nthread") or 1
        self.block, self.blocks = request["block"], request["blocks"]
        self.seed = int(request["seed"])
        self.warmup, self.iterations = request["warmup"], request["iterations"]
        # The default depends on the version of Python, so it is explicit here.
        self.processes = multiprocessing.get_context(request.get("start_method") or "fork")
        pin = request.get("pin")
        self.cpus = [set_of(cpus) for cpus in pin] if pin else [None] * self.nthread

    def shares(self):
        """Returns consecutive blocks for each worker, divided as evenly as possible."""
        bounds = [self.blocks * worker // self.nthread for worker in range(self.nthread + 1)]
        parts = zip(range(self.nthread), bounds, bounds[1:], self.cpus)
        return [
            Share(worker, self.kernel, self.form, self.block, first, last, self.seed, cpus)
            for worker, first, last, cpus in parts
        ]


def set_of(cpus):
    """Returns the set of CPUs of a list such as `0-3,8`."""
    ends = [part.split("-") for part in cpus.split(",")]
    return {cpu for end in ends for cpu in range(int(end[0]), int(end[-1]) + 1)}


def list_of(cpus):
    return ",".join(str(cpu) for cpu in sorted(cpus))


def pin(cpus):
    """Pins this thread, and checks that the system accepted the whole mask."""
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
        if os.sched_getaffinity(0) != cpus:
            raise Refusal(f"CPUs {list_of(cpus)} were requested, and not all of them accepted")


_problem = None


def start_pinned(cpus_of_workers, counter):
    """Pins a worker of a pool to the next CPUs in the list. A failure is only stored here and
    reported by the first share, because a pool restarts a worker whose initializer fails
    for ever."""
    global _problem
    with counter.get_lock():
        worker = counter.value
        counter.value += 1
    try:
        pin(cpus_of_workers[worker % len(cpus_of_workers)])
    except (OSError, Refusal) as problem:
        _problem = f"cannot pin a worker: {problem}"


def initializer(visit):
    """Returns `initializer` and `initargs` of a pool."""
    return {
        "initializer": start_pinned,
        "initargs": (visit.cpus, visit.processes.Value("i", 0)),
    }


def work(share):
    """Computes a share, in the worker."""
    if _problem:
        raise Refusal(_problem)
    draws = (share.last - share.first) * share.block
    is_alone = threading.current_thread() is threading.main_thread()
    # In a process of its own, the threads of a library belong to the worker.
    usage = resource.RUSAGE_SELF if is_alone else resource.RUSAGE_THREAD
    cpu_time = time.process_time_ns if is_alone else time.thread_time_ns
    before, cpu = resource.getrusage(usage), cpu_time()
    start = time.perf_counter_ns()
    total, total_sq = tally_of(share)
    busy_ns = time.perf_counter_ns() - start
    cpu_ns, after = cpu_time() - cpu, resource.getrusage(usage)
    process = multiprocessing.current_process().name
    return Result(
        name=process if is_alone else threading.current_thread().name,
        pid=os.getpid(),
        blocks=share.last - share.first,
        draws=draws,
        sum=total,
        sum_sq=total_sq,
        busy_ns=busy_ns,
        cpu_ns=cpu_ns,
        user_ns=int((after.ru_utime - before.ru_utime) * 1e9),
        system_ns=int((after.ru_stime - before.ru_stime) * 1e9),
        max_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def work_pinned(share):
    """Computes a share in a process of its own, which pins itself. Returns the exception, if any."""
    try:
        pin(share.cpus)
        return work(share)
    except Exception as problem:
        return problem


def tally_of(share):
    """Returns sum and sum of squares over the draws of a share."""
    if share.form == "loop":
        import loop

        hits = loop.hits((share.last - share.first) * share.block)
        return hits, hits
    if share.form == "global":
        import notebook

        hits = notebook.hits((share.last - share.first) * share.block)
        return hits, hits
    import blocks

    return blocks.KERNELS[share.kernel](share)


# Each form with its kernels and its kind of check.
FORMS = {
    "numpy": (["pi"], "exact"),
    "blas": (["matmul"], "exact"),
    "loop": (["pi", "pi-rand"], "z"),
    "global": (["pi", "pi-rand"], "z"),
}


def emit(key, **fields):
    print(json.dumps({key: fields}), flush=True)


def main(team, form="numpy", cpu_times_known=True, can_pin=True):
    """Makes one visit. `cpu_times_known`: whether the CPU times of all processes are known."""
    request = json.load(sys.stdin)
    form = "loop" if "loop" in sys.argv[1:] else form
    try:
        visit = Visit(request, form)
        check(visit, request, can_pin)
        emit("hello", protocol=1, check=FORMS[form][1], build=build(form))
        run_visit(visit, team, cpu_times_known)
        exit_cleanly(0)
    except Exception as problem:
        emit("error", message=f"{type(problem).__name__}: {problem}")
        exit_cleanly(1)


def exit_cleanly(status):
    """Ends this program and, before it, the trackers of shared resources, which would
    otherwise end a moment after it: a runner must leave no process behind. Exit handlers run
    first, because they would start the trackers again."""
    atexit._run_exitfuncs()
    for name in ("multiprocessing", "joblib.externals.loky.backend"):
        tracker = sys.modules.get(name + ".resource_tracker")
        stop = getattr(getattr(tracker, "_resource_tracker", None), "_stop", None)
        if stop:
            stop()
    sys.stdout.flush()
    os._exit(status)


def check(visit, request, can_pin):
    kernels = FORMS[visit.form][0]
    if visit.kernel not in kernels:
        raise Refusal(f"this runner knows {' and '.join(kernels)}, not {visit.kernel}")
    if visit.inner_nthread > 1 and visit.form != "blas":
        raise Refusal("these workers have no threads inside them")
    if request.get("pin") and not can_pin:
        raise Refusal("this facility starts its workers itself: they cannot be pinned")


def build(form):
    """Returns the versions of the computing libraries. All of them are loaded here, before any
    fork, so that a worker that is forked in each call does not load them in each call."""
    versions = "Python " + sys.version.split()[0]
    if form == "loop":
        import loop  # noqa: F401

        return versions
    import blocks

    if form == "global":
        import notebook  # noqa: F401
    versions += ", NumPy " + blocks.numpy.__version__
    return versions + ", " + blocks.blas() if form == "blas" else versions


def run_visit(visit, team, cpu_times_known):
    shares, most_rss_bytes = visit.shares(), 0
    start = time.perf_counter_ns()
    with contextlib.ExitStack() as stack:
        call = stack.enter_context(team(visit, shares))
        emit("setup", wall_ns=time.perf_counter_ns() - start)
        for key in ["warmup"] * visit.warmup + ["call"] * visit.iterations:
            fields, rss_bytes = timed(call, cpu_times_known)
            most_rss_bytes = max(most_rss_bytes, rss_bytes)
            emit(key, **fields)
        start = time.perf_counter_ns()
    emit("teardown", wall_ns=time.perf_counter_ns() - start)
    own_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    pinned = [cpus for cpus in visit.cpus if cpus]
    cpus = set().union(*pinned) if pinned else os.sched_getaffinity(0)
    emit("done", max_rss_bytes=own_bytes + most_rss_bytes, cpus=list_of(cpus))


def timed(call, cpu_times_known):
    """Makes one call. Returns the fields of its line, and the memory of its workers."""
    before = usage()
    start = time.perf_counter_ns()
    results = call()
    wall_ns = time.perf_counter_ns() - start
    spent = [after - early for early, after in zip(before, usage())]
    for problem in results:
        if isinstance(problem, Exception):
            raise problem
    fields = {
        "wall_ns": wall_ns,
        "tally": tally([sum(parts) for parts in zip(*map(of_tally, results))]),
        "workers": [worker(result) for result in results],
    }
    others = {result.pid: result for result in results if result.pid != os.getpid()}
    if cpu_times_known:
        # The times of reaped processes are in those of the children of this process.
        living = [result for result in results if is_alive(result.pid)]
        fields["user_ns"] = spent[0] + sum(result.user_ns for result in living)
        fields["system_ns"] = spent[1] + sum(result.system_ns for result in living)
    return fields, sum(result.max_rss_bytes for result in others.values())


def usage():
    """Returns user and system time of this process and of its reaped children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return [int(sum(getattr(one, field) for one in both) * 1e9) for field in ("ru_utime", "ru_stime")]


def is_alive(pid):
    return pid != os.getpid() and os.path.exists(f"/proc/{pid}")


def of_tally(result):
    return result.draws, result.sum, result.sum_sq


def tally(numbers):
    return dict(zip(("draws", "sum", "sum_sq"), map(str, numbers)))


def worker(result):
    return {
        "name": result.name,
        "busy_ns": result.busy_ns,
        "cpu_ns": result.cpu_ns,
        "blocks": result.blocks,
        "tally": tally(of_tally(result)),
    }
