"""Checks that a machine can make of an exercise.

`check` compares your function with a slow, readable one; `judge` asks whether an answer holds of
which there are many.
"""

import contextlib
import copy
import dis
from collections.abc import Callable, Iterator
from numbers import Integral, Real
from types import CodeType

import torch
from torch import Tensor

__all__ = ["check", "judge", "each", "close"]

FORM = "the answer does not have the form that is asked for"
# What is raised where a number stands for a tensor, a set for a number, and so on.
MISFITS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
AUTOGRAD = {"autograd", "backward", "enable_grad", "grad", "requires_grad", "requires_grad_", "vjp"}


class each:  # noqa: N801 - a word in a sentence: check(mine, spec, each(1, 2, 3))
    """An input of `check` or `judge` that takes these values in turn, one a trial."""

    def __init__(self, *values):
        if not values:
            raise ValueError("each needs at least one value: each(1, 2, 3)")
        self.values = values


def check(
    yours: Callable,
    spec: Callable,
    *inputs,
    trials: int = 3,
    tolerance: float = 1e-4,
    without: tuple[str, ...] = (),
) -> bool:
    """Compare your function with its slow, readable specification on random inputs.

    inputs: one for each argument. A tuple is a shape, and a tensor of that shape is drawn anew in
        each trial, from a standard normal distribution with a fixed seed; `each(a, b)` is a in the
        first trial, b in the second, and so on. Anything else is passed as it is. Without inputs,
        the answer is a prediction: a number, a word, or a list or dict of them, and a wrong one is
        named without telling the right one.
    trials: how often to compare; at least once for every value of an `each`.
    tolerance: relative and absolute. without: what the exercise forbids: "loops", "autograd", or
        the name of a function.

    Returns True, and says so, if all answers agree. Returns False, and says so, if the exercise was
    not started (NotImplementedError). A wrong answer raises AssertionError, with the place and the
    size of the largest difference; so does what is forbidden.
    """
    _require_tolerance(tolerance)
    _require_functions(yours, spec, without)
    _require_allowed(yours, without, spec)
    compare = _compare if inputs else _compare_prediction
    rounds = list(_rounds(inputs, trials))
    for arguments in rounds:
        answer, is_started = _answer(yours, arguments)
        if not is_started:
            return False
        expected = spec(*copied(arguments))
        with _misfits_in_a_sentence(yours.__name__):
            compare(yours.__name__, answer, expected, tolerance)
    amount = f", on {len(rounds)} random inputs" if len(rounds) > 1 else ""
    print(f"{yours.__name__}: correct{amount}.")
    return True


def judge(
    yours: Callable,
    fault: Callable,
    *inputs,
    trials: int = 1,
    without: tuple[str, ...] = (),
) -> bool:
    """Ask whether your answer holds, where many answers are right.

    fault: called as fault(answer, *inputs); returns "" for a right answer, and otherwise a sentence
        that says what is wrong with it. inputs, trials, without: as for `check`.

    Returns True, and says so, if nothing is wrong. Returns False, and says so, if the exercise was
    not started. Raises AssertionError with the sentence otherwise, and where the answer is of
    another form than `fault` can judge.
    """
    _require_functions(yours, fault, without)
    _require_allowed(yours, without, fault)
    for arguments in _rounds(inputs, trials):
        answer, is_started = _answer(yours, arguments)
        if not is_started:
            return False
        _require_returned(yours.__name__, answer)
        with _misfits_in_a_sentence(yours.__name__):
            sentence = fault(answer, *arguments)
        if sentence:
            raise AssertionError(f"{yours.__name__}: {sentence}")
    print(f"{yours.__name__}: correct.")
    return True


def close(name: str, actual: Tensor, expected: Tensor, tolerance: float = 1e-4) -> None:
    """Print that two tensors are equal, or nearly, and then by how much they differ.

    name: what they are. Raises AssertionError where they differ by more than the tolerance
    (relative and absolute), or in shape.
    """
    _require_tolerance(tolerance)
    with _misfits_in_a_sentence(name):
        _compare(name, actual, expected, tolerance)
    difference = (_numbers(actual) - _numbers(expected)).abs().max().item()
    if difference == 0:
        print(f"{name}: exactly equal.")
    else:
        print(f"{name}: equal up to rounding, largest difference {difference:.1e}.")


def _require_tolerance(tolerance: float) -> None:
    if not isinstance(tolerance, Real) or not 0 <= tolerance < 1:  # NaN, too
        raise ValueError(f"tolerance must be from 0 to below 1, not {tolerance!r}")


def _rounds(inputs: tuple, trials: int) -> Iterator[list]:
    """The arguments of each trial; without inputs there is nothing to try twice."""
    if not isinstance(trials, Integral) or trials < 1:
        raise ValueError(f"trials must be at least 1, not {trials}: nothing would be compared")
    generator = torch.Generator().manual_seed(0)
    lengths = [len(value.values) for value in inputs if isinstance(value, each)]
    for trial in range(max(trials, *lengths, 1) if inputs else 1):
        yield [_draw(value, trial, generator) for value in inputs]


def _draw(value, trial: int, generator: torch.Generator):
    """A shape -> a random tensor; `each` -> its value of this trial; anything else as it is."""
    if isinstance(value, each):
        value = value.values[trial % len(value.values)]
    return torch.randn(value, generator=generator) if isinstance(value, tuple) else value


