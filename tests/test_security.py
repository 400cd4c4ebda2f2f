"""What this project never does, read from its own code: load pickles that can run, write elsewhere, build shell strings."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from helpers import images
from helpers.images import load
from tools import build_notebooks, make_results

ROOT = Path(__file__).resolve().parent.parent
CODE = [*ROOT.glob("helpers/*.py"), *ROOT.glob("tools/*.py"), ROOT / "do.py", *ROOT.glob("notebooks/src/*.py")]


def calls(path):
    """Every call in a file as (its name, dotted; the node)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(node, name):
    return next((ast.unparse(word.value) for word in node.keywords if word.arg == name), None)


def unsafe(name, node):
    """What is wrong with a call, or None."""
    if name in ("torch.load", "load_state_dict_from_url") and keyword(node, "weights_only") != "True":
        return "reads a pickle that may run code"
    if re.fullmatch(r"(pickle|dill|joblib|shelve|marshal)\.\w+|np\.load|numpy\.load", name):
        return "reads or writes pickles"
    if name in ("os.system", "os.popen", "eval", "exec") or keyword(node, "shell") == "True":
        return "runs a string"
    if (
        name.startswith("subprocess.")
        and node.args
        and isinstance(node.args[0], (ast.JoinedStr, ast.Constant, ast.BinOp))
    ):
        return "runs a command given as one string"
    return None


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_call_is_unsafe(path):
    assert [
        f"line {node.lineno}: {name} {unsafe(name, node)}" for name, node in calls(path) if unsafe(name, node)
    ] == []


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pickle.load(f)",
        "numpy.load(p, allow_pickle=True)",
        "os.system('ls ' + name)",
        "subprocess.run(f'git clone {url}', shell=True)",
        "subprocess.run(f'git {word}')",
        "eval(text)",
    ],
)
def test_unsafe_calls_would_be_noticed(line, tmp_path):
    (tmp_path / "a.py").write_text(line)
    assert [unsafe(name, node) for name, node in calls(tmp_path / "a.py") if unsafe(name, node)]


def test_addresses_are_https():
    """Every address in code that fetches something; what is only named (a schema, a licence) stays as it is."""
    for path in [*CODE, ROOT / "data" / "images.toml", ROOT / ".ci" / "run"]:
        found = re.findall(r"\b(?:http|ftp)://[^\s\"')]+", path.read_text(encoding="utf-8"))
        assert not [a for a in found if not re.match(r"http://(www\.w3\.org|localhost|127\.0\.0\.1)", a)], path


def test_downloads_carry_a_hash():
    """torchvision's records name the hash in the file's name, and the download asks for its check."""
    text = (ROOT / "helpers" / "weights.py").read_text(encoding="utf-8")
    assert "check_hash=True" in text and "weights_only=True" in text
    torchvision = pytest.importorskip("torchvision")
    for name in ("vgg16", "vgg19"):
        url = torchvision.models.get_model_weights(name).IMAGENET1K_V1.url
        assert re.fullmatch(r"https://.*-[0-9a-f]{8}\.pth", url)


@pytest.mark.parametrize("place", ["../x.jpg", "/etc/passwd", "content/../../../x.png", "style/../../../../tmp/x"])
def test_a_manifest_cannot_point_outside(monkeypatch, place):
    entry = {"file": place, "title": "A trap", "source": "https://example.org", "sha256": "0" * 64, "kind": "content"}
    monkeypatch.setattr(images, "manifest", lambda: {"trap": entry})
    with pytest.raises(ValueError, match="outside data/"):
        load("trap")


@pytest.mark.parametrize("name", ["../x", "../../x", "/tmp/x", "a/../../x"])
def test_tools_refuse_names_that_leave_their_folder(name):
    """The tools that write files by name take names from their own lists only."""
    with pytest.raises(SystemExit):
        make_results.main([name])
    with pytest.raises(SystemExit):
        build_notebooks.main([name])


def test_private_pictures_never_enter():
    """No weights but the two files that may be passed on, and nothing of folders that are for local checks only."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not files:
        pytest.skip("not a git checkout")
    assert not [f for f in files if re.search(r"train-images|teacher|blocks1-3|se16x", f)]
