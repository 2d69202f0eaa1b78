"""Reads the built pages without a browser."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "link", "br", "img", "input", "hr"}
DRAWN = ("path", "circle")


class Tree(HTMLParser):
    """Elements of a page as (tag, attributes, path), and the text inside each tag name."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.open: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID and tag not in DRAWN:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in DRAWN:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs, _ in self.elements if name == tag]

    def text(self) -> str:
        return "".join(t for tag, t in self.words if tag not in ("script", "title", "style"))

    def payload(self) -> dict[str, Any]:
        return json.loads("".join(t for tag, t in self.words if tag == "script"))


class Rows(HTMLParser):
    """The body of the table of one figure, in one language."""

    def __init__(self, source: str, figure: str, lang: str = "en") -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._figure, self._other = figure, {"en": "zh", "zh": "en"}[lang]
        self._inside = self._body = self._cell = False
        self._hidden = 0
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "figure":
            self._inside = dict(attrs).get("id") == self._figure
        elif tag == "tbody":
            self._body = self._inside
        elif tag == "tr" and self._body:
            self.rows.append([])
        elif tag in ("td", "th") and self._body:
            self._cell = True
            self.rows[-1].append("")
        elif tag == "span" and (self._hidden or dict(attrs).get("lang") == self._other):
            self._hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "tbody":
            self._body = False
        elif tag == "figure":
            self._inside = False
        elif tag == "span" and self._hidden:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if self._cell and not self._hidden:
            self.rows[-1][-1] += data


_BESIDE = re.compile(r'<script src="([^"]*assets/(?!cube-)[\w.-]*-[0-9a-f]{12}\.js)" defer>')
_LATER = re.compile(r'<p class="later" data-later="(\d+)">.*?</p>', re.S)
_PAYLOAD = re.compile(r'(<script type="application/json" id="payload">)(.*?)(</script>)', re.S)


def whole(path: Path) -> str:
    """A page as the browser has it once its script has put back what is folded or on other tabs."""
    source = path.read_text("utf-8")
    beside = _BESIDE.search(source)
    if not beside:
        return source
    script = (path.parent / beside[1]).read_text("utf-8")
    held = json.loads(script.removeprefix("window.PAGE=").removesuffix(";\n"))
    while _LATER.search(source):
        source = _LATER.sub(lambda found: held["later"][int(found[1])], source)
    own = _PAYLOAD.search(source)
    assert own
    del held["later"]
    layout = held.pop("layout")
    for figure in held["figures"].values():
        figure["layout"] = {**layout, **figure["layout"]}
    both = json.dumps({**json.loads(own[2]), **held}).replace("</", "<\\/")
    return _PAYLOAD.sub(lambda found: found[1] + both + found[3], source)


def tree(site: Path, name: str) -> Tree:
    """A page of a site."""
    return Tree(whole(site / name))


def figure(site: Path, name: str, chart: str) -> dict[str, Any]:
    """A figure of a page, with its tokens."""
    found: dict[str, Any] = tree(site, name).payload()["figures"][chart]
    return found


def table_of(site: Path, name: str, chart: str) -> list[list[str]]:
    """The rows of a chart's table in English."""
    return Rows(whole(site / name), chart).rows
