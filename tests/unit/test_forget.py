"""`kpi forget`: gone from every store, totals as they were, met again at a re-delivery."""

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.cli.forget import forget_person
from orchestration.config.settings import Settings, load
from orchestration.erasure import forget as forget_module
from orchestration.erasure.erase import Request
from orchestration.erasure.forget import forget, resume
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State
from tests.support import erasure
from tests.support.erasure import ANN, BOB, found_in, pseudonym
from tests.support.exports import HEADER, order

KEYS = {"customer_key", "visitor_key", "email_key", "phone_key", "session_id"}
MADE = {"event_id", "_row_key", "_unit_key"}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with Ann and Bob in it. Do not change it."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("erasure") / "home"
        patch.setenv("KPI_HOME", str(home))
        patch.delenv("KPI_CONFIG", raising=False)
        erasure.make_home(home)
    return home


@pytest.fixture
def home(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to work on."""
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KPI_CONFIG", raising=False)
    return erasure.copy_home(original, tmp_path / "home")


def opened() -> tuple[Settings, State]:
    configured = load()
    return configured, State(configured.paths.state)


def forgotten(identifier: str = ANN, **options: Any) -> dict[str, Any]:
    return forget(*opened(), Request(identifier, **options))


def anns_traces() -> set[str]:
    """Ann's pseudonyms, and what made-up event ids hold of them."""
    return {text for key in erasure.anns_pseudonyms() for text in (key, key[:12])}


def tables(file: Path) -> dict[str, pl.DataFrame]:
    with duckdb.connect(str(file.resolve()), read_only=True) as con:
        names = con.execute("select schema_name || '.' || table_name from duckdb_tables()")
        return {name: con.sql(f"from {name}").pl() for (name,) in names.fetchall()}


def landed(data: Path) -> dict[str, pl.DataFrame]:
    return {
        file.relative_to(data).as_posix(): pl.read_parquet(file, hive_partitioning=False)
        for file in sorted(data.glob("landing/*/*/*.parquet"))
    }


def assert_only_keys_moved(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> None:
    """Same tables, rows, order and cells; keys renamed one to one, and only Ann's."""
    assert before.keys() == after.keys()
    names: dict[str, str] = {}
    for table, old in before.items():
        new = after[table]
        others = [name for name in old.columns if name not in KEYS | MADE]
        assert_frame_equal(old.select(others), new.select(others))
        for name in KEYS & set(old.columns):
            for one, other in zip(old[name], new[name], strict=True):
                if one is not None:
                    assert names.setdefault(one, other) == other
                else:
                    assert other is None
    assert len(set(names.values())) == len(names)
    moved = {old for old, new in names.items() if old != new}
    assert erasure.anns_pseudonyms() & names.keys() <= moved
    bobs = {pseudonym(BOB), pseudonym("cookie-bob", "visitor_id")}
    assert not moved & bobs


def test_the_search_finds_what_is_there(original: Path) -> None:
    """Otherwise the tests below would prove nothing."""
    run = "published/marts_20260602T000000000001.duckdb"
    expected = {
        "published/marts_20260601T000000000001.duckdb", run, "build/good.duckdb",
        "published/site_20260601T000000000001/en/customers.html",
        "published/site_20260602T000000000001/en/customers.html",
        "export/marts.fct_sessions.csv", "export/marts.fct_sessions.parquet",
        "logs/error_1.log", "dagster/events.db",
    }  # fmt: skip
    found = found_in(original / "data", anns_traces())
    assert {file for file in found if not file.startswith("landing/")} == expected
    assert {file.split("/")[1] for file in found if file.startswith("landing/")} == {
        "orders", "events", "customers",
    }  # fmt: skip


def test_nothing_is_left_and_nothing_else_moves(home: Path, original: Path) -> None:
    data = home / "data"
    before = {file.stem[:26]: tables(file) for file in data.glob("published/marts_*.duckdb")}
    rows = landed(data)
    reader = duckdb.connect(str((data / "published/current.duckdb").resolve()), read_only=True)
    proof = forgotten()
    assert found_in(data, anns_traces()) == set()
    assert_only_keys_moved(rows, landed(data))
    after = {file.stem[:26]: tables(file) for file in data.glob("published/marts_*.duckdb")}
    assert before.keys() == after.keys()
    for run_id, published in before.items():
        assert_only_keys_moved(published, after[run_id])
    # Who had the old generation open can still read it; pages and names follow the new one.
    assert reader.execute("select count(*) from marts.fct_orders").fetchone() == (4,)
    reader.close()
    current = warehouse.current_generation(load().paths)
    assert current == "20260602T000000000001_1"
    assert State(data / "state").get("finished_run") == current
    assert (data / "site").resolve().name == f"site_{current}"
    page = (data / "site/en/customers.html").read_text()
    assert pseudonym(BOB) in page and len(page) == len(
        (original / "data/site/en/customers.html").read_text()
    )
    assert not (data / "build/good.duckdb").exists()
    assert proof["pseudonyms_replaced"] == {
        "customer_key": 1, "email_key": 1, "phone_key": 1, "visitor_key": 2,
    }  # fmt: skip
    assert all(store["hits_after"] == 0 for store in proof["stores"])
    counted = {store["store"]: store["hits_before"] for store in proof["stores"]}
    # Orders 1 and 3; of the events 4 rows with visitor and id, 2 with a customer; of the member row
    # 3 pseudonyms. Row keys that one of these tells are not written.
    assert counted["landing"] == 2 + 4 * 2 + 2 + 3
    assert counted["pages"] == 2


def test_comments_and_storage_version_of_a_generation_stay(home: Path) -> None:
    forgotten()
    file = (home / "data/published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        [(table,)] = con.execute(
            "select comment from duckdb_tables() where table_name = 'fct_orders'"
        ).fetchall()
        [(column,)] = con.execute(
            "select comment from duckdb_columns() where column_name = 'lines'"
        ).fetchall()
        tags = str(con.execute("select tags from duckdb_databases() where not internal").fetchall())
    assert (table, column) == ("One row per order.", "It's a list.")
    assert "v1.2" in tags
    assert not list(file.parent.glob("*.wal"))


def test_the_proof_names_nobody(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("orders_1.csv", "orders_2.csv"):
        (home / f"data/inbox/{file}").rename(home / f"data/inbox/orders_{ANN}_{file}")
    forget_person(Request(ANN))
    [file] = (home / "data/state/erasures").glob("*")
    assert file.suffix == ".json"
    assert file.stat().st_mode & 0o077 == 0
    told = file.read_text() + "".join(capsys.readouterr())
    assert ANN not in told and "ann@mail" not in told and "***" in told
    new = {key for frame in landed(home / "data").values() for key in _keys(frame)}
    assert not any(key in told for key in erasure.anns_pseudonyms() | new)


def _keys(frame: pl.DataFrame) -> set[str]:
    names = KEYS & set(frame.columns)
    return {key for name in names for key in frame[name].drop_nulls().to_list()}


def test_the_identifier_may_come_from_standard_input(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read, write = os.pipe()
    os.write(write, f"{ANN}\n".encode())
    os.close(write)
    monkeypatch.setattr(console, "as_json", True)
    with os.fdopen(read) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        forget_person(Request("-"))
    assert json.loads(capsys.readouterr().out)["tombstones"] >= 5
    assert found_in(home / "data", anns_traces()) == set()


def test_a_redelivery_meets_the_tombstone(home: Path) -> None:
    forgotten()
    before = landed(home / "data")
    [replacement] = {
        key for file, frame in before.items() if "/orders/" in file
        for key in frame.filter(pl.col("order_id") == "1")["customer_key"]
    }  # fmt: skip
    configured, state = opened()
    inbox = configured.paths.inbox
    (inbox / "orders_4.csv").write_text(HEADER + order(1, "11.00", buyer=f" {ANN.upper()}"))
    (inbox / "members_20260701000000.csv").write_text(erasure.MEMBERS + f"{ANN}9,,\n")
    assert land_new_files(configured, state)["files_landed"] == 2
    assert found_in(home / "data", anns_traces()) == set()
    after = landed(home / "data")
    [new] = [after[file] for file in after.keys() - before.keys() if "/orders/" in file]
    assert new["customer_key"].to_list() == [replacement]
    members = pl.concat(
        [frame for file, frame in after.items() if "/customers/" in file], how="vertical"
    )
    # Ann's two deliveries are still one customer with one mail; the third member is nobody else.
    assert members["customer_key"].n_unique() == 3
    assert members["email_key"].drop_nulls().n_unique() == 2


def test_whoever_is_not_known_changes_nothing(home: Path) -> None:
    def content() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in (home / "data").rglob("*") if file.is_file()}

    before = content()
    with pytest.raises(KpiError, match="nothing is held under this identifier") as refused:
        forgotten("nobody@example.com")
    assert refused.value.code == ExitCode.USAGE
    assert "nobody" not in str(refused.value)
    assert content() == before


def test_an_unknown_person_may_get_a_tombstone_for_what_comes(home: Path) -> None:
    proof = forgotten("carol@example.com", anyway=True)
    assert proof["pseudonyms_replaced"] == {}
    assert not proof["build_dropped"] or not (home / "data/build/good.duckdb").exists()
    configured, state = opened()
    (configured.paths.inbox / "orders_5.csv").write_text(
        HEADER + order(7, buyer="carol@example.com") + order(8, buyer="dan@example.com")
    )
    land_new_files(configured, state)
    assert found_in(home / "data", {pseudonym("carol@example.com")}) == set()
    assert found_in(home / "data", {pseudonym("dan@example.com")})


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"x" * 5000, mtime=0)[:20], b"PK\x03\x04 no archive", b"PAR1 no table"],
    ids=["gzip", "zip", "parquet"],
)
def test_a_damaged_export_is_told_of_and_does_not_end_an_erasure(
    home: Path, content: bytes
) -> None:
    (home / "data/inbox/broken.bin").write_bytes(content)
    told = {one["file"]: one["why"] for one in forgotten()["inbox"]}
    assert told["broken.bin"] == "it is damaged and cannot be searched, and it is not landed"


