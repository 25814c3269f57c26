"""Debian's Chromium without a screen: it opens a page and hands back the DOM that the page's scripts left."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

SCHEMES = {"light": 1, "dark": 0}
TIMEOUT = 120


def probe_of(dom: str) -> Any:
    """What a script left in the DOM."""
    found = re.search(r'data-probe="([^"]*)"', dom)
    assert found is not None, dom[:2000]
    return json.loads(html.unescape(found[1]))


def browsed(page: Path, scheme: str, width: int, folder: Path) -> tuple[str, list[str]]:
    """The DOM after scripts, and the console's lines."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser is not None, "these tests need Chromium: apt-get install chromium"
    profile = folder / "profile"
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--allow-file-access-from-files", "--enable-logging=stderr", f"--user-data-dir={profile}"),
            *(f"--window-size={width},1000", f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"),
            *("--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
        env=os.environ | {"HOME": str(folder)},
    )
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)
