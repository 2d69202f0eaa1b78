"""A shop whose last day is missing or cut: one data alert, no KPI alert, the other shop is judged.

On the last day the mobile checkout of the site is planted to break, so "the other shop is not
silenced" is seen by its real incident being told.
"""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.support import shop


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of the shop at full size, not yet run."""
    home = shop.new_home(tmp_path_factory.mktemp("bad_days") / "home")
    shop.deliver(home, scale=1.0)
    return home


def last_day_files(home: Path, pattern: str) -> list[Path]:
    found = sorted((home / "data/inbox").glob(f"{pattern}_{shop.LAST_DAY:%Y%m%d}_*"))
    assert found
    return found


def hold_back(home: Path) -> None:
    for file in last_day_files(home, "tmall/*"):
        file.unlink()


def cut(home: Path) -> None:
    """The upload of the order report broke off an hour ago."""
    for file in last_day_files(home, "tmall/ExportOrderList"):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) * 7 // 10])
        # One that is being written to waits for the next run.
        os.utime(file, (time.time() - 3600, time.time() - 3600))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [pytest.param(hold_back, "no_rows", marks=pytest.mark.long), (cut, "stops_early")],
)
def test_one_data_alert_and_the_other_shop_is_judged(
    exports: Path, tmp_path: Path, damage: Callable[[Path], None], reason: str
) -> None:
    home = Path(shutil.copytree(exports, tmp_path / "home"))
    damage(home)
    shop.run(home)
    incidents = shop.query(
        home,
        "select kind, dimension, segment, reason from insights.incidents"
        f" where last_date = date '{shop.LAST_DAY}' and closed_date is null order by all",
    )
    data = [row for row in incidents if row[0] == "data"]
    kpi = [row for row in incidents if row[0] == "kpi"]
    assert len(data) == 1 and reason in data[0][3], incidents
    # and of all days before, those that are told of are the planted ones, each of them
    before = shop.query(
        home,
        "select platform, opened_date, last_date from insights.incidents"
        f" where kind = 'data' and last_date < date '{shop.LAST_DAY}'",
    )
    planted = [
        (row["platform"], row["start_date"], row["end_date"])
        for row in pl.read_csv(home / "data/truth/incidents.csv", try_parse_dates=True).to_dicts()
        if row["metric"] == "data" and shop.START <= row["start_date"] < shop.LAST_DAY
    ]
    for rows, others in ((before, planted), (planted, before)):
        for platform, first, last in rows:
            assert any(p == platform and f <= last and t >= first for p, f, t in others), (
                before, planted,
            )  # fmt: skip
    assert {row[2] for row in kpi} == {"shopify"}, incidents
    messages = [path.read_text() for path in (home / "data/outbox").glob(f"*{shop.LAST_DAY}.txt")]
    assert sum("tmall" in text.splitlines()[0] for text in messages) == 1
    assert any("Shopify" in text.splitlines()[0] for text in messages)  # a platform, by its name
    judged = shop.query(
        home,
        "select distinct segment, status from insights.anomalies"
        f" where business_date = date '{shop.LAST_DAY}' and metric = 'gmv' order by all",
    )
    assert ("tmall", "data_incomplete") in judged and ("all", "data_incomplete") in judged


@pytest.mark.long
def test_on_a_whole_day_the_planted_incident_is_found_where_it_was_planted(
    exports: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(exports, tmp_path / "home"))
    shop.run(home)
    told = shop.query(
        home,
        "select segment, cause_metric, explanation_en from insights.incidents"
        f" where kind = 'kpi' and opened_date = date '{shop.LAST_DAY}' and segment <> 'all'",
    )
    assert [row[:2] for row in told] == [("shopify", "conversion_rate")]
    assert "mobile" in told[0][2]
    assert shop.kpi(home, "run", "--date", str(shop.LAST_DAY), "--fail-on-alert").returncode == 6
