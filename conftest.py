"""How pytest runs notebooks and tests: one thread, no GPU, and stored numbers with a tolerance.

It stands here, above notebooks/ and tests/, so that it holds for one notebook run alone as well.
"""

import math
import os
import re
from pathlib import Path

import pytest

# Before torch is imported, here and in the kernels of the notebooks: the same sums in the same
# order on every machine.
os.environ.update(OMP_NUM_THREADS="1", NST_QUIET="1")
# And on Linux freed memory is kept for the next feature map, as helpers.fast.keep_memory asks of a
# process: a twentieth of the time.
os.environ.update(MALLOC_MMAP_THRESHOLD_=str(2**30), MALLOC_TRIM_THRESHOLD_=str(2**31 - 1))
if os.environ.get("NST_GPU") != "1":  # the tests of a GPU run on request
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

WORKERS = 2


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers for several files; none for one file, which would only wait for them."""
    places = [argument.split("::")[0] for argument in config.args]
    is_one_file = len(set(places)) == 1 and Path(places[0]).is_file()
    return 0 if is_one_file else WORKERS


NUMBER = re.compile(r"[-+]?\d+\.\d*(?:e[-+]?\d+)?|[-+]?\d+e[-+]?\d+", re.I)
TOLERANCE = 0.02


class Approximately(str):
    """Text that equals another if all words agree, and all numbers nearly do.

    Whole numbers have to be equal, decimal ones within two per cent.
    """

    __hash__ = str.__hash__

    def __eq__(self, other):
        mine = NUMBER.findall(self)
        others = NUMBER.findall(str(other))
        for number, expected in zip(mine, others, strict=False):
            if not math.isclose(float(number), float(expected), rel_tol=TOLERANCE, abs_tol=1e-9):
                return False
        return NUMBER.sub("0.", str(self)) == NUMBER.sub("0.", str(other))

    def __ne__(self, other):
        return not self == other


def compare_approximately(cell: pytest.Item) -> None:
    """Let nbval compare the texts of a notebook's cell approximately."""
    exact = cell.sanitize

    def sanitize(text):
        return Approximately(exact(text)) if isinstance(text, str) else text

    cell.sanitize = sanitize


@pytest.hookimpl(tryfirst=True)  # before pytest looks at the marks
def pytest_collection_modifyitems(items):
    """Mark the cells of the notebooks, and start with them, because they take longest."""
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker("notebook")
            compare_approximately(item)
    items.sort(key=lambda item: item.path.suffix != ".ipynb")  # stable: cells stay in order
