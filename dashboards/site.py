"""Builds the whole site into a folder, and rewrites the one file that may change later.

Belongs here: which files a site has, downloads, assets, the manifest.
Does not belong here: swapping the folder in, deciding whether a run was good (orchestration).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.icon import icon_png, icon_svg
from dashboards.base.names import label_of, segment_name
from dashboards.base.page import Both, Page, both, digest, render, safe_csv, script_json, tr
from dashboards.base.theme import PALETTE, TOKENS, css_variables
from dashboards.downloads import DOWNLOADS, download
from dashboards.figures.changes import days_shown
from dashboards.filters import cube as filters
from dashboards.filters.paged import by_platform, platforms
from dashboards.pages.alerts import page as alerts
from dashboards.pages.attribution import page as attribution
from dashboards.pages.channels import page as channels
from dashboards.pages.cohorts import page as cohorts
from dashboards.pages.customers import page as customers
from dashboards.pages.drivers import page as drivers
from dashboards.pages.experiments import page as experiments
from dashboards.pages.funnel import page as funnel
from dashboards.pages.live import page as live
from dashboards.pages.metrics import page as metrics
from dashboards.pages.notfound import page as notfound
from dashboards.pages.overview import page as overview
from dashboards.pages.products import page as products
from dashboards.pages.profit import page as profit
from dashboards.pages.promo import page as promo
from dashboards.pages.quality import page as quality
from dashboards.pages.reviews.page import build_reviews
from dashboards.pages.service import page as service
from dashboards.pages.shared.layout import anchor
from dashboards.registry import PAGES, Entry
from dashboards.wording.formatting import weekday

__all__ = ["SiteInfo", "SiteReport", "build_site", "write_status"]

State = Literal["ok", "stale", "failed", "archived"]
ANALYSES = (
    funnel, cohorts, attribution, channels, live, customers, products, profit, service, promo,
    experiments,
)  # fmt: skip
_CUBED = {"funnel": funnel, "channels": channels}
# Of these a page is built for each platform, of its rows alone, by the code that builds the whole.
_PAGED = (attribution, live, products, profit, service, promo, experiments)
_SAID = ("archived", "failed", "stale_run", "built", "old_hours", "old_days", "unfollowed")


@dataclass(frozen=True)
class SiteReport:
    """What was written.

    Attributes:
        pages: HTML files below the site, in order of building.
        sizes: bytes of every file below the site.
        figures: number of Plotly figures over all pages.
    """

    pages: tuple[str, ...]
    sizes: Mapping[str, int]
    figures: int


@dataclass(frozen=True)
class _Link:
    key: str
    href: str
    label: Both
    is_dim: bool  # its page has nothing to show yet


@dataclass(frozen=True)
class _Checks:
    text: Both
    tone: str


def _checks(data: Data) -> _Checks:
    found = quality.counts(data)
    total = sum(found.values())
    if not total:
        return _Checks(tr("page.checks_none"), "flat")
    key = "page.checks_unknown" if found["not_run"] else "page.checks"
    tone = "worse" if found["failed"] else "flat" if found["not_run"] else "better"
    return _Checks(tr(key, a=found["passed"], b=total, n=found["not_run"]), tone)


def _link(entry: Entry, data: Data) -> _Link:
    is_dim = bool(entry.table) and data[entry.table].is_empty()
    return _Link(entry.key, entry.href, tr(f"nav.{entry.key}"), is_dim)


def _common(data: Data, info: SiteInfo) -> dict[str, Any]:
    """Values every page has. Nothing here depends on the build's instant or run."""
    midnight = datetime.combine(
        info.data_through + timedelta(days=1), time(), tzinfo=ZoneInfo(info.timezone)
    )
    stamp = both(lambda lang: f"{info.data_through} ({weekday(info.data_through, lang)})")
    said = {name: tr(f"say.{name}") for name in _SAID} | {
        "no_chart": tr("chart.failed"),
        "period": tr("span.name"),
    }
    return {
        "info": info,
        "lang": info.languages[0],
        "navigation": [_link(entry, data) for entry in PAGES],
        "owners": {entry.key: tr(f"owner.{entry.owner}") for entry in PAGES},
        "filters": [],
        "split": frozenset(),
        "theme": next(colour for colour in PALETTE if colour.role == "page"),
        "of": "",
        "cube": "",
        "through": tr("page.through", day=stamp) if data.first_day() else tr("page.no_day"),
        "checks": _checks(data),
        "payload": {
            "tokens": {colour: role for role, colour in TOKENS.items()},
            "say": {name: [text.en, text.zh] for name, text in said.items()},
            "data_through": info.data_through.isoformat(),
            "data_end": midnight.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "warn_hours": info.warn_hours,
            "timezone": info.timezone,
            "platforms": {
                name: [label.en, label.zh]
                for name in platforms(data)
                for label in (segment_name("platform", name),)
            },
        },
    }


def _pages(data: Data, info: SiteInfo, kept: Collection[str]) -> list[Page]:
    pages = [overview.build(data, info)]
    pages += [drivers.build(data, info, moment) for moment in days_shown(data, info)]
    pages += build_reviews(data, info, kept)
    for module in ANALYSES:
        whole = module.build(data, info)
        pages += by_platform(data, info, module, whole) if module in _PAGED else [whole]
    pages += [alerts.build(data, info), quality.build(data, info), metrics.build(data, info)]
    pages.append(notfound.build(info, [(entry.href, tr(f"nav.{entry.key}")) for entry in PAGES]))
    return pages


def _write(out: Path, path: str, text: str) -> None:
    target = out / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")


def _asset(name: str) -> str:
    return resources.files("dashboards").joinpath("assets", name).read_text(encoding="utf-8")


