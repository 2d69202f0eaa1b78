"""`kpi explain`: the tree of one day as a manager would say it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from orchestration import settings, warehouse
from orchestration.cli.caveats import Gap, gaps, late_platforms, missed_days, warnings
from orchestration.cli.console import console
from orchestration.cli.drivers import Driver, drivers, sides
from orchestration.cli.options import allowed, day_of
from orchestration.cli.show import change_of, one_row
from orchestration.errors import ExitCode, KpiError

if TYPE_CHECKING:
    import duckdb

COMPARISONS = (
    "previous_day", "last_week", "last_year", "promo_phase", "trailing_28d", "target",
)  # fmt: skip
DIMENSIONS = ("platform", "shop", "channel", "device", "region", "customer_type")
_BASE_DAYS = {"previous_day": 1, "last_week": 7, "last_year": 364}
_SHOWN_DIMENSIONS, _SHOWN_SEGMENTS = 4, 3
_WORDS = {
    "driver": ("driver", "驱动因素"),
    "value": ("value", "数值"),
    "base": ("compared with", "对比值"),
    "change": ("change", "变化"),
    "effect": ("effect on GMV", "对支付金额的影响"),
    "lost": ("Lost most", "下降最多"),
    "won": ("Gained most", "增长最多"),
    "only": (
        "Only platforms: {late} is missing, and with it its part of every other segment.",
        "仅列平台：{late} 的数据不完整，其他维度均受影响。",
    ),
    "warning": ("Warning", "注意"),
}
_EFFECTS = ("visitors", "mix", "conversion", "untracked_buyers", "orders_per_buyer",
            "anonymous_orders", "aov")  # fmt: skip


def show_explanation(day: str, versus: str, by: str, lang: str) -> None:
    """Print the change of a day: drivers in chain order, worst segments, state of the data.

    Args:
        day: ISO date; empty for the last day of the data.
        versus: a comparison.
        by: a dimension whose every segment is listed; empty for the worst of all dimensions.
        lang: `en` or `zh`.

    Raises:
        KpiError: an unknown comparison or dimension, or no such comparison for that day.
    """
    from dashboards.narrative import effects, headline

    allowed("--vs", versus, COMPARISONS)
    if by:
        allowed("--by", by, DIMENSIONS)
    allowed("--lang", lang, ("en", "zh"))
    with warehouse.connect_published(settings.load().paths.current) as con:
        run = one_row(con, "select * from quality.run") or {}
        through = run.get("data_through")
        chosen = day_of(day) if day else through
        change = change_of(con, chosen, versus) if chosen else None
        if change is None or chosen is None:
            raise _no_comparison(con, versus, chosen, through)
        found = gaps(con, _days(chosen, versus))
        after = gaps(con, _after(chosen, run["as_of"])) if not day else []
        counts = sides(con, chosen, versus, float(change["base_gmv"]))
        parts = _segments(con, chosen, versus, by)
    currency = run["currency"]
    told = [*missed_days(run, after, lang), *warnings(found, chosen, lang)]
    tree = drivers(effects(change, lang, currency), *counts)
    late = late_platforms(gap for gap in found if gap.business_date == chosen)
    worst = parts if by else _worst(parts, float(change["gmv_change"]), late)
    console.document({
        "change": change, "drivers": [asdict(driver) for driver in tree], "by": by or None,
        "segments": worst, "warnings": told,
    })  # fmt: skip
    console.heading(headline(change, lang, currency))
    show_warnings(told, lang)
    console.out()
    _show_tree(tree, lang, currency)
    if by:
        _show_table(by, worst, lang, currency)
    else:
        _show_worst(worst, change, late, lang, currency)


def show_warnings(told: list[str], lang: str) -> None:
    """Print what of the data is missing, so that nobody takes the figures for whole."""
    for sentence in told:
        console.heading(f"{_word('warning', lang)}: {sentence}")


def _word(name: str, lang: str) -> str:
    return _WORDS[name][lang == "zh"]


def _days(day: date, versus: str) -> list[date]:
    """The day and, where the comparison is one other day, that day."""
    back = _BASE_DAYS.get(versus)
    return [day, day - timedelta(days=back)] if back else [day]


def _after(through: date, as_of: date) -> list[date]:
    """Days the run was of and that the data do not reach."""
    return [through + timedelta(days=n) for n in range(1, (as_of - through).days + 1)][:31]


def headline_warnings(con: duckdb.DuckDBPyConnection, run: dict[str, Any], lang: str) -> list[str]:
    """What a reader of the last day's headline has to know of its data.

    Args:
        con: connection to the published marts.
        run: the row of `quality.run`.
        lang: `en` or `zh`.
    """
    day = run["data_through"]
    found: list[Gap] = gaps(con, _days(day, "last_week"))
    after = gaps(con, _after(day, run["as_of"]))
    return [*missed_days(run, after, lang), *warnings(found, day, lang)]


def _no_comparison(
    con: duckdb.DuckDBPyConnection, versus: str, chosen: date | None, through: date | None
) -> KpiError:
    rows = con.execute(
        "select distinct comparison from marts.fct_gmv_change"
        " where business_date = ? and dimension = 'all' order by all",
        [chosen],
    ).fetchall()
    known = ", ".join(name for (name,) in rows)
    return KpiError(
        f"there is no comparison {versus} for {chosen}",
        "marts.fct_gmv_change",
        (f"That day has: {known}." if known else f"The data reaches to {through}.")
        + " A comparison needs its base day too.",
        ExitCode.USAGE,
    )


def _segments(
    con: duckdb.DuckDBPyConnection, day: date, versus: str, by: str
) -> list[dict[str, Any]]:
    """Rows of `fct_gmv_change` of one dimension, or of all, the greatest fall first."""
    effects = ", ".join(f"{name}_effect" for name in _EFFECTS)
    result = con.execute(
        f"select dimension, segment, gmv, base_gmv, gmv_change, {effects}"
        " from marts.fct_gmv_change where business_date = ? and comparison = ?"
        " and dimension <> 'all' and (? = '' or dimension = ?)"
        " order by gmv_change, dimension, segment",
        [day, versus, by, by],
    )
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _worst(parts: list[dict[str, Any]], change: float, late: list[str]) -> list[dict[str, Any]]:
    """The segments that moved most in the direction of the company, the likeliest place first.

    Where a platform's sales are missing, every segment it shares is missing a part: then only
    the other platforms are places.
    """
    import polars as pl

    from models.root_cause import adtributor

    # Shops are platforms once more, and which customers are new says little about where.
    told = [part for part in parts if part["dimension"] not in ("shop", "customer_type")]
    if late:
        told = [p for p in told if p["dimension"] == "platform" and p["segment"] not in late]
    if not told:
        return []
    amounts = pl.DataFrame(
        [(p["dimension"], p["segment"], float(p["gmv"]), float(p["base_gmv"])) for p in told],
        schema=["dimension", "segment", "observed", "expected"],
        orient="row",
    )
    ranks = dict(adtributor(amounts).select("dimension", "dimension_rank").iter_rows())
    side = -1.0 if change <= 0 else 1.0
    moved = [part for part in told if part["gmv_change"] * side > 0]
    moved.sort(key=lambda part: (ranks[part["dimension"]], -part["gmv_change"] * side))
    shown: dict[str, list[dict[str, Any]]] = {}
    for part in moved:
        shown.setdefault(part["dimension"], []).append(part)
    groups = list(shown.values())[:_SHOWN_DIMENSIONS]
    return [part for group in groups for part in group[:_SHOWN_SEGMENTS]]


def _show_tree(tree: list[Driver], lang: str, currency: str) -> None:
    from dashboards.narrative import money

    console.table(
        [_word(name, lang) for name in ("driver", "value", "base", "change", "effect")],
        [
            (
                driver.label,
                _shown(driver.name, driver.value, lang, currency),
                _shown(driver.name, driver.base_value, lang, currency),
                _difference(driver),
                money(driver.effect, currency, lang, signed=True),
            )
            for driver in tree
        ],
    )


def _shown(name: str, value: float | None, lang: str, currency: str) -> str:
    from dashboards.formatting import fixed, percent
    from dashboards.narrative import money

    if value is None:
        return ""
    if name == "conversion":
        return percent(value, 2)
    if name == "aov":
        return money(value, currency, lang)
    return fixed(value, 3 if name == "orders_per_buyer" else 0)


def _difference(driver: Driver) -> str:
    """In per cent; a rate in percentage points, since 2 % of 2 % says little."""
    from dashboards.formatting import fixed, percent

    if driver.value is None or driver.base_value is None:
        return ""
    if driver.name == "conversion":
        return f"{fixed((driver.value - driver.base_value) * 100, 2, signed=True)} pp"
    if not driver.base_value:
        return ""
    return percent(driver.value / driver.base_value - 1, signed=True)


def _show_worst(
    worst: list[dict[str, Any]], change: dict[str, Any], late: list[str], lang: str, currency: str
) -> None:
    from dashboards.narrative import money

    if worst:
        console.heading(_word("lost" if change["gmv_change"] <= 0 else "won", lang))
    for name in dict.fromkeys(part["dimension"] for part in worst):
        group = [part for part in worst if part["dimension"] == name]
        told = ", ".join(
            f"{part['segment']} {money(part['gmv_change'], currency, lang, signed=True)}"
            for part in group
        )
        console.out(f"  {name:<14} {told}")
    if late:
        console.out(_word("only", lang).format(late=", ".join(late)))


def _show_table(by: str, parts: list[dict[str, Any]], lang: str, currency: str) -> None:
    from dashboards.narrative import money

    names = [by, "GMV", "change", "visitors", "mix", "conversion", "untracked", "orders/buyer",
             "anonymous", "AOV"]  # fmt: skip
    moved = ["gmv_change", *(f"{name}_effect" for name in _EFFECTS)]
    console.table(
        names,
        [
            (part["segment"], money(part["gmv"], currency, lang),
             *(money(part[name], currency, lang, signed=True) for name in moved))
            for part in parts
        ],
    )  # fmt: skip
