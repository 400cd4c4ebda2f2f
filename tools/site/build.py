"""Build the committed notebooks from their sources, and the files that are generated from lists.

    python -m tools.site.build [slug ...]       build and execute all notebooks, or the named ones
    python -m tools.site.build --lists          only the files that are generated from lists
    python -m tools.site.build --texts [slug]   what needs no execution: text, and the setup cell
    python -m tools.site.build --check          say what differs from its source; executes nothing
    python -m tools.site.build --solved FOLDER  write the solved notebooks, not executed, to FOLDER

Sources are notebooks/src/NN_slug.py in py:percent form, with the exercises solved. In a cell tagged
`exercise` everything below a line `# solution` is cut from the notebook, and comes back, folded,
where a markdown cell says `<!-- solution: function -->`. A cell tagged `folded` tells the answer of
an exercise, and is shown closed. `<!-- top -->`, `<!-- map -->` and `<!-- bottom -->` are replaced
by generated text, `<!-- notation -->` and `<!-- glossary -->` by the pages of that name beside the
sources, `# <<setup>>` by the setup cell.

Generated from lists: in README.md the first lines to type and the table, the address in
CITATION.cff, data/README.md, environment.yml and that of Binder.
"""

import argparse
import asyncio
import copy
import os
import re
import sys
import time
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from helpers.files import write_file
from tools.endings import Mistake
from tools.site import kernel
from tools.site.environment import binder, environment
from tools.site.lab import LANGUAGE
from tools.site.run import describe
from tools.words import choose, folder

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "src"
UNPUBLISHED = "https://github.com/OWNER/"  # how the address begins until somebody publishes
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
BINDER = "https://mybinder.org/badge_logo.svg"
CELL_TIMEOUT = 600  # seconds
# RuntimeError: a kernel that does not even start.
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError)
# What JupyterLab writes into a notebook that is opened with such a kernel.
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": LANGUAGE,
}
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # for JupyterLab; for Colab

SETUP = """# Setup: run me first. It finds the series, or fetches it (on Colab, for example).
import os, shutil, subprocess, sys
from pathlib import Path

REPOSITORY = "ADDRESS"
here = Path.cwd()
above = [p for p in (here, *here.parents) if (p / "helpers" / "transfer.py").is_file()]
root = above[0] if above else here / "paint-by-gradient"
if not (root / "helpers" / "transfer.py").is_file():
    if root.exists():
        raise RuntimeError(f"{root} is not the whole series: rename it, and run this cell again")
    if not shutil.which("git"):
        raise RuntimeError("git is missing: install it (git-scm.com), and run this cell again")
    print("Fetching the series (90 MB) into paint-by-gradient, beside this notebook.")
    part = root.with_suffix(".part")  # only what is whole gets its name
    shutil.rmtree(part, ignore_errors=True)
    clone = ["git", "clone", "--quiet", "--depth", "1", REPOSITORY, str(part)]
    silent = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    git = subprocess.run(clone, env=silent, stderr=subprocess.PIPE, errors="replace")
    if git.returncode:
        why = "nobody can read there" if "Username" in git.stderr else git.stderr.strip()
        raise RuntimeError(f"could not fetch {REPOSITORY} (then run this cell again): {why}")
    part.rename(root)
sys.path.insert(0, str(root))
"""


