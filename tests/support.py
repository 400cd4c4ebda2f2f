"""What tests in several folders share: where the project lies, a copy of it, Python on its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent


def run_python(
    code: str,
    *words: str,
    cwd: Path | str = ROOT,
    env: dict[str, str] | None = None,
) -> subprocess.CompletedProcess:
    """Run code in a fresh Python, without anything that this process has imported.

    words: what the code finds in sys.argv[1:].
    cwd: the folder to run in; the code can import what lies there.
    env: variables that are set in addition to those of this process.

    Returns the finished process, with stdout and stderr as text.
    """
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )


def copy_project(folder: Path) -> None:
    """Copy what git would clone, as it is here now: tests may change the copy.

    Skips the test where the project is no git checkout.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    if listed.returncode:
        pytest.skip("the project is no git checkout, so nobody knows which files belong to it")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():  # what was removed here is still listed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def drawn(*shape, seed=0):
    """Uniform numbers in [0, 1), the same on every call."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
