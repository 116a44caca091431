"""What others wrote stands here unchanged: every vendored file has the checksum of the manifest, and npm serves the same."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tools import vendor

MANIFEST = json.loads((vendor.FOLDER / "manifest.json").read_text())


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["folder"])
def test_the_files_are_those_of_the_manifest(entry):
    assert vendor.checksums(vendor.FOLDER / entry["folder"]) == entry["files"]
    assert "LICENSE" in entry["files"], "no licence text"


def test_nothing_else_stands_there():
    assert {p.name for p in vendor.FOLDER.iterdir()} == {entry["folder"] for entry in MANIFEST} | {"manifest.json"}


def test_the_manifest_is_what_make_vendor_fetches():
    declared = {(name, version, licence, folder) for name, version, licence, folder, _, _ in vendor.PACKAGES}
    assert declared == {(e["name"], e["version"], e["licence"], e["folder"]) for e in MANIFEST}


def test_a_changed_byte_is_seen(tmp_path):
    (tmp_path / "LICENSE").write_bytes(b"MIT")
    before = vendor.checksums(tmp_path)
    (tmp_path / "LICENSE").write_bytes(b"MTI")
    assert vendor.checksums(tmp_path) != before


CAN_FETCH = os.environ.get("COMPANION_VENDOR") and shutil.which("npm")


@pytest.mark.skipif(not CAN_FETCH, reason="set COMPANION_VENDOR=1, with npm, to fetch them again")
@pytest.mark.parametrize("package", vendor.PACKAGES, ids=lambda package: package[3])
def test_npm_serves_the_same(package, tmp_path):
    files = vendor.fetched(package, Path(tmp_path))
    kept = next(e for e in MANIFEST if e["folder"] == package[3])["files"]
    assert {path: vendor.sha256(content) for path, content in files.items()} | {"LICENSE": kept["LICENSE"]} == kept
