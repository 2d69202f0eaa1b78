"""The scorer of planted incidents, on a truth and alerts written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from benchmarks.incident_score import DAYS_A_MONTH, false_alerts, matches, operations, score
from models.anomaly import ANOMALY_SCHEMA
from models.incidents import INCIDENT_SCHEMA


def day(number: int) -> date:
    return date(2026, 3, number)


def planted(name: str, first: int, last: int, *what: str) -> dict[str, object]:
    platform, dimension, segment, metric = what
    return {
        "incident_id": name, "kind": name, "start_date": day(first), "end_date": day(last),
        "platform": platform, "dimension": dimension, "segment": segment, "metric": metric,
        "factor": 0.1,
    }  # fmt: skip


def told(
    name: str, first: int, last: int, platform: str | None, **more: object
) -> dict[str, object]:
    row = dict.fromkeys(INCIDENT_SCHEMA) | {
        "incident_id": name, "kind": "kpi", "metric": "gmv", "opened_date": day(first),
        "last_date": day(last), "platform": platform,
    }  # fmt: skip
    return row | more


TRUTH = pl.DataFrame(
    [
        planted("checkout", 3, 4, "site", "device", "mobile", "conversion"),
        planted("traffic", 8, 8, "market", "traffic_source", "search", "visitors"),
        planted("price", 12, 12, "site", "product", "P1", "aov"),
        planted("missed", 16, 16, "site", "channel", "email", "visitors"),
        planted("young", 1, 1, "site", "channel", "email", "visitors"),
        planted("file", 20, 20, "site", "feed", "orders", "data"),
        planted("later", 30, 30, "site", "channel", "email", "visitors"),  # after the data
    ]
)
ALERTS = pl.DataFrame(
    [
        told("a", 4, 5, "site", metric="gmv", cause_metric="conversion_rate",
             cause_dimension="device", cause_segment="mobile"),
        told("b", 8, 8, None, metric="visitors", cause_dimension="channel", cause_segment="live"),
        told("c", 12, 12, "site", metric="gmv", cause_dimension="product", cause_segment="P1"),
        told("d", 16, 16, "market", metric="visitors"),  # the other platform: false
        told("e", 22, 22, "site", metric="gmv"),  # nothing planted: false
        told("f", 20, 20, "site", kind="data", metric="completeness"),
        told("g", 21, 21, "site", kind="data", metric="completeness"),
    ],
    schema=INCIDENT_SCHEMA,
)  # fmt: skip
JUDGED = pl.DataFrame(
    [
        {"business_date": day(n), "metric": "gmv", "dimension": "platform", "segment": place,
         "status": "no_baseline" if n == 1 else "normal"}
        for n in range(1, 26) for place in ("site", "market")
    ]
)  # fmt: skip


def test_figures_by_hand() -> None:
    anomalies = pl.concat([pl.DataFrame(schema=ANOMALY_SCHEMA), JUDGED], how="diagonal")
    result = score(TRUTH, ALERTS, anomalies)
    assert (result.planted, result.judged, result.found) == (5, 4, 3)
    assert result.recall == pytest.approx(0.6)
    # The checkout's and the traffic's factor are named; of the price only GMV was told.
    assert result.factor_first == 2
    assert (result.located, result.segment_first) == (3, 2)
    assert result.false_alerts == 2
    assert result.months == pytest.approx(24 / DAYS_A_MONTH)
    assert (result.data_planted, result.data_found, result.data_false) == (1, 1, 1)


def test_an_incident_is_found_by_its_own_story_alone(tmp_path: Path) -> None:
    (tmp_path / "slow_deliveries.csv").write_text(
        "carrier,region,start_date,end_date,late_share\n,north,,,0.3\nSwift,,2026-03-10,2026-03-12,0.9\n"
    )
    late = operations(tmp_path).select(TRUTH.columns)
    assert late.select("start_date", "end_date", "segment").rows() == [(day(8), day(12), "Swift")]
    truth = pl.concat(
        [
            pl.DataFrame(
                [
                    planted("refunds", 3, 4, "site", "product", "P1", "refund_rate"),
                    planted("stock_out", 6, 6, "site", "product", "P1", "conversion"),
                    planted("campaign_paused", 14, 16, "site", "channel", "paid", "visitors"),
                    planted("bot_traffic", 20, 20, "site", "channel", "paid", "visitors"),
                ],
                schema=TRUTH.schema,
            ),
            late,
        ],
        how="vertical_relaxed",
    )
    alerts = pl.DataFrame(
        [
            told("sales", 3, 4, "site", metric="gmv"),
            told("shelf", 6, 6, "site", metric="on_hand"),
            told("parcels", 9, 9, "market", metric="late_parcels_3_days"),
            told("visitors", 10, 10, "market", metric="visitors"),
            told("spend", 14, 15, "site", metric="campaign_cost"),
            told("more spend", 20, 20, "site", metric="campaign_cost"),
        ],
        schema=INCIDENT_SCHEMA,
    )
    found = matches(truth, alerts).select("kind", "alert").rows()
    assert found == [
        ("refunds", None), ("stock_out", "shelf"), ("campaign_paused", "spend"),
        ("bot_traffic", None), ("slow_carrier", "parcels"),
    ]  # fmt: skip
    wrong = false_alerts(truth, alerts, "kpi")["incident_id"].to_list()
    assert wrong == ["sales", "visitors", "more spend"]
