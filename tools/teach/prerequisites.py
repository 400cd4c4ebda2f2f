"""The map of what has to come before what, drawn from objectives.toml as an SVG.

A row is a notebook, a box an objective; a line comes from what it needs. What needs itself, over
whatever detours, cannot be drawn, and is named.
"""

import html
import textwrap
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tools.endings import Mistake

BOX = (236, 92)  # pixels
GAP = 18
LANE = 66  # pixels between two rows, for the lines
LEFT = 150  # pixels for the names of the rows
LETTERS = 36  # of a line in a box
LINES = 4
COLOURS = ["#7d2a4d", "#24487d", "#2f7376", "#8a6414", "#a8391f", "#4a5a2a", "#5b4a8a"]


def check_order(needs: dict[str, list[str]]) -> None:
    """Raise Mistake, naming the circle, where something needs itself."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = " needs ".join(reversed(error.args[1]))
        raise Mistake(f"objectives.toml goes in a circle: {circle}.") from None


def drawn(objectives: list[dict[str, Any]], knowledge: list[dict[str, Any]]) -> str:
    """Return the map. Raises Mistake where it would go in a circle."""
    check_order({one["id"]: one["needs"] for one in objectives})
    rows = rows_of(objectives, knowledge)
    places = {}
    for number, (_, entries) in enumerate(rows):
        for column, entry in enumerate(entries):
            places[entry["id"]] = corner(number, column)
    widest = max(len(entries) for _, entries in rows)
    width = LEFT + widest * (BOX[0] + GAP) + GAP
    height = len(rows) * (BOX[1] + LANE)
    parts = [line(places, need, one) for one in objectives for need in one["needs"]]
    for number, (name, entries) in enumerate(rows):
        top = corner(number, 0)[1] + BOX[1] / 2
        parts.append(f'<text class="row" x="14" y="{top:.0f}">{html.escape(name)}</text>')
        parts += [box(places[entry["id"]], entry, number) for entry in entries]
    return SVG.format(width=width, height=height, parts="\n".join(parts))


def rows_of(objectives: list[dict[str, Any]], knowledge: list[dict[str, Any]]) -> list[tuple]:
    """Return the rows: what is expected from elsewhere, in rows of six, and then each notebook."""
    found = []
    for start in range(0, len(knowledge), 6):
        found.append(("" if start else "to be known", knowledge[start : start + 6]))
    for slug in dict.fromkeys(one["notebook"] for one in objectives):
        found.append(
            (f"notebook {slug[:2]}", [one for one in objectives if one["notebook"] == slug])
        )
    return found


def corner(row: int, column: int) -> tuple[int, int]:
    """Return the upper left corner of a box."""
    return LEFT + column * (BOX[0] + GAP), row * (BOX[1] + LANE) + LANE // 2


def box(place: tuple[int, int], entry: dict[str, Any], row: int) -> str:
    """Return a box with its text, as a link to the list below the map."""
    x, y = place
    colour = COLOURS[row % len(COLOURS)]
    text = entry["text"].replace("`", "").replace("$", "")
    lines = textwrap.wrap(text, LETTERS, max_lines=LINES, placeholder=" …")
    spans = [
        f'<tspan x="{x + 12}" y="{y + 38 + 15 * number}">{html.escape(words)}</tspan>'
        for number, words in enumerate(lines)
    ]
    name = html.escape(entry["id"])
    return (
        f'<a href="#{name}" data-id="{name}"><title>{html.escape(entry["text"])}</title>'
        f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="6" stroke="{colour}"/>'
        f'<text class="name" x="{x + 12}" y="{y + 20}" fill="{colour}">{name}</text>'
        f'<text class="what">{"".join(spans)}</text></a>'
    )


def line(places: dict[str, tuple[int, int]], need: str, one: dict[str, Any]) -> str:
    """Return the line from what is needed to what needs it; beside the boxes within a row."""
    x1, y1 = places[need]
    x2, y2 = places[one["id"]]
    names = f'data-from="{html.escape(need)}" data-to="{html.escape(one["id"])}"'
    if y1 == y2:  # of one notebook
        below = y1 + BOX[1]
        start, end = x1 + BOX[0] / 2, x2 + BOX[0] / 2
        bend = below + LANE * 0.4
        return f'<path {names} d="M{start} {below} C{start} {bend} {end} {bend} {end} {below}"/>'
    start, end = (x1 + BOX[0] / 2, y1 + BOX[1]), (x2 + BOX[0] / 2, y2)
    half = max(LANE, (end[1] - start[1]) / 2)
    return (
        f'<path {names} d="M{start[0]} {start[1]} C{start[0]} {start[1] + half} '
        f'{end[0]} {end[1] - half} {end[0]} {end[1]}"/>'
    )


SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="Which objective needs which; the list below the map says \
the same in words.">
<style>
path {{ fill: none; stroke: #8a8378; stroke-width: 1.2; opacity: .45; }}
rect {{ fill: #fcfbf8; stroke-width: 1.5; }}
text {{ font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }}
.row {{ font-size: 15px; font-weight: 600; fill: #6e6a63; }}
.name {{ font-size: 12px; font-weight: 600; }}
.what {{ font-size: 11.5px; fill: #24221f; }}
path.on {{ stroke: #a8391f; stroke-width: 2.5; opacity: 1; }}
</style>
{parts}
</svg>
"""
