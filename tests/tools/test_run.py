"""tools.site.run: runs what is there, shows the time, says what failed, keeps what is finished."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.support import ROOT, run_python
from tools.endings import Mistake
from tools.site import pages, run

POSIX = pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals")
NOTEBOOK = pytest.mark.notebook


def save(root: Path, name: str, *sources: str) -> Path:
    """Write a notebook: the first source is prose, the others are code."""
    cells = [new_markdown_cell(sources[0])]
    cells += [new_code_cell(source) for source in sources[1:]]
    folder = root / "notebooks"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Four notebooks: a good one, one that fails, one whose kernel dies, a good one; run once."""
    root = tmp_path_factory.mktemp("series")
    save(root, "01_first", "# First", "1 / 2", "", "import os, sys\nprint(sys.executable)")
    failing = save(root, "02_second", "# Fail", "1 + 1", "raise ValueError('one\\nlast line')", "2")
    committed = nbformat.read(failing, as_version=4)
    committed.cells[3].outputs = [new_output("stream", text="from a run long ago")]
    nbformat.write(committed, failing)
    save(root, "03_third", "# Die", "import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
    save(root, "04_fourth", "# Fourth", "print('still here')")
    return root


@pytest.fixture(scope="module")
def finished(series):
    """The same folder after a run: exit code, and what was printed."""
    code = "import sys, pathlib\nfrom tools.site.run import main\n"
    return run_python(code + "sys.exit(main([], pathlib.Path(sys.argv[1])))", str(series))


@NOTEBOOK
@POSIX
def test_failures_are_named_and_the_run_goes_on(series, finished):
    assert finished.returncode == 1
    assert "ok      01_first, 2 of 2 cells" in finished.stdout
    assert "FAILED  02_second, 2 of 3 cells" in finished.stdout
    *_, second, third, last = finished.stdout.splitlines()
    assert second == "02_second failed in cell 2: ValueError: last line"
    assert third.startswith("03_third failed in cell 2: the kernel died")
    assert last.endswith((series / "build" / "index.html").as_uri())
    assert "still here" in page(series / "build" / "04_fourth.html").text
    assert "Traceback" not in finished.stderr


@NOTEBOOK
@POSIX
def test_a_dead_kernel_is_noticed_soon(series, finished):
    results = json.loads((series / "build" / "results.json").read_text(encoding="utf-8"))
    assert results["03_third"]["seconds"] < 300  # of the 600 that a cell may take


@NOTEBOOK
@POSIX
def test_a_failed_page_has_the_traceback_and_no_old_output(series, finished):
    failed = page(series / "build" / "02_second.html")
    assert "last line" in failed.select_one(".output_error").text
    assert "stopped in cell 2" in failed.select_one(".notice.failed").text
    assert "long ago" not in failed.text


@NOTEBOOK
@POSIX
def test_the_notebooks_are_only_read(series, finished):
    text = (series / "notebooks" / "02_second.ipynb").read_text(encoding="utf-8")
    assert "from a run long ago" in text
    assert '"execution_count": 1' not in text


@NOTEBOOK
def test_a_named_notebook_runs_alone_with_the_python_of_the_caller(tmp_path, monkeypatch, capsys):
    decoy = {"argv": ["false"], "display_name": "decoy", "language": "python"}
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps(decoy))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    save(tmp_path, "03_third", "# Run", "import os, sys\nprint(sys.executable, os.getcwd())")
    save(tmp_path, "05_new", "# Wait", "1")
    assert run.main(["03"], tmp_path) == 0
    assert "05_new" not in capsys.readouterr().out
    text = page(tmp_path / "build" / "03_third.html").text
    assert f"{sys.executable} {tmp_path / 'notebooks'}" in text
    assert "has not been run yet" in page(tmp_path / "build" / "05_new.html").text


