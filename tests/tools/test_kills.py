"""Killed at any moment, a run, a build, a publication or an installation loses nothing it finished.

A process dies right before it changes the disk for the first, the second, the third time and so on:
there are no other moments that the disk could tell apart. After each death everything has to be
whole, and the next call has to come to its end.
"""

import json
import os

import pytest

from tests.support import run_python
from tools.site import build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot copy a process"),
]

# Runs `work` in children that die one after another, and `look` after each; `again` and `look` once
# more shows whether the next call goes on. Ends with the number of deaths.
DRIVER = """
import os, shutil, signal, sys
from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.truncate"}


def dies_before(change):
    def hook(event, facts):
        nonlocal change
        is_writing = event == "open" and isinstance(facts[2], int) and facts[2] & os.O_ACCMODE
        if event in CHANGES or is_writing and facts[0] != os.devnull:
            change -= 1
            if change < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)


def child(work, change=None):
    '''Do the work in a copy of this process: its exit code, or -9.'''
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            if change is not None:
                dies_before(change)
            code = work()
            sys.stdout.flush()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            sys.stderr.flush()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_everywhere(work, prepare, look):
    prepare()
    work()  # once here, so that the children find everything imported
    deaths = 0
    while True:
        prepare()
        code = child(work, deaths)
        look(finished=code == 0)
        if code == 0:
            break
        assert code == -signal.SIGKILL, code
        deaths += 1
        assert child(work) == 0, f"the call after death {deaths}"
        look(finished=True)
    print("deaths:", deaths)
"""


def deaths(code: str, *words: str) -> int:
    process = run_python(DRIVER + code, *words, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert process.returncode == 0, process.stdout + process.stderr
    return int(process.stdout.rsplit("deaths: ", 1)[1])


RUNS = """
import json
from bs4 import BeautifulSoup
from tools.site import pages, run

# Without kernels, nbconvert and templates: it is the files that matter here.
async def execute(notebook, folder, timeout, progress):
    progress.at(1)

run.attempt = execute
TEXT = "<h1>Title</h1><p>A sentence of some length here.</p>"
pages.render = lambda notebook, folder, out: BeautifulSoup(TEXT, "html.parser")


def fill(site, template, file, **facts):
    is_run = facts.get("result", {}).get("seconds") is not None
    pages.write_file(site.out / file, f"{is_run}</html>")

pages.Site.fill = fill
root = Path(sys.argv[1])
out = root / "pages"
ran = root / "ran.txt"
keep = run.Progress.keep

def note(progress, line):
    with open(ran, "a") as file:
        file.write(line.split()[1].strip(",") + "\\n")

run.Progress.keep = note


def prepare():
    shutil.rmtree(out, ignore_errors=True)
    ran.write_text("")


def look(finished):
    for page in out.glob("*.html"):
        assert page.read_text().rstrip().endswith("</html>"), page
    done = ran.read_text().split()
    assert not finished or set(done) == {"01_one", "02_two"}, done
    if done:
        results = json.loads((out / "results.json").read_text())
        for name in done:
            assert results[name]["seconds"] is not None, name
            assert (out / f"{name}.html").read_text() == "True</html>", name
    left = [path.name for path in out.rglob("*.part")] if out.exists() else []
    assert len(left) <= 1, left


kill_everywhere(lambda: run.main(["--out", str(out)], root), prepare, look)
"""


def test_a_run_that_is_killed(tmp_path):
    (tmp_path / "notebooks").mkdir()
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": []}
    cell["execution_count"] = None
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for name in ("01_one", "02_two"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(json.dumps(notebook))
    assert deaths(RUNS, str(tmp_path)) > 15


BUILDS = """
import copy
import functools
import json
import nbformat
from tools.site import build, publish

nbformat.validate = lambda notebook, **_: None  # it takes a while, as does jupytext
assembled = functools.cache(lambda slug, address, assemble=build.assemble: assemble(slug))
build.assemble = lambda slug: copy.deepcopy(assembled(slug, build.repository()))
build.ROOT = Path(sys.argv[1])
build.NOTEBOOKS = build.ROOT / "notebooks"
build.SOURCES = build.NOTEBOOKS / "src"
address = "https://github.com/ada/paint"
saved = Path(sys.argv[2])
shutil.copytree(build.ROOT, saved)


def execute(notebook):
    notebook.cells[-1].metadata["run"] = True  # a sign that is no output

build.execute = execute


def prepare():
    shutil.rmtree(build.ROOT)
    shutil.copytree(saved, build.ROOT)


def look(finished):
    for path in build.NOTEBOOKS.glob("*.ipynb"):
        json.loads(path.read_text())
    for path, text in build.generated_files().items():
        old = (saved / path.relative_to(build.ROOT)).read_text()
        assert path.read_text() in (old, text), path
        assert not finished or path.read_text() == text
    if finished:
        assert WHOLE()
"""
PUBLISHES = """
def WHOLE():
    return build.repository() == address and build.check() == 0

kill_everywhere(lambda: publish.main([address]), prepare, look)
"""
BUILDS_ALL = """
def WHOLE():
    slugs = build.sources()
    return all(build.committed(slug).cells[-1].metadata.get("run") for slug in slugs)

kill_everywhere(lambda: build.main([]), prepare, look)
"""


@pytest.mark.parametrize("work", [PUBLISHES, BUILDS_ALL], ids=["publish", "build"])
def test_a_build_or_a_publication_that_is_killed(built, tmp_path_factory, work):
    copy = tmp_path_factory.mktemp("copy") / "series"
    assert deaths(BUILDS + work, str(built), str(copy)) > 5
    assert sorted(path.name for path in build.NOTEBOOKS.glob("*.ipynb"))


INSTALLS = """
import do
do.ROOT = Path(sys.argv[1])
do.VENV = do.ROOT / ".venv"
do.PYTHON = do.VENV / "bin" / "python"
do.STAMP = do.VENV / "stamp"
do.LOG = do.ROOT / "build" / "install.log"
do.LOCK = do.ROOT / "build" / "install.lock"
packages = do.VENV / "packages"


def pretend(command):
    '''What venv and pip would do to the disk.'''
    if "venv" in command:
        if "--clear" in command:
            shutil.rmtree(do.VENV, ignore_errors=True)
        do.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        do.PYTHON.touch()
    else:
        do.LOG.write_text("log")
        for name in ("torch", "numpy"):
            packages.mkdir(exist_ok=True)
            (packages / name).write_text("whole")

do.run = pretend


def prepare():
    shutil.rmtree(do.ROOT, ignore_errors=True)
    do.ROOT.mkdir()
    do.main(["--help"])


def look(finished):
    if finished or do.stamp()[0]:
        found = sorted(path.name for path in packages.iterdir())
        assert found == ["numpy", "torch"], found
        assert all((packages / name).read_text() == "whole" for name in found)


def work():
    do.own_environment()
    return 0

kill_everywhere(work, prepare, look)
"""


def test_an_installation_that_is_killed(tmp_path):
    assert deaths(INSTALLS, str(tmp_path / "project")) > 8
