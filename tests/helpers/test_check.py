"""The checks of exercises: right is said, wrong is raised, not started is noted."""

import pytest
import torch

from helpers.check import check, close, each, judge


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


def test_each_value_has_its_trial(capsys):
    factors = []

    def mine(x, factor):
        factors.append(factor)
        return x * factor

    assert check(mine, lambda x, factor: factor * x, (2,), each(3, 0, -1, 2))
    assert factors == [3, 0, -1, 2]
    assert capsys.readouterr().out == "mine: correct, on 4 random inputs.\n"


def test_a_shape_may_be_one_of_each():
    shapes = []

    def mine(x):
        shapes.append(tuple(x.shape))
        return 2 * x

    check(mine, double, each((2, 3), (3, 2)))
    assert shapes == [(2, 3), (3, 2), (2, 3)]


def test_each_needs_a_value():
    with pytest.raises(ValueError, match="each needs at least one value"):
        each()


def by_for(x):
    total = 0
    for row in x:
        total = total + row
    return total


def by_while(x):
    total, place = 0, 0
    while place < len(x):
        total, place = total + x[place], place + 1
    return total


def by_comprehension(x):
    return sum(row for row in x)


def by_map(x):
    return sum(map(torch.as_tensor, x))


def by_inner_function(x):
    def inner():
        return [row for row in x]

    return torch.stack(inner()).sum(0)


@pytest.mark.parametrize("mine", [by_for, by_while, by_comprehension, by_map, by_inner_function])
def test_a_loop_is_noticed_where_it_is_forbidden(mine):
    def total(x):
        return x.sum(0)

    assert check(mine, total, (4, 3))
    with pytest.raises(AssertionError, match=f"{mine.__name__}: solve it without loops"):
        check(mine, total, (4, 3), without=("loops",))


def test_what_goes_on_below_itself_is_no_loop():
    def mine(x):
        if x.sum() > 0:
            return 2 * x
        return x + x

    assert check(mine, double, (3,), without=("loops", "autograd"))


def test_autograd_is_noticed_where_it_is_forbidden():
    def mine(x):
        x.requires_grad_()
        x.square().sum().backward()
        return x.grad

    assert check(mine, double, (3,))
    with pytest.raises(AssertionError, match="solve it without autograd"):
        check(mine, double, (3,), without=("autograd",))


def test_a_function_is_noticed_by_its_name():
    def mine(x):
        return torch.mul(2, x)

    with pytest.raises(AssertionError, match="solve it without mul"):
        check(mine, double, (3,), without=("mul",))


def test_to_call_the_specification_is_no_solution():
    def mine(x):
        return double(x)

    with pytest.raises(AssertionError, match="without calling double"):
        check(mine, double, (3,))


def predictions():
    return {"wide": 3, "deep": "relu4_1", "share": 0.25}


@pytest.mark.parametrize(
    "answer, sentence",
    [
        ({"wide": 2, "deep": "relu4_1", "share": 0.25}, r"guess\['wide'\]: 2 is too small"),
        ({"wide": 3, "deep": "relu5_1", "share": 0.25}, r"guess\['deep'\]: 'relu5_1' is not right"),
        ({"wide": 3, "deep": "relu4_1", "share": 0.3}, r"guess\['share'\]: 0.3 is too large"),
        ({"wide": 3}, "guess: expected an answer for each of wide, deep, share"),
        (None, "did you forget `return`"),
    ],
)
def test_a_wrong_prediction_is_named_and_the_right_one_is_not_told(answer, sentence):
    def guess():
        return answer

    with pytest.raises(AssertionError, match=sentence) as error:
        check(guess, predictions)
    assert "0.25" not in str(error.value) and "expected 3" not in str(error.value)


def test_a_right_prediction(capsys):
    answer = predictions()

    def guess():
        return answer

    assert check(guess, predictions) is True
    assert capsys.readouterr().out == "guess: correct.\n"


