"""Attribution against figures worked out elsewhere.

The rules of the macro `credit_touches` on the 10,000 paths of the PyPI package `mta` (PathData),
and the marts on the golden shop, whose few paths are worked out by hand.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tests.support.raw import PROJECT, read, run_dbt

PATHS = Path(__file__).parent / "data" / "mta_path_data.csv.gz"
# Credits by channel as METRICS 7 has them, in part also in `marketing-attribution-models` 2.1.1.
GOLDEN = {
    "alpha": (6308, 8447, 7574.7186, 7444.8238),
    "beta": (2831, 989, 2083.5001, 1969.7662),
    "eta": (3164, 4167, 3539.9512, 3618.7961),
    "iota": (4606, 3355, 3857.0962, 3944.9482),
    "lambda": (902, 1207, 1035.2576, 1046.9039),
    "theta": (1606, 653, 1022.8014, 1092.7445),
}


def test_first_last_linear_and_position_of_ten_thousand_paths(tmp_path: Path) -> None:
    file = tmp_path / "working.duckdb"
    with duckdb.connect(file) as con:
        con.execute("create schema raw")
    compiled = run_dbt(
        PROJECT, file, "compile", "--no-introspect",
        "--inline", "{{ credit_touches('touches') }}",
    ).result.results[0].node.compiled_code  # fmt: skip
    with duckdb.connect() as con:
        con.execute(
            """
            create table touches as
            select
                path_number as conversion_key, timestamp '2026-02-01' as converted_at,
                timestamp '2026-01-01' + to_minutes(place) as touched_at,
                place as touch_id, trim(steps[place]) as channel, false as is_direct,
                total_conversions
            from (
                select
                    row_number() over () as path_number, string_split(path, '>') as steps,
                    unnest(range(1, len(steps) + 1)) as place, total_conversions
                from read_csv(?)
            )
            """,
            [str(PATHS)],
        )
        paths, conversions = con.execute(
            "select count(*), sum(total_conversions) from touches where touch_id = 1"
        ).fetchall()[0]
        assert (paths, conversions) == (10_000, 19_785)
        found = con.execute(
            "select channel, sum(total_conversions * credit_first),"
            " sum(total_conversions * credit_last), sum(total_conversions * credit_linear),"
            f" sum(total_conversions * credit_position) from ({compiled}) group by channel"
        ).fetchall()
    shares = {channel: tuple(float(x) for x in values) for channel, *values in found}
    assert len(shares) == 12
    for channel, wanted in GOLDEN.items():
        assert shares[channel] == pytest.approx(wanted, abs=5e-5)
    for model in range(4):
        assert sum(values[model] for values in shares.values()) == pytest.approx(19_785, abs=1e-9)


def credited(golden_build: Path, model: str, day: date) -> dict[str, float]:
    rows = read(
        golden_build,
        "select channel, sum(credited_revenue) from marts.fct_attribution_daily"
        f" where model = '{model}' and business_date = date '{day}' group by channel",
    )
    return dict(rows.iter_rows())


def decayed(amount: float, ages: dict[str, list[float]]) -> dict[str, float]:
    """An amount shared out by 2^(-age/7), ages in days by channel."""
    weights = {channel: sum(0.5 ** (age / 7) for age in each) for channel, each in ages.items()}
    return {channel: amount * w / sum(weights.values()) for channel, w in weights.items()}


def added(*parts: dict[str, float]) -> dict[str, float]:
    channels = {channel for part in parts for channel in part}
    return {channel: sum(part.get(channel, 0) for part in parts) for channel in channels}


# 9 November: S2 (100) after one mail; S3 (50) after the same mail, 70 minutes old, and a direct
# visit of another device, 10 minutes old; T3, T4, T5 and S4 (280) after no visit that is known.
MARKET = {"(unattributed)": 280.0}
NINTH = {
    "first": {"email": 150.0} | MARKET,
    "last": {"email": 100.0, "direct": 50.0} | MARKET,
    "last_non_direct": {"email": 150.0} | MARKET,
    "linear": {"email": 125.0, "direct": 25.0} | MARKET,
    "position": {"email": 125.0, "direct": 25.0} | MARKET,
    "time_decay": added(
        {"email": 100.0}, MARKET, decayed(50, {"email": [70 / 1440], "direct": [10 / 1440]})
    ),
}
# 11 November: S8 (90) of E after mail, direct, social, mail (55 h less 20', 53 h 40', 25 h 50', 10'
# before it at 16:30); S7 (80) after paid social; T6, T7, T9 (360) unattributed.
ELEVENTH = {
    "first": {"email": 90.0, "paid_social": 80.0, "(unattributed)": 360.0},
    "last": {"email": 90.0, "paid_social": 80.0, "(unattributed)": 360.0},
    "last_non_direct": {"email": 90.0, "paid_social": 80.0, "(unattributed)": 360.0},
    "linear": {
        "email": 45.0, "direct": 22.5, "social": 22.5, "paid_social": 80.0, "(unattributed)": 360.0,
    },
    "position": {
        "email": 72.0, "direct": 9.0, "social": 9.0, "paid_social": 80.0, "(unattributed)": 360.0,
    },
    "time_decay": added(
        decayed(90, {
            "email": [(54 + 40 / 60) / 24, 10 / 1440],
            "direct": [(53 + 40 / 60) / 24],
            "social": [(25 + 50 / 60) / 24],
        }),
        {"paid_social": 80.0, "(unattributed)": 360.0},
    ),
}  # fmt: skip
# 13 November: S9 (100) after paid social and direct; refunds of S7 (30, all to paid social) and T1
# (40, unattributed); T12, T13, O4 to O6 (430) unattributed.
THIRTEENTH = {
    "first": {"paid_social": 70.0, "(unattributed)": 390.0},
    "last": {"direct": 100.0, "paid_social": -30.0, "(unattributed)": 390.0},
    "last_non_direct": {"paid_social": 70.0, "(unattributed)": 390.0},
    "linear": {"paid_social": 20.0, "direct": 50.0, "(unattributed)": 390.0},
    "position": {"paid_social": 20.0, "direct": 50.0, "(unattributed)": 390.0},
}


@pytest.mark.parametrize(
    ("day", "model", "wanted"),
    [
        (date(2026, 11, day), model, wanted)
        for day, models in ((9, NINTH), (11, ELEVENTH), (13, THIRTEENTH))
        for model, wanted in models.items()
    ],
)
def test_golden_shop_by_hand(
    golden_build: Path, day: date, model: str, wanted: dict[str, float]
) -> None:
    assert credited(golden_build, model, day) == pytest.approx(wanted, abs=1e-8)


def test_refunds_bring_no_orders_and_are_kept_apart(golden_build: Path) -> None:
    rows = read(
        golden_build,
        "select credited_orders, credited_gmv, credited_refunds from marts.fct_attribution_daily"
        " where model = 'last' and business_date = date '2026-11-13' and channel = 'paid_social'",
    )
    assert rows.rows() == [(0.0, 0.0, -30.0)]
    assert rows.schema["credited_refunds"] == pl.Float64


def test_orders_before_events_began_keep_the_visits_of_their_buyer(golden_build: Path) -> None:
    """S1: its buyer is known only by the purchase event of a visitor without a name."""
    assert credited(golden_build, "last", date(2025, 11, 9)) == {
        "paid_search": 50.0, "(unattributed)": 100.0,
    }  # fmt: skip
