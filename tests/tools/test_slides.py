"""Slides: how a notebook is cut, what a deck needs, and whether everything fits on the stage."""

import base64
import html
import io
import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from tools.site import build
from tools.teach import cut, deck, drift, pdf, texts
from tools.teach.cut import Slide

# In the browser, with all slides beside each other as they are printed: what does not fit.
MEASURE = """<script>
const faults = []
function look() {
  const stages = [...document.querySelectorAll(".stage")]
  for (const [number, stage] of stages.entries()) {
    const box = stage.getBoundingClientRect()
    const name = `slide ${number + 1} (${stage.innerText.slice(0, 30)})`
    const say = what => faults.push(`${name}: ${what}`)
    if (stage.scrollHeight > stage.clientHeight + 1) say(`${stage.scrollHeight} px high`)
    for (const part of stage.querySelectorAll("p, pre, li, table, img, math, math *, h2")) {
      const own = part.getBoundingClientRect()
      const isIn = own.left >= box.left - 1 && own.right <= box.right + 1
        && own.top >= box.top - 1 && own.bottom <= box.bottom + 1
      if (!isIn) say(`${part.tagName} leaves the stage`)
      if (part.tagName === "PRE" && part.scrollWidth > part.clientWidth + 1) say("code too wide")
      const wanted = Math.min(300, part.naturalHeight) - 1
      if (part.tagName === "IMG" && own.height < wanted) say(`a picture ${own.height} px high`)
    }
  }
  document.body.innerHTML = `<pre id=found>${JSON.stringify({slides: stages.length, faults})}</pre>`
}
look()
</script></body>"""


def picture_output(width=300, height=200):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "JPEG")
    data = {"image/jpeg": base64.b64encode(buffer.getvalue()).decode(), "text/plain": "[picture]"}
    metadata = {"image/jpeg": {"alt": "A red square on a red ground."}}
    return new_output("display_data", data, metadata=metadata)


def code(source: str, *outputs, tags=()):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def printed(text: str):
    return new_output("stream", text=text)


@pytest.fixture
def cut_up(series, monkeypatch):
    """Return a function: cells -> the slides below the heading that it writes above them."""
    monkeypatch.setattr(texts, "questions", lambda: [])
    monkeypatch.setattr(texts, "objectives", lambda: [])

    def slides_of(*cells, correction=None):
        notebook = new_notebook(cells=[new_markdown_cell("## A section"), *cells])
        (_, section) = cut.sections(notebook)
        return cut.Cutter("01_one", section, correction or {}).cut()

    return slides_of


def kinds(slides: list[Slide]) -> list[str]:
    return [slide.kind for slide in slides]


# --- the cut ---


def test_a_heading_opens_a_stack_with_the_point_of_its_first_paragraph(cut_up):
    (slide,) = cut_up(new_markdown_cell("It starts. It goes on, and so on. This is the point."))
    assert (slide.kind, slide.title) == ("opener", "A section")
    assert "This is the point." in slide.body and "It starts" not in slide.body
    assert any("It starts. It goes on" in note for note in slide.notes)


def test_a_formula_a_list_and_a_picture_get_slides_of_their_own(cut_up):
    text = "Why.\n\n$$a = b$$\n\nIn words.\n\n- one thing\n- another thing"
    slides = cut_up(new_markdown_cell(text), code("show(x)", picture_output()))
    assert kinds(slides) == ["opener", "formula", "listing", "picture"]
    assert "<math" in slides[1].body
    assert "another thing" in slides[2].body


def test_the_answer_of_a_prediction_is_the_next_slide(cut_up):
    folded = "<details><summary>Compare</summary>\n\nFour. Because of that.\n\n</details>"
    slides = cut_up(new_markdown_cell(f"{cut.TURN} How many?\n\n{folded}"))
    assert kinds(slides) == ["opener", "turn", "answer"]
    assert "How many?" in slides[1].body and "Four" not in slides[1].body
    assert "Four." in slides[2].body


def test_an_exercise_is_named_and_its_solution_is_nowhere(cut_up):
    solution = "<details><summary>Solution</summary>\n\nsecret\n\n</details>"
    text = f"**Exercise 2 · build** · ●●○ · 10 minutes. Add one.\n\n{solution}"
    slides = cut_up(new_markdown_cell(text), code("def f():\n    secret", tags=["exercise"]))
    assert kinds(slides) == ["opener", "exercise"]
    assert "10 minutes" in slides[1].body and "Add one." in slides[1].body
    assert "secret" not in str(slides)


