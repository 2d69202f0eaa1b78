"""Alert lines: the incidents that are open on a day.

Belongs here: which ones are shown first, and under which heading.
Does not belong here: the explanation, which comes with the incident.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, amount_text, both, tr
from dashboards.wording.formatting import long_day
from dashboards.wording.incidents import impact_of

ALERT_LINES = 3
_SEVERITY = {"critical": 0, "high": 1, "error": 1, "medium": 2, "warn": 2, "warning": 2, "low": 3}


@dataclass(frozen=True)
class Alert:
    """One alert line: `kind` is `kpi` or `data`."""

    kind: str
    title: Both
    text: Both


def alerts(
    data: Data, info: SiteInfo, moment: date, kinds: tuple[str, ...] = ("kpi", "data")
) -> tuple[list[Alert], int]:
    """Incidents of some kinds open on a day, gravest first, and how many more there are."""
    rows = [
        row
        for row in data["insights.incidents"].to_dicts()
        if row["opened_date"]
        and row["opened_date"] <= moment
        and (row["closed_date"] is None or row["closed_date"] > moment)
        and ("data" if row["kind"] == "data" else "kpi") in kinds
    ]
    rows.sort(
        key=lambda row: (
            _SEVERITY.get(str(row["severity"]).lower(), 2),
            -abs(row["impact_amount"] or 0),
            str(row["incident_id"]),
        )
    )
    lines = [_alert(row, info) for row in rows[:ALERT_LINES]]
    return lines, max(0, len(rows) - ALERT_LINES)


def _alert(row: Row, info: SiteInfo) -> Alert:
    kind = "data" if row["kind"] == "data" else "kpi"
    en = row["explanation_en"] or row["explanation_zh"] or str(row["metric"])
    since = both(lambda lang: long_day(row["opened_date"], lang, info.data_through))
    impact = amount_text(row["impact_amount"], info.currency, signed=True)
    is_money = kind == "kpi" and row["impact_amount"] is not None
    key = f"alert.kpi_{impact_of(row)}" if is_money else f"alert.{kind}_n"
    return Alert(
        kind,
        tr(key, day=since, impact=impact),
        Both(en, row["explanation_zh"] or en),
    )
