"""Set the address of the repository, everywhere it stands; nothing is executed.

    python -m tools.site.publish https://github.com/NAME/REPOSITORY

It stands in pyproject.toml, and from there it goes into the setup cell of every notebook and into
the badges, which are shown as soon as the address is that of a repository on GitHub.
"""

import argparse
import re
import sys
from urllib.parse import urlsplit

from helpers.files import write_file
from tools.endings import Mistake
from tools.site import build

EXAMPLE = "https://github.com/NAME/REPOSITORY"
LINE = re.compile(r'^(Repository = )"[^"\n]*"$', re.M)


def address(text: str) -> str:
    """Return the address of a repository as everybody may read it. Raises Mistake for another.

    A slash or `.git` at its end, as one copies them, is left out.
    """
    # Letters that mean nothing to a shell, to Python or to Markdown, whose texts will hold it.
    plain = re.fullmatch(r"https://[\w.:-]+(/[\w.~-]+){2,}", text.rstrip("/"), re.ASCII)
    parts = urlsplit(text.rstrip("/"))
    folders = parts.path.split("/")[1:]
    too_deep = parts.netloc.lower() in ("github.com", "www.github.com") and len(folders) > 2
    if not plain or too_deep or {".", "..", ".git"} & set(folders) or "." not in parts.netloc:
        raise Mistake(f"{text!r} is no address of a repository: write it as {EXAMPLE}.")
    found = f"https://{parts.netloc.lower()}{parts.path.removesuffix('.git')}"
    if found.startswith(build.UNPUBLISHED) or found == EXAMPLE:
        raise Mistake(f"{text!r} is only an example: write your own name and repository.")
    return found


def main(arguments: list[str]) -> int:
    """Write the address into pyproject.toml and into the notebooks. Returns the exit code."""
    program = "python -m tools.site.publish"
    parser = argparse.ArgumentParser(program, description=__doc__.splitlines()[0])
    parser.add_argument("address", help=f"such as {EXAMPLE}")
    new = address(parser.parse_args(arguments).address)
    path = build.ROOT / "pyproject.toml"
    text, places = LINE.subn(rf'\1"{new}"', path.read_text(encoding="utf-8"))
    if places != 1:
        raise Mistake(f"{path} needs one line `Repository = ...` and has {places}: mend it.")
    write_file(path, text)
    code = build.refresh(build.sources())
    print(f"The address is {new}. Commit what `git status` shows, and push it to the branch main.")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
