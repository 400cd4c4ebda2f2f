"""The portrait of the explorer: its panel after a run, in JupyterLab, as a browser draws it.

It stands in the notebook for readers who have no kernel. Needs `pip install playwright`, and a
Chromium (or CHROMIUM=path).
"""

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import nbformat
from PIL import Image

from helpers.files import write_file
from helpers.vgg import VGG
from tools.endings import Mistake
from tools.site.build import METADATA

ROOT = Path(__file__).resolve().parent.parent.parent
PORT = 8899
PATIENCE = 400_000  # milliseconds
PAIR = {"content": "china", "style": "woodcut", "size": 256, "ratio": 10**0.5, "steps": 60}
CELL = """\
from helpers.explorer import Explorer
from helpers.vgg import VGG

explorer = Explorer(VGG())
for name, value in {pair}.items():
    explorer.controls[name].value = value
explorer
"""


def portrait(vgg: VGG, path: Path) -> None:
    """The explorer of notebook 08 after a run, as JupyterLab shows it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise Mistake("a portrait needs a browser: pip install playwright") from error
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with TemporaryDirectory() as folder, laboratory(Path(folder)) as address:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 1100})
            picture = Image.open(io.BytesIO(panel_after_a_run(page, address)))
            browser.close()
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=90)
    write_file(path, buffer.getvalue())


def panel_after_a_run(page, address: str) -> bytes:
    """Run the cell of the panel, press Start, and return what the panel looks like at the end."""
    page.goto(f"{address}/lab/tree/panel.ipynb", timeout=PATIENCE)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=PATIENCE)
    page.wait_for_timeout(3000)  # idle comes before the notebook knows its kernel
    page.click(".lm-MenuBar-itemLabel:text-is('Run')")
    page.click(".lm-Menu-itemLabel:text-is('Run All Cells')")
    page.click("button.jupyter-button:text-is('Start')", timeout=PATIENCE)
    done = "document.body.innerText.includes('Done after')"
    page.wait_for_function(done, timeout=PATIENCE)
    page.click("button:text-is('No')")  # to news, which cover a corner
    page.wait_for_timeout(1000)
    return page.locator(".jp-OutputArea-output .widget-vbox").first.screenshot()


@contextmanager
def laboratory(folder: Path) -> Iterator[str]:
    """The address of a JupyterLab in a folder that has one notebook, with the panel in it."""
    cell = nbformat.v4.new_code_cell(CELL.format(pair=PAIR))
    nbformat.write(
        nbformat.v4.new_notebook(cells=[cell], metadata=METADATA), folder / "panel.ipynb"
    )
    options = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={PORT}",
        "--IdentityProvider.token=",
    ]
    own = {"JUPYTER_CONFIG_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=folder,
        env={**os.environ, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{PORT}"
        wait_for(f"{address}/api", server)
        yield address
    finally:
        server.terminate()
        server.wait()


def wait_for(address: str, server: subprocess.Popen) -> None:
    """Wait until a server answers. Raises Mistake where it ends instead."""
    while True:
        try:
            urlopen(address).close()
            return
        except OSError:
            if server.poll() is not None:
                raise Mistake("JupyterLab did not start: run `python do.py lab`") from None
            time.sleep(0.5)
