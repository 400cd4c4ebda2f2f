"""The question bank as Moodle XML, which Moodle and other platforms import.

https://docs.moodle.org/en/Moodle_XML_format describes the format. A choice becomes `multichoice`,
a numeric question `numerical`; short ones and examinations become `essay`, with the model answer
and the marks where only the marker sees them. Formulas stand between \\( and \\).
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from tools.site import build
from tools.teach.texts import letter, to_tex_html

# Moodle accepts no other shares of a point than those of its own list.
SHARES = {1: "100", 2: "50", 3: "33.33333"}
# A wrong option that is chosen takes away as much as a right one of two: then three options that
# are treated rightly are worth half, as teaching/README.md has it.
PENALTY = "-50"
COURSE = "$course$/top/Paint by Gradient"


def bank(questions: list[dict[str, Any]]) -> str:
    """Return the questions as the text of a Moodle XML file, with a category for each notebook."""
    quiz = Element("quiz")
    notebook = None
    for question in questions:
        if question["notebook"] != notebook:
            notebook = question["notebook"]
            category(quiz, notebook)
        WRITERS[question["kind"]](quiz, question)
    ElementTree.indent(quiz)
    text = ElementTree.tostring(quiz, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def category(quiz: Element, slug: str) -> None:
    """Write that the next questions belong to a notebook."""
    question = SubElement(quiz, "question", type="category")
    title = build.title_of(slug).replace("/", "//")  # a slash would open another category
    text(question, "category", f"{COURSE}/{slug[:2]} {title}")


def text(parent: Element, name: str, content: str, **attributes: str) -> Element:
    """Write an element that holds a <text>."""
    element = SubElement(parent, name, **attributes)
    SubElement(element, "text").text = content
    return element


def rich(parent: Element, name: str, markdown: str, **attributes: str) -> Element:
    """Write an element that holds HTML."""
    return text(parent, name, to_tex_html(markdown), format="html", **attributes)


def begin(quiz: Element, kind: str, question: dict[str, Any], asked: str, after: str) -> Element:
    """Write what all kinds have: name, text, what is said afterwards, points, id."""
    element = SubElement(quiz, "question", type=kind)
    text(element, "name", question["id"])
    rich(element, "questiontext", asked)
    rich(element, "generalfeedback", after)
    SubElement(element, "defaultgrade").text = str(question["points"])
    SubElement(element, "penalty").text = "0.3333333"
    SubElement(element, "hidden").text = "0"
    SubElement(element, "idnumber").text = question["id"]
    return element


def tags(element: Element, question: dict[str, Any]) -> None:
    """Write by what a question can be searched for."""
    words = [f"difficulty {question['difficulty']}", f"{question['minutes']} minutes"]
    parent = SubElement(element, "tags")
    for word in [question["objective"], *words]:
        text(parent, "tag", word)


def read_again(question: dict[str, Any]) -> str:
    """Return where the answer is taught."""
    number = question["notebook"][:2]
    return f'Notebook {number}, section "{question["section"]}".'


def choice(quiz: Element, question: dict[str, Any]) -> None:
    """Write a question with options."""
    element = begin(quiz, "multichoice", question, question["text"], read_again(question))
    rights = sum(option.get("right", False) for option in question["option"])
    SubElement(element, "single").text = "true" if rights == 1 else "false"
    SubElement(element, "shuffleanswers").text = "true"
    SubElement(element, "answernumbering").text = "ABCD"
    wrong = "0" if rights == 1 else PENALTY
    for option in question["option"]:
        share = SHARES[rights] if option.get("right") else wrong
        answer = rich(element, "answer", option["text"], fraction=share)
        rich(answer, "feedback", option["feedback"])
    tags(element, question)


def numeric(quiz: Element, question: dict[str, Any]) -> None:
    """Write a question for a number; afterwards, everybody reads the worked solution."""
    unit = f" (Answer in {question['unit']}, as a number alone.)" if "unit" in question else ""
    asked = question["text"].rstrip() + unit
    told = f"{question['solution'].rstrip()}\n\n{read_again(question)}"
    element = begin(quiz, "numerical", question, asked, told)
    answer = text(
        element, "answer", decimal(question["value"]), fraction="100", format="plain_text"
    )
    rich(answer, "feedback", "That is right.")
    SubElement(answer, "tolerance").text = decimal(question["tolerance"])
    SubElement(element, "unitgradingtype").text = "0"
    SubElement(element, "unitpenalty").text = "0.1"
    SubElement(element, "showunits").text = "3"  # there is no field for a unit
    SubElement(element, "unitsleft").text = "0"
    tags(element, question)


def decimal(value: float) -> str:
    """Write a number without a power of ten: 0.00005 and not 5e-05."""
    return format(Decimal(str(value)), "f")


def short(quiz: Element, question: dict[str, Any]) -> None:
    """Write a question that somebody marks by the model answer."""
    marks = marking(question)
    essay(quiz, question, question["text"], f"{question['answer']}\n\n{marks}", lines=10)


def exam(quiz: Element, question: dict[str, Any]) -> None:
    """Write an examination as one question, with its parts lettered."""
    asked = [question["text"]]
    told = []
    for place, part in enumerate(question["part"]):
        head = f"**{letter(place)}** ({part['points']} points)"
        asked.append(f"{head} {part['text'].strip()}")
        told.append(f"{head} {part['solution'].strip()}\n\n{marking(part)}")
    essay(quiz, question, "\n\n".join(asked), "\n\n".join(told), lines=30)


def essay(quiz: Element, question: dict[str, Any], asked: str, told: str, lines: int) -> None:
    """Write a question with a free text as its answer, and what the marker goes by."""
    element = begin(quiz, "essay", question, asked, read_again(question))
    SubElement(element, "responseformat").text = "editor"
    SubElement(element, "responserequired").text = "1"
    SubElement(element, "responsefieldlines").text = str(lines)
    SubElement(element, "attachments").text = "0"
    SubElement(element, "attachmentsrequired").text = "0"
    rich(element, "graderinfo", told)
    rich(element, "responsetemplate", "")
    tags(element, question)


def marking(part: dict[str, Any]) -> str:
    """Return what earns each point, as a list in Markdown."""
    return "\n".join(f"- {mark['points']}: {mark['text']}" for mark in part["mark"])


WRITERS: dict[str, Callable[[Element, dict[str, Any]], None]] = {
    "choice": choice,
    "numeric": numeric,
    "short": short,
    "exam": exam,
}
