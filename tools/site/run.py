"""Run every notebook in order, each in a fresh kernel, and write pages and a gallery.

    python -m tools.site.run [names] [--out FOLDER] [--timeout SECONDS PER CELL]

The notebooks in notebooks/ are read and never written. The entrance to the pages is
build/index.html.
"""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.endings import Mistake
from tools.site.kernel import execute, is_run
from tools.site.pages import Site, claim, clock, read, save_pictures
from tools.words import choose, folder, positive

ROOT = Path(__file__).resolve().parent.parent.parent
EVERY = 15  # seconds between two lines where there is no terminal


class Progress:
    """The line that says which notebook and cell is at work, since when, and for how long still."""

    def __init__(self, seconds: dict[str, float | None]):
        """Take the seconds that each notebook took last time; None where that is not known."""
        self.seconds = dict(seconds)
        self.names = list(seconds)
        self.live = sys.stdout.isatty() and not os.environ.get("CI")
        self.start = time.monotonic()
        self.last_line = self.start
        self.notebook_start = self.start
        self.place = 0
        self.cell = 1
        self.cells = 1

    def enter(self, name: str, cells: int) -> None:
        """Note that a notebook with so many code cells starts."""
        self.notebook_start = time.monotonic()
        self.place = self.names.index(name)
        self.cell = 1
        self.cells = cells

    def at(self, cell: int) -> None:
        """Note that a code cell of the notebook starts, counted from 1."""
        self.cell = cell

    def leave(self) -> float:
        """Note that the notebook is over. Returns the seconds it took."""
        elapsed = time.monotonic() - self.notebook_start
        self.seconds[self.names[self.place]] = elapsed
        return elapsed

    def left(self) -> float | None:
        """Estimate the seconds left; None before the time of any notebook is known.

        A notebook is expected to take as long as last time. One that has never been run is
        expected to take the mean of those that have.
        """
        known = [seconds for seconds in self.seconds.values() if seconds is not None]
        if not known:
            return None
        expected = []
        for name in self.names[self.place :]:
            seconds = self.seconds[name]
            expected.append(sum(known) / len(known) if seconds is None else seconds)
        elapsed = time.monotonic() - self.notebook_start
        return max(expected[0] - elapsed, 0) + sum(expected[1:])

    def line(self) -> str:
        """Return the line as it is now."""
        notebook = f"notebook {self.place + 1} of {len(self.names)}, {self.names[self.place]}"
        elapsed = clock(time.monotonic() - self.start)
        line = f"{notebook}, cell {self.cell} of {self.cells}, {elapsed}"
        left = self.left()
        return f"{line}, about {clock(left)} left" if left else line

    def show(self) -> None:
        """Redraw the line on a terminal; elsewhere print it now and then."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print("\r\033[K" + self.line()[:width], end="", flush=True)
        elif time.monotonic() - self.last_line >= EVERY:
            self.last_line = time.monotonic()
            print(self.line(), flush=True)

    def keep(self, line: str) -> None:
        """Print a line that stays, in place of the moving one."""
        print("\r\033[K" + line if self.live else line, flush=True)


async def watched(work: Coroutine, progress: Progress) -> str | None:
    """Await the work and show the progress meanwhile. Returns what the work returns."""
    task = asyncio.create_task(work)
    while not task.done():
        progress.show()
        await asyncio.wait([task], timeout=1)
    return task.result()


async def attempt(
    notebook: nbformat.NotebookNode,
    folder: Path,
    timeout: int,
    progress: Progress,
) -> str | None:
    """Run the cells of a notebook. Returns why it stopped, in one line, or None."""
    try:
        await execute(notebook, folder, timeout, progress.at)
    except Exception as error:  # whatever it is, the other notebooks are run
        return describe(error, timeout)
    return None


def describe(error: Exception, timeout: int) -> str:
    """Say in one line why a notebook stopped."""
    if isinstance(error, CellExecutionError):
        lines = error.evalue.strip().splitlines()
        return f"{error.ename}: {lines[-1]}" if lines else error.ename
    if isinstance(error, CellTimeoutError):
        return f"the cell did not end within {timeout} s"
    if isinstance(error, DeadKernelError):
        return "the kernel died (often because the memory was full)"
    return f"{type(error).__name__}: {error}"


def run(site: Site, name: str, timeout: int, progress: Progress) -> str | None:
    """Run one notebook and write its page. Returns a sentence if it failed."""
    progress.enter(name, cells=1)
    try:
        notebook = read(site.paths[name])
    except Mistake as mistake:
        site.damaged(name, str(mistake))
        site.index()
        progress.leave()
        progress.keep(f"FAILED  {name}, not run")
        return f"{name} failed: {mistake}"
    cells = sum(is_run(cell) for cell in notebook.cells)
    progress.enter(name, cells)
    work = attempt(notebook, site.folder, timeout, progress)
    message = asyncio.run(watched(work, progress))
    seconds = progress.leave()
    failure = {"cell": progress.cell, "message": message} if message else None
    pictures = save_pictures(notebook, name, site.out)
    result = {"seconds": round(seconds, 1), "failure": failure, "pictures": pictures}
    site.page(name, notebook, result)
    site.index()
    mark = "FAILED" if failure else "ok"
    progress.keep(f"{mark:8}{name}, {progress.cell} of {cells} cells, {seconds:.1f} s")
    return f"{name} failed in cell {progress.cell}: {message}" if failure else None


def seconds_last_time(site: Site, name: str) -> float | None:
    """Return the seconds that a notebook took in its last run, if that came to its end."""
    result = site.results[name]
    return None if result["failure"] else result["seconds"]


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Run what the arguments name and say where the pages are. Returns the exit code."""
    program = "python -m tools.site.run"
    parser = argparse.ArgumentParser(program, description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="such as 06 or 06_painting_with_adam")
    parser.add_argument("--out", type=folder, default=root / "build", help="where the pages go")
    parser.add_argument("--timeout", type=positive, default=600, help="seconds of a cell (600)")
    options = parser.parse_args(arguments)

    out = options.out
    site = Site(root / "notebooks", out)
    names = choose(options.names, list(site.paths))
    if not names:
        raise Mistake(f"There are no notebooks in {site.folder}.")
    claim(out, is_ours=out == root / "build")
    site.clean()
    progress = Progress({name: seconds_last_time(site, name) for name in names})
    failures, stopped = run_all(site, names, options.timeout, progress)
    site.index()
    for failure in failures:
        print(failure)
    print(f"The pages and the gallery: {(site.out / 'index.html').as_uri()}")
    if stopped:
        return 130
    return 1 if failures else 0


def run_all(
    site: Site,
    names: list[str],
    timeout: int,
    progress: Progress,
) -> tuple[list[str], bool]:
    """Run notebooks until the last or until Ctrl-C. Returns failures, and whether it was Ctrl-C."""
    failures = []
    try:
        for name in names:
            failure = run(site, name, timeout, progress)
            if failure:
                failures.append(failure)
    except KeyboardInterrupt:
        progress.keep("Stopped by you: what was finished is kept.")
        return failures, True
    return failures, False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
