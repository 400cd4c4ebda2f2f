"""do.py sets everything up, says what went wrong, and recovers. No test here needs the network."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT

POSIX = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals or links")
# What stands for the real programs: modules that say how they were called, and end as they are
# told to.
STAND_IN = """import os, sys
print({name!r}, sys.argv[1:], os.getcwd(), sys.prefix)
print("caller", os.environ["NST_CALLER"])
sys.exit(int(os.environ.get("CODE", 0)))
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A package with stand-ins for pytest and JupyterLab, so that no index is asked."""
    path = tmp_path_factory.mktemp("wheel") / "tiny-1.0-py3-none-any.whl"
    about = "tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("pytest", "jupyterlab"):
            file.writestr(f"{name}.py", STAND_IN.format(name=name))
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr(f"{about}/WHEEL", tag)
        file.writestr(f"{about}/RECORD", "")
    return f"tiny @ {path.as_uri()}"


def make_project(folder: Path, *packages: str) -> Path:
    """Write a project that needs these packages, with do.py and a tool that tells of its call."""
    for part in ("helpers", "notebooks", "tools/site"):
        (folder / part).mkdir(parents=True)
    for file in ("do.py", "helpers/__init__.py", "helpers/install.py"):
        shutil.copy(ROOT / file, folder / file)
    tool = folder / "tools" / "site" / "run.py"
    tool.write_text(STAND_IN.format(name="run"), encoding="utf-8")
    need(folder, *packages)
    return folder


def need(folder: Path, *packages: str) -> None:
    """Write which packages the project needs."""
    lists = f"dependencies = {list(packages)}\n[project.optional-dependencies]\ntest = []\n"
    (folder / "pyproject.toml").write_text(f"[project]\n{lists}", encoding="utf-8")


def call(
    folder: Path, *words: str, code: int = 0, caller: str = "/"
) -> subprocess.CompletedProcess:
    """Run do.py as a newcomer would, without a terminal and without an index."""
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "CODE": str(code)}
    env.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, str(folder / "do.py"), *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=caller,
    )


def called(process: subprocess.CompletedProcess) -> tuple[list[str], str]:
    """Return the words that the stand-in was called with, and the folder."""
    words, folder = re.search(r"^\w+ (\[.*\]) (.*) /", process.stdout, re.M).groups()
    return ast.literal_eval(words), folder


def load(folder: Path):
    """Import the do.py of a project as a module of its own."""
    spec = importlib.util.spec_from_file_location("do_of_a_test", folder / "do.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def last_sentence(text: str) -> str:
    """Return the last line, after making sure that no traceback stands above it."""
    assert "Traceback" not in text, text
    return text.rstrip().splitlines()[-1]


@pytest.fixture(scope="session")
def installed(tmp_path_factory, wheel):
    """A project in a folder with a space and umlauts, and what its first call of do.py printed."""
    folder = make_project(tmp_path_factory.mktemp("first") / "Über das Malen", wheel)
    return folder, call(folder, "notebooks", "a", "b")


@pytest.fixture
def elsewhere(installed, tmp_path):
    """The same project after its folder was moved."""
    return shutil.copytree(installed[0], tmp_path / "moved project", symlinks=True)


@pytest.fixture
def bare(tmp_path, wheel, monkeypatch):
    """A project that nobody has set up, as a module that cannot replace this process."""

    def refuse(*command):
        pytest.fail(f"do.py went on to {command}")

    monkeypatch.setattr(os, "execv", refuse)
    return load(make_project(tmp_path / "project", wheel))


@pytest.mark.slow
def test_the_first_call_sets_up_and_runs(installed):
    folder, process = installed
    assert process.returncode == 0, process.stdout + process.stderr
    assert "Making" in process.stdout and "1 to 5 GB" in process.stdout
    assert f"run ['a', 'b'] {folder} {folder / '.venv'}" in process.stdout


@pytest.mark.slow
def test_the_second_call_starts_at_once(installed):
    process = call(installed[0], "notebooks")
    assert process.returncode == 0
    assert process.stdout.startswith("run ")


@pytest.mark.slow
def test_words_and_exit_code_are_handed_on(installed):
    process = call(installed[0], "test", "-x", "tests/some.py", code=5)
    assert process.returncode == 5
    words, folder = called(process)
    assert words[-2:] == ["-x", "tests/some.py"]
    assert folder == str(installed[0])


@pytest.mark.slow
def test_lab_opens_the_first_notebook_in_the_root(installed):
    """In notebooks/ the server would not find the pictures of data/."""
    words, folder = called(call(installed[0], "lab", "--no-browser"))
    assert folder == str(installed[0])
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in words
    assert words[-1] == "--no-browser"


@pytest.mark.slow
def test_the_folder_of_the_caller_is_handed_on(installed, tmp_path):
    process = call(installed[0], "notebooks", caller=tmp_path)
    assert f"caller {tmp_path}\n" in process.stdout


@pytest.mark.slow
def test_a_moved_folder_is_repaired_without_network(elsewhere):
    process = call(elsewhere, "notebooks")
    assert process.returncode == 0, process.stderr
    assert "Updating" in process.stdout and str(elsewhere / ".venv") in process.stdout
    assert "Updating" not in call(elsewhere, "notebooks").stdout


@pytest.mark.slow
def test_what_pip_cannot_find_is_explained(bare, monkeypatch, capfd):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(bare, "own_environment", lambda: bare.install(sys.executable, ["none>=1"]))
    bare.LOG.parent.mkdir()
    assert bare.main(["notebooks"]) == 1
    error = capfd.readouterr().err
    assert "No matching distribution found for none>=1" in error  # pip's own words
    sentence = last_sentence(error)
    assert "run the same command again" in sentence and str(bare.LOG) in sentence
    assert "none>=1" in bare.LOG.read_text(encoding="utf-8")


@pytest.fixture
def commands(bare, monkeypatch):
    """The commands that `bare` would have run; each stands for a success."""
    made = []

    def pretend(command):
        made.append(command)
        bare.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        bare.PYTHON.touch()

    monkeypatch.setattr(bare, "run", pretend)
    return made


def made_anew(commands: list[list[str]]) -> bool:
    """Tell whether the last environment was made from nothing; pip has to follow."""
    making, installing = commands[-2:]
    assert making[1:3] == ["-m", "venv"] and installing[1:4] == ["-m", "pip", "install"]
    return "--clear" in making


def test_a_finished_environment_is_left_alone(bare, commands):
    bare.own_environment()
    assert made_anew(commands)
    bare.own_environment()
    assert len(commands) == 2


def test_new_packages_are_added_to_what_is_there(bare, commands, monkeypatch):
    bare.own_environment()
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: ["another>=1"])
    bare.own_environment()
    assert not made_anew(commands) and "another>=1" in commands[-1]


def test_a_python_that_is_gone_is_replaced(bare, commands):
    bare.own_environment()
    bare.PYTHON.unlink()
    bare.own_environment()
    assert made_anew(commands) and len(commands) == 4


def test_an_environment_of_another_python_is_replaced(bare, commands, monkeypatch):
    bare.own_environment()
    monkeypatch.setattr(bare, "version", lambda numbers: "3.99")
    bare.own_environment()
    assert made_anew(commands) and len(commands) == 4


@pytest.mark.parametrize("failure", [KeyboardInterrupt, "Stop", OSError])
@pytest.mark.parametrize("step", ["venv", "pip"])
def test_what_was_stopped_half_way_is_made_anew(bare, commands, monkeypatch, step, failure):
    bare.own_environment()
    pretend = bare.run

    def fail(command):
        if step in command:
            raise bare.Stop if failure == "Stop" else failure
        pretend(command)

    monkeypatch.setattr(bare, "run", fail)
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: ["another>=1"])
    assert bare.main(["notebooks"]) == (130 if failure is KeyboardInterrupt else 1)
    monkeypatch.setattr(bare, "run", pretend)
    bare.own_environment()
    assert made_anew(commands)


def test_two_calls_do_not_install_at_the_same_time(bare):
    with bare.lock():
        process = call(bare.ROOT, "notebooks")
    assert process.returncode == 1
    assert last_sentence(process.stderr).startswith("Another call is installing")
    with bare.lock():
        pass  # free again, though the file is still there


def test_ctrl_c_says_how_to_go_on(bare, monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(bare, "own_environment", interrupt)
    assert bare.main(["notebooks"]) == 130
    assert "run the same command again" in last_sentence(capsys.readouterr().err)


def test_an_error_of_the_system_is_one_sentence(bare, capsys):
    (bare.ROOT / "build").write_text("a file where the folder of the log should be")
    assert bare.main(["notebooks"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(bare.ROOT / "build") in last_sentence(error)


@pytest.mark.parametrize(
    ("words", "code"),
    [([], 2), (["paint"], 2), (["--current"], 2), (["--help"], 0), (["-h"], 0)],
)
def test_usage(bare, capsys, words, code):
    assert bare.main(words) == code
    captured = capsys.readouterr()
    assert "python do.py notebooks" in (captured.err if code else captured.out)


def test_a_reader_who_leaves_is_not_an_error(bare):
    """As `| head` does."""
    command = [sys.executable, str(bare.ROOT / "do.py"), "--help"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    env = {**os.environ, "PYTHONUNBUFFERED": ""}
    process = subprocess.Popen(command, env=env, **pipes)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()
    process.stderr.close()


@POSIX
def test_nobody_listens(bare):
    command = ["sh", "-c", f'"{sys.executable}" "{bare.ROOT / "do.py"}" --help >&-']
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0 and process.stderr == ""


@pytest.mark.slow
@POSIX
def test_a_caller_whose_folder_is_gone(installed, tmp_path):
    command = f'cd "{tmp_path}" && rmdir "{tmp_path}" && exec "$0" "$@"'
    words = [sys.executable, str(installed[0] / "do.py"), "notebooks"]
    env = {**os.environ, "NST_CALLER": "nowhere", "CODE": "0"}
    process = subprocess.run(
        ["sh", "-c", command, *words], env=env, capture_output=True, encoding="utf-8"
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("run ")


@pytest.mark.parametrize("words", [["--current", "build", "03"], ["build", "03", "--current"]])
def test_current_uses_the_running_python(bare, monkeypatch, words):
    installed = []
    handed = []

    def remember_packages(python, wanted):
        installed.append((python, wanted))

    def remember_command(command):
        handed.append(command)
        return 3

    monkeypatch.setattr(bare, "install", remember_packages)
    monkeypatch.setattr(bare, "hand_over", remember_command)
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: ["pytest>=9999"])
    assert bare.main(words) == 3
    assert installed == [(sys.executable, ["pytest>=9999", "pytest>=9999"])]
    assert handed == [[sys.executable, "-m", "tools.site.build", "03"]]
    assert not bare.VENV.exists()


def test_current_installs_nothing_where_nothing_is_missing(bare, monkeypatch):
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: ["pytest>=1"])
    monkeypatch.setattr(bare, "install", None)
    assert bare.current_environment() == sys.executable


def test_windows_waits_for_the_work_and_lets_it_end_itself(bare, monkeypatch):
    answers = iter([KeyboardInterrupt(), 4])

    class Child:
        def __init__(self, command, cwd):
            assert (command, cwd) == (["x"], bare.ROOT)

        def wait(self):
            answer = next(answers)
            if isinstance(answer, KeyboardInterrupt):
                raise answer
            return answer

    monkeypatch.setattr(bare.os, "name", "nt")
    monkeypatch.setattr(bare.subprocess, "Popen", Child)
    assert bare.hand_over(["x"]) == 4


def test_an_old_python_is_refused(bare, monkeypatch, capsys):
    monkeypatch.setattr(bare.sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(bare, "own_environment", None)  # nobody installs anything
    assert bare.main(["notebooks"]) == 1
    sentence = last_sentence(capsys.readouterr().err)
    assert sentence.startswith("Python 3.11 or newer is needed and this is Python 3.8:")


def test_old_pythons_can_read_the_file():
    ast.parse((ROOT / "do.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def old_pythons() -> list[Path]:
    """Return the interpreters before 3.11 that pyenv has."""
    versions = Path.home() / ".pyenv" / "versions"
    return sorted([*versions.glob("3.[6789].*/bin/python"), *versions.glob("3.10.*/bin/python")])


@pytest.mark.skipif(not old_pythons(), reason="there is no old Python here")
def test_real_old_pythons_are_refused():
    for python in old_pythons():
        command = [python, ROOT / "do.py", "test"]
        process = subprocess.run(command, capture_output=True, encoding="utf-8")
        assert process.returncode == 1
        assert last_sentence(process.stderr).startswith("Python 3.11 or newer is needed")


def test_the_oldest_python_is_the_declared_one(bare):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={bare.version(bare.OLDEST)}"


@POSIX
@pytest.mark.parametrize("name", ["python", "python3"])
def test_ci_runs_all_tests_with_the_python_there_is(tmp_path, name):
    python = tmp_path / name
    python.write_text(f'#!{shutil.which("sh")}\necho "$(pwd) $@"\n')
    python.chmod(0o755)
    for tool in ("bash", "dirname"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    process = subprocess.run(
        ["/usr/bin/env", "bash", str(ROOT / ".ci" / "run")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
    )
    assert process.stdout.split() == [str(ROOT), "do.py", "test"], process.stderr


def test_the_packages_of_notebooks_and_of_tests_are_installed(bare, commands, monkeypatch):
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: [f"{group}>=1"])
    bare.own_environment()
    assert commands[-1][-2:] == ["None>=1", "test>=1"]