def _search(data: Data) -> tuple[str, str]:
    """The script of the search with what it finds: pages, then metrics. Its path and content."""
    found = [
        [[label.en, label.zh], [asked.en, asked.zh], entry.href, ""]
        for entry in PAGES
        for label, asked in ((tr(f"nav.{entry.key}"), tr(f"ask.{entry.key}.question")),)
    ]
    found += [
        [[label.en, label.zh], [name, name], "metrics.html", anchor(name)]
        for name in sorted(data.metrics)
        for label in (label_of(name, data.metrics),)
    ]
    words = {key: tr(f"search.{key}") for key in ("name", "nothing")}
    said = {key: [text.en, text.zh] for key, text in words.items()}
    held = script_json({"found": found, "words": said})
    content = f"window.SEARCH={held};\n{_asset('search.js')}"
    return f"assets/search-{digest(content)}.js", content


def _write_assets(out: Path) -> None:
    from plotly.offline import get_plotlyjs

    _write(out, "assets/app.css", css_variables() + _asset("app.css"))
    for name in ("review.css", "app.js", "numbers.js", "filters.js", "filter_pages.js"):
        _write(out, f"assets/{name}", _asset(name))
    _write(out, "assets/plotly.min.js", get_plotlyjs())
    _write(out, "assets/icon.svg", icon_svg())
    (out / "assets/icon.png").write_bytes(icon_png())


def _instant(moment: datetime | str) -> str:
    """ISO text in UTC; an instant without zone is UTC, as everywhere in the warehouse."""
    if isinstance(moment, str):
        try:
            return _instant(datetime.fromisoformat(moment))
        except ValueError:
            return moment  # such as a run's name; shown as it is
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.isoformat(timespec="seconds").replace("+00:00", "Z")


def write_status(
    site: Path,
    state: State,
    last_ok: datetime | str | None,
    failed_step: str | None = None,
    message: str | None = None,
) -> None:
    """Rewrite `assets/status.js`, the only file of a published site that may change.

    Args:
        site: folder of the site; its `assets` folder is made if need be.
        state: `ok`, `stale` (pages are older than they should be), `failed` (last run failed) or
            `archived` (pages of a day gone by).
        last_ok: instant of the last good run, UTC if without zone; other text is shown as it is.
        failed_step: step of the run that failed.
        message: one sentence for the reader; untrusted, shown as text.

    Raises:
        ValueError: if the state is none of the four.
    """
    if state not in get_args(State):
        raise ValueError(f"unknown state {state!r}: use one of {', '.join(get_args(State))}")
    status = {
        "state": state,
        "last_ok": _instant(last_ok) if last_ok else None,
        "failed_step": failed_step,
        "message": message,
    }
    _write(site, "assets/status.js.tmp", f"window.STATUS={script_json(status)};\n")
    (site / "assets/status.js.tmp").replace(site / "assets/status.js")


def _write_manifest(
    out: Path, frames: Mapping[str, pl.DataFrame], data: Data, info: SiteInfo, pages: list[Page]
) -> dict[str, int]:
    files = sorted(p for p in out.rglob("*") if p.is_file() and p.name != "manifest.json")
    sizes = {p.relative_to(out).as_posix(): p.stat().st_size for p in files}
    digests = {
        p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }
    manifest = {
        "run_id": info.run_id,
        "code": info.code,
        "built_at": _instant(info.built_at),
        "data_through": info.data_through.isoformat(),
        "timezone": info.timezone,
        "rows": {name: frame.height for name, frame in sorted(frames.items())},
        "checks": quality.counts(data),
        "figures": {page.path: sum(len(c.figures()) for c in page.charts) for page in pages},
        "files": {
            name: {"bytes": sizes[name], "sha256": digests[name]}
            for name in sizes
            if name != "assets/status.js"
        },
    }
    _write(out, "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
    return {**sizes, "manifest.json": (out / "manifest.json").stat().st_size}


def build_site(
    frames: Mapping[str, pl.DataFrame], info: SiteInfo, out: Path, kept: Collection[str] = ()
) -> SiteReport:
    """Write every page, asset and download of the site.

    Equal frames and facts give byte-identical files; the build's instant and run appear in
    `manifest.json` and `assets/status.js` only.

    Args:
        frames: published tables by schema-qualified name (`marts.fct_gmv_daily`, ...); each may
            be missing, empty or without some columns, and the pages then say so.
        info: facts about the shop and the run.
        out: folder to write into; made if need be, not emptied.
        kept: pages of closed weeks and months that lie in `out` already and stay as they are.

    Raises:
        ValueError: if no language or an unknown one is asked for.
    """
    if not info.languages or set(info.languages) - {"en", "zh"}:
        raise ValueError(f"languages must be of en and zh, not {info.languages!r}")
    data = Data(frames)
    pages = _pages(data, info, kept)
    own = {name: module.windows(data, info) for name, module in _CUBED.items()}
    cube_path, cube = filters.cube(data, info, own)
    search_path, search = _search(data)
    common = {**_common(data, info), "cube": cube_path, "search": search_path}
    _write(out, search_path, search)
    _write(out, cube_path, cube)
    for page in pages:
        made = render(page, common)
        _write(out, page.path, made.html)
        if made.beside:
            _write(out, made.beside, made.script)
    _write_assets(out)
    for name in DOWNLOADS:
        _write(out, f"data/{name}.csv", safe_csv(download(name, data, info)))
    write_status(out, "ok", info.built_at)
    sizes = _write_manifest(out, frames, data, info, pages)
    return SiteReport(
        pages=tuple(page.path for page in pages),
        sizes=sizes,
        figures=sum(len(chart.figures()) for page in pages for chart in page.charts),
    )
