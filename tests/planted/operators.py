"""The mistakes that can be planted in Python code: each function here returns one `Edit`.

Words say which of several places is meant: the variables, attributes, keywords and constants that
it mentions, all of them. Code that a mistake brings in is given as text.
"""

import ast
import copy

from tests.planted.tree import SCOPES, Edit

SIGNS = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
    "@": ast.MatMult,
    "**": ast.Pow,
    ">>": ast.RShift,
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
    "and": ast.And,
    "or": ast.Or,
}
CONDITIONAL = (ast.If, ast.IfExp, ast.While)
SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Raise)


def everywhere(edit: Edit) -> Edit:
    """The same mistake at all its places; others have exactly one."""
    return edit._replace(everywhere=True)


# ---- names and numbers ---------------------------------------------------------------------------


def constant(old: object, new: object) -> Edit:
    """Another number, string or truth value: constant(4, 2)."""

    def replacement(node):
        if isinstance(node, ast.Constant) and type(node.value) is type(old) and node.value == old:
            return ast.Constant(new)

    return Edit(f"constant {old!r}", replacement)


def with_text(old: str, new: str) -> Edit:
    """A string with another text in it: with_text("--clear", "")."""

    def replacement(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and old in node.value:
            return ast.Constant(node.value.replace(old, new))

    return Edit(f"string with {old!r}", replacement)


def other_name(old: str, new: str) -> Edit:
    """Another variable, function or attribute: other_name("mean", "sum")."""

    def replacement(node):
        if isinstance(node, ast.Name) and node.id == old:
            return with_fields(node, id=new)
        if isinstance(node, ast.Attribute) and node.attr == old:
            return with_fields(node, attr=new)

    return Edit(f"name {old}", replacement)


def renamed(old: str, new: str) -> Edit:
    """A function or class that has another name; who calls it is left alone."""

    def replacement(node):
        if isinstance(node, SCOPES) and node.name == old:
            return with_fields(node, name=new)

    return Edit(f"definition of {old}", replacement)


def other_import(old: str, new: str) -> Edit:
    """Names that are imported from another module: an arrow that runs the wrong way."""

    def replacement(node):
        if isinstance(node, ast.ImportFrom) and node.module == old:
            return with_fields(node, module=new)

    return Edit(f"import from {old}", replacement)


def becomes(code: str) -> Edit:
    """Another value for a variable or a result: "losses.gram.return", becomes("products(F)")."""
    value = expression(code)

    def replacement(node):
        is_empty = getattr(node, "value", None) is None
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return) and not is_empty:
            return with_fields(node, value=value)

    return Edit("assignment or return statement", replacement)


def reversed_order(*words: str) -> Edit:
    """A list or tuple from its end to its beginning, as BGR is RGB."""

    def replacement(node):
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1 and mentions(node, words):
            return with_fields(node, elts=node.elts[::-1])

    return Edit("list or tuple" + described(words), replacement)


def entry(key: str, code: str) -> Edit:
    """Another value under a key of a table: entry("avg", "nn.MaxPool2d")."""
    value = expression(code)

    def replacement(node):
        if isinstance(node, ast.Dict) and key in keys_of(node):
            values = list(node.values)
            values[keys_of(node).index(key)] = value
            return with_fields(node, values=values)

    return Edit(f"table with the key {key!r}", replacement)


def without_entry(key: str) -> Edit:
    """A table that lacks a key."""

    def replacement(node):
        if isinstance(node, ast.Dict) and key in keys_of(node):
            place = keys_of(node).index(key)
            keys = node.keys[:place] + node.keys[place + 1 :]
            return with_fields(
                node, keys=keys, values=node.values[:place] + node.values[place + 1 :]
            )

    return Edit(f"table with the key {key!r}", replacement)


def without_item(*words: str) -> Edit:
    """A list or tuple that lacks one of its items."""

    def replacement(node):
        if isinstance(node, ast.List | ast.Tuple):
            rest = [item for item in node.elts if not mentions(item, words)]
            return with_fields(node, elts=rest) if len(rest) == len(node.elts) - 1 else None

    return Edit("list or tuple with an item" + described(words), replacement)


def without_slice(*words: str) -> Edit:
    """All of a list instead of a part: `names[:deepest]` becomes `names`."""

    def replacement(node):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return node.value if mentions(node.slice, words) else None

    return Edit("slice" + described(words), replacement)


# ---- calls ---------------------------------------------------------------------------------------


