"""The pages of the real notebooks, as a reader meets them: keyboard, phone, dark, paper, search.

Optional, because it needs a browser: set NST_BROWSER=1, `pip install playwright
axe-playwright-python`, and have a Chromium (or say where it is: CHROMIUM=path). Nothing is run:
the pages show the stored outputs.
"""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.notebooks.chromium import ASKS_FOR_A_BROWSER
from tests.support import ROOT
from tools.site import run

pytestmark = ASKS_FOR_A_BROWSER
NAMES = ["index", *sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))]
OPEN_ALL = "document.querySelectorAll('details').forEach(fold => { fold.open = true })"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages with stored outputs, in a folder with a space in its name."""
    out = tmp_path_factory.mktemp("memory stick")
    assert run.main(["--stored", "--out", str(out)]) == 0
    return out


@pytest.fixture
def visit(browser, site):
    """Open a page: visit(name, width=1280, ...) -> the page, and what it complained about."""
    opened = []

    def visit(name: str, width: int = 1280, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.troubles = []
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("requestfailed", lambda request: page.troubles.append(request.url[:200]))
        page.on("request", lambda request: note_foreign(page, request.url))
        page.goto((site / f"{name}.html").as_uri())
        opened.append(page)
        return page

    yield visit
    for page in opened:
        page.close()


def note_foreign(page, address: str) -> None:
    if not address.startswith(("file:", "data:", "blob:")):
        page.troubles.append(address)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_serious(visit, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(name, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(300)
    found = axe.run(page).response["violations"]
    serious = [
        (one["id"], one["help"]) for one in found if one["impact"] in ("serious", "critical")
    ]
    assert not serious


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_its_window_and_asks_nobody(visit, name, width):
    page = visit(name, width=width)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    broken = "all => all.filter(i => i.complete && !i.naturalWidth).map(i => i.src.slice(0, 80))"
    assert page.eval_on_selector_all("img", broken) == []
    assert page.eval_on_selector_all("img", "all => all.filter(i => !i.alt).length") == 0
    dead = "all => all.filter(part => part.hidden).map(part => part.id)"
    assert page.eval_on_selector_all(".alive", dead) == []
    assert page.troubles == []


@pytest.mark.parametrize("name", NAMES)
def test_each_link_within_the_pages_leads_to_a_place(visit, site, name):
    page = visit(name)
    addresses = page.eval_on_selector_all("a[href]", "all => all.map(link => link.href)")
    ids = {}
    for address in set(addresses):
        parts = urlsplit(address)
        if parts.scheme != "file":
            assert parts.scheme == "https" or parts.netloc, address
            continue
        target = Path(unquote(parts.path))
        assert target.exists(), address
        if parts.fragment:
            text = target.read_text(encoding="utf-8")
            ids.setdefault(target, set(re.findall(r'\sid="([^"]*)"', text)))
            assert unquote(parts.fragment) in ids[target], address


def test_search_finds_words_and_beginnings_and_leads_there(visit):
    page = visit("06_painting_with_adam")
    page.keyboard.press("/")
    page.keyboard.type("gram matri")
    page.wait_for_selector("#search li")
    assert "section" in page.inner_text("#search output")
    assert page.inner_text("#search li:first-child small").startswith("03 ·")
    assert page.locator("#search mark").first.inner_text().lower() in ("gram", "matrix", "matrices")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/03_gram_matrices.html#*")
    anchor = unquote(urlsplit(page.url).fragment)
    assert page.evaluate("id => document.getElementById(id) !== null", anchor)


@pytest.mark.parametrize(
    ("words", "count"), [("qwertz", "0 sections"), ("tubingen", "[1-9]"), ("ram", None)]
)
def test_search_ignores_accents_and_does_not_look_inside_words(visit, words, count):
    page = visit("index")
    page.click("#open-search")
    page.fill("#search input", words)
    page.wait_for_function("document.querySelector('#search output').textContent.includes('sect')")
    if count:
        assert re.match(count, page.inner_text("#search output"))
    else:
        marks = page.locator("#search mark").all_inner_texts()
        assert not [mark for mark in marks if not mark.lower().startswith(words)]
    page.keyboard.press("Escape")
    assert not page.is_visible("#search")


def test_code_is_copied_and_it_is_said(visit):
    page = visit("00_start_here")
    button = page.locator(".copy").nth(1)
    code = page.locator(".input_area pre").nth(1).text_content()
    page.evaluate(
        "() => { navigator.clipboard.writeText = async text => { window.copied = text } }"
    )
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#said').textContent === 'Copied'")
    assert page.evaluate("copied") == code.strip("\n") + "\n"


def test_the_contents_say_where_you_are(visit):
    page = visit("03_gram_matrices")
    link = page.locator(".toc a").nth(6)
    link.click()
    page.wait_for_function(
        "hash => document.querySelector('.toc [aria-current]')?.getAttribute('href') === hash",
        arg=link.get_attribute("href"),
    )
    narrow = visit("03_gram_matrices", width=390)
    assert not narrow.locator(".toc ol").is_visible()
    narrow.click(".toc summary")
    assert narrow.locator(".toc ol").is_visible()


def test_a_slider_changes_the_picture_with_the_keyboard(visit):
    page = visit("08_recipes_and_knobs")
    picture = page.locator("#alive-grid img.frame")
    before = picture.get_attribute("src")
    slider = page.locator("#alive-grid input").nth(1)
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") != before
    assert "0.3" in picture.get_attribute("alt")
    assert slider.get_attribute("aria-valuetext") == "0.3"
    assert page.locator("#alive-grid output").nth(1).inner_text() == "0.3"


def test_an_entry_of_the_gram_matrix_answers_to_the_keyboard_and_the_pointer(visit):
    page = visit("03_gram_matrices")
    part = page.locator("#alive-channels")
    answer = part.locator(".answer")
    assert "(244, 139)" in answer.inner_text()
    part.locator("button[tabindex='0']").focus()
    look = "canvas => canvas.toDataURL()"
    before = part.locator("canvas").nth(2).evaluate(look)
    page.keyboard.press("ArrowDown")
    assert "(139, 139)" in answer.inner_text() and "48" in answer.inner_text()
    assert part.locator("canvas").nth(2).evaluate(look) != before
    part.locator("button[data-row='6'][data-column='9']").hover()
    assert "(100, 1)" in answer.inner_text() and "is 0 on average" in answer.inner_text()
    assert part.locator("button[tabindex='0']").count() == 1
    toy = page.locator("#alive-toy")
    toy.locator("button").nth(3).click()
    assert toy.locator(".answer").inner_text() == "0·0 + 3·3 + 1·1 + 2·2 = 14"


def test_a_film_waits_for_a_button_and_ends(visit):
    page = visit("06_painting_with_adam")
    film = page.locator(".film").first
    assert not page.locator(".has-player img").first.is_visible()
    before = film.locator("img").get_attribute("src")
    page.wait_for_timeout(600)
    assert film.locator("img").get_attribute("src") == before
    film.locator(".play").click()
    page.wait_for_timeout(1000)
    assert film.locator("img").get_attribute("src") != before
    film.locator("input").focus()
    page.keyboard.press("End")
    assert film.locator(".play").inner_text() == "Play"


@pytest.mark.parametrize("name", ["index", "03_gram_matrices", "06_painting_with_adam"])
def test_without_scripts_everything_can_be_read_and_nothing_is_dead(browser, site, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / f"{name}.html").as_uri())
    assert page.locator("main").inner_text().strip()
    for selector in (".alive", "#open-search", "#search", ".wipe label"):
        assert not [part for part in page.locator(selector).all() if part.is_visible()], selector
    for image in page.locator(".has-player img").all():
        assert image.is_visible()
    context.close()


def test_on_paper_every_hint_is_open_and_code_is_not_cut_off(visit):
    page = visit("03_gram_matrices", color_scheme="dark")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    closed = page.locator("details:not([open])")
    assert {fold.get_attribute("class") for fold in closed.all()} <= {"setup"}
    assert page.locator("details[open] p").first.is_visible()
    wide = "all => all.filter(pre => pre.scrollWidth > pre.clientWidth + 1).length"
    assert page.eval_on_selector_all("pre", wide) == 0
    assert not page.locator(".bar").is_visible() and not page.locator(".toc").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 1  # the contents


def test_a_page_carried_off_alone_still_shows_its_pictures(visit, site, tmp_path, browser):
    """Also the film, whose player has no pictures then."""
    shutil.copy(site / "06_painting_with_adam.html", tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "06_painting_with_adam.html").as_uri())
    page.wait_for_timeout(500)
    assert page.locator(".output_area img").first.evaluate("image => image.naturalWidth > 100")
    assert not [part for part in page.locator(".alive").all() if part.is_visible()]
    assert page.locator(".has-player img").first.is_visible()
    page.close()
