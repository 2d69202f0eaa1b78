"""Text to values, exactly: numbers, instants, days, flags.

Belongs here: one expression per type; text that cannot be read gives null and the caller says so.
Rules: money is decimal from the first character, never a float; more decimals than a column holds
are rounded half away from zero (commercial rounding). A local time that a clock change makes happen
twice is the earlier of the two; one that never happens is not readable.
"""

from __future__ import annotations

import re
from datetime import datetime

import polars as pl

from ingestion.feeds import COUNT, DAY, FLAG, INSTANT
from ingestion.mapping.rules import Numbers

# Wide enough for sums and products of money before they are rounded.
EXACT = pl.Decimal(38, 10)
_EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
# Any zone's local time is then within the years 1 to 9999.
_FIRST, _LAST = datetime(1, 1, 1), datetime(9998, 12, 31, 23, 59, 59, 999_999)
_TRUE = ("true", "1", "yes", "y", "是")
_FALSE = ("false", "0", "no", "n", "否")
Dtype = pl.DataType | type[pl.DataType]


def exact(text: pl.Expr, numbers: Numbers) -> pl.Expr:
    """Read a decimal number with at most 15 digits before the point; null when it is none."""
    # Currency signs are taken off because exports show them; letters are not.
    bare = text.str.replace_all(r"[\s¥￥$€£\u{a0}\u{202f}]", "")
    if numbers.thousands:
        mark = re.escape(numbers.thousands.strip() or " ")
        point = re.escape(numbers.decimal)
        grouped = rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+({point}\d+)?$"
        ungrouped = bare.str.replace_all(numbers.thousands, "", literal=True)
        bare = pl.when(bare.str.contains(grouped)).then(ungrouped).otherwise(bare)
    if numbers.decimal == ",":
        pointed = bare.str.replace(",", ".", literal=True)
        bare = pl.when(~bare.str.contains(".", literal=True)).then(pointed)
    # Digits beyond the tenth decimal are cut: they cannot change a rounding to 2 or 4 decimals.
    short = bare.str.replace(r"(\.\d{10})\d+$", "${1}")
    is_number = bare.str.contains(r"^[+-]?(\d{1,15}(\.\d+)?|\.\d+)$")
    return pl.when(is_number).then(short).cast(EXACT, strict=False)


def rounded(number: pl.Expr, dtype: pl.Decimal) -> pl.Expr:
    """Round half away from zero to the decimals of `dtype`; null when it does not fit."""
    return number.round(dtype.scale, mode="half_away_from_zero").cast(dtype, strict=False)


def instant(text: pl.Expr, formats: tuple[str, ...], zone: str) -> pl.Expr:
    """Read an instant as UTC without zone, with the first format that fits."""
    return _dateable(pl.coalesce([_one_instant(text, pattern, zone) for pattern in formats]))


def _dateable(at: pl.Expr) -> pl.Expr:
    """Return the instants that Python has a date for: no other could even be told of."""
    return pl.when(at.is_between(_FIRST, _LAST)).then(at)


def instants(text: pl.Series, formats: tuple[str, ...], zone: str) -> pl.Series:
    """Read a column of instants as `instant` does, a later format only what is left unread.

    A column is mostly written in one way, and each further way costs as much as the first.
    """
    found = _instants(text, formats[0], zone)
    for pattern in formats[1:]:
        left = (found.is_null() & text.is_not_null()).arg_true()
        if left.is_empty():
            break
        found = found.rechunk().scatter(left, _instants(text.gather(left), pattern, zone))
    return found


def _instants(text: pl.Series, pattern: str, zone: str) -> pl.Series:
    found = text.to_frame().select(_one_instant(pl.col(text.name), pattern, zone))
    # Looking at the ends of a column is enough for most, and cheaper than at each of its cells.
    is_within = (pl.all().min() >= _FIRST) & (pl.all().max() <= _LAST)
    if found.select(is_within).item() is False:
        found = found.select(_dateable(pl.all()))
    return found.to_series()


def _one_instant(text: pl.Expr, pattern: str, zone: str) -> pl.Expr:
    if pattern in _EPOCHS:
        ticks = text.cast(pl.Int64, strict=False)
        # Beyond this the product would leave 64 bits and come back as another year.
        fits = ticks.abs() < 2**62 // _EPOCHS[pattern]
        return (pl.when(fits).then(ticks) * _EPOCHS[pattern]).cast(INSTANT)
    if "%z" in pattern or "%#z" in pattern:
        aware = text.str.to_datetime(pattern, time_unit="us", strict=False, time_zone="UTC")
        return aware.dt.replace_time_zone(None)
    local = text.str.to_datetime(pattern, time_unit="us", strict=False)
    return to_utc(local, zone)


def to_utc(local: pl.Expr, zone: str) -> pl.Expr:
    """Read naive local times as UTC without zone: twice gives the earlier, never gives null."""
    if zone == "UTC":
        return local
    aware = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return aware.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def local_day(at: pl.Expr, zone: str) -> pl.Expr:
    """Return the date that an instant (UTC without zone) has in a zone."""
    return at.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()


def day(text: pl.Expr, formats: tuple[str, ...]) -> pl.Expr:
    """Read a local date with the first format that fits; a month alone is its first day."""
    return pl.coalesce(
        [
            text.str.to_date(pattern, strict=False)
            if re.search(r"%[dejDF]", pattern)
            else pl.concat_str(text, pl.lit("|01")).str.to_date(f"{pattern}|%d", strict=False)
            for pattern in formats
        ]
    )


def whole(text: pl.Expr, numbers: Numbers) -> pl.Expr:
    """Read a whole number; 2.0 is one, 2.5 is not."""
    number = exact(text, numbers)
    return pl.when(number.round(0) == number).then(number.cast(COUNT, strict=False))


def flag(text: pl.Expr) -> pl.Expr:
    """Read true/false, 1/0, yes/no, 是/否."""
    low = text.str.to_lowercase()
    return (
        pl.when(low.is_in(_TRUE))
        .then(pl.lit(True))
        .when(low.is_in(_FALSE))
        .then(pl.lit(False))
        .otherwise(pl.lit(None, FLAG))
    )


def called(dtype: Dtype) -> str:
    """Return what a value of this type is called in a message."""
    if dtype == COUNT:
        return "a whole number"
    if dtype == INSTANT:
        return "a date and time"
    if dtype == DAY:
        return "a date"
    return "true or false" if dtype == FLAG else "a number"
