"""Which browser the tests drive, and the mark of those that need it."""

import os
import shutil

import pytest

CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
NO_BROWSER = os.environ.get("NST_BROWSER") != "1" or not CHROMIUM
ASKS_FOR_A_BROWSER = [
    pytest.mark.notebook,
    pytest.mark.skipif(NO_BROWSER, reason="NST_BROWSER=1 and a Chromium ask for this"),
]
