"""The metric tree of a day: GMV and its factors, each with its level, change and money effect.

Belongs here: which nodes a tree has when traffic is known, partly known or unknown.
Does not belong here: effects and levels (published); only ratios of sums are taken for a mean of
28 days, whose level no table holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import label_of, registry, segment_name
from dashboards.base.page import Both, amount_text, named, same, tr
from dashboards.pages.shared.changes import paired_effects
from dashboards.pages.shared.deltas import Delta, delta
from dashboards.wording.formatting import DASH, fixed, integer, percent

_BACK = {"previous_day": 1, "last_week": 7, "last_year": 364}
_CHILDREN = 3
_SUMMED = (
    "visitors", "tracked_buyers", "untracked_buyers", "buyers", "identified_orders",
    "anonymous_orders", "orders", "units", "gmv",
)  # fmt: skip


@dataclass(frozen=True)
class Child:
    """A line under a node."""

    label: Both
    value: Both
    delta: Delta | None


@dataclass(frozen=True)
class Node:
    """A card of the tree.

    Attributes:
        name: column of the measure.
        operator: sign written before the card.
        effect: its part of the change in money, written short; None for the root.
        tone: `better`, `worse` or `flat`, the colour of the bar.
        width: length of the bar in per cent of the widest.
    """

    name: str
    operator: str
    label: Both
    value: Both
    delta: Delta | None
    effect: Both | None = None
    tone: str = "flat"
    width: int = 0
    children: tuple[Child, ...] = ()


@dataclass(frozen=True)
class Tree:
    """Root, factors and remarks of one day and comparison.

    Attributes:
        formula: the identity as it holds for this company.
        per_buyer: sentence on GMV per buyer, which groups the last two factors.
    """

    root: Node
    nodes: tuple[Node, ...]
    formula: Both
    per_buyer: Both | None
    unknown: Both | None


def base_levels(data: Data, moment: date, comparison: str) -> Row | None:
    """Company levels on the other side of a comparison; None where no single row holds them."""
    if comparison in _BACK:
        return data.company_on(moment - timedelta(days=_BACK[comparison]))
    if comparison != "trailing_28d":
        return None
    window = data.company(moment - timedelta(days=1), 28)
    total = window.select(pl.col(name).fill_null(0).sum() for name in _SUMMED).to_dicts()[0]
    return {
        **{name: value / 28 for name, value in total.items()},
        "conversion_rate": _ratio(total, "tracked_buyers", "visitors"),
        "orders_per_buyer": _ratio(total, "identified_orders", "buyers"),
        "aov": _ratio(total, "gmv", "orders"),
        "gmv_per_buyer": _ratio(total, "gmv", "buyers"),
    }


def _ratio(row: Row | None, over: str, under: str) -> float | None:
    if row is None or not row[under] or row[over] is None:
        return None
    return float(row[over] / row[under])


def _level(name: str, value: float | None, info: SiteInfo) -> Both:
    if value is None:
        return same(DASH)
    if name in ("gmv", "aov", "gmv_per_buyer"):
        return amount_text(value, info.currency)
    if name == "conversion_rate":
        return same(percent(value, 2))
    return same(fixed(value, 3) if name == "orders_per_buyer" else integer(value))


def _relative(now: float | None, base: float | None) -> Delta:
    return delta(now, base, "count", "up", same(""))


def _tracked_names(now: Row, base: Row | None, effects: set[str]) -> list[tuple[str, str, str]]:
    """(effect, column, operator) of each node the company has."""
    sides = [row for row in (now, base) if row]
    known = any(row["visitors"] for row in sides) or effects & {"visitors", "conversion"}
    nodes = []
    if known:
        nodes = [("visitors", "visitors", "="), ("conversion", "conversion_rate", "×")]
        if "untracked_buyers" in effects or any(row["untracked_buyers"] for row in sides):
            nodes.append(("untracked_buyers", "untracked_buyers", "+"))
    else:
        nodes = [("buyers", "buyers", "=")]
    nodes.append(("orders_per_buyer", "orders_per_buyer", "×"))
    if "anonymous_orders" in effects or any(row["anonymous_orders"] for row in sides):
        nodes.append(("anonymous_orders", "anonymous_orders", "+"))
    return [*nodes, ("aov", "aov", "×")]


def _visitor_children(data: Data, change: Row) -> list[Child]:
    """The segments that lost most visitors, by channel where there is more than one, else shop."""
    moment, back = change["business_date"], _BACK.get(change["comparison"])
    if back is None:
        return []
    for dimension in ("channel", "platform"):
        before = {r["segment"]: r for r in data.on(moment - timedelta(days=back), dimension)}
        now = {r["segment"]: r for r in data.on(moment, dimension)}
        pairs = [
            (segment, now.get(segment), before.get(segment)) for segment in sorted({*now, *before})
        ]
        rows = [
            (segment, (a or {}).get("visitors") or 0.0, (b or {}).get("visitors") or 0.0)
            for segment, a, b in pairs
            if not segment.startswith("(")
        ]
        rows = [row for row in rows if row[1] or row[2]]
        if len(rows) > 1:
            rows.sort(key=lambda row: (row[1] - row[2], row[0]))
            return [
                Child(segment_name(dimension, s), same(integer(a)), _relative(a, b))
                for s, a, b in rows[:_CHILDREN]
            ]
    return []


def _funnel_children(data: Data, change: Row) -> list[Child]:
    moment, back = change["business_date"], _BACK.get(change["comparison"])
    steps = data["marts.fct_funnel_daily"].filter(
        pl.col("basis") == "session", pl.col("dimension") == "all"
    )
    before = {}
    if back is not None:
        earlier = steps.filter(pl.col("business_date") == moment - timedelta(days=back))
        before = {row["step"]: row["step_rate"] for row in earlier.to_dicts()}
    rows = steps.filter(pl.col("business_date") == moment).sort("step_number").to_dicts()
    return [
        Child(
            tr("tree.step", a=_step(a["step"]), b=_step(b["step"])),
            same(percent(b["step_rate"])),
            delta(b["step_rate"], before.get(b["step"]), "rate", "up", same("")),
        )
        for a, b in pairwise(rows)
    ]


def _step(name: str) -> Both:
    return named("step", name)


def _order_children(now: Row, base: Row | None, info: SiteInfo) -> list[Child]:
    units, before = _ratio(now, "units", "orders"), _ratio(base, "units", "orders")
    price, price_before = _ratio(now, "gmv", "units"), _ratio(base, "gmv", "units")
    if units is None or price is None:
        return []
    return [
        Child(tr("measure.units_per_order"), same(fixed(units, 2)), _relative(units, before)),
        Child(
            tr("measure.gmv_per_unit"),
            amount_text(price, info.currency),
            _relative(price, price_before),
        ),
    ]


def _buyer_children(data: Data, change: Row) -> list[Child]:
    moment, back = change["business_date"], _BACK.get(change["comparison"])
    now = _returning(data.on(moment, "customer_type"))
    if now is None:
        return []
    base = _returning(data.on(moment - timedelta(days=back), "customer_type")) if back else None
    label = tr("measure.returning_share")
    return [Child(label, same(percent(now)), delta(now, base, "rate", "up", same("")))]


def _returning(rows: Sequence[Row]) -> float | None:
    buyers = {row["segment"]: row["buyers"] or 0.0 for row in rows}
    total = buyers.get("new", 0.0) + buyers.get("returning", 0.0)
    return buyers.get("returning", 0.0) / total if total else None


def _children(
    name: str, data: Data, info: SiteInfo, change: Row, sides: tuple[Row, Row | None]
) -> list[Child]:
    if name == "visitors":
        return _visitor_children(data, change)
    if name == "conversion":
        return _funnel_children(data, change)
    if name == "orders_per_buyer":
        return _buyer_children(data, change)
    return _order_children(*sides, info) if name == "aov" else []


def _per_buyer(now: Row, base: Row | None, effects: dict[str, float], info: SiteInfo) -> Both:
    joint = effects.get("orders_per_buyer", 0.0) + effects.get("aov", 0.0)
    moved = _relative(now["gmv_per_buyer"], base["gmv_per_buyer"] if base else None)
    size = f"{moved.arrow} {moved.size.en}".strip()
    return tr(
        "tree.per_buyer",
        value=_level("gmv_per_buyer", now["gmv_per_buyer"], info),
        size=size,
        effect=amount_text(joint, info.currency, signed=True),
    )


def build_tree(data: Data, info: SiteInfo, change: Row) -> Tree | None:
    """The tree of one company row of `fct_gmv_change`; None without the day's levels."""
    now = data.company_on(change["business_date"])
    if now is None:
        return None
    base = base_levels(data, change["business_date"], change["comparison"])
    amounts = {effect.name: effect.amount for effect, _ in paired_effects(change, info)}
    widest = max((abs(a) for a in amounts.values()), default=0.0)
    metrics = registry(data)
    nodes = []
    for name, column, operator in _tracked_names(now, base, set(amounts)):
        amount = amounts.get(name, 0.0)
        nodes.append(
            Node(
                name=column,
                operator=operator,
                label=label_of(column, metrics),
                value=_level(column, now[column], info),
                delta=_relative(now[column], base[column] if base else None),
                effect=amount_text(amount, info.currency, signed=True),
                tone="flat" if not amount else "better" if amount > 0 else "worse",
                width=round(100 * abs(amount) / widest) if widest else 0,
                children=tuple(_children(name, data, info, change, (now, base))),
            )
        )
    unknown = nodes[0].name == "buyers"
    plus = {node.name for node in nodes if node.operator == "+"}
    formula = "buyers" if unknown else "full" if plus else "plain"
    root = Node(
        name="gmv",
        operator="",
        label=label_of("gmv", metrics),
        value=_level("gmv", now["gmv"], info),
        delta=_relative(change["gmv"], change["base_gmv"]),
        effect=amount_text(change["gmv_change"], info.currency, signed=True),
    )
    return Tree(
        root=root,
        nodes=tuple(nodes),
        formula=tr(f"tree.formula_{formula}"),
        per_buyer=None if "anonymous_orders" in plus else _per_buyer(now, base, amounts, info),
        unknown=tr("tree.unknown") if unknown else None,
    )
