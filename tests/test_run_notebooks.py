"""tools/run_notebooks.py runs what is there, shows it without the network, and says what failed."""

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import pages  # noqa: E402
import run_notebooks  # noqa: E402

SHOW = """import base64, io
from IPython.display import display
from PIL import Image
def show(colour, alt, **more):
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, "JPEG")
    data = {"image/jpeg": base64.b64encode(file.getvalue()).decode(), "text/plain": "<picture>"}
    display(data, metadata={"image/jpeg": {"alt": alt, **more}}, raw=True)"""
PROSE = r"""# Paint the *first* picture

[![Open in the cloud](https://example.org/badge.svg)](https://example.org/cloud)

**You will do** a picture without any paint. There is more to say.

![A grey square](../data/grey.png)

The matrix $G_{ij} = \sum_k F_{ik} F_{jk}$ costs `$5`, then [the next](02_second.ipynb#end), [a file](../data/grey.png):

$$\begin{aligned} \mathcal{L} &= \alpha \lVert F \rVert^2 \\ &\approx 0 \end{aligned}$$

<script src="https://example.org/x.js"></script><iframe src="https://example.org/"></iframe>

<details><summary>Hint</summary>

It is **bold** in here.

</details>
"""


def save(folder, name, *cells):
    """Write a notebook: text that starts with a heading or a word is prose, (code, tags) pairs are code."""
    made = [
        new_markdown_cell(cell) if isinstance(cell, str) else new_code_cell(cell[0], metadata={"tags": list(cell[1:])})
        for cell in cells
    ]
    (folder / "notebooks").mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=made), folder / "notebooks" / f"{name}.ipynb")


def run(root, *words):
    """Run the notebooks under a folder as the command does. Returns the exit code and what was printed."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = run_notebooks.main(list(words), root)
    return code, said.getvalue()


def soup(path):
    """Return a page for looking into it."""
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Four notebooks, run once: a good one, one that fails, one whose kernel dies, a good one."""
    root = tmp_path_factory.mktemp("series")
    (root / "data").mkdir()
    Image.new("L", (20, 20), 128).save(root / "data" / "grey.png")
    painting = "show('teal', 'Teal \"quotes\" & all', caption='After 3 steps'); show('navy', 'A navy field')"
    save(root, "01_first", PROSE, (SHOW,), ("show('red', 'no painting')",), (painting, "painting"), ("",), ("1/2",))
    save(
        root, "02_second", "# Fail\n\nText.", ("1 + 1",), ("raise ValueError('line one\\nthe last line')",), ("2 + 2",)
    )
    path = root / "notebooks" / "02_second.ipynb"
    committed = nbformat.read(path, 4)
    committed.cells[3].outputs = [new_output("stream", text="from a run long ago")]
    nbformat.write(committed, path)
    save(root, "03_third", "# Die", ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)",))
    save(root, "04_fourth", "No heading.", (SHOW,), ("show('red', 'red')",), ("show('blue', 'blue')",))
    before = {path: path.read_bytes() for path in (root / "notebooks").iterdir()}
    start = time.monotonic()
    code, said = run(root)
    return {"root": root, "build": root / "build", "code": code, "said": said, "before": before, "start": start}


def test_failures_are_named_and_the_run_goes_on(series):
    assert series["code"] == 1
    assert "01_first, 4 cells" in series["said"] and "04_fourth, 3 cells" in series["said"]
    assert "02_second failed in cell 2: ValueError: the last line" in series["said"]
    assert "03_third failed in cell 1: the kernel died" in series["said"]
    assert series["said"].rstrip().endswith((series["build"] / "index.html").as_uri())


def test_dead_kernel_is_noticed_soon(series):
    assert json.loads((series["build"] / "results.json").read_text())["03_third"]["seconds"] < 20


def test_committed_notebooks_are_not_touched(series):
    assert series["before"] == {path: path.read_bytes() for path in (series["root"] / "notebooks").iterdir()}


def test_failed_page_has_the_traceback_and_no_old_output(series):
    page = soup(series["build"] / "02_second.html")
    assert "the last line" in page.select_one(".output_error").text
    assert "stopped in cell 2" in page.select_one(".notice.failed").text
    assert "long ago" not in page.text


