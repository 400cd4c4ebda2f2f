"""Build the committed notebooks from their sources, and the files that are generated from lists.

    python -m tools.site.build [slug ...]       build and execute all notebooks, or the named ones
    python -m tools.site.build --lists          only the files that are generated from lists
    python -m tools.site.build --check          say what differs from its source; executes nothing
    python -m tools.site.build --solved FOLDER  write the solved notebooks, not executed, to FOLDER

Sources are notebooks/src/NN_slug.py in py:percent form, with the exercises solved. In a cell tagged
`exercise` everything below a line `# solution` is cut from the notebook, and comes back, folded,
where a markdown cell says `<!-- solution: function -->`. A cell tagged `folded` tells the answer of
an exercise, and is shown closed. `<!-- top -->`, `<!-- map -->` and `<!-- bottom -->` are replaced
by generated text, `<!-- notation -->` and `<!-- glossary -->` by the pages of that name beside the
sources, `# <<setup>>` by the setup cell.

Generated from lists: the table in README.md, data/README.md and environment.yml.
"""

import argparse
import asyncio
import os
import re
import sys
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat

from helpers.files import write_file
from tools.site import kernel
from tools.site.environment import environment

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = ROOT / "notebooks"
SOURCES = NOTEBOOKS / "src"
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
REPOSITORY = tomllib.loads(PYPROJECT)["project"]["urls"]["Repository"]
SERIES = tomllib.loads((SOURCES / "series.toml").read_text(encoding="utf-8"))
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
CELL_TIMEOUT = 600  # seconds
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}  # for JupyterLab; for Colab

SETUP = """# Setup: run me first. It finds the series, or fetches it (on Colab, for example).
import subprocess, sys
from pathlib import Path

REPOSITORY = "{repository}"
here = Path.cwd()
above = [p for p in (here, *here.parents) if (p / "helpers" / "transfer.py").is_file()]
root = above[0] if above else here / "paint-by-gradient"
if not root.is_dir():
    clone = ["git", "clone", "--quiet", "--depth", "1", REPOSITORY, str(root)]
    if subprocess.run(clone).returncode:
        raise RuntimeError(f"could not clone {{REPOSITORY}}: check the network, run this again")
sys.path.insert(0, str(root))
"""


def setup_cell() -> str:
    """Return the text of the setup cell, the same in every notebook."""
    return SETUP.format(repository=REPOSITORY).rstrip()


def sources() -> list[str]:
    """Return the slugs of the notebooks that have a source, in the order of series.toml."""
    slugs = [entry["slug"] for entry in SERIES["notebook"]]
    return [slug for slug in slugs if (SOURCES / f"{slug}.py").is_file()]


def title_of(slug: str) -> str:
    """Return the first heading of a source."""
    text = (SOURCES / f"{slug}.py").read_text(encoding="utf-8")
    return re.search(r"^# # (.+)$", text, re.M).group(1).strip()


def top(slug: str) -> str:
    """Return what stands above a notebook: its badge and its links."""
    colab = REPOSITORY.replace("https://github.com", "https://colab.research.google.com/github")
    address = f"{colab}/blob/main/notebooks/{slug}.ipynb"
    return f"[![Open this notebook in Colab]({BADGE})]({address}) {links(slug)}"


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
    for entry in SERIES["notebook"]:
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
    place = [line.strip() for line in lines].index("# solution")
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
    raise ValueError(f"a cell asks for the solution of {function}, and no cell has it: write one")


def assemble(slug: str, solved: bool = False) -> nbformat.NotebookNode:
    """Return a source as a notebook without outputs.

    Generated cells are filled in, and exercises are cut unless `solved`.
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
            cell.source = cell.source.replace(marker, folded(function, cells))
    for number, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        if "exercise" in tags and not solved:
            cell.source = cut(cell.source)
        cell.id = f"{slug[:2]}-{number:03d}"
        cell.metadata = {"tags": tags} if tags else {}
        if "folded" in tags:
            cell.metadata |= FOLDED
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": python, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


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
    path = NOTEBOOKS / f"{slug}.ipynb"
    if not path.is_file():
        return [f"{slug}.ipynb is missing"]
    committed = nbformat.read(path, as_version=4).cells
    fresh = assemble(slug).cells
    lines = []
    if len(committed) != len(fresh):
        lines.append(f"{slug}: {len(committed)} cells, the source has {len(fresh)}")
    for number, (old, new) in enumerate(zip(committed, fresh, strict=False)):
        if any(old[part] != new[part] for part in ("id", "cell_type", "source", "metadata")):
            lines.append(f"{slug}: cell {number} differs from its source")
    return lines


def generated_files() -> dict[Path, str]:
    """Return the files that are generated from lists, and what each should hold."""
    readme = ROOT / "README.md"
    return {
        readme: with_table(readme.read_text(encoding="utf-8")),
        ROOT / "data" / "README.md": pictures_page(),
        ROOT / "environment.yml": environment(PYPROJECT),
    }


def with_table(readme: str) -> str:
    """Return the text of README.md with the table of the notebooks as it should be."""
    start = "<!-- notebooks -->"
    end = "<!-- end of notebooks -->"
    before, rest = readme.split(start)
    after = rest.split(end)[1]
    return f"{before}{start}\n{series_table('notebooks/')}\n{end}{after}"


def pictures_page() -> str:
    """Return data/README.md: the list of the pictures as a page."""
    pictures = tomllib.loads((ROOT / "data" / "images.toml").read_text(encoding="utf-8"))
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
    print("Run: python do.py build")
    return 1


def build(slugs: list[str]) -> None:
    """Assemble, execute and write each notebook; refresh the generated files."""
    for slug in slugs:
        start = time.monotonic()
        notebook = assemble(slug)
        execute(notebook)
        path = NOTEBOOKS / f"{slug}.ipynb"
        write(notebook, path)
        size = path.stat().st_size / 1024
        seconds = time.monotonic() - start
        print(f"{slug}: {len(notebook.cells)} cells, {size:.0f} KB, {seconds:.0f} s", flush=True)
    write_lists()


def write_lists() -> None:
    """Write the files that are generated from lists."""
    for path, text in generated_files().items():
        write_file(path, text)


def main(arguments: list[str]) -> int:
    """Do what the command line asks for. Returns the exit code."""
    program = "python -m tools.site.build"
    parser = argparse.ArgumentParser(program, description=__doc__.splitlines()[0])
    parser.add_argument("slugs", nargs="*", help="by slug or number; all, if none is named")
    parser.add_argument("--check", action="store_true", help="say what differs from its source")
    parser.add_argument("--lists", action="store_true", help="only what is made from lists")
    parser.add_argument("--solved", type=Path, metavar="FOLDER", help="write the solved notebooks")
    options = parser.parse_args(arguments)
    known = sources()
    names = [*known, *(slug[:2] for slug in known)]
    unknown = [word for word in options.slugs if word not in names]
    if unknown:
        parser.error(f"no such notebook: {', '.join(unknown)}; known: {', '.join(known)}")
    chosen = known
    if options.slugs:
        chosen = [slug for slug in known if slug in options.slugs or slug[:2] in options.slugs]
    if options.check:
        return check()
    if options.lists:
        write_lists()
    elif options.solved:
        for slug in chosen:
            write(assemble(slug, solved=True), options.solved / f"{slug}.ipynb")
    else:
        build(chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
