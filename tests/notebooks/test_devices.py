"""The cells of every notebook, with the network and its images on a GPU that is pretended.

It computes shapes alone, numbers are made up, and long loops are cut short: whether a cell mixes
two places, or asks a GPU for what it cannot do, depends on neither.
"""

import ast
import itertools
from collections.abc import Iterable, Sized
from functools import cache
from numbers import Real

import matplotlib
import pytest
import torch

from helpers import recipes, transfer, vgg
from helpers.exhibit import engine
from helpers.exhibit.jobs import carry_out
from tests.helpers.devices import NOT_ON_APPLE, Accelerator
from tools.site import build

load_weights_once = cache(vgg.load_weights)
step = torch.optim.LBFGS.step
LONG = 16  # turns of a loop
# What made up numbers bring about; a cell that needs what such a cell did not finish is at fault.
OF_MADE_UP_NUMBERS = (AssertionError, ArithmeticError, IndexError, ValueError)


def few(values: Iterable) -> Iterable:
    """What a loop goes through; of many numbers, such as steps or rates, the first two."""
    if not isinstance(values, Sized):
        return itertools.islice(values, LONG)
    is_cut = len(values) > LONG and isinstance(next(iter(values)), Real)
    return itertools.islice(values, 2 if is_cut else None)


class ShortLoops(ast.NodeTransformer):
    """Cut the loops of a cell short; what it collects in a comprehension stays whole."""

    def visit_For(self, node):
        self.generic_visit(node)
        node.iter = ast.Call(ast.Name("few", ast.Load()), [node.iter], [])
        return node

    def visit_While(self, node):
        self.generic_visit(node)
        leave = ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Break()], [])
        turns = ast.parse("range(4)", mode="eval").body
        return ast.For(ast.Name("turn", ast.Store()), turns, [leave, *node.body], [])


def step_with_few_evaluations(optimiser, closure):
    """What torch's L-BFGS does, up to its tenth evaluation."""
    (group,) = optimiser.param_groups
    group["max_eval"] = min(group["max_eval"], 10)
    return step(optimiser, closure)


def paint_here(plan, jobs, workers, threads):
    """The jobs of an exhibition in this process, where the GPU is pretended; others have none."""
    for job in jobs:
        yield carry_out(*engine._arguments(plan, job, torch.get_num_threads()))


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """A pretended GPU, as weak as Apple's, which the network takes for the best device."""
    optimise = transfer.optimise

    def optimise_in_few_steps(start, loss, steps=150, **options):
        return optimise(start, loss, min(steps, 2), **options)

    monkeypatch.chdir(tmp_path)
    matplotlib.use("agg")
    with Accelerator(without=(torch.float64,), lacks=NOT_ON_APPLE, hollow=True) as gpu:
        monkeypatch.setattr(vgg, "best_device", lambda: gpu.device)
        monkeypatch.setattr(vgg, "load_weights", load_weights_once)
        monkeypatch.setattr(torch.optim.LBFGS, "step", step_with_few_evaluations)
        monkeypatch.setattr(transfer, "optimise", optimise_in_few_steps)
        monkeypatch.setattr(recipes, "optimise", optimise_in_few_steps)
        monkeypatch.setattr(engine, "_by_cores", paint_here)
        yield gpu


def fault(cell, namespace: dict, gpu: Accelerator) -> str:
    """Run a cell. Returns what a GPU would not do, or else what went wrong; "" if all is well."""
    gpu.refusals.clear()
    program = ast.fix_missing_locations(ShortLoops().visit(ast.parse(cell.source)))
    problem = ""
    try:
        exec(compile(program, cell.id, "exec"), namespace)
    except OF_MADE_UP_NUMBERS as error:
        problem = str(error) if "vgg.device" in str(error) else ""
    except Exception as error:
        is_size = "The size of tensor a" in str(error)
        problem = "" if is_size else f"{type(error).__name__}: {error}"
    return "; ".join(gpu.refusals) or problem


@pytest.mark.notebook
@pytest.mark.parametrize("slug", build.sources())
def test_every_cell_runs_on_a_gpu(slug, gpu):
    namespace = {"few": few}
    faults = {}
    for cell in build.assemble(slug, solved=True).cells:
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []):
            problem = fault(cell, namespace, gpu)
            if problem:
                faults[cell.id] = problem
    assert not faults


def test_a_forgotten_move_is_noticed(gpu):
    source = "image = torch.ones(1, 3, 16, 16)\nnetwork.mean + image"
    network = torch.nn.Module()
    network.register_buffer("mean", torch.ones(1, 3, 1, 1, device=gpu.device))
    cell = build.nbformat.v4.new_code_cell(source)
    namespace = {"torch": torch, "network": network, "few": few}
    assert (
        fault(cell, namespace, gpu) == "expected all tensors on one device: add of cpu and meta:1"
    )
