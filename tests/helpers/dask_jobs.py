"""What the workers of a cluster do in the tests, instead of painting; they have to import it."""

import os
from pathlib import Path
from types import SimpleNamespace


def pretend(job, files, out, threads):
    """Note the job and its threads, or kill the worker, as the name of the job says."""
    if job.name.startswith("deadly"):
        os._exit(1)  # at once, and without a word
    Path(out, job.name).write_text(str(threads))
    return SimpleNamespace(name=job.name, failure="", seconds=0.1)  # Done would bring torch along
