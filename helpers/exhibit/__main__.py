"""The command line: paint a plan, and write its pages.

python do.py exhibit plan.toml                          paint what is missing; write the pages
python do.py exhibit plan.toml --forecast               say what it would take, and paint nothing
python do.py exhibit plan.toml --pages --sort style     only the pages, the best style first
python do.py exhibit FOLDER --sort time                 the pages of all results in a folder
python do.py exhibit --cluster 2                        a Dask cluster of two workers, here
python do.py exhibit plan.toml --scheduler tcp://...    paint on a Dask cluster
"""

import argparse
import os
import sys
from pathlib import Path

from helpers.exhibit.cluster import start_here
from helpers.exhibit.engine import described, exhibit, forecast
from helpers.exhibit.page import (
    SORTS,
    Result,
    filtered,
    of_plan,
    results,
    sorted_by,
    write_pages,
)
from helpers.exhibit.plan import Plan


def main(arguments: list[str]) -> int:
    """Carry out what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python do.py exhibit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("plan", nargs="?", help="a plan.toml, or a folder of results")
    parser.add_argument("--workers", type=int, metavar="N", help="how many paint at once")
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster")
    parser.add_argument("--cluster", type=int, metavar="N", help="start a Dask cluster here")
    parser.add_argument("--forecast", action="store_true", help="paint nothing")
    parser.add_argument("--pages", action="store_true", help="paint nothing, write the pages")
    parser.add_argument("--filter", action="append", default=[], metavar="WORD=VALUE")
    parser.add_argument("--sort", default="plan", choices=SORTS)
    options = parser.parse_args(arguments)
    for word, number in (("--workers", options.workers), ("--cluster", options.cluster)):
        if number is not None and number < 1:
            parser.error(f"{word} must be 1 or more")
    if options.plan is None and options.cluster is None:
        parser.error("which plan? Give a plan.toml, or a folder of results")
    try:
        if options.cluster is not None:
            return start_here(options.cluster)
        return carry_out(options)
    except (ValueError, OSError) as error:  # a WrongPlan is a ValueError
        print(error, file=sys.stderr)
        return 2


def carry_out(options: argparse.Namespace) -> int:
    """Paint, and write the pages of what there is."""
    path = Path(os.environ.get("NST_CALLER", "."), options.plan).expanduser()
    if path.is_dir():
        return write(results(path), path, options, title=path.resolve().name)
    plan = Plan.read(path, scheduler=options.scheduler)
    if options.forecast:
        print(described(forecast(plan, plan.left, options.workers), plan))
        return 0
    code = 0
    if not options.pages:
        report = exhibit(plan, workers=options.workers)
        if report.was_stopped:
            return 130
        code = 1 if report.failures else 0
    found = of_plan(plan)
    if not found and not options.pages:  # every job has failed, and that was told
        return code
    return write(found, plan.out, options, title=plan.title, author=plan.author) or code


def write(
    found: list[Result], out: Path, options: argparse.Namespace, *, title: str, author: str = ""
) -> int:
    """Write the pages of those results that were asked for."""
    shown = sorted_by(filtered(found, options.filter), options.sort)
    if not shown:
        raise ValueError(f"there is no painting in {out} that the filter lets through")
    write_pages(shown, out, title, author)
    number = f"{len(shown)} painting{'s' if len(shown) > 1 else ''}"
    print(f"The page: {out / 'index.html'} ({number}); to print: {out / 'contact_sheet.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
