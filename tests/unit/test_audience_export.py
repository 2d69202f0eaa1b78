"""Whose address leaves the house, and in which form."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from ingestion.rows.pseudonymise import pseudonyms
from orchestration.cli.console import console
from orchestration.cli.main import app
from tests.support.contracts import fake

KEY = "k" * 32
SHOP = """
shop: {name: Shop, currency: CNY, timezone: Asia/Shanghai}
privacy: {key: "env:KPI_TEST_KEY"}
sources:
  shop:
    platform: site
    shop_id: site
    timezone: Asia/Shanghai
    currency: CNY
    files: [{path: "orders_*.csv", format: plain_orders}]
"""
LIST = """customer_id,email,phone,consent
1001, Ann@Example.com ,+86 139-0000-0001,yes
1002,bob@example.com,,no
1003,cyd@example.com,,
1004,dan@example.com,0086 13900000004,TRUE
1004,dan@example.com,,no
1005,not a mail,13900000005,yes
1006,fay@example.com,13900000006,是
2001,else@example.com,,yes
"""


def kpi(home: Path, *arguments: str) -> Result:
    console.as_json = False
    return CliRunner().invoke(app, ["--home", str(home), *arguments])


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop with an audience of the customers 1001 to 1007."""
    monkeypatch.setenv("KPI_TEST_KEY", KEY)
    (tmp_path / "shop.yml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "contacts.csv").write_text(LIST, encoding="utf-8")
    file = tmp_path / "data/published/current.duckdb"
    file.parent.mkdir(parents=True)
    keys = pseudonyms(pl.Series([str(n) for n in range(1001, 1008)]), KEY.encode(), "shop")
    rows = [{"audience": "win_back", "customer_key": key} for key in keys]
    with duckdb.connect(str(file)) as con:
        con.execute("create schema insights")
        for name, told in (("audiences", rows), ("audience_sizes", [{"audience": "win_back"}])):
            frame = fake(f"insights.{name}", told)
            con.execute(f"create table insights.{name} as from frame")
            assert frame.height
    return tmp_path


def export(home: Path, *more: str) -> dict[str, int]:
    done = kpi(home, "--json", "export", "audience", "--table", "win_back",
               "--contacts", str(home / "contacts.csv"), *more)  # fmt: skip
    assert done.exit_code == 0, done.output
    told: dict[str, int] = json.loads(done.stdout)
    return told


def test_only_who_consents_is_written_and_all_others_are_counted(home: Path) -> None:
    told = export(home, "--source", "shop")
    wanted = {"members": 7, "not_listed": 1, "consent_unknown": 1, "no_consent": 2,
              "without_address": 1, "written": 2}  # fmt: skip
    assert {name: told[name] for name in wanted} == wanted
    file = home / "data/export/audience.win_back.csv"
    assert pl.read_csv(file).rows() == sorted(
        [(sha("ann@example.com"), sha("+8613900000001")), (sha("fay@example.com"), None)]
    )
    assert file.stat().st_mode & 0o077 == 0
    # a number without the code of its country is nobody's for sure
    assert sha("13900000006") not in file.read_text()
    assert "example.com" not in file.read_text()


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (["--source", "shp"], "Did you mean shop?"),
        (["--source", "shop", "--table", "winback"], "Did you mean win_back?"),
        (["--source", "shop", "--contacts", "none.csv"], "Give a CSV file"),
        (["--source", "shop", "--contacts", "shop.yml"], "Name the columns"),
    ],
)
def test_what_is_wrong_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, change: list[str], hint: str
) -> None:
    monkeypatch.chdir(home)
    usual = ["--table", "win_back", "--contacts", "contacts.csv"]
    done = kpi(home, "export", "audience", *usual, *change)
    assert done.exit_code == 2 and hint in done.stderr
    assert "example.com" not in done.output
