"""The run of a plan: forecast, workers, progress, report. joblib does the work.

Results are named by what makes them, and each is written whole: so a second call does only what is
missing, whoever was killed before.
"""

import json
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from helpers.exhibit.jobs import PROGRESS, Done, carry_out, evaluations, memory, pixels
from helpers.exhibit.plan import Job, Plan, WrongPlan
from helpers.files import write_file

__all__ = ["Forecast", "Report", "exhibit", "forecast", "missing"]

EVERY = 5  # seconds between two lines of progress
MOST_KILLS = 2  # a job whose worker was killed so often is not tried again
# Seconds of one core for an evaluation of a pixel, in float32; half precision takes about half.
SECONDS_A_PIXEL = 17e-6


class Forecast(NamedTuple):
    """What a plan will take."""

    jobs: int  # that are left
    finished: int
    core_seconds: float
    memory: int  # bytes of the largest job
    disk: int  # bytes of all results
    workers: int
    threads: int  # of each worker


class Report(NamedTuple):
    """What a call has done."""

    painted: list[str]
    found: list[str]  # finished by an earlier call
    failures: dict[str, str]  # job -> sentence
    was_stopped: bool


def exhibit(plan: Plan, *, workers: int | None = None, scheduler: str | None = None) -> Report:
    """Paint what is missing of a plan.

    workers: how many paint at once; None takes as many as cores and memory allow. scheduler: the
    address of a Dask cluster, such as tcp://127.0.0.1:8786, whose workers paint instead.

    A job that fails becomes a line of report.json, and stops nobody. Ctrl-C ends the jobs that are
    being painted and keeps what is finished. Raises WrongPlan where there is no room.
    """
    left = missing(plan)
    found = sorted(names_of(plan.jobs) - names_of(left))
    expected = forecast(plan, left, workers)
    print(described(expected, plan), flush=True)
    if not left:
        return Report([], found, {}, was_stopped=False)
    _require_room(plan, expected)
    painted: list[str] = []
    failures: dict[str, str] = {}
    was_stopped = False
    with _progress(plan, len(found), len(left)) as state:
        try:
            for done in _carried_out(plan, left, expected, scheduler, state):
                state.note(done)
                if done.failure:
                    failures[done.name] = done.failure
                else:
                    painted.append(done.name)
        except KeyboardInterrupt:
            was_stopped = True
    _write_report(plan, failures)
    print(_summary(plan, found, painted, failures, was_stopped), flush=True)
    return Report(painted, found, failures, was_stopped)


def names_of(jobs: list[Job]) -> set[str]:
    """What jobs are called."""
    return {job.name for job in jobs}


def missing(plan: Plan) -> list[Job]:
    """The jobs of a plan whose results are not there."""
    try:
        there = {entry.name for entry in os.scandir(plan.out)}
    except FileNotFoundError:
        there = set()
    except NotADirectoryError:
        raise WrongPlan(f"{plan.out} is a file: out has to be a folder") from None
    return [job for job in plan.jobs if f"{job.name}.png" not in there]


