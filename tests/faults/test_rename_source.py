"""A source that is called otherwise: refused until it is renamed, and then the same as before."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import ingestion.mapping.sources
from ingestion.mapping.sources import plain_name
from orchestration.erasure.erase import Request
from orchestration.erasure.forget import forget
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.identity import identify
from orchestration.ledger.losses import altered
from orchestration.ledger.rename import finish_rename, rename_source
from tests.support.exports import HEADER, LINES, LINES_HEADER, ORDERS, SHOP, order
from tests.support.homes import Home
from tests.support.kills import KILL
from tests.support.shop import kpi, new_home, query

FILES = [{"path": "orders*.csv", "format": ORDERS}, {"path": "lines*.csv", "format": LINES}]


def called(root: Path, *names: str) -> Home:
    """The data folder with sources of these names, each reading all files."""
    return Home(root, {name: {**SHOP, "files": FILES} for name in names})


@pytest.fixture
def landed(tmp_path: Path) -> Home:
    home = called(tmp_path / "home", "old")
    home.put(HEADER + order(1, buyer="anna") + order(2, buyer="bert"), "orders_1.csv")
    home.put(LINES_HEADER + "7,A,1,10.00,2026-05-01 10:00:00,10.00\n", "lines_1.csv")
    home.land()
    return home


def content(home: Home) -> list[pl.DataFrame]:
    """Landed rows of both feeds, by content."""
    return [home.rows(feed).sort("_row_key") for feed in ("orders", "order_items")]


def test_a_renamed_source_is_refused_with_the_way_and_lands_nothing(landed: Home) -> None:
    home = called(landed.paths.home, "new")
    before = home.landed()
    with pytest.raises(KpiError, match=r"2 of its files have landed as old.* twice") as refused:
        home.land()
    assert "kpi rename-source 'old' new" in str(refused.value)
    assert refused.value.code == ExitCode.CONFIG
    assert home.landed() == before
    # Withdrawn batches count nowhere: then it is a source of its own.
    for file in home.state.files():
        home.state.reject(file["batch_id"])
    assert home.land()["files_landed"] == 2


def test_after_the_rename_it_is_the_same_source(landed: Home) -> None:
    before = content(landed)
    batches = landed.state.statuses()
    home = called(landed.paths.home, "new")
    assert rename_source(home.settings, home.state, "old", "new") == 3
    assert rename_source(home.settings, home.state, "old", "new") == 0  # done before
    assert home.land()["files_landed"] == 0
    assert home.state.statuses() == batches
    for rows, was in zip(content(home), before, strict=True):
        assert rows.equals(was.with_columns(source=pl.lit("new")))
    assert altered(home.settings, home.state) == {}
    # Customers stay who they were, in new files too, and are found to be forgotten.
    home.put(HEADER + order(3, buyer="anna"), "orders_2.csv")
    home.land()
    keys = dict(home.rows().select("order_id", "customer_key").iter_rows())
    assert keys["3"] == keys["1"] != keys["2"]
    forget(home.settings, home.state, Request("anna", source="new"))
    assert altered(home.settings, home.state) == {}
    assert dict(home.rows().select("order_id", "customer_key").iter_rows())["2"] == keys["2"]
    assert not set(home.rows()["customer_key"]) & {keys["1"]}


DAYS = [date(2026, 3, 1) + timedelta(days=number) for number in range(40)]
ORDERED = "order_id,ordered_at,paid_at,status,order_amount\n"


def twenty_a_day(days: list[date]) -> str:
    """Orders of 20 a day, an hour apart or less."""
    return ORDERED + "".join(
        f"{day:%m%d}{n:02d},{day} {n % 14 + 8}:05:00,{day} {n % 14 + 8}:05:00,completed,10\n"
        for day in days
        for n in range(20)
    )


def test_what_was_told_of_a_source_is_not_told_again(
    tmp_path: Path, hook: tuple[str, list[dict[str, str]]]
) -> None:
    """The last day of `old` is missing, and 40 of its refunds name orders that are not there."""
    address, received = hook
    home = new_home(tmp_path / "home")
    back = "".join(f"r{n},x{n},2026-04-01 09:00:00,9,refund_only,succeeded\n" for n in range(40))
    files = {
        "shop/orders.csv": twenty_a_day(DAYS[:-1]),
        "till/orders.csv": twenty_a_day(DAYS),
        "shop/refunds_20260410020000.csv": "refund_id,order_id,refunded_at,amount,kind,status\n"
        + back,
    }
    for name, text in files.items():
        (home / "data/inbox" / name).parent.mkdir(exist_ok=True)
        (home / "data/inbox" / name).write_text(text)

    def run(name: str) -> list[tuple[Any, ...]]:
        common = {"timezone": "Europe/Berlin", "currency": "EUR"}
        of = {"shop_id": "s", **common}
        orders = [
            {"path": "shop/orders.csv", "format": "plain_orders"},
            {"path": "shop/refunds*.csv", "format": "plain_refunds", "daily": False},
        ]
        till = [{"path": "till/*.csv", "format": "plain_orders"}]
        settings = {
            "shop": {"name": "S", **common, "languages": ["en"]},
            "sources": {name: {**of, "platform": "site", "files": orders},
                        "till": {**of, "platform": "till", "files": till}},
            "alerts": {"channels": [address]},
        }  # fmt: skip
        (home / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
        if name != "old":
            assert kpi(home, "rename-source", "old", name).returncode == 0
        done = kpi(home, "run", "--date", DAYS[-1].isoformat())
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return query(
            home,
            "select incident_id, opened_date, closed_date from insights.incidents"
            f" where kind = 'data' and segment = '{name}'",
        )

    was = run("old")
    [(_, opened, closed)] = was
    assert (opened, closed) == (DAYS[-1], None)
    assert len(received) == 2  # the gap, and the refunds without an order
    assert run("new") == was
    assert query(home, "select 1 from insights.incidents where segment = 'old'") == []
    assert len(received) == 2


def test_keys_of_news_go_along_and_no_others(landed: Home) -> None:
    told = [
        "gap|old|2026-03-01|high|c",
        "lookup|refunds_order|old|2026-03|c",
        "gap|older|2026-03-01|high|c",
        "lookup|old|older|2026-03|c",
        "gmv|old|x|high|c",
    ]
    for key in told:
        landed.state.mark(key, datetime.now(UTC))
    home = called(landed.paths.home, "new")
    rename_source(home.settings, home.state, "old", "new")
    assert [home.state.seen(key) for key in told] == [False, False, True, True, True]
    assert home.state.seen("gap|new|2026-03-01|high|c")
    assert home.state.seen("lookup|refunds_order|new|2026-03|c")


def test_it_may_be_renamed_again_and_back(landed: Home) -> None:
    before = content(landed)
    for old, new in (("old", "newer"), ("newer", "newest"), ("newest", "old")):
        home = called(landed.paths.home, new)
        rename_source(home.settings, home.state, old, new)
        assert home.land()["files_landed"] == 0
    assert home.state.identities() == {}
    for rows, was in zip(content(home), before, strict=True):
        assert rows.equals(was)


def test_what_cannot_be_renamed_says_why(landed: Home) -> None:
    home = called(landed.paths.home, "new")
    with pytest.raises(KpiError, match="nothing has landed as odl"):
        rename_source(home.settings, home.state, "odl", "new")
    with pytest.raises(KpiError, match=r"shop\.yml has no source newer"):
        rename_source(home.settings, home.state, "old", "newer")
    both = called(landed.paths.home, "old", "new")
    with pytest.raises(KpiError, match=r"shop\.yml has old"):
        rename_source(both.settings, both.state, "old", "new")
    rename_source(home.settings, home.state, "old", "new")
    # A new source called as it once was would get its batches and its customers.
    again = called(landed.paths.home, "new", "old")
    with pytest.raises(KpiError, match="both claim"):
        again.land()
    with pytest.raises(KpiError, match="source new was called old"):
        identify(again.settings, again.state, [])


def test_a_rename_killed_at_any_write_is_finished_by_the_command_or_by_a_run(
    landed: Home, tmp_path: Path
) -> None:
    expected = [rows.with_columns(source=pl.lit("new")) for rows in content(landed)]
    for writes in count():
        killed = False
        for by_run in (False, True):
            copy = tmp_path / f"killed_{writes}_{by_run}"
            shutil.copytree(landed.paths.home, copy)
            home = called(copy, "new")
            home.paths.good_build.write_text("built")

            def work(home: Home = home) -> None:
                rename_source(home.settings, home.state, "old", "new")

            killed = KILL.during(work, writes)
            if by_run and home.state.get("rename_under_way"):
                finish_rename(home.settings, home.state)  # as the first step of a run does
            else:
                work()
            assert home.land()["files_landed"] == 0
            assert not home.paths.good_build.exists()
            assert home.state.get("rename_under_way") is None
            for rows, right in zip(content(home), expected, strict=True):
                assert rows.equals(right)
            assert altered(home.settings, home.state) == {}
            assert not list(home.paths.landing.rglob(".*.tmp"))
            shutil.rmtree(copy)
        if not killed:
            break
    assert writes > 8


def test_names_are_plain_and_an_old_one_has_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:  # as it landed when any name would do
        patch.setattr(ingestion.mapping.sources, "_NAME", re.compile(".*"))
        home = called(tmp_path / "home", "天猫 Laden")
        home.put(HEADER + order(1), "orders_1.csv")
        home.land()
    way = r"a-z, 0-9, _ and -\..*`kpi rename-source '天猫 Laden' source_1`"
    with pytest.raises(KpiError, match=way):
        _ = replace(home.settings).sources  # read anew
    home = called(tmp_path / "home", "source_1")
    with pytest.raises(KpiError, match="landed as 天猫 Laden"):
        home.land()
    rename_source(home.settings, home.state, "天猫 Laden", "source_1")
    assert home.land()["files_landed"] == 0
    assert home.rows()["source"].to_list() == ["source_1"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("Müller Läden", "muller_laden"), ("shop-DE.2026", "shop-de_2026"), ("天猫", "source_2"),
     ("天猫2024", "source_2"), ("  ", "source_2"), ("Ærø", "source_2")],
)  # fmt: skip
def test_a_plain_name_loses_no_letter(text: str, name: str) -> None:
    assert plain_name(text, "source_2") == name
