"""Rows that find nothing to belong to, for the data health page.

Belongs here: rows of `quality.lookups` as they are shown. What is looked for, and how many rows
that find none are too many, is decided in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, named, tr
from dashboards.wording.formatting import exact_money, integer, percent
from dashboards.wording.lookups import kind_of


@dataclass(frozen=True)
class Lookup:
    """A feed of a source of which some rows find nothing."""

    kind: Both
    source: str
    numbers: list[str]
    effect: Both
    examples: str
    is_material: bool


def lookups(data: Data, info: SiteInfo) -> tuple[Both, list[Lookup]]:
    """What is true of all of them in a sentence, and those that find nothing, many first."""
    frame = data["quality.lookups"]
    lost = frame.filter(pl.col("orphan_rows") > 0).sort(
        "is_material", "orphan_rate", "feed", "looks_for", "source",
        descending=[True, True, False, False, False],
    )  # fmt: skip
    rows = [
        Lookup(
            kind=named("lookup.kind", kind_of(row)),
            source=str(row["source"]),
            numbers=[
                integer(row["orphan_rows"]),
                integer(row["rows"]),
                percent(row["orphan_rate"]),
                exact_money(row["orphan_amount"], info.currency),
            ],
            effect=named("lookup.effect", kind_of(row)),
            examples=str(row["examples"] or ""),
            is_material=bool(row["is_material"]),
        )
        for row in lost.to_dicts()
    ]
    if frame.is_empty():
        return tr("state.not_run"), rows
    if not rows:
        return tr("lookup.fine"), rows
    many = sum(row.is_material for row in rows)
    n, key = (many, "lookup.many") if many else (len(rows), "lookup.few")
    return tr(f"{key}_one" if n == 1 else key, n=n), rows
