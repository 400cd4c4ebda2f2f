"""Planted faults: each must make the suite fail. `python tests/mutants.py [name ...]` plants them one by one.

A fault is (file, what stands there, what stands there instead, the tests that are run). It is planted in a copy of the
project; the project itself is never touched. The tests of every run plant a few of them, and check that the others
could be planted (tests/test_mutants.py).
"""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
T, V, P, S = "helpers/transfer.py", "helpers/vgg.py", "helpers/images.py", "helpers/show.py"
R, C, FAST, W = "helpers/recipes.py", "helpers/check.py", "helpers/fast.py", "helpers/weights.py"
NB = "notebooks/03_gram_matrices.ipynb"
NB_SOURCE = "notebooks/src/03_gram_matrices.py"


def blank(text):
    """The first picture of a notebook, all white."""
    from PIL import Image

    def white(match):
        buffer = io.BytesIO()
        Image.new("RGB", Image.open(io.BytesIO(base64.b64decode(match[1]))).size, "white").save(buffer, "JPEG")
        return f'"image/jpeg": "{base64.b64encode(buffer.getvalue()).decode()}"'

    return re.sub(r'"image/jpeg": "([\w+/=]+)(?:\\n)?"', white, text, count=1)


MUTANTS = {
    # the method
    "Gram without transpose": (T, "return products(flat) / flat.shape[1]", "return flat * flat.mean()", "test_transfer"),
    "Gram of the wrong axis": (T, "return products(flat) / flat.shape[1]", "return products(flat.T) / len(flat)", "test_transfer"),
    "Gram not divided": (T, "return products(flat) / flat.shape[1]", "return products(flat)", "test_transfer"),
    "loss without its unit": (T, " / target.square().sum().clamp_min(1e-12)", "", "test_transfer"),
    "missing detach": (T, "self.last = image.detach().clone()", "self.last = image.clone()", "test_transfer"),
    "aliased start": (T, "self.via, (self.variables, self.picture) = via, via(self.best)", "self.via, self.variables, self.picture = via, [start.detach().requires_grad_()], lambda: self.variables[0]", "test_transfer"),
    "total variation on one axis": (T, "across.square().mean() + down.square().mean()", "across.square().mean()", "test_transfer"),
    "fence that pushes inside": (T, "(image - image.clamp(0, 1)).square()", "image.square()", "test_transfer"),
    "fence without force": (T, "FENCE = 100 ", "FENCE = 1 ", "test_recipes"),
    "clamp in the closure": (T, '"fence" if method == "lbfgs" else "clamp"', '"closure"', "test_transfer"),
    "clamp never": (T, "            self.picture().clamp_(0, 1)", "            pass", "test_transfer"),
    "one evaluation too many": (T, "if len(self.history) >= self.steps:", "if len(self.history) > self.steps:", "test_transfer"),
    "NaN not noticed": (T, "if not math.isfinite(total):", "if False:", "test_transfer"),
    "early stop": (T, '"tolerance_grad": 0, "tolerance_change": 0', '"tolerance_grad": 1e-1, "tolerance_change": 1e-1', "test_transfer"),
    # speed
    "half a gradient": (FAST, "both = (gradient + gradient.T)", "both = (2 * gradient)", "test_fast"),
    "gradient against the grain": (FAST, "if flat.stride(0) == 1 else", "if False else", "test_fast"),
    "sums rounded to bfloat16": (FAST, "parts.transpose(1, 2)).float().sum(0)", "parts.transpose(1, 2)).sum(0).float()", "test_fast"),
    "rest of the places forgotten": (FAST, " + rest @ rest.T", "", "test_fast"),
    "half precision everywhere": (FAST, 'return torch.float32, "this processor has no units for bfloat16"', 'return torch.bfloat16, "this processor has no units for bfloat16"', "test_fast"),
    "float16 without its scale": (FAST, "scale = torch.exp2(torch.ceil(torch.log2(largest)))", "scale = torch.ones_like(largest)", "test_fast"),
    "rounded digits called exact": (FAST, "if before not in (torch.float32, kind):", "if False:", "test_fast"),
    "flat pyramid": (FAST, "GREY = (1.0, 0.7, 0.5, 0.35, 0.25)", "GREY = (1.0, 0.0, 0.0, 0.0, 0.0)", "test_fast"),
    "no first step": (FAST, "reach: float = 0.01", "reach: float = 0.0", "test_fast"),
    "colours of the photo": (FAST, "+ other.mean(1, keepdim=True)", "+ one.mean(1, keepdim=True)", "test_fast"),
    "peer's loss without its weight": ("tools/bench.py", 'return TUTORIAL["weight"] * wrong', "return wrong", "test_bench"),
    "floor forgets the way back": ("tools/bench.py", "total += 2 * 9 *", "total += 9 *", "test_bench"),
    "our time without the start": ("tools/bench.py", "return step + 1, times[step]", "return step, times[step]", "test_bench"),
    # the network
    "in-place ReLU": (V, "nn.ReLU(inplace=False)", "nn.ReLU(inplace=True)", "test_vgg"),
    "wrong mean": (V, "(0.485, 0.456, 0.406)", "(0.406, 0.456, 0.485)", "test_vgg"),
    "missing std": (V, "(0.229, 0.224, 0.225)", "(1.0, 1.0, 1.0)", "test_vgg"),
    "conv for relu": (V, 'names += [f"conv{block}_{i}", f"relu{block}_{i}"]', 'names += [f"relu{block}_{i}", f"conv{block}_{i}"]', "test_vgg"),
    "wrong pooling": (V, '"avg": nn.AvgPool2d', '"avg": nn.MaxPool2d', "test_vgg"),
    "wrong layer": (V, "                features[name] = x\n", "                features[name] = x if name[-1] != '1' else x * 0\n", "test_vgg"),
    "weights not frozen": (V, "self.requires_grad_(False)", "self.requires_grad_(True)", "test_vgg"),
    "pickle that may run": (W, 'torch.load(path, "cpu", weights_only=True)', 'torch.load(path, "cpu", weights_only=False)', "test_security"),
    "hash not checked": (W, "if path in SHA256 and _sha256(path)", "if False and _sha256(path)", "test_vgg"),
    "factors of the inputs left in": (V, "            before = factors[name]", "            pass", "test_vgg"),
    "factors forgotten for biases": (V, "            conv.bias.mul_(factors[name])", "            pass", "test_vgg"),
    "normalised in name only": (V, "            _normalise(self.layers)", "            pass", "test_vgg"),
    "torchvision's weights for the original": (W, 'return "vgg19", read_weights(ORIGINAL)', 'return "vgg19", _download("torchvision-vgg19")', "test_download"),
    # recipes
    "targets recomputed each step": (R, "value = error(of(found[name]), target,", "value = error(of(found[name]), of(self._features(image, [name])[name]) * 0 + target,", "test_recipes"),
    "Caffe as RGB": (R, ".view(1, 3, 1, 1)).flip(1)", ".view(1, 3, 1, 1))", "test_recipes"),
    "a digit of a recipe": ("data/recipes.toml", "content = { relu5_2 = 1e4 }", "content = { relu5_2 = 2e4 }", "test_recipes"),
    "a layer of a recipe": ("data/recipes.toml", "content = { conv2_2 = 1.0 }", "content = { conv3_2 = 1.0 }", "test_recipes"),
    # pictures
    "photo on its side": (P, "ImageOps.exif_transpose(image)", "image", "test_images"),
    "transparency on black": (P, 'Image.new("RGBA", image.size, "white")', 'Image.new("RGBA", image.size, "black")', "test_images"),
    "half a file": (P, "os.replace(beside, path)", "path.write_bytes(content)", "test_images"),
    "picture from outside": (P, "if not path.is_relative_to(DATA):", "if False:", "test_security"),
    "bomb let through": (P, "if image.width * image.height > MAX_PIXELS:", "if False:", "test_images"),
    "film backwards": (S, "append_images=tiles[1:]", "append_images=tiles[:0:-1]", "test_show"),
    "picture without description": (S, "if not isinstance(alt, str) or len(alt) < 20:", "if False:", "test_show"),
    # exercises and notebooks
    "check that never raises": (C, "    if wrong.any():", "    if False:", "test_check"),
    "solution that differs from its spec": (NB_SOURCE, "return flat @ flat.transpose(1, 2) / flat.shape[2]", "return flat @ flat.transpose(1, 2)", "test_notebooks"),
    "source that was not built": (NB_SOURCE, "# **Exercise 1**", "# **Exercise One**", "test_notebooks"),
    "stub that holds the answer": ("tools/build_notebooks.py", "raise NotImplementedError  # your turn", "pass", "test_notebooks"),
    "digit of a stored output": (NB, "24 of 24 orders", "23 of 24 orders", NB),
    "marker misspelled": (NB, "# NBVAL_CHECK_OUTPUT", "# NBVAL_CHEK_OUTPUT", "test_notebooks"),
    "blank picture": (NB, None, blank, "test_notebooks"),
    "broken link": (NB, "(04_texture_from_statistics.ipynb)", "(04_textures.ipynb)", "test_notebooks"),
    "another function than the helper's": (NB_SOURCE, "def gram_matrix(", "def gram(", "test_drift"),
    # the project
    "digit of a hash": ("data/images.toml", 'sha256 = "9', 'sha256 = "0', "test_drift"),
    "another bound for conda": ("environment.yml", "nbval >=0.11", "nbval >=0.10", "test_drift"),
    "upper bound": ("pyproject.toml", '"ruff>=0.6"', '"ruff==0.6"', "test_project"),
}  # fmt: skip


