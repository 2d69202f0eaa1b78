"""The cube of integers that filters by platform and shop sum over.

Belongs here: what the script may add up. Only integers that add up over days go into the cube;
visitors and buyers do not, so they are there as the stored rows of each platform and shop, one
value a day, and are never summed over days or segments. Ratios are sums over sums, after filtering.
Does not belong here: the script (`assets/filters.js`), what can be chosen (`bar`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from dashboards.base.data import Data, SiteInfo, exact_sum
from dashboards.base.page import digest, script_json
from dashboards.figures.channels import BOTH, SUMMED, channel_sums, known_both
from dashboards.figures.funnel import SUMMED as SUMMED_STEPS
from dashboards.figures.funnel import sessions, step_names
from dashboards.figures.windows import Window
from dashboards.filters.bar import CUBE_DAYS, DIMENSIONS, offered
from dashboards.filters.periods import periods

MAX_CELLS = 150_000
Windows = Mapping[str, tuple[Window | None, Window | None]]
MONEY = ("gmv", "net_sales")
COUNTS = (
    "visitors", "tracked_buyers", "buyers", "identified_orders", "orders", "units", "new_buyers",
)  # fmt: skip


def shop_platforms(data: Data) -> dict[str, str]:
    """Shop -> its platform, as the sources are configured; shops of several are left out."""
    rows = (
        data["quality.source_completeness_daily"]
        .select("shop_id", "platform")
        .drop_nulls()
        .unique()
        .sort("shop_id", "platform")
    )
    found: dict[str, set[str]] = {}
    for shop, platform in rows.iter_rows():
        found.setdefault(str(shop), set()).add(str(platform))
    return {shop: min(of) for shop, of in found.items() if len(of) == 1}


def _keys(data: Data, frame: pl.DataFrame) -> list[tuple[str, str]]:
    found = [("all", "all")]
    for dimension in DIMENSIONS:
        rows = frame.filter(pl.col("dimension") == dimension)
        found += [(dimension, name) for name in offered(data, rows, dimension)]
    return found


def _whole(values: pl.Series, factor: int) -> list[int | None]:
    return [None if v is None else round(v * factor) for v in values.to_list()]


def _gmv_cube(data: Data, info: SiteInfo) -> dict[str, Any]:
    first = max(info.data_through - timedelta(days=CUBE_DAYS - 1), data.first_day() or date.min)
    frame = data["marts.fct_gmv_daily"].filter(
        Window(first, info.data_through).filter(), pl.col("dimension").is_in(["all", *DIMENSIONS])
    )
    calendar = pl.DataFrame(
        {"business_date": pl.date_range(first, info.data_through, "1d", eager=True)}
    )
    values: dict[str, Any] = {}
    for dimension, segment in _keys(data, frame):
        rows = frame.filter(pl.col("dimension") == dimension, pl.col("segment") == segment)
        dense = calendar.join(rows, on="business_date", how="left").sort("business_date")
        values[f"{dimension}:{segment}"] = {
            **{name: _whole(dense[name], 100) for name in MONEY},
            **{name: _whole(dense[name], 1) for name in COUNTS},
        }
    return {"first": first.isoformat(), "days": calendar.height, "values": values}


def _funnel_cube(data: Data, windows: Windows) -> dict[str, Any]:
    """Period by period, of its days and its base: segment -> total, reached and direct by step."""
    names = step_names(data)
    frame = pl.concat([sessions(data, name) for name in ("all", *DIMENSIONS)])
    kept = _keys(data, frame)
    lines = {
        f"{column} {name}": pl.col(column).filter(pl.col("step") == name).sum()
        for column in SUMMED_STEPS
        for name in names
    }

    def sums(window: Window | None) -> dict[str, Any]:
        rows = frame.filter(window.filter()) if window else frame.clear()
        found = {}
        for row in rows.group_by("dimension", "segment").agg(**lines).to_dicts():
            total, reached, direct = (
                [int(row[f"{column} {name}"] or 0) for name in names] for column in SUMMED_STEPS
            )
            if (row["dimension"], row["segment"]) in kept:
                key = f"{row['dimension']}:{row['segment']}"
                found[key] = {"total": total[0], "reached": reached, "direct": direct}
        return dict(sorted(found.items()))

    return {key: [sums(now), sums(base)] for key, (now, base) in windows.items()}


def _channel_cube(data: Data, windows: Sequence[Window | None]) -> list[list[list[Any]]]:
    """Window by window, one row a platform and channel: names, `SUMMED`, `BOTH` in hundredths.

    Money has cents; customers and conversions that are shared out have parts, too.
    """
    found = []
    for window in windows:
        sums = channel_sums(data, window)
        hundredths = [_whole(sums[name], 100) for name in (*SUMMED, *BOTH)]
        columns = [sums["platform"].to_list(), sums["channel"].to_list(), *hundredths]
        found.append([list(row) for row in zip(*columns, strict=True)])
    return found


def _known_cube(data: Data, windows: Sequence[Window | None]) -> list[dict[str, list[Any]]]:
    """Window by window: platform -> cost, gmv (hundredths) and new buyers of what knows both."""
    frame = known_both(data)
    found = []
    for window in windows:
        chosen = frame.filter(window.filter()) if window else frame.clear()
        sums = chosen.group_by("platform").agg(
            exact_sum(name) for name in ("cost", "gmv", "new_buyers")
        )
        money = [_whole(sums[name], 100) for name in ("cost", "gmv")]
        columns = zip(
            sums["platform"].to_list(), *money, _whole(sums["new_buyers"], 1), strict=True
        )
        found.append({name: row for name, *row in sorted(columns)})
    return found


def _cells(value: object) -> int:
    if isinstance(value, dict):
        return sum(_cells(item) for item in value.values())
    if isinstance(value, list):
        return sum(_cells(item) for item in value)
    return 1


def cube(
    data: Data, info: SiteInfo, own: Mapping[str, tuple[Window | None, Window | None]]
) -> tuple[str, str]:
    """The cube as a script, because pages opened from a disk may not read any other file.

    Args:
        data: the frames.
        info: facts of the site.
        own: the days the pages `funnel` and `channels` show by themselves, and their bases.

    Returns:
        Its path below the site, with a hash of its content, and the content.

    Raises:
        ValueError: if it would hold more cells than a browser should be sent.
    """
    asked = {period.key: (period.now, period.base) for period in periods(data, info)}
    held = {
        "shops": shop_platforms(data),
        "gmv": _gmv_cube(data, info),
        "funnel": _funnel_cube(data, {"": own["funnel"], **asked}),
        "channels": {
            key: [_channel_cube(data, windows), _known_cube(data, windows)]
            for key, windows in {"": own["channels"], **asked}.items()
        },
    }
    if _cells(held) > MAX_CELLS:
        raise ValueError(f"filter cube of {_cells(held)} cells; {MAX_CELLS} is the most")
    content = f"window.CUBE={script_json(held)};\n"
    return f"assets/cube-{digest(content)}.js", content
