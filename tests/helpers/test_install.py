"""What is said of an installation, also by a Python that has nothing but itself."""

import pytest

from helpers import install
from helpers.install import missing, report, requirements
from tests.support import run_python


def test_everything_is_here(capsys):
    """The tests run where the notebooks can."""
    assert report() is True
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0].rsplit(" ", 1)[0] for line in lines] == [
        f"[ok] {requirement.split('>=')[0]}" for requirement in requirements()
    ]


# A Python without packages: what lies in a folder of packages is not found, and nothing of this
# repository may want it.
BARE = """
import sys
sys.path = [place for place in sys.path if "-packages" not in place]
from helpers.install import report
print(report())
"""


def test_report_without_torch_says_so_and_what_to_do():
    run = run_python(BARE)
    assert run.returncode == 0
    assert run.stderr == ""
    *lines, advice, by_hand, answer = run.stdout.splitlines()
    assert "[missing] torch is not installed (needs >=2.6)" in lines
    assert all(line.startswith("[missing] ") for line in lines)
    assert "python do.py lab" in advice
    assert 'pip install "torch>=2.6"' in by_hand
    assert answer == "False"


BROKEN = """
import sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "numpy", "packaging", "PIL"):
            raise OSError(f"{name} was touched")

sys.meta_path.insert(0, Broken())
from helpers.install import report
print(report())
"""


def test_report_imports_nothing_of_what_it_reports():
    """A package that is there and cannot be imported does not stop the report of the others."""
    run = run_python(BROKEN)
    assert run.stderr == ""
    assert run.stdout.splitlines()[-1] == "True"


@pytest.fixture
def installed(monkeypatch):
    """Versions as if they were installed: {package: version}."""
    versions = {}

    def version(package):
        if package not in versions:
            raise install.metadata.PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(install.metadata, "version", version)
    return versions


@pytest.mark.parametrize(
    "version", ["2.6", "2.6.0", "2.6.1", "2.10.0+cpu", "3.0", "2.7.0.dev20250101", "2.6.0rc1"]
)
def test_a_version_that_is_new_enough(installed, version):
    """Numbers are compared, not letters: 2.10 comes after 2.6."""
    installed["torch"] = version
    assert missing(["torch>=2.6"]) == []


@pytest.mark.parametrize("version", ["2.5.1", "2", "1.13.1+cu117", "0.2.6"])
def test_a_version_that_is_too_old(installed, version, capsys):
    installed["torch"] = version
    assert missing(["torch>=2.6", "torch>=0.1"]) == ["torch>=2.6"]
    assert report() is False
    assert f"[missing] torch {version} (needs >=2.6)" in capsys.readouterr().out


def test_what_is_missing_is_listed_in_order(installed):
    installed["numpy"] = "2.0"
    assert missing(["torch>=2.6", "numpy>=1.26", "pillow>=10.1"]) == ["torch>=2.6", "pillow>=10.1"]


def test_requirements_of_an_optional_group():
    assert any(line.startswith("pytest>=") for line in requirements("test"))
    with pytest.raises(KeyError, match="papers"):
        requirements("papers")


def test_a_requirement_that_is_no_lower_bound_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="'torch==2.6' is no lower bound such as torch>=2.6"):
        missing(["torch==2.6"])


@pytest.mark.parametrize("bound", ["2", "2.6", "2.6.0"])
def test_zeros_at_the_end_of_a_version_mean_nothing(installed, bound):
    installed["torch"] = "2.6"
    assert missing([f"torch>={bound}"]) == []