def planted(name):
    """The text of the faulty file; AssertionError where the place to plant it is not there."""
    file, old, new, _ = MUTANTS[name]
    text = (ROOT / file).read_text(encoding="utf-8")
    changed = new(text) if old is None else text.replace(old, new, 1)
    assert changed != text, f"{name}: {file} does not hold {old!r}"
    return changed


def copy(folder):
    """What git would clone, as it is here now."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for file in listed.stdout.splitlines():
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, folder / file)


def caught(name, folder):
    """Plant one fault in a copy, run its tests, take the fault out again -> the first test that failed, or None."""
    file, _, _, tests = MUTANTS[name]
    whole = (folder / file).read_text(encoding="utf-8")
    (folder / file).write_text(planted(name), encoding="utf-8")
    try:
        words = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", tests if "/" in tests else f"tests/{tests}.py"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=folder, env=environment, capture_output=True, text=True)  # fmt: skip
    finally:
        (folder / file).write_text(whole, encoding="utf-8")
    assert run.returncode in (0, 1, 2), run.stdout + run.stderr
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.M)
    return found[1] if found else None


def main(names):
    survivors = []
    with tempfile.TemporaryDirectory() as place:
        copy(Path(place))
        for name in names or MUTANTS:
            begin, test = time.monotonic(), caught(name, Path(place))
            survivors += [] if test else [name]
            print(
                f"{time.monotonic() - begin:5.1f} s  {name}: {'caught by ' + test if test else 'SURVIVED'}", flush=True
            )
    print(f"{len(names or MUTANTS) - len(survivors)} of {len(names or MUTANTS)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
