"""Where exported graphs are kept: in the package (the book's own, an archive a chapter), and in
the reader's cache (a gzipped ONNX file a graph, named by its key)."""

import functools
import gzip
import os
import zipfile
from pathlib import Path as File

SHIPPED = File(__file__).parent / "graphs"


def cache():
    """The folder where new graphs go: the package's own in a build (COMPANION_EXPORT=1),
    where `make graphs` takes them into the archives; else the reader's cache."""
    if os.environ.get("COMPANION_EXPORT"):
        return SHIPPED
    home = os.environ.get("XDG_CACHE_HOME", File.home() / ".cache")
    return File(home) / "learning-in-motion" / "graphs"


def packed(data):
    """The bytes as a page gets them: gzip, without a date."""
    return gzip.compress(data, 9, mtime=0)


@functools.cache
def shipped(folder):
    """{key: (archive, entry)} of the book's graphs: <theme>/<chapter>.zip has for each an entry
    <figure>/<options>.<program>.<key>.onnx, where options are the choices it is for, if any."""
    return {entry.split(".")[-2]: (file, entry) for file in sorted(folder.glob("*/*.zip"))
            for entry in zipfile.ZipFile(file).namelist()}


def find(key):
    """The graph of this key, or None."""
    if key in shipped(SHIPPED):
        file, entry = shipped(SHIPPED)[key]
        with zipfile.ZipFile(file) as archive:
            return archive.read(entry)
    for folder in (SHIPPED, cache()):
        if (folder / f"{key}.onnx.gz").exists():
            return gzip.decompress((folder / f"{key}.onnx.gz").read_bytes())
    return None


def keep(key, data):
    """Keep a graph under its key; another process may look for it at any moment,
    so it appears whole."""
    cache().mkdir(parents=True, exist_ok=True)
    new = cache() / f"{key}.{os.getpid()}.new"
    new.write_bytes(packed(data))
    new.replace(cache() / f"{key}.onnx.gz")
