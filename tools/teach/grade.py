"""Run the checks of submitted notebooks, and say what each learner got.

    python do.py grade FOLDER [--out OUT] [--seconds N] [--notebook 03]

FOLDER holds notebooks, one for each learner (anna.ipynb), or a folder for each learner, as Moodle
and nbgrader hand them out. OUT (by default build/grades) gets index.html, grades.csv with a row for
each notebook that was handed in, and exercises.csv with a row for each exercise.

Every submission runs in a fresh Python of its own, in a temporary folder, with a time limit for
each exercise, a memory limit, and without network. The original specification and the original
check decide, whatever stands in the submission, and it is said where they were edited. This is no
prison for code that wants to get out: whoever grades people he does not trust does it in a
container (teaching/grading.md).
"""

import argparse
import json
import os
import queue
import secrets
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tools.endings import Mistake
from tools.site import build
from tools.site.pages import claim, clock
from tools.teach import exercises, report
from tools.teach.exercises import Exercise
from tools.teach.handouts import files_in
from tools.teach.submissions import Submission, submissions
from tools.words import choose, folder, positive

MEMORY = 4.0  # GB of one submission, the network and PyTorch included
START = 180  # seconds until PyTorch is imported, on a slow disk
SPECS = 120  # seconds for the original cells
# In a namespace of its own a process sees no network, no other process, and a disk that is
# read-only but for its folder.
UNSHARE = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork"]
UNSHARE += ["--kill-child", "--mount-proc", "sh", "-c"]
READ_ONLY = """
mount --bind "$1" "$1"
while read -r device place rest; do
  place=$(printf '%b' "$place")
  case "$place" in
    "$1"|/proc|/proc/*|/sys|/sys/*|/dev|/dev/*) ;;
    *) mount -o remount,bind,ro "$place" 2>/dev/null ;;
  esac
done < /proc/mounts
cd "$1" || exit 1
shift
exec "$@"
"""


class Result(NamedTuple):
    """What became of one exercise. verdict: passed, failed, not attempted, endless, ..."""

    title: str
    verdict: str
    words: str
    remarks: list[str]


class Graded(NamedTuple):
    """A submission and its results; none, where it is no notebook."""

    submission: Submission
    results: list[Result]
    seconds: float

    @property
    def passed(self) -> int:
        """Count the exercises that passed."""
        return sum(result.verdict == "passed" for result in self.results)

    @property
    def remarks(self) -> list[str]:
        """Return what is to be said beside the verdicts, with the exercise that it is about."""
        return [f"{r.title}: {words}" for r in self.results for words in r.remarks]


class Desk:
    """A temporary folder with a copy of what answers need. Use it in a `with`."""

    def __enter__(self) -> "Desk":
        """Make it, with one copy of the data for all submissions."""
        self.top = Path(tempfile.mkdtemp(prefix="paint-by-gradient-"))
        self.data = self.top / "data"
        for path in files_in(build.ROOT / "data"):
            target = self.data / path.relative_to(build.ROOT / "data")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            if os.name != "nt":
                target.chmod(0o444)
        self.wrap = UNSHARE if can_unshare(self.top) else []
        self.place = self.top / "desk"
        return self

    def __exit__(self, *error: object) -> None:
        """Remove it."""
        shutil.rmtree(self.top, ignore_errors=True)

    def clear(self) -> Path:
        """Return an empty folder with the helpers, the data, and the program that runs answers."""
        shutil.rmtree(self.place, ignore_errors=True)  # what cannot be removed harms nobody
        self.place = place = Path(tempfile.mkdtemp(prefix="desk-", dir=self.top))
        shutil.copytree(build.ROOT / "helpers", place / "helpers", ignore=no_caches)
        shutil.copyfile(Path(__file__).with_name("runner.py"), place / "runner.py")
        (place / "notebooks").mkdir()
        if os.name != "nt":
            (place / "data").symlink_to(self.data, target_is_directory=True)
        else:  # Windows allows links to few
            shutil.copytree(self.data, place / "data")
        return place

    def protection(self) -> str:
        """Say what holds the answers back on this computer."""
        if self.wrap:
            return (
                "Each ran without network, saw no other process, and could write only into its own "
                "temporary folder (namespaces of Linux)."
            )
        return (
            "This system has no namespaces to lend, so only Python itself refused the network, "
            "other processes, and files outside the temporary folder: enough for accidents, and "
            "not for somebody who wants to get out."
        )


