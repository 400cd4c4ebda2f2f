"""tools.site.alive: sliders, matrices and films are whole in the page, before any script runs."""

import base64
import io
import json
import re
import tomllib

import jinja2
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from tests.support import ROOT
from tools.site import alive, front
from tools.site.pages import TEMPLATES, formula

DATA = ROOT / "data"
PARTS = alive.listed()
ANCHORED = [part for part in PARTS if "after" in part]
CHOICES = [part for part in PARTS if part["kind"] == "choices"]


def name_of(part: dict) -> str:
    return f"{part['page']}-{part['name']}"


@pytest.fixture
def living(tmp_path):
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return alive.Alive(DATA, tmp_path, jinja2.Environment(loader=loader, autoescape=True))


@pytest.mark.parametrize("part", ANCHORED, ids=name_of)
def test_each_part_has_its_cell(part):
    """Where a notebook was rewritten, alive.toml has to name another line of the cell."""
    text = (ROOT / "notebooks" / f"{part['page']}.ipynb").read_text(encoding="utf-8")
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert sum(part["after"] in "".join(cell["source"]) for cell in cells) == 1


@pytest.mark.parametrize("part", CHOICES, ids=name_of)
def test_each_combination_of_values_has_a_picture_and_a_description(part, living):
    soup = BeautifulSoup(living.html(part), "html.parser")
    facts = json.loads(soup.select_one("script").string)
    count = 1
    for axis, length, words in zip(part["axis"], facts["lengths"], facts["words"], strict=True):
        assert len(axis["values"]) == length == len(words)
        count *= length
    assert len(facts["frames"]) == count
    assert len({frame["alt"] for frame in facts["frames"]}) == count
    files = [living.out / frame["src"] for frame in facts["frames"]]
    assert len({file.read_bytes() for file in files}) == count


def test_the_last_axis_changes_fastest(living):
    part = next(part for part in PARTS if part["name"] == "grid")
    frames = living.choices(part)["frames"]
    weights, layers = part["axis"][1]["values"], part["axis"][0]["values"]
    second = DATA / "results" / "08_grid" / f"{layers[0]}_{weights[1]}.jpg"
    assert (living.out / frames[1]["src"]).read_bytes() == second.read_bytes()


def test_the_first_picture_is_the_one_that_the_controls_say(living):
    part = next(part for part in PARTS if part["name"] == "grid")
    soup = BeautifulSoup(living.html(part), "html.parser")
    layers, weight = [int(control["value"]) for control in soup.select("input")]
    facts = json.loads(soup.select_one("script").string)
    place = layers * facts["lengths"][1] + weight
    assert soup.select_one("img.frame")["src"] == facts["frames"][place]["src"]
    assert [output.get_text() for output in soup.select("output")] == ["all five", "0.03"]


@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_without_scripts_nothing_dead_is_shown(part, living):
    figure = BeautifulSoup(living.html(part), "html.parser").figure
    assert figure.has_attr("hidden")
    assert figure.find(id=figure["aria-labelledby"]).get_text() == part["title"]


def code_cell(source: str, output: str = "") -> str:
    shown = f'<div class="output_area"><img alt="a film" src="{output}"/></div>' if output else ""
    return f'<div class="code_cell"><div class="input">{source}</div>{shown}</div>'


def test_a_part_stands_after_its_cell(living):
    part = next(part for part in PARTS if part["kind"] == "toy")
    soup = BeautifulSoup(code_cell(part["after"]) + code_cell("other"), "html.parser")
    living.place(soup, part["page"])
    first, figure, other = soup.find_all(recursive=False)
    assert figure["id"] == "alive-toy" and other.get_text() == "other"


@pytest.mark.parametrize("count", [0, 2])
def test_a_part_whose_cell_is_not_clear_is_left_out(living, count):
    part = next(part for part in PARTS if part["kind"] == "toy")
    soup = BeautifulSoup(code_cell(part["after"]) * count, "html.parser")
    living.place(soup, part["page"])
    assert soup.figure is None


