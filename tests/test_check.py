"""The checks of exercises: right is said, wrong is raised, not started is noted."""

import pytest
import torch

from helpers import check as module
from helpers.check import check, close, report


def double(x):
    return 2 * x


def test_right(capsys):
    assert check(lambda x: x + x, double, (3, 4)) is True
    assert "correct, on 3 random inputs" in capsys.readouterr().out


def test_not_started(capsys):
    def mine(x):
        raise NotImplementedError

    assert check(mine, double, (3,)) is False
    assert capsys.readouterr().out == "mine: not started yet.\n"


@pytest.mark.parametrize(
    "mine, sentence",
    [
        (lambda x: x * 2 + (x == x.max()), "largest difference 1 at"),
        (lambda x: x[:1] * 2, "has shape"),
        (lambda x: None, "did you forget `return`"),
        (lambda x: x * float("nan"), "largest difference nan"),
    ],
)
def test_wrong(mine, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check(mine, double, (5,))


def test_another_error_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        check(lambda x: 1 / 0, double, (5,))


def test_an_exercise_cannot_change_the_input_of_its_spec():
    with pytest.raises(AssertionError):
        check(lambda x: x.zero_(), double, (5,))


def test_numbers_and_fixed_arguments():
    assert check(lambda x, n: x.sum() * n, lambda x, n: n * x.sum(), (4,), 3)
    with pytest.raises(AssertionError, match=r"at \[\]: yours"):
        check(lambda x: x.sum() + 1, lambda x: x.sum(), (4,))


def test_close(capsys):
    close("same", torch.ones(2), torch.ones(2))
    close("near", torch.ones(2), torch.ones(2) + 1e-6)
    assert capsys.readouterr().out.splitlines()[0] == "same: exactly equal."
    with pytest.raises(AssertionError, match="far: largest difference 1"):
        close("far", torch.ones(2), torch.zeros(2))


def test_report(capsys, monkeypatch):
    assert report() is True
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 8 and all(line.startswith("[ok] ") for line in lines)
    monkeypatch.setattr(module.metadata, "version", lambda name: "0.1")
    assert report() is False
    out = capsys.readouterr().out
    assert "[missing] torch 0.1 (needs >=2" in out and "python do.py lab" in out
