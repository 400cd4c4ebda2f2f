"""What this project never does: load pickles that can run, run strings, write elsewhere."""

import ast
import re
import subprocess

import pytest

from helpers.weights import SHA256
from tests.support import ROOT
from tools.endings import Mistake
from tools.pictures import results
from tools.pictures.styles import __main__ as styles
from tools.site import build, run

CODE = [
    ROOT / "do.py",
    *sorted(ROOT.glob("helpers/*.py")),
    *sorted(ROOT.glob("tools/**/*.py")),
    *sorted(ROOT.glob("notebooks/src/*.py")),
]
RUNS_STRINGS = ("os.system", "os.popen", "eval", "exec")
PICKLES = r"(pickle|dill|joblib|shelve|marshal)\.\w+|(np|numpy)\.load"
DOWNLOADS = r"(torch\.hub\.)?(load_state_dict_from_url|download_url_to_file)"


def calls(source):
    """Every call in a source as (its name, dotted; the node)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(node, name):
    """What a call says of a keyword, as text; None, if it does not say it."""
    for word in node.keywords:
        if word.arg == name:
            return ast.unparse(word.value)
    return None


def is_text(node):
    return isinstance(node, ast.JoinedStr | ast.Constant | ast.BinOp)


def danger(name, node):
    """What is wrong with a call, or None."""
    if name == "torch.load" and keyword(node, "weights_only") != "True":
        return "reads a pickle that may run code"
    if name.endswith("get_state_dict") and keyword(node, "weights_only") != "True":
        return "downloads a pickle that may run code"
    if name.endswith("get_state_dict") and keyword(node, "check_hash") != "True":
        return "downloads what nobody checks"
    if re.fullmatch(DOWNLOADS, name):
        return "downloads beside helpers.weights"
    if re.fullmatch(PICKLES, name):
        return "reads or writes pickles"
    if name in RUNS_STRINGS or keyword(node, "shell") == "True":
        return "runs a string"
    if name.startswith("subprocess.") and node.args and is_text(node.args[0]):
        return "runs a command given as one string"
    return None


def dangers(source):
    return [
        f"line {node.lineno}: {name} {danger(name, node)}"
        for name, node in calls(source)
        if danger(name, node)
    ]


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_call_is_dangerous(path):
    assert dangers(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "record.get_state_dict(check_hash=True)",
        "record.get_state_dict(weights_only=True)",
        "torch.hub.load_state_dict_from_url(url, weights_only=True)",
        "pickle.load(f)",
        "numpy.load(p, allow_pickle=True)",
        "os.system('ls ' + name)",
        "subprocess.run(f'git clone {url}', shell=True)",
        "subprocess.run(f'git {word}')",
        "eval(text)",
    ],
)
def test_a_dangerous_call_would_be_noticed(line):
    assert len(dangers(line)) == 1


@pytest.mark.parametrize("main", [build.main, run.main, results.main, styles.main])
@pytest.mark.parametrize("name", ["../x", "../../x", "/tmp/x", "a/../../x"])
def test_tools_refuse_names_that_leave_their_folder(main, name):
    """The tools that write files by name take names from their own lists only."""
    with pytest.raises((SystemExit, Mistake)) as caught:
        main([name])
    assert str(caught.value) not in ("", "0"), "a refusal is a failure"


def test_no_weights_but_those_that_may_be_passed_on():
    """Weights of others, and weights that somebody trained here, are not for a clone."""
    try:
        listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no git")
    if listing.returncode:
        pytest.skip("not a git checkout")
    endings = (".safetensors", ".pth", ".pt", ".ckpt", ".h5", ".t7")
    weights = {ROOT / name for name in listing.stdout.splitlines() if name.endswith(endings)}
    assert weights == set(SHA256)
