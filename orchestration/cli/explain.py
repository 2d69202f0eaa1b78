"""`kpi explain`: the tree of one day as a manager would say it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dashboards.figures.changes import DIMENSIONS
from dashboards.wording.caveats import Gap, blind_platforms, late_platforms, missed_days, warnings
from dashboards.wording.changes import EFFECT_ORDER, effects, headline
from dashboards.wording.formatting import fixed, money, percent
from dashboards.wording.i18n import LANGUAGES
from dashboards.wording.metrics import Metrics, in_unit, unit_of
from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.cli.drivers import Driver, drivers, metric_of
from orchestration.cli.published import change_of, comparisons, gaps, metrics, one_row, rows_of
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, allowed, day_of

if TYPE_CHECKING:
    import duckdb

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
    "blind": (
        "Only platforms: without the events of {late} its orders have no channel and no device.",
        "仅列平台：缺少 {late} 的访客事件，其订单没有渠道和设备信息。",
    ),
    "warning": ("Warning", "注意"),
}


@dataclass(frozen=True)
class Explanation:
    """Why GMV changed: the headline, the drivers in chain order, segments, the state of the data.

    `by` is the dimension whose every segment is listed, empty for the worst of all dimensions;
    `late` and `blind` are platforms without whole sales, or without whole visits.
    """

    change: dict[str, Any]
    headline: str
    drivers: list[Driver]
    by: str
    segments: list[dict[str, Any]]
    warnings: list[str]
    late: list[str]
    blind: list[str]
    currency: str

    def document(self) -> dict[str, Any]:
        """As a program reads it."""
        return {
            "change": self.change, "drivers": [asdict(driver) for driver in self.drivers],
            "by": self.by or None, "segments": self.segments, "warnings": self.warnings,
        }  # fmt: skip


def explanation(
    con: duckdb.DuckDBPyConnection, day: str, versus: str, by: str, lang: str
) -> Explanation:
    """The change of a day.

    Args:
        con: connection to the published marts.
        day: ISO date; empty for the last day of the data.
        versus: a comparison.
        by: a dimension whose every segment is listed; empty for the worst of all dimensions.
        lang: `en` or `zh`.

    Raises:
        KpiError: an unknown comparison or dimension, or no such comparison for that day.
    """
    if by:
        allowed("--by", by, DIMENSIONS)
    allowed("--lang", lang, LANGUAGES)
    known, registry = comparisons(con), metrics(con)
    allowed("--vs", versus, known.names)
    run = one_row(con, "select * from quality.run") or {}
    through = run.get("data_through")
    chosen = day_of(day) if day else through
    change = change_of(con, chosen, versus) if chosen else None
    if change is None or chosen is None:
        raise _no_comparison(con, versus, chosen, through)
    found = gaps(con, _days(chosen, known.base_day(versus)))
    after = gaps(con, _after(chosen, run["as_of"])) if not day else []
    parts = _segments(con, chosen, versus, by)
    late, blind = (ask(found) for ask in (late_platforms, blind_platforms))
    currency = run["currency"]
    return Explanation(
        change=change,
        headline=headline(change, lang, currency, known.said(versus, "versus", lang)),
        drivers=drivers(effects(change, lang, currency), change, registry),
        by=by,
        segments=parts if by else _worst(parts, float(change["gmv_change"]), late, blind),
        warnings=[*missed_days(run, after, lang), *warnings(found, chosen, lang)],
        late=late,
        blind=blind,
        currency=currency,
    )


def show_explanation(day: str, versus: str, by: str, lang: str) -> None:
    """Print the change of a day; arguments and errors as of `explanation`."""
    with warehouse.connect_published(settings.load().paths.current) as con:
        told = explanation(con, day, versus, by, lang)
        registry = metrics(con)
    console.document(told.document())
    console.heading(told.headline)
    show_warnings(told.warnings, lang)
    console.out()
    _show_tree(told.drivers, registry, lang, told.currency)
    if by:
        _show_table(by, told.segments, lang, told.currency)
    else:
        _show_worst(told.segments, told.change["gmv_change"] <= 0, lang, told.currency)
        for word, platforms in (("only", told.late), ("blind", [] if told.late else told.blind)):
            if platforms:
                console.out(_word(word, lang).format(late=", ".join(platforms)))


def show_warnings(told: list[str], lang: str) -> None:
    """Print what of the data is missing, so that nobody takes the figures for whole."""
    for sentence in told:
        console.heading(f"{_word('warning', lang)}: {sentence}")


def _word(name: str, lang: str) -> str:
    return _WORDS[name][lang == "zh"]


def _days(day: date, back: int | None) -> list[date]:
    """The day and, where the comparison is one other day, that day."""
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
    found: list[Gap] = gaps(con, _days(day, comparisons(con).base_day("last_week")))
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
    there = f"That day has: {known}." if known else f"The data reaches to {through}."
    if versus == "target":
        what = "there are no targets to compare with"
        hint = f"No row of feed targets has reached the marts. {there}"
    else:
        what = f"there is no comparison {versus} for {chosen}"
        hint = f"{there} A comparison needs its base day too."
    return KpiError(what, "marts.fct_gmv_change", hint, ExitCode.USAGE)


def _segments(
    con: duckdb.DuckDBPyConnection, day: date, versus: str, by: str
) -> list[dict[str, Any]]:
    """Rows of `fct_gmv_change` of one dimension, or of all, the greatest fall first."""
    effects = ", ".join(f"{name}_effect" for name in EFFECT_ORDER)
    result = con.execute(
        f"select dimension, segment, gmv, base_gmv, gmv_change, {effects}"
        " from marts.fct_gmv_change where business_date = ? and comparison = ?"
        " and dimension <> 'all' and (? = '' or dimension = ?)"
        " order by gmv_change, dimension, segment",
        [day, versus, by, by],
    )
    return rows_of(result)


def _worst(
    parts: list[dict[str, Any]], change: float, late: list[str], blind: list[str]
) -> list[dict[str, Any]]:
    """The segments that moved most in the direction of the company, by dimension.

    Dimensions come by the money a segment moved beyond its share: where all fell alike there is
    no place. Where a platform's sales are missing, every segment it shares is missing a part;
    where its events are, its orders are of no known segment: then only platforms are places.
    """
    # Shops are platforms once more, and which customers are new says little about where.
    told = [part for part in parts if part["dimension"] not in ("shop", "customer_type")]
    if late or blind:
        told = [p for p in told if p["dimension"] == "platform" and p["segment"] not in late]
    side = -1.0 if change <= 0 else 1.0
    groups: dict[str, list[dict[str, Any]]] = {}
    for part in sorted(told, key=lambda part: -part["gmv_change"] * side):
        groups.setdefault(part["dimension"], []).append(part)
    ranked = sorted(groups.values(), key=lambda group: -_beyond_share(group, side))
    moved = [[part for part in group if part["gmv_change"] * side > 0] for group in ranked]
    return [part for group in [g for g in moved if g][:_SHOWN_DIMENSIONS]
            for part in group[:_SHOWN_SEGMENTS]]  # fmt: skip


def _beyond_share(group: list[dict[str, Any]], side: float) -> float:
    """The most money a segment of a dimension moved beyond its part of the base."""
    gmv, base = (sum(float(part[name]) for part in group) for name in ("gmv", "base_gmv"))
    rate = gmv / base if base else 0.0
    return max(side * (float(part["gmv"]) - rate * float(part["base_gmv"])) for part in group)


def _show_tree(tree: list[Driver], registry: Metrics, lang: str, currency: str) -> None:

    rows = []
    for driver in tree:
        unit = unit_of(metric_of(driver.name), registry)
        values = [
            "" if value is None else in_unit(value, unit, currency, lang)
            for value in (driver.value, driver.base_value)
        ]
        effect = money(driver.effect, currency, lang, signed=True)
        rows.append((driver.label, *values, _difference(driver, unit), effect))
    console.table(
        [_word(name, lang) for name in ("driver", "value", "base", "change", "effect")], rows
    )


def _difference(driver: Driver, unit: str) -> str:
    """In per cent; a rate in percentage points, since 2 % of 2 % says little."""
    if driver.value is None or driver.base_value is None:
        return ""
    if unit == "rate":
        return f"{fixed((driver.value - driver.base_value) * 100, 2, signed=True)} pp"
    if not driver.base_value:
        return ""
    return percent(driver.value / driver.base_value - 1, signed=True)


def _show_worst(worst: list[dict[str, Any]], fell: bool, lang: str, currency: str) -> None:

    if worst:
        console.heading(_word("lost" if fell else "won", lang))
    for name in dict.fromkeys(part["dimension"] for part in worst):
        told = ", ".join(
            f"{part['segment']} {money(part['gmv_change'], currency, lang, signed=True)}"
            for part in worst
            if part["dimension"] == name
        )
        console.out(f"  {name:<14} {told}")


def _show_table(by: str, parts: list[dict[str, Any]], lang: str, currency: str) -> None:
    names = [by, "GMV", "change", "visitors", "mix", "conversion", "untracked", "orders/buyer",
             "anonymous", "AOV"]  # fmt: skip
    moved = ["gmv_change", *(f"{name}_effect" for name in EFFECT_ORDER)]
    console.table(
        names,
        [
            (part["segment"], money(part["gmv"], currency, lang),
             *(money(part[name], currency, lang, signed=True) for name in moved))
            for part in parts
        ],
    )  # fmt: skip
