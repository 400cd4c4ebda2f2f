"""What the generator writes, said once more without it: links, titles, anchors, badges, tags.

Nothing here imports tools.site: what a notebook should hold is found from the names of the files,
from the notebooks as they are stored, and from the sources as text.
"""

import json
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

FOLDER = ROOT / "notebooks"
FILES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted(
    path
    for path in ROOT.glob("*/**/README.md")
    if not {".venv", "build"} & set(path.relative_to(ROOT).parts)
)


@cache
def stored(file: str) -> dict:
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


def texts(file: str) -> list[str]:
    """The Markdown cells of a notebook."""
    cells = stored(file)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def headings(text: str) -> list[str]:
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.findall(r"^#{1,6} (.+?) *$", without_code, re.M)


def title(file: str) -> str:
    return headings("\n".join(texts(file)))[0]


def to(file: str) -> str:
    return f"[{title(file)}]({file})"


def way(file: str) -> str:
    """The links to the neighbours of a notebook."""
    place = FILES.index(file)
    parts = []
    if place > 0:
        parts += [f"← {to(FILES[place - 1])}", "[map of the series](00_start_here.ipynb#The-map)"]
    if place + 1 < len(FILES):
        parts += [f"{to(FILES[place + 1])} →"]
    return " · ".join(parts)


def badge(file: str) -> str:
    """The way into Colab from the address in pyproject.toml; nothing where that is an example."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    address = tomllib.loads(text)["project"]["urls"]["Repository"]
    host, owner, name = re.fullmatch(r"https://([^/]+)/(.+)/([^/]+)", address).groups()
    if owner == "OWNER" or host != "github.com":
        return ""
    colab = "https://colab.research.google.com"
    place = f"{colab}/github/{owner}/{name}/blob/main/notebooks/{file}"
    return f"[![Open this notebook in Colab]({colab}/assets/colab-badge.svg)]({place}) "


@pytest.mark.parametrize("file", FILES)
def test_the_top_leads_to_the_neighbours_and_to_colab(file):
    first = texts(file)[0].splitlines()
    assert first[0] == badge(file) + way(file)
    assert first[1:3] == ["", f"# {title(file)}"]


@pytest.mark.parametrize("file", FILES)
def test_the_end_leads_to_the_neighbours(file):
    assert texts(file)[-1].splitlines()[-1] == way(file)


def test_the_map_and_the_readme_list_every_notebook_in_order():
    rows = [f"| [{file[:2]} · {title(file)}]({{}}{file}) |" for file in FILES]
    map_of_the_series = "\n".join(texts("00_start_here.ipynb"))
    for text, folder in ((map_of_the_series, ""), (PAGES[0].read_text("utf-8"), "notebooks/")):
        found = re.findall(rf"^\| \[\d\d · .*?\]\({folder}\d\d_\w+\.ipynb\) \|", text, re.M)
        assert found == [row.format(folder) for row in rows]


def anchors(path: Path) -> set[str]:
    """What may stand behind # in a link: as Jupyter writes it, or as GitHub does on a page."""
    if path.suffix == ".ipynb":
        return {heading.replace(" ", "-") for heading in headings("\n".join(texts(path.name)))}
    found = headings(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}


def dead(address: str, page: Path) -> bool:
    """Whether a link of a page in this repository leads nowhere."""
    if re.match(r"[a-z]+:", address):
        return False
    name, _, anchor = address.partition("#")
    target = page.parent / name if name else page
    return not target.exists() or bool(anchor) and anchor not in anchors(target)


@pytest.mark.parametrize("file", FILES)
def test_links_of_notebooks_lead_to_files_and_headings(file):
    addresses = LINK.findall("\n".join(texts(file)))
    assert addresses
    assert not [address for address in addresses if dead(address, FOLDER / file)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_of_pages_lead_to_files_and_headings(page):
    addresses = LINK.findall(page.read_text(encoding="utf-8"))
    assert not [address for address in addresses if dead(address, page)]


@pytest.mark.parametrize(
    "address",
    ["none.md", "00_start_here.ipynb#the-map", "00_start_here.ipynb#The-Map", "#Nowhere"],
)
def test_a_dead_link_would_be_noticed(address):
    assert dead(address, FOLDER / "00_start_here.ipynb")


def tags_of_source(file: str) -> list[list[str]]:
    """The tags of every cell, from the lines of the source that begin one."""
    source = (FOLDER / "src" / file).with_suffix(".py").read_text(encoding="utf-8")
    lines = re.findall(r"^# %%.*$", source, re.M)
    return [
        re.findall(r'"(.*?)"', (re.findall(r"tags=\[(.*?)\]", line) or [""])[0]) for line in lines
    ]


@pytest.mark.parametrize("file", FILES)
def test_tags_reach_the_notebook(file):
    cells = stored(file)["cells"]
    tags = [cell["metadata"].get("tags", []) for cell in cells]
    assert tags == tags_of_source(file)
    used = {tag for several in tags for tag in several}
    assert {"setup", "hero", "exercise", "spec", "check"} <= used


@pytest.mark.parametrize("file", FILES)
def test_what_tells_an_answer_is_closed_in_jupyterlab_and_colab(file):
    for cell in stored(file)["cells"]:
        metadata = dict(cell["metadata"])
        is_folded = "folded" in metadata.pop("tags", [])
        closed = {"cellView": "form", "jupyter": {"source_hidden": True}}
        assert metadata == (closed if is_folded else {})
