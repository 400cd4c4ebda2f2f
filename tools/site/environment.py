"""environment.yml, which conda reads, made from pyproject.toml, which people edit."""

import re
import tomllib
from pathlib import Path

from tools.endings import Mistake

ROOT = Path(__file__).resolve().parent.parent.parent
# Where conda-forge has another name than PyPI.
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
HEAD = """\
# Generated from pyproject.toml by `python do.py build`; edit that file instead.
# For conda, mamba and micromamba: conda env create -f environment.yml
# then: conda activate paint-by-gradient && python do.py notebooks --current
name: paint-by-gradient
channels:
  - conda-forge
  - nodefaults
dependencies:
"""


def environment(pyproject: str) -> str:
    """Return the text of environment.yml for the text of pyproject.toml.

    Every bound is taken over, and the comment behind it. Raises Mistake for a requirement that
    is no lower bound, because conda would write it in another way.
    """
    project = tomllib.loads(pyproject)["project"]
    lines = [conda_line(f"python{project['requires-python']}", pyproject)]
    for requirement in project["dependencies"]:
        lines.append(conda_line(requirement, pyproject))
    lines.append("  # What runs, builds and tests the notebooks.")
    for requirement in project["optional-dependencies"]["test"]:
        lines.append(conda_line(requirement, pyproject))
    return HEAD + "\n".join(lines) + "\n"


def conda_line(requirement: str, pyproject: str) -> str:
    """Return a requirement as conda writes it, with its comment if it has one.

    "torch>=2.6" becomes "  - pytorch >=2.6".
    """
    parts = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
    if parts is None:
        raise Mistake(
            f"pyproject.toml asks for {requirement!r}; environment.yml can only be made from lower "
            "bounds such as torch>=2.6: write one"
        )
    name, bound = parts.groups()
    comment = re.search(rf'^ *"{re.escape(requirement)}", *(#.*)$', pyproject, re.M)
    line = f"  - {CONDA_NAMES.get(name, name)} >={bound}"
    return f"{line} {comment[1]}" if comment else line