def without_method(name: str) -> Edit:
    """A method that is not called: `x.detach()` becomes `x`."""

    def replacement(node):
        if is_call(node, name) and isinstance(node.func, ast.Attribute):
            return node.func.value

    return Edit(f"call of the method {name}", replacement)


def without_function(name: str) -> Edit:
    """A function that is not called: `torch.ceil(x)` becomes `x`."""

    def replacement(node):
        if is_call(node, name) and node.args:
            return node.args[0]

    return Edit(f"call of the function {name}", replacement)


def instead_of_call(name: str, code: str) -> Edit:
    """Something else in place of a call: instead_of_call("noise", "content")."""
    value = expression(code)

    def replacement(node):
        return value if is_call(node, name) else None

    return Edit(f"call of {name}", replacement)


def argument(call: str, which: int | str, code: str) -> Edit:
    """Another argument, by its place or keyword: argument("ReLU", "inplace", "True")."""
    value = expression(code)

    def replacement(node):
        if not is_call(node, call):
            return None
        if isinstance(which, int) and which < len(node.args):
            arguments = list(node.args)
            arguments[which] = value
            return with_fields(node, args=arguments)
        if which in [keyword.arg for keyword in node.keywords]:
            keywords = [
                with_fields(keyword, value=value) if keyword.arg == which else keyword
                for keyword in node.keywords
            ]
            return with_fields(node, keywords=keywords)

    return Edit(f"call of {call} with the argument {which}", replacement)


def without_argument(call: str, keyword: str) -> Edit:
    """A keyword that is not passed on."""

    def replacement(node):
        if is_call(node, call) and keyword in [word.arg for word in node.keywords]:
            keywords = [word for word in node.keywords if word.arg != keyword]
            return with_fields(node, keywords=keywords)

    return Edit(f"call of {call} with the keyword {keyword}", replacement)


def swapped_arguments(call: str) -> Edit:
    """The first two arguments of a call, one for the other."""

    def replacement(node):
        if is_call(node, call) and len(node.args) > 1:
            return with_fields(node, args=[node.args[1], node.args[0], *node.args[2:]])

    return Edit(f"call of {call} with two arguments", replacement)


def default(parameter: str, code: str) -> Edit:
    """Another default of a parameter: default("reach", "0.0")."""
    value = expression(code)

    def replacement(node):
        if not isinstance(node, ast.arguments):
            return None
        positional = [argument.arg for argument in node.posonlyargs + node.args]
        by_keyword = [argument.arg for argument in node.kwonlyargs]
        defaults = list(node.defaults)
        if parameter in positional[len(positional) - len(defaults) :]:
            defaults[positional.index(parameter) - len(positional)] = value
            return with_fields(node, defaults=defaults)
        if parameter in by_keyword:
            defaults = list(node.kw_defaults)
            defaults[by_keyword.index(parameter)] = value
            return with_fields(node, kw_defaults=defaults)

    return Edit(f"parameter {parameter} with a default", replacement)


# ---- operators -----------------------------------------------------------------------------------


def other_operator(old: str, new: str, *words: str) -> Edit:
    """Another sign: other_operator(">=", ">")."""

    def replacement(node):
        if not mentions(node, words):
            return None
        if isinstance(node, ast.BinOp | ast.BoolOp) and isinstance(node.op, SIGNS[old]):
            return with_fields(node, op=SIGNS[new]())
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], SIGNS[old]):
            return with_fields(node, ops=[SIGNS[new](), *node.ops[1:]])

    return Edit(f"operator {old}" + described(words), replacement)


def without_operand(sign: str, *words: str) -> Edit:
    """One side of an operator left out, by default the right one.

    without_operand("+", "down") makes `a` of `a + down` and of `down + a`.
    """
    kind = SIGNS[sign]

    def is_meant(operand):
        is_chain = isinstance(operand, ast.BinOp) and isinstance(operand.op, kind)
        return mentions(operand, words) and not is_chain

    def replacement(node):
        if isinstance(node, ast.BinOp) and isinstance(node.op, kind):
            if not words:
                return node.left
            rest = [side for side in (node.left, node.right) if not is_meant(side)]
            return rest[0] if len(rest) == 1 else None
        if isinstance(node, ast.BoolOp) and isinstance(node.op, kind):
            rest = [operand for operand in node.values if not is_meant(operand)]
            if len(rest) == len(node.values) - 1:
                return rest[0] if len(rest) == 1 else with_fields(node, values=rest)

    return Edit(f"operand of {sign}" + described(words), replacement)


def without_division() -> Edit:
    """A division that is forgotten: `a / b` becomes `a`."""
    return without_operand("/")._replace(looks_for="division")


