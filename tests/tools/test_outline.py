"""tools.site.outline: exercises get headings, neighbours one way, and search its words."""

import pytest
from bs4 import BeautifulSoup

from tools.site import outline

EXERCISE = "<p><strong>Exercise 2 · make a picture</strong> · ●●○ · 15 minutes. Choose one.</p>"


def cell(html: str) -> BeautifulSoup:
    """The soup of a text cell."""
    return BeautifulSoup(f'<div class="text_cell">{html}</div>', "html.parser")


def arranged(html: str) -> BeautifulSoup:
    soup = cell(html)
    outline.arrange(soup)
    return soup


def test_an_exercise_gets_a_heading_with_an_anchor():
    soup = arranged(EXERCISE)
    heading = soup.h3
    assert heading["id"] == "Exercise-2" and heading.a["href"] == "#Exercise-2"
    assert outline.heading_text(heading) == "Exercise 2 · make a picture"
    assert heading.small.get_text() == "●●○ 15 minutes"
    assert heading.select_one("[role=img]")["aria-label"] == "difficulty 2 of 3"
    assert soup.p.get_text() == "Choose one." and soup.p.find_previous("h3") is heading


@pytest.mark.parametrize(
    "text",
    [
        "<p><strong>Exercise 2</strong> is easy.</p>",
        "<p>See <strong>Exercise 2 · build</strong> · ●●○ · 15 minutes.</p>",
        "<p><strong>Bold</strong> · ●●○ · 15 minutes.</p>",
    ],
)
def test_what_only_speaks_of_an_exercise_stays_a_sentence(text):
    assert arranged(text).h3 is None


LINKS = '<a href="a.html">A</a> · <a href="00.html#The-map">map</a> · <a href="b.html">B</a>'
WAY = f"<p>← {LINKS} →</p>"


def test_the_links_to_the_neighbours_leave_the_text():
    assert not arranged(WAY).select("p, a")


def test_the_way_into_the_cloud_stays():
    badge = '<a href="https://example.org/x">Open this notebook</a>'
    soup = arranged(WAY.replace("<p>", f"<p>{badge} "))
    assert soup.p.get_text() == "Open this notebook" and len(soup.select("a")) == 1


@pytest.mark.parametrize("text", ['<a href="b.html">B</a>', 'F → <a href="b.html">B</a>', "→"])
def test_other_lines_with_links_or_arrows_stay(text):
    assert arranged(f"<p>{text}</p>").p


def test_a_prediction_and_its_answer_stand_in_one_frame():
    fold = "<details><summary>Compare</summary><p>8</p></details>"
    soup = arranged(f"<p><strong>Your turn, now.</strong> Why?</p><p>Think.</p>{fold}<p>After.</p>")
    frame = soup.select_one(".prediction")
    assert [tag.name for tag in frame.find_all(recursive=False)] == ["p", "p", "details"]
    assert "After." not in frame.get_text()


def test_a_prediction_without_an_answer_takes_nothing_else_in():
    fold = "<details><p>far away</p></details>"
    text = f"<p><strong>Your turn.</strong> Why?</p><h2>Next</h2>{fold}"
    assert arranged(text).select_one(".prediction").get_text() == "Your turn. Why?"


def test_the_setup_cell_is_folded_and_its_output_is_not():
    code = '<div class="input">import os</div><div class="output">43</div>'
    soup = BeautifulSoup(f'<div class="celltag_setup">{code}</div>', "html.parser")
    outline.arrange(soup)
    assert "import os" in soup.details.get_text() and "43" not in soup.details.get_text()
    assert not soup.details.has_attr("open")


CARD = """<h1 id="T">T</h1><blockquote><p><strong>The question</strong> How <em>so</em>?<br/>
<strong>Time</strong> an hour.</p></blockquote><blockquote><p>A quotation.</p></blockquote>"""


def test_the_card_becomes_a_list_of_terms():
    soup = cell(CARD)
    outline.set_card(soup)
    assert [term.get_text() for term in soup.select("dt")] == ["The question", "Time"]
    assert [answer.get_text().strip() for answer in soup.select("dd")] == ["How so?", "an hour."]
    assert soup.em and soup.select_one("blockquote").get_text() == "A quotation."


def test_a_quotation_that_is_no_card_stays():
    soup = cell("<h1>T</h1><blockquote><p>Words.</p></blockquote>")
    outline.set_card(soup)
    assert soup.blockquote


PAGE = """<h1 id="Title">Title<a class="anchor-link">¶</a></h1>
<p>First <math><mi>x</mi></math> words.</p>
<div class="code_cell"><div class="input"><div class="prompt">In [3]:</div><pre>gram(F)</pre></div>
<div class="output_wrapper">8.0</div></div><div class="alive">Play</div>
<h2 id="Part">A part</h2><ul><li>one</li></ul>
<h3 id="Exercise-1">E <small>5 minutes</small></h3><p>do</p>"""


def test_the_contents_are_the_sections_and_what_lies_in_them():
    entries = outline.contents(cell(PAGE))
    assert entries == [(2, "Part", "A part"), (3, "Exercise-1", "E")]


def test_search_knows_words_and_code_and_no_outputs_formulas_or_buttons():
    sections = outline.sections(cell(PAGE))
    assert sections == [
        ("Title", "Title", "First words. gram(F)"),
        ("Part", "A part", "one"),
        ("Exercise-1", "E", "do"),
    ]
