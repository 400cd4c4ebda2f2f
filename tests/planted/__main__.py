"""The command line: plant faults one after another and say which test catches each."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.planted import __doc__ as about
from tests.planted.faults import FAULTS
from tests.planted.planting import Fault, caught_by, copy_project, failure_before, located
from tests.planted.tree import NoPlace


def chosen(words: list[str]) -> list[Fault]:
    """The faults that are named, or that lie in a named place or test file; all without a word."""
    faults = []
    for fault in FAULTS:
        is_named = any(
            word == fault.name or fault.place.startswith(word) or word in fault.tests
            for word in words
        )
        if is_named or not words:
            faults.append(fault)
    return faults


def answer(fault: Fault, project: Path) -> tuple[bool, str]:
    """Whether a fault was caught in a copy of the project, and by which test, in words."""
    try:
        test = caught_by(fault, project)
    except NoPlace as problem:
        return False, str(problem)
    except RuntimeError as problem:
        return False, f"{fault.name}: {problem}"
    if test is None:
        return False, f"{fault.name}: SURVIVED"
    file, _ = located(fault.place, project)
    before = failure_before(file, fault.tests, project)
    if before:
        return False, f"{fault.name}: nobody knows, because without it {before} fails as well"
    return True, f"{fault.name}: caught by {test}"


def main(words: list[str]) -> int:
    """Plant the faults that the words name. Returns 1 if one survives, and 2 for a wrong word."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.planted",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="a fault, its file or function, or its test file")
    faults = chosen(parser.parse_args(words).name)
    if not faults:
        parser.error(f"no fault has this name or place: {', '.join(words)}")
    caught = 0
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        copy_project(project)
        for fault in faults:
            start = time.monotonic()
            is_caught, verdict = answer(fault, project)
            caught += is_caught
            print(f"{time.monotonic() - start:5.1f} s  {verdict}", flush=True)
    print(f"{caught} of {len(faults)} caught")
    return 0 if caught == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
