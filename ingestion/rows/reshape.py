"""Rows of a file into more or fewer: joined cells taken apart, columns made rows, lines orders.

Belongs here: carrying out `explode`, `unpivot` and `order_value`. Does not belong here: what a
column means.

Every row made here keeps the place in the file (`_row`) of the row it was made of, so that the
account of a file stays one of its own rows: a row lands, is set aside or left out as a whole.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from ingestion.feeds import FEEDS, MONEY, TEXT
from ingestion.mapping.rules import Explode, Read, Unpivot
from ingestion.reading.columns import ROW, clean
from ingestion.rows.derive import Context, issues, no_issues
from ingestion.rows.parse import exact, instant, rounded, whole

# How far an order has come; of lines that tell differently the least advanced speaks for it, as it
# does in the warehouse for child orders.
_PROGRESS = ("unpaid", "deposit_paid", "paid", "shipped", "completed", "refunded", "closed")
CENT = pl.Decimal(18, 2)
JOINED = "joined_cells"
DIFFERING = "key_conflict"  # one key, two contents
# Some shops write when each line was rung up.
_AT_ONCE = timedelta(minutes=15)
UPDATED = "_updated"  # the version instant that a row names itself


def explode(
    frame: pl.DataFrame, rule: Explode | None, read: Read, context: Context
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make one row a line of rows that hold several lines of an order.

    Args:
        frame: rows of text with `_row`.
        rule: how cells are joined; None leaves the frame as it is.
        read: which parts of a cell mean empty.
        context: how numbers are written.

    Returns:
        The lines, in the order of the file, and an issue for each row whose cells hold different
        numbers of values; such a row stays one row, so that its order can be told.
    """
    if rule is None:
        return frame, no_issues()
    frame = frame.with_columns(_lines=_values(rule.by, rule).list.len().fill_null(1))
    if not frame.select((pl.col("_lines") > 1).any()).item():
        return frame.drop("_lines"), no_issues()
    columns = list(dict.fromkeys((rule.by, *rule.columns)))
    fits = {name: _fits(name, rule, shared=name in rule.shared) for name in rule.inputs}
    found = []
    for name, good in fits.items():
        told = f"has another number of values than {rule.by}"
        found.append(issues(frame, ~good, name, JOINED, told))
    frame = frame.with_columns(_whole=pl.all_horizontal(list(fits.values())))
    frame = frame.with_columns(_lines=pl.when("_whole").then("_lines").otherwise(1))
    single = [pl.col(name).str.contains(rule.separator, literal=True) for name in rule.shared]
    frame = frame.with_columns(
        *(
            ((pl.col("_lines") > 1) & ~joined).fill_null(value=False).alias(f"_once_{number}")
            for number, joined in enumerate(single)
        )
    )
    lines = frame.with_columns(
        *(_parts(name, rule) for name in columns),
        *(_parts(name, rule, once=f"_once_{n}") for n, name in enumerate(rule.shared)),
    ).explode([*columns, *rule.shared])
    lines = lines.with_columns(clean(pl.col(name), read) for name in (*columns, *rule.shared))
    lines = lines.with_row_index("_at")
    for number, name in enumerate(rule.shared):
        lines = _share(lines.with_columns(_once=f"_once_{number}"), name, rule, context)
    return lines.drop("_lines", "_whole", "_at", "^_once.*$"), pl.concat(found)


def _values(name: str, rule: Explode) -> pl.Expr:
    """Return the values of a cell; a separator at its end closes the last value."""
    return pl.col(name).str.strip_suffix(rule.separator).str.split(rule.separator)


def _fits(name: str, rule: Explode, *, shared: bool) -> pl.Expr:
    """Whether a cell holds one value a line, none at all or, where shared, one for all lines."""
    count = _split(name, rule).list.len()
    good = (count == pl.col("_lines")) | pl.col(name).is_null() | (pl.col("_lines") == 1)
    return (good | (count == 1)) if shared else good


def _split(name: str, rule: Explode) -> pl.Expr:
    """Return the values of a cell where the last one may be empty: `a;` of two lines is a, none."""
    plain = pl.col(name).str.split(rule.separator)
    return pl.when(plain.list.len() == pl.col("_lines")).then(plain).otherwise(_values(name, rule))


def _parts(name: str, rule: Explode, once: str | None = None) -> pl.Expr:
    """Return the list of a row's values of one column, as long as the row has lines."""
    same = pl.col(name).repeat_by("_lines")
    alone = (pl.col("_lines") == 1) | pl.col(name).is_null()
    if once is not None:
        alone = alone | pl.col(once)
    return pl.when(alone).then(same).otherwise(_split(name, rule)).alias(name)


