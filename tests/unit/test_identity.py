"""A file of the inbox is one delivery for all: landing, retention, erasure and `kpi doctor`."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from orchestration.cli.console import console
from orchestration.cli.main import app
from orchestration.config import settings
from orchestration.erasure.erase import Request
from orchestration.erasure.plan import plan
from orchestration.ledger.identity import identify
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.retention import apply_retention
from orchestration.ledger.state import State
from tests.support.exports import SHOP

ANN = "ann@example.com"
ORDERS = f"o,at,who,v,c\n1,2026-05-04 10:00:00,{ANN},10.00,{{}}\n"
SHOP_FILE = {
    "shop": {"name": "S", "currency": "CNY", "timezone": "Asia/Shanghai"},
    "sources": {
        "bank": {**SHOP, "files": [{"path": "fx/*.csv", "format": {"feeds": {"fx_rates": {
            "columns": {"rate_date": "day", "currency": "code", "rate": "rate"}}}}}]},
        "shop": {**SHOP, "files": [{"path": "orders/*.csv", "format": {"personal": ["who"],
            "feeds": {"orders": {"columns": {
                "order_id": "o", "ordered_at": "at", "customer_id": "who", "order_amount": "v",
                "currency": "c"}, "constants": {"status": "paid"}}}}}]},
    },
    "privacy": {"inbox": "delete_after_landing"},
}  # fmt: skip
MANIFESTS = {
    "none": "",
    "rows": "file,rows\norders/a.csv,1\n",
    "export instant": "file,exported_at\norders/a.csv,2026-05-05 03:00:00\n",
}
Delivered = Callable[[str, str], Path]


@pytest.fixture
def delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivered:
    """Lands one file of orders under a manifest, in a currency; returns it."""
    monkeypatch.setenv("KPI_HOME", str(tmp_path))
    monkeypatch.delenv("KPI_CONFIG", raising=False)

    def deliver(manifest: str, currency: str) -> Path:
        (tmp_path / "shop.yml").write_text(yaml.safe_dump(SHOP_FILE))
        inbox = tmp_path / "data/inbox"
        for name, content in (
            ("fx/week.csv", "day,code,rate\n2026-05-04,USD,7.10\n"),
            ("orders/a.csv", ORDERS.format(currency)),
            ("manifest.csv", MANIFESTS[manifest]),
        ):
            if content:
                (inbox / name).parent.mkdir(parents=True, exist_ok=True)
                (inbox / name).write_text(content)
        configured = settings.load()
        configured.paths.make()
        assert land_new_files(configured, State(configured.paths.state))["files_landed"] == 2
        return inbox / "orders/a.csv"

    return deliver


@pytest.fixture(params=[(manifest, code) for manifest in MANIFESTS for code in ("CNY", "USD")])
def landed(request: pytest.FixtureRequest, delivered: Delivered) -> Path:
    return delivered(*request.param)


def opened() -> tuple[settings.Settings, State]:
    configured = settings.load()
    return configured, State(configured.paths.state)


def test_the_ledger_knows_what_landed(landed: Path) -> None:
    found = {item.path: item for item in identify(*opened())}
    record = found[landed].record
    assert record is not None
    assert (record["source_file"], record["status"]) == ("orders/a.csv", "landed")
    assert found[landed].batch_id == record["batch_id"]


def test_a_landed_file_is_deleted_where_the_shop_asked_for_it(landed: Path) -> None:
    assert apply_retention(*opened(), date(2026, 6, 30))["inbox_files"] == 2
    assert not landed.exists()


def test_a_landed_file_of_a_person_is_deleted_on_request(landed: Path) -> None:
    journal = plan(*opened(), Request(ANN, delete_inbox=True))
    assert journal is not None
    assert [(one["file"], one["why"], one["action"]) for one in journal.inbox] == [
        ("orders/a.csv", "its landed rows are the person's", "delete")
    ]


def doctor() -> dict[str, tuple[int, int, int]]:
    """Pattern -> files, new ones and refused ones, as `kpi doctor` says."""
    console.as_json = False
    try:
        told = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    finally:
        console.as_json = False
    counts = ("files", "new", "refused")
    return {one["path"]: tuple(one[count] for count in counts) for one in told["deliveries"]}


def test_doctor_takes_a_landed_file_for_a_known_one(landed: Path) -> None:
    assert doctor() == {"fx/*.csv": (1, 0, 0), "orders/*.csv": (1, 0, 0)}


def test_doctor_takes_a_refused_file_that_came_back_for_a_new_one(delivered: Delivered) -> None:
    broken = delivered("none", "CNY").with_name("broken.csv")
    for is_there, told in ((True, (2, 0, 1)), (False, (1, 0, 0))):
        broken.write_text("no,header\n") if is_there else broken.unlink()
        land_new_files(*opened())
        assert doctor()["orders/*.csv"] == told
    broken.write_text("no,header\n")
    assert doctor()["orders/*.csv"] == (2, 1, 0)


def test_a_refused_file_was_never_landed_however_often_it_is_mapped_anew(
    delivered: Delivered,
) -> None:
    broken = delivered("none", "CNY").with_name("broken.csv")
    broken.write_text(f"o,at,who\n1,2026-05-04 10:00:00,{ANN}\n")
    configured, state = opened()
    land_new_files(configured, state)
    refused = {file["source_file"]: file for file in state.files()}["orders/broken.csv"]
    state.supersede([refused["batch_id"]])
    journal = plan(configured, state, Request(ANN, delete_inbox=True))
    assert journal is not None
    assert {one["file"]: one["action"] for one in journal.inbox} == {
        "orders/a.csv": "delete",
        "orders/broken.csv": "listed",
    }
    assert apply_retention(configured, state, date(2026, 6, 30))["inbox_files"] == 2
    assert broken.exists()
