"""`kpi query`: metrics of the registry by grain and dimension, from the mart that holds them.

Additive metrics and ratios of them are summed; whatever else a figure is, it is read where it is
stored and never added up. What makes a mart answer is in its yml: `meta.metric` of its columns and
the columns of its `unique_grain`; see `orchestration/cli/places.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from orchestration.cli.places import (
    GRAINS,
    Metric,
    Place,
    Plan,
    Question,
    bucket,
    fitted,
    is_whole,
    places,
)
from orchestration.cli.published import metrics, rows_of
from orchestration.errors import ExitCode, KpiError, allowed

_SPEND = "cost"  # a ratio of spend says nothing where none was spent


def conditions(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Values to keep, of texts as `platform=tmall`, `platform=tmall,jd` and `a=b and c=d`.

    Raises:
        KpiError: a text is none of these.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in (part for whole in texts for part in re.split(r"\s+and\s+", whole.strip())):
        told = re.fullmatch(r"\s*(\w+)\s*=\s*(.+?)\s*", text)
        if told is None:
            raise KpiError(
                f"{text!r} is no condition", "--where", "Write platform=tmall, or a=b,c for"
                " several values.", ExitCode.USAGE,
            )  # fmt: skip
        found[told[1]] = tuple(value.strip().strip("'\"") for value in told[2].split(","))
    return found


def answer(con: duckdb.DuckDBPyConnection, asked: Question) -> dict[str, Any]:
    """The rows of a question, what they mean, and how far they can be trusted.

    Args:
        con: connection to the published marts.
        asked: the question.

    Returns:
        metrics (name -> definition, unit, mart it is from), rows (period_start, dimensions,
        metrics), as_of and caveats, sentences.

    Raises:
        KpiError: an unknown name, or a figure that nothing stores and that cannot be summed.
    """
    from orchestration.cli.trust import caveats

    allowed("--grain", asked.grain, GRAINS)
    registry = metrics(con)
    for name in asked.metrics:
        allowed("--metrics", name, sorted(registry))
    plans = {name: _plan(con, registry, name, asked) for name in asked.metrics}
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    unknown = dict.fromkeys(asked.metrics, 0)
    for name, plan in plans.items():
        for row in _read(con, registry[name], plan, asked):
            unknown[name] += row.pop("unknown")
            key = (row["period_start"], *(row[column] for column in asked.by))
            rows.setdefault(key, dict.fromkeys(("period_start", *asked.by, *asked.metrics)))
            rows[key] |= row
    told = [rows[key] for key in sorted(rows, key=lambda key: [str(value) for value in key])]
    said = {
        name: {key: registry[name][key] for key in _SAID} | {"from": f"marts.{plan.place.mart}"}
        for name, plan in plans.items()
    }
    return {"metrics": said, "grain": asked.grain, "rows": told,
            **caveats(con, [row["period_start"] for row in told], asked, unknown)}  # fmt: skip


_SAID = ("label_en", "label_zh", "definition_en", "definition_zh", "unit", "additivity",
         "numerator", "denominator")  # fmt: skip


def summable(registry: Mapping[str, Metric], name: str) -> bool:
    """A sum, or a ratio of sums."""
    metric = registry.get(name, {})
    parts = (metric.get("numerator"), metric.get("denominator"))
    if metric.get("additivity") == "ratio":
        return all(registry.get(str(part), {}).get("additivity") == "additive" for part in parts)
    return metric.get("additivity") == "additive"


def _plan(
    con: duckdb.DuckDBPyConnection, registry: Mapping[str, Metric], name: str, asked: Question
) -> Plan:
    """The place that answers with the fewest sums.

    Raises:
        KpiError: none does; says which figures are stored.
    """
    metric = registry[name]
    found = list(places(con, metric))
    _check_names(metric, found, asked)
    can_sum = summable(registry, name)
    plans, reasons = [], []
    for place in found:
        plan = fitted(place, asked)
        if isinstance(plan, str):
            reasons.append(plan)
        elif not is_whole(con, place.grain, asked):
            reasons.append(f"{place.mart} is by {place.grain}: --from has to be the first day of"
                           " one, --to the last")  # fmt: skip
        elif can_sum or _is_stored(plan, asked):
            plans.append(plan)
    if not plans:
        raise _no_answer(name, metric, found, can_sum, reasons)
    return min(plans, key=lambda plan: (not _is_stored(plan, asked), plan.place.grain != "day",
                                        len(plan.summed), plan.place.mart))  # fmt: skip


def _check_names(metric: Metric, found: Sequence[Place], asked: Question) -> None:
    named = [("--by", name) for name in asked.by] + [("--where", name) for name in asked.where]
    known = sorted({name for place in found for name in place.names()})
    whole = {"company": (), "platform": ("platform", "shop", "shop_id")}.get(metric["whole"])
    for option, name in named:
        if known:
            allowed(option, name, known)
        if whole is not None and name not in whole:
            raise KpiError(
                f"{metric['name']} is a figure of the whole {metric['whole']}, not of a {name}",
                option, f"Ask for {metric['numerator']} and {metric['denominator']} by {name}.",
                ExitCode.USAGE,
            )  # fmt: skip
    if metric["needs"] and metric["needs"] not in {name for _, name in named}:
        raise KpiError(
            f"{metric['name']} is a figure of one {metric['needs']}", "--by",
            f"Add --by {metric['needs']}, or --where {metric['needs']}=...", ExitCode.USAGE,
        )  # fmt: skip


def _is_stored(plan: Plan, asked: Question) -> bool:
    """Each figure is one row."""
    return not plan.summed and plan.place.grain == asked.grain


def _no_answer(
    name: str, metric: Metric, found: Sequence[Place], can_sum: bool, reasons: Sequence[str]
) -> KpiError:
    what = f"no mart holds {name} so"
    if not can_sum:
        what = f"{name} cannot be summed over days or segments: it is known where it is stored"
    told = [place.told() for place in found]
    hint = f"Stored {'; '.join(told)}." if told else (
        f"It is in {metric['stored_in'] or 'no mart'}, without a date: kpi sql.")  # fmt: skip
    ways = [reason for reason in reasons if "--" in reason]
    return KpiError(what, "query", " ".join([hint, *(f"{way}." for way in ways)]), ExitCode.USAGE)


def _read(
    con: duckdb.DuckDBPyConnection, metric: Metric, plan: Plan, asked: Question
) -> list[dict[str, Any]]:
    """Rows of one metric: period_start, dimensions, the figure and how many rows know none."""
    period = plan.place.period
    values: list[Any] = []
    terms = ["true"]
    for column, among in plan.kept.items():
        terms.append(f"cast({column} as varchar) in (select unnest(?::varchar[]))")
        values.append(list(among))
    for day, sign in ((asked.first, ">="), (asked.last, "<=")):
        if day:
            terms.append(f"{period} {sign} ?")
            values.append(day)
    start = f"min({period})"
    if asked.grain != "total":
        is_same = plan.place.grain == asked.grain
        start = period if is_same else bucket(con, period, asked.grain)
    groups = ["period_start"] if asked.grain != "total" else []
    split = "".join(f", {column} as {name}" for name, column in plan.by.items())
    figure, missing = _figure(metric)
    result = con.execute(
        f"select {start} as period_start{split}, {figure} as {metric['name']},"
        f" count(*) filter ({missing}) as unknown from marts.{plan.place.mart}"
        f" where {' and '.join(terms)} group by {', '.join([*groups, *plan.by]) or 'all'}"
        " having count(*) > 0", values,
    )  # fmt: skip
    return rows_of(result)


def _figure(metric: Metric) -> tuple[str, str]:
    """SQL of the figure, and of which rows do not know it: a ratio is over what knows both."""
    over, under = metric["numerator"], metric["denominator"]
    if not over:
        kind = "::double" if metric["unit"] == "currency" else ""  # of counts their own
        return f"sum({metric['name']}){kind}", f"{metric['name']} is null"
    if metric["whole"] == "company":  # a part that has no spend still has its sales
        top, bottom, known = f"sum({over})", f"sum({under})", f"{over} is null"
    else:
        top = f"sum({over}) filter ({under} is not null)"
        bottom = f"sum({under}) filter ({over} is not null)"
        known = f"{over} is null or {under} is null"
    top = f"nullif({top}, 0)" if over == _SPEND else top
    return f"{top}::double / nullif({bottom}, 0)::double", known
