"""How the value of an order stands on the lines of a file: once, on each line, or in parts.

Belongs here: the evidence for `order_value`. Does not belong here: which column is the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ingestion.mapping.rules import Numbers
from ingestion.recognise.layout import Match, Plan
from ingestion.recognise.proposal import Sure
from ingestion.rows.parse import exact

_MOST = 0.95  # of the orders with several lines decide
_FEW = 3  # discounted orders, for what one column of totals proves
_ENOUGH = 20  # such orders to be certain
_RULES = ("first_line", "repeated", "each_line")


@dataclass(frozen=True)
class Verdict:
    """Which rule holds, how sure that is, and why.

    Attributes:
        rule: word of `order_value`.
        sure: how sure.
        evidence: counts, in words.
        others: the other rules, where they are possible.
        question: what to answer, empty if nothing.
        fill_down: columns whose blank cells repeat the cell above.
    """

    rule: str
    sure: Sure
    evidence: str
    others: tuple[str, ...] = ()
    question: str = ""
    fill_down: tuple[str, ...] = ()


def order_value(sample: pl.DataFrame, plan: Plan, numbers: Mapping[str, Any]) -> Verdict:
    """Weigh how orders are built from the lines of a file.

    Args:
        sample: values as text.
        plan: orders with their items.
        numbers: how numbers are written, as a format says it.
    """
    order = plan.matches["order_id"].column
    amount = plan.matches.get("order_amount")
    head = (amount or plan.matches["ordered_at"]).column
    cells = pl.DataFrame({"o": _cell(sample, order), "v": _cell(sample, head)})
    blank = cells["o"].is_null()
    fill = (order,) if blank.any() and not blank[0] and plan.items else ()
    if fill:
        cells = cells.with_columns(pl.col("o").forward_fill())
    several = (
        cells.filter(pl.col("o").is_not_null())
        .group_by("o", maintain_order=True)
        .agg(n=pl.len(), first=pl.col("v").first(), filled=pl.col("v").count(),
             kinds=pl.col("v").drop_nulls().n_unique())
        .filter(pl.col("n") > 1)
    )  # fmt: skip
    total = several.height
    if not total:
        question = "an order with several lines: does its value stand on the first line, on each?"
        return Verdict(
            "repeated", Sure.UNSURE, "no order here has more than one line", _RULES[::2], question
        )
    once = several.filter((pl.col("filled") == 1) & pl.col("first").is_not_null()).height
    same = several.filter((pl.col("filled") == pl.col("n")) & (pl.col("kinds") == 1)).height
    told = f"of {total:,} orders with several lines `{head}` is the same on all in {same:,}"
    told += f", filled on the first only in {once:,}"
    sure = Sure.CERTAIN if total >= _ENOUGH else Sure.LIKELY
    if once >= _MOST * total:
        return Verdict("first_line", sure, told, fill_down=fill)
    if amount is None:
        return Verdict("repeated", Sure.LIKELY, f"{told}; no order total", fill_down=fill)
    lines = _line_share(sample, plan, amount.column, numbers)
    if lines is not None and lines >= _MOST:
        why = f"`{head}` is quantity x price of its own line in {lines:.0%} of the lines"
        return Verdict("each_line", sure, f"{told}; {why}", fill_down=fill)
    if same >= _MOST * total:
        return Verdict("repeated", sure, told, fill_down=fill)
    question = "" if same < 0.5 * total else "is the value of an order repeated on its lines?"
    sure = Sure.UNSURE if question else Sure.LIKELY
    others = ("repeated",) if question else ()
    return Verdict("each_line", sure, told, others, question, fill)


def _cell(sample: pl.DataFrame, name: str) -> pl.Series:
    cell = sample[name].str.strip_chars()
    return cell.to_frame("c").select(pl.when(pl.col("c") != "").then(pl.col("c")))["c"]


def is_before_discount(
    sample: pl.DataFrame,
    matches: Mapping[str, Match],
    totals: list[str],
    numbers: Mapping[str, Any],
) -> str:
    """Return the column that shows the order's value to stand before its discount; empty if none.

    Args:
        sample: values as text.
        matches: of orders, `order_amount` and `merchant_discount` among them.
        totals: columns of numbers that may be what was paid: value - discount + shipping.
        numbers: how numbers are written, as a format says it.
    """
    how = Numbers(**{k: v for k, v in numbers.items() if v in (",", ".")})
    names = {key: matches[key].column for key in ("order_amount", "merchant_discount")}
    shipping = matches.get("shipping_amount")
    names |= {"shipping": shipping.column} if shipping else {}
    for total in totals:
        read = sample.select(
            **{k: exact(pl.col(n), how).cast(pl.Float64) for k, n in {**names, "t": total}.items()}
        )
        rows = read.drop_nulls().filter(pl.col("merchant_discount") > 0)
        paid = rows["order_amount"] - rows["merchant_discount"]
        paid = paid + rows["shipping"] if shipping else paid
        if rows.height >= _FEW and float(((paid - rows["t"]).abs() < 0.015).mean() or 0) >= _MOST:  # type: ignore[arg-type]
            return total
    return ""


def _line_share(
    sample: pl.DataFrame, plan: Plan, amount: str, numbers: Mapping[str, Any]
) -> float | None:
    """Share of the lines whose amount is quantity x price; None where that cannot be told."""
    found = plan.items.matches if plan.items else {}
    if "quantity" not in found or "unit_price" not in found:
        return None
    how = Numbers(**{k: v for k, v in numbers.items() if v in (",", ".")})
    names = {"q": found["quantity"].column, "p": found["unit_price"].column, "a": amount}
    read = sample.select(**{k: exact(pl.col(n), how).cast(pl.Float64) for k, n in names.items()})
    read = read.drop_nulls()
    differing = read.filter(pl.col("q") > 1)
    chosen = differing if differing.height else read
    off = (chosen["q"] * chosen["p"] - chosen["a"]).abs()
    return float((off < 0.015).mean()) if chosen.height else None  # type: ignore[arg-type]
