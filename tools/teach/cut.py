"""A notebook, cut into slides.

The cut is automatic, so that every notebook has slides: a heading opens a stack of slides with its
key sentence; a formula, a picture, a list, a table and code of a few lines get slides of their own;
a prediction is a slide, and its answer the next; an exercise is named. Everything else goes into
the speaker notes, with the minutes of the section and the questions of the bank that belong to it.

The tags of the cells decide what is left out: setup, settings, spec, exercise and check are no
slides. Tags of Jupyter's own slideshow correct the cut: `skip` leaves a cell out, `notes` puts it
into the notes, `slide` and `subslide` give it a slide of its own, `fragment` lets it appear on the
slide before. teaching/slides.toml corrects it by section.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import nbformat

from tools.site import build, minutes
from tools.site.pages import picture_of
from tools.teach import bank, texts
from tools.teach.texts import inline, to_html

LONGEST_CODE = 12  # lines
LONGEST_OUTPUT = 12
WIDEST_CODE = 96  # letters; what is wider could not be read from the last row
WORDS_OF_A_CAPTION = 32
WORDS_OF_A_TEXT = 55
ROWS = 9  # of a table
LEFT_OUT = {"setup", "settings", "spec", "exercise", "check", "skip"}
EXERCISE = re.compile(
    r"\*\*Exercise (\d+) · ([a-z ]+)\*\* · ([●○]{3}) · (\d+) minutes\.\s*(.*)", re.S
)
TOP = "top"  # how slides.toml calls what stands above the first heading
LISTS = {"What to remember", "Three questions", "On your own"}  # sections that are a list
TURN = "**Your turn, before you run the next cell.**"
DETAILS = re.compile(r"<details><summary>(.*?)</summary>\s*(.*?)\s*</details>", re.S)
NAMING = re.compile(r"\w+(, \w+)* = (\[|load\()")  # a list of pictures, or a picture from a file
DISPLAYS = re.compile(r"^(show|plot|play|film|heat|browse|board|figure|display)\(")


@dataclass
class Slide:
    """One slide. kind: a class of the stylesheet. body, notes: HTML. picture: of an output."""

    kind: str
    title: str = ""
    body: str = ""
    notes: list[str] = field(default_factory=list)
    picture: Any = None


@dataclass
class Block:
    """A piece of a Markdown cell. kind: heading, text, formula, list, table, quote, details..."""

    kind: str
    text: str
    summary: str = ""


@dataclass
class Section:
    """A heading and what stands below it: blocks of text, and code cells."""

    heading: str
    parts: list[Any] = field(default_factory=list)


def blocks(markdown: str) -> list[Block]:
    """Return the pieces of a Markdown text, in their order."""
    found = []
    rest = 0
    for match in DETAILS.finditer(markdown):
        found += plain_blocks(markdown[rest : match.start()])
        found.append(Block("details", match[2].strip(), match[1].strip()))
        rest = match.end()
    return found + plain_blocks(markdown[rest:])


def plain_blocks(markdown: str) -> list[Block]:
    """Return the pieces of a Markdown text that has nothing folded in it."""
    fences = re.split(r"(^```.*?^```$)", markdown, flags=re.M | re.S)
    found = []
    for place, piece in enumerate(fences):
        if place % 2:
            found.append(Block("code", piece))
        else:
            paragraphs = re.split(r"\n\s*\n", piece)
            found += [block_of(text.strip()) for text in paragraphs if text.strip()]
    return merged(found)


def block_of(text: str) -> Block:
    """Return one paragraph with its kind."""
    if re.match(r"#{1,4} ", text):
        return Block("heading", text)
    if text.startswith("$$"):
        return Block("formula", text)
    if re.match(r"([-*]|\d+\.) ", text):
        return Block("list", text)
    for mark, kind in (("|", "table"), (">", "quote"), ("<!--", "comment")):
        if text.startswith(mark):
            return Block(kind, text)
    return Block("text", text)


def merged(found: list[Block]) -> list[Block]:
    """Join lists that empty lines have taken apart."""
    joined: list[Block] = []
    for block in found:
        if joined and block.kind == joined[-1].kind == "list":
            joined[-1] = Block("list", f"{joined[-1].text}\n\n{block.text}")
        else:
            joined.append(block)
    return joined


def sections(notebook: nbformat.NotebookNode) -> list[Section]:
    """Return a notebook by its headings; the first section is what stands above them."""
    found = [Section("")]
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "code":
            if not tags & LEFT_OUT:
                found[-1].parts.append(cell)
        elif "skip" in tags:
            continue
        elif tags & {"notes", "fragment", "slide", "subslide"}:
            kind = next(tag for tag in ("notes", "fragment", "slide", "subslide") if tag in tags)
            found[-1].parts.append(Block(kind, cell.source))
        else:
            for block in blocks(cell.source):
                if block.kind == "heading" and block.text.startswith("## "):
                    found.append(Section(block.text[3:].strip()))
                else:
                    found[-1].parts.append(block)
    return found


def sentences(text: str) -> list[str]:
    """Return a paragraph as sentences; formulas, links and names with dots stay whole."""
    plain = " ".join(text.split())
    hidden: list[str] = []

    def hide(match: re.Match) -> str:
        hidden.append(match[0])
        return f"\x00{len(hidden) - 1}\x01"

    whole = r"\[[^\]]*\]\([^)]*\)|\$[^$]+\$|`[^`]+`|\([^()]*[^().!?]\)"
    covered = re.sub(whole, hide, plain)
    parts = re.split(r"(?:(?<=[.!?:])|(?<=[.!?]\)))\s+(?=[A-Z*`\x00\"'(])", covered)

    def show(text: str) -> str:
        while "\x00" in text:
            text = re.sub(r"\x00(\d+)\x01", lambda match: hidden[int(match[1])], text)
        return text

    return [show(part) for part in parts if part.strip()]


def words(text: str) -> int:
    """Count the words that are read: an address behind a link is not."""
    return len(re.sub(r"\]\([^)]*\)", "]", text).split())


def opening(text: str, most: int) -> str:
    """Return as many whole sentences as fit; "", if not even one does."""
    kept: list[str] = []
    for sentence in sentences(text):
        if words(" ".join([*kept, sentence])) > most:
            break
        kept.append(sentence)
    return " ".join(kept).removesuffix(":")


def key_sentence(text: str, place: int = 0) -> str:
    """Return a sentence that can be read at a glance. place: 0 for the first, -1 for the last."""
    told = [one for one in sentences(text) if one.count("(") == one.count(")") and one[0] != "("]
    short = [sentence for sentence in told if words(sentence) <= WORDS_OF_A_CAPTION]
    return unlinked(short[place]).removesuffix(":") if short else ""


def unlinked(text: str) -> str:
    """Return Markdown without its links: on a slide nobody can follow them."""
    return re.sub(r"(?<!!)\[([^\]]+)\]\([^)]*\)", r"\1", text)


class Cutter:
    """Cuts one section into slides."""

    def __init__(self, slug: str, section: Section, correction: dict[str, Any]):
        """Take a section and what slides.toml says of it."""
        self.slug = slug
        self.section = section
        self.correction = correction
        self.slides: list[Slide] = []
        self.before = ""  # the last paragraph, which introduces what comes

    def cut(self) -> list[Slide]:
        """Return the slides of the section."""
        self.add(self.opener())
        for place, part in enumerate(self.section.parts):
            following = self.section.parts[place + 1 : place + 2]
            if isinstance(part, Block):
                self.block(part)
            elif part.get("id") not in self.correction.get("hide", []):
                self.code(part, following)
        return self.slides

    def add(self, slide: Slide) -> None:
        """Put a slide behind the others."""
        self.slides.append(slide)

    def note(self, html: str) -> None:
        """Put something into the notes of the slide that is on."""
        self.slides[-1].notes.append(html)

    def opener(self) -> Slide:
        """Return the slide that opens the section, with minutes and questions in its notes."""
        paragraphs = [part.text for part in self.section.parts if is_prose(part)]
        key = self.correction.get("key", "")
        if not key and paragraphs and self.section.heading not in LISTS:
            key = key_sentence(paragraphs[0], -1)  # a paragraph works towards its point
        notes = [f"<p><strong>About {self.minutes()} minutes.</strong></p>", *self.questions()]
        body = f"<p class='key'>{inline(key)}</p>" if key else ""
        return Slide("opener", inline(self.section.heading), body, notes)

    def minutes(self) -> int:
        """Estimate how long the section takes, as the cards of the notebooks do."""
        seconds = 0.0
        for part in self.section.parts:
            if isinstance(part, Block):
                if part.kind != "details":
                    seconds += words(part.text) / minutes.WORDS_A_MINUTE * 60
                seconds += minutes.SECONDS_A_FORMULA * (part.kind == "formula")
                seconds += minutes.SECONDS_A_PREDICTION * part.text.startswith(TURN)
            else:
                seconds += minutes.SECONDS_A_LINE * len(lines_of(part.source))
                seconds += minutes.SECONDS_A_PICTURE * len(pictures_of(part))
        return max(1, round(seconds / 60))

    def questions(self) -> list[str]:
        """Return the questions of the bank that belong to the section, for the notes."""
        found = []
        for question in texts.questions():
            mine = question["notebook"] == self.slug
            if mine and question["section"] == self.section.heading and question["kind"] != "exam":
                asked = to_html(question["text"])
                options = bank.options(question, False) if "option" in question else ""
                answer = bank.in_a_sentence(question)
                head = f"<p><strong>Ask</strong> <code>{question['id']}</code></p>"
                found.append(f"{head}{asked}{options}<p><em>Answer.</em> {answer}</p>")
        return found

    def block(self, part: Block) -> None:
        """Cut a piece of text."""
        if part.kind in ("slide", "subslide"):
            self.add(Slide("text", self.heading(), to_html(unlinked(part.text))))
        elif part.kind == "fragment":
            self.slides[-1].body += f"<div class='fragment'>{to_html(unlinked(part.text))}</div>"
        elif part.kind == "formula":
            self.formula(part)
        elif part.kind == "details":
            self.details(part)
        elif part.text.startswith(TURN):
            self.turn(part)
        elif EXERCISE.match(part.text):
            self.exercise(part)
        elif part.kind in ("list", "table"):
            self.listing(part)
        elif part.text.startswith("```bash") and self.slides[-1].kind == "exercise":
            self.slides[-1].body += to_html(part.text)
        else:
            self.note(to_html(part.text))
            if is_prose(part):
                self.before = part.text

    def heading(self) -> str:
        """Return the section's heading as the small title of a slide."""
        return inline(self.section.heading)

    def formula(self, part: Block) -> None:
        """Give a formula a slide, with the sentence before it; two in a row share a slide."""
        if self.slides[-1].kind == "formula" and not self.slides[-1].notes:
            self.slides[-1].body += to_html(part.text)
            return
        before = sentences(self.before)[-1:] if self.before else []
        lead = unlinked(before[0]).removesuffix(":") if before else ""
        text = (
            f"<p class='lead'>{inline(lead)}</p>" if 3 < words(lead) <= WORDS_OF_A_CAPTION else ""
        )
        self.add(Slide("formula", self.heading(), text + to_html(part.text)))

    def turn(self, part: Block) -> None:
        """Give a prediction a slide."""
        asked = unlinked(part.text.removeprefix(TURN).strip())
        lead = key_sentence(self.before, -1) if self.before and words(asked) < 30 else ""
        text = f"<p class='lead'>{inline(lead)}</p>" if lead else ""
        self.add(Slide("turn", "Your turn", text + to_html(asked)))

    def details(self, part: Block) -> None:
        """Give the answer of a prediction the next slide; other folds go into the notes."""
        is_answer = part.summary == "Compare"
        shown = opening(unlinked(part.text.split("\n\n")[0]), WORDS_OF_A_TEXT) if is_answer else ""
        if shown:
            self.add(Slide("answer", "Compare", to_html(shown), [to_html(part.text)]))
        elif part.summary != "Solution":
            self.note(f"<p><em>{part.summary}.</em></p>{to_html(part.text)}")

    def exercise(self, part: Block) -> None:
        """Name an exercise, with the beginning of its task."""
        number, kind, difficulty, needed, task = EXERCISE.match(part.text).groups()
        shown = opening(unlinked(task), WORDS_OF_A_TEXT)
        head = f"<p class='facts'>{kind} · {difficulty} · {needed} minutes</p>"
        body = head + (to_html(shown) if shown else "")
        self.add(Slide("exercise", f"Exercise {number}", body, [to_html(part.text)]))

    def listing(self, part: Block) -> None:
        """Give a list or a table a slide, if it can be read there."""
        if part.kind == "table":
            is_short = len(part.text.splitlines()) <= ROWS + 2 and longest_line(part.text) <= 130
            shown = unlinked(part.text)
        else:
            most = 70 if self.section.heading in LISTS else 40  # words
            items = [opening(unlinked(item), most) for item in items_of(part.text)]
            is_short = self.section.heading in LISTS or 2 <= len(items) <= 6
            is_short = is_short and all(items)
            mark = "1. " if part.text[0].isdigit() else "- "
            shown = "\n".join(mark + item for item in items)
        last = self.slides[-1]
        if is_short and last.kind == "opener" and not last.body:  # "What to remember", say
            last.kind, last.body = "listing", to_html(shown)
            last.notes.append(to_html(part.text))
        elif not is_short:
            self.note(to_html(part.text))
        elif last.kind == "exercise" and words(shown) <= 60:
            last.body += to_html(shown)
            last.notes.append(to_html(part.text))
        elif last.kind == "listing" and "</ol>" in last.body and shown[0].isdigit():
            last.body = last.body.replace("</ol>", "") + to_html(shown).removeprefix("<ol>")
        elif last.kind == "exercise":  # it goes on
            self.add(Slide("exercise", last.title, to_html(shown), [to_html(part.text)]))
        else:
            self.add(Slide("listing", self.heading(), to_html(shown), [to_html(part.text)]))

    def code(self, cell: nbformat.NotebookNode, following: list[Any]) -> None:
        """Cut a code cell: its code if that is short, what it printed, its pictures."""
        pictures = pictures_of(cell)
        lines = lines_of(cell.source)
        shown = without_display(lines) if pictures else lines
        printed = text_of(cell)
        is_short = len(shown) <= LONGEST_CODE and all(len(line) <= WIDEST_CODE for line in shown)
        wanted = cell.get("id") in self.correction.get("show", [])
        starts = [line for line in shown if line and line[0] not in " )]}"]
        is_no_lesson = all(re.match(r"(import|from|print\() ?", line) for line in starts)
        if pictures and len(starts) <= 2:  # names for what the picture shows
            is_no_lesson = is_no_lesson or all(NAMING.match(line) for line in starts)
        if "hero" in cell.metadata.get("tags", []):
            shown = []
        parts = []
        if shown and (is_short or wanted) and not is_no_lesson:
            parts.append(f'<div class="code">{coloured(shown)}</div>')
        if printed:
            parts.append(f'<pre class="printed">{printed}</pre>')
        if parts:
            lead = key_sentence(self.before, -1) if self.before else ""
            text = f"<p class='lead'>{inline(lead)}</p>" if lead else ""
            self.add(Slide("program", self.heading(), text + "".join(parts)))
        for picture in pictures:
            self.picture(picture, following)

    def picture(self, picture: Any, following: list[Any]) -> None:
        """Give a picture a slide, with the sentence that reads it."""
        reads = following[0].text if following and is_prose(following[0]) else ""
        caption = key_sentence(reads) if reads and not sentences(reads)[0].endswith(":") else ""
        body = f"<p class='caption'>{inline(caption)}</p>" if caption else ""
        notes = [f"<p><em>To be seen.</em> {picture.alt}</p>"]
        self.add(Slide("picture", self.heading(), body, notes, picture))


