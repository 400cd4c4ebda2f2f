"""The mistakes that can be planted in what is no program: tables (.toml) and notebooks.

Each is a function that changes a table or a notebook, and raises NoPlace where it cannot.
"""

import ast
import base64
import io
import json
import re
import textwrap
from collections.abc import Callable

from nbformat import NotebookNode
from PIL import Image

from tests.planted.tree import Edit, NoPlace, make

# ---- tables --------------------------------------------------------------------------------------


def field(*path: str, to: object) -> Callable[[dict], None]:
    """Another value in a table: field("gatys", "content", to={"relu3_2": 1.0})."""

    def change(table: dict) -> None:
        *way, last = path
        for step in way:
            table = table.get(step, {})
        if last not in table:
            raise NoPlace(f"the table holds no {'.'.join(path)}")
        table[last] = to

    return change


def requirement(package: str, to: str) -> Callable[[dict], None]:
    """Another line for a package that everybody needs: requirement("torch", to="torch==2.6")."""

    def change(table: dict) -> None:
        lines = table["project"]["dependencies"]
        matches = [number for number, line in enumerate(lines) if package_of(line) == package]
        if not matches:
            raise NoPlace(f"the table asks for no package {package}")
        lines[matches[0]] = to

    return change


def conda_line(package: str, to: str) -> Callable[[list[str]], None]:
    """Another line for a package in environment.yml: conda_line("nbval", to="nbval >=0.10")."""

    def change(lines: list[str]) -> None:
        matches = [number for number, line in enumerate(lines) if package_of(line) == package]
        if not matches:
            raise NoPlace(f"the file has no line for the package {package}")
        lines[matches[0]] = f"  - {to}"

    return change


def package_of(line: str) -> str:
    """The package of a requirement, as pip and conda write it; empty for other lines."""
    match = re.match(r"(?:  - )?([\w-]+) ?>=", line)
    return match[1] if match else ""


def as_toml(table: dict) -> str:
    """A table as text; inner tables stand on one line."""
    lines = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines.append(f"\n[{json.dumps(key)}]")
            lines += [f"{json.dumps(name)} = {toml_value(inner)}" for name, inner in value.items()]
        else:
            lines.insert(0, f"{json.dumps(key)} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        pairs = [f"{json.dumps(key)} = {toml_value(inner)}" for key, inner in value.items()]
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)


# ---- what a notebook holds -----------------------------------------------------------------------


def other_digit(notebook: NotebookNode) -> None:
    """The first number that is checked in a stored output has another digit."""
    for cell in cells(notebook, "code"):
        for output in cell.outputs:
            if "NBVAL_CHECK_OUTPUT" in cell.source and re.search(r"\d", output.get("text", "")):
                place = re.search(r"\d", output.text).start()
                digit = (int(output.text[place]) + 5) % 10
                output.text = f"{output.text[:place]}{digit}{output.text[place + 1 :]}"
                return
    raise NoPlace("the notebook holds no checked output with a digit")


def white_picture(notebook: NotebookNode) -> None:
    """The first picture is white."""
    for cell in cells(notebook, "code"):
        for output in cell.outputs:
            if "image/jpeg" in output.get("data", {}):
                picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/jpeg"])))
                buffer = io.BytesIO()
                Image.new("RGB", picture.size, "white").save(buffer, "JPEG")
                output.data["image/jpeg"] = base64.b64encode(buffer.getvalue()).decode()
                return
    raise NoPlace("the notebook holds no picture")


def without_description(notebook: NotebookNode) -> None:
    """The first picture has no description."""
    for cell in cells(notebook, "code"):
        for output in cell.outputs:
            if "alt" in output.get("metadata", {}).get("image/jpeg", {}):
                output.metadata["image/jpeg"]["alt"] = ""
                return
    raise NoPlace("the notebook holds no picture with a description")


