"""Words of the command line: names of notebooks, a folder, a number of seconds."""

import argparse
import os
from pathlib import Path, PureWindowsPath

from tools.endings import Mistake


def choose(words: list[str], names: list[str]) -> list[str]:
    """Return the notebooks that are wanted, in their order; all, if no word is given.

    words: stems, numbers or file names, also with a folder. Raises Mistake for what is no notebook.
    """
    chosen = []
    for word in words:
        stem = PureWindowsPath(word).stem  # knows both kinds of slashes
        matches = [name for name in names if stem in (name, name.split("_")[0])]
        if not matches:
            raise Mistake(f"There is no notebook {word!r}; there are: {', '.join(names)}.")
        chosen += matches
    return [name for name in names if name in chosen] if words else names


def folder(text: str) -> Path:
    """Read a folder; a relative one lies where do.py was called, or else in the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("a folder needs a name: give one, such as pages")
    return Path(os.environ.get("NST_CALLER", ""), text).resolve()


def positive(text: str) -> int:
    """Read a whole number from 1 up."""
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)
