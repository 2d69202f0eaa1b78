"""Which segments together explain the incidents of a day.

Belongs here: the table of `insights.root_cause_sets`. Does not belong here: finding the sets.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, Chart, Page, Table, both, tr
from dashboards.pages.shared.incidents import alert, open_incidents
from dashboards.wording.formatting import integer
from dashboards.wording.incidents import segment_word

_SETS = 3  # of an incident
_JOINED = " + "


def _segments(row: dict[str, object]) -> Both:
    """The segments of a set as people call them."""
    names, segments = (str(row[name]).split(_JOINED) for name in ("dimensions", "segments"))
    if len(names) != len(segments):  # one is written with the sign itself
        return Both(str(row["segments"]), str(row["segments"]))
    return both(
        lambda lang: _JOINED.join(
            segment_word(name, one, lang) for name, one in zip(names, segments, strict=True)
        )
    )


def cause_chart(data: Data, info: SiteInfo, page: Page, moment: date) -> Chart | None:
    """The sets of the incidents open on a day, the gravest incident first; None without any."""
    rows: list[list[Both | str]] = []
    best: Both | None = None
    for row in open_incidents(data, moment, ("kpi",)):
        sets = (
            data["insights.root_cause_sets"]
            .filter(pl.col("incident_id") == row["incident_id"])
            .sort("position")
            .head(_SETS)
            .to_dicts()
        )
        for one in sets:
            said = _segments(one)
            best = said if best is None and one["is_cause"] else best
            told = tr("drivers.cause_yes" if one["is_cause"] else "drivers.cause_no")
            rows.append([alert(row, info).text, said, integer(one["observed"]),
                         integer(one["expected"]), told])  # fmt: skip
    if not rows:
        return None
    heads = ("incident", "segments", "seen", "wanted", "cause")
    chart = Chart(
        id="root-causes",
        title=tr("drivers.sets", segments=best) if best else tr("drivers.sets_none"),
        subtitle=tr("drivers.sets_subtitle"),
        figure=None,
        table=Table([tr(f"drivers.{key}") for key in heads], rows, text_columns=2),
        source="insights.root_cause_sets",
        csv="data/root_cause_sets.csv",
        is_open=True,
    )
    page.charts.append(chart)
    return chart
