"""Checks that a machine can make: of an exercise against its specification, and of the installation."""

import tomllib
from importlib import metadata
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["check", "close", "report"]

ROOT = Path(__file__).resolve().parent.parent


def check(yours, spec, *inputs, trials: int = 3, tolerance: float = 1e-4) -> bool:
    """Compare your function with its slow, readable specification on random inputs.

    inputs: one for each argument; a tuple is a shape, drawn anew in each trial from a standard normal distribution
    with a fixed seed; anything else is passed as it is. tolerance: relative and absolute.

    An exercise that was not started (NotImplementedError) is noted and returns False; a wrong answer raises
    AssertionError with the place and size of the largest difference; a right one says so and returns True.
    """
    generator = torch.Generator().manual_seed(0)
    for _ in range(trials):
        drawn = [torch.randn(i, generator=generator) if isinstance(i, tuple) else i for i in inputs]
        try:
            found = yours(*[d.clone() if isinstance(d, Tensor) else d for d in drawn])
        except NotImplementedError:
            print(f"{yours.__name__}: not started yet.")
            return False
        _compare(yours.__name__, found, spec(*drawn), tolerance)
    print(f"{yours.__name__}: correct, on {trials} random inputs." if trials > 1 else f"{yours.__name__}: correct.")
    return True


def _compare(name: str, found, expected, tolerance: float) -> None:
    """AssertionError with a sentence unless the two agree."""
    if found is None:
        raise AssertionError(f"{name} returned None; did you forget `return`?")
    found, expected = (torch.as_tensor(x).detach().cpu().double() for x in (found, expected))
    if found.shape != expected.shape:
        raise AssertionError(f"{name} has shape {tuple(found.shape)}, expected {tuple(expected.shape)}")
    wrong = ~torch.isclose(found, expected, rtol=tolerance, atol=tolerance)
    if wrong.any():
        gap = torch.where(wrong, (found - expected).abs().nan_to_num(torch.inf), -1.0)
        where = torch.unravel_index(gap.argmax(), gap.shape) if gap.ndim else ()
        yours, theirs, place = found[where].item(), expected[where].item(), [int(i) for i in where]
        raise AssertionError(
            f"{name}: largest difference {abs(yours - theirs):.3g} at {place}: yours {yours:.6g}, expected {theirs:.6g}"
        )


def close(name: str, one: Tensor, other: Tensor, tolerance: float = 1e-4) -> None:
    """Print whether two tensors are equal, nearly equal (with the largest difference), or raise AssertionError."""
    _compare(name, one, other, tolerance)
    gap = (torch.as_tensor(one).cpu().double() - torch.as_tensor(other).cpu().double()).abs().max().item()
    print(f"{name}: exactly equal." if gap == 0 else f"{name}: equal up to rounding, largest difference {gap:.1e}.")


def report() -> bool:
    """Print one line for each package that the series needs, [ok] or [missing], and what will compute. True if all is there."""
    from packaging.requirements import Requirement  # comes with Jupyter and Matplotlib

    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    good = True
    for requirement in map(Requirement, needed):
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = None
        ok = version is not None and requirement.specifier.contains(version, prereleases=True)
        good = good and ok
        print(
            f"[{'ok' if ok else 'missing'}] {requirement.name} {version or 'is not installed'} (needs {requirement.specifier})"
        )
    if not good:
        print("Install what is missing: python do.py lab, from the folder of the series, sets everything up.")
    return good