def test_an_unknown_name_is_refused(tmp_path):
    save(tmp_path, "01_first", "# First", "1")
    with pytest.raises(Mistake, match="There is no notebook '77'; there are: 01_first"):
        run.main(["77"], tmp_path)


@NOTEBOOK
def test_a_cell_that_does_not_end_is_stopped(tmp_path, capsys):
    save(tmp_path, "01_slow", "# Slow", "import time; time.sleep(60)")
    out = tmp_path / "other place"
    assert run.main(["--timeout", "2", "--out", str(out)], tmp_path) == 1
    assert "01_slow failed in cell 1: the cell did not end within 2 s" in capsys.readouterr().out
    assert (out / "index.html").is_file()
    assert not (tmp_path / "build").exists()


@NOTEBOOK
@POSIX
def test_ctrl_c_keeps_what_was_finished(tmp_path):
    save(tmp_path, "01_done", "# Done", "print('finished')")
    note = "import os, pathlib; pathlib.Path('pid').write_text(str(os.getpid()))"
    save(tmp_path, "02_long", "# Long", note, "while True: pass")
    # A shell may have told its children to ignore the signal (nohup does); this child listens.
    code = (
        "import pathlib, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tools.site.run import main\n"
        "sys.exit(main([], pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    work = subprocess.Popen(command, cwd=ROOT, **pipes)
    pid = tmp_path / "notebooks" / "pid"
    while not (pid.exists() and pid.read_text()):
        assert work.poll() is None, work.communicate()
        time.sleep(0.05)
    time.sleep(0.3)  # until the endless cell runs
    work.send_signal(signal.SIGINT)
    output, errors = work.communicate(timeout=120)
    assert work.returncode == 130, output + errors
    assert "Stopped by you" in output and "index.html" in output
    assert "Traceback" not in errors, errors
    assert "finished" in page(tmp_path / "build" / "01_done.html").text
    done, stopped = page(tmp_path / "build" / "index.html").select(".time")
    assert done.text.endswith(" s") and stopped.text == "not run"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_damaged_notebook_is_a_failure_and_the_others_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "attempt", succeed)
    save(tmp_path, "01_first", "# First", "1")
    (tmp_path / "notebooks" / "02_torn.ipynb").write_text('{"cells": [')
    save(tmp_path, "03_third", "# Third", "1")
    assert run.main([], tmp_path) == 1
    output = capsys.readouterr().out
    assert "FAILED  02_torn, not run\n" in output
    assert "02_torn failed: 02_torn.ipynb is damaged" in output
    assert "ok      01_first" in output and "ok      03_third" in output
    index = page(tmp_path / "build" / "index.html").text
    assert "02_torn.ipynb is damaged" in index
    assert index.count("not run") == 1


async def succeed(notebook, folder, timeout, progress):
    """Stands for a notebook that was run to its end."""


def test_pages_go_to_the_folder_of_the_caller(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "attempt", succeed)
    monkeypatch.setenv("NST_CALLER", str(tmp_path / "caller"))
    save(tmp_path, "01_first", "# First", "1")
    assert run.main(["--out", "my pages"], tmp_path) == 0
    assert (tmp_path / "caller" / "my pages" / "index.html").is_file()
    assert not (tmp_path / "build").exists()


def test_files_of_somebody_else_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "attempt", succeed)
    save(tmp_path, "01_first", "# First", "1")
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "results.json").write_text('{"chapter": {}}')
    (foreign / "chapter.html").write_text("three years of work")
    with pytest.raises(FileExistsError, match="thesis holds files that are not pages"):
        run.main(["--out", str(foreign)], tmp_path)
    assert sorted(os.listdir(foreign)) == ["chapter.html", "results.json"]


