"""What the values of a column show: dates and their forms, numbers and their marks, e-mails, codes.

Belongs here: evidence from a column of text alone. Does not belong here: names of columns
(`words.py`) or what either means for a feed (`unknown.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from ingestion.mapping.vocabulary import Strict
from ingestion.rows.parse import instant

__all__ = ["Column", "NumberStyle", "column_of", "number_style"]

_MONEY_SIGNS = r"[\s¥￥$€£\u{a0}\u{202f}]"
_NUMBER = r"^[+-]?\d[\d.,' ]*$|^[+-]?[.,]\d+$"
_EMAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
_DATE = re.compile(
    r"^(?P<a>\d{1,4})(?P<s>[-/.年])(?P<b>\d{1,2})(?:(?P=s)|月)(?P<c>\d{1,4})(?P<day>日?)"
    r"(?P<gap>T|\s+)?(?P<time>\d{1,2}:\d{2}(?::\d{2}(?P<fine>[.,]\d+)?)?)?(?P<half>\s?[AaPp][Mm])?"
    r"(?P<zonegap>\s?)(?P<zone>Z|[+-]\d{2}:?\d{2}|UTC)?$"
)
_NAMED = (
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y",
    "%a, %b %d, %Y", "%b %d %Y",
)  # fmt: skip
_LEAST = 0.98  # of the values must be of a kind for the column to be of it


class NumberStyle(Strict):
    """How numbers are written, and what proves it.

    Attributes:
        decimal: mark of the decimals.
        thousands: mark of the thousands, empty if none is seen.
        sure: whether no value speaks against it and none is open.
        proven: whether some value can only be read this way.
        evidence: in words.
    """

    decimal: str = "."
    thousands: str = ","
    sure: bool = True
    proven: bool = False
    evidence: str = ""


@dataclass(frozen=True)
class Column:
    """What a column's values are.

    Attributes:
        name: of the column.
        rows: rows looked at.
        filled: rows with a value.
        kind: time, number, flag, email, phone, currency, url, text or empty.
        families: reading of its dates -> formats that read every value; several: ambiguous.
        has_time: whether its dates carry a time of day.
        has_offset: whether its times carry an offset, so that no zone is needed.
        decimals: largest number of digits after the decimal mark.
        negative: whether a number is below 0.
        values: up to 40 most frequent values, for value maps; empty for personal kinds.
    """

    name: str
    rows: int
    filled: int
    kind: str
    families: dict[str, tuple[str, ...]]
    has_time: bool = False
    has_offset: bool = False
    decimals: int = 0
    negative: bool = False
    values: tuple[str, ...] = ()


def column_of(name: str, cells: pl.Series) -> Column:
    """Return what the values of a column are.

    Args:
        name: of the column.
        cells: its values as text, null where empty.
    """
    filled = cells.str.strip_chars().drop_nulls()
    filled = filled.filter(~filled.is_in(["", "-", "--", "null", "NULL", "NaN", "None"]))
    unique = filled.unique(maintain_order=True)
    base = {"name": name, "rows": len(cells), "filled": len(filled)}
    if unique.is_empty():
        return Column(**base, kind="empty", families={})  # type: ignore[arg-type]
    families = date_families(unique)
    if families:
        forms = next(iter(families.values()))
        return Column(
            **base,  # type: ignore[arg-type]
            kind="time",
            families=families,
            has_time=any("%H" in f or "%I" in f or f.startswith("epoch") for f in forms),
            has_offset=any("%#z" in f or "%z" in f or f.startswith("epoch") for f in forms),
        )
    kind = _kind(unique)
    bare = unique.str.replace_all(_MONEY_SIGNS, "")
    shown = kind in ("text", "flag", "currency", "number") and len(unique) <= 40
    # Names of people would be longer lists; what could be a number or address of one is not kept.
    shown = shown and not unique.str.contains(r"@|\d{5,}").any()
    return Column(
        **base,  # type: ignore[arg-type]
        kind=kind,
        families={},
        decimals=_decimals(bare) if kind == "number" else 0,
        negative=kind == "number" and bool(bare.str.starts_with("-").any()),
        values=tuple(unique.sort().to_list()) if shown else (),
    )


def _share(values: pl.Series, pattern: str) -> float:
    return float(values.str.contains(pattern).mean() or 0)  # type: ignore[arg-type]


def _kind(unique: pl.Series) -> str:
    bare = unique.str.replace_all(_MONEY_SIGNS, "")
    if _share(unique, _EMAIL) >= 0.8:
        return "email"
    if _share(unique, r"^(?i:true|false|yes|no|y|n|是|否)$") == 1:
        return "flag"
    if _share(unique, r"^(\+\d[\d ()-]{7,16}|1[3-9]\d{9}|0\d{2,3}-\d{7,8})$") >= 0.8:
        return "phone"
    if _share(bare, _NUMBER) >= _LEAST:
        return "number"
    if _share(unique, r"^[A-Z]{3}$") == 1 and len(unique) <= 40:
        return "currency"
    return "url" if _share(unique, r"^https?://|^/[\w/-]+") >= 0.8 else "text"


def _decimals(bare: pl.Series) -> int:
    found = bare.str.extract(r"[.,](\d+)$").str.len_chars().max()
    return int(found or 0)  # type: ignore[arg-type]


def date_families(unique: pl.Series) -> dict[str, tuple[str, ...]]:
    """Return reading -> formats; the readings are year first, day first, month first, or named.

    A reading is kept only if its formats read every value (of 5,000 and all skeletons), or at least
    98 % where no other reads more. More than one: the values do not tell day from month.
    """
    few = unique.head(5000)
    found = _epoch(few) or _compact(few) or _named(few)
    if found:
        return found
    skeletons = few.str.replace_all(r"\d", "9")
    firsts = few.to_frame("v").with_columns(s=skeletons).unique("s", maintain_order=True)["v"]
    if len(firsts) > 60:
        return {}
    readings: dict[str, list[str]] = {}
    for value in firsts.to_list():
        for reading, pattern in _patterns(value).items():
            formats = readings.setdefault(reading, [])
            if pattern not in formats:
                formats.append(pattern)
    shares = {r: _read_share(unique, tuple(f)) for r, f in readings.items()}
    best = max(shares.values(), default=0.0)
    if best < _LEAST:
        return {}
    return {r: tuple(f) for r, f in readings.items() if shares[r] == best}


def _read_share(values: pl.Series, formats: tuple[str, ...]) -> float:
    read = values.to_frame("v").select(instant(pl.col("v"), formats, "UTC").alias("t"))["t"]
    sane = read.dt.year().is_between(1990, 2100)
    return float((read.is_not_null() & sane.fill_null(value=False)).mean() or 0)  # type: ignore[arg-type]


def _epoch(unique: pl.Series) -> dict[str, tuple[str, ...]]:
    for digits, name in ((13, "epoch_ms"), (16, "epoch_us")):
        if _share(unique, rf"^1[0-9]{{{digits - 1}}}$") == 1 and len(unique) > 1:
            return {"epoch": (name,)} if _read_share(unique, (name,)) == 1 else {}
    return {}


def _compact(unique: pl.Series) -> dict[str, tuple[str, ...]]:
    for pattern, form in ((r"^(19|20)\d{6}$", "%Y%m%d"), (r"^20\d{12}$", "%Y%m%d%H%M%S")):
        if _share(unique, pattern) == 1:
            return {"year first": (form,)} if _read_share(unique, (form,)) == 1 else {}
    return {}


def _named(unique: pl.Series) -> dict[str, tuple[str, ...]]:
    if _share(unique, r"(?i)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)") < _LEAST:
        return {}
    for form in _NAMED:
        for time in ("", " %H:%M:%S", " %H:%M", " %I:%M %p"):
            if _read_share(unique, (form + time,)) >= _LEAST:
                return {"named month": (form + time,)}
    return {}


def _patterns(value: str) -> dict[str, str]:
    """Return reading -> strptime pattern of one value; none where it is no date."""
    match = _DATE.match(value)
    if not match or (match["half"] and not match["time"]):
        return {}
    s = match["s"]
    time = _time_pattern(match)
    if s == "年":
        return {"year first": f"%Y年%m月%d{match['day']}{time}"}
    if len(match["a"]) == 4:
        return {"year first": f"%Y{s}%m{s}%d{time}"}
    year = {4: "%Y", 2: "%y"}.get(len(match["c"]))
    if year is None or len(match["a"]) > 2:
        return {}
    return {
        "day first": f"%d{s}%m{s}{year}{time}",
        "month first": f"%m{s}%d{s}{year}{time}",
    }


def _time_pattern(match: re.Match[str]) -> str:
    if not match["time"]:
        return ""
    clock = "%I:%M" if match["half"] else "%H:%M"
    if match["time"].count(":") == 2:
        clock += ":%S" + ("%.f" if match["fine"] else "")
    if match["half"]:
        clock += f"{' ' if match['half'][0].isspace() else ''}%p"
    zone = (
        f"{match['zonegap']}{'UTC' if match['zone'] == 'UTC' else '%#z'}" if match["zone"] else ""
    )
    return f"{match['gap'] or ''}{clock}{zone}"


def number_style(cells: pl.DataFrame) -> NumberStyle:
    """Return how the numbers of all given columns are written.

    Args:
        cells: columns of text that hold numbers.
    """
    values = pl.concat([cells[name].drop_nulls() for name in cells.columns] or [pl.Series([""])])
    bare = values.str.replace_all(_MONEY_SIGNS, "")
    point = bare.str.contains(r"^[+-]?\d*\.(\d{1,2}|\d{4,})$|^[+-]?\d{1,3}(,\d{3})+\.\d+$|^0\.\d+$")
    comma = bare.str.contains(r"^[+-]?\d*,(\d{1,2}|\d{4,})$|^[+-]?\d{1,3}(\.\d{3})+,\d+$|^0,\d+$")
    points, commas = int(point.sum()), int(comma.sum())
    told = f"{max(points, commas)} values can only be read so"
    if points and commas:
        return NumberStyle(
            decimal="." if points >= commas else ",",
            thousands="",
            sure=False,
            evidence=f"{points} values have a decimal point, {commas} a decimal comma",
        )
    if commas:
        return NumberStyle(decimal=",", thousands=".", proven=True, evidence=told)
    if points:
        return NumberStyle(proven=True, evidence=told)
    open_values = int(bare.str.contains(r"^[+-]?\d{1,3}[.,]\d{3}$").sum())
    if open_values:
        return NumberStyle(
            sure=False,
            evidence=f"{open_values} values like 1,234 or 1.234 could be thousands or decimals",
        )
    return NumberStyle(evidence="whole numbers only")


def reads_all(cells: pl.Series, formats: tuple[str, ...]) -> bool:
    """Whether formats read (nearly) every value of a column; true for an empty one."""
    unique = cells.str.strip_chars().drop_nulls().unique()
    unique = unique.filter(~unique.is_in(["", "-", "--", "null", "NULL"]))
    return unique.is_empty() or _read_share(unique, formats) >= _LEAST