def test_parts_of_another_page_stay_there(living):
    part = next(part for part in PARTS if part["kind"] == "toy")
    soup = BeautifulSoup(code_cell(part["after"]), "html.parser")
    living.place(soup, "00_start_here")
    assert soup.figure is None


def test_the_toy_says_its_sums(living):
    part = next(part for part in PARTS if part["kind"] == "toy")
    soup = BeautifulSoup(living.html(part), "html.parser")
    assert [button.get_text() for button in soup.select("button")] == ["6", "8", "8", "14"]
    assert soup.select("button")[1]["data-sum"] == "1·0 + 2·3 + 0·1 + 1·2 = 8"


def test_the_table_shows_the_stored_numbers(living):
    part = next(part for part in PARTS if part["kind"] == "gram")
    table = json.loads((DATA / part["table"]).read_text())
    soup = BeautifulSoup(living.html(part), "html.parser")
    shown = [button.get_text() for button in soup.select("button")]
    assert shown == [f"{number:.0f}" for row in table["gram"] for number in row]
    assert len(part["words"]) == len(table["channels"]) == 10
    shades = [float(button["style"].split(":")[1]) for button in soup.select("button")]
    assert max(shades) == 1 and min(shades) >= 0
    facts = json.loads(soup.select_one("script").string)
    for picture in ("painting", "maps"):
        assert facts[picture].startswith("data:image/jpeg;base64,")


def test_the_stored_maps_have_the_numbers_of_their_table():
    """The product of two maps, as bright as stored, orders the entries as the matrix does."""
    table = json.loads((DATA / "results" / "03_gram.json").read_text())
    with Image.open(DATA / "results" / "03_gram.jpg") as sheet:
        assert sheet.size == (5 * table["width"], 2 * table["height"])
    gram = table["gram"]
    assert all(gram[i][j] == gram[j][i] for i in range(10) for j in range(10))
    assert gram[0][1] == 21.95 and gram[6][9] == 0.05  # as notebook 03 prints them


def film(frames: int) -> str:
    colours = [Image.new("RGB", (8, 6), (40 * k, 0, 0)) for k in range(frames)]
    file = io.BytesIO()
    colours[0].save(file, "PNG", save_all=frames > 1, append_images=colours[1:], duration=50)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def test_a_film_gets_a_slider_and_a_button(living):
    soup = BeautifulSoup(code_cell("play()", film(3)), "html.parser")
    living.place(soup, "06_painting_with_adam")
    (player,) = soup.select("figure.film")
    assert len(json.loads(player.script.string)["frames"]) == 3
    assert player.select_one("button.play") and player.select_one("img")["alt"] == "a film"
    assert "has-player" in soup.select_one(".output_area")["class"]
    assert len(list((living.out / "alive").iterdir())) == 3


@pytest.mark.parametrize(
    "source", [film(1), "data:image/png;base64,AAAA", "data:image/jpeg;base64,"]
)
def test_a_picture_that_does_not_move_gets_none(living, source):
    soup = BeautifulSoup(code_cell("show()", source), "html.parser")
    living.place(soup, "06_painting_with_adam")
    assert not soup.select("figure")


def test_without_the_data_nothing_is_promised(tmp_path):
    loader = jinja2.FileSystemLoader(TEMPLATES)
    poor = alive.Alive(tmp_path, tmp_path, jinja2.Environment(loader=loader))
    assert poor.of_index() == {"wall": ""}


# ---- the front page's own pictures ---------------------------------------------------------------


def test_the_front_page_names_pictures_and_notebooks_that_are_there(tmp_path):
    page = front.Front(DATA, tmp_path)
    paintings = page.paintings()
    assert len(paintings) == len(page.list["painting"]) >= 6
    for painting in paintings:
        size = (painting["width"], painting["height"])
        assert Image.open(tmp_path / painting["src"]).size == size
        assert max(size) <= front.LARGE
        assert (ROOT / "notebooks" / f"{painting['page']}.ipynb").is_file()
        assert painting["alt"].endswith(".")
    assert {"src", "width", "height"} <= set(page.wipe()["after"])


