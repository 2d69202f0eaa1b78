"""Which event day each platform is in, so that a promotion is compared with its own past.

Belongs here: phases, offsets, and whose phase the company follows. What such a day is worth is
learned in `baseline.py`; the dates themselves come from `dim_date` and `dim_promo`.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from models.baseline import EventKeys

_RANK = {"holiday": 0, "sale": 1, "closed": 2}
LUNAR_WINDOW = (-7, 10)  # days around lunar new year that are not ordinary (METRICS.md 4)


def event_calendar(
    dim_date: pl.DataFrame, dim_promo: pl.DataFrame, platforms: list[str]
) -> pl.DataFrame:
    """Which event day each platform and the company are in.

    A phase of the platform comes first (day k of the phase; of several a closed day before a sale
    before a holiday, a long holiday before a short one), then the date's own event by offset, then
    the days around lunar new year; these two only where the platform has phases of that event. The
    company follows the first platform of `platforms` that has an event on that day.

    Args:
        dim_date: date, event, event_offset, lunar_new_year_offset (null outside).
        dim_promo: promo, platform, phase, kind, start_date, end_date (inclusive).
        platforms: platforms, the largest first.

    Returns:
        date, segment (`all` or the platform), event, event_day, instance_date, is_d_day; one row
        per date and segment, event null on ordinary days.
    """
    phases = _phase_days(dim_promo)
    has_event = dim_promo.select(segment="platform", own_event="promo").unique()
    of_company = has_event.filter(pl.col("segment").is_in(platforms)).select(
        pl.lit("all").alias("segment"), "own_event"
    )
    own = _own_events(dim_date).join(
        pl.concat([has_event, of_company.unique()]), on="own_event", how="inner"
    )
    segments = pl.DataFrame({"segment": ["all", *platforms]}, schema={"segment": pl.String})
    company = _company_phases(phases, platforms)
    joined = (
        dim_date.select("date")
        .join(segments, how="cross")
        .join(own, on=["segment", "date"], how="left")
        .join(pl.concat([phases, company]), on=["segment", "date"], how="left")
    )
    in_phase = pl.col("phase_event").is_not_null()
    phase_day = (pl.col("date") - pl.col("phase_start")).dt.total_days()
    return joined.select(
        "date",
        "segment",
        event=pl.coalesce("phase_event", "own_event"),
        event_day=pl.when(in_phase).then(phase_day).otherwise("own_day"),
        instance_date=pl.when(in_phase).then("phase_start").otherwise("own_start"),
        is_d_day=pl.col("is_d_day").fill_null(value=False),
    ).sort("segment", "date")


def _own_events(dim_date: pl.DataFrame) -> pl.DataFrame:
    """Events of the dates themselves: named ones by offset, and the days around new year."""
    day, offset, lunar = pl.col("date"), pl.col("event_offset"), pl.col("lunar_new_year_offset")
    low, high = LUNAR_WINDOW
    near_lunar = lunar.is_between(low, high)
    has_event = pl.col("event").is_not_null() & offset.is_not_null()
    own_day = pl.when(has_event).then(offset).when(near_lunar).then(lunar)
    return dim_date.select(
        "date",
        own_event=pl.when(has_event).then("event").when(near_lunar).then(pl.lit("lunar_new_year")),
        own_day=own_day.cast(pl.Int64),
        own_start=day - pl.duration(days=own_day.cast(pl.Int64)),
        is_d_day=((has_event & (offset == 0)) | (lunar == 0)).fill_null(False),
    )


def _phase_days(dim_promo: pl.DataFrame) -> pl.DataFrame:
    """Days of the promo phases of each platform: segment, phase_event, phase_start, date."""
    return (
        dim_promo.filter(pl.col("start_date") <= pl.col("end_date"))
        .select(
            segment="platform",
            phase_event=pl.format("{}:{}", "promo", "phase"),
            phase_start="start_date",
            rank=pl.col("kind").replace_strict(_RANK, return_dtype=pl.Int64),
            length=pl.when(pl.col("kind") == "holiday")
            .then((pl.col("end_date") - pl.col("start_date")).dt.total_days())
            .otherwise(0),
            date=pl.date_ranges("start_date", "end_date"),
        )
        .explode("date")
        .sort("rank", "length", "phase_start", "phase_event")
        .unique(["segment", "date"], keep="last")
        .drop("rank", "length")
    )


def _company_phases(phases: pl.DataFrame, platforms: list[str]) -> pl.DataFrame:
    """The phase the company follows on each day: that of its largest platform in one."""
    rank = {name: place for place, name in enumerate(platforms)}
    return (
        phases.filter(pl.col("segment").is_in(platforms))
        .with_columns(place=pl.col("segment").replace_strict(rank, return_dtype=pl.Int64))
        .sort("place")
        .unique("date", keep="first", maintain_order=True)
        .with_columns(segment=pl.lit("all"))
        .select(phases.columns)
    )


def event_keys(calendar: pl.DataFrame, dates: list[date], segments: list[str]) -> EventKeys:
    """Number the calendar's event days, as `baseline.one_step_ahead` wants them.

    Args:
        calendar: what `event_calendar` returns.
        dates: days of the series, in order.
        segments: segment of each series; one without calendar rows follows the company.
    """
    same_event = pl.col("event") == pl.col("event").shift(1)
    days = (
        calendar.filter(pl.col("event").is_not_null())
        .select("event", "event_day")
        .unique()
        .sort("event", "event_day")
        .with_row_index("key")
        .with_columns(pl.col("key").cast(pl.Int64))
        .with_columns(fallback=pl.when(same_event).then(pl.col("key") - 1).otherwise(-1))
    )
    numbered = calendar.join(days, on=["event", "event_day"], how="left").with_columns(
        instance=pl.struct("event", "instance_date").rank("dense").cast(pl.Int64)
    )
    shape = (len(segments), len(dates))
    key, instance = np.full(shape, -1), np.full(shape, -1)
    d_day = np.zeros(shape, dtype=np.bool_)
    frame, known = pl.DataFrame({"date": dates}), set(calendar["segment"].unique())
    for segment in set(segments):
        source = segment if segment in known else "all"
        own = frame.join(
            numbered.filter(pl.col("segment") == source),
            on="date",
            how="left",
            maintain_order="left",
        )
        rows = [row for row, name in enumerate(segments) if name == segment]
        key[rows] = own["key"].fill_null(-1).to_numpy()
        instance[rows] = own["instance"].fill_null(-1).to_numpy()
        d_day[rows] = own["is_d_day"].fill_null(False).to_numpy()
    return EventKeys(key, instance, d_day, days["fallback"].to_numpy())
