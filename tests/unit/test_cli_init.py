"""`kpi init`, `kpi check`, `kpi doctor`: from a folder of exports to a checked configuration."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from ingestion.recognise import FILL_IN
from orchestration.cli.console import console
from orchestration.cli.main import app
from orchestration.config import settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State

Kpi = Callable[..., Result]
REFUNDS = (
    "refund_id,order_id,product_id,requested_at,refunded_at,amount,quantity,kind,reason,status"
)
GOOD = "R1,O1,P1,2026-01-01 10:00:00,2026-01-02 10:00:00,5.00,1,return,late,succeeded"
ORDERS = """\
Order ID,Order Date,SKU,Qty,Unit Price,Order Status,Phone
1,2026-01-20 10:00:00,A,1,5.00,paid,13800000001
2,2026-01-21 10:00:00,B,2,6.50,paid,13900000002
"""
GIVEN = ("--currency", "EUR", "--timezone", "Europe/Berlin", "--platform", "web")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def kpi(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kpi]:
    monkeypatch.setenv("KPI_HOME", str(home))

    def run(*arguments: object) -> Result:
        console.as_json = False
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    yield run
    console.as_json = console.quiet = False


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "orders_2026.csv").write_text(ORDERS)
    return folder


def shop(home: Path, *files: dict[str, Any]) -> None:
    """A shop with one source of these files."""
    source = {"platform": "web", "shop_id": "s", "timezone": "UTC", "currency": "EUR"}
    home.mkdir(parents=True, exist_ok=True)
    content = {
        "shop": {"name": "S", "currency": "EUR", "timezone": "UTC"},
        "sources": {"web": {**source, "files": list(files)}},
    }
    (home / "shop.yml").write_text(yaml.safe_dump(content, sort_keys=False))


def deliver(home: Path, name: str, *rows: str) -> Path:
    path = home / "data/inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([REFUNDS, *rows]) + "\n")
    return path


def test_from_a_folder_to_landed_rows(kpi: Kpi, home: Path, exports: Path) -> None:
    done = kpi("init", "--from", exports, "--copy", *GIVEN)
    assert done.exit_code == 0, done.output
    assert (home / "data/inbox/exports/orders_2026.csv").read_text() == ORDERS
    assert kpi("doctor").exit_code == 0
    configured = settings.load()
    counts = land_new_files(configured, State(configured.paths.state))
    assert (counts["files_landed"], counts["rows_landed"]) == (1, 2)


def test_what_only_the_owner_knows_stops_everything_until_it_is_told(
    kpi: Kpi, home: Path, exports: Path
) -> None:
    done = kpi("init", "--from", exports, "--copy")
    assert done.exit_code == 0
    text = (home / "shop.yml").read_text()
    lines = [n for n, line in enumerate(text.splitlines(), 1) if f" {FILL_IN}" in line[:60]]
    lines = [n for n in lines if not text.splitlines()[n - 1].lstrip().startswith("#")]
    for command in ("doctor", "run"):
        refused = kpi(command)
        assert refused.exit_code == 3
        assert f"lines {', '.join(map(str, lines))}" in refused.stderr
    for line in lines:
        assert f"line {line}," in done.stdout
    # Answered line by line, it is accepted.
    filled = text
    for key, value in (("currency", "EUR"), ("timezone", "Europe/Berlin"), ("platform", "web")):
        filled = filled.replace(f"{key}: {FILL_IN}", f"{key}: {value}")
    (home / "shop.yml").write_text(filled)
    assert kpi("doctor").exit_code == 0


def test_a_shop_yml_is_never_overwritten(kpi: Kpi, home: Path, exports: Path) -> None:
    home.mkdir()
    (home / "shop.yml").write_text("mine: 1\n")
    first = kpi("init", "--from", exports, *GIVEN)
    second = kpi("init", "--from", exports, *GIVEN, "--out", home / "shop.yml")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (home / "shop.yml").read_text() == "mine: 1\n"
    assert "is left as it is" in first.stdout
    assert {p.name for p in home.glob("shop.*")} == {
        "shop.yml",
        "shop.proposed.yml",
        "shop.proposed.2.yml",
    }


def test_without_copy_it_says_where_the_files_belong(kpi: Kpi, home: Path, exports: Path) -> None:
    done = kpi("init", "--from", exports, *GIVEN)
    assert str(home / "data/inbox/exports") in done.stdout
    assert not (home / "data/inbox").exists()
    assert "exports/orders_*.csv" in (home / "shop.yml").read_text()


def test_init_as_json_is_one_document_without_people(kpi: Kpi, exports: Path) -> None:
    done = kpi("init", "--from", exports, "--json")
    told = json.loads(done.stdout)
    (source,) = told["sources"]
    assert source["files"][0]["feeds"] == ["orders", "order_items"]
    assert [q["key"] for q in told["questions"]][:2] == ["shop.currency", "shop.timezone"]
    assert "13800000001" not in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--currency", "euro"), "no currency"),
        (("--timezone", "Berlin"), "no time zone"),
    ],
)
def test_options_are_checked(kpi: Kpi, exports: Path, options: tuple[str, str], words: str) -> None:
    done = kpi("init", "--from", exports, *options)
    assert done.exit_code == 2 and words in done.stderr


def test_folders_that_are_none(kpi: Kpi, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert kpi("init", "--from", tmp_path / "absent").exit_code == 2
    assert kpi("init", "--from", tmp_path / "nothing").exit_code == 2


def test_check_tells_line_column_reason_and_what_to_do(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds", "max_bad_share": 0.9})
    rows = [GOOD, GOOD.replace("R1", "R2").replace("5.00", "five"), "R3,O3", GOOD]
    path = deliver(home, "r/refunds_20260105000000.csv", *rows)
    done = kpi("check", path, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 4
    fates = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
    assert [told[fate] for fate in fates] == [4, 1, 2, 1, 0]
    found = [(p["line_number"], p["column"], p["reason"], p["value"]) for p in told["problems"]]
    assert found == [(3, "amount", "not_readable", "five"), (4, "", "field_count", None)]
    assert all(problem["do_this"] for problem in told["problems"])
    assert told["first_at"].startswith("2026-01-02T10:00") or "2026-01-02 10:00" in told["first_at"]
    assert not (home / "data/landing").exists()


def test_check_of_a_clean_file_outside_the_inbox(kpi: Kpi, home: Path, tmp_path: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    path = tmp_path / "refunds_20260105000000.csv"
    path.write_text(f"{REFUNDS}\n{GOOD}\n")
    done = kpi("check", path)
    assert done.exit_code == 0
    assert "clean" in done.stdout and "1 would land" in done.stdout
    before = sorted(p.name for p in tmp_path.iterdir())
    assert kpi("check", path, "--format", "refunds").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_check_says_when_the_whole_file_would_be_refused(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    path = deliver(home, "r/refunds_20260105000000.csv", GOOD, GOOD.replace("5.00", "x"))
    assert "would be refused" in kpi("check", path).stdout
    path.write_text("a,b\n1,2\n")
    done = kpi("check", path)
    assert done.exit_code == 4 and "is missing" in done.stdout


def test_check_names_the_format_that_would_fit(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "other/*.csv", "format": "products"})
    path = deliver(home, "r/refunds_20260105000000.csv", GOOD)
    done = kpi("check", path)
    assert done.exit_code == 3 and "`refunds` fits" in done.stderr
    assert "Did you mean refunds?" in kpi("check", path, "--format", "refnds").stderr


def test_doctor_tells_new_files_from_known_ones_and_loads_nothing(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    deliver(home, "r/refunds_20260105000000.csv", GOOD)
    first = json.loads(kpi("doctor", "--json").stdout)
    (line,) = first["deliveries"]
    assert (line["files"], line["new"], line["rows"]) == (1, 1, 1)
    assert not list((home / "data/landing").rglob("*.parquet"))
    assert not (home / "data/state/pseudonym.key").exists()
    configured = settings.load()
    land_new_files(configured, State(configured.paths.state))
    deliver(home, "r/refunds_20260106000000.csv", GOOD.replace("R1", "R2"))
    (line,) = json.loads(kpi("doctor", "--json").stdout)["deliveries"]
    assert (line["files"], line["new"], line["rows"]) == (2, 1, 2)
    assert line["last"] == "r/refunds_20260106000000.csv"


def test_doctor_shows_how_the_shop_counts(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    with (home / "shop.yml").open("a") as file:
        file.write("metrics: {funnel: {steps: [search, purchase]}, sessions: {gap_minutes: 45}}\n")
    deliver(home, "r/refunds_20260105000000.csv", GOOD)
    told = kpi("doctor")
    assert told.exit_code == 0
    assert "metrics     funnel steps: search > purchase\n" in told.stdout
    assert "metrics     session gap minutes: 45\n" in told.stdout
    assert "metrics     attribution window days: 30\n" in told.stdout
    assert json.loads(kpi("doctor", "--json").stdout)["metrics"]["session_cap_hours"] == 24


def test_doctor_names_files_nothing_reads(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    deliver(home, "r/refunds_20260105000000.csv", GOOD)
    deliver(home, "elsewhere/refunds_20260105000000.csv", GOOD)
    done = kpi("doctor")
    assert done.exit_code == 3
    assert "elsewhere/refunds_20260105000000.csv: `refunds` fits" in done.stdout
    assert "1 file is read by no source" in done.stdout


def test_doctor_minds_the_key(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    deliver(home, "r/refunds_20260105000000.csv", GOOD)
    key = home / "data/state/pseudonym.key"
    key.parent.mkdir(parents=True)
    key.write_text("00" * 32)
    key.chmod(0o644)
    assert "chmod 600" in kpi("doctor").stdout
    key.chmod(0o600)
    assert kpi("doctor").exit_code == 0


def test_doctor_says_that_foreign_amounts_need_rates(kpi: Kpi, home: Path) -> None:
    shop(home, {"path": "r/refunds_*.csv", "format": "refunds"})
    deliver(home, "r/refunds_20260105000000.csv", GOOD)
    text = (home / "shop.yml").read_text().replace("currency: EUR", "currency: USD", 1)
    (home / "shop.yml").write_text(text)
    assert "without rates" in kpi("doctor").stdout
