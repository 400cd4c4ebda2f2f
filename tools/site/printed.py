"""Tables that a cell has printed, as tables: they can be read on a phone, and by a screen reader.

Only what is plainly a table becomes one: a line of headings, two or more lines below it, and three
or more columns with a gap that runs through all of them. All else stays as it was printed.
"""

import re

from bs4 import BeautifulSoup, NavigableString, Tag

NUMBER = re.compile(r"[-−+]?[\d.,]*\d(e[-+]?\d+)?( x \d+)?( ?(%|px|s|MB|GB))?|inf|nan")
COLUMNS = 3
NAMELESS = 2  # so many columns at the left may have no heading
LINES = 3  # the headings and two more

Columns = list[tuple[int, int]]  # from which letter to which


def tabulate(soup: BeautifulSoup) -> None:
    """Replace every printed table on a page by a real one."""
    for printed in soup.select(".output_stdout pre"):
        if printed.find(True) is None:
            parts = pieces(printed.get_text().splitlines())
            if any(isinstance(part, list) for part in parts):
                for part in parts:
                    printed.insert_before(tag_of(soup, part))
                printed.decompose()


def pieces(lines: list[str]) -> list[str | list[list[str]]]:
    """Split lines into texts and tables; a table is a list of rows, the headings first."""
    parts = []
    place = 0
    while place < len(lines):
        table, after = table_at(lines, place)
        if table:
            parts.append(table)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += "\n" + lines[place]
        else:
            parts.append(lines[place])
        place = after
    return [part for part in parts if isinstance(part, list) or part.strip()]


def table_at(lines: list[str], place: int) -> tuple[list[list[str]] | None, int]:
    """Return the longest table that begins at a line, and the line after it."""
    end = place
    while end < len(lines) and lines[end].strip():
        end += 1
    for after in range(end, place + LINES - 1, -1):
        rows = as_table(lines[place:after])
        if rows:
            return rows, after
    return None, place + 1


def as_table(lines: list[str]) -> list[list[str]] | None:
    """Return the cells of lines that are a table; None where they are not."""
    body = lines[1:]
    columns = between_gaps(body)
    headings = heading_cells(lines[0], columns)
    if len(columns) < COLUMNS or headings is None:
        return None
    rows = [[line[left:right].strip() for left, right in columns] for line in body]
    if not all(all(row) for row in rows):
        return None
    numeric = [all(NUMBER.fullmatch(row[k]) for row in rows) for k in range(len(columns))]
    return [headings, *rows] if sum(numeric) >= 2 else None


def between_gaps(lines: list[str]) -> Columns:
    """Return what lies between gaps of two or more letters that are blank in every line."""
    width = max(len(line) for line in lines)
    is_blank = "".join(
        " " if all(line[k : k + 1] in ("", " ") for line in lines) else "x" for k in range(width)
    )
    return [match.span() for match in re.finditer(r"x+( x+)*", is_blank)]


def heading_cells(line: str, columns: Columns) -> list[str] | None:
    """Return the headings of columns; None where they do not belong to them.

    The first one or two columns may have none; then each heading is above a column of its own.
    """
    for pattern in (r"\S+( \S+)*", r"\S+"):
        cells = list(re.finditer(pattern, line))
        missing = len(columns) - len(cells)
        if not 0 <= missing <= NAMELESS or any(NUMBER.fullmatch(cell[0]) for cell in cells):
            continue
        above = [[k for k, column in enumerate(columns) if meets(cell, column)] for cell in cells]
        if missing == 0 or above == [[k] for k in range(missing, len(columns))]:
            return [""] * missing + [cell[0] for cell in cells]
    return None


def meets(cell: re.Match, column: tuple[int, int]) -> bool:
    """Tell whether a heading stands above a column, if only by one letter."""
    return cell.start() < column[1] and column[0] < cell.end()


def tag_of(soup: BeautifulSoup, part: str | list[list[str]]) -> Tag:
    """Return a text as <pre>, and rows as <table>."""
    if isinstance(part, str):
        text = soup.new_tag("pre")
        text.append(NavigableString(part + "\n"))
        return text
    table = soup.new_tag("table", attrs={"class": "printed"})
    for number, row in enumerate(part):
        line = soup.new_tag("tr")
        for place, cell in enumerate(row):
            is_heading = number == 0 or place == 0
            name = "th" if is_heading and cell else "td"
            scope = {"scope": "col" if number == 0 else "row"} if name == "th" else {}
            if all(NUMBER.fullmatch(other[place]) for other in part[1:]):
                scope["class"] = "number"
            line.append(soup.new_tag(name, attrs=scope, string=cell))
        table.append(line)
    return table
