"""What was handed in: which files, by whom, of which notebook; and what is no notebook."""

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools.site import build
from tools.teach.exercises import exercises, plain_python

LARGEST = 100  # MB of a file that is read
IGNORED = {"__MACOSX", "Thumbs.db", "desktop.ini", "__pycache__"}
# What Moodle adds to a learner's name when all submissions are downloaded.
OF_MOODLE = re.compile(r"_\d+_assignsubmission_\w+$")


class Unreadable(Exception):
    """A file that is no notebook of Python; the message says what it is instead."""


class Submission(NamedTuple):
    """One file. problem: why it cannot be graded, or "". slug: the notebook; "" if unknown."""

    learner: str
    file: str
    slug: str
    cells: list[str]  # the sources of the code cells
    problem: str


def submissions(folder: Path, leave_out: Path | None = None, slug: str = "") -> list[Submission]:
    """Return what lies in a folder, one for each notebook, and for each learner without one.

    leave_out: a folder within that holds no submissions. slug: the notebook that all of them are,
    if that is known.
    """
    paths: dict[str, list[Path]] = {}
    for path in files_in(folder, leave_out):
        paths.setdefault(learner_of(path.relative_to(folder)), []).append(path)
    found = []
    for learner, theirs in sorted(paths.items()):
        notebooks = [path for path in theirs if path.suffix == ".ipynb"]
        for path in notebooks or theirs:  # what lies beside a notebook is its learner's own matter
            found.append(submission(folder, learner, path, slug))
    return found


def files_in(folder: Path, leave_out: Path | None) -> list[Path]:
    """Return the files of a folder and of those within, without what systems leave behind."""
    found = []
    for place, folders, names in os.walk(folder):
        wanted = [name for name in folders if not is_ignored(name)]
        links = [name for name in wanted if Path(place, name).is_symlink()]
        here = [Path(place, name) for name in [*names, *links] if not is_ignored(name)]
        folders[:] = [n for n in wanted if Path(place, n).resolve() != leave_out and n not in links]
        found += here
    return sorted(found)


def is_ignored(name: str) -> bool:
    """Tell whether nobody handed in a file or folder of this name on purpose."""
    return name.startswith(".") or name in IGNORED


def learner_of(path: Path) -> str:
    """Return whose a file is: its folder's name, or what stands before or behind the notebook's."""
    if len(path.parts) > 1:
        return OF_MOODLE.sub("", path.parts[0])
    stem = OF_MOODLE.sub("", path.stem)
    for slug in build.sources():
        stem = re.sub(rf"[\s_-]*\b(?:{slug})\b[\s_-]*|[\s_-]*{slug}$|^{slug}[\s_-]*", "", stem)
    return stem or path.stem


def submission(folder: Path, learner: str, path: Path, slug: str) -> Submission:
    """Read one file."""
    file = path.relative_to(folder).as_posix()
    try:
        cells = code_in(path)
        slug = slug or notebook_of(path.stem, cells)
    except Unreadable as problem:
        return Submission(learner, file, "", [], str(problem))
    return Submission(learner, file, slug, cells, "")


def code_in(path: Path) -> list[str]:
    """Return the code cells of a file. Raises Unreadable."""
    if path.is_symlink():
        raise Unreadable("no notebook: a link to another file")
    if path.suffix != ".ipynb":
        raise Unreadable(f"no notebook: a file that ends in {path.suffix or 'nothing'}")
    if path.stat().st_size > LARGEST * 1e6:
        raise Unreadable(f"no notebook: a file of more than {LARGEST} MB")
    content = path.read_bytes()
    if not content.strip():
        raise Unreadable("no notebook: an empty file")
    if content.startswith(b"PK"):
        raise Unreadable("no notebook: a zip archive with another name; unpack it first")
    try:
        document = json.loads(content.decode("utf-8-sig"))
        notebook = nbformat.from_dict(document)
        if notebook["nbformat"] < 4:
            notebook = nbformat.convert(notebook, 4)
        language = language_of(notebook)
        cells = [source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except Exception as error:  # whatever may be written in a file of this name
        raise Unreadable(f"no notebook: damaged ({type(error).__name__})") from error
    if language != "python":
        raise Unreadable(f"no notebook of Python: its language is {language}")
    return cells


def language_of(notebook: nbformat.NotebookNode) -> str:
    """Return the language of a notebook's kernel; Python, where it does not say."""
    metadata = notebook.get("metadata", {})
    info = metadata.get("language_info", {}).get("name", "")
    spec = metadata.get("kernelspec", {})
    word = spec.get("language") or info or "python"
    return "python" if word.lower().startswith(("python", "ipython")) else str(word)[:40]


def source_of(cell: nbformat.NotebookNode) -> str:
    """Return a cell's text, which may be stored as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def notebook_of(stem: str, cells: list[str]) -> str:
    """Return the slug of the notebook that these cells come from. Raises Unreadable for none.

    The cells decide, because files get renamed and cell ids get lost; the name of the file decides
    where they do not, among notebooks whose exercises have the same names.
    """
    points = {slug: likeness(slug, cells) for slug in build.sources()}
    best = max(points.values(), default=0)
    likely = [slug for slug, value in points.items() if value == best and best]
    named = [slug for slug in likely or points if slug in stem]
    if named or len(likely) == 1:
        return (named or likely)[0]
    raise Unreadable("no notebook of this series: none of its exercises is in there")


def likeness(slug: str, cells: list[str]) -> int:
    """Return how many cells of a notebook's exercises, or at least their functions, are there."""
    text = "\n".join(cells)
    same = sum(cell in fingerprints(slug) for cell in set(cells))
    names = sum(f"def {exercise.name}(" in text for exercise in exercises(slug))
    return 10 * same + names


@cache
def fingerprints(slug: str) -> frozenset[str]:
    """Return the code cells of a notebook that no other has: all but the setup."""
    cells = build.code_cells(build.assemble(slug))
    return frozenset(
        cell.source for cell in cells if "setup" not in cell.metadata.get("tags", [])
    ) - {""}


def is_python(cells: list[str]) -> bool:
    """Tell whether any of some cells is Python."""
    return any(plain_python(source) for source in cells)
