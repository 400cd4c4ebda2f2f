"""tools.site.pages: executed notebooks become pages that show everything without a network."""

import base64
import io
import json
import re
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools.endings import Mistake
from tools.site import build, pages

PROSE = r"""# Paint the *first* picture

[![Open in the cloud](https://example.org/badge.svg)](https://example.org/cloud)

> **You will do** a picture without a drop of paint. There is more to say.

![A grey square](../data/grey.png)

The matrix $G_{ij} = \sum_k F_{ik} F_{jk}$ costs `$5`, then [the next](02_second.ipynb#end), and
[a file](../data/grey.png):

$$\begin{aligned} \mathcal{L} &= \alpha \lVert F \rVert^2 \\ &\approx 0 \end{aligned}$$

<script src="https://example.org/x.js"></script><iframe src="https://example.org/"></iframe>

<details><summary>Hint</summary>

It is **bold** in here.

</details>
"""


def jpeg(colour: str) -> str:
    """A picture of 60 by 40 pixels as notebooks store it."""
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()


def painting(colour: str, alt: str, **notes: str) -> nbformat.NotebookNode:
    data = {"image/jpeg": jpeg(colour), "text/plain": "<picture>"}
    return new_output("display_data", data, metadata={"image/jpeg": {"alt": alt, **notes}})


def code(*outputs, tags=()) -> nbformat.NotebookNode:
    return new_code_cell("show()", outputs=list(outputs), metadata={"tags": list(tags)})


@pytest.fixture
def site(tmp_path):
    """A site of two notebooks: the first was run, the second was not."""
    (tmp_path / "data").mkdir()
    Image.new("L", (20, 20), 128).save(tmp_path / "data" / "grey.png")
    teal = painting("teal", 'Teal "quotes" & all', caption="After 3 steps")
    navy = painting("navy", "A navy field")
    cells = [
        new_markdown_cell(PROSE),
        code(painting("red", "no painting")),
        code(teal, navy, tags=["painting"]),
    ]
    first = new_notebook(cells=cells)
    (tmp_path / "notebooks").mkdir()
    nbformat.write(first, tmp_path / "notebooks" / "01_first.ipynb")
    second = new_notebook(cells=[new_markdown_cell("No heading."), code(), code()])
    nbformat.write(second, tmp_path / "notebooks" / "02_second.ipynb")
    made = pages.Site(tmp_path / "notebooks", tmp_path / "build")
    made.clean()
    publish(made, "01_first", first)
    return made


def publish(site: pages.Site, name: str, notebook: nbformat.NotebookNode, failure=None) -> None:
    """Write the page of an executed notebook, and the index."""
    pictures = pages.save_pictures(notebook, name, site.out)
    site.page(name, notebook, {"seconds": 61.4, "failure": failure, "pictures": pictures})
    site.index()


