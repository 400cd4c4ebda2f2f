"""The setup cell: it finds the series or fetches it, and says what is in the way. No network."""

import os
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support import run_python
from tools.site import build

USE = "\nimport helpers.transfer\nprint(helpers.transfer.here)"


@pytest.fixture
def origin(tmp_path):
    """A repository that stands for the published series."""
    folder = tmp_path / "origin"
    (folder / "helpers").mkdir(parents=True)
    (folder / "helpers" / "transfer.py").write_text("here = 'cloned'")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "series"]):
        subprocess.run([*git, *words], check=True)
    return folder.as_uri()


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty folder"
    folder.mkdir()
    return folder


def run_cell(folder: Path, address: str = "", before: str = "", after: str = USE, **env: str):
    """Run the cell, its text unchanged, where git finds `address` in place of the repository."""
    with tempfile.TemporaryDirectory() as place:
        config = Path(place, "config")
        if address:
            config.write_text(f'[url "{address}"]\n\tinsteadOf = {build.repository()}\n')
        own = {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1", **env}
        return run_python(f"{before}\n{build.setup_cell()}{after}", cwd=folder, env=own)


def refusal(process: subprocess.CompletedProcess) -> str:
    """The sentence that the cell ends with."""
    assert process.returncode == 1
    assert "\nRuntimeError: " in process.stderr, process.stderr
    return process.stderr.split("\nRuntimeError: ")[1]


def test_it_clones_the_series_once(origin, empty):
    process = run_cell(empty, origin)
    assert process.stdout == "cloned\n", process.stderr
    assert os.listdir(empty) == ["paint-by-gradient"]
    process = run_cell(empty, PATH="")  # a second time without git
    assert process.stdout == "cloned\n", process.stderr


def test_inside_the_series_nothing_is_fetched(origin, empty):
    run_cell(empty, origin)
    process = run_cell(empty / "paint-by-gradient" / "helpers", PATH="")
    assert process.stdout == "cloned\n", process.stderr


def test_what_a_kill_left_is_fetched_again(origin, empty):
    part = empty / "paint-by-gradient.part"
    (part / "helpers").mkdir(parents=True)
    (part / "helpers" / "transfer.py").write_text("half a file")
    process = run_cell(empty, origin)
    assert process.stdout == "cloned\n", process.stderr
    assert os.listdir(empty) == ["paint-by-gradient"]


def test_a_folder_of_that_name_stays_as_it_is(origin, empty):
    folder = empty / "paint-by-gradient"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    assert "is not the whole series: rename it" in refusal(run_cell(empty, origin))
    assert os.listdir(empty) == ["paint-by-gradient"]
    assert os.listdir(folder) == ["mine.txt"]


def test_no_git(origin, empty):
    assert refusal(run_cell(empty, origin, PATH="")).startswith("git is missing: install it")


def test_no_network(empty):
    nothing_listens = "http://127.0.0.1:1"
    sentence = refusal(run_cell(empty, https_proxy=nothing_listens))
    assert build.repository() in sentence and "Failed to connect" in sentence
    assert os.listdir(empty) == []


def test_an_address_of_nothing(empty):
    assert "does not appear to be a git repository" in refusal(
        run_cell(empty, (empty / "none").as_uri())
    )


class WhoAreYou(BaseHTTPRequestHandler):
    """Answers as GitHub does where an address is wrong, or not for everybody."""

    def do_GET(self):
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
        self.end_headers()

    def log_message(self, *_):
        pass


def test_an_address_that_asks_for_a_password(empty):
    server = ThreadingHTTPServer(("127.0.0.1", 0), WhoAreYou)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/nobody/nothing"
    try:
        process = run_cell(empty, address, LANG="de_DE.UTF-8", GIT_ASKPASS="", no_proxy="*")
    finally:
        server.shutdown()
        server.server_close()
    assert refusal(process).strip().endswith(": nobody can read there")


# Whoever may write everywhere becomes nobody, after Python has read its own files.
BECOME_NOBODY = """
import os, pathlib, shutil, subprocess, sys
shutil.which("git"), pathlib.Path.cwd().parents[0].is_file()
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_no_permission_to_write(origin):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o555)
        process = run_cell(Path(place), origin, before=BECOME_NOBODY)
        assert "Permission denied" in refusal(process)
        os.chmod(place, 0o755)
