"""tools.endings: how a tool ends that is stopped, read by nobody, or cannot do what was asked."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT, run_python

POSIX = pytest.mark.skipif(os.name == "nt", reason="uses a POSIX shell or device")


@pytest.fixture
def tool(tmp_path):
    """A function that writes the code of a tool; `python -m tools.some` in the folder runs it."""
    (tmp_path / "tools").mkdir()
    for name in ("__init__.py", "endings.py"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools" / name)

    def write(code: str):
        (tmp_path / "tools" / "some.py").write_text(code, encoding="utf-8")
        return tmp_path

    return write


def run(folder, *options: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *options, "-m", "tools.some"],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise KeyboardInterrupt", "Stopped by you: what was finished is kept."),
        ("open('none')", "none: No such file or directory."),
        ("raise OSError(28, 'a.txt could not be written: free some space')", "a.txt could not be"),
        ("raise FileExistsError('choose another folder')", "choose another folder"),
        ("import nothing_of_that_name", "The package nothing_of_that_name is missing"),
        ("raise MemoryError", "The memory is full"),
        ("from tools.endings import Mistake; raise Mistake('no such thing')", "no such thing"),
    ],
)
def test_what_stops_it_is_a_sentence(tool, code, expected):
    process = run(tool(code))
    assert process.returncode
    assert process.stderr.strip().startswith(expected)
    assert "Traceback" not in process.stderr


def test_a_fault_of_the_program_keeps_its_traceback(tool):
    assert "Traceback" in run(tool("1 / 0")).stderr


def test_a_developer_can_ask_for_the_traceback(tool):
    assert "Traceback" in run(tool("open('none')"), "-X", "dev").stderr


@pytest.mark.parametrize("lines", [1, 100_000], ids=["at the end", "in the middle"])
def test_a_reader_who_leaves_is_not_an_error(tool, lines):
    """As `| head` does: in the middle, or before the little that there is was written."""
    folder = tool(f"input()\nfor k in range({lines}):\n    print('line', k)\n")
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "tools.some"]
    pipes = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "text": True}
    env = {**os.environ, "PYTHONUNBUFFERED": ""}
    process = subprocess.Popen(command, cwd=folder, env=env, **pipes)
    process.stdout.close()
    process.stdin.write("go\n")
    process.stdin.close()
    assert process.stderr.read() == ""
    process.wait()
    process.stderr.close()


@POSIX
@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(tool, closing):
    code = "import sys\nprint('x', sys.stdout.isatty(), file=sys.stderr)\nprint('y', flush=True)\n"
    command = ["sh", "-c", f'"{sys.executable}" -m tools.some {closing}']
    process = subprocess.run(command, cwd=tool(code), capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
@pytest.mark.parametrize("code", ["print('y')", "print('y', flush=True)"])
def test_a_full_disk_behind_the_output(tool, code):
    command = [sys.executable, "-m", "tools.some"]
    env = {**os.environ, "PYTHONUNBUFFERED": ""}
    with open("/dev/full", "w") as full:
        options = {"stdout": full, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.run(command, cwd=tool(code), env=env, **options)
    assert process.returncode == 1
    assert process.stderr.startswith("No space left on device\n")
    assert "Traceback" not in process.stderr


def test_a_terminal_that_knows_few_letters(tool):
    process = run(tool("print('a → b')"), PYTHONIOENCODING="ascii")
    assert process.stdout == "a ? b\n", process.stderr


def test_who_only_imports_a_tool_keeps_his_own_ending():
    code = "import sys, tools.countdown; print(sys.excepthook is sys.__excepthook__)"
    assert run_python(code).stdout == "True\n"
