"""A few planted faults in every run; all of them: python tests/mutants.py"""

import pytest

from tests.mutants import MUTANTS, ROOT, caught, copy, planted

EVERY_RUN = ["Gram without transpose", "clamp in the closure", "check that never raises", "pickle that may run"]


@pytest.mark.parametrize("name", MUTANTS)
def test_each_fault_can_still_be_planted(name):
    """A fault whose place is gone proves nothing: adapt it to the code as it is."""
    assert planted(name)
    file, old, _, tests = MUTANTS[name]
    assert old is None or (ROOT / file).read_text(encoding="utf-8").count(old) >= 1
    assert (ROOT / tests).is_file() or (ROOT / "tests" / f"{tests}.py").is_file()


def test_there_are_enough():
    assert len(MUTANTS) >= 20 and set(EVERY_RUN) <= set(MUTANTS)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    copy(folder)
    if not (folder / "pyproject.toml").is_file():
        pytest.skip("not a git checkout")
    return folder


@pytest.mark.parametrize("name", EVERY_RUN)
def test_a_planted_fault_is_caught(name, project):
    assert caught(name, project), f"no test notices: {name}"
