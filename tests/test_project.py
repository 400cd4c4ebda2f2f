"""The project around the notebooks: one environment told once, sizes, and nothing that does not belong."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"pytorch": "torch", "matplotlib-base": "matplotlib"}


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project, project["dependencies"] + project["optional-dependencies"]["test"]


def test_conda_and_pip_ask_for_the_same():
    project, wanted = requirements()
    lines = re.findall(r"^  - ([\w-]+) ?(>=[\d.]+)?(?: #.*)?$", (ROOT / "environment.yml").read_text(), re.M)
    conda = {CONDA_NAMES.get(name, name): bound for name, bound in lines if bound}
    assert conda.pop("python") == project["requires-python"]
    assert conda == dict(re.fullmatch(r"([\w-]+)(>=[\d.]+)", line).groups() for line in wanted)


def test_only_lower_bounds():
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", line) for line in requirements()[1])


def test_ci_runs_the_test_command_of_the_readme():
    readme, ci = (ROOT / "README.md").read_text(encoding="utf-8"), (ROOT / ".ci" / "run").read_text()
    assert "python do.py notebooks" in readme and "python do.py test" in readme and "python do.py test" in ci


def test_what_is_public_in_helpers_says_what_it_does():
    for path in (ROOT / "helpers").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        public = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")]
        assert ast.get_docstring(tree) and all(ast.get_docstring(node) for node in public), path.name


def test_arrows_run_one_way():
    allowed = {"show": {"images"}, "vgg": {"weights"}, "transfer": {"fast"}, "recipes": {"transfer", "fast"}}
    for path in (ROOT / "helpers").glob("*.py"):
        found = set(re.findall(r"^\s*from helpers\.(\w+) import", path.read_text(encoding="utf-8"), re.M))
        assert found <= allowed.get(path.stem, set()), path.name


@pytest.mark.parametrize("words", [["check", "."], ["format", "--check", "."]])
def test_ruff(words):
    run = subprocess.run([sys.executable, "-m", "ruff", *words], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_nothing_that_does_not_belong():
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    files = run.stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    assert {f.split("/")[0] for f in files} <= {
        ".ci", ".gitattributes", ".gitignore", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "data", "do.py",
        "environment.yml", "helpers", "notebooks", "pyproject.toml", "tests", "tools",
    }  # fmt: skip
    assert not [f for f in files if re.search(r"\.(pyc|tmp|pth|pt)$|checkpoint|my_first", f)]
    assert sum((ROOT / f).stat().st_size for f in files if (ROOT / f).is_file()) < 95e6, (
        "a clone has to stay under 100 MB"
    )


def test_no_file_knows_the_machine_it_was_made_on():
    """No absolute path of somebody's disk, in code, texts or stored outputs."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".yml", ".ipynb", ".html", ".css", "") and path.is_file():
            found = re.findall(
                r"(?<![\w.])/(?:work|root|home(?!/me)|Users|opt)/[\w./-]+", path.read_text(encoding="utf-8")
            )
            assert not found, f"{name}: {found[:3]}"


def test_a_tool_has_one_entry():
    for path in (ROOT / "tools").glob("*.py"):
        assert path.read_text(encoding="utf-8").count('if __name__ == "__main__":') <= 1, path.name
