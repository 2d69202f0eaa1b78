"""Products that rose and fell most.

Belongs here: the two lists. Does not belong here: which windows are compared (`figures.products`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, amount_text, both, clipped, same, tr
from dashboards.figures.products import moved, windows

MOST = 5
_NAME = 26


@dataclass(frozen=True)
class Mover:
    """A product and by how much its GMV moved."""

    name: Both
    amount: Both
    tone: str


@dataclass(frozen=True)
class Movers:
    """Both lists and the windows they compare."""

    up: list[Mover]
    down: list[Mover]
    subtitle: Both


def _movers(rows: pl.DataFrame, info: SiteInfo, tone: str, platforms: bool) -> list[Mover]:
    found = []
    for row in rows.to_dicts():
        name = clipped(same(str(row["product_name"])), _NAME)
        if platforms and row["source"]:
            place = segment_name("platform", str(row["source"]))
            name = both(lambda lang, n=name, p=place: f"{n.get(lang)} · {p.get(lang)}")  # type: ignore[misc]
        found.append(Mover(name, amount_text(row["change"], info.currency, signed=True), tone))
    return found


def movers(data: Data, info: SiteInfo) -> Movers | None:
    """The five greatest rises and falls; None where there is nothing to compare."""
    now, base = windows(data, info.data_through)
    if base is None:
        return None
    rows = moved(data, now, base)
    if rows.is_empty():
        return None
    several = rows["source"].n_unique() > 1
    gains = rows.filter(pl.col("change") > 0).sort(
        "change", "product_key", descending=[True, False]
    )
    falls = rows.filter(pl.col("change") < 0)
    return Movers(
        _movers(gains.head(MOST), info, "better", several),
        _movers(falls.head(MOST), info, "worse", several),
        tr("movers.subtitle", days=now.text(), base=base.text(now.last)),
    )