def _share(lines: pl.DataFrame, name: str, rule: Explode, context: Context) -> pl.DataFrame:
    """Share amounts that stand for a whole row out over its lines, to the cent.

    By largest remainder, alike ones from the top. Text that is no number stays on every line, so
    that reading it reports it. Each step is a column of its own: a window over another window is
    worked out group by group, a hundred times slower.
    """
    cents = (rounded(exact(pl.col(name), context.numbers), CENT) * 100).cast(pl.Int64)
    weight = whole(pl.col(rule.weight or rule.by), context.numbers).clip(lower_bound=0)
    part = lines.filter("_once").select(ROW, "_at", _cents=cents, _weight=weight.fill_null(0))
    part = part.filter(pl.col("_cents").is_not_null())
    if part.is_empty():
        return lines
    part = part.with_columns(_total=pl.col("_weight").sum().over(ROW))
    # Lines that weigh nothing together share alike.
    part = part.with_columns(_weight=pl.when(pl.col("_total") > 0).then("_weight").otherwise(1))
    part = part.with_columns(_total=pl.col("_weight").sum().over(ROW))
    part = part.with_columns(_base=pl.col("_cents") * pl.col("_weight") // pl.col("_total"))
    rest = pl.col("_cents") * pl.col("_weight") - pl.col("_base") * pl.col("_total")
    part = part.with_columns(_rest=rest, _given=pl.col("_base").sum().over(ROW))
    part = part.sort(ROW, "_rest", "_at", descending=[False, True, False]).with_row_index("_i")
    part = part.with_columns(_place=pl.col("_i") - pl.col("_i").min().over(ROW))
    more = (pl.col("_place") < pl.col("_cents") - pl.col("_given")).cast(pl.Int64)
    share = ((pl.col("_base") + more).cast(pl.Decimal(38, 2)) / 100).cast(CENT).cast(pl.String)
    shares = part.select("_at", _share=share)
    return (
        lines.join(shares, on="_at", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_share", name).alias(name))
        .drop("_share")
    )


def unpivot(frame: pl.DataFrame, rule: Unpivot, context: Context) -> pl.DataFrame:
    """Make one row of each of several columns that is neither empty nor zero.

    Args:
        frame: rows with `_row`, text or worked out.
        rule: which columns, and the canonical columns that take their label and value.
        context: how numbers are written.

    Returns:
        The frame with the two columns, rows of one `_row` together, in the order of the rule.
    """
    parts = []
    for place, (column, label) in enumerate(rule.columns.items()):
        cell = pl.col(column)
        is_text = frame.schema[column] == pl.String
        number = exact(cell, context.numbers) if is_text else cell
        # Text that is no number is kept, so that reading it reports it.
        rows = frame.filter(cell.is_not_null() & ((number != 0) | number.is_null()))
        parts.append(
            rows.with_columns(
                pl.lit(label).alias(rule.label),
                cell.cast(pl.String).alias(rule.value),
                _place=pl.lit(place),
            )
        )
    return pl.concat(parts).sort(ROW, "_place", maintain_order=True).drop("_place")


def orders_from_lines(text: pl.DataFrame, rule: str, context: Context) -> pl.DataFrame:
    """Make one row an order: the first cell that is filled, or the sum of money `each_line`.

    Args:
        text: canonical columns of orders, one row a line, with `_row` and `_updated`.
        rule: the format's `order_value`.
        context: how numbers are written.

    Returns:
        One row an order, in the order of the file, its `_row` that of its first line.
    """
    money = [
        name
        for name, dtype in FEEDS["orders"].columns.items()
        if dtype == MONEY and name in text.columns and rule == "each_line"
    ]
    read = text.with_columns(
        exact(pl.col(name), context.numbers) if text.schema[name] == TEXT else pl.col(name)
        for name in money
    )
    # A cell that is no number is left as text, so that the cast of the order reports it.
    unreadable = {name: text[name].is_not_null() & read[name].is_null() for name in money}
    money = [name for name in money if not unreadable[name].any()]
    others = [
        name for name in text.columns if name not in (ROW, UPDATED, "order_id", "status", *money)
    ]
    return (
        text.with_columns(read.select(money))
        .filter(pl.col("order_id").is_not_null())
        .group_by("order_id", maintain_order=True)
        .agg(
            pl.col(ROW).first(),
            pl.col(UPDATED).max(),
            *(pl.col(name).drop_nulls().first() for name in others),
            *(
                pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)
                for name in money
            ),
        )
        .join(_speaking(text), on="order_id", how="left", maintain_order="left")
    )


def two_in_one(text: pl.DataFrame, rule: str, context: Context) -> pl.DataFrame:
    """Return an issue for each line of what are two orders under one number.

    Lines of an order repeat what is told of the whole order, or leave it blank.

    Args:
        text: canonical columns of orders, one row a line, with `_row`.
        rule: the format's `order_value`; only a `repeated` amount is that of the whole order.
        context: how values are written.
    """
    told = {
        "ordered_at": instant(pl.col("ordered_at"), context.datetimes, context.zone),
        "customer_id": pl.col("customer_id").str.strip_chars().str.to_lowercase(),
        **({"order_amount": exact(pl.col("order_amount"), context.numbers)}
           if rule == "repeated" else {}),
    }  # fmt: skip
    found = [no_issues()]
    for name, value in told.items():
        if text.schema.get(name) != TEXT:
            continue
        # As text first: only few cells are then read.
        orders = text.select("order_id", name).drop_nulls().unique()["order_id"]
        several = orders.filter(orders.is_duplicated()).unique()
        if several.is_empty():
            continue
        lines = text.filter(pl.col("order_id").is_in(several.implode()))
        lines = lines.with_columns(value.alias(name))
        values = pl.col(name).drop_nulls()
        differs = (values.n_unique() > 1).over("order_id")
        if name == "ordered_at":
            differs = (values.max() - values.min() > _AT_ONCE).over("order_id")
        message = f"has lines of different {name}: two orders under one number"
        shown = pl.col("order_id")
        found.append(issues(lines, differs, "order_id", DIFFERING, message, value=shown,
                            feed="orders"))  # fmt: skip
    return pl.concat(found)


def _speaking(text: pl.DataFrame) -> pl.DataFrame:
    """Return `order_id` and the status that speaks for the order: the least advanced of its lines.

    One that nobody knows comes before all others, so that the check of the order reports it.
    """
    progress = pl.col("status").replace_strict(
        list(_PROGRESS), list(range(len(_PROGRESS))), default=-1, return_dtype=pl.Int64
    )
    return (
        text.select("order_id", "status")
        .drop_nulls()
        .unique(maintain_order=True)
        .sort(progress, maintain_order=True)
        .unique("order_id", keep="first")
    )
