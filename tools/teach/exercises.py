"""The original exercises of a notebook, and what an answer needs from other cells.

An exercise is judged as the tests of this series judge its solution: in a namespace of its own,
with `import torch`, the original specification before it and the original check after it, and
without running the notebook, which would paint for minutes. What the answer needs beyond that is
looked up statement by statement: a name that the notebook itself defines comes from the original,
so that a cell that was broken elsewhere does no harm; any other name, a function of the learner's
own, comes from where the learner defined it.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

from tools.endings import Mistake
from tools.site import build
from tools.site.minutes import EXERCISE
from tools.teach.handouts import packed

CHECKS = ("check", "judge")  # what a check cell calls, of helpers.check
VERDICT = "_verdict"  # the name under which the runner finds what the check returned


class Exercise(NamedTuple):
    """One answer that is checked. specs: the cells before it, those of earlier exercises too."""

    name: str  # of the function that the learner writes
    number: int  # several stages may have one
    kind: str
    specs: list[str]
    own_specs: list[str]  # those since the last check
    stub: str
    check: str

    @property
    def title(self) -> str:
        """Return how a page names it."""
        return f"{self.number} · {self.name}"


class Statement(NamedTuple):
    """A statement at the top of a cell. binds, needs: names."""

    source: str
    binds: frozenset[str]
    needs: frozenset[str]


@cache
def exercises(slug: str) -> tuple[Exercise, ...]:
    """Return the exercises of a notebook that have a check, in their order."""
    found = []
    specs: list[str] = []
    own: list[str] = []
    stubs: list[str] = []
    heading = ("0", "")
    for cell in build.assemble(slug).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            headings = EXERCISE.findall(cell.source)
            heading = headings[-1][:2] if headings else heading
        elif "spec" in tags:
            own.append(cell.source)
        elif "exercise" in tags:
            stubs.append(cell.source)
        elif "check" in tags:
            specs = specs + own
            name = name_of(cell.source)
            parts = (specs, own, "\n\n".join(stubs), cell.source)
            found.append(Exercise(name, int(heading[0]), heading[1], *parts))
            own, stubs = [], []
    return tuple(found)


def name_of(check: str) -> str:
    """Return which function a check cell is about: the first argument of its call."""
    for node in ast.walk(ast.parse(check)):
        if is_check(node) and node.args and isinstance(node.args[0], ast.Name):
            return node.args[0].id
    raise Mistake(f"a check cell calls neither check(...) nor judge(...): {check.splitlines()[-1]}")


def is_check(node: ast.AST) -> bool:
    """Tell whether this calls `check` or `judge`."""
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return named and node.func.id in CHECKS


def with_verdict(check: str) -> str:
    """Return a check cell that keeps what its call returned."""
    lines = []
    for node in ast.parse(check).body:
        line = ast.unparse(node)
        lines.append(f"{VERDICT} = {line}" if isinstance(node, ast.Expr) else line)
    return "\n".join(lines)


def plain_python(source: str) -> str | None:
    """Return a cell as Python, with its magics as calls; None where it is none."""
    try:
        code = TransformerManager().transform_cell(source)
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # also a zero byte, deep nesting
        return None
    return code


@cache
def statements(source: str) -> tuple[Statement, ...]:
    """Return the statements of a cell; none, where it is no Python."""
    code = plain_python(source)
    if code is None:
        return ()
    found = []
    for node in ast.parse(code).body:
        text = ast.unparse(node)
        try:
            found.append(Statement(text, *names_in(text)))
        except SyntaxError:  # `return` at the top, say, which only a compiler minds
            return ()
    return tuple(found)


def names_in(code: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return which names some code binds at its top, and which it needs from outside."""
    table = symtable.symtable(code, "a cell", "exec")
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    bound |= {s.get_name() for s in table.get_symbols() if s.is_namespace()}
    needed = {s.get_name() for s in table.get_symbols() if s.is_referenced()} - bound
    for inner in all_inside(table):
        symbols = inner.get_symbols()
        needed |= {s.get_name() for s in symbols if s.is_global() and s.is_referenced()}
    return frozenset(bound), frozenset(needed - bound - set(dir(builtins)))


def all_inside(table: symtable.SymbolTable) -> Iterable[symtable.SymbolTable]:
    """Return the tables of the functions and classes within, however deep."""
    for child in table.get_children():
        yield child
        yield from all_inside(child)


