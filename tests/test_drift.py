"""What is written in two places stays one thing: functions, hashes, packages."""

import ast
import hashlib
import re
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import build_notebooks as build  # noqa: E402

from tests.test_project import CONDA_NAMES, requirements  # noqa: E402


def functions(text):
    """The functions of a source -> {name: syntax tree without docstrings, annotations and decorators}."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = bare(node)
    return found


def bare(node):
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            part.returns, part.decorator_list = None, []
            if ast.get_docstring(part):
                part.body = part.body[1:]
        if isinstance(part, ast.arg):
            part.annotation = None
    return ast.dump(node)


def helpers():
    """Every public function of the helpers; their checks of arguments, which raise, are no part of the lesson."""
    found = {}
    for path in (ROOT / "helpers").glob("*.py"):
        found |= {n: (path.name, t) for n, t in functions(path.read_text(encoding="utf-8")).items() if n[0] != "_"}
    return found


def code(slug, solved=True):
    return "\n\n".join(cell.source for cell in build.assemble(slug, solved).cells if cell.cell_type == "code")


@pytest.mark.parametrize("slug", build.sources())
def test_a_function_of_a_helpers_name_is_the_helpers_function(slug):
    """A variant that differs for the sake of the lesson has another name (gram_matrix, style_error)."""
    text, known = re.sub(r"^\s*[%!].*$", "", code(slug), flags=re.M), helpers()
    for name, tree in functions(text).items():
        where, original = known.get(name, (None, None))
        assert where is None or tree == original, f"{slug} shows another {name} than helpers/{where}"


def test_a_changed_function_would_be_noticed():
    one = functions("def f(a: int) -> int:\n    'Doc.'\n    return a + 1")
    assert one == functions("def f(a):\n    # a remark\n    return a + 1") != functions("def f(a):\n    return a + 2")


def test_every_picture_has_the_hash_of_the_manifest():
    entries = tomllib.loads((ROOT / "data" / "images.toml").read_text(encoding="utf-8"))
    shipped = 0
    for name, entry in entries.items():
        path = ROOT / "data" / entry["file"]
        if path.is_file():
            shipped += 1
            assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], name
    listed = {(ROOT / "data" / entry["file"]).resolve() for entry in entries.values()}
    folders = ("content", "style", "texture", "masks")
    there = {p.resolve() for folder in folders for p in (ROOT / "data" / folder).iterdir()}
    assert shipped == len(entries) and there == listed, there ^ listed


def test_the_network_has_one_hash():
    """In the code that loads it, on its card, and of the file."""
    from helpers.weights import SHA256

    card = (ROOT / "data" / "weights" / "README.md").read_text(encoding="utf-8")
    assert len(SHA256) == 2
    for path, sha256 in SHA256.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256 and sha256 in card, path.name


def test_masks_belong_to_pictures():
    """As large as the picture they are of, and black and white."""
    entries = tomllib.loads((ROOT / "data" / "images.toml").read_text(encoding="utf-8"))
    masks = {name: entry for name, entry in entries.items() if entry["kind"] == "mask"}
    assert len(masks) >= 4
    for name, entry in masks.items():
        mask = Image.open(ROOT / "data" / entry["file"]).convert("L")
        assert mask.size == Image.open(ROOT / "data" / entries[entry["of"]]["file"]).size, name
        values = set(mask.getdata())
        assert {0, 255} <= values and sum(mask.histogram()[32:224]) < 0.01 * mask.width * mask.height, name


def test_pictures_are_large_enough_to_paint_and_not_larger_than_needed():
    entries = tomllib.loads((ROOT / "data" / "images.toml").read_text(encoding="utf-8"))
    for name, entry in entries.items():
        longest = max(Image.open(ROOT / "data" / entry["file"]).size)
        assert 450 <= longest <= 1280, name
        assert entry["kind"] != "style" or longest >= 700, name


def conda_lines():
    """What conda is asked for, as text."""
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    asked = [line.split("#")[0].strip()[2:].strip() for line in lines if line.startswith("  - ")]
    return [line for line in asked if line not in ("conda-forge", "nodefaults")]


def test_conda_understands_its_file_and_means_the_same_as_pip():
    """Each line read by the parser of conda's own grammar; the bounds compared as versions, not as text."""
    rattler, conda, pip = pytest.importorskip("rattler"), conda_lines(), requirements()[1]
    specs = {spec.name.normalized: spec for spec in map(rattler.MatchSpec, conda)}
    assert len(specs) == len(conda) == len(pip) + 1  # and python
    for line in pip:
        name, bound = re.fullmatch(r"([\w-]+)>=([\d.]+)", line).groups()
        spec = specs[next((c for c, p in CONDA_NAMES.items() if p == name), name)]
        assert str(spec.version) == f">={bound}", line


def test_the_table_of_recipes_is_told_once():
    """Every recipe is tested against a published loss, or says that its numbers are ours."""
    from helpers.recipes import RECIPES
    from tests.published import LOSSES

    for name, recipe in RECIPES.items():
        assert name in LOSSES or "ours" in recipe.choices or name in ("ours", "gatys_2016"), name
