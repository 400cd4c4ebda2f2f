"""A small project in place of ours: do.py sets it up as it does ours, without an index."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

# What stands for the real programs: modules that say how they were called, and end as they are
# told to.
STAND_IN = """import os, sys
print({name!r}, sys.argv[1:], os.getcwd(), sys.prefix)
print("caller", os.environ["NST_CALLER"])
sys.exit(int(os.environ.get("CODE", 0)))
"""


def make_project(folder: Path, *packages: str) -> Path:
    """Write a project that needs these packages, with do.py and a tool that tells of its call."""
    for part in ("helpers", "notebooks", "tools/site"):
        (folder / part).mkdir(parents=True)
    for file in ("do.py", "helpers/__init__.py", "helpers/install.py"):
        shutil.copy(ROOT / file, folder / file)
    tool = folder / "tools" / "site" / "run.py"
    tool.write_text(STAND_IN.format(name="run"), encoding="utf-8")
    need(folder, *packages)
    return folder


def need(folder: Path, *packages: str) -> None:
    """Write which packages the project needs."""
    lists = f"dependencies = {list(packages)}\n[project.optional-dependencies]\ntest = []\n"
    (folder / "pyproject.toml").write_text(f"[project]\n{lists}", encoding="utf-8")


def call(
    folder: Path, *words: str, code: int = 0, caller: str = "/", **variables: str
) -> subprocess.CompletedProcess:
    """Run do.py as a newcomer would, without a terminal and, if not told otherwise, an index."""
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "CODE": str(code), **variables}
    env.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, str(folder / "do.py"), *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=caller,
    )


def called(process: subprocess.CompletedProcess) -> tuple[list[str], str]:
    """Return the words that the stand-in was called with, and the folder."""
    words, folder = re.search(r"^\w+ (\[.*\]) (.*) /", process.stdout, re.M).groups()
    return ast.literal_eval(words), folder


def load(folder: Path):
    """Import the do.py of a project as a module of its own."""
    spec = importlib.util.spec_from_file_location("do_of_a_test", folder / "do.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def last_sentence(text: str) -> str:
    """Return the last line, after making sure that no traceback stands above it."""
    assert "Traceback" not in text, text
    return text.rstrip().splitlines()[-1]


def made_anew(commands: list[list[str]]) -> bool:
    """Tell whether the last environment was made from nothing; pip has to follow."""
    making, installing = commands[-2:]
    assert making[1:3] == ["-m", "venv"] and installing[1:4] == ["-m", "pip", "install"]
    return "--clear" in making
