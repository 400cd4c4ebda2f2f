"""tools.site.printed: what is plainly a table becomes one, and everything else stays printed."""

import pytest
from bs4 import BeautifulSoup

from tools.site import printed

LAYERS = """\
layer    channels    map      parameters
conv1_1        64  224 x 224       1,792
pool5         512    7 x 7             0
in all 20,024,384 parameters"""
ERRORS = """\
                relu1_1 relu2_1       V
quiet noise      0.8763  0.8767   0.0133
up to relu1_1    0.0002  0.0305   0.0287"""
UNITS = """\
painting  style  evaluations  error to 160 px   to 640 px  loss
  256 px  160 px       10             0.1780       0.2753  0.1790
  512 px  640 px       40             0.1708       0.0767  0.0812"""


def pieces(text: str) -> list:
    return printed.pieces(text.splitlines())


def test_a_table_ends_where_a_sentence_begins():
    table, rest = pieces(LAYERS)
    assert table[0] == ["layer", "channels", "map", "parameters"]
    assert table[2] == ["pool5", "512", "7 x 7", "0"]
    assert rest == "in all 20,024,384 parameters"


def test_the_first_column_may_have_no_heading_and_hold_several_words():
    (table,) = pieces(ERRORS)
    assert table[0] == ["", "relu1_1", "relu2_1", "V"]
    assert table[1] == ["quiet noise", "0.8763", "0.8767", "0.0133"]


def test_headings_and_numbers_may_have_spaces():
    (table,) = pieces(UNITS)
    assert table[0][3:5] == ["error to 160 px", "to 640 px"]
    assert table[1][:3] == ["256 px", "160 px", "10"]


@pytest.mark.parametrize(
    "text",
    [
        "relu1_1: by hand   3, by gradient   3 x 3\nrelu2_1: by hand  10, by gradient  10 x 10",
        "content error: 0.74\nstyle error at relu1_1: 0.001\nmean of the five: 0.013",
        "with a bias  tensor([1., 2.])\nafter the ReLU  tensor([0., 2.])\npooling  tensor([2.])",
        "1  2  3\n4  5  6\n7  8  9",  # nobody says what these are
        "a  b  c\none  two  three\nfour  five  six",  # no numbers
        "a  b  c\n1  2  3",  # one line
        "a  b  c\n1  2\n3  4  5",
        "",
    ],
)
def test_what_is_no_table_stays_as_it_was_printed(text):
    assert not [part for part in pieces(text) if isinstance(part, list)]


def page(text: str) -> BeautifulSoup:
    soup = BeautifulSoup(f'<div class="output_stdout"><pre>{text}</pre></div>', "html.parser")
    printed.tabulate(soup)
    return soup


def test_a_table_on_a_page_has_headings_and_aligned_numbers():
    soup = page("before\n\n" + ERRORS + "\n\nafter\n")
    assert [pre.get_text().strip() for pre in soup.select("pre")] == ["before", "after"]
    corner, *headings = soup.table.tr.find_all(["td", "th"])
    assert corner.name == "td" and all(heading["scope"] == "col" for heading in headings)
    soup = BeautifulSoup(str(soup), "html.parser")
    first, *numbers = soup.select("tr")[1].find_all(["td", "th"])
    assert first["scope"] == "row" and all(number["class"] == ["number"] for number in numbers)


def test_printed_text_without_a_table_is_not_touched():
    assert str(page("a\n b").pre) == "<pre>a\n b</pre>"


def test_coloured_text_is_not_touched():
    coloured = ERRORS.replace("quiet", "<span>quiet</span>")
    assert page(coloured).table is None
