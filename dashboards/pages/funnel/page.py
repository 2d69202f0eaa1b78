"""Funnel: where do we lose buyers?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import passage, segment_name, step_name
from dashboards.base.page import Both, Chart, Key, Page, Panel, Table, both, listed, same, tr
from dashboards.charts.bars import Pair, bars_over
from dashboards.charts.curves import Series, small_rate
from dashboards.figures.funnel import (
    Step,
    counts,
    left_out,
    rolling_rates,
    sessions,
    step_names,
    steps,
)
from dashboards.figures.windows import (
    Window,
    base_of,
    base_remark,
    gaps_told,
    incomplete,
    window_until,
)
from dashboards.filters.bar import filter_bar, script_words
from dashboards.filters.periods import for_script, period_filter, periods
from dashboards.pages.funnel.heat import CSV, TABLE, heat_chart
from dashboards.pages.shared.layout import Block, Choice, analysis, empty_state
from dashboards.wording.formatting import DASH, fixed, integer, percent

DAYS, TREND_DAYS = 7, 56
_DIMENSIONS = ("channel", "device", "platform")
_MOST = 0.5  # of those at a step; where more come without the step before it, the page says so
_NAMED = 3  # platforms named in the headline


def points(change: float | None) -> Both:
    """A change of a rate in percentage points: −2.1 pp."""
    return same(DASH) if change is None else tr("card.points", n=fixed(change * 100, 1, True))


def _moved(step: Step) -> Both:
    arrow = "●" if not step.is_notable else "▲" if (step.change or 0) > 0 else "▼"
    text = points(step.change)
    return text if step.change is None else both(lambda lang: f"{arrow} {text.get(lang)}")


def _title(found: Sequence[Step], base: Window | None) -> Both:
    if base is None:
        return tr("funnel.title_no_base")
    notable = [
        (n, step) for n, step in enumerate(found) if step.is_notable and step.change is not None
    ]
    worse = [(step.change or 0, n) for n, step in notable if (step.change or 0) < 0]
    better = [(-(step.change or 0), n) for n, step in notable if (step.change or 0) > 0]
    if not worse and not better:
        return tr("funnel.title_same")
    _, place = min(worse or better)
    key = "funnel.title_worse" if worse else "funnel.title_better"
    step = passage(found[place - 1].name, found[place].name)
    return tr(key, step=step, points=points(found[place].change))


def _scope(data: Data, now: Window) -> tuple[list[Both], list[Both]]:
    """Platforms with sessions in a window, and those that sold and have none: not in the funnel."""
    tracked, sold = (
        set(rows.filter(now.filter(), pl.col(count) > 0)["segment"])
        for rows, count in (
            (sessions(data, "platform"), "attempt_count"),
            (data["marts.fct_gmv_daily"].filter(pl.col("dimension") == "platform"), "orders"),
        )
    )
    named = ([segment_name("platform", name) for name in sorted(names)]
             for names in (tracked, sold - tracked))  # fmt: skip
    inside, outside = named
    return inside, outside


def _headline(found: Sequence[Step], now: Window, scope: tuple[list[Both], list[Both]]) -> Both:
    overall = found[-1].overall
    if overall is None:
        return tr("funnel.headline_none", days=now.text())
    inside, outside = scope
    few = outside and 0 < len(inside) <= _NAMED
    parts = {
        "n": fixed(overall * 100, 1),
        "last": step_name(found[-1].name),
        # What some of the platforms tell is not called the company's.
        "of": tr("funnel.of", platforms=listed(inside)) if few else
        tr("funnel.of_tracked") if outside else same(""),
    }  # fmt: skip
    # Sessions, not rates: a narrow step late in the funnel has few left to lose.
    lost, place = min((-step.lost, n) for n, step in enumerate(found))
    if not lost:
        return tr("funnel.headline_lossless", **parts)
    step = passage(found[place - 1].name, found[place].name)
    of_all = -lost / found[0].now.total
    return tr("funnel.headline", **parts, step=step, lost=fixed(of_all * 100, 0))


def step_chart(found: Sequence[Step], now: Window, base: Window | None, page: Page) -> Chart:
    """Sessions by step, the base in pale behind."""
    rows = [
        Pair(
            step_name(step.name),
            step.now.reached,
            same(f"{integer(step.now.reached)} · {percent(step.overall)}"),
            # The base in today's proportion: what is compared is where people leave.
            None if step.base is None or not step.base.total
            else step.base.reached / step.base.total * step.now.total,
        )
        for step in found
    ]  # fmt: skip
    head = ("step", "sessions", "direct", "base_sessions", "step_rate", "base_rate", "moved")
    legend = [Key("■", "accent", tr("funnel.now", days=now.text()))]
    if base:
        legend.append(Key("■", "pale", tr("funnel.base", days=base.text())))
    chart = Chart(
        id="funnel-steps",
        title=_title(found, base),
        subtitle=tr("funnel.subtitle" if base else "funnel.subtitle_plain"),
        figure=bars_over(rows, page.pool),
        table=Table(
            [tr(f"funnel.head_{key}") for key in (*head, "overall")],
            [
                [
                    step_name(step.name),
                    integer(step.now.reached),
                    integer(step.now.direct),
                    DASH if step.base is None else integer(step.base.reached),
                    percent(step.rate),
                    percent(step.base_rate),
                    _moved(step),
                    percent(step.overall),
                ]
                for step in found
            ],
        ),
        source=TABLE,
        csv=CSV,
        height=70 + 54 * len(found),
        legend=legend,
        is_open=True,
        follows="platform shop period",
    )
    page.charts.append(chart)
    return chart


def trend_chart(data: Data, page: Page, last: date) -> Chart:
    """Every step's rate over eight weeks, all panels with the same span of points."""
    names = step_names(data)
    days, rates = rolling_rates(sessions(data, "all"), names, last, TREND_DAYS)
    known = {name: [v for v in line if v is not None] for name, line in rates.items()}
    span = max([0.04, *(1.15 * (max(k) - min(k)) for k in known.values() if k)])
    panels = []
    for before, name in pairwise(names):
        if not known[name]:
            continue
        middle = (max(known[name]) + min(known[name])) / 2
        low = max(0.0, min(1 - span, middle - span / 2))
        figure = small_rate(
            Series(passage(before, name), rates[name]), days, (low, low + span), page.pool
        )
        label = passage(before, name)
        panels.append(Panel(f"funnel-trend-{name}", label, percent(known[name][-1]), figure))
    weekly = range(len(days) - 1, -1, -7)
    chart = Chart(
        id="funnel-trend",
        title=tr("funnel.trend_title"),
        subtitle=tr("funnel.trend_subtitle", days=TREND_DAYS, points=fixed(span * 100, 1)),
        figure=None,
        panels=panels,
        table=Table(
            [tr("funnel.week_until"), *(panel.label for panel in panels)],
            [
                [
                    days[n].isoformat(),
                    *(percent(rates[name][n]) for name in names[1:] if known[name]),
                ]
                for n in weekly
            ],
        ),
        source=TABLE,
        csv=CSV,
        height=190,
        empty=tr("funnel.trend_empty"),
    )
    page.charts.append(chart)
    return chart


