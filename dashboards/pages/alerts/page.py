"""Alerts: what was not as expected, what came of it, and was it worth telling?"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import (
    Both,
    Chart,
    Key,
    Page,
    Table,
    amount_text,
    both,
    same,
    sentences,
    tr,
)
from dashboards.charts.line import DayPoint
from dashboards.charts.timeline import Stretch, incident_line, timeline
from dashboards.figures.changes import days_shown
from dashboards.figures.incidents import AROUND, DAYS, around, is_open, recent
from dashboards.pages.shared.incidents import anchor, gravity
from dashboards.wording.facts import page_of
from dashboards.wording.formatting import day, exact_money, integer
from dashboards.wording.incidents import place_label
from dashboards.wording.metrics import in_unit, metric_word, unit_of
from dashboards.wording.places import todo_line, together_lines

_SOURCE, _CSV = "insights.incidents", "data/incidents.csv"
_GRAVE = 1  # up to severity high
_ROWS, _DETAILED = 14, 30
_PLAIN = re.compile(r"[\w' .,:+/()-]*")  # ends no quotes of a shell


@dataclass(frozen=True)
class Incident:
    """What the page shows of one incident.

    Attributes:
        anchor: its HTML id; messages and other pages lead there.
        facts: label and value, such as its days and its money.
        chart: the days around it, None where no figure of it is published.
        effects: what each factor did, of an incident of sales.
        lines: the segments that are most likely together its cause, and what to do.
        sql: the command that lists its days.
        page: the page of its figures; empty where that page no longer shows its day.
    """

    anchor: str
    title: Both
    text: Both
    facts: Sequence[tuple[Both, Both]]
    chart: Chart | None
    effects: Table | None
    lines: Sequence[Both]
    sql: str
    page: str


def _what(row: Row, data: Data) -> Both:
    """Its measure and place: GMV · Shopify."""
    if row["kind"] == "data":
        return tr("alerts.data_of", source=str(row["segment"] or row["metric"]))
    return both(
        lambda lang: (
            f"{_begun(metric_word(str(row['metric']), data.metrics, lang))} · "
            f"{place_label(row, lang)}"
        )
    )


def _begun(words: str) -> str:
    """Words as they begin a line."""
    return words[:1].upper() + words[1:]


def _span(row: Row, info: SiteInfo) -> Both:
    first, last = (
        both(lambda lang, at=row[name]: day(at, lang, info.data_through))  # type: ignore[misc]
        for name in ("opened_date", "last_date")
    )
    if row["opened_date"] == row["last_date"]:
        return first
    return both(lambda lang: f"{first.get(lang)} – {last.get(lang)}")


def _severity(row: Row) -> Both:
    return tr(f"severity.{str(row['severity']).lower()}")


def _role(row: Row) -> str:
    return "worse" if gravity(row) <= _GRAVE else "ink3"


def _money(row: Row, info: SiteInfo) -> Both:
    return amount_text(row["impact_amount"], info.currency, signed=True)


def timeline_chart(data: Data, info: SiteInfo, page: Page, rows: Sequence[Row]) -> Chart:
    """All incidents of 90 days, a row a measure and place."""
    days = [info.data_through - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    shown = [row for row in rows if row["last_date"]]
    places = list(dict.fromkeys(_what(row, data) for row in shown))[:_ROWS]
    stretches = [
        Stretch(what, max(row["opened_date"], days[0]), row["last_date"], _role(row),
                both(lambda lang, r=row, w=what: f"{w.get(lang)}: {_span(r, info).get(lang)}"))  # type: ignore[misc]
        for row in shown if (what := _what(row, data)) in places
    ]  # fmt: skip
    still = [row for row in rows if is_open(row, info.data_through)]
    cells: list[list[Both | str]] = [
        [
            row["opened_date"].isoformat(), _what(row, data), _severity(row), _span(row, info),
            exact_money(row["impact_amount"], info.currency, signed=True),
            _verdict(row, info), tr("alerts.open" if row in still else "alerts.closed"),
        ]
        for row in rows
    ]  # fmt: skip
    heads = ("opened", "what", "severity", "days", "impact", "verdict", "state")
    chart = Chart(
        id="alert-timeline",
        title=tr("alerts.timeline", n=len(rows), open=len(still)) if rows else tr("alerts.none"),
        subtitle=tr("alerts.timeline_subtitle", n=DAYS),
        figure=timeline(stretches, days, page.pool) if stretches else None,
        table=Table([tr(f"alerts.head_{key}") for key in heads], cells, text_columns=4),
        source=_SOURCE,
        csv=_CSV,
        height=60 + 30 * len(places),
        empty=tr("alerts.none"),
        wide=True,
        min_width=640,
        legend=[Key("▬", "worse", tr("alerts.grave")), Key("▬", "ink3", tr("alerts.mild"))],
    )
    page.charts.append(chart)
    return chart


def _verdict(row: Row, info: SiteInfo) -> Both:
    verdict = info.verdicts.get(str(row["incident_id"]))
    return tr(f"alerts.verdict_{verdict}") if verdict else tr("alerts.verdict_none")


def judged(rows: Sequence[Row], info: SiteInfo) -> tuple[int, int]:
    """How many incidents somebody judged, and how many of these were worth telling."""
    known = [info.verdicts[name] for row in rows if (name := str(row["incident_id"]))
             in info.verdicts]  # fmt: skip
    return len(known), known.count("real")


def headline(rows: Sequence[Row], data: Data, info: SiteInfo) -> Both:
    """How many there were, how many are open, and which cost most."""
    if not rows:
        known = not data["insights.anomalies"].is_empty()
        return tr("alerts.headline_none" if known else "alerts.headline_unknown", n=DAYS)
    still = sum(is_open(row, info.data_through) for row in rows)
    first = tr("alerts.headline", n=len(rows), days=DAYS, open=still)
    lost = [r for r in rows if r["kind"] != "data" and (r["impact_amount"] or 0) < 0]
    worst = min(lost, key=lambda r: (r["impact_amount"], str(r["incident_id"])), default=None)
    second = None if worst is None else tr(
        "alerts.headline_worst", what=_what(worst, data), days=_span(worst, info),
        amount=_money(worst, info),
    )  # fmt: skip
    return sentences([first, second])


def _chart(row: Row, data: Data, info: SiteInfo, page: Page) -> Chart | None:
    points = [DayPoint(*known) for known in around(data, info, row)]
    if not points:
        return None
    unit = unit_of(str(row["metric"]), data.metrics)

    def write(value: float, lang: str) -> str:
        return in_unit(value, unit, info.currency, lang)

    chart = Chart(
        id=f"{anchor(row['incident_id'])}-days",
        title=tr("alerts.around_title"),
        subtitle=tr("alerts.around", n=AROUND),
        figure=incident_line(points, (row["opened_date"], row["last_date"]), write, page.pool),
        table=Table(
            [tr("table.day"), tr("alerts.observed"), tr("table.lower"), tr("table.upper")],
            [
                [p.day.isoformat(), *(both(lambda lang, v=v: in_unit(v, unit, info.currency, lang))  # type: ignore[misc]
                                      for v in (p.value, p.lower, p.upper))]
                for p in reversed(points)
            ],
        ),
        source="insights.anomalies",
        csv="data/anomalies.csv",
        height=190,
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _effects(row: Row, data: Data, info: SiteInfo) -> Table | None:
    rows = (
        data["insights.incident_effects"]
        .filter(pl.col("incident_id") == row["incident_id"]).sort("position").to_dicts()
    )  # fmt: skip
    if not rows:
        return None
    return Table(
        [tr("alerts.factor"), tr("alerts.effect")],
        [
            [both(lambda lang, r=r: metric_word(str(r["factor"]), data.metrics, lang)),  # type: ignore[misc]
             exact_money(r["effect_amount"], info.currency, signed=True)]
            for r in rows
        ],
    )  # fmt: skip


def command(row: Row) -> str:
    """The command that lists the days of an incident, for a shell of Linux."""
    table, names = "insights.anomalies", ("metric", "dimension", "segment", "platform")
    wanted = {name: row[name] for name in names}
    if row["kind"] == "data":
        table, wanted = "quality.source_completeness_daily", {"source": row["segment"]}
    said = {name: str(value).replace("'", "''") for name, value in wanted.items() if value}
    where = " and ".join(
        f"{name} = '{said[name]}'" if name in said else f"{name} is null" for name in wanted
    )
    sql = f"from {table} where {where} order by business_date desc limit 28"
    is_plain = all(_PLAIN.fullmatch(value) for value in said.values())
    return f'kpi sql "{sql}"' if is_plain else f"kpi sql {shlex.quote(sql)}"


def _page(row: Row, data: Data, info: SiteInfo) -> str:
    """The page of the figures of an incident."""
    page = page_of(row)
    if page != "drivers.html":
        return page
    return f"{page}#day={row['last_date']}" if row["last_date"] in days_shown(data, info) else ""


def detail(row: Row, data: Data, info: SiteInfo, page: Page) -> Incident:
    """All that the page tells of one incident."""
    en = row["explanation_en"] or row["explanation_zh"] or str(row["metric"])
    facts = [
        (tr("alerts.head_severity"), _severity(row)),
        (tr("alerts.head_days"), _span(row, info)),
        (tr("alerts.head_state"),
         tr("alerts.open" if is_open(row, info.data_through) else "alerts.closed")),
        (tr("alerts.head_verdict"), _verdict(row, info)),
    ]  # fmt: skip
    lines: list[Both] = []
    if row["kind"] != "data":
        if row["impact_amount"] is not None:
            facts.insert(2, (tr("alerts.head_impact"), _money(row, info)))
        sets = data["insights.root_cause_sets"]
        pairs = zip(*(together_lines(row, sets, lang) for lang in ("en", "zh")), strict=True)
        lines += [Both(*pair) for pair in pairs]
        if row["dimension"] is not None:
            lines.append(both(lambda lang: todo_line(row, data.metrics, lang)))
    return Incident(
        anchor(row["incident_id"]),
        both(lambda lang: f"{_what(row, data).get(lang)} · {_span(row, info).get(lang)}"),
        Both(en, row["explanation_zh"] or en),
        facts,
        _chart(row, data, info, page) if row["kind"] != "data" else None,
        _effects(row, data, info),
        lines,
        command(row),
        _page(row, data, info),
    )  # fmt: skip


def risk_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """Orders that a rule of risk found, by rule; of what a rule could not judge it says so."""
    first = info.data_through - timedelta(days=DAYS - 1)
    found = data["marts.fct_risk_signals"].filter(
        pl.col("business_date").is_between(first, info.data_through)
    )
    counted = (
        found.group_by("rule", "platform")
        .agg(risk=(pl.col("status") == "risk").sum(),
             open=(pl.col("status") == "not_evaluable").sum())
        .sort("rule", "platform").to_dicts()
    )  # fmt: skip
    flagged = sum(row["risk"] for row in counted)
    chart = Chart(
        id="risk",
        title=tr("alerts.risk" if flagged else "alerts.risk_fine", n=integer(flagged))
        if counted else tr("alerts.risk_none"),
        subtitle=tr("alerts.risk_subtitle", n=DAYS),
        figure=None,
        table=Table(
            [tr("alerts.rule"), tr("table.platform"), tr("alerts.flagged"), tr("alerts.unjudged")],
            [[tr(f"alerts.rule_{row['rule']}") if row["rule"] in _RULES else same(str(row["rule"])),
              segment_name("platform", str(row["platform"])), integer(row["risk"]),
              integer(row["open"])] for row in counted],
            text_columns=2,
        ),
        source="marts.fct_risk_signals",
        csv="data/risk_signals.csv",
        is_open=True,
        empty=None if counted else tr("alerts.risk_none"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


_RULES = ("serial_refunds", "shared_address", "unusual_address", "velocity")


def build(data: Data, info: SiteInfo) -> Page:
    """The page `alerts.html`."""
    page = Page("alerts.html", "alerts.html", "alerts", tr("nav.alerts_title"))
    rows = recent(data, info.data_through)
    known, real = judged(rows, info)
    page.values = {
        "question": tr("ask.alerts.question"),
        "headline": headline(rows, data, info),
        "precision": tr("alerts.precision", n=known, real=real) if known
        else tr("alerts.precision_none"),
        "timeline": timeline_chart(data, info, page, rows),
        "incidents": [detail(row, data, info, page) for row in rows[:_DETAILED]],
        "more": max(0, len(rows) - _DETAILED),
        "risk": risk_chart(data, info, page),
    }  # fmt: skip
    return page
