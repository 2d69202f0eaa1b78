"""The change of a day in charts: its waterfall and what each segment contributed.

Belongs here: charts of rows of `fct_gmv_change`, with their titles.
Does not belong here: which rows are told of (`figures.changes`), page layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dashboards.base.data import SMALLEST_GROUP, Data, Row, SiteInfo
from dashboards.base.names import comparison_name, segment_name
from dashboards.base.page import Both, Chart, Page, Tab, Table, amount_text, both, same, tr
from dashboards.charts.waterfall import Step, contribution_bars, waterfall
from dashboards.figures.buyers import is_young
from dashboards.figures.changes import (
    base_dates,
    event_of_base,
    incidents_of_base,
    shown_segments,
)
from dashboards.wording.changes import (
    EFFECT_ORDER,
    NOTABLE_CHANGE,
    Effect,
    effects,
    headline,
)
from dashboards.wording.formatting import exact_money, inline, percent

_SHOWN = 8
CHANGE_CSV = "data/gmv_change.csv"
_LEADER = 0.5  # of the change: above it one segment "accounts for most"
_CENT = 0.005


def base_remarks(data: Data, moment: date, comparison: str) -> list[Both]:
    """Warnings where the base is no usual day: an event that the day is not in, an incident."""
    event = event_of_base(data, moment, comparison)
    found = [tr("comparison.base_in_promo", promo=event)] if event else []
    days = len(base_dates(data, moment, comparison))
    for row, hit in incidents_of_base(data, moment, comparison):
        english = row["explanation_en"] or row["explanation_zh"] or str(row["metric"])
        words = Both(english, row["explanation_zh"] or english)
        key = "comparison.base_in_incident" if days == 1 else "comparison.base_days_in_incident"
        found.append(tr(key, told=words, n=hit, days=days))
    return found


def told(data: Data, info: SiteInfo, moment: date, change: Row | None) -> Both:
    """The headline of a day, with or without a comparison."""
    company = data.company_on(moment) or {}
    alone = {"business_date": moment, "gmv": company.get("gmv"), "orders": company.get("orders")}
    if info.configured_feeds and "orders" not in info.configured_feeds:
        return tr("headline.no_feed")
    row = change or alone
    versus = comparison_name(data, str(row.get("comparison")), "versus")
    return both(lambda lang: headline(row, lang, info.currency, versus.get(lang)))


def paired_effects(change: Row, info: SiteInfo) -> list[tuple[Effect, Both]]:
    """The row's effects with their labels in both languages."""
    english = effects(change, "en", info.currency)
    chinese = effects(change, "zh", info.currency)
    return [(e, Both(e.label, z.label)) for e, z in zip(english, chinese, strict=True)]


def _rate(change: Row) -> float | None:
    return change["gmv_change"] / change["base_gmv"] if change["base_gmv"] else None


@dataclass(frozen=True)
class Sides:
    """What the two sides of a change are called: base of a bar, base in a sentence, the period."""

    base: Both
    versus: Both
    now: Both


def waterfall_chart(site: tuple[Data, SiteInfo], page: Page, change: Row, chart_id: str) -> Chart:
    """The LMDI waterfall of one company row of `fct_gmv_change`."""
    data, _ = site
    words = Sides(
        comparison_name(data, change["comparison"], "base"),
        comparison_name(data, change["comparison"], "versus"),
        tr("chart.this_day"),
    )
    return effects_chart(site, page, change, chart_id, words, ("marts.fct_gmv_change", CHANGE_CSV))


def effects_chart(  # noqa: PLR0913, PLR0917 - the parts of one chart
    site: tuple[Data, SiteInfo],
    page: Page,
    change: Row,
    chart_id: str,
    words: Sides,
    source: tuple[str, str],
) -> Chart:
    """The waterfall of a row with effects.

    Args:
        site: the frames and the facts of the site.
        page: page it stands on.
        change: row with `base_gmv`, `gmv`, `gmv_change` and effects that sum to it.
        chart_id: its HTML id.
        words: what the sides are called.
        source: table and download.
    """
    _, info = site
    parts = paired_effects(change, info)
    base, gmv = float(change["base_gmv"] or 0), float(change["gmv"] or 0)
    level, steps = base, [Step(words.base, base)]
    for effect, label in parts:
        level += effect.amount
        steps.append(Step(label, level, effect.amount))
    steps.append(Step(words.now, gmv))
    top = sorted(parts, key=lambda part: -abs(part[0].amount))[:3]
    listed = both(
        lambda lang: ("，" if lang == "zh" else ", ").join(
            f"{inline(label.get(lang), lang)} "
            f"{amount_text(e.amount, info.currency, True).get(lang)}"
            for e, label in top
        )
    )
    rate = _rate(change)
    moved = abs(rate) >= NOTABLE_CHANGE if rate is not None else bool(change["gmv_change"])
    if rate is None or not parts:
        title = tr("waterfall.title_flat")
    else:
        key = "waterfall.title" if moved else "waterfall.title_flat_parts"
        title = tr(key, rate=percent(rate, 1, signed=True), parts=listed)
    rows: list[list[Both | str]] = [[words.base, exact_money(base, info.currency)]]
    rows += [[n, exact_money(e.amount, info.currency, signed=True)] for e, n in parts]
    rows.append([words.now, exact_money(gmv, info.currency)])
    chart = Chart(
        id=chart_id,
        title=title,
        subtitle=tr("waterfall.subtitle", base=words.versus),
        figure=waterfall(steps, info.currency, page.pool),
        table=Table([tr("table.factor"), tr("table.amount")], rows),
        source=source[0],
        csv=source[1],
        height=330,
    )
    page.charts.append(chart)
    return chart


