"""Axes: their steps are round and say exactly where they stand."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.base.page import Both
from dashboards.charts.axes import rate_axis
from dashboards.charts.line import DayPoint, Shade, line_top


@given(st.floats(0, 0.9), st.floats(0.002, 0.1), st.sampled_from([2, 4]))
def test_the_steps_of_a_rate_axis_are_round(low: float, span: float, steps: int) -> None:
    drawn = rate_axis(low, low + span, steps)
    ticks = drawn["tickvals"]
    assert 1 <= len(ticks) <= steps + 1
    for tick, text in zip(ticks, drawn["ticktext"], strict=True):
        assert low - 1e-9 <= tick <= low + span + 1e-9
        assert float(text.rstrip("%")) == pytest.approx(tick * 100, abs=1e-9)
    gaps = {round(b - a, 9) for a, b in pairwise(ticks)}
    assert len(gaps) <= 1
    for gap in gaps:
        assert f"{gap:.6e}".partition("e")[0].rstrip("0").rstrip(".") in ("1", "2", "2.5", "5")


def test_a_rate_axis_of_twelve_points() -> None:
    assert rate_axis(0.0, 0.12)["ticktext"] == ["0%", "5%", "10%"]
    assert rate_axis(0.0, 0.01)["ticktext"] == ["0.00%", "0.25%", "0.50%", "0.75%", "1.00%"]


def test_no_ordinary_day_is_cut_off_and_a_promotion_may_be() -> None:
    """A shop that sells now and then: what is expected of a day is next to nothing."""
    first = date(2026, 1, 1)
    sold = [0.0, 0.0, 5200.0, 0.0, 90_000.0]
    points = [DayPoint(first + timedelta(n), value, 0.0, 100.0) for n, value in enumerate(sold)]
    sale = Shade(Both("Sale", "大促"), points[4].day, points[4].day, is_peak=True)
    assert 5200 <= line_top(points, [sale]) < 90_000
    assert line_top(points, []) >= 90_000
