"""The project around the notebooks: one style, one way for the arrows, nothing of this machine."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import ROOT, run_python

HELPERS = sorted(path.stem for path in (ROOT / "helpers").glob("*.py") if path.stem != "__init__")
# Which helper may import which, as CONTRIBUTING.md says.
ARROWS = {
    "files": set(),
    "decode": set(),
    "install": set(),
    "check": set(),
    "losses": set(),
    "weights": set(),
    "memory": set(),
    "images": {"decode", "files"},
    "vgg": {"images", "weights"},
    "transfer": {"images", "losses"},
    "show": {"images", "files"},
    "published": {"losses", "vgg"},
    "statistics": {"losses"},
    "winograd": set(),
    "keeping": {"files", "images"},
    "colours": {"images"},
    "masks": {"images", "vgg"},
    "control": {"colours", "masks"},
    "recipes": {"published", "transfer", "vgg", "images", "keeping", "decode", "control", "masks"},
    "tiles": {"losses", "published", "recipes", "vgg"},
    "soften": {"published", "recipes", "transfer"},
}
# These may import what they need, and nothing else in helpers needs them.
EXTRAS = {"fast", "large", "explorer"}
# helpers/exhibit is a package of its own: which of its files may import which.
EXHIBIT = {
    "room": set(),
    "plan": {"room"},
    "jobs": {"plan"},
    "cluster": {"jobs", "plan", "room"},
    "engine": {"cluster", "jobs", "plan", "room"},
    "page": {"plan"},
}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    """Return the full name of every module that a file imports, also within its functions."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add(node.module)
            # `from helpers import losses` imports a module too.
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imported_helpers(path: Path) -> set[str]:
    """Return the helpers that a file imports, by their short names."""
    return {name for name in HELPERS if f"helpers.{name}" in imported(path)}


def helper(name: str) -> Path:
    return ROOT / "helpers" / f"{name}.py"


def packages(path: Path) -> set[str]:
    """Return what a file imports, up to the first dot."""
    return {name.partition(".")[0] for name in imported(path)}


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_an_import_is_noticed_wherever_it_stands(tmp_path):
    path = tmp_path / "some.py"
    path.write_text("import helpers.fast\ndef f():\n    from helpers import vgg\n    import numpy")
    assert imported_helpers(path) == {"fast", "vgg"}


def test_helpers_import_each_other_in_one_direction():
    graph = {name: imported_helpers(helper(name)) for name in HELPERS}
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("name", sorted(set(HELPERS) - EXTRAS))
def test_a_helper_imports_what_it_may(name):
    assert name in ARROWS, f"say here and in CONTRIBUTING.md what {name} may import"
    assert imported_helpers(helper(name)) <= ARROWS[name]


@pytest.mark.parametrize("name", EXHIBIT)
def test_a_file_of_the_exhibition_imports_what_it_may(name):
    names = imported(ROOT / "helpers" / "exhibit" / f"{name}.py")
    assert {other for other in EXHIBIT if f"helpers.exhibit.{other}" in names} <= EXHIBIT[name]


def test_no_helper_needs_the_exhibition():
    files = [helper(name) for name in HELPERS]
    assert not [path for path in files if any("exhibit" in name for name in imported(path))]


def test_helpers_know_nothing_of_tools_and_tests():
    outside = {"tools", "tests", "notebooks", "do"}
    assert not [path for path in python_files("helpers") if packages(path) & outside]


def test_tools_know_nothing_of_tests():
    assert not [path for path in python_files("tools") if "tests" in packages(path)]


def changes_the_search_path(node: ast.AST) -> bool:
    """Tell whether this is `sys.path`, which only who wants to change it has to name."""
    is_path = isinstance(node, ast.Attribute) and node.attr == "path"
    return is_path and isinstance(node.value, ast.Name) and node.value.id == "sys"


@pytest.mark.slow
def test_nobody_changes_where_python_looks_for_modules():
    """`python -m` and pytest start in the root; only the notebooks' setup cell has to search."""
    for path in python_files("helpers", "tools", "tests"):
        assert not [node.lineno for node in ast.walk(tree(path)) if changes_the_search_path(node)]


@pytest.mark.slow
@pytest.mark.parametrize("wing", ["site", "teach"])
def test_pages_are_built_without_torch(wing):
    names = sorted(path.stem for path in (ROOT / "tools" / wing).glob("[a-z]*.py"))
    modules = ", ".join(f"tools.{wing}.{name}" for name in names)
    process = run_python(f"import sys, {modules}\nassert 'torch' not in sys.modules")
    assert process.returncode == 0, process.stderr


def is_public(node: ast.AST) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return isinstance(node, kinds) and not node.name.startswith("_")


def test_arrows_between_the_wings_of_tools_run_one_way():
    """tools/teach builds on tools/site, and nothing builds on tools/teach."""
    others = [path for path in python_files("tools") if path.parent.name != "teach"]
    for path in others:
        assert not [name for name in imported(path) if name.startswith("tools.teach")], path


def test_what_is_public_says_what_it_does():
    for path in python_files("helpers", "tools"):
        public = [node for node in tree(path).body if is_public(node)]
        if public:
            assert ast.get_docstring(tree(path)), path
        for node in public:
            assert ast.get_docstring(node), f"{path}: {node.name}"


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_ruff(words):
    command = [sys.executable, "-m", "ruff", *words, "."]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert process.returncode == 0, process.stdout + process.stderr


def test_no_file_knows_the_machine_it_was_made_on():
    """No absolute path of somebody's disk, in code, in texts or in stored outputs."""
    somebodys = re.compile(r"(?<![\w.])/(?:work|root|home(?!/me)|Users|opt)/[\w./-]+")
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    if listed.returncode:
        pytest.skip("the project is no git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        texts = (".py", ".md", ".toml", ".yml", ".ipynb", ".html", ".css", "")
        if path.suffix in texts and path.is_file():
            assert not somebodys.findall(path.read_text(encoding="utf-8")), name