def test_a_second_erasure_finds_nothing_to_do(home: Path) -> None:
    assert forgotten()["erasure"]
    graves = State(home / "data/state").tombstones()
    assert forgotten() == {"erasure": "", "erased_before": True}
    assert State(home / "data/state").tombstones() == graves


@pytest.mark.parametrize(
    ("identifier", "options", "replaced"),
    [
        ("ann@mail.example", {}, {"customer_key": 1, "email_key": 1, "phone_key": 1,
                                  "visitor_key": 2}),
        ("13800000001", {"column": "phone"}, {"customer_key": 1, "email_key": 1, "phone_key": 1,
                                              "visitor_key": 2}),
        ("cookie-ann-2", {"column": "visitor_id", "source": "shop"}, {"visitor_key": 1}),
    ],
)  # fmt: skip
def test_a_person_is_found_by_any_identifier_but_a_device_is_only_itself(
    home: Path, identifier: str, options: dict[str, str], replaced: dict[str, int]
) -> None:
    assert forgotten(identifier, **options)["pseudonyms_replaced"] == replaced


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": "customer"}, "Did you mean customer_id"),
        ({"source": "shopp"}, "Did you mean shop"),
        ({"column": "email"}, "nothing is held under this identifier as email"),
    ],
)
def test_what_restricts_the_search_is_checked(
    home: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises(KpiError, match=message):
        forgotten(**options)
    with pytest.raises(KpiError, match="names nobody"):
        forgotten(" Guest ")
    with pytest.raises(KpiError, match="no identifier"):
        forgotten("  ")


def test_landed_exports_are_listed_or_deleted_and_others_stay(home: Path) -> None:
    inbox = home / "data/inbox"
    (inbox / "orders_new.csv").write_text(HEADER + order(20, buyer=ANN))
    (inbox / "letter.txt").write_bytes(f"Dear {ANN},".encode("utf-16-le"))
    (inbox / "other.txt").write_text(f"x{ANN}y is a longer word")
    listed = {entry["file"]: entry for entry in forgotten()["inbox"]}
    assert listed.keys() == {
        "orders_1.csv", "orders_2.csv", "events_1.csv.gz", "members_20260601000000.csv",
        "orders_new.csv", "letter.txt",
    }  # fmt: skip
    assert {entry["action"] for entry in listed.values()} == {"listed"}
    assert listed["orders_new.csv"]["why"] == "the identifier stands in it, and it is not landed"


def test_exports_are_deleted_on_demand(home: Path) -> None:
    inbox = home / "data/inbox"
    (inbox / "orders_new.csv").write_text(HEADER + order(20, buyer=ANN))
    proof = forgotten(delete_inbox=True)
    assert {file.name for file in inbox.iterdir()} == {"orders_3.csv", "orders_new.csv"}
    assert [line.split(":")[0] for line in proof["to_do"]] == ["orders_new.csv"]


# Killed on its way ----------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Lets the n-th file that takes its place, or is deleted, be the last thing that happens."""
    real = {name: getattr(Path, name) for name in ("replace", "rename", "unlink")}
    left = [10**9]

    def at(count: int) -> None:
        left[0] = count

    def counting(name: str) -> Callable[..., Any]:
        def call(self: Path, *arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real[name](self, *arguments, **options)

        return call

    for name in real:
        monkeypatch.setattr(Path, name, counting(name))
    yield at
    left[0] = 10**9


def killed_at(home: Path, dying: Callable[[int], None], count: int) -> bool:
    """Let an erasure die at its n-th change of a file; False if it got through."""
    dying(count)
    try:
        forgotten()
    except Killed:
        return True
    finally:
        dying(10**9)
    return False


def check_finished(home: Path, original: Path) -> None:
    assert found_in(home / "data", anns_traces()) == set()
    assert_only_keys_moved(landed(original / "data"), landed(home / "data"))
    current = home / "data/published/current.duckdb"
    assert_only_keys_moved(tables(original / "data/published/current.duckdb"), tables(current))
    assert (home / "data/site/index.html").exists()
    assert list((home / "data/state/erasures").glob(".*")) == []


@pytest.mark.parametrize("count", [1, 14, 28])
def test_a_killed_erasure_is_finished_by_the_next(
    home: Path, original: Path, dying: Callable[[int], None], count: int
) -> None:
    assert killed_at(home, dying, count)
    proof = forgotten()
    assert all(store["hits_after"] == 0 for store in proof["stores"])
    check_finished(home, original)


def test_a_killed_erasure_is_finished_by_the_next_run(
    home: Path, original: Path, dying: Callable[[int], None]
) -> None:
    assert killed_at(home, dying, 18)
    assert resume(*opened()) is not None
    check_finished(home, original)
    assert resume(*opened()) is None


@pytest.mark.long
def test_an_erasure_may_be_killed_anywhere(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dying: Callable[[int], None]
) -> None:
    count = 0
    while True:
        home = erasure.copy_home(original, tmp_path / f"home{count}")
        monkeypatch.setenv("KPI_HOME", str(home))
        died = killed_at(home, dying, count)
        forgotten()
        check_finished(home, original)
        if not died:
            break
        count += 1
    assert count > 20


def test_what_a_failing_step_says_quotes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise ValueError(f"could not convert {ANN}")

    monkeypatch.setattr(forget_module, "STEPS", [failing])
    with pytest.raises(KpiError, match="stopped half-way") as refused:
        forgotten()
    assert ANN not in str(refused.value)
    assert refused.value.__cause__ is None


def delivered(home: Path, name: str, text: str) -> None:
    (home / "data/inbox" / name).write_bytes(
        gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    )
    land_new_files(*opened())


def is_held(home: Path, key: str) -> bool:
    return any(key in _keys(frame) for frame in landed(home / "data").values())


EVE, PHONE = "eve@example.com", "13800000001"
HOUSEHOLD = f"number,mail,mobile\n{EVE},eve@mail.example,{PHONE}\n"


def test_who_shares_a_phone_stays_and_is_told_of(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "as_json", False)
    delivered(home, "members_20260602000000.csv", HOUSEHOLD)
    forget_person(Request(ANN))
    told = "".join(capsys.readouterr())
    assert f"not erased: customer {pseudonym(EVE)} has the same phone" in told
    assert is_held(home, pseudonym(EVE)) and is_held(home, pseudonym("eve@mail.example", "email"))
    assert found_in(home / "data", anns_traces()) == set()


def test_who_shares_a_phone_goes_along_if_asked(home: Path) -> None:
    delivered(home, "members_20260602000000.csv", HOUSEHOLD)
    proof = forgotten(with_shared=True)
    assert proof["shared_with"] == [] and not is_held(home, pseudonym(EVE))


def test_a_phone_of_two_names_nobody(home: Path) -> None:
    delivered(home, "members_20260602000000.csv", HOUSEHOLD)
    before = landed(home / "data")
    with pytest.raises(KpiError, match="2 customers have this phone"):
        forgotten(PHONE)
    assert all(frame.equals(before[name]) for name, frame in landed(home / "data").items())
    forgotten(PHONE, with_shared=True)
    assert not is_held(home, pseudonym(EVE)) and not is_held(home, pseudonym(ANN))


def test_a_mail_is_one_persons_however_many_accounts(home: Path) -> None:
    again = "number,mail,mobile\n4711,ann@mail.example,\n"
    delivered(home, "members_20260602000000.csv", again)
    forgotten("ann@mail.example")
    assert not is_held(home, pseudonym("4711")) and not is_held(home, pseudonym(ANN))
    assert is_held(home, pseudonym(BOB))


def test_the_user_who_bought_goes_along(home: Path) -> None:
    """u1 paid for two orders of Ann's and one of Bob's; u2 for one of each: nobody's."""
    buys = [("u1", 1), ("u1", 3), ("u1", 2), ("u2", 1), ("u2", 2)]
    rows = [f"2026-05-03 09:00:00,shared,{user},purchase,{one}" for user, one in buys]
    rows += ["2026-05-04 09:00:00,phone-of-ann,u1,home,"]
    delivered(home, "events_2.csv.gz", "\n".join(["at,visitor,member,type,order", *rows]) + "\n")
    forgotten()
    assert not is_held(home, pseudonym("u1"))
    assert not is_held(home, pseudonym("phone-of-ann", "visitor_id"))
    assert is_held(home, pseudonym("u2")) and is_held(home, pseudonym(BOB))


def test_a_user_leads_to_the_customer(home: Path) -> None:
    text = "at,visitor,member,type,order\n2026-05-03 09:00:00,c9,u1,purchase,1\n"
    delivered(home, "events_2.csv.gz", text)
    forgotten("u1", column="customer_id")
    assert not is_held(home, pseudonym("u1")) and not is_held(home, pseudonym(ANN))
    assert is_held(home, pseudonym(BOB))
