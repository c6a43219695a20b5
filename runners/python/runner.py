"""One visit, in Python: what all runners of this directory share.

A runner is a file for one facility. It defines a context manager `team(visit, share)`
that gives a function; each call of that hands out the shares of the workers, waits,
and returns their answers in the order of the shares. What the facility keeps
between calls (a pool) is made when the context is entered, and what its users pay
in every call (processes) is made inside the call. `main(team)` does the rest.
docs/RUNNER.md describes what is read and said.

The word `loop` on the command line asks for the notebook's plain loop in place of
NumPy."""

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

# What a worker says of its share. All but the name are integers.
Answer = namedtuple(
    "Answer", "name pid blocks draws sum sum_sq busy_ns cpu_ns user_ns system_ns max_rss_bytes"
)


class Refusal(Exception):
    """What this runner cannot do."""


class Visit:
    """What the harness asks for."""

    def __init__(self, asked, form):
        self.kernel, self.form = asked["kernel"], form
        self.nthread = asked["nthread"]
        self.inner_nthread = asked.get("inner_nthread") or 1
        self.block, self.blocks = asked["block"], asked["blocks"]
        self.seed = int(asked["seed"])
        self.warmup, self.iterations = asked["warmup"], asked["iterations"]
        # The default differs between versions of Python, so it is named.
        self.processes = multiprocessing.get_context(asked.get("start_method") or "fork")
        pin = asked.get("pin")
        self.cpus = [set_of(cpus) for cpus in pin] if pin else [None] * self.nthread

    def shares(self):
        """Consecutive blocks for each worker, as even as can be."""
        bounds = [self.blocks * worker // self.nthread for worker in range(self.nthread + 1)]
        parts = zip(range(self.nthread), bounds, bounds[1:], self.cpus)
        return [
            Share(worker, self.kernel, self.form, self.block, first, last, self.seed, cpus)
            for worker, first, last, cpus in parts
        ]


def set_of(cpus):
    """The set that a list such as `0-3,8` stands for."""
    ends = [part.split("-") for part in cpus.split(",")]
    return {cpu for end in ends for cpu in range(int(end[0]), int(end[-1]) + 1)}


def list_of(cpus):
    return ",".join(str(cpu) for cpu in sorted(cpus))


def pin(cpus):
    """Pins this thread, and looks whether the system took all of the mask."""
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
        if os.sched_getaffinity(0) != cpus:
            raise Refusal(f"CPUs {list_of(cpus)} were asked for, and not all of them taken")


_problem = None


def start_in_place(cpus_of_workers, counter):
    """What a worker of a pool does first: it takes the next place. An initializer
    that fails would be started again for ever, so the first share tells."""
    global _problem
    with counter.get_lock():
        worker = counter.value
        counter.value += 1
    try:
        pin(cpus_of_workers[worker % len(cpus_of_workers)])
    except (OSError, Refusal) as problem:
        _problem = f"cannot pin a worker: {problem}"


def initializer(visit):
    """`initializer` and `initargs` of a pool."""
    return {
        "initializer": start_in_place,
        "initargs": (visit.cpus, visit.processes.Value("i", 0)),
    }


def work(share):
    """Computes a share. Runs in the worker."""
    if _problem:
        raise Refusal(_problem)
    draws = (share.last - share.first) * share.block
    is_alone = threading.current_thread() is threading.main_thread()
    # In a process of its own, threads of a library are the worker's too.
    usage = resource.RUSAGE_SELF if is_alone else resource.RUSAGE_THREAD
    cpu_time = time.process_time_ns if is_alone else time.thread_time_ns
    before, cpu = resource.getrusage(usage), cpu_time()
    start = time.perf_counter_ns()
    total, total_sq = tally_of(share)
    busy_ns = time.perf_counter_ns() - start
    cpu_ns, after = cpu_time() - cpu, resource.getrusage(usage)
    process = multiprocessing.current_process().name
    return Answer(
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


def work_in_place(share):
    """The same in a process of its own, which pins itself. Returns what went wrong."""
    try:
        pin(share.cpus)
        return work(share)
    except Exception as problem:
        return problem


def tally_of(share):
    """Sum and sum of squares over the draws of a share."""
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


# Each form, the kernels that it knows, and how it is checked.
FORMS = {
    "numpy": (["pi"], "exact"),
    "blas": (["matmul"], "exact"),
    "loop": (["pi", "pi-rand"], "z"),
    "global": (["pi", "pi-rand"], "z"),
}


def say(key, **fields):
    print(json.dumps({key: fields}), flush=True)


def main(team, form="numpy", are_seen=True, can_pin=True):
    """Makes one visit. `are_seen`: whether the times of all processes are known."""
    asked = json.load(sys.stdin)
    form = "loop" if "loop" in sys.argv[1:] else form
    try:
        visit = Visit(asked, form)
        check(visit, asked, can_pin)
        say("hello", protocol=1, check=FORMS[form][1], build=build(form))
        make(visit, team, are_seen)
        leave(0)
    except Exception as problem:
        say("error", message=f"{type(problem).__name__}: {problem}")
        leave(1)


def leave(status):
    """Ends this program and, before it, the trackers of shared resources, which
    would end a moment after it: nothing may be left behind. What runs at an exit is
    run first, since it would start them again."""
    atexit._run_exitfuncs()
    for name in ("multiprocessing", "joblib.externals.loky.backend"):
        tracker = sys.modules.get(name + ".resource_tracker")
        stop = getattr(getattr(tracker, "_resource_tracker", None), "_stop", None)
        if stop:
            stop()
    sys.stdout.flush()
    os._exit(status)


def check(visit, asked, can_pin):
    kernels = FORMS[visit.form][0]
    if visit.kernel not in kernels:
        raise Refusal(f"this runner knows {' and '.join(kernels)}, not {visit.kernel}")
    if visit.inner_nthread > 1 and visit.form != "blas":
        raise Refusal("these workers have no threads inside them")
    if asked.get("pin") and not can_pin:
        raise Refusal("this facility starts its workers itself: they cannot be pinned")


def build(form):
    """Versions of what computes. It is all loaded here, before any fork: a worker
    that is forked in each call must not load it in each call."""
    versions = "Python " + sys.version.split()[0]
    if form == "loop":
        import loop  # noqa: F401

        return versions
    import blocks

    if form == "global":
        import notebook  # noqa: F401
    versions += ", NumPy " + blocks.numpy.__version__
    return versions + ", " + blocks.blas() if form == "blas" else versions


def make(visit, team, are_seen):
    shares, most_rss_bytes = visit.shares(), 0
    start = time.perf_counter_ns()
    with contextlib.ExitStack() as stack:
        call = stack.enter_context(team(visit, shares))
        say("setup", wall_ns=time.perf_counter_ns() - start)
        for key in ["warmup"] * visit.warmup + ["call"] * visit.iterations:
            fields, rss_bytes = timed(call, are_seen)
            most_rss_bytes = max(most_rss_bytes, rss_bytes)
            say(key, **fields)
        start = time.perf_counter_ns()
    say("teardown", wall_ns=time.perf_counter_ns() - start)
    own_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    asked = [cpus for cpus in visit.cpus if cpus]
    cpus = set().union(*asked) if asked else os.sched_getaffinity(0)
    say("done", max_rss_bytes=own_bytes + most_rss_bytes, cpus=list_of(cpus))


def timed(call, are_seen):
    """One call: its line, and the memory of its workers."""
    before = usage()
    start = time.perf_counter_ns()
    answers = call()
    wall_ns = time.perf_counter_ns() - start
    spent = [after - early for early, after in zip(before, usage())]
    for problem in answers:
        if isinstance(problem, Exception):
            raise problem
    fields = {
        "wall_ns": wall_ns,
        "tally": tally([sum(parts) for parts in zip(*map(of_tally, answers))]),
        "workers": [worker(answer) for answer in answers],
    }
    others = {answer.pid: answer for answer in answers if answer.pid != os.getpid()}
    if are_seen:
        # Processes that were waited for are in the times of this one's children.
        living = [answer for answer in answers if is_alive(answer.pid)]
        fields["user_ns"] = spent[0] + sum(answer.user_ns for answer in living)
        fields["system_ns"] = spent[1] + sum(answer.system_ns for answer in living)
    return fields, sum(answer.max_rss_bytes for answer in others.values())


def usage():
    """User and system time of this process and of children that it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return [int(sum(getattr(one, field) for one in both) * 1e9) for field in ("ru_utime", "ru_stime")]


def is_alive(pid):
    return pid != os.getpid() and os.path.exists(f"/proc/{pid}")


def of_tally(answer):
    return answer.draws, answer.sum, answer.sum_sq


def tally(numbers):
    return dict(zip(("draws", "sum", "sum_sq"), map(str, numbers)))


def worker(answer):
    return {
        "name": answer.name,
        "busy_ns": answer.busy_ns,
        "cpu_ns": answer.cpu_ns,
        "blocks": answer.blocks,
        "tally": tally(of_tally(answer)),
    }