def test_each_notebook_of_the_series_belongs_to_one_part(tmp_path):
    series = tomllib.loads((ROOT / "notebooks" / "src" / "series.toml").read_text("utf-8"))
    names = [entry["slug"] for entry in series["notebook"]]
    parts = front.Front(DATA, tmp_path).parts(names)
    assert [name for part in parts for name in part["notebooks"]] == names
    assert "More" not in [part["title"] for part in parts]


def test_a_notebook_that_no_part_names_comes_last(tmp_path):
    parts = front.Front(DATA, tmp_path).parts(["00_start_here", "77_new"])
    assert [part["notebooks"] for part in parts] == [["00_start_here"], ["77_new"]]


def test_without_the_data_the_front_page_has_no_paintings(tmp_path):
    page = front.Front(tmp_path, tmp_path)
    assert page.paintings() == [] and page.wipe() is None


# ---- what the pages look like --------------------------------------------------------------------

CSS = (TEMPLATES / "page.css").read_text(encoding="utf-8")
LIGHT, DARK = re.findall(r":root \{(.*?)\}", CSS, re.S)[:2]
SCHEMES = {
    "light": dict(re.findall(r"--(\w+): (#\w{6});", LIGHT)),
    "dark": dict(re.findall(r"--(\w+): (#\w{6});", DARK)),
}


def brightness(colour: str) -> float:
    """The relative luminance of #rrggbb, as WCAG 2 defines it."""
    red, green, blue = (linear(int(colour[k : k + 2], 16) / 255) for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted([brightness(one), brightness(other)])
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["paper", "wash"])
@pytest.mark.parametrize(
    "ink", ["ink", "quiet", "accent", "comment", "keyword", "string", "number", "name"]
)
def test_letters_can_be_read_in_both_schemes(scheme, ground, ink):
    colours = SCHEMES[scheme]
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_numbers_can_be_read_on_the_shades_of_a_table_and_errors_on_theirs(scheme):
    colours = SCHEMES[scheme]
    assert contrast(colours["ink"], colours["low"]) >= 4.5
    assert contrast(colours["ink"], colours["high"]) >= 4.5
    assert contrast(colours["bad"], colours["badwash"]) >= 4.5
    assert contrast(colours["paper"], colours["accent"]) >= 4.5  # the letters of a button


def test_the_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_code_scrolls_and_is_never_broken_on_a_screen():
    screen, paper = CSS.split("@media print")
    assert re.search(r"^pre \{[^}]*white-space: pre;[^}]*overflow-x: auto", screen, re.M)
    assert "pre-wrap" not in screen and "pre-wrap" in paper


def test_the_fonts_are_small_and_their_licence_lies_beside_them():
    fonts = list((TEMPLATES / "fonts").glob("*.woff2"))
    assert all(path.read_bytes()[:4] == b"wOF2" for path in fonts)
    assert sum(path.stat().st_size for path in fonts) < 200_000
    licence = (TEMPLATES / "fonts" / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in licence and all(path.name in licence for path in fonts)


def signs_of_the_font() -> set[str]:
    """The signs that the font of the formulas was made with, from the page that tells about it."""
    text = (TEMPLATES / "fonts" / "README.md").read_text(encoding="utf-8")
    signs = set()
    for first, last in re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", text):
        signs |= {chr(code) for code in range(int(first, 16), int(last or first, 16) + 1)}
    return signs


def test_the_font_has_each_sign_of_the_formulas():
    formulas = set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        formulas |= set(re.findall(r"\$\$?([^$`]+?)\$\$?", "\n".join(texts)))
    assert len(formulas) > 100
    shown = "".join(BeautifulSoup(formula(tex), "html.parser").get_text() for tex in formulas)
    assert not set(shown) - signs_of_the_font() - {"\n"}


@pytest.mark.parametrize("name", ["page.js", "alive.js", "page.css", "page.html", "alive.html"])
def test_nothing_of_ours_asks_the_network(name):
    text = (TEMPLATES / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"fetch\(|XMLHttpRequest|https?://|import\(|type=.module", text)
