"""The built book. Run `make book` first; `make test` does."""

import os
from pathlib import Path

import pytest

from tests.conftest import absent

ROOT = Path(__file__).parents[2]
collect_ignore = ["newcomer"]  # a chapter to be added, not one that is here


@pytest.fixture(scope="session")
def site():
    """The folder of the built book (COMPANION_SITE, or _build/html)."""
    folder = Path(os.environ.get("COMPANION_SITE", ROOT / "_build" / "html")).resolve()
    if not (folder / "index.html").exists():
        absent(f"{folder} holds no book: make book builds it.")
    return folder


@pytest.fixture(scope="session")
def address(site, serve):
    """address(page, scheme) -> the URL of a page of the built book over http or as a file."""
    base = {"http": serve(site), "file": site.as_uri()}
    return lambda page, scheme="http": f"{base[scheme]}/{page}"
