"""A loss that is easier to walk down at first: the stiffest directions of Gram matrices, softened.

In the axes of its eigenvectors, a Gram matrix A has entries of very different stiffness. If row i
of the features F (C, N) has the eigenvalue a_i, a change of F by dF changes entry (i, j) of G by
(F_i · dF_j + F_j · dF_i) / N, and so the curvature of the summed squared error along (i, j), the
Gauss-Newton term of equation 4 of Gatys et al. (2016), is 8 / N times the mean of a_i and a_j. The
largest eigenvalue of a painting's Gram matrix is 20 to 190 times the mean, and a thousand times the
median and more; L-BFGS has to find that out, step by step. Here the error of each entry is divided
by 1 + mean(a_i, a_j) / limit: no direction is stiffer than the limit, and the soft ones stay as
they are. The best painting of this loss is not quite that of the original, so the original has the
last word.

It pays where the style is so strong that it holds the painting like a fence, and the loss creeps
along it for a hundred evaluations and more (`python -m tools.bench --only tricks` says how much).
With the weights of the recipe "ours", and for short paintings, it gains nothing.
"""

import copy
from numbers import Integral, Real

import torch
from torch import Tensor

from helpers.published import Sizes
from helpers.recipes import Objective, Term
from helpers.transfer import Callback, Parametrize, Result, optimise

__all__ = ["optimise_softened", "softened"]

FIRST = 60  # evaluations of the softened loss, at most
SHARE = 0.4  # of all evaluations, at most


def softened(objective: Objective, limit: float = 1.0) -> Objective:
    """The same objective with softened Gram errors; targets and content are shared, not copied.

    objective: of a recipe whose style is compared by Gram matrices; other terms stay as they are.
    limit: the stiffest direction that is left, in mean eigenvalues of each target; the larger it
    is, the nearer to the original. Raises ValueError for a limit that is not above 0.
    """
    if not isinstance(limit, Real) or not limit > 0:
        raise ValueError(f"limit must be a number above 0, not {limit!r}")
    twin = copy.copy(objective)
    twin.terms = [_softened(term, limit) for term in objective.terms]
    return twin


def _softened(term: Term, limit: float) -> Term:
    """One term; what is no Gram matrix stays as it is."""
    if term.part != "style" or not isinstance(term.target, Tensor):
        return term
    # In float64, which Apple's GPUs lack, and once for each target.
    stiffness, axes = torch.linalg.eigh(term.target.cpu().double())
    stiffness = stiffness.clamp_min(0)
    most = limit * stiffness.mean()
    of_entries = (stiffness[:, None] + stiffness) / 2
    softness = (1 / (1 + of_entries / most.clamp_min(1e-30))).sqrt().to(term.target)
    axes = axes.to(term.target)

    def error(G: Tensor, A: Tensor, sizes: Sizes) -> Tensor:
        """The recipe's own error, of differences that are turned to the axes and softened."""
        difference = softness * (axes.T @ (G - A) @ axes)
        return term.error(A + difference, A, sizes)

    return term._replace(error=error)


def optimise_softened(  # noqa: PLR0913 - what optimise takes, and what has to be named
    start: Tensor,
    objective: Objective,
    steps: int = 150,
    *,
    scale: float = 1.0,
    callback: Callback | None = None,
    parametrize: Parametrize | None = None,
) -> Result:
    """Walk down the softened loss first, and then the loss itself, by L-BFGS.

    start, callback, parametrize: as in helpers.transfer.optimise. steps: evaluations of both
    together; the first 60 of them, or 40 % if that is less, see the softened loss. scale: what the
    loss is multiplied by, so that it is about 1 (the fence at 0 and 1 counts on that).

    Returns the best image of the loss itself, the history (softened values first), and the last
    image; after an interruption in the first part, that part's.
    """
    first = min(FIRST, round(SHARE * steps)) if isinstance(steps, Integral) else 0
    interrupted = False

    def counted(step: int, image: Tensor, value: float) -> None:
        nonlocal interrupted
        try:
            if callback is not None:
                callback(earlier + step, image, value)
        except KeyboardInterrupt:
            interrupted = True
            raise

    options = {"callback": counted, "parametrize": parametrize}
    history = []
    earlier = 0
    if first:
        easy = softened(objective)
        result = optimise(start, lambda image: scale * easy(image), first, **options)
        history = result.history
        if interrupted or len(history) < first:
            return result
        earlier = len(history)
        start = result.image
    rest = steps - first if first else steps
    result = optimise(start, lambda image: scale * objective(image), rest, **options)
    return Result(result.image, history + result.history, result.last)
