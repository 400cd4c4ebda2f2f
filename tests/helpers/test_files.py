"""Writing a file: the old content or the new, never a part, and nothing left beside it."""

import errno
import os
import signal
import subprocess
import sys
import time
import types

import pytest

from helpers import files
from helpers.files import download, write_file
from helpers.images import load, read_settings, save
from tests.support import ROOT, run_python


def test_bytes_and_text_are_written_as_they_are(tmp_path):
    assert write_file(tmp_path / "a.bin", b"\r\n\x00").read_bytes() == b"\r\n\x00"
    assert write_file(str(tmp_path / "b.txt"), "Stéfan\n").read_bytes() == "Stéfan\n".encode()


def test_what_was_there_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    write_file(path, "a long old text")
    write_file(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "name", ["with space.png", "größe ü.jpg", "画.png", "dots.in.name.png", "-dash.png"]
)
def test_names_of_any_letters_in_folders_that_are_made(tmp_path, ramp, name):
    path = save(ramp, tmp_path / "новый" / name, {"who": "ü"})
    assert read_settings(path) == {"who": "ü"}
    assert load(path, 16).shape[1] == 3
    assert [file.name for file in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_what_cannot_be_written_leaves_the_old_file_and_a_sentence(tmp_path, monkeypatch, number):
    path = write_file(tmp_path / "a.txt", "old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "replace", fail)
    expected = f"a.txt could not be written .{os.strerror(number)}.*free some space or choose"
    with pytest.raises(OSError, match=expected) as caught:
        write_file(path, "new")
    assert caught.value.errno == number
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_interruption_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = write_file(tmp_path / "a.txt", "old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_is_no_folder(tmp_path):
    write_file(tmp_path / "notes.txt", "hello")
    with pytest.raises(OSError, match="a.png could not be written"):
        write_file(tmp_path / "notes.txt" / "a.png", b"")


is_owner_of_the_system = os.name == "nt" or os.geteuid() == 0


@pytest.mark.skipif(is_owner_of_the_system, reason="the owner of the system may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o500)
    with pytest.raises(OSError, match="a.txt could not be written .Permission denied"):
        write_file(folder / "a.txt", "new")


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 40 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux makes a disk of memory")
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only the system's owner can make a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_really_full(small_disk):
    path = write_file(small_disk / "a.bin", b"old")
    with pytest.raises(OSError, match="could not be written .No space left.*free some space"):
        write_file(path, bytes(10**6))
    assert path.read_bytes() == b"old"
    assert os.listdir(small_disk) == ["a.bin"]


WRITING = """
import sys
from helpers.files import download, write_file

print("ready", flush=True)
for k in range(10**9):
    write_file(sys.argv[1], bytes([k % 256]) * 10**6)
"""


def wait_for(path):
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.005)


def is_whole(content):
    """A million bytes, all the same."""
    return len(content) == 10**6 and len(set(content)) == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process and let it go on")
def test_killed_in_the_middle_of_writing(tmp_path):
    """Whenever the process dies, what lies under the name is whole."""
    path = tmp_path / "large.bin"
    command = [sys.executable, "-c", WRITING, path]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        wait_for(path)
        for k in range(40):
            time.sleep(0.001 + 0.0003 * k)
            process.send_signal(signal.SIGSTOP)  # as good as dead: nothing more is written
            assert is_whole(path.read_bytes())
            process.send_signal(signal.SIGCONT)
    finally:
        process.kill()
        process.communicate()
    assert is_whole(path.read_bytes())


def test_writing_needs_no_package():
    """The tools that only write text, and `helpers.install`, do without torch."""
    run = run_python(
        "import sys; import helpers.files, helpers.install; print('torch' in sys.modules)"
    )
    assert run.stdout == "False\n", run.stderr


def part(path, seconds: float):
    """What a process that was killed so many seconds ago has left of a file."""
    left = path.with_name(f".{path.name}-77.part")
    left.write_bytes(b"half")
    os.utime(left, (time.time() - seconds,) * 2)
    return left


def test_what_a_kill_has_left_is_removed_by_the_next_who_writes_the_name(tmp_path):
    path = tmp_path / "a[1].txt"
    part(path, seconds=4000)
    part(tmp_path / "b.txt", seconds=4000)
    write_file(path, "new")
    assert sorted(os.listdir(tmp_path)) == [".b.txt-77.part", "a[1].txt"]


def test_what_may_still_be_written_is_left_alone(tmp_path):
    left = part(tmp_path / "a.txt", seconds=1000)
    write_file(tmp_path / "a.txt", "new")
    assert left.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has other modes and few links")
def test_modes_and_links_stay(tmp_path):
    path = write_file(tmp_path / "a.txt", "old")
    path.chmod(0o600)
    link = tmp_path / "link.txt"
    link.symlink_to(path)
    write_file(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o444)
    with pytest.raises(OSError, match="a.txt could not be written .it is read-only"):
        write_file(path, "newer")
    assert path.read_text() == "new"


def test_files_of_others_that_look_like_ours_stay(tmp_path):
    notes = tmp_path / ".a.txt-notes.part"
    notes.write_text("mine")
    os.utime(notes, (0, 0))
    write_file(tmp_path / "a.txt", "x")
    assert notes.read_text() == "mine"


def test_a_file_is_found_again(tmp_path, monkeypatch, capsys):
    path = write_file(tmp_path / "mine.png", b"picture")
    download(path)
    monkeypatch.chdir(tmp_path)
    download("mine.png")
    far, near = capsys.readouterr().out.splitlines()
    assert far == f"mine.png lies in {tmp_path.resolve()}."
    assert near == "mine.png lies beside this notebook."


@pytest.fixture
def colab(monkeypatch):
    """A kernel of Colab's, as far as we know it; the list of what the browser downloads."""
    downloaded = []
    google, package = types.ModuleType("google"), types.ModuleType("google.colab")
    package.files = types.SimpleNamespace(download=downloaded.append)
    monkeypatch.setitem(sys.modules, "google", google)
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return downloaded


def test_on_colab_the_browser_downloads_it(tmp_path, colab, capsys):
    download(write_file(tmp_path / "mine.png", b"picture"))
    assert colab == [str(tmp_path / "mine.png")]
    assert capsys.readouterr().out.startswith("Your browser downloads mine.png.")


def test_what_was_not_saved_cannot_be_downloaded(tmp_path, colab):
    with pytest.raises(FileNotFoundError, match="mine.png yet: save it first"):
        download(tmp_path / "mine.png")
    assert colab == []