def soup(path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_pages_ask_nothing_of_the_network(site):
    loading = "script[src], link[href], img[src], iframe[src], source[src], video[src], audio[src]"
    for path in site.out.glob("*.html"):
        for tag in soup(path).select(loading):
            address = tag.get("src") or tag.get("href")
            assert address.startswith(("data:", "pictures/")), f"{path.name} loads {address[:80]}"
        styles = " ".join(style.text for style in soup(path).select("style"))
        assert "@import" not in styles
        loaded = re.findall(r"url\((.*?)\)", styles)
        assert loaded and all((site.out / file).parent == site.out / "fonts" for file in loaded)
        assert all((site.out / file).is_file() for file in loaded)


def test_formulas_become_mathml(site):
    page = soup(site.out / "01_first.html")
    inline, block = page.select("math")
    assert inline["display"] == "inline" and "∑" in inline.text
    assert block["display"] == "block" and "&" not in block.text and len(block.select("mtr")) == 2
    assert "$5" in [tag.text for tag in page.select("p > code")]
    assert "$$" not in page.text


@pytest.mark.parametrize("tex", [r"\frac{a}{", r"\begin{cases} a", "{"])
def test_a_broken_formula_stays_readable(tex):
    assert BeautifulSoup(pages.formula(tex), "html.parser").text.strip()


@pytest.mark.parametrize(
    ("tex", "sign"),
    [(r"x \in \mathbb R^{3}", "ℝ"), (r"\hat{x}", "^"), (r"\partial", "∂"), (r"a &lt; b", "<")],
)
def test_signs_of_formulas(tex, sign):
    assert sign in BeautifulSoup(pages.formula(tex), "html.parser").text


@pytest.mark.parametrize("slug", build.sources())
def test_no_formula_of_the_series_shows_a_command_of_tex(slug):
    cells = [cell.source for cell in build.committed(slug).cells if cell.cell_type == "markdown"]
    prose = re.sub(r"`[^`]*`|```.*?```", "", "\n\n".join(cells), flags=re.S)
    found = re.findall(r"\$\$(.+?)\$\$|(?<![\\\w])\$(?!\s)([^$\n]+?)(?<!\s)\$", prose, flags=re.S)
    for tex in map("".join, found):
        shown = BeautifulSoup(pages.formula(tex), "html.parser")
        assert shown.math and "\\" not in shown.text and "ex]" not in shown.text, tex


def test_links_and_pictures_are_found_from_the_page(site):
    page = soup(site.out / "01_first.html")
    links = {link.text: link["href"] for link in page.select(".page a")}
    assert links["the next"] == "02_second.html#end"
    assert links["a file"] == "../data/grey.png"
    assert links["Open in the cloud"] == "https://example.org/cloud"
    assert page.select_one("img[alt='A grey square']")["src"].startswith("data:image/png")
    assert page.select_one("details strong").text == "bold"
    assert page.select_one(".turn .after")["href"] == "02_second.html"


def test_a_page_names_the_next_one_by_its_title_before_that_is_written(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, text in {"01_first": "# One", "02_second": "<!-- top -->\n\n# The second"}.items():
        nbformat.write(new_notebook(cells=[new_markdown_cell(text)]), folder / f"{name}.ipynb")
    site = pages.Site(folder, tmp_path / "build")
    site.clean()
    assert "The second" in soup(site.out / "01_first.html").select_one(".turn .after").text


def test_the_gallery_shows_the_paintings(site):
    figures = soup(site.out / "index.html").select(".own figure")
    assert [figure.img["alt"] for figure in figures] == ['Teal "quotes" & all', "A navy field"]
    assert figures[0].figcaption.text.startswith("After 3 steps")
    assert {figure.a["href"] for figure in figures} == {"01_first.html"}
    assert Image.open(site.out / figures[0].img["src"]).size == (60, 40)


def test_without_a_painting_the_gallery_shows_the_last_picture(site):
    cells = [code(painting("red", "red")), code(painting("blue", "blue")), code()]
    publish(site, "02_second", new_notebook(cells=cells))
    alts = [figure.img["alt"] for figure in soup(site.out / "index.html").select(".own figure")]
    assert alts[2:] == ["blue"]


def test_pictures_of_a_page_keep_their_alt_text(site):
    images = soup(site.out / "01_first.html").select(".output_jpeg img")
    assert [image["alt"] for image in images] == [
        "no painting",
        'Teal "quotes" & all',
        "A navy field",
    ]


def test_animations_are_shown_with_their_alt_text(tmp_path):
    gif = base64.b64encode(b"GIF89a").decode()
    notes = {"image/gif": {"alt": 'a "b"'}}
    output = new_output("display_data", {"image/gif": gif, "text/plain": "x"}, metadata=notes)
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[output])])
    image = pages.render(notebook, tmp_path, tmp_path).img
    assert image["alt"] == 'a "b"' and image["src"] == f"data:image/gif;base64,{gif}"


def test_a_live_widget_is_replaced_by_its_text(tmp_path):
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "a box"}
    notebook = new_notebook(cells=[code(new_output("display_data", widget))])
    assert "a box" in pages.render(notebook, tmp_path, tmp_path).text


def test_the_index_lists_the_notebooks(site):
    publish(site, "02_second", new_notebook(), failure={"cell": 2, "message": "a reason"})
    first, second = soup(site.out / "index.html").select(".contents li")
    assert first.a.text == "Paint the first picture" and second.a.text == "02_second"
    assert first.p.text == "A picture without a drop of paint."
    assert first.select_one(".time").text == "ran in 61 s"
    assert second.select_one(".why").text == "Stopped in cell 2: a reason"


def test_what_was_not_run_says_so(site):
    assert "not run" in soup(site.out / "index.html").select(".contents .time")[1].text
    assert "has not been run yet" in soup(site.out / "02_second.html").text


