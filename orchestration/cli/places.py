"""Where a metric stands: the marts that hold it, and whether one answers a question.

A place is a mart; its columns beside the period are dimensions. Marts with a column `dimension`
have rows of one dimension each, whose values are in `segment`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb

from orchestration.build.registry import PARTS

GRAINS = ("day", "week", "month", "total")
Metric = Mapping[str, Any]
"""A row of `quality.metrics`."""


@dataclass(frozen=True)
class Question:
    """What is asked: metrics, dimensions to split by, values to keep, periods, days."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    grain: str = "day"
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Place:
    """A mart that holds a metric: its period column and grain, its dimensions, their values.

    `values` is what a dimension has where that matters: of `dimension` all, of others `all` alone.
    """

    mart: str
    period: str
    grain: str
    dimensions: tuple[str, ...]
    values: Mapping[str, frozenset[str]]

    def names(self) -> set[str]:
        """What may be asked for: columns, and the dimensions that rows name."""
        one_of = self.values.get("dimension", frozenset())
        return {*self.dimensions, *one_of} - {"is_additive", "all"}

    def told(self) -> str:
        """As an error says it."""
        others = [name for name in self.dimensions if name not in ("segment", "is_additive")]
        one_of = sorted(self.values.get("dimension", frozenset()) - {"all"})
        said = [f"one of {', '.join(one_of)}" if n == "dimension" else n for n in others]
        return f"by {self.grain} in {self.mart}" + (f" (by {', '.join(said)})" if said else "")


@dataclass(frozen=True)
class Plan:
    """How a place answers: conditions on its columns, and which of them the rows are split by."""

    place: Place
    kept: Mapping[str, tuple[str, ...]]
    by: Mapping[str, str]
    summed: tuple[str, ...]


def places(con: duckdb.DuckDBPyConnection, metric: Metric) -> Iterator[Place]:
    """The marts that hold a metric by day, week or month."""
    for mart, grain in re.findall(r"(\w+)\(([^)]*)\)", metric["stored_in"] or ""):
        columns = tuple(grain.split(", "))
        types = dict(con.execute(
            "select column_name, data_type from duckdb_columns()"
            " where schema_name = 'marts' and table_name = ?", [mart],
        ).fetchall())  # fmt: skip
        period = next((name for name in columns if types.get(name) == "DATE"), None)
        every = re.search(r"_(dai|week|month)ly$", mart)
        if period is None or every is None or not types.keys() >= set(columns):
            continue
        others = tuple(name for name in columns if name != period)
        yield Place(mart, period, {"dai": "day"}.get(every[1], every[1]), others,
                    {name: _values(con, mart, name) for name in others
                     if types[name] == "VARCHAR"})  # fmt: skip


def _values(con: duckdb.DuckDBPyConnection, mart: str, name: str) -> frozenset[str]:
    only = "" if name == "dimension" else f" where {name} = 'all'"
    return frozenset(v for (v,) in con.execute(f"select distinct {name} from marts.{mart}{only}")
                     .fetchall())  # fmt: skip


def fitted(place: Place, asked: Question) -> Plan | str:
    """How a place answers, or why it does not."""
    if place.grain not in ("day", asked.grain) and asked.grain != "total":
        return f"{place.mart} is by {place.grain}"
    found = _columns_of(place, asked)
    if isinstance(found, str):
        return found
    by, kept = found
    summed = []
    for name in place.dimensions:
        if name == "is_additive":
            kept[name] = ("true",)
        elif name in by.values() or len(kept.get(name, ())) == 1:
            continue
        elif "all" in place.values.get(name, ()) and name not in kept:
            kept[name] = ("all",)
        elif name in PARTS:
            summed.append(name)
        else:
            return f"{place.mart} tells it by {name} in several ways: add --where {name}=..."
    return Plan(place, kept, by, tuple(summed))


def _columns_of(
    place: Place, asked: Question
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]] | str:
    """Columns to split by and values to keep; a dimension that rows name is their segment."""
    by, kept = {name: name for name in asked.by}, dict(asked.where)
    named = dict.fromkeys((*by, *kept))
    if "dimension" in place.dimensions and not {"dimension", "segment"} & set(named):
        ours = [name for name in named if name not in place.dimensions]
        if len(ours) > 1:
            return f"{place.mart} has one dimension at a time, not {' and '.join(ours)}"
        one = (*ours, "all")[0]
        if one not in place.values["dimension"]:
            return f"{place.mart} is not by {one}"
        kept["dimension"] = (one,)
        if one in by:
            by[one] = "segment"
        if one in kept:
            kept["segment"] = kept.pop(one)
    strange = [name for name in (*by.values(), *kept) if name not in place.dimensions]
    return f"{place.mart} is not by {strange[0]}" if strange else (by, kept)


def _start(con: duckdb.DuckDBPyConnection, day: date, grain: str) -> date:
    [(start,)] = con.execute(f"select {bucket(con, 'day', grain)} from (select ?::date as day)",
                             [day]).fetchall()  # fmt: skip
    return start  # type: ignore[no-any-return]


def bucket(con: duckdb.DuckDBPyConnection, column: str, grain: str) -> str:
    """SQL of the first day of a period; weeks begin as in fct_gmv_weekly."""
    if grain == "week":
        [(shift,)] = con.execute(
            "select coalesce(isodow(min(period_start)) - 1, 0) from marts.fct_gmv_weekly"
        ).fetchall()
        return f"(date_trunc('week', {column} - {shift}) + interval ({shift}) day)::date"
    return column if grain == "day" else f"date_trunc('{grain}', {column})::date"


def is_whole(con: duckdb.DuckDBPyConnection, grain: str, asked: Question) -> bool:
    """The days asked for cut no period of this grain."""
    bounds = [day for day in (asked.first, asked.last and asked.last + timedelta(1)) if day]
    return all(day == _start(con, day, grain) for day in bounds)