def _skipped(found: Sequence[Step]) -> Both | None:
    """A step that most come to without the one before it: a link, or one of them is not tracked."""
    for before, step in pairwise(found):
        if step.now.direct > _MOST * step.now.reached:
            return tr(
                "funnel.skipped",
                step=step_name(step.name),
                before=step_name(before.name),
                rate=percent(step.now.direct / step.now.reached, 0),
            )
    return None


def _trend_start(info: SiteInfo) -> date:
    return info.data_through - timedelta(days=TREND_DAYS - 1)


def windows(data: Data, info: SiteInfo) -> tuple[Window, Window | None]:
    """The days of the page and those they are compared with."""
    first = sessions(data, "all")["business_date"].min()
    known = first if isinstance(first, date) else None
    now = window_until(info.data_through, DAYS, known)
    return now, base_of(data, now, known)


def build(data: Data, info: SiteInfo) -> Page:
    """The page `funnel.html`."""
    whole = sessions(data, "all").filter(pl.col("business_date") <= info.data_through)
    page = analysis("funnel")
    missing = empty_state(whole, info, {"events"})
    if missing:
        page.values["headline"] = missing
        return page
    now, base = windows(data, info)
    by_window = [counts(whole, window).get("all") for window in (now, base)]
    found = steps(step_names(data), by_window[0] or {}, by_window[1])
    scope = _scope(data, now)
    page.values["headline"] = _headline(found, now, scope)
    spoilt = left_out(data)
    shown = Window(min(base.first if base else now.first, _trend_start(info)), now.last)
    nothing_left_out = spoilt.filter(now.filter()).is_empty()
    page.values["warnings"] = incomplete(data, now, {"events"}) if nothing_left_out else []
    told = gaps_told(spoilt, shown, "period.left_out")
    page.values["warnings"] += [told] if told else []
    outside = tr("funnel.outside", platforms=listed(scope[1])) if scope[1] else None
    remarks = (outside, base_remark(data, now, base), _skipped(found))
    page.values["remarks"] = [text for text in remarks if text]
    blocks = [Block(charts=(step_chart(found, now, base, page),))]
    heats = [(name, heat_chart(data, info, page, name)) for name in _DIMENSIONS]
    choices = [
        Choice(name, tr(f"dimension.{name}"), [Block(charts=(chart,))])
        for name, chart in heats
        if chart
    ]
    if choices:
        blocks.append(Block(group="dim", label=tr("nav.by"), choices=choices))
    blocks.append(Block(charts=(trend_chart(data, page, info.data_through),)))
    page.values["blocks"] = blocks
    page.values["filters"] = [
        *filter_bar(data, sessions(data, "platform"), sessions(data, "shop")),
        *period_filter(periods(data, info), now.text()),
    ]
    page.payload = {
        **script_words(info),
        "periods": for_script(periods(data, info), info),
        "funnel": {
            "steps": step_names(data),
            "last": [step_name(found[-1].name).en, step_name(found[-1].name).zh],
        },
    }
    return page
