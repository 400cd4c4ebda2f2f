"""PyTorch comes for the machine it is on, from an index of its own where that one answers."""

import ctypes
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.tools.small_project import call, make_project

TORCH = ["torch>=2.6", "torchvision>=0.21"]
HANGING = 30  # seconds; longer than anybody waits here


class Index(BaseHTTPRequestHandler):
    """Answers as PyTorch's index does, refuses, or keeps silent, and remembers who asked."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.server.mood == "hangs":
            self.server.closing.wait(HANGING)
        elif self.server.mood == "refuses":
            self.send_error(403, "Nothing for you")
        else:
            self.answer(self.server.files.get(unquote(self.path), b"<html></html>"))

    def answer(self, content: bytes):
        is_wheel = self.path.endswith(".whl")
        self.send_response(200)
        self.send_header("Content-Type", "application/zip" if is_wheel else "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def index():
    """A local index; `mood` says what it does, `files` what it has, `asked` what was asked for."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.daemon_threads = True
    server.mood = "answers"
    server.files = {}
    server.asked = []
    server.closing = threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def machine(bare, index, monkeypatch):
    """A Linux without an NVIDIA card, in do.py's eyes, and an index that has builds for the CPU."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(bare, "OWN_INDEXES", {(sys.platform, "cpu"): f"{index.address}/cpu"})
    monkeypatch.setattr(bare, "USUAL_BUILD", "cuda")
    monkeypatch.setattr(bare, "PATIENCE", 0.4)
    monkeypatch.setattr(bare, "has_nvidia", lambda: False)
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: [] if group else TORCH)
    return bare


def described(commands: list[list[str]], index) -> list[str]:
    """What was made, and from where, in words."""
    words = []
    for command in commands:
        if "venv" in command:
            words.append("anew" if "--clear" in command else "kept")
        else:
            own = f"{index.address}/cpu" in command
            words.append(f"{'own' if own else 'usual'}: {' '.join(command[-2:])}")
    return words


SMALL = ["anew", f"own: {' '.join(TORCH)}", f"usual: {' '.join(TORCH)}"]
LARGE = ["anew", f"usual: {' '.join(TORCH)}"]


def test_without_a_card_pytorch_comes_for_the_cpu(machine, commands, index, capsys):
    machine.own_environment()
    assert described(commands, index) == SMALL
    assert index.asked == ["/cpu/torch/"]
    assert "about 1.5 GB" in capsys.readouterr().out


def test_with_a_card_pytorch_comes_as_usual(machine, commands, index, monkeypatch, capsys):
    monkeypatch.setattr(machine, "has_nvidia", lambda: True)
    machine.own_environment()
    assert described(commands, index) == LARGE and index.asked == []
    assert "about 6 GB" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mood", "why"), [("refuses", "Nothing for you"), ("hangs", "no answer in 0.4 seconds")]
)
def test_an_index_that_does_not_answer(machine, index, capsys, mood, why):
    index.mood = mood
    start = time.monotonic()
    assert machine.reachable_build(TORCH, None) == "cuda"
    assert time.monotonic() - start < 5
    (line,) = capsys.readouterr().out.splitlines()
    assert why in line and "for CUDA, about 6 GB" in line


def test_nobody_listens_where_the_index_should_be(machine, commands, index, monkeypatch, capsys):
    monkeypatch.setattr(machine, "OWN_INDEXES", {(sys.platform, "cpu"): "http://127.0.0.1:1/cpu"})
    machine.own_environment()
    assert described(commands, index) == LARGE
    assert "efused" in capsys.readouterr().out


def test_an_environment_that_is_fine_is_left_alone(machine, commands, index, monkeypatch):
    """Also where the index answers now, or a card was built in: --cpu and --cuda are for that."""
    index.mood = "refuses"
    machine.own_environment()
    index.mood = "answers"
    machine.own_environment()
    machine.own_environment("cuda")
    assert len(commands) == 2
    machine.own_environment("cpu")
    monkeypatch.setattr(machine, "has_nvidia", lambda: True)
    machine.own_environment()
    machine.own_environment("cpu")
    assert described(commands, index) == LARGE + SMALL


def test_the_other_build_makes_it_anew(machine, commands, index):
    machine.own_environment("cuda")
    assert index.asked == [], "the usual index has it"
    machine.own_environment("cpu")
    machine.own_environment("cuda")
    assert described(commands, index) == LARGE + SMALL + LARGE


@pytest.mark.parametrize("mood", ["refuses", "hangs"])
def test_what_is_forced_is_had_or_nothing(machine, commands, index, capsys, mood):
    """What is there stays."""
    machine.own_environment("cuda")
    before = machine.STAMP.read_text()
    index.mood = mood
    assert machine.main(["lab", "--cpu"]) == 1
    assert len(commands) == 2 and machine.STAMP.read_text() == before
    assert "later, or without --cpu" in capsys.readouterr().err


def test_an_environment_of_before_there_was_a_choice(machine, commands, index):
    machine.own_environment("cuda")
    *facts, build = machine.STAMP.read_text().splitlines()
    assert build == "cuda"
    machine.STAMP.write_text("\n".join(facts))
    machine.own_environment()
    machine.own_environment("cuda")
    assert len(commands) == 2
    machine.own_environment("cpu")
    assert described(commands[2:], index) == SMALL


def fails_from(index, machine, monkeypatch):
    """Let pip fail where it should install from PyTorch's own index."""
    pretend = machine.run

    def fail(command, env=None):
        pretend(command, env)
        if f"{index.address}/cpu" in command:
            raise machine.Stop("The setup failed")

    monkeypatch.setattr(machine, "run", fail)


