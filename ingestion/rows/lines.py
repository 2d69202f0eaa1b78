"""Lines of orders that are no ordinary sale, and refunds whose parts are not their amount.

Belongs here: which of them are left out and which are bad. Does not belong here: sharing an order's
amount over its lines (the warehouse), lines of test orders (`landing/batch.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from ingestion.reading.columns import ROW
from ingestion.rows.build import Built
from ingestion.rows.derive import issues

_DISCOUNT = pl.col("discount_amount").fill_null(0)


def without_empty_lines(built: Mapping[str, Built]) -> tuple[dict[str, Built], pl.DataFrame]:
    """Take out lines of no piece and no money: what was edited out of an order later.

    Args:
        built: the feeds of one file.

    Returns:
        The feeds without these lines, and `_row` and reason of the rows that held nothing else. A
        row that also brings its order stays: only its line is dropped.
    """
    excluded = pl.DataFrame(schema={ROW: pl.Int64, "reason": pl.String})
    if "order_items" not in built:
        return dict(built), excluded
    lines = built["order_items"]
    is_empty = (pl.col("quantity") == 0) & (_DISCOUNT == 0) & pl.col("unit_price").is_not_null()
    empty = lines.rows.filter(is_empty).select(ROW)
    if empty.is_empty():
        return dict(built), excluded
    left = replace(lines, rows=lines.rows.join(empty, on=ROW, how="anti", maintain_order="left"))
    for feed, other in built.items():
        if feed != "order_items":
            empty = empty.join(other.rows, on=ROW, how="anti", maintain_order="left")
    told = empty.with_columns(reason=pl.lit("empty_line"))
    return {**built, "order_items": left}, told.cast(excluded.schema)


def line_sums(lines: pl.DataFrame) -> pl.DataFrame:
    """Return an issue for each line that hides money: of 0 pieces, or of an order below 0.

    Args:
        lines: typed rows of `order_items` with `_row`.
    """
    nothing = (pl.col("quantity") == 0).fill_null(value=False)
    value = pl.col("quantity") * pl.col("unit_price").cast(pl.Decimal(38, 4)) - _DISCOUNT
    money, pieces = (part.sum().over("order_id") for part in (value, pl.col("quantity")))
    # Goods that leave the stock for nothing are no sale either.
    below = (money < 0) | ((money == 0) & (pieces < 0))
    return pl.concat(
        [
            issues(
                lines, nothing, "quantity", "out_of_domain", "is 0 although there is a discount",
                feed="order_items",
            ),
            issues(
                lines, below & ~nothing, "order_id", "negative_order",
                "has lines that come to less than 0: what is paid back or written off is no sale",
                feed="order_items",
            ),
        ]
    )  # fmt: skip


def refund_parts(refunds: pl.DataFrame) -> pl.DataFrame:
    """Return an issue for each refund whose goods and rest, where told, do not come to its amount.

    Args:
        refunds: typed rows of `refunds` with `_row`.
    """
    goods, other = pl.col("goods_amount"), pl.col("other_amount")
    told = goods.fill_null(0) + other.fill_null(0)
    is_wrong = (goods + other != pl.col("amount")).fill_null(told > pl.col("amount"))
    return issues(
        refunds, is_wrong, "goods_amount", "out_of_domain",
        "and other_amount do not come to the amount", feed="refunds",
    )  # fmt: skip
