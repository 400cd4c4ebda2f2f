"""What hosts read beside the notebooks: citation, workflows, forms, Binder, a container."""

import json
import os
import re
import tomllib

import pytest
import yaml

from do import COMMANDS
from tests.support import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}  # of a field of a form


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """The commands of do.py that a text calls."""
    return re.findall(r"python do\.py(?: --\w+)* (\w+)", text)


def test_one_version_everywhere():
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert str(yaml.safe_load(read("CITATION.cff"))["version"]) == version
    assert re.search(r"^## ([\d.]+)", read("CHANGELOG.md"), re.M)[1] == version
    assert f"Version {version}" in read("README.md")


def test_the_citation_says_what_it_must():
    """The fields that the format asks for; cffconvert --validate checks the rest."""
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] and citation["message"] and citation["authors"]
    assert len(citation["references"]) == 2


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_reads_only_and_ends(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            assert "run" in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])


def test_three_systems_and_the_oldest_python_are_tried():
    workflow = yaml.safe_load(read(".github/workflows/tests.yml"))
    matrix = workflow["jobs"]["units"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    oldest = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    assert oldest == f">={matrix['python'][0]}"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_can_be_filled_in(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"] and len(form["description"]) > 20
    names = [field["id"] for field in form["body"]]
    assert len(names) == len(set(names)) > 0
    for field in form["body"]:
        assert field["type"] in KINDS and field["attributes"]["label"]


def test_the_container_sets_up_what_it_needs():
    container = json.loads(read(".devcontainer/devcontainer.json"))
    assert re.search(r"python:.*3\.1[1-9]-", container["image"])
    assert commands(container["postCreateCommand"]) == ["build"]
    assert "--current --cpu" in container["postCreateCommand"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_binder_checks_that_the_network_is_there():
    script = ROOT / "binder" / "postBuild"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!")


PAGES = ["README.md", "CONTRIBUTING.md", "environment.yml", ".github/workflows/tests.yml"]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_told_exists(page):
    told = commands(read(page))
    assert told and set(told) <= set(COMMANDS)


def test_the_readme_begins_with_the_laboratory():
    assert commands(read("README.md"))[0] == "lab"