def test_an_exercise_keeps_its_list_and_its_command(cut_up):
    text = "**Exercise 2 · predict** · ●○○ · 5 minutes. Which?\n\n- " + "word " * 35
    text += "\n- " + "word " * 35
    slides = cut_up(new_markdown_cell(text))
    assert kinds(slides) == ["opener", "exercise", "exercise"]
    assert {slide.title for slide in slides[1:]} == {"Exercise 2"}
    text = "**Exercise 2 · build** · ●○○ · 5 minutes. Write it, and run\n\n```bash\nhang\n```"
    assert ">hang" in cut_up(new_markdown_cell(text))[1].body


def test_short_code_is_shown_with_what_it_printed_and_long_code_is_not(cut_up):
    slides = cut_up(code("x = 1\nprint(x)", printed("1\n")))
    assert "print" in slides[1].body and ">1</pre>" in slides[1].body
    long = "\n".join(f"x{number} = {number}" for number in range(cut.LONGEST_CODE + 1))
    slides = cut_up(code(long, printed("1\n")))
    assert "x3" not in slides[1].body and ">1</pre>" in slides[1].body
    assert kinds(cut_up(code(long))) == ["opener"]


def test_the_call_that_shows_a_picture_is_no_code_for_a_slide(cut_up):
    source = 'show(x,\n     alt="What is to be seen.")'
    assert kinds(cut_up(code(source, picture_output()))) == ["opener", "picture"]
    slides = cut_up(code(f"x = paint()\n{source}", picture_output()))
    assert kinds(slides) == ["opener", "program", "picture"]
    assert "What is to be seen" not in slides[1].body
    names_only = f"six = [one for one in all_of_them]\n{source}"
    assert kinds(cut_up(code(names_only, picture_output()))) == ["opener", "picture"]


@pytest.mark.parametrize("tag", ["setup", "settings", "spec", "exercise", "check", "skip"])
def test_a_cell_of_this_tag_is_no_slide(cut_up, tag):
    assert kinds(cut_up(code("x = 1", tags=[tag]))) == ["opener"]


def test_tags_of_a_slideshow_correct_the_cut(cut_up):
    def text(words, tag):
        return new_markdown_cell(words, metadata={"tags": [tag]})

    slides = cut_up(text("Alone.", "slide"), text("Later.", "fragment"), text("Aside.", "notes"))
    assert kinds(slides) == ["opener", "text"]
    assert "Alone." in slides[1].body and "class='fragment'" in slides[1].body
    assert "Aside." not in slides[1].body and "Aside." in str(slides[1].notes)
    assert kinds(cut_up(text("Nothing.", "skip"))) == ["opener"]


def test_slides_toml_corrects_a_section(cut_up):
    long = new_code_cell("\n".join(["x = 1"] * 20), id="long")
    slides = cut_up(new_markdown_cell("Text."), long, correction={"key": "Mine.", "show": ["long"]})
    assert "Mine." in slides[0].body
    assert kinds(slides) == ["opener", "program"]
    assert kinds(cut_up(long, correction={"hide": ["long"]})) == ["opener"]


def test_notes_carry_the_minutes_and_the_questions_of_the_section(cut_up, monkeypatch):
    question = {"id": "01-q", "notebook": "01_one", "section": "A section", "kind": "short"}
    question |= {"text": "Why?", "answer": "Because.", "points": 1}
    monkeypatch.setattr(texts, "questions", lambda: [question])
    notes = "".join(cut_up(new_markdown_cell("word " * 360))[0].notes)
    assert "About 2 minutes" in notes
    assert "01-q" in notes and "Why?" in notes and "Because." in notes


def test_a_paragraph_is_taken_apart_at_the_ends_of_sentences():
    text = "See [relu4_2](a.b) in 3.5 s. It is *small*. $a. B$ and `x. Y` stay. Really?"
    assert cut.sentences(text) == [
        "See [relu4_2](a.b) in 3.5 s.",
        "It is *small*.",
        "$a. B$ and `x. Y` stay.",
        "Really?",
    ]


# --- the deck ---