@pytest.mark.parametrize("answer", [[3, 10], (3, 10), torch.tensor([3.0, 10.0])])
def test_a_prediction_may_be_a_list(answer):
    def guess():
        return answer

    assert check(guess, lambda: [3, 10])
    with pytest.raises(AssertionError, match=r"guess\[1\]: 10 is too small"):
        check(guess, lambda: [3, 11])


def test_a_prediction_may_be_one_number():
    def guess():
        return 4

    assert check(guess, lambda: 4)
    with pytest.raises(AssertionError, match="^guess: 4 is too large"):
        check(guess, lambda: 3)


def not_even(answer, *_):
    return "" if answer % 2 == 0 else f"{answer} is odd"


def test_a_judge_takes_any_right_answer(capsys):
    def mine():
        return 4

    assert judge(mine, not_even) is True
    assert capsys.readouterr().out == "mine: correct.\n"


def test_a_judge_says_what_is_wrong():
    def mine():
        return 3

    with pytest.raises(AssertionError, match="^mine: 3 is odd$"):
        judge(mine, not_even)


def test_a_judge_hands_over_the_inputs_and_tries_each():
    seen = []

    def fault(answer, factor, x):
        seen.append(factor)
        return "" if torch.equal(answer, factor * x) else "not the product"

    def mine(factor, x):
        return min(factor, 5) * x

    with pytest.raises(AssertionError, match="not the product"):
        judge(mine, fault, each(1, 2, 7), (3,))
    assert seen == [1, 2, 7]


def test_a_judge_notes_what_is_not_started_and_what_is_not_returned(capsys):
    def empty():
        raise NotImplementedError

    def nothing():
        pass

    assert judge(empty, not_even) is False
    assert capsys.readouterr().out == "empty: not started yet.\n"
    with pytest.raises(AssertionError, match="did you forget `return`"):
        judge(nothing, not_even)


def test_a_judge_forbids_too():
    def mine():
        return sum(2 for _ in range(2))

    with pytest.raises(AssertionError, match="solve it without loops"):
        judge(mine, not_even, without=("loops",))


@pytest.mark.parametrize("answer", ["two", [2], (1, 2)])
def test_an_answer_of_another_form_gets_a_sentence(answer):
    def mine():
        return answer

    with pytest.raises(AssertionError, match="mine: the answer does not have the form"):
        judge(mine, not_even)


@pytest.mark.parametrize("answer", [{1, 2}, "two", {"a": 1}])
def test_a_value_of_another_form_gets_a_sentence(answer):
    def mine(x):
        return answer

    with pytest.raises(AssertionError, match="mine: the answer does not have the form"):
        check(mine, double, (3,))


def test_a_prediction_that_is_no_number_is_wrong():
    def guess():
        return float("nan")

    with pytest.raises(AssertionError, match="^guess: nan is"):
        check(guess, lambda: 3)


def test_a_prediction_of_nothing_gets_a_sentence():
    def guess():
        return {"a": 3, "b": None}

    with pytest.raises(AssertionError, match="guess: the answer does not have the form"):
        check(guess, lambda: {"a": 3, "b": 4})


def test_the_inputs_are_the_same_in_every_run():
    """Whoever is wrong in one trial of three is told so each time, whatever ran before."""
    seen = []

    def mine(x):
        seen.append(x)
        return 2 * x

    for seed in (1, 2):
        torch.manual_seed(seed)
        check(mine, double, (2, 3))
    assert all(map(torch.equal, seen[:3], seen[3:]))


def test_close_tells_the_largest_difference_and_has_a_tolerance(capsys):
    close("two thirds", torch.tensor([0.0, 2.0]), torch.tensor([0.0, 2.0001]))
    assert "largest difference 1.0e-04" in capsys.readouterr().out
    for wrong in (torch.tensor([0.0, 2.01]), torch.tensor([0.001, 2.0])):
        with pytest.raises(AssertionError):
            close("two thirds", torch.tensor([0.0, 2.0]), wrong)


def test_a_thousandth_is_wrong_unless_the_exercise_forgives_it():
    def nearly(x):
        return 2.002 * x

    with pytest.raises(AssertionError, match="largest difference"):
        check(nearly, double, (30,))
    assert check(nearly, double, (30,), tolerance=0.002)
