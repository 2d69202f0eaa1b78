"""What the platforms' own consoles say beside what the marts have.

Belongs here: the days on which they differ, all of them; where none does, the last days. Does not
belong here: which difference matters (`quality.platform_reconciliation_daily` says it).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, Chart, Table, both, tr
from dashboards.pages.quality.grid import GRID_DAYS
from dashboards.wording.formatting import exact_money, integer
from dashboards.wording.incidents import platform_word

_MEASURES = ("paid_amount", "refund_amount", "orders", "visitors")
_TABLE = "quality.platform_reconciliation_daily"


def consoles(data: Data, info: SiteInfo) -> Chart:
    """The comparison as a table, folded away while all days agree."""
    frame = data[_TABLE].filter(pl.col("business_date") <= info.data_through)
    judged = frame.drop_nulls("is_within_tolerance")
    wrong = judged.filter(~pl.col("is_within_tolerance"))
    since = info.data_through - timedelta(days=GRID_DAYS)
    shown = frame.filter(pl.col("business_date") > since) if wrong.is_empty() else wrong
    rows = shown.sort("business_date", "platform", descending=[True, False]).to_dicts()
    days = (judged if wrong.is_empty() else wrong)["business_date"].n_unique()
    if judged.is_empty():
        title = tr("consoles.title_none")
    elif wrong.is_empty():
        title = tr("consoles.title_ok", n=days)
    else:
        title = tr("consoles.title_bad_one" if days == 1 else "consoles.title_bad", n=days)
    return Chart(
        id="consoles",
        title=title,
        subtitle=tr("consoles.subtitle"),
        figure=None,
        table=Table(
            [tr("table.day"), tr("dimension.platform"), tr("consoles.differs"), *_heads()],
            [_cells(row, info.currency) for row in rows],
            text_columns=3,
        ),
        source=_TABLE,
        csv="data/platform_reconciliation.csv",
        is_open=not wrong.is_empty(),
    )


def _heads() -> list[Both]:
    return [tr(f"consoles.{side}_{name}") for name in _MEASURES for side in ("reported", "own")]


def _cells(row: Row, currency: str) -> list[Both | str]:
    figures = [
        exact_money(row[f"{side}_{name}"], currency)
        if name.endswith("amount")
        else integer(row[f"{side}_{name}"])
        for name in _MEASURES
        for side in ("reported", "own")
    ]
    return [
        row["business_date"].isoformat(),
        both(lambda lang: platform_word(row["platform"], lang)),
        _differs(row),
        *figures,
    ]


def _differs(row: Row) -> Both:
    if row["is_within_tolerance"] is None:
        return tr("state.unknown")
    named = [tr(f"consoles.{name}") for name in str(row["differs_in"] or "").split(", ") if name]
    if not named:
        return tr("consoles.nothing")
    return both(lambda lang: ("、" if lang == "zh" else ", ").join(n.get(lang) for n in named))
