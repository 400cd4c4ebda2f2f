"""A deck as PDF, printed by a Chromium, where this computer has one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "msedge",
    "chrome",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
PATIENCE = 180  # seconds for a deck
NONE = (
    "There is no Chromium on this computer, so the slides are not there as PDF: install one (or "
    "say where it is: CHROMIUM=path), or print a deck from your browser with ?print-pdf behind "
    "its address."
)


def chromium() -> str | None:
    """Return the path of a Chromium, Chrome or Edge; None, where there is none."""
    given = os.environ.get("CHROMIUM")
    found = [shutil.which(name) for name in ([given] if given else NAMES)]
    found += [place for place in PLACES if not given and Path(place).is_file()]
    return next((path for path in found if path), None)


def command(browser: str, profile: str, *words: str) -> list[str]:
    """Return the words that let a browser work without a window and without a network."""
    quiet = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-extensions"]
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking"]
    # Chromium refuses to run its sandbox as root; the pages are our own.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [browser, *quiet, *offline, *root, f"--user-data-dir={profile}", *words]


def printed(page: str, browser: str) -> bytes | None:
    """Return a page as PDF; None, where the browser failed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "slides.pdf"
        source = Path(folder) / "slides.html"
        source.write_text(page, encoding="utf-8")
        words = ["--no-pdf-header-footer", f"--print-to-pdf={target}", source.as_uri()]
        try:
            subprocess.run(
                command(browser, f"{folder}/profile", *words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
            )
            content = target.read_bytes()
        except (OSError, subprocess.TimeoutExpired):
            return None
        return content if content.startswith(b"%PDF") else None
