"""Checks that a machine can make of an exercise: your function against a slow, readable one."""

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["check", "close"]


def check(
    yours: Callable, spec: Callable, *inputs, trials: int = 3, tolerance: float = 1e-4
) -> bool:
    """Compare your function with its slow, readable specification on random inputs.

    inputs: one for each argument. A tuple is a shape, and a tensor of that shape is drawn anew in
        each trial, from a standard normal distribution with a fixed seed. Anything else is passed
        as it is.
    trials: how often to compare. tolerance: relative and absolute.

    Returns True, and says so, if all answers agree. Returns False, and says so, if the exercise was
    not started (NotImplementedError). A wrong answer raises AssertionError, with the place and the
    size of the largest difference.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, not {trials}: nothing would be compared")
    generator = torch.Generator().manual_seed(0)
    for _ in range(trials):
        arguments = [_draw(value, generator) for value in inputs]
        copies = [value.clone() if isinstance(value, Tensor) else value for value in arguments]
        try:
            answer = yours(*copies)
        except NotImplementedError:
            print(f"{yours.__name__}: not started yet.")
            return False
        _compare(yours.__name__, answer, spec(*arguments), tolerance)
    amount = f", on {trials} random inputs" if trials > 1 else ""
    print(f"{yours.__name__}: correct{amount}.")
    return True


def close(name: str, actual: Tensor, expected: Tensor, tolerance: float = 1e-4) -> None:
    """Print that two tensors are equal, or nearly, and then by how much they differ.

    name: what they are. Raises AssertionError where they differ by more than the tolerance
    (relative and absolute), or in shape.
    """
    _compare(name, actual, expected, tolerance)
    difference = (_numbers(actual) - _numbers(expected)).abs().max().item()
    if difference == 0:
        print(f"{name}: exactly equal.")
    else:
        print(f"{name}: equal up to rounding, largest difference {difference:.1e}.")


def _draw(value, generator: torch.Generator):
    """A shape -> a random tensor; anything else as it is."""
    return torch.randn(value, generator=generator) if isinstance(value, tuple) else value


def _numbers(value) -> Tensor:
    return torch.as_tensor(value).detach().cpu().double()


def _compare(name: str, actual, expected, tolerance: float) -> None:
    """Raise AssertionError, in a sentence, unless the two agree."""
    if actual is None:
        raise AssertionError(f"{name} returned None; did you forget `return`?")
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
