"""Build the committed notebooks from their sources, and what is generated from the list of notebooks.

    python tools/build_notebooks.py [slug ...]           build and execute all notebooks, or the named ones
    python tools/build_notebooks.py --check              say what differs from its source, without executing
    python tools/build_notebooks.py --solved FOLDER      write the solved notebooks, not executed, into FOLDER

Sources are notebooks/src/NN_slug.py in py:percent form, with the exercises solved. In a cell tagged `exercise`
everything below a line `# solution` is cut from the notebook, and comes back, folded, where a markdown cell says
`<!-- solution: function -->`. `<!-- top -->`, `<!-- map -->` and `<!-- bottom -->` are replaced by generated text.
"""

import argparse
import os
import re
import sys
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS, SOURCES = ROOT / "notebooks", ROOT / "notebooks" / "src"
SERIES = tomllib.loads((SOURCES / "series.toml").read_text(encoding="utf-8"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]

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
    """The text of the setup cell, the same in every notebook."""
    return SETUP.format(repository=REPOSITORY).rstrip()


def sources() -> list[str]:
    """Slugs of the notebooks that have a source, in the order of series.toml."""
    return [n["slug"] for n in SERIES["notebook"] if (SOURCES / f"{n['slug']}.py").is_file()]


def title_of(slug: str) -> str:
    """The first heading of a source."""
    text = (SOURCES / f"{slug}.py").read_text(encoding="utf-8")
    return re.search(r"^# # (.+)$", text, re.M).group(1).strip()


def top(slug: str) -> str:
    """Badge and links above a notebook."""
    colab = REPOSITORY.replace("https://github.com", "https://colab.research.google.com/github")
    badge = f"[![Open this notebook in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}/blob/main/notebooks/{slug}.ipynb)"
    return f"{badge} {links(slug)}"


def links(slug: str) -> str:
    """Links to the previous and the next notebook that exist."""
    slugs = sources()
    i = slugs.index(slug)
    before = [f"← [{title_of(s)}]({s}.ipynb)" for s in slugs[max(0, i - 1) : i]]
    after = [f"[{title_of(s)}]({s}.ipynb) →" for s in slugs[i + 1 : i + 2]]
    return " · ".join(before + ["[map of the series](00_start_here.ipynb#The-map)"] * (i > 0) + after)


def series_table(folder: str = "") -> str:
    """The notebooks as a markdown table; `folder` goes before the links."""
    rows = ["| | question | built in the open |", "|---|---|---|"]
    for n in SERIES["notebook"]:
        number, slug = n["slug"][:2], n["slug"]
        name = (
            f"[{number} · {title_of(slug)}]({folder}{slug}.ipynb)"
            if slug in sources()
            else f"{number} · in preparation"
        )
        rows.append(f"| {name} | {n['question']} | {n['built']} |")
    return "\n".join(rows)


def cut(source: str) -> str:
    """An exercise cell without its solution: everything below `# solution` becomes `raise NotImplementedError`."""
    lines = source.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "# solution")
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    return "\n".join(lines[:at] + [f"{indent}raise NotImplementedError  # your turn"])


def folded(function: str, cells: list) -> str:
    """The solution of an exercise as a folded block, taken from the exercise's own cell."""
    code = next(
        c.source for c in cells if c.cell_type == "code" and f"def {function}(" in c.source and "# solution" in c.source
    )
    code = "\n".join(line for line in code.splitlines() if line.strip() != "# solution")
    return f"<details><summary>Solution</summary>\n\n```python\n{code}\n```\n\n</details>"


def assemble(slug: str, solved: bool = False) -> nbformat.NotebookNode:
    """Source -> notebook without outputs: generated cells filled in, exercises cut unless `solved`."""
    notebook = jupytext.read(SOURCES / f"{slug}.py", fmt="py:percent")
    cells = notebook.cells
    texts = {"top": top(slug), "map": series_table(), "bottom": links(slug), "setup": setup_cell()}
    for cell in cells:
        for name, text in texts.items():
            cell.source = cell.source.replace(f"<!-- {name} -->", text).replace(f"# <<{name}>>", text)
        cell.source = re.sub(
            r"^(> .*\S)\n(?=> \*\*)", r"\1  \n", cell.source, flags=re.M
        )  # the card's lines stay lines
        cell.source = re.sub(r"<!-- solution: (\w+) -->", lambda m: folded(m[1], cells), cell.source)
    for number, cell in enumerate(cells):
        if "exercise" in cell.metadata.get("tags", []) and not solved:
            cell.source = cut(cell.source)
        cell.id = f"{slug[:2]}-{number:03d}"
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def execute(notebook: nbformat.NotebookNode) -> None:
    """Run every cell in a fresh kernel, on the CPU, without storing times or widgets."""
    from nbclient import NotebookClient  # late: --check does not need it

    os.environ.update(NST_QUIET="1", CUDA_VISIBLE_DEVICES="")
    options = {"kernel_name": "python3", "record_timing": False, "store_widget_state": False, "timeout": 600}
    NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOKS)}}, **options).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):  # a widget needs a kernel; its picture stays
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata["language_info"] = {"name": "python"}


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Validate and write beside, then rename."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    os.replace(beside, path)