def test_an_index_that_answers_and_fails(machine, commands, index, monkeypatch, capsys):
    """Half of one build and half of the other would not work."""
    fails_from(index, machine, monkeypatch)
    machine.own_environment()
    assert described(commands, index) == SMALL[:2] + LARGE
    assert "pip could not install from it" in capsys.readouterr().out
    machine.own_environment("cuda")
    assert len(commands) == 4, "it is stamped as what it is"
    assert machine.main(["lab", "--cpu"]) == 1
    assert machine.stamp() == ([], None)


def test_new_packages_come_from_where_pytorch_came_from(machine, commands, index, monkeypatch):
    machine.own_environment()
    index.asked.clear()
    newer = ["torch>=2.16", "torchvision>=0.30"]
    monkeypatch.setattr("helpers.install.requirements", lambda group=None: [] if group else newer)
    machine.own_environment()
    words = " ".join(newer)
    assert described(commands[3:], index) == ["kept", f"own: {words}", f"usual: {words}"]
    assert index.asked == [], "pip asks, if it has to"


def test_both_builds_at_once_are_refused(bare, monkeypatch, capsys):
    monkeypatch.setattr(bare, "own_environment", None)  # nobody installs anything
    assert bare.main(["lab", "--cpu", "--cuda"]) == 1
    assert capsys.readouterr().err.startswith("--cpu and --cuda exclude each other")


def test_a_mac_has_no_cuda(bare, monkeypatch, capsys):
    monkeypatch.setattr(bare, "own_environment", None)
    monkeypatch.setattr(bare.sys, "platform", "darwin")
    assert bare.main(["--cuda", "lab"]) == 1
    assert capsys.readouterr().err.startswith("A Mac has no CUDA")


@pytest.mark.parametrize("word", ["--cpu", "--cuda"])
def test_the_build_is_no_word_for_the_tools(bare, monkeypatch, word):
    monkeypatch.setattr(bare, "own_environment", lambda forced: f"python{forced}")
    monkeypatch.setattr(bare, "hand_over", lambda command: command)
    monkeypatch.setattr(bare.sys, "platform", "linux")
    command = bare.work(["notebooks", word, "03"])
    assert command == [f"python{word[2:]}", "-m", "tools.site.run", "03"]


# ---- the running Python --------------------------------------------------------------------------


@pytest.fixture
def current(machine, monkeypatch):
    """The running Python as if it had packages: current(torch="2.11.0+cpu") returns do.py there."""

    def has(**versions):
        monkeypatch.setattr("helpers.install.installed", versions.get)
        return machine

    monkeypatch.setattr(machine, "PYTORCH", machine.OWN_INDEXES[(sys.platform, "cpu")][:-4])
    has()
    return has


def test_a_python_without_pytorch_gets_the_one_that_fits(machine, current, commands, index):
    assert machine.current_environment() == sys.executable
    assert described(commands, index) == SMALL[1:]
    commands.clear()
    machine.current_environment("cuda")
    assert described(commands, index) == LARGE[1:]