def _answer(yours: Callable, arguments: list) -> tuple[object, bool]:
    """Your answer, to copies of the arguments, and whether the exercise was started at all."""
    copies = copied(arguments)
    try:
        return yours(*copies), True
    except NotImplementedError:
        print(f"{yours.__name__}: not started yet.")
        return None, False


def copied(arguments: list) -> list:
    """Copies, so that a function that changes its arguments changes nobody else's."""
    return [
        value.clone() if isinstance(value, Tensor) else copy.deepcopy(value) for value in arguments
    ]


def _require_functions(yours: Callable, original: Callable, without: tuple[str, ...]) -> None:
    for what, function in (("your answer", yours), ("what it is compared with", original)):
        if not callable(function) or not hasattr(function, "__name__"):
            raise ValueError(f"{what} must be a function (def ...), not {function!r}")
    if isinstance(without, str) or not all(isinstance(what, str) for what in without):
        raise ValueError(f'without must be a tuple of words, such as ("loops",), not {without!r}')


def _require_returned(name: str, answer) -> None:
    if answer is None:
        raise AssertionError(f"{name} returned None; did you forget `return`?")


@contextlib.contextmanager
def _misfits_in_a_sentence(name: str) -> Iterator[None]:
    """An answer of another form than what it is compared with can handle gets a sentence."""
    try:
        yield
    except MISFITS as error:
        raise AssertionError(f"{name}: {FORM} ({error})") from error


def _require_allowed(yours: Callable, without: tuple[str, ...], original: Callable) -> None:
    """Raise AssertionError where a function, by its bytecode, does what its exercise forbids.

    That is what `without` names, and in any case to call the original that it is compared with.
    """
    code = getattr(yours, "__code__", None)
    if code is None:  # no function of Python's: nothing to read
        return
    parts = list(_codes(code))
    names = {name for part in parts for name in part.co_names}
    has_loop = any(_jumps_back(part) for part in parts)
    uses = {"loops": has_loop or "map" in names, "autograd": bool(names & AUTOGRAD)}
    for what in without:
        if uses.get(what, what in names):
            raise AssertionError(f"{yours.__name__}: solve it without {what}")
    if any(_loads(part, original.__name__) for part in parts):
        raise AssertionError(f"{yours.__name__}: solve it without calling {original.__name__}")


def _loads(code: CodeType, name: str) -> bool:
    """Whether some code uses a function by its name; a method of that name is another."""
    kinds = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF")
    loads = (i for i in dis.get_instructions(code) if i.opname in kinds)
    return any(instruction.argval == name for instruction in loads)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _jumps_back(code: CodeType) -> bool:
    """Whether some instruction goes on above itself, as `for`, `while` and comprehensions do."""
    for instruction in dis.get_instructions(code):
        is_jump = instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs
        if is_jump and instruction.argval < instruction.offset:
            return True
    return False


def _numbers(value) -> Tensor:
    if isinstance(value, complex) or (isinstance(value, Tensor) and value.is_complex()):
        raise TypeError("complex numbers where real ones are asked for")
    return torch.as_tensor(value).detach().cpu().double()


def _compare_prediction(name: str, answer, expected, tolerance: float) -> None:
    """Raise AssertionError for a wrong prediction, and do not tell the right one."""
    _require_returned(name, answer)
    answers = _items(answer)
    rights = _items(expected)
    if answers.keys() != rights.keys():
        places = ", ".join(str(place) for place in rights)
        raise AssertionError(f"{name}: expected an answer for each of {places or 'one question'}")
    for place, right in rights.items():
        given = answers[place]
        where = f"{name}[{place!r}]" if place != "" else name
        if isinstance(right, str) or isinstance(given, str):
            if given != right:
                raise AssertionError(f"{where}: {given!r} is not right")
        elif not abs(given - right) <= tolerance * (1 + abs(right)):  # NaN is wrong, too
            direction = "too small" if given < right else "too large"
            raise AssertionError(f"{where}: {given:g} is {direction}")


def _items(value) -> dict:
    """A dict as it is, a list as {0: first, ...}, a single answer as {"": answer}."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Tensor):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return dict(enumerate(value))
    return {"": value}


def _compare(name: str, actual, expected, tolerance: float) -> None:
    """Raise AssertionError, in a sentence, unless the two agree."""
    _require_returned(name, actual)
    actual = _numbers(actual)
    expected = _numbers(expected)
    if actual.shape != expected.shape:
        shapes = f"{tuple(actual.shape)}, expected {tuple(expected.shape)}"
        raise AssertionError(f"{name} has shape {shapes}")
    wrong = ~torch.isclose(actual, expected, rtol=tolerance, atol=tolerance)
    if not wrong.any():
        return
    differences = (actual - expected).abs().nan_to_num(torch.inf)
    worst = torch.where(wrong, differences, -1.0).argmax()
    place = torch.unravel_index(worst, wrong.shape) if wrong.ndim else ()
    yours = actual[place].item()
    theirs = expected[place].item()
    indices = [int(index) for index in place]
    raise AssertionError(
        f"{name}: largest difference {abs(yours - theirs):.3g} at {indices}: "
        f"yours {yours:.6g}, expected {theirs:.6g}"
    )
