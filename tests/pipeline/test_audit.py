"""A failed audit: nothing moves, the pages say why, the code is 5, rejecting the batch mends it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.config import settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State
from tests.support import shop

HEADER = "refund_id,order_id,product_id,requested_at,refunded_at,amount,quantity,kind,reason,status"


def from_the_future(home: Path) -> Path:
    """A delivery that is well formed and impossible: order and export of the year 2030.

    A run sets rows of days to come aside at the edge, so it is landed as if by one that did not.
    """
    [template] = sorted((home / "data/inbox/shopify").glob("orders_export_20261010_*"))
    lines = template.read_text().splitlines()
    first = next(line for line in lines[1:] if ",paid," in line)
    number = first.partition(",")[0]
    bad = "\n".join(
        [lines[0], re.sub(r"20\d\d-\d\d-\d\d", "2030-01-01", first.replace(number, "#999999"))]
    )
    file = template.with_name("orders_export_20261010_20300102030000.csv")
    file.write_text(bad + "\n")
    configured = settings.load()
    assert land_new_files(configured, State(configured.paths.state))["files_landed"] == 1
    return file


def test_a_failed_audit_leaves_the_old_generation_serving(
    copy_home: Callable[[str], Path], finished_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_home("audit")
    monkeypatch.setenv("KPI_HOME", str(home))
    file = from_the_future(home)
    served = (home / "data/published/current.duckdb").resolve().name
    done = shop.kpi(home, "run", "--date", str(shop.LAST_DAY))
    assert done.returncode == 5, done.stderr[-3000:]
    assert "nothing was published" in done.stderr
    assert (home / "data/published/current.duckdb").resolve().name == served
    assert shop.different(home, finished_home) == []
    status = (home / "data/site/assets/status.js").read_text()
    assert '"failed"' in status
    assert list((home / "data/outbox").glob("run-*.txt"))
    assert not (home / "data/build/working.duckdb").exists()

    import sqlite3

    with sqlite3.connect(home / "data/state/state.sqlite") as con:
        [(batch,)] = con.execute(
            "select batch_id from files where source_file like ?", [f"%{file.name}"]
        ).fetchall()
    assert shop.kpi(home, "reject", batch).returncode == 0
    shop.run(home)
    assert shop.different(home, finished_home) == []
    assert '"failed"' not in (home / "data/site/assets/status.js").read_text()


@pytest.mark.long
def test_a_refused_file_is_told_and_the_rest_is_published(copy_home: Callable[[str], Path]) -> None:
    home = copy_home("refused")
    bad = home / "data/inbox/shopify/refunds_20261011_20261012020000.csv"
    bad.write_text("refund_id;order_id\n1;2\n")
    done = shop.kpi(home, "run", "--date", str(shop.LAST_DAY))
    assert done.returncode == 4, done.stderr[-3000:]
    assert bad.name in done.stderr
    [(status, message)] = shop.query(
        home,
        f"select status, message from quality.ingest_files where source_file like '%{bad.name}'",
    )
    assert status == "refused" and message


@pytest.mark.long
def test_rollback_serves_the_generation_before(copy_home: Callable[[str], Path]) -> None:
    home = copy_home("rollback")
    before = (home / "data/published/current.duckdb").resolve().name
    shop.run(home, shop.LAST_DAY, "--full")
    assert (home / "data/published/current.duckdb").resolve().name != before
    assert shop.kpi(home, "rollback").returncode == 0
    assert (home / "data/published/current.duckdb").resolve().name == before
    assert before[6:-7] in str((home / "data/site").resolve())
