"""What pages are made of: bilingual texts, tables, charts, and the way they become HTML.

Belongs here: escaping. Every name from the data is untrusted, in HTML, in JSON, in Plotly's
pseudo-HTML and in CSV cells; each has its own function here and no other way out.
Does not belong here: what a page says (`pages`), what a chart looks like (`charts`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboards.wording.formatting import MINUS, money
from dashboards.wording.i18n import LANGUAGES, text, word

_SIGNED = re.compile(rf"[+{MINUS}][^\s\d&<>，、。]{{0,4}}[\d.,]*\d[KMB万亿%]?")


def _unbroken(value: str) -> str:
    """Escaped text whose signed amounts no line break tears from their sign."""
    return _SIGNED.sub(r'<span class="nb">\g<0></span>', escape(value))


@dataclass(frozen=True)
class Both:
    """A text in both languages. Templates print it as two spans, one of which is shown."""

    en: str
    zh: str

    def __html__(self) -> str:
        if self.en == self.zh:
            return _unbroken(self.en)
        en, zh = _unbroken(self.en), _unbroken(self.zh)
        return f'<span lang="en">{en}</span><span lang="zh">{zh}</span>'

    def get(self, lang: str) -> str:
        """The text of one language."""
        return self.zh if lang == "zh" else self.en

    def attr(self, name: str, lang: str) -> Markup:
        """An HTML attribute that the script keeps in the shown language."""
        return Markup('{}="{}" data-l10n="{}" data-en="{}" data-zh="{}"').format(
            name, self.get(lang), name, self.en, self.zh
        )


def same(value: str) -> Both:
    """A text that reads the same in both languages."""
    return Both(value, value)


def both(make: Callable[[str], str]) -> Both:
    """A text made by a function of the language."""
    return Both(make("en"), make("zh"))


def amount_text(value: float | None, currency: str, signed: bool = False) -> Both:
    """An amount in short, as each language writes it."""
    return both(lambda lang: money(value, currency, lang, signed=signed))


def tr(key: str, **values: object) -> Both:
    """A text of the catalogue; values that are `Both` are filled in by language."""
    return both(
        lambda lang: text(
            key, lang, **{k: v.get(lang) if isinstance(v, Both) else v for k, v in values.items()}
        )
    )


def named(group: str, name: str) -> Both:
    """The catalogue's word for a name from the data, or the name itself.

    Args:
        group: prefix in the catalogue, such as `segment.channel`.
        name: untrusted name.
    """
    return both(lambda lang: word(group, name, lang))


def listed(names: Sequence[Both]) -> Both:
    """Names one after the other, as each language writes a list."""
    return Both(", ".join(name.en for name in names), "、".join(name.zh for name in names))


def sentences(parts: Sequence[Both | None]) -> Both:
    """Sentences one after the other; those that there are."""
    told = [part for part in parts if part is not None]
    return Both(" ".join(part.en for part in told), "".join(part.zh for part in told))


def clipped(value: Both, length: int) -> Both:
    """A text cut to `length` letters with an ellipsis; the table beside has the whole."""
    return both(
        lambda lang: (
            value.get(lang)
            if len(value.get(lang)) <= length
            else f"{value.get(lang)[: length - 1]}…"
        )
    )


def figure_text(value: Both) -> Both:
    """A text safe inside Plotly, which reads `<b>` and `<a href>` in labels as markup."""
    return both(
        lambda lang: value.get(lang).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )


class TextPool:
    """The texts of a page's figures. A figure carries `t:3`; the page carries what it means."""

    def __init__(self) -> None:
        self._place: dict[Both, int] = {}

    def markup(self, value: Both) -> str:
        """Token of a text that may hold Plotly markup and nothing untrusted unescaped."""
        return f"t:{self._place.setdefault(value, len(self._place))}"

    def plain(self, value: Both) -> str:
        """Token of a text that is shown letter by letter."""
        return self.markup(figure_text(value))

    def dump(self) -> list[str | list[str]]:
        """Texts by number; a pair where the languages differ."""
        return [t.en if t.en == t.zh else [t.en, t.zh] for t in self._place]


@dataclass(frozen=True)
class Table:
    """A table under a chart.

    Attributes:
        head: column titles.
        rows: cells, each a text or a `Both`; numbers come formatted.
        text_columns: how many leading columns hold words; the others are right-aligned figures.
    """

    head: Sequence[Both]
    rows: Sequence[Sequence[Both | str]]
    text_columns: int = 1


@dataclass(frozen=True)
class Panel:
    """One of several small figures that share a title and a table."""

    id: str
    label: Both
    value: str
    figure: Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """An entry of a chart's legend: a sign in a colour of the palette, and what it means."""

    sign: str
    role: str
    label: Both


