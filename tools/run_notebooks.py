"""Run every notebook in order, each in a fresh kernel, and write build/index.html: the pages and a gallery.

    python tools/run_notebooks.py [names] [--out FOLDER] [--timeout SECONDS PER CELL]

The notebooks in notebooks/ are read and never written.
"""

import argparse
import asyncio
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import nbformat
from ipykernel.kernelspec import make_ipkernel_cmd
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pages import Site, clock, read, save_pictures

ROOT = Path(__file__).resolve().parent.parent
WIDGET = "application/vnd.jupyter.widget-view+json"
EVERY = 15  # seconds between two lines where there is no terminal


class ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs this file, whatever else is installed under the same name."""

    def get_kernel_spec(self, kernel_name):
        """Return the running interpreter's kernel for every name."""
        return KernelSpec(argv=make_ipkernel_cmd(), display_name="Python 3", language="python")


class Progress:
    """The line that says which notebook and cell is at work, since when, and for how long still."""

    def __init__(self, plan):
        """Take, for each notebook, the seconds its code cells took last time (None: not known)."""
        self.plan = plan
        self.queue = [guess for guesses in plan.values() for guess in guesses]
        self.live = sys.stdout.isatty() and not os.environ.get("CI")
        self.start = self.told = self.began = time.monotonic()
        self.place, self.done = "", 0

    def at(self, name, cell):
        """Note that this code cell (from 1) of this notebook starts; past the last one: that it is over."""
        names, total = list(self.plan), len(self.plan[name])
        before = sum(len(self.plan[other]) for other in names[: names.index(name)])
        self.done, self.began = before + min(cell - 1, total), time.monotonic()
        self.place = f"notebook {names.index(name) + 1} of {len(names)}, {name}, cell {min(cell, total)} of {total}"

    def left(self):
        """Estimate the seconds left: last run's time for each cell, else the mean of this run's; None: no idea."""
        if not self.done and None in self.queue:
            return None
        mean = (self.began - self.start) / max(self.done, 1)
        rest = [mean if guess is None else guess for guess in self.queue[self.done :]]
        return max(rest[0] - (time.monotonic() - self.began), 0) + sum(rest[1:]) if rest else 0

    def show(self):
        """Redraw the line on a terminal; elsewhere print it now and then."""
        now, left = time.monotonic(), self.left()
        line = f"{self.place}, {clock(now - self.start)}" + (f", about {clock(left)} left" if left else "")
        if self.live:
            print("\r\033[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
        elif now - self.told >= EVERY:
            self.told = now
            print(line, flush=True)

    def say(self, line):
        """Print a line that stays."""
        print(("\r\033[K" if self.live else "") + line, flush=True)


class Run:
    """One notebook's way through a fresh kernel."""

    def __init__(self, notebook, folder, timeout, started):
        """Take the notebook, its folder, the seconds a cell may take, and whom to tell that a code cell starts."""
        self.started, self.timeout, self.marks, self.seen = started, timeout, [], set()
        self.client = NotebookClient(
            notebook,
            km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython()),
            timeout=timeout,
            resources={"metadata": {"path": str(folder)}},
            on_cell_start=self.start,
            on_cell_executed=self.end,
            extra_arguments=["--log-level=ERROR"],
            shutdown_kernel="immediate",
        )
        self.client.log.disabled = True  # what it would log is in the summary

    def start(self, cell, cell_index):
        """Note when a code cell starts."""
        if is_run(cell):
            self.marks.append(time.monotonic())
            self.started(len(self.marks))

    def end(self, cell, cell_index, execute_reply):
        """Put on the page what the cell's widgets show, and let an error inside one count as the cell's."""
        for output in cell.outputs:
            if WIDGET in output.get("data", {}) and not any(kind.startswith("image/") for kind in output.data):
                output.data = nbformat.from_dict({"text/plain": "(a widget: run this notebook to use it)"})
        for key, state in self.client.widget_state.items():
            if key not in self.seen and state.get("outputs"):
                self.seen.add(key)
                cell.outputs += nbformat.from_dict(state["outputs"])
        broken = [output for output in cell.outputs if output.output_type == "error"]
        if broken and execute_reply["content"]["status"] == "ok":
            raise CellExecutionError("", broken[0].ename, broken[0].evalue)

    def go(self, show):
        """Run the cells. Returns the seconds each code cell took, and the failure or None."""
        begin = time.monotonic()
        error = wait_for(self.client.async_execute(cleanup_kc=True), show)
        ends = [begin, *self.marks[1:], time.monotonic()]  # the start of the kernel counts for the first cell
        seconds = [round(after - before, 2) for before, after in zip(ends, ends[1:], strict=False)]
        failure = {"cell": len(self.marks), "message": describe(error, self.timeout)} if error else None
        return seconds[: len(self.marks)], failure


