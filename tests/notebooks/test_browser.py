"""End to end, as a reader meets it: JupyterLab in a real browser, and pages without a network.

Optional, because it needs a browser: set NST_BROWSER=1, `pip install playwright`, and have a
Chromium (or say where it is: CHROMIUM=path).
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from do import COMMANDS
from tests.notebooks.chromium import ASKS_FOR_A_BROWSER
from tests.support import copy_project, run_python
from tools.site import build

PATIENCE = 120_000  # ms
pytestmark = ASKS_FOR_A_BROWSER
ERROR = "[data-mime-type='application/vnd.jupyter.error']"
PICTURES = ".jp-OutputArea-output img"
PAINTING = "img[alt^='the painting of the explorer']"
# In the browser: what a picture looks like, as text that changes with it.
LOOK = """image => {
    const canvas = document.createElement("canvas")
    canvas.width = canvas.height = 64
    canvas.getContext("2d").drawImage(image, 0, 0, 64, 64)
    return canvas.toDataURL()
}"""
IS_IDLE = """() => {
    const cells = document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")
    const prompts = [...cells].map(cell => cell.innerText)
    const idle = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
    return prompts.every(prompt => !prompt.includes("*"))
        && prompts.some(prompt => /[0-9]/.test(prompt)) && document.querySelector(idle)
}"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a copy")
    copy_project(folder)
    return folder


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def lab(project):
    """The address of a JupyterLab in a copy of the project, started as do.py starts it."""
    port = free_port()
    words = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token="]
    own_settings = {
        "NST_QUIET": "0",
        "JUPYTER_CONFIG_DIR": str(project / "build" / "config"),
        "JUPYTERLAB_WORKSPACES_DIR": str(project / "build" / "workspaces"),
    }
    server = subprocess.Popen(
        [sys.executable, *COMMANDS["lab"], *words, "--allow-root"],
        cwd=project,
        env={**os.environ, **own_settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(f"http://127.0.0.1:{port}/api")
    yield f"http://127.0.0.1:{port}/lab"
    server.terminate()
    server.wait(30)


def wait_for(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(address).read()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("JupyterLab does not answer")


def run_all(browser, address: str):
    """Open a notebook, clear it, run all its cells. Returns the page when no cell waits."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(address, timeout=PATIENCE)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE)
    for menu, item in (("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells")):
        page.click(f".lm-MenuBar-itemLabel:text-is('{menu}')")
        page.click(f".lm-Menu-itemLabel:text-is('{item}')")
        page.wait_for_timeout(3000)
        select = page.locator(".jp-Dialog button:has-text('Select')")
        if select.count():  # the menu was faster than the kernel
            select.click()
    page.wait_for_function(IS_IDLE, timeout=PATIENCE)
    return page


def test_opening_a_notebook_changes_nothing(browser, lab, project):
    """Also not when somebody saves it: JupyterLab has noted the language of the kernel by then."""
    path = project / "notebooks" / "00_start_here.ipynb"
    before = path.read_bytes()
    page = browser.new_page()
    page.goto(lab.removesuffix("/lab"), timeout=PATIENCE)  # as it opens by itself
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=PATIENCE)
    page.wait_for_timeout(3000)
    assert "/lab/tree/notebooks/00_start_here.ipynb" in page.url
    page.keyboard.press("Control+s")
    page.wait_for_timeout(3000)
    assert path.read_bytes() == before
    page.close()


def test_pictures_beside_the_folder_of_the_notebooks_are_shown(browser, lab, project):
    text = nbformat.v4.new_markdown_cell("![A house](../data/results/first_painting.jpg)")
    notebook = nbformat.v4.new_notebook(cells=[text, nbformat.v4.new_code_cell("1")])
    build.write(notebook, project / "notebooks" / "linked.ipynb")
    page = browser.new_page()
    page.goto(f"{lab}/workspaces/three/tree/notebooks/linked.ipynb", timeout=PATIENCE)
    shown = "[...document.querySelectorAll('img')].some(i => i.alt == 'A house' && i.naturalWidth)"
    page.wait_for_function(shown, timeout=PATIENCE)
    page.close()


def test_the_first_notebook_paints(browser, lab):
    page = run_all(browser, f"{lab}/workspaces/one/tree/notebooks/00_start_here.ipynb")
    with_pixels = "all => all.filter(image => image.naturalWidth > 50).length"
    assert page.eval_on_selector_all(PICTURES, with_pixels) >= 2
    assert page.locator(ERROR).count() == 0
    page.close()


def explorer_notebook(folder: Path) -> None:
    """Write a notebook of two cells: the setup, and the explorer."""
    panel = (
        "from helpers.explorer import Explorer\nfrom helpers.vgg import VGG\n\n"
        "explorer = Explorer(VGG())\nexplorer"
    )
    cells = [nbformat.v4.new_code_cell(source) for source in (build.setup_cell(), panel)]
    metadata = build.assemble("00_start_here").metadata
    build.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "panel.ipynb")


def test_the_explorer_paints_stops_and_looks_back(browser, lab, project):
    explorer_notebook(project / "notebooks")
    page = run_all(browser, f"{lab}/workspaces/two/tree/notebooks/panel.ipynb")

    def press(name: str) -> None:
        page.click(f"button.jupyter-button:text-is('{name}')", timeout=PATIENCE)

    def slider(name: str):
        return page.locator(f".widget-slider:has-text('{name}') [role=slider]").first

    def wait_for_words(words: str) -> None:
        page.wait_for_function(f"document.body.innerText.includes({words!r})", timeout=PATIENCE)

    steps = slider("steps")
    steps.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    press("Start")
    wait_for_words("Done after 30 of 30 evaluations")
    result = page.eval_on_selector(PAINTING, LOOK)
    slider("look back").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(1500)
    assert page.eval_on_selector(PAINTING, LOOK) != result, "looking back shows another"
    press("Save")
    wait_for_words("Saved: ")
    assert list((project / "notebooks" / "outputs").glob("ours_*.png"))
    press("Start")
    page.wait_for_timeout(300)
    press("Stop")
    wait_for_words("Stopped after")
    assert page.locator(ERROR).count() == 0
    page.close()


def test_pages_need_no_network(browser, project):
    """No broken picture, each with a description, formulas that are set, and no request outside."""
    words = ["00_start_here", "03_gram_matrices"]
    code = "import sys\nfrom tools.site.run import main\nsys.exit(main(sys.argv[1:]))"
    process = run_python(code, *words, cwd=project)
    assert process.returncode == 0, process.stdout + process.stderr
    requests = []
    page = browser.new_page()
    page.on("request", lambda request: requests.append(request.url))
    broken = "all => all.filter(image => !image.complete || !image.naturalWidth).length"
    undescribed = "all => all.filter(image => !image.alt).length"
    for path in sorted((project / "build").glob("**/*.html")):
        page.goto(path.as_uri())
        assert page.eval_on_selector_all("img", broken) == 0, path.name
        assert page.eval_on_selector_all("img", undescribed) == 0, path.name
        text = page.inner_text("body")
        assert not re.search(r"\$\$|\\frac|\\sum", text), f"{path.name}: a formula was not set"
    page.goto((project / "build" / "03_gram_matrices.html").as_uri())
    assert page.locator("math").count()
    page.close()
    assert requests
    assert not [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
