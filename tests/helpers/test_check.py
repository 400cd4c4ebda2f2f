"""The checks of exercises: right is said, wrong is raised, not started is noted."""

import pytest
import torch

from helpers.check import check, close


def double(x):
    return 2 * x


def add(x):
    return x + x


def test_right(capsys):
    assert check(add, double, (3, 4)) is True
    assert capsys.readouterr().out == "add: correct, on 3 random inputs.\n"


def test_right_once(capsys):
    assert check(add, double, (3, 4), trials=1) is True
    assert capsys.readouterr().out == "add: correct.\n"


def test_not_started(capsys):
    def mine(x):
        raise NotImplementedError

    assert check(mine, double, (3,)) is False
    assert capsys.readouterr().out == "mine: not started yet.\n"


def wrong_at_the_largest(x):
    return 2 * x + (x == x.max())


def only_the_first(x):
    return 2 * x[:1]


def nothing(x):
    x.mul(2)  # the mistake that is to be noticed


def no_number(x):
    return x * float("nan")


@pytest.mark.parametrize(
    "mine, sentence",
    [
        (wrong_at_the_largest, "wrong_at_the_largest: largest difference 1 at"),
        (only_the_first, r"only_the_first has shape \(1,\), expected \(5,\)"),
        (nothing, "nothing returned None; did you forget `return`"),
        (no_number, "largest difference nan"),
    ],
)
def test_wrong(mine, sentence):
    with pytest.raises(AssertionError, match=sentence):
        check(mine, double, (5,))


def test_the_place_of_the_largest_difference():
    def mine(x):
        wrong = 2 * x
        wrong[1, 2] += 3
        wrong[0, 0] += 1
        return wrong

    with pytest.raises(AssertionError, match=r"largest difference 3 at \[1, 2\]"):
        check(mine, double, (2, 4))


def test_a_number_has_no_place():
    def mine(x):
        return x.sum() + 1

    with pytest.raises(AssertionError, match=r"at \[\]: yours"):
        check(mine, torch.sum, (4,))


def test_another_error_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        check(lambda x: 1 / 0, double, (5,))


def test_an_exercise_cannot_change_the_input_of_its_spec():
    def mine(x):
        return x.zero_()

    with pytest.raises(AssertionError):
        check(mine, double, (5,))


def test_arguments_that_are_no_shapes_are_passed_as_they_are():
    def mine(x, factor):
        return x.sum() * factor

    def spec(x, factor):
        return factor * x.sum()

    assert check(mine, spec, (4,), 3)


def test_what_is_wrong_only_sometimes_is_noticed():
    """Each trial draws other numbers."""

    def mine(x):
        return 2 * x.clamp(max=0) + 2 * x.clamp(min=0, max=1.5)

    with pytest.raises(AssertionError):
        check(mine, double, (2,), trials=30)


def test_close(capsys):
    close("same", torch.ones(2), torch.ones(2))
    close("near", torch.ones(2), torch.ones(2) + 1e-6)
    same, near = capsys.readouterr().out.splitlines()
    assert same == "same: exactly equal."
    assert near.startswith("near: equal up to rounding, largest difference 9.5e-07")
    with pytest.raises(AssertionError, match="far: largest difference 1"):
        close("far", torch.ones(2), torch.zeros(2))


def test_each_trial_draws_other_numbers():
    drawn = []

    def mine(x):
        drawn.append(x.tolist())
        return 2 * x

    check(mine, double, (2,), trials=5)
    assert len(drawn) == 5
    assert not [numbers for numbers in drawn if drawn.count(numbers) > 1]


def test_a_tolerance_is_relative_and_absolute():
    def mine(x):
        return 2 * x * 1.01

    for factor in (1, 1000):
        scaled = factor * torch.ones(3)
        assert check(mine, double, scaled, tolerance=0.02)
        with pytest.raises(AssertionError, match="largest difference"):
            check(mine, double, scaled, tolerance=0.005)