@cache
def body(slug: str) -> tuple[Statement, ...]:
    """Return the statements of the notebook itself, without its exercises."""
    tags = {"spec", "exercise", "check", "setup"}
    cells = build.code_cells(build.assemble(slug))
    sources = [cell.source for cell in cells if not tags & set(cell.metadata.get("tags", []))]
    return tuple(statement for source in sources for statement in statements(source))


def prelude(slug: str, answer: str, specs: list[str], others: list[str]) -> list[str]:
    """Return what has to run before an answer, as statements, in their order.

    answer: the cell that holds it. specs: the original cells that have run before. others: the
    learner's other code cells. A name is looked for in the notebook first, and then in `others`,
    where its last definition counts, as in a kernel.
    """
    originals = list(body(slug))
    theirs = [statement for source in others for statement in statements(source)]
    known = {name for spec in specs for part in statements(spec) for name in part.binds} | {"torch"}
    answered = statements(answer)
    known |= {name for part in answered for name in part.binds}
    missing = {name for part in answered for name in part.needs} - known
    chosen: list[Statement] = []
    while missing:
        name = missing.pop()
        known.add(name)
        defining = [part for part in originals if name in part.binds][:1]
        defining = defining or [part for part in theirs if name in part.binds][-1:]
        for part in defining:
            if part not in chosen:
                chosen.append(part)
                missing |= part.needs - known
    ordered = [part.source for part in [*originals, *theirs] if part in chosen]
    return list(dict.fromkeys(ordered))


def without_checks(answer: str) -> str:
    """Return an answer without calls of the check: the original one follows.

    Anything else stays as it was written; what is no Python stays, too, and fails.
    """
    code = plain_python(answer)
    if code is None or not any(is_check(node) for node in ast.walk(ast.parse(code))):
        return answer
    tree = ast.parse(code)
    tree.body = [n for n in tree.body if not (isinstance(n, ast.Expr) and is_check(n.value))]
    return ast.unparse(tree)


def is_stub(source: str, name: str) -> bool:
    """Tell whether a function is there and does nothing but raise NotImplementedError."""
    code = plain_python(source)
    for node in ast.parse(code).body if code else []:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            docs = 1 if ast.get_docstring(node) else 0
            rest = [ast.unparse(line) for line in node.body[docs:]]
            return rest in (["raise NotImplementedError"], ["pass"], [])
    return False


def answers(name: str, cells: list[str]) -> list[str]:
    """Return the cells that define a function, or that try to."""
    return [source for source in cells if defines(source, name)]


def defines(source: str, name: str) -> bool:
    """Tell whether a cell binds a name; in what is no Python, whether it looks like that."""
    if plain_python(source) is None:
        return re.search(rf"^def {name}\b", source, re.M) is not None
    return any(name in statement.binds for statement in statements(source))


def changes(exercise: Exercise, cells: list[str]) -> list[str]:
    """Return what a submission did to the specification and to the check, as words.

    Compared is what the cells say, statement by statement, and not how they are laid out: a cell
    that was split, moved or formatted is unchanged.
    """
    theirs = [statement for source in cells for statement in statements(source)]
    found = []
    wholes = [(source, "specification") for source in exercise.own_specs]
    for source, what in [*wholes, (exercise.check, "check")]:
        forms = [statements(source), statements(packed(source))]
        if not any(all(part in theirs for part in form) for form in forms):
            there = touches(source, exercise, what, cells)
            found.append(f"{what} {'edited' if there else 'deleted'}")
        elif what == "specification" and is_redefined(statements(source), theirs):
            found.append("specification edited")
    return list(dict.fromkeys(found))


def touches(source: str, exercise: Exercise, what: str, cells: list[str]) -> bool:
    """Tell whether there is still something in the place of a cell."""
    if what == "check":
        call = re.compile(rf"\b(check|judge)\s*\(\s*{exercise.name}\b")
        return any(call.search(cell) for cell in cells)
    bound = {name for part in statements(source) for name in part.binds}
    return any(defines(cell, name) for cell in cells for name in bound) or any(
        "zlib.decompress" in cell for cell in cells
    )


def is_redefined(spec: tuple[Statement, ...], theirs: list[Statement]) -> bool:
    """Tell whether a function of the specification is defined once more, and differently."""
    functions = [part for part in spec if part.source.startswith(("def ", "class "))]
    names = {name for part in functions for name in part.binds}
    return any(part.binds & names and part not in functions for part in theirs)