def test_a_notebook_that_was_not_run_shows_the_outputs_that_it_came_with(site):
    stored = new_notebook(cells=[code(painting("lime", "A lime field"))])
    nbformat.write(stored, site.folder / "02_second.ipynb")
    site.stored("02_second")
    site.index()
    page = soup(site.out / "02_second.html")
    assert page.select_one("img[alt='A lime field']")
    assert "has not been run yet" not in page.text
    assert "not run" not in soup(site.out / "index.html").select(".contents .time")[1].text


def test_a_notebook_that_is_gone_leaves_nothing(site):
    (site.folder / "01_first.ipynb").unlink()
    later = pages.Site(site.folder, site.out)
    later.clean()
    later.index()
    assert not (site.out / "01_first.html").exists()
    assert not list((site.out / "pictures").iterdir())
    assert len(soup(site.out / "index.html").select(".contents li")) == 1


def test_fewer_pictures_than_last_time_leave_no_file(site):
    publish(site, "01_first", new_notebook(cells=[code(painting("red", "red"))]))
    assert [path.name for path in (site.out / "pictures").iterdir()] == ["01_first-1.jpg"]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "{", "no results"])
def test_results_that_somebody_spoiled_are_no_results(site, text):
    (site.out / "results.json").write_text(text, encoding="utf-8")
    later = pages.Site(site.folder, site.out)
    later.clean()
    later.index()
    assert "ran in" not in soup(site.out / "index.html").select(".contents .time")[0].text


def test_what_tells_the_answer_is_folded(tmp_path):
    cells = [code(tags=["spec", "folded"]), code(tags=["check"])]
    soup = pages.render(new_notebook(cells=cells), tmp_path, tmp_path)
    (fold,) = soup.select("details")
    assert "show()" in fold.get_text() and fold.summary.get_text()
    assert len(soup.select(".input")) == 2


@pytest.mark.parametrize("name", ["results.json", "index.html", "thesis.txt", ".hidden"])
def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(FileExistsError, match=f"such as {name}.*choose an empty folder"):
        pages.claim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_is_new_or_empty_or_ours_is_taken(tmp_path):
    for folder in (tmp_path / "new" / "inner", tmp_path / "empty"):
        if folder.name == "empty":
            folder.mkdir()
        pages.claim(folder)
        (folder / "index.html").write_text("ours")
        pages.claim(folder)


def test_a_run_that_was_killed_while_it_marked_its_folder_may_come_again(tmp_path):
    (tmp_path / f"{pages.MARK}-77.part").write_text("Pag")
    pages.claim(tmp_path)


def test_build_belongs_to_the_series_whatever_lies_there(tmp_path):
    (tmp_path / "install.log").write_text("pip")
    pages.claim(tmp_path, is_ours=True)
    assert (tmp_path / "install.log").read_text() == "pip"


@pytest.mark.parametrize("place", ["file", "file/inner"])
def test_a_file_is_no_folder_for_pages(tmp_path, place):
    (tmp_path / "file").write_text("text")
    with pytest.raises(FileExistsError, match="because a file is in its way: choose another"):
        pages.claim(tmp_path / place)


GOOD = {
    "title": "t",
    "about": "a",
    "seconds": 1.5,
    "failure": None,
    "pictures": [],
    "stored": False,
    "minutes": [],
}


@pytest.mark.parametrize(
    "results",
    [
        [],
        "text",
        {"01_first": 7},
        {"01_first": {}},
        {"01_first": {**GOOD, "seconds": "one"}},
        {"01_first": {**GOOD, "seconds": float("nan")}},
        {"01_first": {**GOOD, "pictures": [{"file": "x.jpg"}]}},
        {"../01_first": GOOD},
        {"*": GOOD},
    ],
)
def test_results_of_another_form_count_as_none(tmp_path, results):
    (tmp_path / "results.json").write_text(json.dumps(results))
    assert pages.known_results(tmp_path) == {}


def test_results_of_our_form_are_known(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"02_good": GOOD, "03_bad": {}}))
    assert pages.known_results(tmp_path) == {"02_good": GOOD}


def test_deeply_nested_results_count_as_none(tmp_path):
    (tmp_path / "results.json").write_text("[" * 100_000)
    assert pages.known_results(tmp_path) == {}


def test_a_picture_that_is_gone_is_not_shown(site):
    site.index()
    (site.out / "pictures" / "01_first-1.jpg").unlink()
    (left,) = pages.known_results(site.out)["01_first"]["pictures"]
    assert left["file"] == "pictures/01_first-2.jpg"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 7}', "\x00\xff", '"text"'])
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "02_second.ipynb"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(Mistake, match="02_second.ipynb is damaged"):
        pages.read(path)


