"""Landing a large file of orders takes memory for its blocks, not for its rows."""

import subprocess
import sys
from pathlib import Path

import polars as pl

ROWS = 1_000_000
LIMIT = 550  # MiB; the libraries alone take 200
# A process of its own, because the peak of memory is one of a process and never falls.
LAND = """
import sys
from pathlib import Path
import ingestion.landing.land as landing, ingestion.landing.stream, ingestion.reading.preflight
from ingestion.mapping.sources import parse_sources
from tests.support.exports import KEY, LINES, SHOP

root, way = Path(sys.argv[1]), sys.argv[2]
for module in (ingestion.landing.stream, ingestion.reading.preflight):
    module.BLOCK = 2 << 20
if way == "whole":
    landing.is_by_order = lambda form: False
files = [{"path": "*", "format": LINES}]
source = parse_sources({"shop": {**SHOP, "files": files}})["shop"]
landed = landing.land_file(
    root / "lines.csv", inbox=root, landing=root / way, quarantine=root / "bad", source=source,
    files=source.files[0], key=KEY, reporting_currency="CNY",
)
status = Path("/proc/self/status").read_text().split()
print(landed.feeds["orders"], landed.feeds["order_items"], status[status.index("VmHWM:") + 1])
"""


def landed(root: Path, way: str) -> tuple[int, int, float]:
    """Land the file; return orders, lines, and the peak of memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", LAND, str(root), way], capture_output=True, text=True, check=True
    )
    orders, lines, peak = done.stdout.split()
    return int(orders), int(lines), int(peak) / 1024


def test_orders_land_in_memory_that_does_not_grow_with_the_file(tmp_path: Path) -> None:
    number = pl.int_range(ROWS, eager=True)
    pl.DataFrame({"n": number}).select(
        order_id=pl.format("2026-{}", pl.col("n") // 2),
        sku=pl.format("SKU-{}", pl.col("n") * 7919 % 5000),
        qty=pl.col("n") % 3 + 1,
        price=pl.format("{}.50", pl.col("n") % 90 + 10),
        at=pl.lit("2026-05-01 10:00:00"),
        total=pl.lit("100.00"),
    ).write_csv(tmp_path / "lines.csv")
    orders, lines, peak = landed(tmp_path, "stretches")
    assert (orders, lines) == (ROWS // 2, ROWS)
    assert peak < LIMIT
    # Held as a whole, as all files of orders once were, it takes more than that.
    *rows, whole = landed(tmp_path, "whole")
    assert rows == [orders, lines]
    assert whole > LIMIT
