"""One page of a figure of your own: a single file that computes by double click, without a network,
and lets nothing else in.

It holds what a page of the book has beside it: graphs, recording, style, script and,
where the page computes, the runtime.
Source of the policy: W3C, Content Security Policy Level 3.
"""

import base64
import hashlib
import html
import os
import re
from pathlib import Path as File

from companion.live import assets

STYLE = """:root { color-scheme: light dark }
body { margin: 0; font-family: system-ui, sans-serif; background: Canvas; color: CanvasText }
main { max-width: 64rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.4rem; font-weight: 600 }"""
PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{figure}
</main>
{scripts}
</body>
</html>
"""


def page(shown, title=None, lang="en"):
    """The text of the page of a figure that is ready to be shown. `title`: its heading,
    else the figure's name; `lang`: of its words."""
    scripts = [assets.page_script(), f'companionLive.asset("{shown.tape_id}", {safe(shown.tape)});']
    if shown.spec["engine"] == "page":
        scripts.append(assets.runtime_script())
    for script in scripts:
        if re.search(r"</script|<!--", script, re.IGNORECASE):
            raise AssertionError("a script of the page would end its own element")
    words = html.escape(title or shown.figure.name.replace("_", " ").capitalize())
    return PAGE.format(lang=html.escape(lang, quote=True), policy=policy(scripts), title=words,
                       style=f"{assets.style()}\n{STYLE}",
                       figure=shown.html(),
                       scripts="\n".join(f"<script>{script}</script>" for script in scripts))


def safe(data):
    """JSON inside a script: no text of it can end the element."""
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def policy(scripts):
    """Nothing from outside, no script but these, and what WebAssembly in a worker needs."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'"
        for s in scripts
    )
    return ("default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
            f"form-action 'none'; script-src {hashes} 'wasm-unsafe-eval' blob:; worker-src blob:")


def write(shown, path, title=None, lang="en"):
    """Write the page and return its path. Raises TypeError, ValueError in words."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path is a {type(path).__name__}; expected the name of a file: "
                        "save('mine.html').")
    target = File(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path = {str(path)!r}; expected a name that ends with .html: a browser "
                         "opens it by that.")
    if not target.parent.is_dir():
        raise ValueError(f"path = {str(path)!r}; its folder does not exist: make it first, or "
                         "save('mine.html').")
    for value, name in ((title, "title"), (lang, "lang")):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} is a {type(value).__name__}; expected a text.")
    target.write_text(page(shown, title, lang), encoding="utf-8")
    return target
