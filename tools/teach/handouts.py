"""The notebooks to give away: for learners, without solutions; for you, with all of them.

What learners get is a whole series of its own, with the helpers and the pictures beside the
notebooks, because the repository, from which the setup cell would fetch them, holds the solutions.
"""

import base64
import os
import re
import zlib
from pathlib import Path

import nbformat

from tools.endings import Mistake
from tools.site import build
from tools.teach.shelf import Shelf

LEARNERS = "the learners' notebooks"
SOLVED = "the solved notebooks"
# What a folder of helpers or data may hold beside what belongs to it.
LEFT_OUT = ("__pycache__", ".ipynb_checkpoints")
WIDTH = 84  # letters of a line of a packed cell
# What 00 says of every notebook, and what is true of those without solutions.
PROMISE = ("hints and a solution", "hints")

SETUP = """# Setup: run me first. It finds the folder that belongs to this notebook.
import sys
from pathlib import Path

here = Path.cwd()
above = [p for p in (here, *here.parents) if (p / "helpers" / "transfer.py").is_file()]
if not above:
    raise RuntimeError("the folders helpers and data are missing: put this notebook beside them")
sys.path.insert(0, str(above[0]))
"""
PACKED = """# What your answer is compared with. It would tell the answer, so it is packed: run it.
import base64, zlib

packed = (
{lines}
)
exec(zlib.decompress(base64.b64decode(packed)).decode())
"""

README = """# Paint by Gradient: the notebooks

{count} notebooks, with exercises that check themselves. Each exercise has hints; try before you
open them.

    pip install -r requirements.txt
    jupyter lab

Keep the folders `helpers` and `data` beside the notebooks: they hold the network, the pictures and
the functions that the notebooks use. Nothing else is downloaded. {first} is a good beginning.

Hand in the notebook itself (the `.ipynb`). You may add cells and functions of your own wherever you
like. The cells between the exercise and its check belong to the check: a changed one counts as if
it were unchanged.

Code under the MIT licence, text and figures under CC BY 4.0: see `LICENSE`. The pictures are listed
in `data/README.md`.
"""
README_SOLVED = """# Paint by Gradient: solved

{count} notebooks with their exercises solved, for you alone. Outputs are those of the series; the
cells of the exercises have none here, because their stored outputs say "not started yet". To run
them, put this folder into the repository, or open them in one that `--without-solutions` wrote.
"""


def learners(out: Path, slugs: list[str]) -> None:
    """Write notebooks without solutions, and all that they need, into a folder."""
    refuse_own(out)
    shelf = Shelf(out, LEARNERS)
    for slug in slugs:
        notebook = without_solutions(slug)
        unlink_others(notebook, slugs)
        shelf.write(f"{slug}.ipynb", text_of(notebook))
    for part in ("helpers", "data"):
        for path in files_in(build.ROOT / part):
            shelf.copy(path, path.relative_to(build.ROOT).as_posix())
    shelf.copy(build.ROOT / "LICENSE", "LICENSE")
    shelf.write("requirements.txt", requirements())
    shelf.write("README.md", README.format(count=len(slugs), first=f"`{slugs[0]}.ipynb`"))
    shelf.close()


def solved(out: Path, slugs: list[str]) -> None:
    """Write solved notebooks into a folder."""
    refuse_own(out)
    shelf = Shelf(out, SOLVED)
    for slug in slugs:
        notebook = with_outputs(build.assemble(slug, solved=True), slug)
        for cell in of_exercises(notebook):
            cell.outputs = []
            cell.execution_count = None
        shelf.write(f"{slug}.ipynb", text_of(notebook))
    shelf.write("README.md", README_SOLVED.format(count=len(slugs)))
    shelf.close()


def refuse_own(out: Path) -> None:
    """Raise Mistake where a folder belongs to the repository itself."""
    own = [build.ROOT / part for part in ("notebooks", "teaching", "helpers", "data", "tools")]
    if out == build.ROOT or any(out.is_relative_to(folder) for folder in own):
        raise Mistake(f"{out} belongs to the series itself: choose another folder.")


def without_solutions(slug: str) -> nbformat.NotebookNode:
    """Return a notebook with exercises, checks and hints, and no way to their solutions.

    The folded solutions are gone, what tells the answer to a check is packed, and neither the badge
    nor the setup cell leads to the repository, in which the solutions stand.
    """
    return without_solutions_of(with_outputs(build.assemble(slug, told=False), slug), slug)


def without_solutions_of(notebook: nbformat.NotebookNode, slug: str) -> nbformat.NotebookNode:
    """Take out of a notebook what leads to solutions; the notebook is changed."""
    badge = build.badge(slug)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(*PROMISE).strip()
            cell.source = cell.source.replace(badge, "").strip() if badge else cell.source
        elif "setup" in tags:
            cell.source = SETUP.rstrip()
        elif {"spec", "folded"} <= set(tags):
            cell.source = packed(cell.source)
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def unlink_others(notebook: nbformat.NotebookNode, slugs: list[str]) -> None:
    """Let links to notebooks that are not handed out be mere words; the notebook is changed."""
    link = re.compile(r"\[([^\]]+)\]\((\d\d_\w+)\.ipynb[^)]*\)")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = link.sub(lambda m: m[0] if m[2] in slugs else m[1], cell.source)


def with_outputs(notebook: nbformat.NotebookNode, slug: str) -> nbformat.NotebookNode:
    """Give a notebook that was just assembled the outputs that are stored for its source.

    Raises Mistake where the committed notebook is not that of the source.
    """
    differences = build.differences(slug)
    if differences:
        raise Mistake(f"{differences[0]}. Run: python do.py build {slug}")
    stored = build.code_cells(build.committed(slug))
    for cell, old in zip(build.code_cells(notebook), stored, strict=True):
        cell.outputs = old.outputs
        cell.execution_count = old.execution_count
    return notebook


def of_exercises(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the cells of the exercises."""
    tags = {"spec", "exercise", "check"}
    return [cell for cell in notebook.cells if tags & set(cell.metadata.get("tags", []))]


def packed(source: str) -> str:
    """Return code that does the same, and that nobody reads by accident."""
    letters = base64.b64encode(zlib.compress(source.encode(), 9)).decode()
    places = range(0, len(letters), WIDTH)
    lines = "\n".join(f'    "{letters[place : place + WIDTH]}"' for place in places)
    return PACKED.format(lines=lines).rstrip()


def requirements() -> str:
    """Return what learners install: the packages of pyproject.toml, and JupyterLab."""
    project = build.table(build.ROOT / "pyproject.toml")["project"]
    test = project["optional-dependencies"]["test"]
    lab = [line for line in test if line.startswith("jupyterlab")] or ["jupyterlab"]
    return "\n".join([*project["dependencies"], *lab]) + "\n"


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder of the series, without what work on it leaves behind."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        found += [Path(place, name) for name in sorted(names) if not name.startswith(".")]
    return found


def text_of(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as the text of its file."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"
