"""A browser for the tests where this machine has none: Debian's headless shell if we are root, else the one that Playwright fetches.

Never fails: what cannot be had is said, the tests skip what needs it and say so at their end; in continuous integration they are red.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.browsing import INSTALL, chromium  # noqa: E402

PACKAGES = ("chromium-headless-shell", "chromium", "chromium-browser")
SECONDS = 300


def ways():
    """The commands that may bring a browser, one after the other until one has."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        yield ["apt-get", "update", "-q"]
        yield from (["apt-get", "install", "-q", "-y", "--no-install-recommends", name] for name in PACKAGES)
    yield [sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]


def main():
    for command in ways():
        if chromium():
            break
        try:
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"{' '.join(command)}: {type(error).__name__}")
    print(f"browser of the tests: {chromium() or f'none, and none could be had: {INSTALL}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
