"""Make what instructors need from the notebooks and from teaching/.

    python do.py teach OUT                           the whole kit, as pages that need no network
    python do.py teach --without-solutions OUT [03]  the notebooks for learners, with what they need
    python do.py teach --solved OUT [03 ...]         the notebooks with their exercises solved

The kit: plans, slides (also as PDF, where there is a Chromium), the question bank as pages and as
Moodle XML, every figure with its papers, and a map of what has to come before what. Its entrance
is OUT/index.html. Nothing is executed.
"""

import argparse
import sys

from tools.site import build
from tools.teach import handouts
from tools.words import choose, folder


def main(arguments: list[str]) -> int:
    """Do what the command line asks for. Returns the exit code."""
    parser = argparse.ArgumentParser("python do.py teach", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=folder, metavar="OUT", help="the folder to write to")
    parser.add_argument("notebooks", nargs="*", help="such as 03; all, if none is named")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--without-solutions", action="store_true", help="learners' notebooks")
    instead.add_argument("--solved", action="store_true", help="notebooks with their solutions")
    parser.add_argument("--no-pdf", action="store_true", help="leave out the slides as PDF")
    options = parser.parse_args(arguments)
    slugs = choose(options.notebooks, build.sources())
    if options.without_solutions:
        handouts.learners(options.out, slugs)
        print(f"{len(slugs)} notebooks without solutions: {options.out}")
        return 0
    if options.solved:
        handouts.solved(options.out, slugs)
        print(f"{len(slugs)} solved notebooks: {options.out}")
        return 0
    from tools.teach.kit import make  # late: the two others need none of this

    make(options.out, slugs, with_pdf=not options.no_pdf)
    print(f"The kit: {(options.out / 'index.html').as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
