"""How long a reader waits for the first painting."""

import statistics
import time

from tools.bench.options import Options, Table
from tools.bench.workers import ROOT
from tools.countdown import Countdown

NOTEBOOK = ROOT / "notebooks" / "00_start_here.ipynb"
PAINTING = NOTEBOOK.with_name("my_first_painting.png")  # the notebook writes it


def first(options: Options) -> Table:
    """Seconds from starting a kernel to the end of the cell that paints, in notebook 00."""
    existed = PAINTING.exists()
    countdown = Countdown(options.repeats)
    seconds = []
    for _ in range(options.repeats):
        seconds.append(seconds_to_painting())
        countdown.step(f"notebook 00: {seconds[-1]:.1f} s")
    if not existed:
        PAINTING.unlink(missing_ok=True)
    return {"notebook 00": {"seconds": statistics.median(seconds), "slowest": max(seconds)}}


def seconds_to_painting() -> float:
    """Run the notebook's cells up to the one that is tagged "painting"."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, 4)
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    last = next(number for number, names in enumerate(tags) if "painting" in names)
    notebook.cells = notebook.cells[: last + 1]
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    start = time.perf_counter()
    NotebookClient(notebook, timeout=300, resources=folder).execute()
    return time.perf_counter() - start