# ---- conditions ----------------------------------------------------------------------------------


def never(*words: str) -> Edit:
    """A condition that is never true: a guard that guards nothing, a branch not taken."""
    return Edit("condition" + described(words), conditions(words, lambda test: ast.Constant(False)))


def always(*words: str) -> Edit:
    """A condition that is always true."""
    return Edit("condition" + described(words), conditions(words, lambda test: ast.Constant(True)))


def negated(*words: str) -> Edit:
    """A condition that is true when it should be false."""
    turned = conditions(words, lambda test: ast.UnaryOp(ast.Not(), test))
    return Edit("condition" + described(words), turned)


def conditions(words, other):
    """A replacement for the condition of an `if`, a loop or a comprehension."""

    def replacement(node):
        if isinstance(node, CONDITIONAL) and mentions(node.test, words):
            return with_fields(node, test=other(node.test))
        if isinstance(node, ast.comprehension) and len(node.ifs) == 1:
            if mentions(node.ifs[0], words):
                return with_fields(node, ifs=[other(node.ifs[0])])

    return replacement


# ---- statements ----------------------------------------------------------------------------------


def dropped(*words: str) -> Edit:
    """A statement that is forgotten: a call, an assignment, a return or a raise."""

    def replacement(node):
        return ast.Pass() if isinstance(node, SIMPLE) and mentions(node, words) else None

    return Edit("simple statement" + described(words), replacement)


def earlier(first: str, than: str) -> Edit:
    """Two statements of one block in the wrong order: earlier("clamp_", "step").

    The first that mentions the one word is put before the first call of the other.
    """

    def replacement(node):
        body = getattr(node, "body", None)
        if not isinstance(node, ast.stmt) or not isinstance(body, list):
            return None
        moved = [number for number, part in enumerate(body) if mentions(part, [first])]
        others = [number for number, part in enumerate(body) if is_call_statement(part, than)]
        if moved and others and moved[0] > others[0]:
            rest = body[: moved[0]] + body[moved[0] + 1 :]
            order = rest[: others[0]] + [body[moved[0]]] + rest[others[0] :]
            return with_fields(node, body=order)

    return Edit(f"block that mentions {first} after a call of {than}", replacement)


def uncaught(error: str) -> Edit:
    """An exception that is not caught any more."""

    def replacement(node):
        if isinstance(node, ast.ExceptHandler) and node.type and mentions(node.type, [error]):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            others = [kind for kind in kinds if not mentions(kind, [error])]
            return with_fields(node, type=ast.Tuple(others, ast.Load()))

    return Edit(f"`except` of {error}", replacement)


def without_decorator(name: str) -> Edit:
    """A function without one of its decorators."""

    def replacement(node):
        decorators = getattr(node, "decorator_list", [])
        rest = [decorator for decorator in decorators if not mentions(decorator, [name])]
        return with_fields(node, decorator_list=rest) if len(rest) < len(decorators) else None

    return Edit(f"decorator {name}", replacement)


# ---- what the mistakes share ---------------------------------------------------------------------


def expression(code: str) -> ast.expr:
    """Text as an expression."""
    return ast.parse(code, mode="eval").body


def with_fields(node: ast.AST, **fields) -> ast.AST:
    """A copy of a node with other fields; what hangs below it is shared."""
    other = copy.copy(node)
    for field, value in fields.items():
        setattr(other, field, value)
    return other


def is_call(node: ast.AST, name: str) -> bool:
    """Whether a node calls a function or a method of this name."""
    if not isinstance(node, ast.Call):
        return False
    return name == getattr(node.func, "attr", getattr(node.func, "id", None))


def is_call_statement(node: ast.AST, name: str) -> bool:
    """Whether a statement is nothing but a call of this name."""
    return isinstance(node, ast.Expr) and is_call(node.value, name)


def keys_of(table: ast.Dict) -> list:
    """The constant keys of a table; None for others."""
    return [getattr(key, "value", None) for key in table.keys]


def mentions(node: ast.AST, words) -> bool:
    """Whether a piece of code has all these words: variables, attributes, keywords, constants."""
    present = set()
    for part in ast.walk(node):
        for field in ("id", "attr", "arg"):
            present.add(getattr(part, field, None))
        if isinstance(part, ast.Constant):
            present.add(str(part.value))
    return present.issuperset(words)


def described(words) -> str:
    """Words in a sentence about what is looked for."""
    return f" that mentions {', '.join(words)}" if words else ""