def test_a_disk_that_is_full_keeps_what_was_finished(tmp_path, monkeypatch):
    """And says so at once: no hour of running without a place for the pages."""
    monkeypatch.setattr(run, "attempt", succeed)
    save(tmp_path, "01_first", "# First", "1")
    save(tmp_path, "02_second", "# Second", "1")
    assert run.main(["01"], tmp_path) == 0
    write = pages.write_file
    ran = []

    def full(path, content):
        if path.name == "02_second.html":
            raise OSError(errno.ENOSPC, f"{path} could not be written (No space left on device)")
        return write(path, content)

    monkeypatch.setattr(pages, "write_file", full)
    monkeypatch.setattr(run.Progress, "keep", lambda progress, line: ran.append(line))
    with pytest.raises(OSError, match="could not be written"):
        run.main([], tmp_path)
    assert len(ran) == 1 and ran[0].startswith("ok      01_first")
    results = json.loads((tmp_path / "build" / "results.json").read_text(encoding="utf-8"))
    assert results["01_first"]["seconds"] is not None


def test_a_wrong_name_touches_nothing(tmp_path):
    save(tmp_path, "01_first", "# First", "1")
    with pytest.raises(Mistake):
        run.main(["77", "--out", str(tmp_path / "pages")], tmp_path)
    assert os.listdir(tmp_path) == ["notebooks"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", ""], "a folder needs a name"),
        (["--out", " "], "a folder needs a name"),
        (["--timeout", "0"], "'0' is no whole number from 1 up"),
        (["--timeout", "-5"], "'-5' is no whole number from 1 up"),
        (["--timeout", "soon"], "'soon' is no whole number from 1 up"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_words_that_mean_nothing(tmp_path, capsys, words, sentence):
    with pytest.raises(SystemExit):
        run.main(words, tmp_path)
    assert sentence in capsys.readouterr().err


def test_a_series_without_notebooks(tmp_path):
    with pytest.raises(Mistake, match="There are no notebooks in"):
        run.main([], tmp_path)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(run.time, "monotonic", made)
    return made


def test_time_left_is_that_of_the_last_run(clock):
    progress = run.Progress({"a": 30.0, "b": 20.0})
    progress.enter("a", cells=3)
    clock.now += 12
    assert progress.left() == 18 + 20
    clock.now += 30  # slower than last time: nothing is known of a, but b is still to come
    assert progress.left() == 20
    progress.leave()
    progress.enter("b", cells=1)
    clock.now += 21
    assert progress.left() == 0


def test_without_a_last_run_the_finished_notebooks_tell_the_time_left(clock):
    progress = run.Progress({"a": None, "b": None, "c": None})
    progress.enter("a", cells=1)
    clock.now += 10
    assert progress.left() is None
    assert progress.line() == "notebook 1 of 3, a, cell 1 of 1, 0:10"
    progress.leave()
    progress.enter("b", cells=7)
    progress.at(2)
    clock.now += 4
    assert progress.left() == 6 + 10
    assert progress.line() == "notebook 2 of 3, b, cell 2 of 7, 0:14, about 0:16 left"


@NOTEBOOK
def test_a_failed_run_tells_nothing_about_the_time(series, finished):
    site = run.Site(series / "notebooks", series / "build")
    assert run.seconds_last_time(site, "02_second") is None
    assert run.seconds_last_time(site, "01_first") > 0


def test_without_a_terminal_a_line_is_printed_now_and_then(clock, capsys):
    progress = run.Progress({"a": 100.0})
    progress.enter("a", cells=1)
    for _ in range(80):
        clock.now += 0.5
        progress.show()
    assert capsys.readouterr().out.splitlines() == [
        "notebook 1 of 1, a, cell 1 of 1, 0:15, about 1:25 left",
        "notebook 1 of 1, a, cell 1 of 1, 0:30, about 1:10 left",
    ]


@pytest.mark.parametrize("ci, is_live", [("", True), ("true", False)])
def test_a_terminal_gets_a_moving_line_and_a_log_does_not(ci, is_live, monkeypatch):
    """Services that run the tests pretend to be terminals, and keep every line."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run.Progress({"01": None}).live is is_live
