"""Where exported graphs are kept: in the package (the book's own), and in the reader's cache.
Each is a gzipped ONNX file named by its key."""

import gzip
import os
from pathlib import Path as File

SHIPPED = File(__file__).parent / "graphs"


def cache():
    """The folder where new graphs go: the package's own in a build (COMPANION_EXPORT=1),
    else the reader's cache."""
    if os.environ.get("COMPANION_EXPORT"):
        return SHIPPED
    return File(os.environ.get("XDG_CACHE_HOME", File.home() / ".cache")) / "learning-in-motion" / "graphs"


def packed(data):
    """The bytes as a page gets them: gzip, without a date."""
    return gzip.compress(data, 9, mtime=0)


def find(key):
    """The graph of this key, or None."""
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
