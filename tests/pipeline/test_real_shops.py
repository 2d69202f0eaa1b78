"""Real data sets through whole runs: the marts say what was counted apart in the raw files."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support import shop

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data"
SEEDS = DATA / "fivetran_seeds"
# Independently worked out from the raw file: month, orders, GMV, AOV, identified buyers.
KNOWN = [
    ("2010-12", 1559, Decimal("823746.14"), 528.38, 885),
    ("2011-01", 1086, Decimal("691364.56"), 636.62, 741),
    ("2011-02", 1100, Decimal("523631.89"), 476.03, 758),
]
pytestmark = pytest.mark.skipif(
    not DATA.exists(), reason="the real data folder is not beside the checkout"
)


def run(home: Path, example: str, files: dict[str, list[Path]], as_of: str) -> None:
    for folder, paths in files.items():
        target = home / "data/inbox" / folder
        target.mkdir(parents=True)
        for path in paths:
            shutil.copyfile(path, target / path.name)
    shutil.copyfile(ROOT / f"examples/{example}/shop.yml", home / "shop.yml")
    done = shop.kpi(home, "run", "--date", as_of)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_online_retail_to_the_cent(tmp_path: Path) -> None:
    files = sorted((DATA / "online_retail_2010_2011").glob("*.csv.gz"))
    run(tmp_path, "online_retail", {"retail": files}, "2011-02-28")
    assert shop.query(
        tmp_path,
        "select sum(rows_read), sum(rows_quarantined), sum(rows_duplicate)"
        " from quality.ingest_files",
    ) == [(105_335, 0, 0)]
    rows = shop.query(
        tmp_path,
        """
        select strftime(business_date, '%Y-%m') as month, count(*), sum(paid_amount),
            round(sum(paid_amount)::double / count(*), 2), count(distinct customer_key)
        from marts.fct_orders where is_paid group by month order by month""",
    )
    assert rows == KNOWN
    daily = shop.query(
        tmp_path,
        """
        select strftime(business_date, '%Y-%m') as month, sum(orders)::bigint, sum(gmv)
        from marts.fct_gmv_daily where dimension = 'all' group by month order by month""",
    )
    assert daily == [row[:3] for row in KNOWN]
    # No traffic feed: unknown, not zero conversion. The shop says nothing of the days after its
    # Christmas; that it was closed then, and no export lost, only shop.yml could tell.
    shut = "business_date between '2010-12-24' and '2011-01-03'"
    assert shop.query(
        tmp_path,
        f"select distinct visitors, conversion_rate, tracked_buyers, gmv is not null or {shut}"
        " from marts.fct_gmv_daily order by all",
    ) == [(None, None, 0, True), (None, None, None, True)]
    quality = (tmp_path / "data/site/quality.html").read_text()
    overview = (tmp_path / "data/site/index.html").read_text()
    assert "not configured" in overview + quality and "未配置" in overview + quality


@pytest.mark.long
def test_baskets_of_a_grocer(tmp_path: Path) -> None:
    files = sorted((DATA / "complete_journey_150_households").glob("*.parquet"))
    run(tmp_path, "complete_journey", {"grocery": files}, "2017-12-31")
    assert shop.query(
        tmp_path,
        """
        select count(*), sum(paid_amount), max(business_date)::varchar,
            count(distinct customer_key), any_value(currency)
        from marts.fct_orders where is_paid""",
    ) == [(10_377, Decimal("251542.64"), "2017-12-31", 150, "USD")]
    assert shop.query(
        tmp_path,
        "select sum(gmv), sum(orders)::bigint from marts.fct_gmv_daily where dimension = 'all'",
    ) == [(Decimal("251542.64"), 10_377)]
    assert shop.query(tmp_path, "select sum(paid_amount), count(*) from marts.fct_order_items") == [
        (Decimal("251542.64"), 84_506)
    ]


@pytest.mark.long
def test_api_tables_with_orders_in_pounds(tmp_path: Path) -> None:
    seeds = {
        package: sorted((SEEDS / f"dbt_{package}/integration_tests/seeds").glob("*.csv"))
        for package in ("shopify", "google_ads", "facebook_ads")
    }
    rates = tmp_path / "rates.csv"
    rates.write_text("rate_date,currency,rate\n2020-09-09,GBP,1.30\n2020-09-11,GBP,1.28\n")
    run(tmp_path, "fivetran_seeds", {**seeds, "fx": [rates]}, "2025-05-31")
    # By hand: 4.40 x 1.30, 2.80 x 1.30, 2.80 x 1.28; the other five are in dollars.
    assert shop.query(
        tmp_path,
        """
        select order_id, currency, original_amount, paid_amount from marts.fct_orders
        where currency = 'GBP' or order_id = '1000002' order by order_id""",
    ) == [
        ("1000002", "USD", Decimal("80.00"), Decimal("80.00")),
        ("2669509541985", "GBP", Decimal("4.40"), Decimal("5.72")),
        ("2669516488801", "GBP", Decimal("2.80"), Decimal("3.64")),
        ("2674098602081", "GBP", Decimal("2.80"), Decimal("3.58")),
    ]
    assert shop.query(
        tmp_path, "select sum(gmv) from marts.fct_gmv_daily where dimension = 'all'"
    ) == [(Decimal("592.94"),)]
