"""What a run has measured: printed, and as a plot."""

import io
from pathlib import Path

from helpers.files import write_file
from tools.bench.options import Table

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
