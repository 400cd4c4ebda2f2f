"""A function that a notebook derives under a helper's name is the helper's function."""

import ast
import re

import pytest

from tests.support import ROOT
from tools.site import build


def functions(code: str) -> dict[str, str]:
    """Return the functions of some code by name, each as what matters of its syntax tree."""
    nodes = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    return {node.name: essence(node) for node in nodes}


def essence(node: ast.FunctionDef) -> str:
    """Return a function's syntax tree without docstrings, annotations and decorators."""
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef):
            part.returns = None
            part.decorator_list = []
            if ast.get_docstring(part):
                part.body = part.body[1:]
        if isinstance(part, ast.arg):
            part.annotation = None
    return ast.dump(node)


def public_functions() -> dict[str, tuple[str, str]]:
    """Return, for each public function of the helpers, its file and its essence."""
    public = {}
    for path in (ROOT / "helpers").glob("*.py"):
        for name, tree in functions(path.read_text(encoding="utf-8")).items():
            if not name.startswith("_"):
                public[name] = (path.name, tree)
    return public


@pytest.mark.slow
@pytest.mark.parametrize("slug", build.sources())
def test_a_function_of_a_helpers_name_is_the_helpers_function(slug):
    """A variant for the sake of the lesson has another name (gram_matrix, style_error)."""
    cells = build.assemble(slug, solved=True).cells
    code = "\n\n".join(cell.source for cell in cells if cell.cell_type == "code")
    code = re.sub(r"^\s*[%!].*$", "", code, flags=re.M)  # what only IPython understands
    known = public_functions()
    for name, tree in functions(code).items():
        if name in known:
            file, original = known[name]
            assert tree == original, f"{slug} shows another {name} than helpers/{file}"


def test_a_changed_function_would_be_noticed():
    original = functions("def f(a: int) -> int:\n    'Doc.'\n    return a + 1")
    assert functions("def f(a):\n    # a remark\n    return a + 1") == original
    assert functions("def f(a):\n    return a + 2") != original
