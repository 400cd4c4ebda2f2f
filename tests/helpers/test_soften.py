"""helpers.soften: no direction is stiffer than the limit, and the loss itself comes last."""

import pytest
import torch

from helpers.fast import pyramid
from helpers.losses import range_penalty
from helpers.published import Sizes
from helpers.recipes import Objective, Term, recipe
from helpers.soften import optimise_softened, softened
from helpers.transfer import optimise

PLACES = 7


@pytest.fixture
def toy():
    """Four channels at seven places, one of them a hundred times as strong as another."""
    generator = torch.Generator().manual_seed(4)
    mixed = torch.randn(4, 4, generator=generator)
    return mixed @ (
        torch.tensor([[10.0], [3.0], [1.0], [0.1]]) * torch.randn(4, PLACES, generator=generator)
    )


def gram_of(F):
    return F @ F.T / F.shape[1]


def curvatures(term, F):
    """The curvatures of a term's error at its own target, largest first."""

    def error(flat):
        return term.error(gram_of(flat.view_as(F)), term.target, Sizes(F.numel(), 1))

    hessian = torch.autograd.functional.hessian(error, F.flatten())
    return torch.linalg.eigvalsh(hessian).flip(0)


def objective_of(F):
    """An objective that has one term alone: the summed squared error of a Gram matrix."""
    made = Objective.__new__(Objective)

    def error(G, A, sizes):
        return (G - A).square().sum()

    made.terms = [Term("style", "relu1_1", 1.0, gram_of, gram_of(F), error)]
    return made


@pytest.mark.parametrize("limit", [0.1, 1.0, 30.0])
def test_the_curvatures_are_those_of_the_formula(toy, limit):
    toy = toy.double()
    plain = objective_of(toy)
    eigenvalues = torch.linalg.eigvalsh(plain.terms[0].target)
    mean = (eigenvalues[:, None] + eigenvalues) / 2
    pairs = torch.triu_indices(4, 4)
    before = 8 / PLACES * mean[pairs[0], pairs[1]]
    expected = torch.zeros(toy.numel()).double()
    expected[: before.numel()] = before.sort(descending=True).values
    torch.testing.assert_close(curvatures(plain.terms[0], toy), expected, rtol=1e-6, atol=1e-6)
    after = before / (1 + mean[pairs[0], pairs[1]] / (limit * eigenvalues.mean()))
    expected[: before.numel()] = after.sort(descending=True).values
    soft = softened(plain, limit).terms[0]
    torch.testing.assert_close(curvatures(soft, toy), expected, rtol=1e-6, atol=1e-6)
    assert curvatures(soft, toy)[0] < 8 / PLACES * limit * eigenvalues.mean()


def test_what_is_right_already_stays_right(toy):
    term = softened(objective_of(toy)).terms[0]
    sizes = Sizes(toy.numel(), 1)
    assert term.error(term.target, term.target, sizes) == 0
    assert term.error(gram_of(1.1 * toy), term.target, sizes) > 0


@pytest.mark.parametrize("name", ["ours", "pytorch_tutorial", "gatys", "neural_style"])
def test_a_high_limit_gives_the_loss_itself(name, narrow, pictures):
    objective = Objective(name, narrow, pictures.content, pictures.style)
    image = pictures.image.clone().requires_grad_()
    gradients = []
    values = []
    for each in (objective, softened(objective, 1e9), softened(objective)):
        (gradient,) = torch.autograd.grad(each(image), image)
        gradients.append(gradient)
        values.append(each(image).item())
    assert values[1] == pytest.approx(values[0], rel=1e-4)
    assert values[2] < 0.9 * values[0]
    assert (gradients[1] - gradients[0]).norm() < 1e-3 * gradients[0].norm()


def test_only_gram_matrices_are_softened(narrow, pictures):
    for name in ("ours", "crowsonkb"):
        objective = Objective(name, narrow, pictures.content, pictures.style)
        soft = softened(objective)
        same = [one is other for one, other in zip(objective.terms, soft.terms, strict=True)]
        parts = [term.part != "style" or name == "crowsonkb" for term in objective.terms]
        assert same == parts
    assert soft.terms is not objective.terms


@pytest.mark.parametrize("limit", [0, -1.0, float("nan"), "1", None])
def test_a_limit_that_cannot_be(limit, narrow, pictures):
    objective = Objective("ours", narrow, pictures.content, pictures.style)
    with pytest.raises(ValueError, match="limit must be a number above 0"):
        softened(objective, limit)


def test_a_flat_style_is_softened_as_well(narrow, pictures):
    """A Gram matrix of nothing has no stiff direction, and nothing is divided by zero."""
    black = torch.zeros(1, 3, 32, 32)
    image = pictures.image.clone().requires_grad_()
    softened(Objective("ours", narrow, pictures.content, black))(image).backward()
    assert image.grad.isfinite().all()


@pytest.fixture
def tutorial(narrow, pictures):
    return Objective(recipe("pytorch_tutorial"), narrow, pictures.content, pictures.style)


def test_the_loss_itself_has_the_last_word(tutorial, pictures):
    seen = []
    scale = 10 / tutorial(pictures.content).item()
    result = optimise_softened(
        pictures.content,
        tutorial,
        10,
        scale=scale,
        callback=lambda *now: seen.append(now),
        parametrize=pyramid,
    )
    steps, images, values = zip(*seen, strict=True)
    assert steps == tuple(range(1, 11))
    assert list(values) == result.history
    easy = softened(tutorial)
    with torch.no_grad():
        for image, value in zip(images[:4], values[:4], strict=True):
            assert scale * easy(image).item() == pytest.approx(value, rel=1e-4)
        for image, value in zip(images[4:], values[4:], strict=True):
            assert scale * tutorial(image).item() == pytest.approx(value, rel=1e-4)
        totals = [value + 100 * range_penalty(image).item() for _, image, value in seen[4:]]
        best = images[4 + totals.index(min(totals))]
    torch.testing.assert_close(result.image, best.clamp(0, 1))
    assert (images[4] - images[:4][values.index(min(values[:4]))].clamp(0, 1)).abs().max() < 1e-6


@pytest.mark.parametrize(("steps", "soft"), [(1, 0), (5, 2), (150, 60), (400, 60)])
def test_how_many_evaluations_are_softened(tutorial, pictures, monkeypatch, steps, soft):
    asked = []

    def record(start, loss, steps, **options):
        asked.append(steps)
        return optimise(start, loss, 1)._replace(history=[1.0] * steps)

    monkeypatch.setattr("helpers.soften.optimise", record)
    assert len(optimise_softened(pictures.content, tutorial, steps).history) == steps
    assert asked == ([soft] if soft else []) + [steps - soft]


@pytest.mark.parametrize("steps", [0, -3, 2.5, "10", None])
def test_steps_that_cannot_be(tutorial, pictures, steps):
    with pytest.raises(ValueError, match="steps must be a whole number"):
        optimise_softened(pictures.content, tutorial, steps)


@pytest.mark.parametrize("at", [2, 4, 7])
def test_an_interruption_returns_the_best_so_far(tutorial, pictures, at):
    def stop(step, image, value):
        if step == at:
            raise KeyboardInterrupt

    result = optimise_softened(pictures.content, tutorial, 10, callback=stop)
    assert len(result.history) == at
    assert result.image.shape == pictures.content.shape
