"""A real export through `shop.yml` alone reproduces its known figures to the cent."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support import shop

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data/online_retail_2010_2011"

# Independently worked out from the raw file: month, orders, GMV, AOV, identified buyers.
KNOWN = [
    ("2010-12", 1559, Decimal("823746.14"), 528.38, 885),
    ("2011-01", 1086, Decimal("691364.56"), 636.62, 741),
    ("2011-02", 1100, Decimal("523631.89"), 476.03, 758),
]


@pytest.mark.skipif(not DATA.exists(), reason="the real data folder is not beside the checkout")
def test_online_retail(tmp_path: Path) -> None:
    home = tmp_path / "home"
    target = home / "data/inbox/retail"
    target.mkdir(parents=True)
    shutil.copyfile(ROOT / "examples/online_retail/shop.yml", home / "shop.yml")
    for file in DATA.glob("*.csv.gz"):
        shutil.copyfile(file, target / file.name)
    done = shop.kpi(home, "run", "--date", "2011-02-28")
    assert done.returncode == 0, done.stderr[-4000:]
    assert shop.query(
        home,
        "select sum(rows_read), sum(rows_quarantined), sum(rows_duplicate)"
        " from quality.ingest_files",
    ) == [(105_335, 0, 0)]
    rows = shop.query(
        home,
        """
        select strftime(business_date, '%Y-%m') as month, count(*), sum(paid_amount),
            round(sum(paid_amount)::double / count(*), 2), count(distinct customer_key)
        from marts.fct_orders where is_paid group by month order by month""",
    )
    assert rows == KNOWN
    daily = shop.query(
        home,
        """
        select strftime(business_date, '%Y-%m') as month, sum(orders)::bigint, sum(gmv)
        from marts.fct_gmv_daily where dimension = 'all' group by month order by month""",
    )
    assert daily == [row[:3] for row in KNOWN]
    # No traffic feed: unknown, not zero conversion.
    assert shop.query(
        home,
        "select distinct visitors, conversion_rate, tracked_buyers from marts.fct_gmv_daily",
    ) == [(0, None, 0)]
    quality = (home / "data/site/quality.html").read_text()
    overview = (home / "data/site/index.html").read_text()
    assert "not configured" in overview + quality and "未配置" in overview + quality