def test_pages_ask_nothing_of_the_network(series):
    loading = "script[src], link[href], img[src], iframe[src], source[src], video[src], audio[src], object[data]"
    for path in series["build"].glob("*.html"):
        page = soup(path)
        for tag in page.select(loading):
            address = tag.get("src") or tag.get("href") or tag.get("data")
            assert address.startswith(("data:", "pictures/")), f"{path.name} loads {address[:80]}"
        assert not re.search(r"@import|url\(", " ".join(style.text for style in page.select("style")))


def test_formulas_become_mathml(series):
    page = soup(series["build"] / "01_first.html")
    inline, block = page.select("math")
    assert inline["display"] == "inline" and "∑" in inline.text
    assert block["display"] == "block" and "&" not in block.text and len(block.select("mtr")) == 2
    assert "$5" in [code.text for code in page.select("p > code")]
    assert "$$" not in page.text


@pytest.mark.parametrize("tex", [r"\frac{a}{", r"\begin{cases} a", "{"])
def test_broken_formula_stays_readable(tex):
    assert BeautifulSoup(pages.formula(tex), "html.parser").text.strip()


@pytest.mark.parametrize(
    ("tex", "sign"), [(r"x \in \mathbb R^{3}", "ℝ"), (r"\hat{x}", "^"), (r"\partial", "∂"), (r"a &lt; b", "<")]
)
def test_signs_of_formulas(tex, sign):
    assert sign in BeautifulSoup(pages.formula(tex), "html.parser").text


def test_links_and_pictures_are_found_from_the_page(series):
    page = soup(series["build"] / "01_first.html")
    links = {link.text: link["href"] for link in page.select(".page a")}
    assert links["the next"] == "02_second.html#end" and links["a file"] == "../data/grey.png"
    assert page.select_one("img[alt='A grey square']")["src"].startswith("data:image/png")
    assert links["Open in the cloud"] == "https://example.org/cloud"
    assert page.select_one("details strong").text == "bold"
    assert page.select_one(".turn .after")["href"] == "02_second.html"


def test_gallery_shows_the_paintings(series):
    figures = soup(series["build"] / "index.html").select("figure")
    alts = [figure.img["alt"] for figure in figures]
    assert alts == ['Teal "quotes" & all', "A navy field", "blue"]
    assert figures[0].figcaption.text.startswith("After 3 steps")
    assert [figure.a["href"] for figure in figures] == ["01_first.html", "01_first.html", "04_fourth.html"]
    assert Image.open(series["build"] / figures[0].img["src"]).size == (60, 40)


def test_pictures_of_a_page_keep_their_alt_text(series):
    alts = [image["alt"] for image in soup(series["build"] / "01_first.html").select(".output_jpeg img")]
    assert alts == ["no painting", 'Teal "quotes" & all', "A navy field"]


def test_index_lists_the_notebooks(series):
    rows = soup(series["build"] / "index.html").select(".contents li")
    assert [row.a.text for row in rows] == ["Paint the first picture", "Fail", "Die", "04_fourth"]
    assert rows[0].p.text == "A picture without any paint."
    assert "ValueError: the last line" in rows[1].select_one(".why").text
    assert re.fullmatch(r"\d+ s", rows[0].select_one(".time").text)


def test_next_run_replaces_and_removes(series, tmp_path, monkeypatch):
    """A notebook that is gone leaves nothing, one that is named is run alone, and the kernel is this Python's."""
    decoy = {"argv": ["false"], "display_name": "decoy", "language": "python"}
    (tmp_path / "kernels" / "python3").mkdir(parents=True)
    (tmp_path / "kernels" / "python3" / "kernel.json").write_text(json.dumps(decoy))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    root, build = series["root"], series["build"]
    (root / "notebooks" / "04_fourth.ipynb").unlink()
    save(root, "03_third", "# Live", ("import sys, os; print(sys.executable, os.getcwd())",))
    save(root, "05_new", "# Wait", ("1",))
    code, said = run(root, "03")
    assert code == 0 and "01_first" not in said, said
    assert f"{sys.executable} {root / 'notebooks'}" in soup(build / "03_third.html").text
    assert not (build / "04_fourth.html").exists() and not list((build / "pictures").glob("04*"))
    assert [row.a.text for row in soup(build / "index.html").select(".contents li")][2:] == ["Live", "Wait"]
    assert "not run" in soup(build / "index.html").select(".contents .time")[3].text
    assert "has not been run yet" in soup(build / "05_new.html").text
    assert not list(build.rglob("*.new"))


