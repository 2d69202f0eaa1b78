"""`kpi query` against the published marts, read directly by SQL written here."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.cli.places import Question
from orchestration.cli.query import answer
from orchestration.errors import KpiError
from tests.support import shop

SEED, QUESTIONS, CELLS = 20261130, 25, 8
GRAINS = {"day": "fct_gmv_daily", "week": "fct_gmv_weekly", "month": "fct_gmv_monthly"}
STORED = ("gmv", "visitors", "buyers", "conversion_rate", "aov", "orders_per_buyer", "units",
          "new_buyers", "net_sales")  # fmt: skip
DIMENSIONS = ("all", "platform", "channel", "device", "region", "customer_type")
# Sums over channels and days, each written out; what one side of a ratio lacks counts on neither.
SUMMED = {"gmv": "sum(gmv)", "cost": "sum(cost)", "orders": "sum(orders)"} | {
    name: f"case when sum({spent}) <> 0 and {under} <> 0 then {over} / {under}::double end"
    for name, spent, over, under in (
        ("aov", "orders", "sum(gmv)", "sum(orders)"),
        ("cac", "cost", "sum(case when new_customers is not null then cost end)",
         "sum(case when cost is not null then new_customers end)"),
        ("roas", "cost", "sum(case when cost is not null then attributed_gmv end)",
         "sum(case when attributed_gmv is not null then cost end)"),
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def con(finished_home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    file = (finished_home / "data/published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as connection:
        yield connection


def same(told: Any, held: Any) -> bool:
    if told is None or held is None:
        return told is held
    return float(told) == pytest.approx(float(held), rel=1e-9, abs=1e-9)


def stored(con: duckdb.DuckDBPyConnection, pick: random.Random) -> list[tuple[Any, Any, str]]:
    """Cells of the three GMV marts: told, held, where."""
    grain, dimension = pick.choice(list(GRAINS)), pick.choice(DIMENSIONS)
    names = tuple(pick.sample(STORED, 3))
    by = () if dimension == "all" else (dimension,)
    told = answer(con, Question(names, by, grain=grain))["rows"]
    period = "business_date" if grain == "day" else "period_start"
    held = {
        (row[0], row[1]): row[2:]
        for row in con.execute(
            f"select {period}, segment, {', '.join(names)} from marts.{GRAINS[grain]}"
            f" where dimension = '{dimension}'"
        ).fetchall()
    }
    assert len(told) == len(held) > 0
    cells = []
    for row in pick.sample(told, min(CELLS, len(told))):
        key = (row["period_start"], row[dimension] if by else "all")
        which = pick.randrange(3)
        where = f"{names[which]} {grain} {key}"
        cells.append((row[names[which]], held[key][which], where))
    return cells


def summed(con: duckdb.DuckDBPyConnection, pick: random.Random) -> list[tuple[Any, Any, str]]:
    """Cells of sums over days, channels and platforms of fct_channel_daily."""
    grain, by = pick.choice(["week", "month"]), pick.choice(["channel", "platform"])
    names = [name for name in SUMMED if name != "roas" or by == "channel"]
    name = pick.choice(names)
    first = shop.START + timedelta(days=pick.randrange(10, 40))
    last = first + timedelta(days=pick.randrange(20, 50))
    where: Mapping[str, tuple[str, ...]] = (
        {"platform": (pick.choice(["tmall", "shopify"]),)} if by == "channel" else {}
    )
    told = answer(con, Question((name,), (by,), where, grain, first, last))["rows"]
    only = f"and platform = '{where['platform'][0]}'" if where else ""
    held = {
        (start, segment): value
        for start, segment, value in con.execute(
            f"select date_trunc('{grain}', business_date)::date, {by},"
            f" {SUMMED[name]} from marts.fct_channel_daily"
            f" where is_additive and business_date >= '{first}' and business_date <= '{last}'"
            f" {only} group by 1, 2"
        ).fetchall()
    }
    assert len(told) == len(held) > 0
    return [
        (row[name], held[row["period_start"], row[by]], f"{name} {grain} {row}")
        for row in pick.sample(told, min(CELLS, len(told)))
    ]


def test_two_hundred_random_cells_are_those_of_the_marts(con: duckdb.DuckDBPyConnection) -> None:
    pick = random.Random(SEED)
    cells = [
        cell
        for turn in range(QUESTIONS * 2)
        for cell in (stored if turn % 2 else summed)(con, pick)
    ]
    assert len(cells) >= 200
    assert sum(told is not None and float(told) != 0 for told, _, _ in cells) > 120
    assert [where for told, held, where in cells if not same(told, held)] == []


DAY = shop.LAST_DAY - timedelta(days=3)


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        (Question(("visitors",), ("channel",), {"platform": ("shopify",)}, "week"),
         "visitors cannot be summed over days or segments: it is known where it is stored\n"
         "  Stored by day in fct_channel_daily (by platform, channel); by day in fct_gmv_daily"),
        (Question(("buyers",), grain="total"), "by month in fct_gmv_monthly"),
        (Question(("conversion_rate",), (), {"platform": ("shopify", "tmall")}), "Stored by day"),
        (Question(("buyers",), grain="week", first=date(2026, 9, 8)),
         "fct_gmv_weekly is by week: --from has to be the first day of one"),
        (Question(("credited_orders",), ("channel",)), "add --where model=..."),
        (Question(("roas",)), "Add --by channel"),
        (Question(("mer",), ("channel",)), "a figure of the whole platform, not of a channel"),
        (Question(("orders",), ("device",), {"platform": ("tmall",)}), "no mart holds orders so"),
        (Question(("gmvs",)), "Did you mean gmv?"),
        (Question(("gmv",), ("chanel",)), "Did you mean channel?"),
        (Question(("gmv",), grain="hour"), "One of day, week, month, total"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_says_what_can(
    con: duckdb.DuckDBPyConnection, question: Question, hint: str
) -> None:
    with pytest.raises(KpiError) as told:
        answer(con, question)
    assert hint in str(told.value) and int(told.value.code) == 2


def test_a_part_of_a_week_is_summed_of_days_and_told(con: duckdb.DuckDBPyConnection) -> None:
    told = answer(con, Question(("gmv",), grain="week", first=date(2026, 10, 7)))
    assert told["metrics"]["gmv"]["from"] == "marts.fct_gmv_daily"
    [(held,)] = con.execute(
        "select sum(gmv) from marts.fct_gmv_daily where dimension = 'all'"
        " and business_date between '2026-10-07' and '2026-10-11'"
    ).fetchall()
    assert same(told["rows"][0]["gmv"], held)
    assert "the week of 2026-10-05 is told from 2026-10-07 on" in told["caveats"]
    assert f"the week of 2026-10-05 is not whole: it is told up to {shop.LAST_DAY}" in " ".join(
        told["caveats"]
    )


def test_metrics_of_several_marts_stand_in_one_row(con: duckdb.DuckDBPyConnection) -> None:
    told = answer(con, Question(("visitors", "cost"), ("channel",), first=DAY, last=DAY))
    assert {said["from"] for said in told["metrics"].values()} == {
        "marts.fct_channel_daily", "marts.fct_gmv_daily",
    }  # fmt: skip
    held = dict(con.execute(
        "select segment, visitors from marts.fct_gmv_daily"
        f" where dimension = 'channel' and business_date = '{DAY}'"
    ).fetchall())  # fmt: skip
    assert {
        row["channel"]: row["visitors"] for row in told["rows"] if row["channel"] in held
    } == held
    assert "cost is not known in" in " ".join(told["caveats"])  # of tmall nothing tells spend


def test_the_commands_speak_both_languages_json_and_csv(finished_home: Path) -> None:
    listed = json.loads(shop.kpi(finished_home, "metrics", "复购", "--json").stdout)["metrics"]
    assert {row["name"] for row in listed} == {
        "repeat_buyers", "repeat_purchase_rate", "repurchase_rate"
    }  # fmt: skip
    assert "投产比" in shop.kpi(finished_home, "metrics", "spend", "--lang", "zh").stdout
    asked = ("query", "--metrics", "gmv,aov", "--by", "channel", "--where", "platform=shopify",
             "--grain", "week", "--from", "2026-09-01")  # fmt: skip
    told = json.loads(shop.kpi(finished_home, *asked, "--json").stdout)
    assert told["rows"][0].keys() == {"period_start", "channel", "gmv", "aov"}
    assert told["as_of"]["data_through"] == shop.LAST_DAY.isoformat()
    lines = shop.kpi(finished_home, *asked, "--csv").stdout.splitlines()
    assert lines[0] == "period_start,channel,gmv,aov" and len(lines) == len(told["rows"]) + 1
    assert "支付金额" in shop.kpi(finished_home, *asked, "--lang", "zh").stdout
