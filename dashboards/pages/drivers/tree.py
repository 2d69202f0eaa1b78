"""The metric tree of a day: GMV and its factors, each with its level, change and money effect.

Belongs here: which nodes a tree has when traffic is known, partly known or unknown.
Does not belong here: effects and counts, which are published, and what ratio they make.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import label_of, passage, segment_name
from dashboards.base.page import Both, amount_text, listed, same, tr
from dashboards.figures.buyers import is_young, returning_share
from dashboards.figures.funnel import sessions
from dashboards.figures.ratios import Sums, level, ratio, sides
from dashboards.pages.shared.changes import paired_effects
from dashboards.pages.shared.deltas import Delta, delta, level_text
from dashboards.wording.formatting import fixed, integer, percent
from dashboards.wording.metrics import unit_of

_CHILDREN = 3


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


def _relative(now: float | None, base: float | None) -> Delta:
    return delta(now, base, "count", "up", same(""))


def _tracked_names(both_sides: tuple[Sums, Sums], effects: set[str]) -> list[tuple[str, str, str]]:
    """(effect, column, operator) of each node the company has."""
    known = any(row["visitors"] for row in both_sides) or effects & {"visitors", "conversion"}
    nodes = []
    if known:
        nodes = [("visitors", "visitors", "="), ("conversion", "conversion_rate", "×")]
        if "untracked_buyers" in effects or any(row["untracked_buyers"] for row in both_sides):
            nodes.append(("untracked_buyers", "untracked_buyers", "+"))
    else:
        nodes = [("buyers", "buyers", "=")]
    nodes.append(("orders_per_buyer", "orders_per_buyer", "×"))
    if "anonymous_orders" in effects or any(row["anonymous_orders"] for row in both_sides):
        nodes.append(("anonymous_orders", "anonymous_orders", "+"))
    return [*nodes, ("aov", "aov", "×")]


def _visitor_children(data: Data, change: Row) -> list[Child]:
    """The segments that lost most visitors, by channel where there is more than one, else shop."""
    moment, back = change["business_date"], data.comparisons.base_day(change["comparison"])
    if back is None:
        return []
    for dimension in ("channel", "platform"):
        before = {r["segment"]: r for r in data.on(moment - timedelta(days=back), dimension)}
        now = {r["segment"]: r for r in data.on(moment, dimension)}
        pairs = [
            (segment, now.get(segment), before.get(segment)) for segment in sorted({*now, *before})
        ]
        # a segment without a row had none; one whose row does not tell them cannot be compared
        rows = [
            (segment, *(0.0 if side is None else side["visitors"] for side in (a, b)))
            for segment, a, b in pairs
        ]
        rows = [row for row in rows if None not in row and (row[1] or row[2])]
        if len(rows) > 1:
            rows.sort(key=lambda row: (row[1] - row[2], row[0]))
            return [
                Child(segment_name(dimension, s), same(integer(a)), _relative(a, b))
                for s, a, b in rows[:_CHILDREN]
            ]
    return []


def _funnel_children(data: Data, change: Row) -> list[Child]:
    moment, back = change["business_date"], data.comparisons.base_day(change["comparison"])
    steps = sessions(data, "all")
    before = {}
    if back is not None:
        earlier = steps.filter(pl.col("business_date") == moment - timedelta(days=back))
        before = {row["step"]: row["passage_rate"] for row in earlier.to_dicts()}
    rows = steps.filter(pl.col("business_date") == moment).sort("step_number").to_dicts()
    return [
        Child(
            _of_its_platforms(data, moment, passage(a["step"], b["step"])),
            same(percent(b["passage_rate"])),
            delta(b["passage_rate"], before.get(b["step"]), "rate", "up", same("")),
        )
        for a, b in pairwise(rows)
    ]


def _of_its_platforms(data: Data, moment: date, label: Both) -> Both:
    """Names the platforms whose steps are recorded, where others have visitors, too."""
    rows = sessions(data, "platform").filter(pl.col("business_date") == moment)
    inside = sorted(set(rows["segment"]))
    visited = {row["segment"] for row in data.on(moment, "platform") if row["visitors"]}
    if not inside or visited <= set(inside):
        return label
    names = listed([segment_name("platform", name) for name in inside])
    return tr("tree.step_of", platforms=names, step=label)


def _order_children(data: Data, change: Row, info: SiteInfo) -> list[Child]:
    moment, days = change["business_date"], data.comparisons.base_days(change["comparison"])
    today = _sums(data.company(moment, 1))
    base = (
        _sums(data.company(moment - timedelta(days=days[1]), days[0] - days[1] + 1)) if days else {}
    )
    pairs = {
        name: (ratio(today[over], today[under]), ratio(base.get(over), base.get(under)))
        for name, over, under in (
            ("units_per_order", "units", "orders"), ("gmv_per_unit", "gmv", "units"),
        )
    }  # fmt: skip
    if any(now is None for now, _ in pairs.values()):
        return []
    units, price = pairs["units_per_order"], pairs["gmv_per_unit"]
    return [
        Child(tr("measure.units_per_order"), same(fixed(units[0], 2)), _relative(*units)),
        Child(tr("measure.gmv_per_unit"), amount_text(price[0], info.currency), _relative(*price)),
    ]


def _sums(days: pl.DataFrame) -> Sums:
    return days.select(exact_sum(name) for name in ("units", "orders", "gmv")).row(0, named=True)


def _buyer_children(data: Data, change: Row) -> list[Child]:
    moment, back = change["business_date"], data.comparisons.base_day(change["comparison"])
    now = returning_share(data, moment)
    if now is None:
        return []
    known = back and not is_young(data, moment, back)
    base = returning_share(data, moment - timedelta(days=back)) if back and known else None
    label = tr("measure.returning_share")
    return [Child(label, same(percent(now)), delta(now, base, "rate", "up", same("")))]


def _children(name: str, data: Data, info: SiteInfo, change: Row) -> list[Child]:
    if name == "visitors":
        return _visitor_children(data, change)
    if name == "conversion":
        return _funnel_children(data, change)
    if name == "orders_per_buyer":
        return _buyer_children(data, change)
    return _order_children(data, change, info) if name == "aov" else []


def _per_buyer(
    levels: tuple[float | None, float | None], effects: dict[str, float], info: SiteInfo
) -> Both:
    joint = effects.get("orders_per_buyer", 0.0) + effects.get("aov", 0.0)
    moved = _relative(*levels)
    size = f"{moved.arrow} {moved.size.en}".strip()
    return tr(
        "tree.per_buyer",
        value=amount_text(levels[0], info.currency),
        size=size,
        effect=amount_text(joint, info.currency, signed=True),
    )


def build_tree(data: Data, info: SiteInfo, change: Row) -> Tree:
    """The tree of one company row of `fct_gmv_change`."""
    both_sides, metrics = sides(change), data.metrics
    amounts = {effect.name: effect.amount for effect, _ in paired_effects(change, info)}
    widest = max((abs(a) for a in amounts.values()), default=0.0)

    def levels(column: str) -> tuple[float | None, float | None]:
        now, base = (level(column, side, metrics) for side in both_sides)
        return now, base

    nodes = []
    for name, column, operator in _tracked_names(both_sides, set(amounts)):
        amount = amounts.get(name, 0.0)
        nodes.append(
            Node(
                name=column,
                operator=operator,
                label=label_of(column, metrics),
                value=level_text(levels(column)[0], unit_of(column, metrics), info),
                delta=_relative(*levels(column)),
                effect=amount_text(amount, info.currency, signed=True),
                tone="flat" if not amount else "better" if amount > 0 else "worse",
                width=round(100 * abs(amount) / widest) if widest else 0,
                children=tuple(_children(name, data, info, change)),
            )
        )
    unknown = nodes[0].name == "buyers"
    plus = {node.name for node in nodes if node.operator == "+"}
    formula = "_".join(["buyers" if unknown else "visitors", *sorted(plus, reverse=True)])
    root = Node(
        name="gmv",
        operator="",
        label=label_of("gmv", metrics),
        value=amount_text(change["gmv"], info.currency),
        delta=_relative(change["gmv"], change["base_gmv"]),
        effect=amount_text(change["gmv_change"], info.currency, signed=True),
    )
    per_buyer = _per_buyer(levels("gmv_per_buyer"), amounts, info)
    return Tree(
        root=root,
        nodes=tuple(nodes),
        formula=tr(f"tree.formula_{formula}"),
        per_buyer=None if "anonymous_orders" in plus else per_buyer,
        unknown=tr("tree.unknown") if unknown else None,
    )