@pytest.mark.parametrize(("torch", "place"), [("2.11.0+cpu", "own"), ("2.11.0", "usual")])
def test_torchvision_comes_from_where_pytorch_came_from(current, commands, index, torch, place):
    """And PyTorch stays as it is."""
    current(torch=torch).current_environment()
    assert described(commands, index)[0] == f"{place}: torch=={torch} torchvision>=0.21"


def test_torchvision_never_comes_from_somewhere_else(current, commands, index, monkeypatch):
    machine = current(torch="2.11.0+cpu")
    fails_from(index, machine, monkeypatch)
    with pytest.raises(machine.Stop, match="torchvision>=0.21 must come from where PyTorch 2.11.0"):
        machine.current_environment()
    assert len(commands) == 1


def test_a_pytorch_that_is_too_old_is_replaced_by_one_of_its_kind(current, commands, index):
    current(torch="2.5.0+cpu", torchvision="0.20.0+cpu").current_environment()
    assert described(commands, index)[0] == f"own: {' '.join(TORCH)}"


def test_a_python_that_has_all_is_left_alone(current, commands, capsys):
    current(torch="2.11.0+cpu", torchvision="0.26.0+cpu").current_environment("cuda")
    assert commands == []
    assert "PyTorch 2.11.0+cpu is here, and stays" in capsys.readouterr().out


# ---- the card ------------------------------------------------------------------------------------


class Driver:
    """NVIDIA's library: whether it works, and how many cards it sees."""

    def __init__(self, error: int, cards: int):
        self.error = error
        self.cards = cards

    def cuInit(self, flags):
        return self.error

    def cuDeviceGetCount(self, count):
        count._obj.value = self.cards
        return self.error


@pytest.mark.parametrize(
    ("driver", "answer"),
    [
        (Driver(0, 1), True),
        (Driver(0, 0), False),  # a driver, and no card
        (Driver(34, 1), False),  # a stub, as compilers need it
        (object(), False),  # a library of that name, and nothing in it
        (OSError("no such file"), False),
    ],
)
def test_a_card_counts_if_its_driver_answers(bare, monkeypatch, driver, answer):
    def library(name):
        assert "cuda" in name
        if isinstance(driver, OSError):
            raise driver
        return driver

    monkeypatch.setattr(ctypes, "CDLL", library)
    assert bare.has_nvidia() is answer


# ---- with pip itself -----------------------------------------------------------------------------


def add_wheel(index, folder: str, name: str, version: str) -> None:
    """Put an empty package into the index."""
    file = f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    path = Path(index.folder, file)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{about}/METADATA", metadata)
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{about}/WHEEL", tag)
        archive.writestr(f"{about}/RECORD", "")
    address = f"/{folder}/{name}/"
    link = f'<a href="/{folder}/{file}">{file}</a><br>'.encode()
    index.files[address] = index.files.get(address, b"") + link
    index.files[f"/{folder}/{file}"] = path.read_bytes()


def versions(folder: Path) -> list[str]:
    """Which PyTorch and torchvision lie in the environment."""
    lying = folder.glob(".venv/**/torch*.dist-info")
    return sorted(path.name.removesuffix(".dist-info") for path in lying)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the usual index has both builds")
def test_pip_takes_both_from_one_place(index, wheel, tmp_path, monkeypatch):
    """Although the usual index, which somebody's pip asks as well, has newer ones."""
    index.folder = tmp_path
    for name, ours in (("torch", "2.15.0"), ("torchvision", "0.30.0")):
        add_wheel(index, "cpu", name, f"{ours}+cpu")
        add_wheel(index, "usual", name, ours.replace(".0", ".9"))
    folder = make_project(tmp_path / "project", wheel, *TORCH)
    text = (folder / "do.py").read_text(encoding="utf-8")
    assert "https://download.pytorch.org/whl" in text
    text = text.replace("https://download.pytorch.org/whl", index.address)
    (folder / "do.py").write_text(text, encoding="utf-8")
    usual = f"{index.address}/usual/"
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, usual)
    monkeypatch.setenv("no_proxy", "*")
    process = call(folder, "notebooks", PIP_NO_INDEX="0")
    assert process.returncode == 0, process.stdout + process.stderr
    assert versions(folder) == ["torch-2.15.0+cpu", "torchvision-0.30.0+cpu"]
