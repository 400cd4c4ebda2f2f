"""The question bank as HTML: each question with or without its answer."""

from typing import Any

from tools.site import build
from tools.teach.texts import KINDS, inline, letter, to_html

Question = dict[str, Any]


def sheets(questions: list[Question], with_answers: bool) -> list[dict[str, Any]]:
    """Return the questions by notebook, ready for a page: slug, title, and each as HTML."""
    found: dict[str, list[dict[str, str]]] = {}
    for question in questions:
        entry = {"id": question["id"], "html": block(question, with_answers)}
        found.setdefault(question["notebook"], []).append(entry)
    return [
        {"slug": slug, "title": build.title_of(slug), "questions": entries}
        for slug, entries in found.items()
    ]


def block(question: Question, with_answers: bool) -> str:
    """Return one question."""
    parts = [to_html(question["text"])]
    if question["kind"] == "choice":
        parts.append(options(question, with_answers))
    for place, part in enumerate(question.get("part", [])):
        head = f"<p class='part'><strong>{letter(place)}</strong> · {points(part)}</p>"
        parts.append(head + to_html(part["text"]))
        if with_answers:
            parts.append(answer(part["solution"], part.get("mark", [])))
    if with_answers and question["kind"] in ("short", "numeric"):
        parts.append(answer(told(question), question.get("mark", [])))
    return "\n".join([facts(question, with_answers), *parts])


def facts(question: Question, with_answers: bool) -> str:
    """Return the line over a question; where it is taught, and what it examines, for you alone."""
    stars = "●" * question["difficulty"] + "○" * (3 - question["difficulty"])
    words = [KINDS[question["kind"]], stars, f"{question['minutes']} min", points(question)]
    if with_answers:
        address = f"notebooks/{question['notebook']}.html#{anchor_of(question)}"
        words.append(
            f'<a href="objectives.html#{question["objective"]}">{question["objective"]}</a>'
        )
        words.append(f'<a href="{address}">{inline(question["section"])}</a>')
    return f'<p class="facts">{" · ".join(words)}</p>'


def anchor_of(question: Question) -> str:
    """Return the name of the section that teaches the answer, as links have it."""
    return question["section"].replace(" ", "-")


def points(part: dict[str, Any]) -> str:
    """Write 1 point, 2 points."""
    return f"{part['points']} point{'' if part['points'] == 1 else 's'}"


def options(question: Question, with_answers: bool) -> str:
    """Return the options; for you, with the thought behind each wrong one and the feedback."""
    lines = []
    for option in question["option"]:
        text = inline(option["text"])
        if with_answers:
            is_right = option.get("right", False)
            thought = "" if is_right else f"<em>{inline(option['misconception'])}</em> "
            note = f"<small>{thought}{inline(option['feedback'])}</small>"
            lines.append(f'<li class="{"right" if is_right else "wrong"}">{text}{note}</li>')
        else:
            lines.append(f"<li>{text}</li>")
    return f'<ol class="options">{"".join(lines)}</ol>'


def told(question: Question) -> str:
    """Return the answer in Markdown."""
    if question["kind"] == "short":
        return question["answer"]
    tolerance = f" (within {question['tolerance']:g})" if question["tolerance"] else ""
    unit = f" {question['unit']}" if "unit" in question else ""
    return f"**{question['value']:,}{unit}**{tolerance}\n\n{question['solution']}"


def answer(markdown: str, marks: list[dict[str, Any]]) -> str:
    """Return an answer, and what earns each point."""
    lines = [f"<li>{points(mark)}: {inline(mark['text'])}</li>" for mark in marks]
    marking = f"<ul>{''.join(lines)}</ul>" if lines else ""
    return f'<div class="answer">{to_html(markdown)}{marking}</div>'


def in_a_sentence(question: Question) -> str:
    """Return the answer for speaker notes, as HTML."""
    if question["kind"] == "choice":
        rights = [option for option in question["option"] if option.get("right")]
        return " / ".join(inline(option["text"]) for option in rights)
    return to_html(told(question)) if question["kind"] != "exam" else ""
