"""Tasks in processes of their own, so that memory and settings are nobody else's."""

import json
import subprocess
import sys
from pathlib import Path

from tools.bench.options import Options

ROOT = Path(__file__).resolve().parent.parent.parent


def worker(options: Options, task: dict) -> dict:
    """Do a task in a fresh process -> its answer.

    task: "name", one of TASKS in __main__, and what it needs; anything that JSON can hold.
    Raises RuntimeError, with the end of what the process printed, where it fails.
    """
    command = [sys.executable, "-m", "tools.bench", "--worker", json.dumps(task)]
    command += ["--px", str(options.pixels), "--pair", *options.pair]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"the task {task} failed:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])
