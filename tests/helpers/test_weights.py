"""Weights: files that are not what they should be, and downloads from a server that misbehaves.

The server is a local one, reached by torchvision's own record and torch.hub.
"""

import errno
import hashlib
import io
import os
import pickle
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
from safetensors.torch import load_file, save_file
from torchvision.models import get_model_weights

from helpers import weights as module
from helpers.vgg import VGG
from helpers.weights import load_weights
from tests.support import ROOT

MEGABYTES = {"vgg19": 548, "vgg16": 528}  # by torchvision's names; ours begin with "torchvision-"


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text.pth", "text.safetensors"])
def test_a_file_of_text_is_no_weights(name, tmp_path):
    (tmp_path / name).write_text("hello")
    with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
        load_weights(tmp_path / name)


def test_weights_of_another_network_are_refused(tmp_path):
    save_file({"layer1.weight": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(
        ValueError, match="does not hold the layers of torchvision's VGG16 or VGG19"
    ):
        VGG(tmp_path / "other.safetensors")


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    weight = torch.ones(64, 3, 3, 3)
    weight[5, 1, 2, 0] = torch.nan
    state = {"features.0.weight": weight, "features.0.bias": torch.zeros(64)}
    save_file(state, tmp_path / "nan.safetensors")
    with pytest.raises(ValueError, match="features.0 holds NaN or infinite numbers"):
        VGG(tmp_path / "nan.safetensors", device="cpu")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was here"),)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"features.0.weight": Evil()}))
    with pytest.raises(ValueError, match="cannot be read as weights"):
        load_weights(tmp_path / "evil.pth")
    assert not (tmp_path / "was here").exists()


@pytest.mark.parametrize("which", ["ORIGINAL", "FACTORS"])
def test_an_embedded_file_that_is_damaged_or_gone_says_how_to_restore_it(
    which, tmp_path, monkeypatch
):
    path = getattr(module, which)
    tensors = load_file(path)
    first = sorted(tensors)[0]
    tensors[first] = tensors[first] + 1
    damaged = tmp_path / path.name
    save_file(tensors, damaged)
    monkeypatch.setitem(module.SHA256, damaged, module.SHA256[path])
    monkeypatch.setattr(module, which, damaged)
    restore = f"restore it: git checkout -- data/weights/{path.name}"
    with pytest.raises(ValueError, match=f"not the file that belongs to this version; {restore}"):
        VGG(normalised=True, device="cpu")
    damaged.unlink()
    with pytest.raises(FileNotFoundError, match=f"there is no weight file .*; {restore}"):
        VGG(normalised=True, device="cpu")


# ---- downloads -----------------------------------------------------------------------------------
#
# What the server does with a request. `answer` has the request's methods, `body` is the file that
# was asked for.


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

    daemon_threads = True
    block_on_close = False

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.behaviour = whole
        self.requests = []
        self.closing = threading.Event()

    def url(self, name):
        digest = hashlib.sha256(self.files[name]).hexdigest()[:8]
        return f"http://127.0.0.1:{self.server_address[1]}/models/{name}-{digest}.pth"

    def handle_error(self, request, address):
        pass  # a client that left


def flipped(body):
    """The same bytes but one, in the middle of the numbers: torch.load reads it all the same."""
    changed = bytearray(body)
    changed[len(body) // 2] ^= 0x40
    return bytes(changed)


@pytest.fixture(scope="module")
def files():
    """{name: bytes of a small weight file in torchvision's layout}.

    Three convolutions of 64, 64 and 128 channels.
    """
    files = {}
    for seed, name in enumerate(MEGABYTES):
        generator = torch.Generator().manual_seed(seed)
        weights = {"classifier.0.bias": torch.zeros(4)}
        for index, (width, channels) in {0: (3, 64), 2: (64, 64), 5: (64, 128)}.items():
            shape = (channels, width, 3, 3)
            weights[f"features.{index}.weight"] = torch.randn(shape, generator=generator)
            weights[f"features.{index}.bias"] = torch.randn(channels, generator=generator)
        buffer = io.BytesIO()
        torch.save(weights, buffer)
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
    if not checkpoints().is_dir():
        return {}
    return {path.name: path.read_bytes() for path in checkpoints().iterdir()}


def address(name="vgg19"):
    return get_model_weights(name).IMAGENET1K_V1.url


def place(name="vgg19"):
    """Where the weights are kept."""
    return checkpoints() / Path(address(name)).name


def check_message(text, because, name="vgg19"):
    """One line: the reason, the address, the size, the place, and what to do by hand."""
    assert re.search(because, text), text
    assert text.startswith(
        f"torchvision-{name}'s weights ({MEGABYTES[name]} MB) could not be had: "
    )
    by_hand = f"save {address(name)} as {place(name)} by hand; VGG() needs no download."
    assert by_hand in text
    assert "\n" not in text
    short = text.replace(address(name), "")
    for folder in (checkpoints(), *checkpoints().parents[:2]):  # which one depends on Python
        short = short.replace(str(folder), "")
    assert len(short) < 250, text


def check_failure(because, name="vgg19", stays=None):
    """VGG(name) raises OSError, leaves in the cache what was there, and all else as it was."""
    with pytest.raises(OSError) as caught:
        VGG(f"torchvision-{name}", device="cpu")
    check_message(str(caught.value), because, name)
    assert type(caught.value) is OSError
    assert caught.value.__suppress_context__, "a chain of tracebacks"
    assert cached() == (stays or {})
    assert socket.getdefaulttimeout() is None


def check_success(server, name="vgg19"):
    """VGG(name) has the server's weights; the file is in the cache, alone."""
    network = VGG(f"torchvision-{name}", device="cpu")
    weights = torch.load(io.BytesIO(server.files[name]), weights_only=True)
    assert network.name == f"torchvision-{name}"
    assert torch.equal(network.layers["conv2_1"].weight, weights["features.5.weight"])
    assert cached() == {place(name).name: server.files[name]}
    assert socket.getdefaulttimeout() is None


def put(content, name="vgg19"):
    """A file of this content in the cache, under the name of the weights."""
    checkpoints().mkdir(parents=True)
    place(name).write_bytes(content)
    return cached()


def put_old(*paths):
    for path in paths:
        path.write_bytes(b"half")
        os.utime(path, (time.time() - 4000,) * 2)


def old_half():
    """What a download leaves where its process is killed."""
    return checkpoints() / f"{place().name}.0123abcd.partial"


@pytest.mark.parametrize(
    "name, file", [("vgg19", "vgg19-dcbb9e9d.pth"), ("vgg16", "vgg16-397923af.pth")]
)
def test_torchvisions_record_names_the_hash_in_the_files_name(name, file):
    """There torch.hub looks for it, and so do we."""
    record = get_model_weights(name).IMAGENET1K_V1
    assert record is get_model_weights(name).DEFAULT
    assert record.url.startswith("https://")
    assert Path(record.url).name == file
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
    assert address(name) in said
    assert str(checkpoints()) in said
    check_success(server, name)
    assert len(server.requests) == 1
    assert capsys.readouterr() == ("", ""), "the second time, from the cache"


def test_follows_the_folder_that_torch_was_told(server, tmp_path):
    torch.hub.set_dir(tmp_path / "elsewhere ä")
    check_success(server)
    assert checkpoints().parent == tmp_path / "elsewhere ä"


def test_without_a_length_the_file_comes_all_the_same(server):
    server.behaviour = partial(whole, length=False)
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
    """What a read-only folder answers, even where the tests run as the system's owner."""
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
    monkeypatch.setattr(torch.hub, "open", refuse, raising=False)
    for change in ("mkdir", "unlink", "remove", "replace"):
        monkeypatch.setattr(os, change, refuse)
    assert VGG("torchvision-vgg19", device="cpu").name == "torchvision-vgg19"
    assert old_half().exists()
    assert not server.requests


def cut(body):
    return body[: len(body) // 2]


def ends_in_zeros(body):
    return body[:-9000] + bytes(9000)


def nothing(body):
    return b""


def a_page(body):
    return b"<!doctype html>"


@pytest.mark.parametrize("damage", [cut, flipped, ends_in_zeros, nothing, a_page])
def test_a_damaged_file_in_the_cache_is_replaced_when_a_good_one_is_here(server, damage):
    damaged = put(damage(server.files["vgg19"]))
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
    assert cached() == {}
    assert socket.getdefaulttimeout() is None
    check_success(server)


CHILD = """
import sys
from torchvision.models import get_model_weights
from helpers import vgg
get_model_weights("vgg19").IMAGENET1K_V1.value.url = sys.argv[1]
vgg.VGG("torchvision-vgg19", device="cpu")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process(server):
    server.behaviour = silent_half_way
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, address()],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not any(cached().values()) and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL
    (left,) = checkpoints().iterdir()
    assert left.name.endswith(".partial")
    assert left.stat().st_size > 0
    server.behaviour = whole
    assert VGG("torchvision-vgg19", device="cpu").name == "torchvision-vgg19"
    assert left.exists(), "it may belong to a process that lives: it has grown within the hour"
    os.utime(left, (time.time() - 4000,) * 2)
    check_success(server)


def test_old_halves_go_even_if_the_download_fails_and_other_files_stay(server):
    put(b"damaged")
    other = checkpoints() / f"{place().name}.backup"
    put_old(old_half(), other)
    server.behaviour = forbidden
    check_failure("403", stays={place().name: b"damaged", other.name: b"half"})


def test_the_embedded_network_asks_no_server(server):
    server.behaviour = forbidden
    assert VGG(device="cpu").name == VGG(device="meta").name == "vgg19"
    assert not server.requests


def test_who_asks_for_torchvisions_network_gets_no_other(server):
    """Also where a GPU is at hand; "meta", which holds no numbers, takes its place here."""
    server.behaviour = forbidden
    for device in ("cpu", "meta"):
        with pytest.raises(OSError, match="403"):
            VGG("torchvision-vgg19", device=device)
