"""Files of plans and outside figures: what is told by the month, and the exchange rates.

Belongs here: layouts, as in `export_operations.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from simulator import members, planning
from simulator.calendar import months
from simulator.demand import calendar_day
from simulator.operations import Operations
from simulator.tables import Span, csv_texts, of_days

Writer = Callable[[Operations, str, Sequence[Span]], list[bytes]]


def _fx_rates(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
    day = pl.from_epoch("day", time_unit="d")
    frame = of_days(planning.fx_rates(made.world), spans).with_columns(rate_date=day)
    texts = csv_texts(frame, ("rate_date", "currency", "rate"), len(spans))
    return [text.encode() for text in texts]


def _by_month(
    table: Callable[[Operations, date], pl.DataFrame],
) -> Writer:
    """Return the writer of a table that is made month by month."""

    def write(made: Operations, _: str, spans: Sequence[Span]) -> list[bytes]:
        return [
            pl.concat([table(made, month) for month in _months(made, span)]).write_csv().encode()
            for span in spans
        ]

    return write


def _months(made: Operations, span: Span) -> list[date]:
    """Return the months that begin in a period, and that in which the data begin."""
    first, last = calendar_day(span.first), calendar_day(span.last)
    return [
        begin.replace(day=1)
        for begin, _ in months(first, last)
        if begin.day == 1 or span.first == made.since
    ]


def _campaign_members(made: Operations, month: date) -> pl.DataFrame:
    return members.campaign_members(made.world, month).with_columns(
        campaign_id=pl.lit(f"welcome_{month:%Y%m}"),
        member_from=pl.lit(month),
        member_to=pl.lit(planning.month_end(month)),
    )


PLANS: dict[str, Writer] = {
    "fx_rates": _fx_rates,
    "campaign_members": _by_month(_campaign_members),
    "targets": _by_month(lambda made, month: planning.targets(made.world, month)),
    "budgets": _by_month(lambda made, month: planning.budgets(made.world, month)),
    "headcount": _by_month(lambda _, month: planning.headcount(month)),
    "market_size": _by_month(lambda made, month: planning.market_size(made.world, month)),
}
