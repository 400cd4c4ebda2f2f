"""Places in a syntax tree: found by name, and changed by an edit."""

import ast
import builtins
from collections.abc import Callable, Iterator
from typing import NamedTuple

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What an edit may look at: not the nodes of operators and contexts, which a tree shares.
PARTS = (ast.expr, ast.stmt, ast.excepthandler, ast.comprehension, ast.arguments)


class NoPlace(Exception):
    """A fault that cannot be planted: a sentence says what was looked for, and where."""


class Edit(NamedTuple):
    """A mistake that can be made in a piece of code.

    looks_for: what it needs, in words: "call of the method detach". replacement: a function that
    takes a node and returns what stands in its place instead, or None for a node that is not
    meant; it leaves the node itself as it is. everywhere: whether the mistake is made at all
    places; otherwise there has to be exactly one.
    """

    looks_for: str
    replacement: Callable[[ast.AST], ast.AST | None]
    everywhere: bool = False


def make(edit: Edit, tree: ast.Module, names: list[str]) -> None:
    """Make an edit inside the function, class or assignment of some names; the tree is changed.

    names: the way there from outside, such as ["VGG", "forward"]; none for the whole file. A
    variable names its one assignment, and "return" the one return statement of a function.

    Raises NoPlace where a name, or what the edit would change, is missing or not unique, and where
    the edit brings in a variable that is not known there.
    """
    target = named(tree, names)
    places = [place for place in places_in(tree, target) if would_change(edit, place.node)]
    where = f"{'.'.join(names) or 'the file'} holds"
    if not places:
        raise NoPlace(f"{where} no {edit.looks_for} that the fault would change")
    if len(places) > 1 and not edit.everywhere:
        raise NoPlace(f"{where} {len(places)} times a {edit.looks_for}, and one is meant")
    known = known_names(tree, named(tree, names[:1]))
    for place in reversed(places):  # from the inside to the outside
        node = edit.replacement(place.node)
        unknown = variables(node) - known
        if unknown:
            raise NoPlace(f"{where} no variable {', '.join(sorted(unknown))}, which the fault uses")
        place.put(node)


def would_change(edit: Edit, node: ast.AST) -> bool:
    """Whether an edit is meant for a node, and makes something else of it."""
    other = edit.replacement(node)
    return other is not None and ast.dump(other) != ast.dump(node)


class Place(NamedTuple):
    """Where a node hangs in a tree: in a field of its parent, with a number if that is a list."""

    parent: ast.AST
    field: str
    number: int | None

    @property
    def node(self) -> ast.AST:
        """What hangs there."""
        value = getattr(self.parent, self.field)
        return value if self.number is None else value[self.number]

    def put(self, node: ast.AST) -> None:
        """Hang another node there."""
        if self.number is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.number] = node


def places_in(tree: ast.Module, target: ast.AST) -> Iterator[Place]:
    """The places of a tree that lie in the target, itself included, the outer before the inner."""
    outside = (node for node in ast.walk(tree) if target in ast.iter_child_nodes(node))
    for place in places_of(next(outside, target)):
        if place.node is target:
            yield place
    for parent in ast.walk(target):
        yield from places_of(parent)


def places_of(parent: ast.AST) -> Iterator[Place]:
    """The places of the parts that hang in a node."""
    for field, value in ast.iter_fields(parent):
        several = isinstance(value, list)
        for number, node in enumerate(value if several else [value]):
            if isinstance(node, PARTS):
                yield Place(parent, field, number if several else None)


def named(tree: ast.AST, names: list[str]) -> ast.AST:
    """The function, class, assignment or return statement of some names, from outside to inside."""
    node = tree
    for number, name in enumerate(names):
        matches = [inner for inner in statements(node) if name in names_of(inner)]
        if len(matches) != 1:
            outside = ".".join(names[:number]) or "the file"
            raise NoPlace(f"{outside} has {len(matches)} times {name!r}, and one is meant")
        node = matches[0]
    return node


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a block and of its branches and loops, without those of inner functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        if isinstance(child, ast.stmt | ast.excepthandler) and not isinstance(child, SCOPES):
            yield from statements(child)


def names_of(statement: ast.stmt) -> list[str]:
    """What `named` calls a statement."""
    if isinstance(statement, SCOPES):
        return [statement.name]
    if isinstance(statement, ast.Return):
        return ["return"]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        parts = [part for target in targets for part in ast.walk(target)]
        names = [part.id for part in parts if isinstance(part, ast.Name)]
        return names + [part.attr for part in parts if isinstance(part, ast.Attribute)]
    return []


def known_names(tree: ast.Module, scope: ast.AST) -> set[str]:
    """The variables that code in a function or class may use: its own, the file's, and Python's."""
    known = set(dir(builtins)) | variables(scope)
    for statement in statements(tree):
        known |= {statement.name} if isinstance(statement, SCOPES) else variables(statement)
    return known


def variables(node: ast.AST) -> set[str]:
    """The variables, arguments and imports that a piece of code names, and its inner functions."""
    names = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            names.add(part.id)
        elif isinstance(part, ast.arg):
            names.add(part.arg)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).split(".")[0])
        elif isinstance(part, SCOPES) and part is not node:
            names.add(part.name)
    return names
