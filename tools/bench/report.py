"""What a run has measured: printed, as a plot, and as a page with the pictures of its races."""

import base64
import io
from pathlib import Path

import jinja2

from helpers.files import write_file
from tools.bench.options import Table

TEMPLATE = Path(__file__).resolve().parent / "page.html"
PLOTTED = {  # topic -> the columns whose bars are drawn, by how their names begin
    "race": "times as fast",
    "tricks": "seconds",
    "floor": "times the floor",
    "memory": "ratio",
}


def print_report(topics: dict[str, Table]) -> None:
    """Print each topic with its rows: {topic: {row: {column: value}}}."""
    for topic, rows in topics.items():
        print(f"\n{topic}")
        for name, row in rows.items():
            values = [f"{column} {as_text(value)}" for column, value in row.items()]
            print(f"  {name}: {', '.join(values)}")


def as_text(value: object) -> str:
    """A number with four digits, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def bars(rows: Table, column_start: str) -> dict[str, float]:
    """The values of some columns of a topic, under the names of their rows."""
    values = {}
    for name, row in rows.items():
        for column, value in row.items():
            if column.startswith(column_start) and value:
                values[name + column.removeprefix(column_start)] = value
    return values


def write_plot(topics: dict[str, Table], path: Path) -> None:
    """Draw bars for every topic that has something to compare; without one, no file is written."""
    from matplotlib.figure import Figure

    panels = {topic: bars(topics.get(topic, {}), start) for topic, start in PLOTTED.items()}
    panels = {topic: values for topic, values in panels.items() if values}
    if not panels:
        return
    figure = Figure(figsize=(8, 2.2 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)
    for (topic, values), axis in zip(panels.items(), axes[:, 0], strict=True):
        axis.barh(list(values), list(values.values()), color="#33608c")
        axis.invert_yaxis()
        axis.set_title(f"{topic}: {PLOTTED[topic]}", loc="left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_file(path, buffer.getvalue())


def write_page(about: dict, topics: dict[str, Table], out: Path) -> None:
    """Write OUT.html: the machine, a table for each topic, the plot, and both sides of the races.

    It is one file that loads nothing. The plot OUT.png and the folder OUT are looked for beside it.
    """
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = as_text
    tables = {
        topic: {"columns": columns_of(rows), "rows": rows} for topic, rows in topics.items() if rows
    }
    races = [
        (path.stem.removesuffix("_theirs").replace("_", " "), picture(path), picture(ours))
        for path in sorted(out.with_suffix("").glob("*_theirs.jpg"))
        if (ours := path.with_name(path.name.replace("_theirs", "_ours"))).is_file()
    ]
    plot = out.with_suffix(".png")
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        about=about,
        tables=tables,
        plot=picture(plot) if plot.is_file() else "",
        races=races,
    )
    write_file(out.with_suffix(".html"), page)


def columns_of(rows: Table) -> list[str]:
    """The columns that any row has, in the order in which they come."""
    return list(dict.fromkeys(column for row in rows.values() for column in row))


def picture(path: Path) -> str:
    """A picture as an address that holds it."""
    kind = "png" if path.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