def differences(slug: str) -> list[str]:
    """Where a committed notebook differs from its source, cell by cell."""
    path = NOTEBOOKS / f"{slug}.ipynb"
    if not path.is_file():
        return [f"{slug}.ipynb is missing"]
    committed, fresh = nbformat.read(path, as_version=4).cells, assemble(slug).cells
    found = [f"{slug}: {len(committed)} cells, the source has {len(fresh)}"] * (len(committed) != len(fresh))
    for i, (old, new) in enumerate(zip(committed, fresh, strict=False)):
        if (old.id, old.cell_type, old.source, old.metadata) != (new.id, new.cell_type, new.source, new.metadata):
            found.append(f"{slug}: cell {i} differs from its source")
    return found


def pages() -> dict[Path, str]:
    """The generated pages and what they should hold: README.md (its table) and data/README.md (all of it)."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    table = f"<!-- notebooks -->\n{series_table('notebooks/')}\n<!-- end of notebooks -->"
    text = re.sub(r"<!-- notebooks -->.*<!-- end of notebooks -->", lambda _: table, text, flags=re.S)
    return {readme: text, ROOT / "data" / "README.md": pictures_page()}


def pictures_page() -> str:
    """data/README.md: the manifest as a page."""
    manifest = tomllib.loads((ROOT / "data" / "images.toml").read_text(encoding="utf-8"))
    lines = ["# The pictures", "", "Generated from `images.toml` by `python do.py build`; edit that file instead.", ""]
    headings = {"content": "Photos", "style": "Styles", "texture": "Textures", "mask": "Masks"}
    for kind, heading in headings.items():
        rows = [(n, e) for n, e in manifest.items() if e["kind"] == kind]
        if rows:
            lines += [
                f"## {heading}",
                "",
                "| name | title | author, year | licence | source |",
                "|---|---|---|---|---|",
            ]
            lines += [
                f"| `{n}` | {e['title']} | {e['author']}, {e['year']} | {e['licence']} | {e['source']} |"
                for n, e in rows
            ]
            lines.append("")
    return "\n".join(lines)


def check() -> int:
    """Print every difference between sources and what is committed; the exit status says whether there is one."""
    found = [line for slug in sources() for line in differences(slug)]
    found += [
        f"{path.name} is not up to date"
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    print("\n".join(found + ["Run: python do.py build"]) if found else "Every notebook equals its source.")
    return 1 if found else 0


def build(slugs: list[str]) -> int:
    """Assemble, execute and write each notebook; refresh the generated pages."""
    for slug in slugs:
        begin = time.monotonic()
        notebook = assemble(slug)
        execute(notebook)
        write(notebook, NOTEBOOKS / f"{slug}.ipynb")
        size = (NOTEBOOKS / f"{slug}.ipynb").stat().st_size / 1024
        print(f"{slug}: {len(notebook.cells)} cells, {size:.0f} KB, {time.monotonic() - begin:.0f} s", flush=True)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slugs", nargs="*", help="notebooks to build, by slug or number (all by default)")
    parser.add_argument("--check", action="store_true", help="only say what differs from its source")
    parser.add_argument("--solved", type=Path, metavar="FOLDER", help="write the solved notebooks, not executed")
    options = parser.parse_args(arguments)
    chosen = [s for s in sources() if not options.slugs or s in options.slugs or s[:2] in options.slugs]
    if not chosen:
        parser.error(f"no such notebook; known: {', '.join(sources())}")
    if options.check:
        return check()
    if options.solved:
        for slug in chosen:
            write(assemble(slug, solved=True), options.solved / f"{slug}.ipynb")
        return 0
    return build(chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
