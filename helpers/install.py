"""Is everything here that the series needs? Standard library only, so that it can say so itself."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

__all__ = ["requirements", "missing", "installed", "report"]

ROOT = Path(__file__).resolve().parent.parent


def requirements(group: str | None = None) -> list[str]:
    """The packages that pyproject.toml asks for, each with its lower bound: ["torch>=2.6", ...].

    group: None for what every notebook needs, or the name of an optional group ("test").
    Raises KeyError for a group that does not exist, OSError where pyproject.toml is missing.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if group is None:
        return project["dependencies"]
    return project["optional-dependencies"][group]


def missing(wanted: list[str]) -> list[str]:
    """Those of some requirements that this Python does not satisfy: absent, or too old."""
    return [requirement for requirement in wanted if not _is_satisfied(requirement)]


def installed(package: str) -> str | None:
    """The version of an installed package, such as "2.11.0+cpu"; None where it is absent."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def report() -> bool:
    """Print one line for each package of the notebooks, [ok] or [missing]; True if all are here."""
    wanted = requirements()
    lacking = missing(wanted)
    for requirement in wanted:
        package, bound = _parts(requirement)
        mark = "missing" if requirement in lacking else "ok"
        print(f"[{mark}] {package} {installed(package) or 'is not installed'} (needs >={bound})")
    if lacking:
        quoted = " ".join(f'"{requirement}"' for requirement in lacking)
        print(
            "Install what is missing: `python do.py lab`, from the folder of the series, does it."
        )
        print(f"Or, for this Python alone: pip install {quoted}, and then restart the kernel.")
    return not lacking


def _is_satisfied(requirement: str) -> bool:
    package, bound = _parts(requirement)
    version = installed(package)
    return version is not None and _numbers(version) >= _numbers(bound)


def _parts(requirement: str) -> tuple[str, str]:
    """ "torch>=2.6" -> ("torch", "2.6"). Every requirement of this project has this form."""
    match = re.fullmatch(r"([\w.-]+) *>= *([\d.]+)", requirement)
    if match is None:
        raise ValueError(
            f"{requirement!r} is no lower bound such as torch>=2.6: mend pyproject.toml"
        )
    return match[1], match[2]


def _numbers(version: str) -> list[int]:
    """The release numbers of a version, to be compared: "2.10.0+cpu" -> [2, 10]."""
    release = re.match(r"[\d.]*", version)[0]
    numbers = [int(part) for part in release.split(".") if part]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 2.6 and 2.6.0 are the same version
    return numbers