def is_run(cell):
    """Tell whether this cell will be executed."""
    return cell.cell_type == "code" and bool(cell.source.strip())


def wait_for(work, show):
    """Run a coroutine in a thread of its own and call show meanwhile. Returns its exception; Ctrl-C cancels it."""
    runner, done, errors = asyncio.Runner(), threading.Event(), []
    loop = runner.get_loop()
    task = loop.create_task(work)

    async def settle():
        errors.extend(await asyncio.gather(task, return_exceptions=True))

    def finish():
        with runner:  # ends with all tasks that are left
            runner.run(settle())
        done.set()

    threading.Thread(target=finish, daemon=True).start()
    try:
        while not done.wait(0.2):
            show()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        done.wait()
        raise
    return errors[0] if isinstance(errors[0], BaseException) else None


def describe(error, timeout):
    """Say in one line why a notebook stopped."""
    if isinstance(error, CellExecutionError):
        last = (error.evalue.strip().splitlines() or [""])[-1]
        return f"{error.ename}: {last}".rstrip(": ")
    if isinstance(error, CellTimeoutError):
        return f"the cell did not end within {timeout} s"
    if isinstance(error, DeadKernelError):
        return "the kernel died (often because the memory was full)"
    return f"{type(error).__name__}: {error}"


def plan(site, names):
    """Return, for each notebook, the seconds each of its code cells took last time, or None for each."""
    times = {}
    for name in names:
        count = sum(map(is_run, read(site.paths[name]).cells))
        known = site.results.get(name, {}).get("cells", [])
        times[name] = known if len(known) == count else [None] * count
    return times


def run(site, names, timeout, progress):
    """Run the notebooks one after the other and write their pages. Returns the failures by name."""
    failures = {}
    for name in names:
        begin, notebook = time.monotonic(), read(site.paths[name])
        progress.at(name, 1)
        work = Run(notebook, site.folder, timeout, lambda cell, name=name: progress.at(name, cell))
        seconds, failure = work.go(progress.show)
        progress.at(name, len(progress.plan[name]) + 1)
        known = {"seconds": round(time.monotonic() - begin, 1), "cells": seconds, "failure": failure}
        site.page(name, notebook, {**known, "pictures": save_pictures(notebook, name, site.out)})
        site.index()
        progress.say(f"{'FAILED' if failure else 'ok':8}{name}, {len(seconds)} cells, {known['seconds']} s")
        if failure:
            failures[name] = failure
    return failures


def choose(wanted, paths):
    """Return the notebooks named by their stems, file names or numbers; all, if none is named."""
    stems = [Path(word).stem for word in wanted]
    unknown = [stem for stem in stems if not any(stem in (name, name.split("_")[0]) for name in paths)]
    if unknown:
        sys.exit(f"There is no notebook {', '.join(unknown)}; there are: {', '.join(paths)}.")
    return [name for name in paths if not stems or name in stems or name.split("_")[0] in stems]


def parse(arguments, root):
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="the notebooks to run, such as 06 or 06_painting_with_adam")
    parser.add_argument("--out", type=Path, default=root / "build", help="where the pages go (build/)")
    parser.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take (600)")
    return parser.parse_args(arguments)


def main(arguments=None, root=ROOT):
    """Run what the arguments name and say where the pages are. Returns the exit code."""
    options = parse(arguments, root)
    site = Site(root / "notebooks", options.out.resolve())
    names = choose(options.names, site.paths)
    if not names:
        sys.exit(f"There are no notebooks in {site.folder}.")
    site.clean()
    stopped, failures = False, {}
    try:
        failures = run(site, names, options.timeout, Progress(plan(site, names)))
    except KeyboardInterrupt:
        print("\nStopped by you: what was finished is kept.")
        stopped = True
    site.index()
    for name, failure in failures.items():
        print(f"{name} failed in cell {failure['cell']}: {failure['message']}")
    print(f"The pages and the gallery: {(site.out / 'index.html').as_uri()}")
    return 130 if stopped else int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