def table(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises Mistake, with its name, where it is none."""
    try:
        return copy.deepcopy(table_of(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise Mistake(f"{path} is no TOML ({error}): mend it.") from error


@cache
def table_of(text: str) -> dict[str, Any]:
    """Read TOML; once for each text, since a kit asks the same file hundreds of times."""
    return tomllib.loads(text)


def repository() -> str:
    """Return the address of the repository, as pyproject.toml has it."""
    return table(ROOT / "pyproject.toml")["project"]["urls"]["Repository"]


def series() -> list[dict[str, str]]:
    """Return the notebooks of series.toml: slug, question and what is built, in their order."""
    return table(SOURCES / "series.toml")["notebook"]


def setup_cell() -> str:
    """Return the text of the setup cell, the same in every notebook."""
    return SETUP.replace("ADDRESS", repository()).rstrip()


def sources() -> list[str]:
    """Return the slugs of the notebooks that have a source, in the order of series.toml."""
    slugs = [entry["slug"] for entry in series()]
    return [slug for slug in slugs if (SOURCES / f"{slug}.py").is_file()]


def title_of(slug: str) -> str:
    """Return the first heading of a source."""
    text = (SOURCES / f"{slug}.py").read_text(encoding="utf-8")
    heading = re.search(r"^# # (.+)$", text, re.M)
    if heading is None:
        raise Mistake(f"{slug}.py has no heading: write a line such as `# # Paint with Adam`.")
    return heading[1].strip()


def top(slug: str) -> str:
    """Return what stands above a notebook: its links and, as soon as it can be reached, a badge."""
    return f"{badge(slug)} {links(slug)}".strip()


def badge(slug: str) -> str:
    """Return the badge that opens a notebook in Colab; nothing before somebody has published it.

    Colab knows only what lies on GitHub.
    """
    github, colab = "https://github.com/", "https://colab.research.google.com/github/"
    address = repository()
    if address.startswith(UNPUBLISHED) or not address.startswith(github):
        return ""
    place = f"{address.replace(github, colab)}/blob/main/notebooks/{slug}.ipynb"
    return f"[![Open this notebook in Colab]({BADGE})]({place})"


def links(slug: str) -> str:
    """Return links to the notebook before, to the map, and to the notebook after."""
    slugs = sources()
    place = slugs.index(slug)
    parts = []
    if place > 0:
        before = slugs[place - 1]
        parts.append(f"← [{title_of(before)}]({before}.ipynb)")
        parts.append("[map of the series](00_start_here.ipynb#The-map)")
    if place + 1 < len(slugs):
        after = slugs[place + 1]
        parts.append(f"[{title_of(after)}]({after}.ipynb) →")
    return " · ".join(parts)


def series_table(folder: str = "") -> str:
    """Return the notebooks that exist as a markdown table; `folder` goes before the links."""
    rows = ["| | question | built in the open |", "|---|---|---|"]
    written = sources()
    for entry in series():
        slug = entry["slug"]
        if slug in written:
            name = f"[{slug[:2]} · {title_of(slug)}]({folder}{slug}.ipynb)"
            rows.append(f"| {name} | {entry['question']} | {entry['built']} |")
    return "\n".join(rows)


def with_pages(source: str) -> str:
    """Return a cell's text with the pages that it prints, notation.md and glossary.md."""
    return re.sub("<!-- (notation|glossary) -->", page, source)


def page(place: re.Match) -> str:
    """Return the page that is printed in this place."""
    return (SOURCES / f"{place[1]}.md").read_text(encoding="utf-8").strip()


def cut(source: str) -> str:
    """Return an exercise without its solution: below `# solution` stands NotImplementedError."""
    lines = source.splitlines()
    marks = [line.strip() for line in lines]
    if "# solution" not in marks:
        raise Mistake(f"an exercise has no line `# solution`: write one. It begins: {lines[:1]}")
    place = marks.index("# solution")
    indent = re.match(r" *", lines[place])[0]
    return "\n".join([*lines[:place], f"{indent}raise NotImplementedError  # your turn"])


def folded(function: str, cells: list[nbformat.NotebookNode]) -> str:
    """Return the solution of an exercise as a folded block, taken from the exercise's own cell."""
    for cell in cells:
        defines = cell.cell_type == "code" and f"def {function}(" in cell.source
        if defines and "# solution" in cell.source:
            lines = cell.source.splitlines()
            code = "\n".join(line for line in lines if line.strip() != "# solution")
            return f"<details><summary>Solution</summary>\n\n```python\n{code}\n```\n\n</details>"
    raise Mistake(f"a cell asks for the solution of {function}, and no cell has it: write one")


def assemble(slug: str, solved: bool = False, told: bool = True) -> nbformat.NotebookNode:
    """Return a source as a notebook without outputs.

    Generated cells are filled in, and exercises are cut unless `solved`. told: whether the folded
    solutions stand where a cell asks for them, or nothing.
    """
    cells = jupytext.read(SOURCES / f"{slug}.py", fmt="py:percent").cells
    generated = {
        "<!-- top -->": top(slug),
        "<!-- map -->": series_table(),
        "<!-- bottom -->": links(slug),
        "# <<setup>>": setup_cell(),
    }
    for cell in cells:
        for marker, text in generated.items():
            cell.source = cell.source.replace(marker, text)
        cell.source = with_pages(cell.source)
        # Two spaces at the end: each line of the opening card stays a line of its own.
        cell.source = re.sub(r"^(> .*\S)\n(?=> \*\*)", r"\1  \n", cell.source, flags=re.M)
        for marker, function in re.findall(r"(<!-- solution: (\w+) -->)", cell.source):
            solution = folded(function, cells) if told else ""
            cell.source = cell.source.replace(marker, solution)
    for number, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags and not solved:
            cell.source = cut(cell.source)
        cell.id = f"{slug[:2]}-{number:03d}"
        cell.metadata = {"tags": tags} if tags else {}
        if "folded" in tags:
            cell.metadata |= FOLDED
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run every cell in a fresh kernel, on the CPU; what needs a kernel to be seen is left out."""
    os.environ.update(NST_QUIET="1", CUDA_VISIBLE_DEVICES="")
    asyncio.run(kernel.execute(notebook, NOTEBOOKS, CELL_TIMEOUT))
    for cell in notebook.cells:
        for output in cell.get("outputs", []):  # a widget needs a kernel; its picture stays
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Validate a notebook and write it."""
    nbformat.validate(notebook)
    write_file(path, nbformat.writes(notebook) + "\n")


def differences(slug: str) -> list[str]:
    """Return where a committed notebook differs from its source, cell by cell, as sentences."""
    try:
        notebook = committed(slug)
    except Mistake as mistake:
        return [str(mistake)]
    fresh = assemble(slug)
    lines = []
    if notebook.metadata != fresh.metadata:
        lines.append(f"{slug}: the metadata of the notebook differ")
    if len(notebook.cells) != len(fresh.cells):
        lines.append(f"{slug}: {len(notebook.cells)} cells, the source has {len(fresh.cells)}")
    for number, (old, new) in enumerate(zip(notebook.cells, fresh.cells, strict=False)):
        if any(old[part] != new[part] for part in ("id", "cell_type", "source", "metadata")):
            lines.append(f"{slug}: cell {number} differs from its source")
    return lines


def committed(slug: str) -> nbformat.NotebookNode:
    """Return a notebook as it lies in notebooks/. Raises Mistake where it is missing or damaged."""
    path = NOTEBOOKS / f"{slug}.ipynb"
    if not path.is_file():
        raise Mistake(f"{path.name} is missing")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat has no common class for what is no notebook
        raise Mistake(f"{path.name} is damaged") from error


def refreshed(slug: str) -> nbformat.NotebookNode:
    """Return a committed notebook with new text and a new setup cell, and the outputs it has.

    Raises Mistake where other code has changed, because then it has to be executed.
    """
    old, new = committed(slug), assemble(slug)
    if code(old) != code(new):
        raise Mistake(f"{slug}: its code has changed, and has to run: python do.py build {slug}")
    for before, after in zip(code_cells(old), code_cells(new), strict=True):
        after.outputs = before.outputs
        after.execution_count = before.execution_count
    return new


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the cells that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what the code cells hold, apart from the setup cell, which computes nothing."""
    return [
        "setup" if "setup" in cell.metadata.get("tags", []) else cell.source
        for cell in code_cells(notebook)
    ]


def refresh(slugs: list[str]) -> int:
    """Write the text of notebooks anew, without executing them. Returns the exit code."""
    failures = 0
    for slug in slugs:
        try:
            write(refreshed(slug), NOTEBOOKS / f"{slug}.ipynb")
        except Mistake as mistake:
            print(mistake)
            failures += 1
    write_lists()
    return 1 if failures else 0


def generated_files() -> dict[Path, str]:
    """Return the files that are generated from lists, and what each should hold."""
    readme = ROOT / "README.md"
    citation = ROOT / "CITATION.cff"
    text = with_part(readme.read_text(encoding="utf-8"), "start", first_lines())
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return {
        readme: with_part(text, "notebooks", series_table("notebooks/")),
        citation: with_address(citation.read_text(encoding="utf-8")),
        ROOT / "data" / "README.md": pictures_page(),
        ROOT / "environment.yml": environment(pyproject),
        ROOT / "binder" / "environment.yml": binder(pyproject),
    }


def with_part(page: str, name: str, part: str) -> str:
    """Return a page with this part between `<!-- name -->` and `<!-- end of name -->`."""
    start = f"<!-- {name} -->"
    end = f"<!-- end of {name} -->"
    before, rest = page.split(start)
    after = rest.split(end)[1]
    return f"{before}{start}\n{part}\n{end}{after}"


def first_lines() -> str:
    """Return what a newcomer types first and, once the series is published, the ways without it."""
    address = repository()
    if address.startswith(UNPUBLISHED):
        clone = "git clone ADDRESS paint-by-gradient   # the address of this page"
        folder = "paint-by-gradient"
    else:
        clone = f"git clone {address}"
        folder = address.rpartition("/")[2]
    lines = f"```\n{clone}\ncd {folder}\npython do.py lab\n```"
    first = sources()[0]
    if not badge(first):
        return lines
    place = address.replace("https://github.com/", "https://mybinder.org/v2/gh/")
    link = f"{place}/main?labpath=notebooks/{first}.ipynb"
    badges = f"{badge(first)} [![Binder]({BINDER})]({link})"
    return f"{lines}\n\nOr without installing anything: {badges}"


def with_address(citation: str) -> str:
    """Return CITATION.cff with the address of the repository, as soon as there is one."""
    text = re.sub(r"^repository-code:.*\n", "", citation, flags=re.M)
    if repository().startswith(UNPUBLISHED):
        return text
    return re.sub(r"^(version:.*\n)", rf'\1repository-code: "{repository()}"\n', text, flags=re.M)


def pictures_page() -> str:
    """Return data/README.md: the list of the pictures as a page."""
    pictures = table(ROOT / "data" / "images.toml")
    headings = {"content": "Photos", "style": "Styles", "texture": "Textures", "mask": "Masks"}
    lines = [
        "# The pictures",
        "",
        "Generated from `images.toml` by `python do.py build`; edit that file instead.",
        "",
    ]
    for kind, heading in headings.items():
        rows = [
            picture_row(name, entry) for name, entry in pictures.items() if entry["kind"] == kind
        ]
        if rows:
            lines += [f"## {heading}", ""]
            lines += ["| name | title | author, year | licence | source |", "|---|---|---|---|---|"]
            lines += [*rows, ""]
    return "\n".join(lines)


def picture_row(name: str, entry: dict[str, str]) -> str:
    """Return one picture's row in data/README.md."""
    author = f"{entry['author']}, {entry['year']}"
    return f"| `{name}` | {entry['title']} | {author} | {entry['licence']} | {entry['source']} |"


def check() -> int:
    """Print what differs between the sources and what is committed. Returns the exit code."""
    lines = []
    for slug in sources():
        lines += differences(slug)
    for path, text in generated_files().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            lines.append(f"{path.relative_to(ROOT).as_posix()} is not up to date")
    if not lines:
        print("Every notebook equals its source.")
        return 0
    print("\n".join(lines))
    print("Run: python do.py build (with --texts, if only text has changed)")
    return 1


def build(slugs: list[str]) -> int:
    """Assemble, execute and write each notebook; refresh the generated files.

    A notebook that fails stays as it was, and the others are built. Returns the exit code.
    """
    failures = 0
    for slug in slugs:
        start = time.monotonic()
        notebook = assemble(slug)
        try:
            execute(notebook)
        except FAILURES as error:
            print(f"{slug} stays as it was. {failed(notebook, error)}", flush=True)
            failures += 1
            continue
        path = NOTEBOOKS / f"{slug}.ipynb"
        write(notebook, path)
        size = path.stat().st_size / 1024
        seconds = time.monotonic() - start
        print(f"{slug}: {len(notebook.cells)} cells, {size:.0f} KB, {seconds:.0f} s", flush=True)
    write_lists()
    return 1 if failures else 0


def failed(notebook: nbformat.NotebookNode, error: Exception) -> str:
    """Say which cell of a notebook stopped, how it begins, and why."""
    run = [cell for cell in code_cells(notebook) if cell.execution_count or cell.outputs]
    cell = run[-1] if run else notebook.cells[0]
    return f"Cell {cell.id} ({cell.source.splitlines()[0]}): {describe(error, CELL_TIMEOUT)}"


def write_lists() -> None:
    """Write the files that are generated from lists."""
    for path, text in generated_files().items():
        write_file(path, text)


def main(arguments: list[str]) -> int:
    """Do what the command line asks for. Returns the exit code."""
    program = "python -m tools.site.build"
    parser = argparse.ArgumentParser(program, description=__doc__.splitlines()[0])
    parser.add_argument("slugs", nargs="*", help="by slug or number; all, if none is named")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="say what differs from its source")
    instead.add_argument("--lists", action="store_true", help="only what is made from lists")
    instead.add_argument("--texts", action="store_true", help="only what needs no execution")
    instead.add_argument("--solved", type=folder, metavar="FOLDER", help="write solved notebooks")
    options = parser.parse_args(arguments)
    chosen = choose(options.slugs, sources())
    if options.check:
        return check()
    if options.texts:
        return refresh(chosen)
    if options.solved:
        return solve(chosen, options.solved)
    if options.lists:
        write_lists()
        return 0
    return build(chosen)


def solve(slugs: list[str], out: Path) -> int:
    """Write notebooks with their solutions, not executed, into a folder. Returns the exit code."""
    if out in (NOTEBOOKS, SOURCES):
        raise Mistake(f"{out} holds the notebooks of the learners: choose another folder.")
    for slug in slugs:
        write(assemble(slug, solved=True), out / f"{slug}.ipynb")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
