"""The run of a plan: forecast, workers, progress, report. joblib does the work.

Results are named by what makes them, and each is written whole: so a second call does only what is
missing, whoever was killed before.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

from helpers.exhibit.cluster import Cluster, connected, paint_there
from helpers.exhibit.jobs import LOST, PROGRESS, Done, carry_out
from helpers.exhibit.plan import Job, Plan, WrongPlan, is_whole
from helpers.exhibit.room import cores, has_gpu, painters
from helpers.files import write_file
from helpers.memory import free_memory

__all__ = ["Forecast", "Report", "exhibit", "forecast"]

EVERY = 5  # seconds between two lines of progress at first
SLOWER = 4  # and later a part of the time so far, so that a night does not fill the screen
MOST_TOLD = 4  # jobs in such a line
MOST_DEATHS = 3  # of workers that had not even begun
GIVEN_UP = "its worker was killed, and once more when it painted alone: perhaps the memory was full"
NO_WORKERS = "workers are killed before they begin: perhaps the memory is full"
BROKEN = "the file is not where this machine looks for it"


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


def exhibit(plan: Plan, *, workers: int | None = None) -> Report:
    """Paint what is missing of a plan, here or on the cluster that it names.

    workers: how many paint at once here; None takes as many as cores and memory allow.

    A job that fails becomes a line of report.json, and stops nobody. Ctrl-C ends the jobs that are
    being painted and keeps what is finished. Raises WrongPlan where there is no room, and where a
    cluster cannot be had.
    """
    left = plan.missing()
    found = sorted({job.name for job in plan.jobs} - {job.name for job in left})
    if not left:
        print(described(forecast(plan, left, workers), plan), flush=True)
        _write_report(plan, {})
        return Report([], found, {}, was_stopped=False)
    with connected(plan.scheduler, plan.out) if plan.scheduler else nullcontext() as cluster:
        expected = forecast(plan, left, workers, cluster)
        print(described(expected, plan), flush=True)
        _require_memory(expected, cluster)
        plan.out.mkdir(parents=True, exist_ok=True)
        report = _run(plan, left, found, expected, cluster)
    _write_report(plan, report.failures)
    print(_summary(plan, report), flush=True)
    return report


def _run(
    plan: Plan, left: list[Job], found: list[str], expected: Forecast, cluster: Cluster | None
) -> Report:
    painted: list[str] = []
    failures: dict[str, str] = {}
    was_stopped = False
    with _progress(plan, len(found), len(left)) as state:
        try:
            for done in _carried_out(plan, left, expected, cluster, state):
                if not done.failure and not is_whole(plan.out / f"{done.name}.png"):
                    done = done._replace(failure=BROKEN)
                state.note(done)
                if done.failure:
                    failures[done.name] = done.failure
                else:
                    painted.append(done.name)
        except KeyboardInterrupt:
            was_stopped = True
        except ConnectionError as error:
            print(error, flush=True)
            was_stopped = True
    if was_stopped:  # what was finished in the last moment is told by the folder alone
        still_left = {job.name for job in plan.missing()}
        painted = [job.name for job in left if job.name not in still_left]
    return Report(painted, found, failures, was_stopped)


def forecast(
    plan: Plan, left: list[Job], workers: int | None = None, cluster: Cluster | None = None
) -> Forecast:
    """What the jobs that are left will take; nothing is painted.

    Workers and threads are chosen so that all cores are used and none is used twice.
    """
    core_seconds = 0.0
    largest = 0
    disk = 0
    for job in left:
        needed = plan.needs(job)
        core_seconds += needed.core_seconds
        largest = max(largest, needed.memory)
        disk += needed.disk
    finished = len(plan.jobs) - len(left)
    if cluster is not None:
        return Forecast(
            len(left), finished, core_seconds, largest, disk, cluster.workers, cluster.threads
        )
    if workers is None:
        free = free_memory()
        fit = free // largest if free and largest else len(left)
        workers = max(1, min(painters(), len(left), fit))
    threads = max(1, cores() // workers)
    return Forecast(len(left), finished, core_seconds, largest, disk, workers, threads)


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
        f"{' The time is that of a processor; a GPU needs much less.' if has_gpu() else ''}"
    )


def clock(seconds: float) -> str:
    """Seconds in words that fit: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _require_memory(expected: Forecast, cluster: Cluster | None) -> None:
    """Refuse what cannot fit into memory, before the first job."""
    free = free_memory() if cluster is None else cluster.memory
    at_once = expected.workers if cluster is None else 1
    if free and expected.memory * at_once > free:
        needed = f"the largest painting needs {expected.memory / 1e9:.1f} GB of memory"
        if at_once > 1:
            needed += f" in each of {at_once} workers"
        where = "here" if cluster is None else "in the smallest worker"
        raise WrongPlan(f"Nothing was painted: {needed}, and {free / 1e9:.1f} GB are free {where}.")


# ---- the workers ---------------------------------------------------------------------------------

Painters = Callable[[list[Job], int, int], Iterator[Done]]  # (jobs, workers, threads)


