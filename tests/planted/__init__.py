"""Planted faults: small mistakes, each of which some test has to notice.

    python -m tests.planted                    plant all of them, one by one: about an hour
    python -m tests.planted helpers.losses     those in a file or function
    python -m tests.planted "missing detach"   that one

A fault is planted in a copy of the project, the test files that are named for it are run there, and
a line says which test caught it, or that it SURVIVED. The project itself is never touched.

A fault is found by what stands at its place, never by the text or the line of the place: "missing
detach" is `without_method("detach")` in `helpers.transfer._Run.closure`. So code can be moved,
formatted and rewritten, and most faults stay where they are. Where a place is gone, a sentence says
which fault looked for what, and where; then adapt the fault, or drop it if it cannot happen now.

    in_helpers, in_tools, in_data   the faults
    operators   the mistakes in programs: without_method, never, constant, becomes, ...
    values      the mistakes in tables, notebooks and environment.yml
    tree        how a mistake finds its place in a syntax tree
    planting    a fault, the copy of the project, and the run of its tests
"""

import tools  # noqa: F401 - as early as here it makes of Ctrl-C a sentence