@pytest.mark.parametrize(
    ("size", "expected"),
    [((960, 320), (1176, 392)), ((200, 100), (400, 200)), ((500, 2000), (126, 502))],
)
def test_a_picture_is_as_large_as_the_stage_lets_it_be(size, expected):
    picture = cut.picture_of(picture_output(*size), {})
    assert deck.placed(Slide("picture", "title", "<p>caption</p>", [], picture)) == expected


@pytest.fixture(scope="module")
def small():
    """The deck of the shortest notebook."""
    return deck.deck("00_start_here")


def test_a_deck_needs_no_other_file_and_no_network(small):
    ours = re.sub(r"<script>.*?</script>", "", small, flags=re.S)
    assert not re.search(r'<(script|img|iframe)[^>]+src="(?!data:)', ours)
    assert not re.search(r'<link[^>]+href="(?!data:)', small)
    assert "@import" not in small and "url(http" not in small
    assert "MIT licensed" in small


def test_every_picture_of_a_deck_has_its_description(small):
    body = small.partition("<script>")[0]
    pictures = re.findall(r"<img [^>]*>", body)
    assert len(pictures) == 2
    assert all(len(re.search(r'alt="([^"]*)"', one)[1]) > 20 for one in pictures)


@pytest.mark.slow
@pytest.mark.parametrize("slug", build.sources())
def test_every_notebook_has_slides_with_little_text_and_all_its_pictures(slug):
    everything = [slide for stack in cut.slides(slug) for slide in stack]
    for slide in everything:
        assert len(deck.plain(slide.body).split()) <= 190, slide.title
    outputs = [
        cut.pictures_of(cell)
        for cell in build.code_cells(build.committed(slug))
        if not cut.LEFT_OUT & set(cell.metadata.get("tags", []))
    ]
    assert sum(slide.kind == "picture" for slide in everything) == sum(map(len, outputs))
    assert sum(slide.kind == "turn" for slide in everything) >= 1 or slug.startswith("00")
    assert {slide.kind for slide in everything} >= {"title", "opener", "picture", "exercise"}


# --- in a browser ---

needs_chromium = pytest.mark.skipif(pdf.chromium() is None, reason="there is no Chromium here")


def measured(page: str) -> dict:
    """Open slides as they are printed, and return how many there are and what does not fit."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "deck.html"
        path.write_text(page.replace("</body>", MEASURE), encoding="utf-8")
        words = ["--dump-dom", path.as_uri()]
        command = pdf.command(pdf.chromium(), f"{folder}/profile", *words)
        process = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=180)
    found = re.search(r'<pre id="found">(.*?)</pre>', process.stdout, re.S)
    assert found, process.stderr[-1000:]
    return json.loads(html.unescape(found[1]))


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("slug", build.sources())
def test_everything_fits_on_the_stage(slug):
    found = measured(deck.paper(slug))
    assert found["faults"] == []
    assert found["slides"] == sum(len(stack) for stack in cut.slides(slug))


@needs_chromium
@pytest.mark.slow
def test_what_does_not_fit_would_be_noticed():
    page = deck.paper("00_start_here")
    tall = page.replace(
        '<div class="text ', '<div style="flex: none; height: 900px"></div><div class="text ', 1
    )
    assert "slide 1" in measured(tall)["faults"][0]
    wide = page.replace("width: 1176px; height", "width: 1400px; height", 1)
    assert any("IMG leaves the stage" in fault for fault in measured(wide)["faults"])


@needs_chromium
@pytest.mark.slow
def test_a_deck_is_printed_with_a_page_for_each_slide():
    content = pdf.printed(deck.paper("00_start_here"), pdf.chromium())
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert pages == sum(len(stack) for stack in cut.slides("00_start_here"))


def test_without_a_chromium_it_is_said_and_nothing_fails(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    assert pdf.chromium() is None


# --- drift ---


def test_a_section_that_slides_toml_names_and_that_is_gone_is_named(monkeypatch):
    gone = {"00_start_here": {"A lost section": {"skip": True}, "Words": {"show": ["00-999"]}}}
    monkeypatch.setattr(texts, "corrections", lambda: gone | {"99_lost": {}})
    assert drift.in_slides() == [
        'slides.toml: 00_start_here has no section "A lost section"',
        "slides.toml: 00_start_here has no cell 00-999",
        "slides.toml: there is no notebook 99_lost",
    ]