def swapped_descriptions(notebook: NotebookNode) -> None:
    """The first two pictures have each other's description."""
    pictures = []
    for cell in cells(notebook, "code"):
        for output in cell.outputs:
            if "alt" in output.get("metadata", {}).get("image/jpeg", {}):
                pictures.append(output.metadata["image/jpeg"])
    if len(pictures) < 2:
        raise NoPlace("the notebook holds no two pictures with descriptions")
    first, second = pictures[:2]
    first["alt"], second["alt"] = second["alt"], first["alt"]


def broken_link(notebook: NotebookNode) -> None:
    """The first link to another notebook leads nowhere."""
    replace_in_first(notebook, "markdown", r"\]\((\d\d)_\w+\.ipynb", r"](\1_nowhere.ipynb")


def misspelled_marker(notebook: NotebookNode) -> None:
    """The first marker of nbval is one that nbval does not know."""
    replace_in_first(notebook, "code", r"# NBVAL_\w+", "# NBVAL_CHEK_OUTPUT")


def more_prose(notebook: NotebookNode) -> None:
    """A sentence more in the first text."""
    replace_in_first(notebook, "markdown", r"\Z", "\n\nOne sentence more.")


def in_text(pattern: str, new: str) -> Callable[[NotebookNode], None]:
    """Other text in the first Markdown cell of a notebook that has it."""
    return lambda notebook: replace_in_first(notebook, "markdown", pattern, new)


def without_tag(tag: str) -> Callable[[NotebookNode], None]:
    """The first cell that has a tag, without its tags."""

    def change(notebook):
        tagged = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
        del tagged[0].metadata["tags"]

    return change


def replace_in_first(notebook: NotebookNode, kind: str, pattern: str, new: str) -> None:
    """Replace a pattern once, in the first cell of a kind that has it."""
    for cell in cells(notebook, kind):
        if re.search(pattern, cell.source):
            cell.source = re.sub(pattern, new, cell.source, count=1)
            return
    raise NoPlace(f"the notebook holds no {pattern} in a {kind} cell")


# ---- the code of a notebook ----------------------------------------------------------------------


def in_cell(function: str, edit: Edit) -> Callable[[NotebookNode], None]:
    """An edit in the cell that defines a function."""

    def change(notebook: NotebookNode) -> None:
        cell = defining_cell(notebook, function)
        cell.source = with_edit(cell.source, edit)

    return change


def in_cell_with(line: str, edit: Edit) -> Callable[[NotebookNode], None]:
    """An edit in the one cell that holds some code, such as a loop that is no function."""

    def change(notebook: NotebookNode) -> None:
        found = [cell for cell in cells(notebook, "code") if line in cell.source]
        if len(found) != 1:
            raise NoPlace(f"{len(found)} cells of the notebook hold {line!r}, and one is meant")
        found[0].source = with_edit(found[0].source, edit)

    return change


def in_solution(function: str, edit: Edit) -> Callable[[NotebookNode], None]:
    """An edit in the solution of an exercise: below the line `# solution` of its cell."""

    def change(notebook: NotebookNode) -> None:
        cell = defining_cell(notebook, function)
        head, marker, body = cell.source.partition("# solution\n")
        if not marker:
            raise NoPlace(f"the cell of {function} has no line `# solution`")
        code = with_edit(textwrap.dedent(body), edit)
        cell.source = head + marker + textwrap.indent(code, "    ")

    return change


def with_edit(source: str, edit: Edit) -> str:
    """Code with an edit made in it."""
    tree = ast.parse(source)
    make(edit, tree, [])
    return ast.unparse(tree)


def defining_cell(notebook: NotebookNode, function: str) -> NotebookNode:
    """The cell that defines a function."""
    for cell in cells(notebook, "code"):
        if f"def {function}(" in cell.source:
            return cell
    raise NoPlace(f"no cell of the notebook defines {function}")


def cells(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    """The cells of a kind, "code" or "markdown"."""
    return [cell for cell in notebook.cells if cell.cell_type == kind]