def is_prose(part: Any) -> bool:
    """Tell whether this is a paragraph that tells something, and no task and no label."""
    if not isinstance(part, Block) or part.kind != "text":
        return False
    return not part.text.startswith((TURN, "**Exercise", "**In practice", "**Further", "*Stage"))


def items_of(markdown: str) -> list[str]:
    """Return the items of a list."""
    parts = re.split(r"^(?:[-*]|\d+\.) ", markdown, flags=re.M)
    return [" ".join(part.split()) for part in parts if part.strip()]


def longest_line(text: str) -> int:
    """Return how many letters the longest line has."""
    return max(len(line) for line in text.splitlines())


def lines_of(source: str) -> list[str]:
    """Return the lines of code, without marks for the tests, and without space around."""
    lines = [line for line in source.splitlines() if not line.startswith("# NBVAL")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n").splitlines()


def without_display(lines: list[str]) -> list[str]:
    """Return code without the call at its end that only shows a picture."""
    for place in range(len(lines) - 1, -1, -1):
        if lines[place] and not lines[place][0].isspace() and lines[place][0] not in ")]}":
            if DISPLAYS.match(lines[place]):
                return "\n".join(lines[:place]).strip("\n").splitlines()
            break
    return lines


def pictures_of(cell: nbformat.NotebookNode) -> list[Any]:
    """Return the pictures that a cell shows."""
    found = [picture_of(output, cell.metadata) for output in cell.get("outputs", [])]
    return [picture for picture in found if picture]


def text_of(cell: nbformat.NotebookNode) -> str:
    """Return what a cell printed, as HTML; nothing, where that is too much for a slide."""
    pieces = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stdout":
            pieces.append(output.text)
        elif output.output_type == "execute_result" and not picture_of(output, {}):
            pieces.append(output.data.get("text/plain", ""))
    lines = "\n".join(pieces).strip("\n").splitlines()
    is_readable = lines and len(lines) <= LONGEST_OUTPUT and longest_line("\n".join(lines)) <= 120
    return escape("\n".join(lines)) if is_readable else ""


def escape(text: str) -> str:
    """Return text as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def coloured(lines: list[str]) -> str:
    """Return code as HTML with the colours of the pages."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return highlight("\n".join(lines), PythonLexer(), HtmlFormatter(nowrap=False))


@cache
def slides(slug: str) -> list[list[Slide]]:
    """Return the slides of a notebook as stacks, one for each section."""
    corrections = texts.corrections().get(slug, {})
    first, *others = sections(build.committed(slug))
    stacks = [title_stack(slug, first)]
    for section in others:
        correction = corrections.get(section.heading, {})
        if not correction.get("skip"):
            stacks.append(Cutter(slug, section, correction).cut())
    return stacks


def title_stack(slug: str, first: Section) -> list[Slide]:
    """Return the title and the hero, with the card and the objectives in the notes."""
    correction = texts.corrections().get(slug, {}).get(TOP, {})
    cutter = Cutter(slug, first, correction)
    card = [part for part in first.parts if isinstance(part, Block) and part.kind == "quote"]
    lines = re.sub(r"^> ?", "", card[0].text, flags=re.M) if card else ""
    question = re.search(r"\*\*The question\*\*\s*(.+?)(?=\s*\*\*You will make|\Z)", lines, re.S)
    asked = unlinked(" ".join(question[1].split())) if question else ""
    goals = [f"<li>{inline(o['text'])}</li>" for o in texts.objectives() if o["notebook"] == slug]
    notes = [to_html(card[0].text)] if card else []
    notes.append(f"<p>At the end, the learner …</p><ul>{''.join(goals)}</ul>")
    body = f"<p class='question'>{inline(asked)}</p>"
    cutter.add(Slide("title", inline(build.title_of(slug)), body, notes))
    for place, part in enumerate(first.parts):
        following = first.parts[place + 1 : place + 2]
        if not isinstance(part, Block):
            if part.get("id") not in correction.get("hide", []):
                cutter.code(part, following)
        elif part.kind not in ("quote", "heading"):
            cutter.note(to_html(part.text))
    for slide in cutter.slides[1:]:
        slide.title = ""
    return cutter.slides
