"""The Content-Security-Policy of every page: the browser itself refuses what does not come from the book.

A page may load files of its own origin, and run the inline scripts of the theme, each named by its sha256; the text of a page, a notebook's outputs
among it, brings none. Exceptions, each only where it is needed:
- styles written in the page ('unsafe-inline'): MathJax typesets with style attributes and style elements of its own making; so does the theme;
- pictures as data: (posters, outputs);
- pages with live figures: WebAssembly, and the worker and its module, which stand in blobs (a double-clicked page cannot load them as files);
- pages with ordinary widgets: 'unsafe-eval', because their manager compiles its schemas, and blobs, from which anywidget loads its modules.
Over file: 'self' is every local file. Source: W3C, Content Security Policy Level 3.
"""

import base64
import hashlib
import re
from pathlib import Path

SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.DOTALL | re.IGNORECASE)
TYPE = re.compile(r"""\btype\s*=\s*["']?([^"'\s>]*)""")
RUN = {"", "text/javascript", "application/javascript", "module"}  # every other type is data, which no browser runs
ARTICLE = re.compile(r"<article\b.*</article>", re.DOTALL)
CHARSET = re.compile(r'<meta charset="utf-8"\s*/?>')
LIVE = re.compile(r'<figure\b[^>]*\bclass="[^"]*\blive\b')
REDIRECT = '<meta http-equiv="Refresh"'  # all that index.html holds where a chapter is built alone
STATE = 'type="application/vnd.jupyter.widget-state+json"'
FIXED = ("default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-src 'none'; base-uri 'none'; "
         "form-action 'self'")  # fmt: skip


def inline(html):
    """The texts of the scripts that stand around a page's text and that a browser runs, once each, in order."""
    found = [s for s in SCRIPT.finditer(ARTICLE.sub("", html)) if not re.search(r"\bsrc\s*=", s["attributes"])]
    kinds = [(TYPE.search(s["attributes"]), s["text"]) for s in found]
    return list(dict.fromkeys(text for kind, text in kinds if (kind[1].lower() if kind else "") in RUN))


def sha256(text):
    """'sha256-...': how a policy names a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf8')).digest()).decode()}'"


def policy(html):
    """The policy of one page, as text."""
    scripts, workers = ["'self'", *map(sha256, inline(html))], ["'none'"]
    if LIVE.search(html):
        scripts += ["'wasm-unsafe-eval'", "blob:"]
        workers = ["blob:"]
    if STATE in html:
        scripts += ["'unsafe-eval'", *([] if "blob:" in scripts else ["blob:"])]
    return f"{FIXED}; script-src {' '.join(scripts)}; worker-src {' '.join(workers)}"


def guarded(html):
    """The page with its policy, as early as it can stand: right behind the charset. Raises ValueError."""
    if not CHARSET.search(html):
        raise ValueError("a page names no charset, so its policy has no place")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy(html)}">'
    return CHARSET.sub(lambda found: found[0] + "\n    " + meta, html, count=1)


def guard(app, exception):
    """After the last change of the last page: a hash holds for exactly the text it was taken from."""
    if app.builder.format != "html" or exception:
        return
    for path in Path(app.outdir).rglob("*.html"):
        html = path.read_text("utf8")
        if not html.startswith(REDIRECT):
            path.write_text(guarded(html), "utf8")


def setup(app):
    app.connect("build-finished", guard, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
