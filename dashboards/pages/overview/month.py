"""The month so far against its plan, the time elapsed, and where it is expected to end.

Belongs here: which sentence about the target is true. Does not belong here: plans and forecasts.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, amount_text, both, same, tr
from dashboards.wording.formatting import day, percent


@dataclass(frozen=True)
class Month:
    """What the card shows; widths are per cent of the bar, None where there is no such mark."""

    name: Both
    value: Both
    plan: Both | None
    verdict: Both | None
    end: Both | None
    elapsed: Both
    done: float
    planned: float | None
    likely: float | None


def _row(frame: pl.DataFrame, *conditions: pl.Expr) -> Row | None:
    rows = frame.filter(*conditions).to_dicts()
    return rows[0] if rows else None


def verdict(target: float | None, forecast: Row | None, info: SiteInfo) -> Both | None:
    """Whether the month is expected to reach its target, by the range of the forecast alone."""
    if (
        target is None
        or forecast is None
        or None in (forecast["lower_amount"], forecast["upper_amount"])
    ):
        return None
    low, high = forecast["lower_amount"], forecast["upper_amount"]
    key = "reach" if low >= target else "miss" if high < target else "open"
    words = {"low": low, "high": high, "target": target}
    return tr(f"month.{key}", **{k: amount_text(v, info.currency) for k, v in words.items()})


def month(data: Data, info: SiteInfo) -> Month | None:
    """The month of the last day; None where nothing of it is published."""
    last = info.data_through
    first = last.replace(day=1)
    days = monthrange(last.year, last.month)[1]
    is_all = (pl.col("dimension") == "all",)
    plan = _row(
        data["marts.fct_targets_daily"],
        pl.col("business_date") == last, pl.col("metric") == "gmv", *is_all,
    )  # fmt: skip
    so_far = _row(data["marts.fct_gmv_monthly"], pl.col("period_start") == first, *is_all)
    forecast = _row(
        data["insights.gmv_forecast"],
        pl.col("grain") == "month", pl.col("platform") == "all", pl.col("period_start") == first,
    )  # fmt: skip
    known = plan if plan and plan["actual_so_far"] is not None else None
    actual = known["actual_so_far"] if known else (so_far or {}).get("gmv")
    if actual is None and plan is None:
        return None
    target = plan["month_target"] if plan else None
    is_over = last.day == days
    ahead = None if is_over else forecast
    expected = (ahead or {}).get("expected_amount")
    top = max(v for v in (actual, target, expected, 1.0) if v is not None)
    word = {"day": both(lambda lang: day(last, lang))}
    return Month(
        name=tr("month.name"),
        value=amount_text(actual, info.currency),
        plan=_plan(plan, is_over, info, word) if plan else None,
        verdict=verdict(target, ahead, info),
        end=_end(ahead, info),
        elapsed=tr("month.over" if is_over else "month.elapsed",
                   a=last.day, b=days, rate=same(percent(last.day / days, 0))),
        done=100 * max(actual or 0.0, 0.0) / top,
        planned=100 * plan["target_so_far"] / top if plan else None,
        likely=100 * expected / top if expected is not None else None,
    )  # fmt: skip


def _plan(plan: Row, is_over: bool, info: SiteInfo, words: dict[str, Both]) -> Both:
    if plan["actual_so_far"] is None:
        return tr("month.unknown", target=amount_text(plan["month_target"], info.currency))
    rate = plan["month_attainment_rate" if is_over else "attainment_so_far_rate"]
    amount = plan["month_target" if is_over else "target_so_far"]
    key = "month.plan_whole" if is_over else "month.plan"
    return tr(key, rate=percent(rate), plan=amount_text(amount, info.currency), **words)


def _end(forecast: Row | None, info: SiteInfo) -> Both | None:
    if forecast is None or forecast["expected_amount"] is None:
        return None
    names = {"expected": "expected_amount", "low": "lower_amount", "high": "upper_amount"}
    words = {key: amount_text(forecast[name], info.currency) for key, name in names.items()}
    if forecast["lower_amount"] is None or forecast["upper_amount"] is None:
        return tr("month.end_open", **words)
    unknown = int(forecast["unknown_days"] or 0)
    return tr("month.end_part" if unknown else "month.end", n=unknown, **words)
