"""The player: a timeline as one HTML file, to step through in a browser, without a network.

The page's parts are in ``page/``; what it shows is made by ``book.py``.
"""

from __future__ import annotations

import base64
import html
import json
import os
import zlib
from importlib.resources import files
from typing import Any

from minitf.explain.book import book
from minitf.timeline import Timeline

PLAIN = 100_000  # characters of data up to which the page holds it as it is; beyond, deflated


def save(timeline: Timeline, path: Any) -> str:
    """Writes the player of a timeline; gives the path."""
    return write(page(book([timeline], timeline.title)), path)


def embedded(timeline: Timeline) -> str:
    """The player for a notebook: in a frame of its own, so that no style gets in or out."""
    return framed(page(book([timeline], timeline.title)), timeline.title)


def write(text: str, path: Any) -> str:
    """Writes a page; gives the path."""
    path = os.fspath(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path  # type: ignore[no-any-return]


def framed(text: str, title: str) -> str:
    """A page as the source text of a frame that may run its script and nothing else."""
    return (
        f'<iframe title="minitf player: {html.escape(title)}" sandbox="allow-scripts" loading="lazy" '
        f'style="width:100%;height:720px;border:1px solid #8888" srcdoc="{html.escape(text)}"></iframe>'
    )


def page(content: dict[str, Any]) -> str:
    """The whole page. Its policy allows the script and the style that it holds, and no request."""
    parts = {name: (files("minitf.explain") / "page" / name).read_text(encoding="utf-8") for name in _PARTS}
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    if len(data) > PLAIN:
        data = base64.b64encode(zlib.compress(data.encode("utf-8"), 9)).decode("ascii")
    title = html.escape(content["title"])
    script = '"use strict";\n(async () => {\n' + "\n".join(parts[name] for name in _SCRIPT) + "})();\n"
    body = parts["player.html"].replace("@title@", title).replace("@script@", script)
    body = body.replace("@book@", data.replace("</", "<\\/").replace("<!--", "<\\u0021--"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; style-src "
        f"'unsafe-inline'\"><title>{title}</title><style>body{{margin:0}}\n{parts['player.css']}</style></head>\n<body>{body}</body></html>\n"
    )


_SCRIPT = ("drawing.js", "objects.js", "graph.js", "lists.js", "page.js")
_PARTS = ("player.html", "player.css", *_SCRIPT)
