"""By what a reader finds the way on a page: its sections, its exercises, and the words in them."""

import copy
import re
from typing import NamedTuple

from bs4 import BeautifulSoup, NavigableString, Tag

EXERCISE = re.compile(r"\s*·\s*([●○]{3})\s*·\s*(\d+ minutes)\.\s*")
ARROWS = re.compile(r"[\s·]*[←→][\s·←→]*")
PREDICTION = "Your turn"
# What nobody searches for: outputs, formulas in pieces, signs of the frame. Classes and names.
SILENT = {"output_wrapper", "prompt", "anchor-link", "alive", "math", "script", "style"}


class Entry(NamedTuple):
    """A line of the table of contents. level: 2 for a section, 3 for what lies in one."""

    level: int
    anchor: str
    title: str


class Section(NamedTuple):
    """What search knows of a part of a page: where it begins, its heading, and its words."""

    anchor: str
    title: str
    text: str


def arrange(soup: BeautifulSoup) -> None:
    """Give a page what its notebook only says in words: headings of exercises, and frames."""
    drop_ways(soup)
    name_exercises(soup)
    frame_predictions(soup)
    fold_setup(soup)


def drop_ways(soup: BeautifulSoup) -> None:
    """Take out the links to the neighbours, because the frame of a page has them.

    What else stands in such a line, the way into Colab, stays.
    """
    for paragraph in soup.select(".text_cell p"):
        links = paragraph.select("a")
        words = [text for text in paragraph.find_all(string=True) if not text.find_parent("a")]
        if not links or not ARROWS.fullmatch("".join(words)):
            continue
        elsewhere = [link for link in links if re.match(r"https?:", link["href"])]
        paragraph.clear()
        paragraph.extend(elsewhere)
        if not elsewhere:
            paragraph.decompose()


def name_exercises(soup: BeautifulSoup) -> None:
    """Make a heading with an anchor of the bold words that begin an exercise."""
    for label in opening_words(soup):
        number = re.match(r"Exercise (\d+)", label.get_text())
        text = label.next_sibling
        facts = EXERCISE.match(text) if isinstance(text, NavigableString) else None
        if not number or not facts:
            continue
        text.replace_with(text[facts.end() :])
        label.parent.insert_before(exercise_heading(soup, label, number[1], facts))
        label.extract()


def opening_words(soup: BeautifulSoup) -> list[Tag]:
    """Return the bold words that paragraphs begin with."""
    return [label for label in soup.select(".text_cell p > strong") if not label.previous_sibling]


def exercise_heading(soup: BeautifulSoup, label: Tag, number: str, facts: re.Match) -> Tag:
    """Return the heading of an exercise: its name, how hard it is, and its minutes."""
    dots, minutes = facts.groups()
    anchor = f"Exercise-{number}"
    heading = soup.new_tag("h3", id=anchor, attrs={"class": "exercise"})
    heading.append(label.get_text())
    hard = {"class": "dots", "role": "img", "aria-label": f"difficulty {dots.count('●')} of 3"}
    side = soup.new_tag("small")
    side.append(soup.new_tag("span", attrs=hard, string=dots))
    side.append(f" {minutes}")
    heading.append(" ")
    heading.append(side)
    link = soup.new_tag("a", href=f"#{anchor}", attrs={"class": "anchor-link"}, string="¶")
    heading.append(link)
    return heading


def frame_predictions(soup: BeautifulSoup) -> None:
    """Put a frame around each prediction: the question, and its folded answer."""
    for label in opening_words(soup):
        if not label.get_text().startswith(PREDICTION):
            continue
        frame = label.parent.wrap(soup.new_tag("div", attrs={"class": "prediction"}))
        following = []
        for other in frame.find_next_siblings():
            if re.fullmatch(r"h\d", other.name):
                break
            following.append(other)
            if other.name == "details":
                for one in following:
                    frame.append(one)
                break


def set_card(soup: BeautifulSoup) -> None:
    """Make a list of terms of the card below the title: the question, the time, and so on."""
    title = soup.find("h1")
    quote = title.find_next_sibling("blockquote") if title else None
    labels = quote.select("p > strong") if quote else []
    if not labels:
        return
    card = soup.new_tag("dl", attrs={"class": "card"})
    for label in labels:
        answer = soup.new_tag("dd")
        for part in list(label.next_siblings):
            if part.name == "strong":
                break
            if part.name != "br":
                answer.append(part)
        row = soup.new_tag("div")
        row.append(soup.new_tag("dt", string=label.get_text()))
        row.append(answer)
        card.append(row)
    quote.replace_with(card)


def fold_setup(soup: BeautifulSoup) -> None:
    """Fold the setup cell, which is the same in every notebook; its output stays."""
    for code in soup.select(".celltag_setup .input"):
        fold(soup, code, "Setup, the same in every notebook", "setup")


def fold(soup: BeautifulSoup, tag: Tag, words: str, kind: str) -> None:
    """Put a tag into a closed frame with a line that opens it."""
    details = tag.wrap(soup.new_tag("details", attrs={"class": kind}))
    details.insert(0, soup.new_tag("summary", string=words))


def contents(soup: BeautifulSoup) -> list[Entry]:
    """Return the sections of a page, and what lies in them, in reading order."""
    entries = []
    for heading in soup.select("h2[id], h3[id]"):
        entries.append(Entry(int(heading.name[1]), heading["id"], heading_text(heading)))
    return entries


def heading_text(heading: Tag) -> str:
    """Return the words of a heading without its link and without the facts beside it."""
    plain = copy.copy(heading)
    for extra in plain.select(".anchor-link, small"):
        extra.decompose()
    return joined(plain.get_text())


def sections(soup: BeautifulSoup) -> list[Section]:
    """Return what search needs of a page: its parts in reading order, without their outputs."""
    found = [["", "", []]]
    collect(soup, found)
    whole = [Section(anchor, title, joined("".join(text))) for anchor, title, text in found]
    return [section for section in whole if section.title or section.text]


def collect(tag: Tag, found: list[list]) -> None:
    """Add the words below a tag to the last of the sections; a heading begins another."""
    for part in tag.children:
        if isinstance(part, NavigableString):
            found[-1][2].append(part)
        elif re.fullmatch(r"h[1-3]", part.name) and part.get("id"):
            found.append([part["id"], heading_text(part), []])
        elif part.name not in SILENT and not SILENT & set(part.get("class", [])):
            collect(part, found)


def joined(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())
