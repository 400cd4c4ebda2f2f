"""Windows, macOS and Linux: what only some of them have stands behind a question."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import ROOT

FILES = [ROOT / "do.py", ROOT / "conftest.py"] + [
    path
    for folder in ("helpers", "tools", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
SIGNALS = "SIG(STOP|CONT|KILL|ALRM|HUP|USR1|USR2|PIPE|CHLD)|setitimer|alarm|pause"
OF_OS = (
    "fork|geteuid|getuid|getegid|getgid|set\\w*[ug]id|kill|killpg|setsid|getpgid|mkfifo|nice|chown|"
    "chmod|uname|sched_\\w+|getloadavg|sysconf|wait|wait3|wait4|waitpid|pipe2|statvfs|symlink|execv"
)
OF_PATHS = "chmod|lchmod|symlink_to|hardlink_to"
MODULES = {"resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "msvcrt"}
DEVICES = "/(dev|proc|sys|bin|usr)/"
PROGRAMS = {"sh", "bash", "mount", "umount", "kill", "nice", "prlimit", "setpriv", "taskset"}
# Who asks one of these before he uses such a name knows what he does.
QUESTIONS = ("os.name", "sys.platform", "platform.system", "hasattr", "os.path.exists", ".exists()")
SKIPS = ("skipif", "pytest.skip(")


def foreign(node: ast.AST) -> str | None:
    """What a node names that not every system has, or None. Code inside of strings is not seen."""
    if isinstance(node, ast.Import):
        return min({alias.name for alias in node.names} & MODULES, default=None)
    if isinstance(node, ast.ImportFrom):
        return node.module if node.module in MODULES else None
    if isinstance(node, ast.Attribute):
        name = ast.unparse(node)
        is_foreign = re.fullmatch(rf"signal\.({SIGNALS})|os\.({OF_OS})", name)
        return name if is_foreign or re.fullmatch(OF_PATHS, node.attr) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if re.match(DEVICES, node.value) else None
    if isinstance(node, ast.List) and node.elts and isinstance(node.elts[0], ast.Constant):
        return node.elts[0].value if node.elts[0].value in PROGRAMS else None
    return None


def asks(node: ast.AST, marks: set[str], code: str) -> bool:
    """Whether what lies inside of a node runs only after a question.

    marks: the names of the file that stand for `pytest.mark.skipif(...)`. code: all of the file.
    """
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        return any(question in ast.unparse(node.test) for question in QUESTIONS)
    if isinstance(node, ast.BoolOp):
        return any(question in ast.unparse(node) for question in QUESTIONS)
    if isinstance(node, ast.Try):
        caught = {ast.unparse(handler.type) for handler in node.handlers if handler.type}
        return bool(caught & {"ImportError", "AttributeError"})
    if isinstance(node, ast.FunctionDef):
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        skips = any(skip in ast.unparse(node) for skip in SKIPS)
        return skips or bool(marks & set(decorators))
    if isinstance(node, ast.Assign):  # a place that others ask for: STATUS.exists()
        return f"{ast.unparse(node.targets[0])}.exists()" in code
    return False


def unasked(code: str) -> list[str]:
    """What a program uses that not every system has, without having asked: "line 3: os.fork"."""
    tree = ast.parse(code)
    assignments = [node for node in tree.body if isinstance(node, ast.Assign)]
    marks = {
        ast.unparse(node.targets[0]) for node in assignments if "skipif" in ast.unparse(node.value)
    }
    if "pytestmark" in marks:
        return []
    found = []

    def walk(node: ast.AST) -> None:
        if not asks(node, marks, code):
            name = foreign(node)
            if name:
                found.append(f"line {node.lineno}: {name}")
            for child in ast.iter_child_nodes(node):
                walk(child)

    walk(tree)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_only_some_systems_have_is_asked_for_first(path):
    if path != Path(__file__):
        assert unasked(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "import resource",
        "def f():\n    import fcntl",
        "from pwd import getpwnam",
        "os.kill(pid, signal.SIGINT)",
        "process.send_signal(signal.SIGSTOP)",
        "path.chmod(0o500)",
        "(folder / 'a').symlink_to('b')",
        "open('/dev/null', 'w')",
        "subprocess.run(['sh', '-c', 'exit'])",
        "if os.geteuid() == 0:\n    pass",
    ],
)
def test_what_nobody_asks_for_would_be_noticed(code):
    assert len(unasked(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    import resource\nexcept ImportError:\n    pass",
        "if os.name != 'nt':\n    os.fork()",
        "owner = os.name == 'nt' or os.geteuid() == 0",
        "@pytest.mark.skipif(os.name == 'nt', reason='')\ndef f():\n    os.fork()",
        "POSIX = pytest.mark.skipif(os.name == 'nt')\n@POSIX\ndef f():\n    os.fork()",
        "STATUS = Path('/proc/self/status')\nif STATUS.exists():\n    pass",
        "open(os.devnull, 'w')",
        "signal.SIGINT",
    ],
)
def test_a_question_is_heard(code):
    assert unasked(code) == []
