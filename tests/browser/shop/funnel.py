"""`fct_funnel_daily`."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl


def funnel(days: list[date]) -> pl.DataFrame:
    steps = [("home", 1.0), ("product", 0.61), ("cart", 0.243), ("checkout", 0.527), ("pay", 0.407)]
    rows = []
    for place, d in enumerate(days[-40:]):
        entered = 15000.0
        for number, (step, rate) in enumerate(steps, start=1):
            moved = rate * (1 + 0.02 * np.sin(place + number)) if number > 1 else 1.0
            entered *= moved
            rows.append(
                {"business_date": d, "basis": "session", "dimension": "all", "segment": "all",
                 "step_number": number, "step": step, "entered_count": int(entered),
                 "step_rate": moved if number > 1 else None, "overall_rate": entered / 15000}
            )  # fmt: skip
    return pl.DataFrame(rows)