def _inline(dimension: str) -> Both:
    name = tr(f"dimension.{dimension}")
    return both(lambda lang: inline(name.get(lang), lang))


def _contribution_title(rows: Sequence[Row], dimension: str, change: Row, currency: str) -> Both:
    """The finding of a chart of contributions, true by the rows it shows.

    "Accounts for most" is said of a segment with more than half of the change and no more than the
    whole of it; where others moved against it by more than that, both are told with their money.
    """
    total = change["gmv_change"] or 0.0
    floor = max(NOTABLE_CHANGE * max(change["base_gmv"] or 0, change["gmv"] or 0), _CENT)
    words = {"dimension": _inline(dimension)}
    moves = sorted(((r["gmv_change"] or 0.0, r) for r in rows), key=lambda move: move[0])
    along = [m for m in (moves if total < 0 else moves[::-1]) if m[0] * total > 0]
    against = [m for m in (moves[::-1] if total < 0 else moves) if m[0] * total < 0]
    if abs(total) < floor or not along:
        gains = sum(amount for amount, _ in moves if amount > 0)
        losses = -sum(amount for amount, _ in moves if amount < 0)
        cancelled = min(gains, losses) >= floor and abs(total) < floor
        return tr("contribution.offset" if cancelled else "contribution.nothing", **words)
    direction = "rise" if total > 0 else "fall"
    lead, segment = along[0][0], _label(along[0][1], dimension)
    if len(rows) == 1 and abs(lead - total) < _CENT:
        return tr("contribution.only", segment=segment, **words)
    if abs(lead) <= _LEADER * abs(total):
        return tr(f"contribution.spread_{direction}", **words)
    if abs(lead) <= abs(total) or not against:
        return tr(f"contribution.leader_{direction}", segment=segment)
    return tr(
        f"contribution.against_{direction}",
        segment=segment,
        amount=amount_text(lead, currency, signed=True),
        other=_label(against[0][1], dimension),
        back=amount_text(against[0][0], currency, signed=True),
    )


def _label(row: Row, dimension: str) -> Both:
    if row["segment"] == "(small)":
        return tr("segment.small", n=SMALLEST_GROUP)
    return segment_name(dimension, str(row["segment"]))


def _bars(rows: Sequence[Row], dimension: str) -> tuple[list[Both], list[float]]:
    """Largest movements, sorted from loss to gain, the rest as one bar."""
    ranked = sorted(rows, key=lambda row: (-abs(row["gmv_change"] or 0), str(row["segment"])))
    shown = ranked if len(ranked) <= _SHOWN else ranked[: _SHOWN - 1]
    bars = [(_label(row, dimension), float(row["gmv_change"] or 0)) for row in shown]
    bars.sort(key=lambda bar: bar[1])
    rest = ranked[len(shown) :]
    if rest:
        bars.append(
            (tr("segment.rest", n=len(rest)), float(sum(row["gmv_change"] or 0 for row in rest)))
        )
    return [bar[0] for bar in bars], [bar[1] for bar in bars]


def _effect_table(rows: Sequence[Row], dimension: str, info: SiteInfo) -> Table:
    columns = [
        name
        for name in EFFECT_ORDER
        if any(abs(row[f"{name}_effect"] or 0) >= 0.005 for row in rows)
    ]
    head = [tr(f"dimension.{dimension}"), tr("table.gmv"), tr("table.base"), tr("table.change")]
    ordered = sorted(rows, key=lambda row: (row["gmv_change"] or 0, str(row["segment"])))
    return Table(
        head + [tr(f"effect.{name}") for name in columns],
        [
            [
                _label(row, dimension),
                exact_money(row["gmv"], info.currency),
                exact_money(row["base_gmv"], info.currency),
                exact_money(row["gmv_change"], info.currency, signed=True),
                *(exact_money(row[f"{n}_effect"], info.currency, signed=True) for n in columns),
            ]
            for row in ordered
        ],
    )


def _young_note(data: Data, change: Row, dimension: str) -> Both | None:
    """New and returning against a base of which the past is hardly known."""
    back = data.comparisons.base_day(change["comparison"])
    if dimension != "customer_type" or back is None:
        return None
    is_bare = is_young(data, change["business_date"], back)
    return tr("comparison.young_base") if is_bare else None


def contribution_tabs(
    site: tuple[Data, SiteInfo], page: Page, change: Row, dimensions: Sequence[str], prefix: str
) -> list[Tab]:
    """One chart of contributions for each dimension that has rows."""
    data, info = site
    tabs = []
    for dimension in dimensions:
        rows = shown_segments(data, change["business_date"], change["comparison"], dimension)
        if not rows:
            continue
        names, amounts = _bars(rows, dimension)
        base = comparison_name(data, change["comparison"], "versus")
        chart = Chart(
            id=f"{prefix}-{dimension}",
            title=_contribution_title(rows, dimension, change, info.currency),
            subtitle=tr(
                "contribution.subtitle",
                base=base,
                dimension=_inline(dimension),
                currency=same(info.currency),
            ),
            figure=contribution_bars(names, amounts, info.currency, page.pool),
            table=_effect_table(rows, dimension, info),
            source="marts.fct_gmv_change",
            csv=CHANGE_CSV,
            height=max(150, 60 + 38 * len(names)),
            note=_young_note(data, change, dimension),
        )
        page.charts.append(chart)
        tabs.append(Tab(dimension, tr(f"dimension.{dimension}"), chart))
    return tabs