def test_unknown_name_is_refused(series):
    with pytest.raises(SystemExit, match="There is no notebook 77; there are: 01_first"):
        run(series["root"], "77")


def test_long_cell_is_stopped_and_widgets_count(tmp_path):
    """A cell that does not end fails, and so does an error inside a widget, which the kernel itself calls a success."""
    save(tmp_path, "01_slow", "# Slow", ("import time; time.sleep(60)",))
    widget = "from ipywidgets import interact\nprint('x')\ninteract(lambda x: print(1 / x), x={})"
    save(tmp_path, "02_widgets", "# Widgets", (widget.format("(1, 3)"),), (widget.format("[0, 1]"),), ("3",))
    out = tmp_path / "other place"
    code, said = run(tmp_path, "--timeout", "2", "--out", str(out))
    assert code == 1 and not (tmp_path / "build").exists()
    assert "01_slow failed in cell 1: the cell did not end within 2 s" in said
    assert "02_widgets failed in cell 2: ZeroDivisionError: division by zero" in said
    page = soup(out / "02_widgets.html")
    assert "0.5" in page.text and "a widget: run this notebook" in page.text and "IntSlider" not in page.text


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_interrupt_keeps_what_was_finished(tmp_path):
    save(tmp_path, "01_done", "# Done", ("print('finished')",))
    save(tmp_path, "02_long", "# Long", ("import os; open('pid', 'w').write(str(os.getpid()))",), ("while True: pass",))
    code = "import pathlib, sys; sys.path.insert(0, sys.argv[1]); import run_notebooks as run; "
    code += "sys.exit(run.main([], pathlib.Path(sys.argv[2])))"
    command = [sys.executable, "-c", code, str(ROOT / "tools"), str(tmp_path)]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    pid = tmp_path / "notebooks" / "pid"
    while not (pid.exists() and pid.read_text()):
        assert work.poll() is None, work.communicate()
        time.sleep(0.05)
    time.sleep(0.3)
    work.send_signal(signal.SIGINT)
    said, errors = work.communicate(timeout=20)
    assert work.returncode == 130 and "Stopped by you" in said and "index.html" in said, said + errors
    assert "Traceback" not in errors, errors
    assert "finished" in soup(tmp_path / "build" / "01_done.html").text
    times = [time.text for time in soup(tmp_path / "build" / "index.html").select(".time")]
    assert times[0].endswith(" s") and times[1] == "not run"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_time_left_comes_from_the_last_run_or_from_this_one(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(run_notebooks.time, "monotonic", lambda: now[0])
    progress = run_notebooks.Progress({"a": [10.0, 20.0], "b": [None, None]})
    progress.at("a", 1)
    assert progress.left() is None
    now[0] += 12
    progress.at("a", 2)
    now[0] += 5
    assert progress.left() == pytest.approx(20 + 2 * 12 - 5)
    now[0] += 95
    assert progress.left() == pytest.approx(2 * 12)
    assert "notebook 1 of 2, a, cell 2 of 2" in progress.place
    known = run_notebooks.Progress({"a": [10.0, 20.0]})
    known.at("a", 1)
    now[0] += 100
    assert known.left() == 20


def test_plain_progress_is_a_line_now_and_then(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(run_notebooks.time, "monotonic", lambda: now[0])
    progress = run_notebooks.Progress({"a": [100.0]})
    progress.at("a", 1)
    for _ in range(80):
        now[0] += 0.5
        progress.show()
    said = capsys.readouterr().out
    first = "notebook 1 of 1, a, cell 1 of 1, 0:15, about 1:25 left"
    assert said.splitlines() == [first, first.replace("0:15", "0:30").replace("1:25", "1:10")]
    assert "\r" not in said


def test_animations_and_own_alt_texts(tmp_path):
    gif = base64.b64encode(b"GIF89a").decode()
    output = new_output("display_data", {"image/gif": gif, "text/plain": "x"}, metadata={"image/gif": {"alt": 'a "b"'}})
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[output])])
    image = BeautifulSoup(pages.render(notebook, tmp_path, tmp_path), "html.parser").img
    assert image["alt"] == 'a "b"' and image["src"] == f"data:image/gif;base64,{gif}"
