"""Choices all pages share: which comparison tells the day, and the chart of a change.

Belongs here: rules about rows of `fct_gmv_change`, with their titles.
Does not belong here: page layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, Chart, Page, Tab, Table, amount_text, both, named, same, tr
from dashboards.charts.waterfall import Step, contribution_bars, waterfall
from dashboards.wording.changes import (
    EFFECT_ORDER,
    NOTABLE_CHANGE,
    Effect,
    effects,
    headline,
    inline,
)
from dashboards.wording.formatting import exact_money, percent

COMPARISONS = ("last_week", "previous_day", "last_year", "promo_phase", "trailing_28d", "target")
DIMENSIONS = ("platform", "shop", "channel", "device", "region", "customer_type")
SMALLEST_GROUP = 10  # buyers; a smaller region could be one person
_SHOWN = 8
CHANGE_CSV = "data/gmv_change.csv"
_SUMMED = ("gmv", "base_gmv", "gmv_change", *(f"{name}_effect" for name in EFFECT_ORDER))
_LEADER = 0.5  # of the same-signed sum: from here on one segment "accounts for most"


@dataclass(frozen=True)
class Phase:
    """A promotion phase as days, both included, over all platforms."""

    promo: str
    phase: str
    first: date
    last: date


def phases(data: Data, first: date, last: date) -> list[Phase]:
    """Promotion phases that overlap the days; platforms that differ give the widest span."""
    found: dict[tuple[str, str, str], list[date]] = {}
    for row in data["marts.dim_promo"].to_dicts():
        if not row["starts_at"] or not row["ends_at"]:
            continue
        start = date.fromisoformat(row["starts_at"][:10])
        # A phase that ends at midnight ends with the day before.
        end = date.fromisoformat(row["ends_at"][:10]) - timedelta(
            days=1 if row["ends_at"][11:16] in ("", "00:00") else 0
        )
        if end >= first and start <= last:
            key = (str(row["promo"]), str(row["promo_year"]), str(row["phase"]))
            found.setdefault(key, []).extend((start, end))
    return sorted(
        (Phase(key[0], key[2], min(days), max(days)) for key, days in found.items()),
        key=lambda phase: (phase.first, phase.last, phase.promo, phase.phase),
    )


def comparisons(data: Data, moment: date) -> list[str]:
    """Comparisons that exist for the company that day, the telling one first.

    In a promotion that is the same phase of last year: against an ordinary week every promotion
    is a record and every week after it a disaster.
    """
    found = [name for name in COMPARISONS if data.change(moment, name)]
    if "promo_phase" in found and phases(data, moment, moment):
        found.remove("promo_phase")
        found.insert(0, "promo_phase")
    return found


def base_in_promotion(data: Data, moment: date, comparison: str) -> Both | None:
    """A warning where the base lay in a promotion and the day does not."""
    back = {"previous_day": 1, "last_week": 7, "last_year": 364}.get(comparison)
    if back is None or phases(data, moment, moment):
        return None
    base = moment - timedelta(days=back)
    found = phases(data, base, base)
    return tr("story.base_in_promo", promo=promo_name(found[0].promo)) if found else None


def promo_name(promo: str) -> Both:
    """A promotion's name as people write it."""
    return named("promo", promo)


def segment_name(dimension: str, segment: str) -> Both:
    """A segment's name: the catalogue's for known ones, else as delivered."""
    if segment in ("(untracked)", "(unidentified)", "(unattributed)"):
        return tr(f"segment.{segment.strip('()')}")
    return named(f"segment.{dimension}", segment)


def told(change: Row | None, info: SiteInfo, moment: date, gmv: float | None) -> Both:
    """The headline of a day, with or without a comparison."""
    row = change or {"business_date": moment, "gmv": gmv}
    return both(lambda lang: headline(row, lang, info.currency))


