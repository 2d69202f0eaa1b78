"""Pages of alerts, risk and live: their sentences against their rows, their commands in DuckDB."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.base.data import Data
from dashboards.figures.fulfilment import shipping
from dashboards.figures.incidents import DAYS, around, recent
from dashboards.pages.alerts import page as alerts
from dashboards.pages.live import page as live
from dashboards.site import build_site
from dashboards.wording.formatting import money
from tests.browser import shop
from tests.support.contracts import fake, registry
from tests.support.html import table_of, tree

DAY, INFO = shop.LAST, shop.info()


def test_an_incident_has_its_days_factors_causes_and_command(site: Path) -> None:
    text = tree(site, "alerts.html").text()
    for words in (
        "2 incidents in 90 days, 2 of them open.",
        "Most was lost by GMV · Shopify, 19 Nov – 21 Nov: −¥18K.",
        "Most likely together: channel Paid social + device Mobile (4 orders; 21 at the rate",
        "Nobody judged one yet", "Orders that a rule of risk found: 3",
    ):  # fmt: skip
        assert words in text, words
    effects = text.split("What each factor did")[1]
    assert "−¥15,000.00" in effects and "−¥2,800.00" in effects
    assert table_of(site, "alerts.html", "risk") == [
        ["Many buyers at one address", "Tmall", "3", "2"]
    ]
    assert "o1" not in (site / "data/risk_signals.csv").read_text()
    causes = table_of(site, "drivers.html", "root-causes")
    assert [row[1:] for row in causes] == [
        ["Paid social + Mobile", "4", "21", "likely"], ["Mobile", "30", "41", "possible"],
    ]  # fmt: skip
    assert not tree(site, "drivers/2026-11-18.html").payload()["figures"].get("root-causes")
    assert "root-causes" not in (site / "drivers/2026-11-18.html").read_text("utf-8")


def test_what_people_judged_is_counted(tmp_path: Path) -> None:
    judged = {"gmv-2026-11-19": "real", "data-2026-11-21": "false", "of long ago": "real"}
    build_site(shop.frames(60), replace(INFO, verdicts=judged), tmp_path)
    assert "Judged by people: 2; worth telling: 1." in tree(tmp_path, "alerts.html").text()
    states = {row[5] for row in table_of(tmp_path, "alerts.html", "alert-timeline")}
    assert states == {"real", "false alarm"}


INCIDENTS = st.lists(
    st.tuples(
        st.integers(0, 150), st.integers(0, 20), st.booleans(),
        st.one_of(st.none(), st.integers(-900, 900)), st.sampled_from(["kpi", "data"]),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(INCIDENTS)
def test_the_headline_counts_what_was_open_and_names_the_costliest(found: list[Any]) -> None:
    rows = [
        {"incident_id": f"i{n}", "metric": "gmv", "dimension": "platform", "segment": f"p{n}",
         "platform": f"p{n}", "severity": "high", "kind": kind,
         "opened_date": DAY - timedelta(days=back),
         "last_date": DAY - timedelta(days=max(0, back - days)),
         "closed_date": None if stays else DAY - timedelta(days=max(0, back - days) - 1),
         "impact_amount": impact}
        for n, (back, days, stays, impact, kind) in enumerate(found)
    ]  # fmt: skip
    data = Data({"insights.incidents": fake("insights.incidents", rows),
                 "insights.anomalies": shop.frames()["insights.anomalies"],
                 "quality.metrics": registry()})  # fmt: skip
    kept = [r for r in rows if r["closed_date"] is None
            or r["closed_date"] > DAY - timedelta(days=DAYS)]  # fmt: skip
    said = alerts.headline(recent(data, DAY), data, INFO).en
    if not kept:
        assert said == f"No incident in {DAYS} days."
        return
    still = sum(r["closed_date"] is None or r["closed_date"] > DAY for r in kept)
    assert said.startswith(f"{len(kept)} incidents in {DAYS} days, {still} of them open.")
    lost = [
        r["impact_amount"] for r in kept if r["kind"] == "kpi" and (r["impact_amount"] or 0) < 0
    ]
    assert ("Most was lost" in said) == bool(lost)
    if lost:
        assert said.endswith(f": {money(min(lost), 'CNY', 'en', signed=True)}.")


@pytest.mark.parametrize("name", ["o'brien", '"; rm -rf $HOME `id` \\ !', "普通"])
def test_the_command_of_an_incident_finds_its_days_whatever_it_is_called(name: str) -> None:
    row = {"kind": "kpi", "metric": "gmv", "dimension": "platform", "segment": name,
           "platform": None}  # fmt: skip
    program, verb, sql = shlex.split(alerts.command(row))
    assert (program, verb) == ("kpi", "sql")
    with duckdb.connect() as con:
        con.sql("create schema insights")
        con.sql("create table insights.anomalies (metric text, dimension text, segment text,"
                " platform text, business_date date)")  # fmt: skip
        con.execute("insert into insights.anomalies values ('gmv', 'platform', ?, null, now())",
                    [name])  # fmt: skip
        con.execute("insert into insights.anomalies values ('gmv', 'platform', 'x', 'x', now())")
        assert [found[2] for found in con.sql(sql).fetchall()] == [name]


def test_the_days_around_an_incident_are_those_of_its_own_series() -> None:
    data = Data(shop.frames())
    row = recent(data, DAY)[-1] | {"dimension": "all", "segment": "all", "platform": None}
    row |= {"opened_date": DAY - timedelta(days=3), "last_date": DAY}
    points = around(data, INFO, row)
    own = dict(
        shop.frames()["marts.fct_gmv_daily"].filter(pl.col("dimension") == "all")
        .select("business_date", pl.col("gmv").cast(float)).iter_rows()
    )  # fmt: skip
    assert [p[0] for p in points] == [DAY - timedelta(days=n) for n in range(17, -1, -1)]
    assert [p[1] for p in points] == pytest.approx([own[p[0]] for p in points])
    assert around(data, INFO, row | {"segment": "nobody"}) == []


# Live ---------------------------------------------------------------------------------------------


def test_live_by_hand(site: Path) -> None:
    text = tree(site, "live.html").text()
    for words in ("3 sessions, 25 Oct – 21 Nov. Sales are known of 2 of them. creator_lin sold"
                  " most: ¥800.", "of 2 of 3 sessions; of the others not known"):  # fmt: skip
        assert words in text, words
    rows = {row[0]: row[1:] for row in table_of(site, "live.html", "live-hosts")}
    assert rows["creator_lin"] == ["creator", "2", "800", "6", "¥800.00", "¥60.00", "¥200.00"]
    assert rows["studio"] == ["own studio", "1", "400", "—", "—", "—", "—"]
    began = table_of(site, "live.html", "live-sessions")[0][0]
    assert began == "2026-11-21 20:00", "noon of UTC is evening in Shanghai"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 50))),
                max_size=8))  # fmt: skip
def test_the_headline_of_live_is_of_what_is_known(told: list[tuple[str, int | None]]) -> None:
    rows = [
        {"source": "s", "live_room_id": str(n), "platform": "p", "business_date": DAY,
         "kind": "own", "host": host, "gmv": gmv}
        for n, (host, gmv) in enumerate(told)
    ]  # fmt: skip
    frame = Data({"marts.fct_live_sessions": fake("marts.fct_live_sessions", rows)})
    found = live.hosts(frame["marts.fct_live_sessions"])
    said = live.headline(found, len(rows), live.Window(DAY, DAY), INFO).en
    known = [gmv for _, gmv in told if gmv is not None]
    assert ("No session" in said) == (not rows)
    assert ("What they sold is not known" in said) == (bool(rows) and not known)
    assert (f"Sales are known of {len(known)}" in said) == (0 < len(known) < len(rows))
    sums: dict[str, int] = {}
    for host, gmv in told:
        if gmv is not None:
            sums[host] = sums.get(host, 0) + gmv
    best = re.search(r"(\w) sold most: (\S+)\.$", said)
    assert bool(best) == (max(sums.values(), default=0) > 0)
    if best:
        assert sums[best[1]] == max(sums.values())
        assert best[2] == money(max(sums.values()), "CNY", "en")


# Parcels ------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=5))
def test_promises_are_judged_on_days_whose_parcels_are_all_due(told: list[tuple[int, int]]) -> None:
    rows = [
        {"business_date": DAY - timedelta(days=n), "platform": "tmall", "carrier": "c",
         "region": "r", "parcels": due + later, "due_parcels": due, "on_time_parcels": due}
        for n, (due, later) in enumerate(told)
    ]  # fmt: skip
    # Of this platform nobody tells when a parcel came: it holds no other back.
    rows.append({"business_date": DAY, "platform": "mute", "carrier": "c", "region": "r",
                 "parcels": 7, "due_parcels": 0, "on_time_parcels": 0})  # fmt: skip
    frame = shipping(Data({"marts.fct_fulfilment_daily": fake("marts.fct_fulfilment_daily", rows)}))
    by_day: dict[date, float | None] = dict(
        frame.filter(pl.col("platform") == "tmall").select("business_date", "due_parcels")
        .iter_rows()
    )  # fmt: skip
    tells = any(due for due, _ in told)
    for n, (due, later) in enumerate(told):
        expected = due if not (tells and later) else None
        assert by_day[DAY - timedelta(days=n)] == expected


def test_a_page_of_nothing_says_so(tmp_path: Path) -> None:
    build_site({}, shop.info(configured_feeds=set()), tmp_path)
    assert "Nothing was judged yet" in tree(tmp_path, "alerts.html").text()
    assert "Not configured" in tree(tmp_path, "live.html").text()
