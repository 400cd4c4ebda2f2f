"""The command line: paint a plan, and write its pages.

python do.py exhibit plan.toml                          paint what is missing; write the pages
python do.py exhibit plan.toml --forecast               say what it would take, and paint nothing
python do.py exhibit plan.toml --pages --sort style     only the pages, the best style first
python do.py exhibit plan.toml --scheduler tcp://...    paint on a Dask cluster
"""

import argparse
import os
import sys
from pathlib import Path

from helpers.exhibit.engine import described, exhibit, forecast, missing
from helpers.exhibit.page import SORTS, filtered, results, sorted_by, write_pages
from helpers.exhibit.plan import Plan, WrongPlan


def main(arguments: list[str]) -> int:
    """Carry out what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python do.py exhibit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("plan", help="a plan.toml")
    parser.add_argument("--workers", type=int, metavar="N", help="how many paint at once")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster")
    parser.add_argument("--forecast", action="store_true", help="paint nothing")
    parser.add_argument("--pages", action="store_true", help="paint nothing, write the pages")
    parser.add_argument("--filter", action="append", default=[], metavar="WORD=VALUE")
    parser.add_argument("--sort", default="name", choices=SORTS)
    options = parser.parse_args(arguments)
    if options.workers is not None and options.workers < 1:
        parser.error("--workers must be 1 or more")
    try:
        return carry_out(options)
    except (WrongPlan, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def carry_out(options: argparse.Namespace) -> int:
    """Paint, and write the pages of what there is."""
    plan = Plan.read(Path(os.environ.get("NST_CALLER", "."), options.plan))
    if options.forecast:
        print(described(forecast(plan, missing(plan), options.workers), plan))
        return 0
    failures = {}
    if not options.pages:
        report = exhibit(plan, workers=options.workers, scheduler=options.scheduler)
        failures = report.failures
        if report.was_stopped:
            return 130
    found = sorted_by(filtered(results(plan.out), options.filter), options.sort)
    if found:
        write_pages(found, plan.out, plan.title, plan.author)
        print(f"The page: {plan.out / 'index.html'} ({len(found)} paintings)")
    elif options.pages:
        raise ValueError(f"there is no painting in {plan.out} that the filter lets through")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