no_caches = shutil.ignore_patterns("__pycache__")


def can_unshare(top: Path) -> bool:
    """Try whether the system lends namespaces, and whether the disk is read-only in them."""
    if sys.platform == "linux":
        inside = top / "inside"
        inside.mkdir()
        outside = top / "outside"
        outside.mkdir()
        test = ["sh", "-c", '[ -w "$0" ] && ! [ -w "$1" ]', str(inside), str(outside)]
        command = [*UNSHARE, READ_ONLY, "sh", str(inside), *test]
        with suppress(OSError, subprocess.TimeoutExpired):
            return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    return False


class Job:
    """One process that runs answers. Iterating yields what it tells, as dictionaries."""

    def __init__(self, desk: Desk, jobs: list[dict[str, Any]]):
        """Start it with some exercises."""
        self.place = desk.clear()
        self.token = secrets.token_hex(16)
        command = [sys.executable, str(self.place / "runner.py")]
        if desk.wrap:
            command = [*desk.wrap, READ_ONLY, "sh", str(self.place), *command]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            cwd=self.place / "notebooks",
            env=environment(self.place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
        )
        self.lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        facts = {"folder": str(self.place), "memory": MEMORY, "exercises": jobs}
        with suppress(OSError):  # it ended at once, and `why` says so
            self.process.stdin.write(json.dumps(facts | {"token": self.token}).encode())
            self.process.stdin.close()

    def listen(self) -> None:
        """Take what the process tells; what does not carry the token is somebody else's."""
        for line in self.process.stdout:
            with suppress(ValueError, RecursionError):
                facts = json.loads(line)
                if isinstance(facts, dict) and facts.pop("token", "") == self.token:
                    self.lines.put(facts)
        self.lines.put(None)

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """Return the next thing told; None where the process ended. Raises queue.Empty."""
        return self.lines.get(timeout=seconds)

    def end(self) -> None:
        """End it, with everything that it started."""
        with suppress(OSError):
            if os.name == "nt":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.errors.close()

    def why(self) -> str:
        """Return the last line that the process complained with."""
        self.errors.seek(0)
        lines = self.errors.read()[-4000:].decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it gave no reason"


