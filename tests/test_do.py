"""do.py sets everything up, says clearly what went wrong, and recovers. No test here needs the network."""

import ast
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
POSIX = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals or links")
# What stands for the real packages: modules that tell how they were called and end with the code they are given.
TELL = (
    "import os, sys; print(__name__, sys.argv[1:], os.getcwd(), sys.prefix); sys.exit(int(os.environ.get('CODE', 0)))"
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A package with stand-ins for pytest and JupyterLab, made by hand so that no index is asked."""
    path = tmp_path_factory.mktemp("wheel") / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("pytest", "jupyterlab"):
            file.writestr(f"{name}.py", TELL.replace("__name__", repr(name)))
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    return f"tiny @ {path.as_uri()}"


def make_project(folder, *packages):
    """Write a project that needs these packages, with do.py and a tool that tells how it was called."""
    (folder / "tools").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "do.py", folder)
    (folder / "tools" / "run_notebooks.py").write_text(TELL, "utf-8")
    need(folder, *packages)
    return folder


def need(folder, *packages):
    """Write which packages the project needs."""
    lists = f"[project]\ndependencies = {list(packages)}\n[project.optional-dependencies]\ntest = []\n"
    (folder / "pyproject.toml").write_text(lists, "utf-8")


def call(folder, *words, code=0, **more):
    """Run do.py as a newcomer would, without a terminal and without an index. Returns the finished process."""
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "CODE": str(code), **more}
    env.pop("PYTHONPATH", None)
    command = [sys.executable, str(folder / "do.py"), *words]
    return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", cwd="/")


def load(folder):
    """Import the do.py of a project as a module of its own."""
    spec = importlib.util.spec_from_file_location("do_of_a_test", folder / "do.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_one_sentence(text):
    """Tell whether this is one line without a traceback that ends like a sentence."""
    return text.count("\n") == 1 and "Traceback" not in text and text.rstrip().endswith((".", ")."))


@pytest.fixture(scope="session")
def installed(tmp_path_factory, wheel):
    """A project in a folder with a space and umlauts, set up by a first call of do.py, and what that call said."""
    folder = make_project(tmp_path_factory.mktemp("first") / "Über das Malen", wheel)
    return folder, call(folder, "notebooks", "a", "b")


@pytest.fixture
def elsewhere(installed, tmp_path):
    """The same project after its folder was moved."""
    return shutil.copytree(installed[0], tmp_path / "moved project", symlinks=True)


@pytest.fixture
def bare(tmp_path, wheel, monkeypatch):
    """A project that nobody has set up, as a module that cannot replace this process by the work."""
    monkeypatch.setattr(os, "execv", lambda *command: pytest.fail(f"do.py went on to {command}"))
    return load(make_project(tmp_path / "project", wheel))


def test_first_call_sets_up_and_runs(installed):
    folder, done = installed
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Making" in done.stdout and "1 to 5 GB" in done.stdout and "\r" not in done.stdout
    assert f"__main__ ['a', 'b'] {folder} {folder / '.venv'}" in done.stdout


def test_second_call_starts_at_once(installed):
    start = time.monotonic()
    done = call(installed[0], "notebooks")
    assert time.monotonic() - start < 5
    assert done.returncode == 0 and "Making" not in done.stdout and "pip" not in done.stdout


def test_exit_code_and_words_are_handed_on(installed):
    done = call(installed[0], "test", "-x", "tests/some.py", code=5)
    assert done.returncode == 5
    assert f"pytest ['-x', 'tests/some.py'] {installed[0]} " in done.stdout


def test_lab_opens_in_the_notebooks(installed):
    assert f"jupyterlab [] {installed[0] / 'notebooks'} " in call(installed[0], "lab").stdout


def test_moved_folder_is_repaired_without_network(elsewhere):
    done = call(elsewhere, "notebooks")
    assert done.returncode == 0, done.stderr
    assert "Updating" in done.stdout and str(elsewhere / ".venv") in done.stdout
    assert "Updating" not in call(elsewhere, "notebooks").stdout


@POSIX
def test_dead_python_is_replaced(elsewhere, monkeypatch):
    for python in (elsewhere / ".venv/bin").glob("python*"):
        python.unlink()
        python.symlink_to("/nowhere/python3")
    module, commands = load(elsewhere), []
    module.STAMP.write_text(module.fingerprint())
    monkeypatch.setattr(module, "follow", lambda command, lock: commands.append((command, module.BIN.exists())))
    module.own_environment()
    making, installing = commands
    assert making[0][1:] == ["-m", "venv", str(module.VENV), "--clear"] and not making[1]
    assert installing[0][:4] == [str(module.PYTHON), "-m", "pip", "install"]


def test_failed_install_is_explained_and_not_taken_for_ready(elsewhere, wheel):
    need(elsewhere, wheel, "no-such-package-at-all>=1")
    done = call(elsewhere, "notebooks")
    assert done.returncode == 1 and is_one_sentence(done.stderr), done.stderr
    assert "no version of no-such-package-at-all" in done.stderr and "install.log" in done.stderr
    assert "__main__" not in done.stdout
    assert (elsewhere / "build" / "install.log").exists()
    assert load(elsewhere).stamped() == "unfinished"


@POSIX
def test_killed_half_way_is_made_anew(elsewhere):
    stamp = elsewhere / ".venv" / "paint-by-gradient.stamp"
    command = [sys.executable, str(elsewhere / "do.py"), "notebooks"]
    first = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    while stamp.read_text() != "unfinished":
        assert first.poll() is None
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert stamp.read_text() == "unfinished"
    done = call(elsewhere, "notebooks")
    assert done.returncode == 0 and "Making" in done.stdout, done.stderr


def test_two_calls_at_once(bare):
    with bare.locked():
        done = call(bare.ROOT, "notebooks")
    assert done.returncode == 1 and is_one_sentence(done.stderr) and "Another call" in done.stderr
    with bare.locked():
        pass  # free again, though the file is still there


@POSIX
def test_orphaned_pip_keeps_the_lock(bare):
    pip = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    code = f"import do, sys\nwith do.locked() as lock: do.follow([sys.executable, '-c', {pip!r}], lock)"
    first = subprocess.Popen([sys.executable, "-c", code], cwd=bare.ROOT, stdout=subprocess.DEVNULL)
    while not (bare.LOG.exists() and bare.log_text().endswith("\n")):
        time.sleep(0.01)
    first.kill()
    first.wait()
    with pytest.raises(bare.Stop, match="Another call"), bare.locked():
        pass
    os.kill(int(bare.log_text()), signal.SIGKILL)
    time.sleep(0.2)
    with bare.locked():
        pass


def test_interrupt_while_installing(bare, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    bare.VENV.mkdir()
    monkeypatch.setattr(bare, "follow", lambda command, lock: None)
    monkeypatch.setattr(bare, "install", interrupted)
    assert bare.main(["notebooks"]) == 130
    assert bare.stamped() == bare.UNFINISHED
    assert is_one_sentence(capsys.readouterr().err.lstrip())


@pytest.mark.parametrize(
    ("log", "word"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "make room"),
        ("WARNING: Retrying ... NewConnectionError(...)\nERROR: No matching distribution found for torch", "network"),
        ("ERROR: No matching distribution found for torch>=99", "no version of torch>=99 fits Python"),
        ("The virtual environment was not created: ensurepip is not available.", "apt install python3-venv"),
        ("error: externally-managed-environment", "leave out --current"),
        ("/usr/bin/python: No module named pip", "leave out --current"),
        ("ERROR: Could not install packages: [Errno 13] Permission denied: '/x'", "may not be written"),
        ("first\nsomething nobody has ever seen", "something nobody has ever seen"),
    ],
)
def test_failures_are_one_sentence(bare, capfd, log, word):
    def fail():
        with bare.locked() as lock:
            bare.follow([sys.executable, "-c", f"print({log!r}); raise SystemExit(1)"], lock)

    bare.work = lambda arguments: fail()
    assert bare.main([]) == 1
    said = capfd.readouterr().err
    assert is_one_sentence(said) and word in said and "again" in said and "install.log" in said


@pytest.mark.parametrize(
    ("number", "word"),
    [(13, "may not be written"), (30, "may not be written"), (28, "disk is full"), (20, "put it right")],
)
def test_errors_of_the_system_are_one_sentence(bare, monkeypatch, capsys, number, word):
    def refuse(self, *_, **__):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert bare.main(["notebooks"]) == 1
    said = capsys.readouterr().err
    assert is_one_sentence(said) and word in said and str(bare.ROOT) in said


def test_too_small_a_disk_stops_before_anything_happens(bare, monkeypatch, capsys):
    monkeypatch.setattr(bare.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 3 * 10**8))
    assert bare.main(["notebooks"]) == 1
    said = capsys.readouterr().err
    assert is_one_sentence(said) and "0.3 GB are free" in said
    assert not bare.VENV.exists()


@pytest.mark.parametrize(("words", "code"), [([], 2), (["paint"], 2), (["--current"], 2), (["--help"], 0), (["-h"], 0)])
def test_usage(bare, capsys, words, code):
    assert bare.main(words) == code
    said = capsys.readouterr()
    assert "python do.py notebooks" in (said.err if code else said.out)


@pytest.mark.parametrize("words", [["--current", "test", "-q"], ["test", "-q", "--current"]])
def test_current_uses_the_running_python(bare, monkeypatch, words):
    calls = []
    need(bare.ROOT, "pytest>=1", "no-such-package", "pip>=9999", "other-package; python_version < '3'")
    monkeypatch.setattr(bare, "install", lambda python, wanted, lock: calls.append((python, wanted)))
    monkeypatch.setattr(bare, "hand_over", lambda command, folder: calls.append((command, folder)) or 3)
    assert bare.main(words) == 3
    assert calls[0] == (sys.executable, ["no-such-package", "pip>=9999"])
    assert calls[1] == ([sys.executable, "-m", "pytest", "-q"], bare.ROOT)
    assert not bare.VENV.exists()


def test_current_installs_nothing_where_nothing_is_missing(bare, monkeypatch):
    need(bare.ROOT, "pytest>=1")
    monkeypatch.setattr(bare, "install", None)
    assert bare.current_environment() == sys.executable


def test_unreadable_list_of_packages(bare, capsys):
    for content in ("[project]", "[project", ""):
        (bare.ROOT / "pyproject.toml").write_text(content)
        assert bare.main(["notebooks"]) == 1
        assert is_one_sentence(capsys.readouterr().err)


def test_windows_waits_for_the_work_and_lets_it_end_itself(bare, monkeypatch):
    answers = iter([KeyboardInterrupt, 4])

    class Child:
        def __init__(self, command, cwd):
            assert (command, cwd) == (["x"], "y")

        def wait(self):
            answer = next(answers)
            if answer is KeyboardInterrupt:
                raise answer
            return answer

    monkeypatch.setattr(bare.os, "name", "nt")
    monkeypatch.setattr(bare.subprocess, "Popen", Child)
    assert bare.hand_over(["x"], "y") == 4


def test_old_python_is_refused(bare, monkeypatch, capsys):
    monkeypatch.setattr(bare.sys, "version_info", (3, 8, 18))
    assert bare.main(["notebooks"]) == 1
    said = capsys.readouterr().err
    assert is_one_sentence(said) and "Python 3.11" in said and "Python 3.8:" in said


def test_old_pythons_can_read_the_file():
    ast.parse((ROOT / "do.py").read_text("utf-8"), feature_version=(3, 6))


def old_pythons():
    """Return the interpreters before 3.11 that pyenv has."""
    return sorted(Path.home().glob(".pyenv/versions/3.[6789].*/bin/python")) + sorted(
        Path.home().glob(".pyenv/versions/3.10.*/bin/python")
    )


@pytest.mark.skipif(not old_pythons(), reason="there is no old Python here")
def test_real_old_pythons_are_refused():
    for python in old_pythons():
        done = subprocess.run([python, ROOT / "do.py", "test"], capture_output=True, encoding="utf-8")
        assert done.returncode == 1 and is_one_sentence(done.stderr) and "Python 3.11" in done.stderr


def test_the_oldest_python_is_the_declared_one(bare):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == f">={bare.version(bare.OLDEST)}"


def test_ci_calls_what_the_readme_calls():
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert re.findall(r"\S+ do\.py.*", script) == ["python do.py test", "python3 do.py test"]