@dataclass(frozen=True)
class Chart:
    """A figure with everything that makes it readable without being seen.

    Attributes:
        id: HTML id, unique in the page.
        title: the finding, a sentence.
        subtitle: what is drawn, unit, period, comparison.
        figure: Plotly `data` and `layout` with token colours and texts; None shows `empty`.
        table: the same figures in words.
        source: published table the figures come from.
        csv: path of the download below the site.
        height: pixels reserved.
        empty: what to say where there is nothing to draw.
        note: a remark under the subtitle.
        wide: takes the page's whole width.
        panels: small figures drawn instead of `figure`.
        legend: what the signs mean, written above the figure.
        is_open: the table stands open.
        min_width: pixels below which the figure scrolls sideways instead of shrinking.
        follows: filters it follows, of `platform shop period`; of any other that is set it says
            that it does not.
    """

    id: str
    title: Both
    subtitle: Both
    figure: Mapping[str, Any] | None
    table: Table
    source: str
    csv: str
    height: int = 320
    empty: Both | None = None
    note: Both | None = None
    wide: bool = False
    panels: Sequence[Panel] = ()
    legend: Sequence[Key] = ()
    is_open: bool = False
    min_width: int = 0
    follows: str = ""

    def figures(self) -> dict[str, Mapping[str, Any]]:
        """Its figures by HTML id: itself, or its panels."""
        own = {self.id: self.figure} if self.figure is not None else {}
        return {**own, **{panel.id: panel.figure for panel in self.panels}}


@dataclass(frozen=True)
class Tab:
    """One choice of a group of tabs and the chart it shows."""

    key: str
    label: Both
    chart: Chart


@dataclass
class Page:
    """One HTML file before it is written.

    Attributes:
        path: file below the site.
        template: template that lays it out.
        nav: key of the navigation entry that is current.
        title: page title.
        values: further values of the template.
        payload: further values of the script.
    """

    path: str
    template: str
    nav: str
    title: Both
    values: dict[str, Any] = field(default_factory=dict)
    payload: dict[str, Any] = field(default_factory=dict)
    charts: list[Chart] = field(default_factory=list)
    pool: TextPool = field(default_factory=TextPool)

    @property
    def root(self) -> str:
        """Way from the page's folder to the site's root."""
        return "../" * self.path.count("/")


def script_json(value: object) -> Markup:
    """JSON that cannot leave its script element, nor break a line of JavaScript."""
    dumped = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    dumped = dumped.replace("</", "<\\/").replace("<!--", "<\\u0021--")
    # U+2028 and U+2029 end a line in JavaScript but not in JSON.
    dumped = dumped.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(dumped)  # noqa: S704 - escaped above, for a script element


def safe_csv(frame: pl.DataFrame) -> str:
    """CSV whose text cells no spreadsheet takes for a formula: `=+-@`, tab, return get a quote."""
    cells = [
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]"))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name, dtype in frame.schema.items()
        if dtype == pl.String
    ]
    return frame.with_columns(cells).write_csv(line_terminator="\n")


@cache
def environment() -> Environment:
    """Jinja with autoescape on and undefined names forbidden."""
    env = Environment(
        loader=PackageLoader("dashboards", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(t=tr, languages=LANGUAGES)
    return env


@dataclass(frozen=True)
class Rendered:
    """A page as its two files.

    Attributes:
        html: complete with headline, figures of the cards and tables; no chart.
        beside: path below the site of what the script draws from, with a hash of its content, so
            that no browser keeps an old one beside a new page.
        script: content of that file.
    """

    html: str
    beside: str
    script: str


def render(page: Page, site: Mapping[str, Any]) -> Rendered:
    """The page as HTML, and beside it what only the script needs.

    A template says `{% call later() %}` around what is folded or on a tab that is not chosen
    first: it goes into the script's file, which puts it back as soon as the page is there. Pages
    opened from a disk may read no file but scripts, so a script it is.

    Args:
        page: what it shows.
        site: values common to all pages (`info`, `lang`, `navigation`, `payload`, ...).
    """
    beside: dict[str, Any] = {
        **page.payload,
        **_shared({name: fig for c in page.charts for name, fig in c.figures().items()}),
        "texts": page.pool.dump(),
        "later": [],
    }
    files: list[tuple[str, str]] = []

    def later(caller: Callable[[], str]) -> Markup:
        beside["later"].append(caller())
        place = len(beside["later"]) - 1
        return Markup('<p class="later" data-later="{}">{}</p>').format(place, tr("chart.later"))

    def written() -> str:
        content = f"window.PAGE={script_json(beside)};\n"
        stem = page.path.removesuffix(".html").replace("/", "-")
        files.append((f"assets/{stem}-{digest(content)}.js", content))
        return files[-1][0]

    template = environment().get_template(page.template)
    cube_used = "filter" in page.payload
    shown = {**site, **page.values, "page": page, "later": later, "beside": written,
             "cube_used": cube_used}  # fmt: skip
    html = template.render(shown, payload=script_json(site["payload"])) + "\n"
    return Rendered(html, *(files[-1] if files else ("", "")))


def _shared(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Figures without what the layouts of all of them say alike, and that once beside them."""
    layouts = [figure["layout"] for figure in figures.values()]
    alike = {
        key: value
        for key, value in (layouts[0] if len(layouts) > 1 else {}).items()
        if all(layout.get(key) == value for layout in layouts)
    }
    own = {
        name: {
            **figure,
            "layout": {k: v for k, v in figure["layout"].items() if k not in alike},
        }
        for name, figure in figures.items()
    }
    return {"figures": own, "layout": alike}


def digest(content: str) -> str:
    """A short name for a content, for files whose name must change with it."""
    return hashlib.sha256(content.encode()).hexdigest()[:12]
