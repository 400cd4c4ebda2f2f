"""Estimate how long a notebook takes to read, and add up what its exercises ask for.

    python -m tools.site.minutes [slug ...]

Reading is estimated from what there is to read: prose at 180 words a minute, which is the pace of a
text that one has to think about, and fixed times for a line of code, a picture, a formula and a
prediction. The minutes of an exercise stand in its heading. The card of a notebook states both,
rounded to five minutes.
"""

import argparse
import re
import sys
from typing import NamedTuple

import nbformat

from tools.site import build
from tools.words import choose

WORDS_A_MINUTE = 180
SECONDS_A_LINE = 6  # of code, to read it and to connect it with the sentence above
SECONDS_A_PICTURE = 20
SECONDS_A_FORMULA = 20  # one that stands on a line of its own
SECONDS_A_PREDICTION = 60
EXERCISE = re.compile(r"^\*\*Exercise (\d+) · ([a-z ]+)\*\* · ([●○]{3}) · (\d+) minutes\.", re.M)
PREDICTION = "**Your turn, before you run "
DETAILS = re.compile(r"<details>.*?</details>", re.S)


class Minutes(NamedTuple):
    """How long a notebook takes, in minutes."""

    reading: int
    exercises: int


def rounded(minutes: float) -> int:
    """Return minutes as a card states them, in fives."""
    return 5 * max(1, round(minutes / 5))


def of_notebook(notebook: nbformat.NotebookNode) -> Minutes:
    """Estimate reading, without the exercises and their folded hints, and add up the exercises."""
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    predictions = prose.count(PREDICTION)
    asked = [int(minutes) for *_, minutes in EXERCISE.findall(prose)]
    formulas = prose.count("$$") // 2
    seconds = len(DETAILS.sub("", prose).split()) / WORDS_A_MINUTE * 60
    seconds += formulas * SECONDS_A_FORMULA + predictions * SECONDS_A_PREDICTION
    for cell in notebook.cells:
        is_exercise = {"setup", "spec", "exercise", "check"} & set(cell.metadata.get("tags", []))
        if cell.cell_type == "code" and not is_exercise:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            outputs = [output for output in cell.outputs if "image/jpeg" in output.get("data", {})]
            seconds += len(lines) * SECONDS_A_LINE + len(outputs) * SECONDS_A_PICTURE
    return Minutes(rounded(seconds / 60), sum(asked))


def main(arguments: list[str]) -> int:
    """Print the minutes of the named notebooks, or of all."""
    program = "python -m tools.site.minutes"
    parser = argparse.ArgumentParser(program, description=__doc__.splitlines()[0])
    parser.add_argument("slugs", nargs="*", help="by slug or number; all, if none is named")
    for slug in choose(parser.parse_args(arguments).slugs, build.sources()):
        minutes = of_notebook(build.committed(slug))
        print(f"{slug}: {minutes.reading} to read, {minutes.exercises} for the exercises")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