def test_what_is_no_notebook_is_said_on_its_page(site):
    (site.folder / "02_second.ipynb").write_text("{")
    del site.results["02_second"]
    site.clean()
    site.index()
    for name in ("02_second", "index"):
        page = (site.out / f"{name}.html").read_text(encoding="utf-8")
        assert "02_second.ipynb is damaged and cannot be read" in page
        assert "cell 0" not in page


def test_a_picture_is_found_by_its_name_however_the_address_writes_it(tmp_path):
    Image.new("L", (20, 20), 128).save(tmp_path / "a grey.png")
    for address in ("a%20grey.png", "a grey.png"):
        assert pages.embedded(address, tmp_path).startswith("data:image/png;base64,")
    address = "https://example.org/a%20grey.png"
    assert pages.embedded(address, tmp_path) == address


def test_search_gets_a_script_for_each_page(site):
    call = (site.out / "search" / "01_first.js").read_text(encoding="utf-8")
    name, title, sections = json.loads(re.fullmatch(r"addPage\(\.\.\.(.*)\)\n", call, re.S)[1])
    assert (name, title) == ("01_first", "Paint the first picture")
    assert sections[0][:2] == ["Paint-the-first-picture", "Paint the first picture"]
    assert "picture without a drop" in sections[0][2]
    page = soup(site.out / "01_first.html")
    assert page.find(id="search")["data-pages"].split() == ["01_first", "02_second"]


def test_a_notebook_that_is_gone_cannot_be_found(site):
    (site.folder / "01_first.ipynb").unlink()
    pages.Site(site.folder, site.out).clean()
    assert [path.name for path in (site.out / "search").iterdir()] == ["02_second.js"]


SECTIONS = """# Title

Text.

## One & only?

**Exercise 1 · build** · ●○○ · 5 minutes. Do it.

## Another
"""


def test_a_page_lists_its_sections_and_exercises(site):
    publish(site, "02_second", new_notebook(cells=[new_markdown_cell(SECTIONS)]))
    page = soup(site.out / "02_second.html")
    links = page.select(".toc a")
    assert [link.text for link in links] == ["One & only?", "Exercise 1 · build", "Another"]
    assert all(page.find(id=unquote(link["href"][1:])) for link in links)


def test_the_neighbours_are_linked_once(site):
    top = "← [Paint the first picture](01_first.ipynb) · [map of the series](01_first.ipynb#x)\n\n"
    cells = [new_markdown_cell(top + "# Second"), new_markdown_cell("End.\n\n" + top)]
    publish(site, "02_second", new_notebook(cells=cells))
    links = soup(site.out / "02_second.html").select('a[href^="01_first.html"]')
    assert [link["rel"] for link in links] == [["prev"]]


CARD = """# Title

> **The question** Why is that?
> **Time** about 25 minutes to read and run, and 30 minutes for the exercises; it computes little.
"""


def test_the_front_page_adds_up_the_minutes_of_the_cards(site):
    for name in ("01_first", "02_second"):
        publish(site, name, new_notebook(cells=[new_markdown_cell(CARD)]))
    page = soup(site.out / "index.html")
    first = page.select_one(".contents .time").get_text(" ", strip=True)
    assert "25 min to read" in first and "30 min of exercises" in first
    assert "1 hours" in page.select_one(".lead .small").text


def test_the_front_page_leads_to_the_first_notebook(site):
    start = soup(site.out / "index.html").select_one(".start a")
    assert start["href"] == "01_first.html"


def test_every_page_says_what_it_is_and_lets_the_keyboard_skip(site):
    for path in site.out.glob("*.html"):
        page = soup(path)
        assert page.html["lang"] == "en" and page.title.text
        assert page.find("meta", attrs={"name": "description"})["content"]
        assert page.find(id=page.select_one(".skip")["href"][1:]).name == "main"
        assert len(page.select("h1")) <= 1


def test_an_empty_corner_of_a_table_is_no_heading(tmp_path):
    table = "| | a |\n|---|---|\n| b | c |\n"
    body = pages.render(new_notebook(cells=[new_markdown_cell(table)]), tmp_path, tmp_path)
    assert [heading.text for heading in body.select("th")] == ["a"]
    assert body.table.parent["class"] == ["wide"]