def environment(place: Path) -> dict[str, str]:
    """Return the variables of a process that runs answers: none of the grader's own secrets."""
    kept = (
        "PATH",
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "CONDA_PREFIX",
    )
    ours = {name: os.environ[name] for name in kept if name in os.environ}
    folders = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "IPYTHONDIR", "MPLCONFIGDIR")
    quiet = {"NST_QUIET": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONDONTWRITEBYTECODE": "1"}
    quiet["PYTHONUSERBASE"] = site.getuserbase()  # HOME leads elsewhere now
    quiet |= {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"), "MPLBACKEND": "agg"}
    return ours | dict.fromkeys(folders, str(place)) | quiet


def grade(one: Submission, desk: Desk, seconds: int) -> Graded:
    """Grade one submission."""
    start = time.monotonic()
    if one.problem:
        return Graded(one, [], 0.0)
    originals = exercises.exercises(one.slug)
    results: dict[int, Result] = {}
    jobs = []
    for place, exercise in enumerate(originals):
        theirs = exercises.answers(exercise.name, one.cells)
        if theirs:
            jobs.append((place, job_of(one, exercise, chosen(theirs, exercise.name))))
        else:
            results[place] = Result(exercise.title, "not attempted", "its cell is missing", [])
    for place, verdict, words, tried in verdicts(jobs, desk, seconds):
        exercise = originals[place]
        remarks = remarks_of(exercise, one.cells) + [f"tried to {what}" for what in tried]
        results[place] = Result(exercise.title, verdict, words, remarks)
    ordered = [results[place] for place in range(len(originals))]
    return Graded(one, ordered, time.monotonic() - start)


def remarks_of(exercise: Exercise, cells: list[str]) -> list[str]:
    """Return what is said of an exercise beside its verdict."""
    theirs = exercises.answers(exercise.name, cells)
    tried = [source for source in theirs if not exercises.is_stub(source, exercise.name)]
    several = [f"{len(tried)} answers, and the last one counts"] if len(set(tried)) > 1 else []
    return exercises.changes(exercise, cells) + several


def chosen(theirs: list[str], name: str) -> str:
    """Return the answer that counts: the last one that is more than the stub."""
    tried = [source for source in theirs if not exercises.is_stub(source, name)]
    return (tried or theirs)[-1]


def job_of(one: Submission, exercise: Exercise, answer: str) -> dict[str, Any]:
    """Return what the runner needs for one exercise."""
    checks = {exercise.check}
    others = [source for source in one.cells if source != answer and source not in checks]
    return {
        "name": exercise.name,
        "specs": exercise.specs,
        "prelude": exercises.prelude(one.slug, answer, exercise.specs, others),
        "answer": exercises.without_checks(answer),
        "check": exercises.with_verdict(exercise.check),
    }


def verdicts(
    jobs: list[tuple[int, dict[str, Any]]], desk: Desk, seconds: int
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Run exercises, and yield for each its place, verdict, sentence, and what it tried.

    One process runs all of them, as long as it lives. After an answer that had to be stopped, or
    that ended it, another one goes on with the next.
    """
    while jobs:
        process = Job(desk, [job for _, job in jobs])
        try:
            done = 0
            for verdict, words, tried in watched(process, len(jobs), seconds):
                yield jobs[done][0], verdict, words, tried
                done += 1
        finally:
            process.end()
        jobs = jobs[done:]


def watched(process: Job, count: int, seconds: int) -> Iterator[tuple[str, str, list[str]]]:
    """Yield verdicts as one process tells them; the last is ours, where it had to be stopped.

    Raises Mistake where the process does not even start.
    """
    is_answer = False
    for _ in range(count):
        while True:
            try:
                facts = process.hear(seconds if is_answer else max(START, SPECS))
            except queue.Empty:
                words = f"it did not end within {seconds} s"
                yield "endless", words, []
                return
            if facts is None:
                if not is_answer:
                    raise Mistake(f"The answers cannot be run on this computer: {process.why()}")
                yield (
                    "ended Python",
                    "Python ended while the answer ran (often: no memory left)",
                    [],
                )
                return
            if "start" in facts:
                is_answer = True
            if "end" in facts:
                is_answer = False
                yield facts["verdict"], facts["words"], facts["tried"]
                if facts["verdict"] in ("tampered", "ended Python"):
                    return
                break


def line(graded: Graded) -> str:
    """Return what the terminal says of a submission."""
    one = graded.submission
    if one.problem:
        return f"{one.learner}: {one.problem}"
    words = [result.verdict for result in graded.results if result.verdict != "passed"]
    rest = f" ({', '.join(words)})" if words else ""
    return f"{one.learner}: {one.slug}, {graded.passed} of {len(graded.results)}{rest}"


def main(arguments: list[str]) -> int:
    """Grade what lies in a folder. Returns the exit code."""
    parser = argparse.ArgumentParser("python do.py grade", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=folder, metavar="FOLDER", help="what was handed in")
    parser.add_argument("--out", type=folder, default=None, help="where verdicts go (build/grades)")
    parser.add_argument("--seconds", type=positive, default=30, help="for each exercise (30)")
    parser.add_argument("--notebook", default="", help="such as 03, if all are the same one")
    options = parser.parse_args(arguments)
    out = options.out or build.ROOT / "build" / "grades"
    if not options.folder.is_dir():
        raise Mistake(f"{options.folder} is no folder: name the one with the submitted notebooks.")
    slug = "".join(choose([options.notebook], build.sources())) if options.notebook else ""
    if out == options.folder:
        raise Mistake(
            f"{out} holds the submissions: let the verdicts go to another folder (--out)."
        )
    found = submissions(options.folder, out, slug)
    if not found:
        raise Mistake(f"There is nothing in {options.folder}: put the submitted notebooks there.")
    claim(out)
    start = time.monotonic()
    everything = []
    with Desk() as desk:
        for one in found:
            everything.append(grade(one, desk, options.seconds))
            print(line(everything[-1]), flush=True)
            report.write(everything, out, desk.protection())  # also what was finished by Ctrl-C
    took = clock(time.monotonic() - start)
    print(f"{len(everything)} in {took} min: {(out / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