def _carried_out(
    plan: Plan, left: list[Job], expected: Forecast, cluster: Cluster | None, state: "_State"
) -> Iterator[Done]:
    """Paint; where a worker is killed, the others go on.

    Nobody knows which of the jobs that were being painted then was to blame, if any: so those are
    tried again at the end, each alone, with all cores and the whole memory.
    """

    def paint(jobs: list[Job], workers: int, threads: int) -> Iterator[Done]:
        if cluster is not None:
            return _by_dask(plan, jobs, cluster, at_once=workers > 1)
        return _by_cores(plan, jobs, workers, threads)

    suspects = []
    by_name = {job.name: job for job in left}
    for done in _patiently(plan, left, state, paint, expected.workers, expected.threads):
        if done.failure == LOST:
            suspects.append(by_name[done.name])
        else:
            yield done
    all_threads = expected.workers * expected.threads
    for done in _patiently(plan, suspects, state, paint, 1, all_threads):
        yield done._replace(failure=GIVEN_UP) if done.failure == LOST else done


def _patiently(  # noqa: PLR0913 - a run has a plan, jobs and workers, and tells how far it is
    plan: Plan,
    jobs: list[Job],
    state: "_State",
    paint: Painters,
    workers: int,
    threads: int,
) -> Iterator[Done]:
    """Begin again with what is left, whenever all workers are gone because one was killed.

    Yields what is done, and as LOST what was being painted.
    """
    todo = {job.name: job for job in jobs}
    deaths = 0
    while todo:
        try:
            for done in paint(list(todo.values()), workers, threads):
                del todo[done.name]
                deaths = 0
                yield done
            return
        except _WorkerKilled:
            running = state.running()
            state.forget()
        before = len(todo)
        for name in list(todo):
            if is_whole(plan.out / f"{name}.png"):  # finished, and not yet told
                del todo[name]
                yield Done(name, "", 0.0)
            elif name in running:
                del todo[name]
                yield Done(name, LOST, 0.0)
        deaths = deaths + 1 if len(todo) == before else 0
        if deaths == MOST_DEATHS:
            yield from (Done(name, NO_WORKERS, 0.0) for name in todo)
            return


class _WorkerKilled(Exception):
    """A worker was killed, and the others were ended with it."""


def _arguments(plan: Plan, job: Job, threads: int) -> tuple:
    """What `carry_out` is called with."""
    files = {picture: str(plan.path_of(picture).resolve()) for picture in job.pictures()}
    return job, files, str(plan.out.resolve()), threads


def _by_cores(plan: Plan, jobs: list[Job], workers: int, threads: int) -> Iterator[Done]:
    """Paint with processes on this machine."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # For one worker joblib would paint in this process, which a full memory would kill: so there
    # are two, and one job at a time.
    with parallel_config("loky", inner_max_num_threads=threads):
        parallel = Parallel(
            n_jobs=max(2, workers),
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch=workers,
        )
        calls = (
            delayed(carry_out)(*_arguments(plan, job, threads), parent=os.getpid()) for job in jobs
        )
        try:
            yield from parallel(calls)
        except TerminatedWorkerError:
            raise _WorkerKilled from None
        finally:  # they would keep their networks in memory for minutes
            get_reusable_executor().shutdown(kill_workers=True)


def _by_dask(plan: Plan, jobs: list[Job], cluster: Cluster, at_once: bool) -> Iterator[Done]:
    """Paint with the workers of a Dask cluster, all jobs at once or one after the other."""
    calls = [_arguments(plan, job, cluster.threads) for job in jobs]
    for part in [calls] if at_once else [[call] for call in calls]:
        yield from paint_there(cluster, part)


# ---- what is told --------------------------------------------------------------------------------


class _State:
    """How far a run is: what is done, and what each job that runs has reached."""

    def __init__(self, plan: Plan, found: int, left: int):
        self.folder = plan.out / PROGRESS
        self.found = found
        self.left = left
        self.done = 0
        self.start = time.monotonic()

    def note(self, done: Done) -> None:
        self.done += 1
        if done.failure:
            print(f"{done.name}: {done.failure}", flush=True)

    def running(self) -> dict[str, float]:
        """The jobs that are being painted, and the share of each that is done."""
        shares = {}
        for note in self.folder.glob("[!.]*"):
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
        parts = [f"{name.rpartition('_')[0]} {part:.0%}" for name, part in running.items()]
        if parts:
            line += f"; being painted: {', '.join(parts[:MOST_TOLD])}"
        if len(parts) > MOST_TOLD:
            line += f" and {len(parts) - MOST_TOLD} more"
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
        while not is_over.wait(max(EVERY, (time.monotonic() - state.start) / SLOWER)):
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


def _summary(plan: Plan, report: Report) -> str:
    counts = f"{len(report.painted)} painted, {len(report.found)} found"
    line = f"{counts}, {len(report.failures)} failed, of {len(plan.jobs)}."
    if report.was_stopped:
        line = f"Stopped: what is finished is kept. {line} The same call does the rest."
    return line
