"""The weights of VGG16 and VGG19: fetched from a local server that misbehaves, by torchvision's record and torch.hub."""

import errno
import hashlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torchvision.models import get_model_weights

from helpers import weights as module
from helpers.vgg import VGG

ROOT = Path(__file__).resolve().parent.parent
MEGABYTES = {"vgg19": 548, "vgg16": 528}  # by torchvision's names; ours begin with "torchvision-"


# What the server does with a request. `answer` has the request's methods, `body` is the file asked for.


def whole(answer, body, length=True, status=200):
    answer.send_response(status)
    if length:
        answer.send_header("Content-Length", str(len(body)))
    answer.end_headers()
    answer.wfile.write(body)


def forbidden(answer, body):
    answer.send_error(403)


def not_found(answer, body):
    answer.send_error(404)


def failing(answer, body):
    answer.send_error(500)


def broken_off(answer, body):
    answer.send_response(200)
    answer.send_header("Content-Length", str(len(body)))
    answer.end_headers()
    answer.wfile.write(body[: len(body) // 2])


def broken_off_without_length(answer, body):
    whole(answer, body[: len(body) // 2], length=False)


def another_file(answer, body):
    whole(answer, flipped(body))


def login_page(answer, body):
    whole(answer, b"<!doctype html><title>Please log in</title>")


def silent(answer, body):
    answer.server.closing.wait(5)


def silent_half_way(answer, body):
    broken_off(answer, body)
    answer.wfile.flush()
    answer.server.closing.wait(5)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        name = Path(self.path).name.split("-")[0]
        self.server.behaviour(self, self.server.files[name])

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """Serves files {name: bytes} as `behaviour` says; notes in `requests` what was asked for."""

    daemon_threads, block_on_close = True, False

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.behaviour, self.requests, self.closing = files, whole, [], threading.Event()

    def url(self, name):
        digest = hashlib.sha256(self.files[name]).hexdigest()[:8]
        return f"http://127.0.0.1:{self.server_address[1]}/models/{name}-{digest}.pth"

    def handle_error(self, request, address):
        pass  # a client that left


def flipped(body):
    """The same bytes but one, in the middle of the numbers: a file that torch.load reads without complaint."""
    return body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 0x40]) + body[len(body) // 2 + 1 :]


@pytest.fixture(scope="module")
def files():
    """{name: bytes of a small weight file in torchvision's layout}: three convolutions of 64, 64 and 128 channels."""
    files = {}
    for seed, name in enumerate(MEGABYTES):
        torch.manual_seed(seed)
        weights = {}
        for index, (width, channels) in {0: (3, 64), 2: (64, 64), 5: (64, 128)}.items():
            weights[f"features.{index}.weight"] = torch.randn(channels, width, 3, 3)
            weights[f"features.{index}.bias"] = torch.randn(channels)
        torch.save(weights | {"classifier.0.bias": torch.zeros(4)}, buffer := io.BytesIO())
        files[name] = buffer.getvalue()
    return files


@pytest.fixture
def server(files, tmp_path, monkeypatch):
    """The server, whose address stands in torchvision's records, and an empty torch cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("no_proxy", "*")
    server = Server(files)
    for name in files:
        monkeypatch.setattr(get_model_weights(name).IMAGENET1K_V1.value, "url", server.url(name))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


def checkpoints():
    return Path(torch.hub.get_dir()) / "checkpoints"


def cached():
    """What lies in torch's cache: {file name: bytes}."""
    return {path.name: path.read_bytes() for path in checkpoints().iterdir()} if checkpoints().is_dir() else {}


def address(name="vgg19"):
    return get_model_weights(name).IMAGENET1K_V1.url


def check_message(text, because, name="vgg19"):
    """One clear message: the reason, the address, the size, the place, and how to put the file there by hand."""
    assert re.search(because, text), text
    assert text.startswith(f"torchvision-{name}'s weights ({MEGABYTES[name]} MB) could not be had: ")
    assert (
        f"save {address(name)} as {checkpoints() / Path(address(name)).name} by hand; VGG() needs no download." in text
    )
    short = text.replace(address(name), "").replace(str(checkpoints()), "")
    assert "\n" not in text and "Traceback" not in text and len(short) < 250, text


def check_failure(because, name="vgg19", stays=None):
    """VGG(name) raises OSError with the message, leaves in the cache what was there, and all else as it was."""
    with pytest.raises(OSError) as caught:
        VGG(f"torchvision-{name}", device="cpu")
    check_message(str(caught.value), because, name)
    assert type(caught.value) is OSError and caught.value.__suppress_context__ and not caught.value.__cause__, (
        "no chain of tracebacks"
    )
    assert cached() == (stays or {})
    assert socket.getdefaulttimeout() is None


def check_success(server, name="vgg19"):
    """VGG(name) has the server's weights; the file is in the cache, alone."""
    network = VGG(f"torchvision-{name}", device="cpu")
    weights = torch.load(io.BytesIO(server.files[name]), weights_only=True)
    assert network.name == f"torchvision-{name}" and torch.equal(
        network.layers["conv2_1"].weight, weights["features.5.weight"]
    )
    assert cached() == {Path(address(name)).name: server.files[name]}
    assert socket.getdefaulttimeout() is None


def put(content, name="vgg19"):
    """A file of this content in the cache, under the name of the weights."""
    checkpoints().mkdir(parents=True)
    (checkpoints() / Path(address(name)).name).write_bytes(content)
    return cached()


def put_old(*paths):
    for path in paths:
        path.write_bytes(b"half")
        os.utime(path, (time.time() - 4000,) * 2)


def old_half():
    """What torch.hub leaves where its process is killed: the file's name, a random part and this ending."""
    return checkpoints() / f"{Path(address()).name}.0123abcd.partial"


@pytest.mark.parametrize("name, file", [("vgg19", "vgg19-dcbb9e9d.pth"), ("vgg16", "vgg16-397923af.pth")])
def test_the_record_of_torchvision(name, file):
    record = get_model_weights(name).IMAGENET1K_V1
    assert record is get_model_weights(name).DEFAULT
    assert record.url.startswith("https://") and Path(record.url).name == file
    assert torch.hub.HASH_REGEX.search(file).group(1) == Path(file).stem[-8:]
    assert round(record.meta.get("_file_size", MEGABYTES[name])) == MEGABYTES[name]
    assert module._cached(f"torchvision-{name}") == checkpoints() / file


@pytest.mark.parametrize("name", MEGABYTES)
def test_downloads_once_and_shows_progress(server, name, capsys):
    check_success(server, name)
    shown = capsys.readouterr()
    assert re.search(r"100(\.0)?%", shown.err), "a bar"
    said = shown.out or shown.err  # torch 2.6 announces on stderr, later versions on stdout
    assert shown.out.count("\n") <= 1
    assert address(name) in said and str(checkpoints()) in said
    check_success(server, name)
    assert len(server.requests) == 1 and capsys.readouterr() == ("", ""), "the second time, from the cache"


def test_follows_the_folder_that_torch_was_told(server, tmp_path):
    torch.hub.set_dir(tmp_path / "elsewhere ä")
    check_success(server)
    assert checkpoints().parent == tmp_path / "elsewhere ä"


def test_without_a_length_the_file_comes_all_the_same(server):
    server.behaviour = lambda answer, body: whole(answer, body, length=False)
    check_success(server)


@pytest.mark.parametrize(
    "behaviour, because",
    [
        (forbidden, "403: Forbidden"),
        (not_found, "404: Not Found"),
        (failing, "500: Internal Server Error"),
        (broken_off, "hash"),
        (broken_off_without_length, "hash"),
        (another_file, "hash"),
        (login_page, "hash"),
        (silent, "timed out"),
        (silent_half_way, "timed out"),
    ],
)
def test_a_server_that_misbehaves_and_then_recovers(server, monkeypatch, behaviour, because):
    if because == "timed out":
        monkeypatch.setattr(module, "_download", partial(module._download, patience=0.2))
    server.behaviour = behaviour
    check_failure(because)
    server.behaviour = whole
    check_success(server)
    assert len(server.requests) == 2


def test_the_message_of_the_other_network(server):
    server.behaviour = forbidden
    check_failure("403: Forbidden", "vgg16")


def test_no_network(server, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with monkeypatch.context() as patch:
        url = re.sub(r":\d+/", f":{port}/", address())
        patch.setattr(get_model_weights("vgg19").IMAGENET1K_V1.value, "url", url)
        check_failure("refused")
    check_success(server)


def test_a_name_that_does_not_resolve(server, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        check_failure("name resolution")
    check_success(server)


@pytest.mark.parametrize("buffer", [8192, 1 << 18])
def test_disk_full(server, monkeypatch, buffer):
    """What a file has buffered when the disk is full cannot be written at its closing either."""

    class FullDisk(io.FileIO):
        def write(self, data):
            if self.tell() + len(data) > 200_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data)

    def full(path, mode):
        return io.BufferedRandom(FullDisk(path, mode), buffer)

    with monkeypatch.context() as patch:
        patch.setattr(torch.hub, "open", full, raising=False)
        check_failure(re.escape(os.strerror(errno.ENOSPC)))
    check_success(server)


def refuse(*args, **kwargs):
    """What a read-only folder answers to whoever would change it, even where the tests run as root."""
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(checkpoints()))


@pytest.mark.parametrize("folder", ["file", "x" * 300])
def test_a_folder_that_cannot_be_made(server, tmp_path, monkeypatch, folder):
    (tmp_path / "file").write_text("where a folder is expected")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / folder))
    with pytest.raises(OSError) as caught:
        VGG("torchvision-vgg19", device="cpu")
    check_message(str(caught.value), folder)
    assert VGG(device="cpu").name == "vgg19", "the embedded network needs no cache"
    assert not server.requests


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_a_folder_that_is_read_only(server, monkeypatch, content):
    stays = put(content) if content else {}
    with monkeypatch.context() as patch:
        patch.setattr(torch.hub, "open", refuse, raising=False)
        patch.setattr(os, "unlink", refuse)
        patch.setattr(os, "remove", refuse)
        check_failure("Permission denied", stays=stays)
    check_success(server)


def test_weights_in_a_folder_that_is_read_only_are_read(server, monkeypatch):
    put(server.files["vgg19"])
    put_old(old_half())
    for place, name in ((torch.hub, "open"), (os, "mkdir"), (os, "unlink"), (os, "remove"), (os, "replace")):
        monkeypatch.setattr(place, name, refuse, raising=False)
    assert (
        VGG("torchvision-vgg19", device="cpu").name == "torchvision-vgg19"
        and old_half().exists()
        and not server.requests
    )


DAMAGES = {
    "cut": lambda body: body[: len(body) // 2],
    "one byte": flipped,
    "zeros at the end": lambda body: body[:-9000] + bytes(9000),
    "empty": lambda body: b"",
    "a page": lambda body: b"<!doctype html>",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_in_the_cache_is_replaced_when_a_good_one_is_here(server, damage):
    damaged = put(DAMAGES[damage](server.files["vgg19"]))
    server.behaviour = broken_off
    check_failure("hash", stays=damaged)
    server.behaviour = whole
    check_success(server)
    assert len(server.requests) == 2


def test_the_weights_of_the_other_network_under_the_wrong_name(server):
    put(server.files["vgg16"])
    check_success(server)


def test_an_interrupt_passes_and_leaves_nothing(server, monkeypatch):
    class Interrupted(torch.hub.tqdm):
        def update(self, count):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.hub, "tqdm", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            VGG("torchvision-vgg19", device="cpu")
    assert cached() == {} and socket.getdefaulttimeout() is None
    check_success(server)


CHILD = """
import sys
from torchvision.models import get_model_weights
from helpers import vgg
get_model_weights("vgg19").IMAGENET1K_V1.value.url = sys.argv[1]
vgg.VGG("torchvision-vgg19", device="cpu")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process(server):
    server.behaviour = silent_half_way
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, address()], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not any(cached().values()) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL
    (left,) = checkpoints().iterdir()
    assert left.name.endswith(".partial") and left.stat().st_size
    server.behaviour = whole
    assert VGG("torchvision-vgg19", device="cpu").name == "torchvision-vgg19"
    assert left.exists(), "it may belong to a process that lives: it has grown within the hour"
    os.utime(left, (time.time() - 4000,) * 2)
    check_success(server)


def test_old_halves_go_even_if_the_download_fails_and_other_files_stay(server):
    put(b"damaged")
    other = checkpoints() / f"{Path(address()).name}.backup"
    put_old(old_half(), other)
    server.behaviour = forbidden
    check_failure("403", stays={Path(address()).name: b"damaged", other.name: b"half"})


def test_the_embedded_network_asks_no_server(server):
    server.behaviour = forbidden
    assert VGG(device="cpu").name == VGG(device="meta").name == "vgg19" and not server.requests


def test_who_asks_for_torchvisions_network_gets_no_other(server):
    """Also where a GPU is at hand; "meta", which holds no numbers, takes its place here."""
    server.behaviour = forbidden
    for device in ("cpu", "meta"):
        with pytest.raises(OSError, match="403"):
            VGG("torchvision-vgg19", device=device)
