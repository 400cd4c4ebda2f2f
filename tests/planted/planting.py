"""A fault, the place where it is planted, and the tests that have to notice it."""

import ast
import copy
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import jupytext
import nbformat
import pytest

from do import NBVAL
from tests.planted.tree import Edit, NoPlace, make
from tests.planted.values import as_toml
from tests.support import ROOT

PATIENCE = 300  # seconds; a fault may make a loop endless, and then the clock has caught it
# What a copy of the project does without: all that can be made again.
LEFT_OUT = (".git", ".venv", "build", "outputs", "solved", "__pycache__", ".*_cache", ".ipynb_*")
FAILURES = (
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR,
)


class Fault(NamedTuple):
    """One mistake.

    name: what is wrong, in a few words. place: a function, class or variable,
    "helpers.transfer._Run.closure", or a file that is no program, "data/recipes.toml". mistake: an
    edit of tests.planted.operators, or a change of tests.planted.values. tests: the file of tests
    that has to notice it, or one test, "file::test"; several have spaces between them.
    """

    name: str
    place: str
    mistake: Edit | Callable[[Any], None]
    tests: str


def faults_in(module: str, tests: str, *rows: tuple) -> list[Fault]:
    """The faults of one file.

    module: as Python names it, "helpers.transfer". tests: the file that has to notice them, unless
    a row names another. rows: for each fault its name, its place within the module ("" for all of
    it), the mistake, and perhaps its own tests.
    """
    faults = []
    for name, place, mistake, *own_tests in rows:
        full_place = f"{module}.{place}" if place else module
        faults.append(Fault(name, full_place, mistake, *(own_tests or [tests])))
    return faults


class Form(NamedTuple):
    """How the text of a file becomes something that can be changed, and text again."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


PROGRAM = Form(ast.parse, lambda tree: ast.unparse(tree) + "\n")
TABLE = Form(tomllib.loads, as_toml)
NOTEBOOK = Form(
    lambda text: nbformat.reads(text, as_version=4),
    lambda notebook: nbformat.writes(notebook) + "\n",
)
SOURCE_OF_A_NOTEBOOK = Form(
    lambda text: jupytext.reads(text, fmt="py:percent"),
    lambda notebook: jupytext.writes(notebook, fmt="py:percent"),
)
LINES = Form(str.splitlines, lambda lines: "\n".join(lines) + "\n")


def form_of(file: PurePosixPath) -> Form:
    """The form of a file of the project."""
    if file.suffix == ".py":
        return SOURCE_OF_A_NOTEBOOK if file.parent.name == "src" else PROGRAM
    return {".toml": TABLE, ".ipynb": NOTEBOOK, ".yml": LINES}[file.suffix]


def located(place: str, project: Path = ROOT) -> tuple[PurePosixPath, list[str]]:
    """The file of a place, and the names within it.

    "helpers.vgg.VGG.forward" is helpers/vgg.py and ["VGG", "forward"]. Raises NoPlace where there
    is no such file.
    """
    if (project / place).is_file():
        return PurePosixPath(place), []
    first, *names = place.split(".")
    file = PurePosixPath(first)
    while names and (project / file).is_dir():
        file = file / names.pop(0)
    file = file.with_suffix(".py")
    if not (project / file).is_file():
        raise NoPlace(f"there is no file {file}")
    return file, names


def changed(fault: Fault, project: Path = ROOT) -> tuple[PurePosixPath, Any]:
    """The file of a project that a fault changes, and what it holds then, in its form.

    Raises NoPlace, with the name of the fault and its place, where it cannot be planted.
    """
    try:
        file, names = located(fault.place, project)
        text = (project / file).read_text(encoding="utf-8")
        if isinstance(fault.mistake, Edit):
            document = form_of(file).read(text)
            make(fault.mistake, document, names)
        else:
            original = read_once(file, text)
            document = copy.deepcopy(original)
            fault.mistake(document)
            if document == original:
                raise NoPlace("the fault changes nothing")
    except NoPlace as problem:
        raise NoPlace(f"{fault.name!r} cannot be planted in {fault.place}: {problem}") from None
    return file, document


@cache
def read_once(file: PurePosixPath, text: str) -> Any:
    """What a file holds, in its form; a notebook takes long to read, and has many faults."""
    return form_of(file).read(text)


def copy_project(folder: Path) -> None:
    """Copy the project, as it is now, into a folder that does not exist yet."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))


def caught_by(fault: Fault, project: Path) -> str | None:
    """Plant a fault in a copy of the project and run its tests there.

    Returns the first test that fails, or None where all pass. The copy is whole again afterwards.
    Raises NoPlace where the fault cannot be planted.
    """
    file, document = changed(fault, project)
    return failure_with(file, form_of(file).write(document), fault.tests, project)


@cache
def failure_before(file: PurePosixPath, tests: str, project: Path) -> str | None:
    """Run tests with a file written anew that says the same: if they fail, they prove nothing.

    Returns the first test that fails, or None where all pass.
    """
    form = form_of(file)
    same = form.write(form.read((project / file).read_text(encoding="utf-8")))
    return failure_with(file, same, tests, project)


def failure_with(file: PurePosixPath, text: str, tests: str, project: Path) -> str | None:
    """Run tests while a file holds another text. Returns the first test that fails, or None."""
    path = project / file
    whole = path.read_bytes()
    path.write_text(text, encoding="utf-8", newline="\n")
    try:
        return first_failure(tests, project)
    finally:
        path.write_bytes(whole)


def first_failure(tests: str, project: Path) -> str | None:
    """Run test files in a copy of the project.

    Returns the first test that fails, or None. A fault may also break off pytest itself (by an
    interrupt that nobody catches), or make it wait. Raises RuntimeError where nothing can be told:
    there is no such test, or somebody else ended the run.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "-p", "no:cacheprovider"]
    # Two plugins take three seconds of six: no test needs the first, and only notebooks nbval.
    command += ["-p", "no:hypothesispytest"]
    command += NBVAL if ".ipynb" in tests else ["-p", "no:nbval"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            [*command, *tests.split()],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"the clock: {tests} did not end within {PATIENCE} s"
    if run.returncode == pytest.ExitCode.OK:
        return None
    if run.returncode not in FAILURES:
        raise RuntimeError(f"pytest ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    failure = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", run.stdout, re.M)
    return failure[1] if failure else f"the end of pytest itself, in {tests}"