def paired_effects(change: Row, info: SiteInfo) -> list[tuple[Effect, Both]]:
    """The row's effects with their labels in both languages."""
    english = effects(change, "en", info.currency)
    chinese = effects(change, "zh", info.currency)
    return [(e, Both(e.label, z.label)) for e, z in zip(english, chinese, strict=True)]


def _rate(change: Row) -> float | None:
    return change["gmv_change"] / change["base_gmv"] if change["base_gmv"] else None


def waterfall_chart(change: Row, info: SiteInfo, page: Page, chart_id: str) -> Chart:
    """The LMDI waterfall of one company row of `fct_gmv_change`."""
    comparison = change["comparison"]
    parts = paired_effects(change, info)
    base, gmv = float(change["base_gmv"] or 0), float(change["gmv"] or 0)
    level, steps = base, [Step(tr(f"base.{comparison}"), base)]
    for effect, label in parts:
        level += effect.amount
        steps.append(Step(label, level, effect.amount))
    steps.append(Step(tr("chart.this_day"), gmv))
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
    rows: list[list[Both | str]] = [[tr(f"base.{comparison}"), exact_money(base, info.currency)]]
    rows += [[n, exact_money(e.amount, info.currency, signed=True)] for e, n in parts]
    rows.append([tr("chart.this_day"), exact_money(gmv, info.currency)])
    chart = Chart(
        id=chart_id,
        title=title,
        subtitle=tr("waterfall.subtitle", base=tr(f"versus.{comparison}")),
        figure=waterfall(steps, info.currency, page.pool),
        table=Table([tr("table.factor"), tr("table.amount")], rows),
        source="marts.fct_gmv_change",
        csv=CHANGE_CSV,
        height=330,
    )
    page.charts.append(chart)
    return chart


def shown_segments(data: Data, moment: date, comparison: str, dimension: str) -> list[Row]:
    """Segments of a change; regions with fewer buyers than `SMALLEST_GROUP` are left together."""
    rows = data.changes(moment, comparison, dimension)
    if dimension != "region":
        return rows
    buyers = {row["segment"]: row["buyers"] or 0 for row in data.on(moment, dimension)}
    keep = [r for r in rows if buyers.get(r["segment"], 0) >= SMALLEST_GROUP]
    small = [r for r in rows if buyers.get(r["segment"], 0) < SMALLEST_GROUP]
    if small:
        total = {name: sum(row[name] or 0 for row in small) for name in _SUMMED}
        keep.append({**small[0], **total, "segment": "(small)"})
    return keep


def _inline(dimension: str) -> Both:
    name = tr(f"dimension.{dimension}")
    return both(lambda lang: inline(name.get(lang), lang))


def _contribution_title(rows: Sequence[Row], dimension: str, change: Row) -> Both:
    total = change["gmv_change"] or 0.0
    floor = NOTABLE_CHANGE * max(change["base_gmv"] or 0, change["gmv"] or 0)
    words = {"dimension": _inline(dimension)}
    if all(abs(row["gmv_change"] or 0) < floor for row in rows):
        return tr("contribution.nothing", **words)
    along = sorted(
        (r for r in rows if (r["gmv_change"] or 0) * total > 0), key=lambda r: -abs(r["gmv_change"])
    )
    if abs(total) < floor or not along:
        return tr("contribution.offset", **words)
    direction = "rise" if total > 0 else "fall"
    if len(rows) == 1:
        return tr("contribution.only", segment=_label(rows[0], dimension), **words)
    if abs(along[0]["gmv_change"]) >= _LEADER * sum(abs(row["gmv_change"]) for row in along):
        return tr(f"contribution.leader_{direction}", segment=_label(along[0], dimension))
    return tr(f"contribution.spread_{direction}", **words)


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
        base = tr(f"versus.{change['comparison']}")
        chart = Chart(
            id=f"{prefix}-{dimension}",
            title=_contribution_title(rows, dimension, change),
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
        )
        page.charts.append(chart)
        tabs.append(Tab(dimension, tr(f"dimension.{dimension}"), chart))
    return tabs