def forecast(plan: Plan, left: list[Job], workers: int | None = None) -> Forecast:
    """What the jobs that are left will take; nothing is painted."""
    sides: dict[str, tuple[int, int]] = {}
    core_seconds = 0.0
    largest = 0
    disk = 0
    for job in left:
        if job.content not in sides:
            with Image.open(plan.path_of(job.content)) as image:
                sides[job.content] = image.size
        count = pixels(job, sides[job.content])
        share = 1.0 if job.precision == "float32" else 0.5
        core_seconds += evaluations(job) * count * SECONDS_A_PIXEL * share
        largest = max(largest, memory(count))
        disk += 3 * count
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if workers is None:
        fit = free_memory() // largest if largest and free_memory() else cores
        workers = max(1, min(cores, len(left), fit))
    threads = max(1, cores // workers)
    finished = len(plan.jobs) - len(left)
    return Forecast(len(left), finished, core_seconds, largest, disk, workers, threads)


def free_memory() -> int:
    """Bytes that are free for programs; 0 where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    numbers = dict(line.split(":", 1) for line in lines)
    return int(numbers["MemAvailable"].split()[0]) * 1024


def described(expected: Forecast, plan: Plan) -> str:
    """A forecast in words."""
    total = expected.jobs + expected.finished
    if not expected.jobs:
        return f"All {total} paintings are in {plan.out}: nothing is left to do."
    wall = expected.core_seconds / (expected.workers * expected.threads)
    return (
        f"{expected.jobs} of {total} paintings are to be made, in {plan.out}: about "
        f"{clock(wall)} with {expected.workers} worker(s) of {expected.threads} thread(s), "
        f"{expected.memory / 1e9:.1f} GB of memory for each, {expected.disk / 1e6:.0f} MB on disk."
    )


def clock(seconds: float) -> str:
    """Seconds in words that fit: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _require_room(plan: Plan, expected: Forecast) -> None:
    """Refuse what cannot fit into memory or onto the disk, before the first job."""
    free = free_memory()
    problems = []
    if free and expected.memory > free:
        needed = f"{expected.memory / 1e9:.1f} GB of memory"
        problems.append(f"the largest painting needs {needed}, and {free / 1e9:.1f} are free")
    folder = plan.out
    while not folder.exists():
        folder = folder.parent
    room = shutil.disk_usage(folder).free
    if expected.disk > room:
        needed = f"{expected.disk / 1e6:.0f} MB"
        problems.append(f"the results need {needed}, and {room / 1e6:.0f} are free in {folder}")
    if problems:
        raise WrongPlan(f"Nothing was painted: {'; '.join(problems)}.")
    plan.out.mkdir(parents=True, exist_ok=True)


# ---- the workers ---------------------------------------------------------------------------------


def _carried_out(
    plan: Plan, left: list[Job], expected: Forecast, scheduler: str | None, state: "_State"
) -> Iterator[Done]:
    """Let workers paint; where one is killed, the others go on with what is left."""
    if scheduler is not None:
        yield from _by_dask(plan, left, scheduler)
        return
    kills: Counter[str] = Counter()
    todo = {job.name: job for job in left}
    while todo:
        try:
            for done in _by_cores(plan, list(todo.values()), expected):
                del todo[done.name]
                yield done
        except _WorkerKilled:
            for job in missing(plan):  # some may be finished, and their workers died after that
                if job.name in state.running():
                    kills[job.name] += 1
            for name in list(todo):
                if kills[name] >= MOST_KILLS:
                    del todo[name]
                    yield Done(name, "its worker was killed twice: perhaps the memory was full", 0)
            finished = set(todo) - names_of(missing(plan))
            for name in finished:
                del todo[name]
                yield Done(name, "", 0)
            state.forget()


class _WorkerKilled(Exception):
    """A worker was killed, and its jobs with it."""


def _arguments(plan: Plan, job: Job, threads: int) -> tuple:
    masks = [str(mask).removeprefix("not ") for mask in job.control.get("masks", [])]
    masks += [job.control["protected"][0]] if "protected" in job.control else []
    pictures = [job.content, *job.styles, *masks]
    files = {picture: str(plan.path_of(picture).resolve()) for picture in pictures}
    return job, files, str(plan.out.resolve()), threads


def _by_cores(plan: Plan, jobs: list[Job], expected: Forecast) -> Iterator[Done]:
    """Paint with processes on this machine."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with parallel_config("loky", inner_max_num_threads=expected.threads):
        parallel = Parallel(
            n_jobs=expected.workers,
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="all",
        )
        calls = (delayed(carry_out)(*_arguments(plan, job, expected.threads)) for job in jobs)
        try:
            yield from parallel(calls)
        except TerminatedWorkerError:
            raise _WorkerKilled from None


def _by_dask(plan: Plan, jobs: list[Job], scheduler: str) -> Iterator[Done]:
    """Paint with the workers of a Dask cluster; it gives a killed worker's jobs to the others."""
    try:
        from distributed import Client
        from joblib import Parallel, delayed, parallel_config
    except ImportError:
        advice = 'pip install "dask[distributed]"'
        raise WrongPlan(
            f"a cluster needs Dask: {advice}, on this machine and its workers"
        ) from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise WrongPlan(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client, parallel_config("dask", client=client):
        parallel = Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(carry_out)(*_arguments(plan, job, 1)) for job in jobs)


# ---- what is said --------------------------------------------------------------------------------


class _State:
    """How far a run is: what is done, and what each job that runs has reached."""

    def __init__(self, plan: Plan, found: int, left: int):
        self.folder = plan.out / PROGRESS
        self.found = found
        self.left = left
        self.done = 0
        self.failed = 0
        self.start = time.monotonic()

    def note(self, done: Done) -> None:
        self.done += 1
        self.failed += bool(done.failure)
        if done.failure:
            print(f"{done.name}: {done.failure}", flush=True)

    def running(self) -> dict[str, float]:
        """The jobs that are being painted, and the share of each that is done."""
        shares = {}
        for note in self.folder.glob("*") if self.folder.is_dir() else ():
            try:
                shares[note.name] = json.loads(note.read_text())["share"]
            except (OSError, ValueError, KeyError):  # it was finished in this moment
                continue
        return shares

    def forget(self) -> None:
        """Remove the notes of workers that are gone."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def line(self) -> str:
        running = self.running()
        share = (self.done + sum(running.values())) / max(1, self.left)
        line = f"{self.found + self.done} of {self.found + self.left} paintings are done"
        parts = [f"{name.rpartition('_')[0]} {share:.0%}" for name, share in running.items()]
        if parts:
            line += f"; being painted: {', '.join(parts[:4])}"
        seconds = time.monotonic() - self.start
        if share > 0.02:
            line += f"; about {clock(seconds / share * (1 - share))} left"
        return line + "."


@contextmanager
def _progress(plan: Plan, found: int, left: int) -> Iterator[_State]:
    """Print a line every few seconds while others paint."""
    state = _State(plan, found, left)
    state.forget()
    is_over = threading.Event()

    def tell() -> None:
        while not is_over.wait(EVERY):
            print(state.line(), flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        is_over.set()
        thread.join()
        state.forget()


def _write_report(plan: Plan, failures: dict[str, str]) -> None:
    """report.json: what failed in the last call, and why."""
    report = {"title": plan.title, "jobs": len(plan.jobs), "failures": failures}
    write_file(plan.out / "report.json", json.dumps(report, indent=1, ensure_ascii=False))


def _summary(
    plan: Plan, found: list[str], painted: list[str], failures: dict, was_stopped: bool
) -> str:
    total = len(plan.jobs)
    line = f"{len(painted)} painted, {len(found)} found, {len(failures)} failed, of {total}."
    if was_stopped:
        line = f"Stopped by you: what is finished is kept. {line} The same call does the rest."
    return line
