"""End to end, as a reader meets it: JupyterLab in a real browser, and the built pages without a network.

Optional, because it needs a browser: NST_BROWSER=1, `pip install playwright`, and a Chromium (or CHROMIUM=path).
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.mutants import copy

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    os.environ.get("NST_BROWSER") != "1" or not CHROMIUM, reason="NST_BROWSER=1 and a Chromium ask for this"
)
PATIENCE = 120_000  # ms


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a copy")
    copy(folder)
    return folder


@pytest.fixture(scope="module")
def lab(project):
    """JupyterLab in a copy of the project -> its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    words = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=", "--allow-root"]
    environment = {**os.environ, "NST_QUIET": "0", "JUPYTER_CONFIG_DIR": str(project / "build" / "config")}
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(project / "build" / "workspaces")  # nobody's open notebooks
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words], cwd=project / "notebooks", env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api").read()
            break
        except OSError:
            time.sleep(0.5)
    yield f"http://127.0.0.1:{port}/lab"
    server.terminate()
    server.wait(30)


def run_all(browser, address):
    """Open a notebook, clear it, run all its cells -> the page, when no cell is waiting any more."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(address, timeout=PATIENCE)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=PATIENCE)
    for menu, item in (("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells")):
        page.click(f".lm-MenuBar-itemLabel:text-is('{menu}')")
        page.click(f".lm-Menu-itemLabel:text-is('{item}')")
        page.wait_for_timeout(3000)
        if page.locator(".jp-Dialog button:has-text('Select')").count():  # the menu was faster than the kernel
            page.click(".jp-Dialog button:has-text('Select')")
    prompts = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(p => p.innerText)"
    page.wait_for_function(
        f"{prompts}.every(p => !p.includes('*')) && {prompts}.some(p => /[0-9]/.test(p)) &&"
        " document.querySelector(\".jp-Notebook-ExecutionIndicator[data-status='idle']\")",
        timeout=PATIENCE,
    )
    return page


def pictures(page):
    """Sources of the pictures in outputs that really have pixels."""
    return page.eval_on_selector_all(
        ".jp-OutputArea-output img, .widget-image",
        "all => all.filter(i => i.naturalWidth > 50).map(i => i.src.length + i.src.slice(-40))",
    )


def test_the_first_notebook_paints(browser, lab):
    page = run_all(browser, f"{lab}/workspaces/one/tree/00_start_here.ipynb")
    page.wait_for_function("document.querySelectorAll('.jp-OutputArea-output img').length >= 2", timeout=PATIENCE)
    assert len(pictures(page)) >= 2
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    page.close()


def explorer_notebook(project):
    """Notebook 08 without its lessons: the setup, a network, and the six cells of the panel."""
    import nbformat

    sys.path.insert(0, str(ROOT / "tools"))
    import build_notebooks as build

    whole = build.assemble("08_recipes_and_knobs")
    cells = [c for c in whole.cells if {"setup", "explorer"} & set(c.metadata.get("tags", []))]
    cells.insert(1, nbformat.v4.new_code_cell("from helpers.vgg import VGG\n\nvgg = VGG()"))
    build.write(nbformat.v4.new_notebook(cells=cells, metadata=whole.metadata), project / "notebooks" / "panel.ipynb")


def test_the_explorer_paints_stops_and_looks_back(browser, lab, project):
    explorer_notebook(project)
    page = run_all(browser, f"{lab}/workspaces/two/tree/panel.ipynb")
    page.wait_for_selector("button.jupyter-button:text-is('Start')", timeout=PATIENCE)

    def says(words):
        page.wait_for_function(f"document.body.innerText.includes({words!r})", timeout=PATIENCE)

    def picture():
        return page.eval_on_selector(".widget-image", "i => i.src.slice(0, 5) + i.naturalWidth + fetchable(i)")

    page.evaluate(
        "() => { window.fetchable = i => { const c = document.createElement('canvas'); c.width = c.height = 64;"
        " c.getContext('2d').drawImage(i, 0, 0, 64, 64); return c.toDataURL() } }"
    )
    steps = page.locator(".widget-slider:has-text('steps') [role=slider]").first
    before = steps.get_attribute("aria-valuenow")
    steps.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert steps.get_attribute("aria-valuenow") != before, "a slider that does not move"
    page.click("button.jupyter-button:text-is('Start')")
    says("Done after 30 of 30 evaluations")
    done = picture()
    back = page.locator(".widget-slider:has-text('look back') [role=slider]").first
    back.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(1500)
    assert picture() != done, "looking back shows another picture"
    page.click("button.jupyter-button:text-is('Save')")
    says("Saved: ")
    assert list((project / "notebooks" / "outputs").glob("ours_*.png"))
    page.click("button.jupyter-button:text-is('Start')")
    page.wait_for_timeout(300)
    page.click("button.jupyter-button:text-is('Stop')")
    says("Stopped after")
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    page.close()


def test_pages_need_no_network(browser, project):
    """Built pages: no broken picture, formulas as MathML, and not one request that leaves the machine."""
    run = subprocess.run(
        [sys.executable, "tools/run_notebooks.py", "00_start_here", "03_gram_matrices"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    asked = []
    for path in sorted((project / "build").glob("**/*.html")):
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        broken = "all => all.filter(i => !i.complete || i.naturalWidth == 0).map(i => i.src.slice(0, 80))"
        assert page.eval_on_selector_all("img", broken) == [], path.name
        assert page.eval_on_selector_all("img", "all => all.filter(i => !i.alt).length") == 0, path.name
        text = page.inner_text("body")
        assert not re.search(r"\$\$|\\frac|\\sum", text), f"{path.name}: a formula that was not set"
        if path.name.startswith("03"):
            assert page.locator("math").count() >= 3
        page.close()
    assert asked and not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
