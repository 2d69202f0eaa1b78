"""A small data folder in which two people stand in every kind of store, and a search of its own."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import shutil
import sqlite3
from pathlib import Path

import duckdb
import polars as pl

from orchestration.build import warehouse
from orchestration.config import settings
from orchestration.config.settings import Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State
from tests.support.exports import HEADER, order, shop_file

KEY = b"5eed" * 16
ANN, BOB = "ann@example.com", "bob@example.com"
SHOP_FILE = shop_file(
    {
        "path": "events_*.csv.gz",
        "format": {
            "read": {"header": ["at", "visitor", "member", "type", "order"]},
            "personal": ["visitor", "member"],
            "feeds": {"events": {"columns": {
                "occurred_at": "at", "visitor_id": "visitor", "customer_id": "member",
                "event_type": "type", "order_id": "order"}}},
        },
    },
    {
        "path": "members_*.csv",
        "format": {
            "read": {"header": ["number", "mail", "mobile"]},
            "exported_at": {"file_name": r"_(\d{14})\.csv"},
            "personal": ["number", "mail", "mobile"],
            "feeds": {"customers": {"columns": {
                "customer_id": "number", "email": "mail", "phone": "mobile"}}},
        },
    },
    timezone="UTC",
)  # fmt: skip
EVENTS = f"""\
at,visitor,member,type,order
2026-05-01 09:00:00,cookie-ann-1,,home,
2026-05-01 09:05:00,cookie-ann-1,,purchase,1
2026-05-02 09:00:00,cookie-ann-2,{ANN},home,
2026-05-02 09:00:00,cookie-ann-2,{ANN},home,
2026-05-02 09:00:00,cookie-bob,{BOB},home,
"""
MEMBERS = f"number,mail,mobile\n{ANN},ann@mail.example,13800000001\n{BOB},bob@mail.example,\n"


def pseudonym(identifier: str, column: str = "customer_id", source: str = "shop") -> str:
    """A pseudonym as the standard library makes it."""
    space = source if column == "customer_id" else f"{column}\x1f{source}"
    message = f"{space}\x1f{identifier}".encode()
    return hmac.new(KEY, message, hashlib.sha256).hexdigest()[:32]


def anns_pseudonyms() -> set[str]:
    """All of Ann: customer, mail, phone and the two cookies, one known by her order only."""
    return {
        pseudonym(ANN),
        pseudonym("ann@mail.example", "email"),
        pseudonym("13800000001", "phone"),
        pseudonym("cookie-ann-1", "visitor_id"),
        pseudonym("cookie-ann-2", "visitor_id"),
    }


def make_home(home: Path) -> tuple[Settings, State]:
    """A data folder with landed batches, two generations with pages, exports, logs, databases."""
    (home / "data/state").mkdir(parents=True)
    key = home / "data/state/pseudonym.key"
    key.touch(mode=0o600)
    key.write_bytes(KEY)
    (home / "shop.yml").write_text(SHOP_FILE)
    configured = settings.load()
    paths = configured.paths
    paths.make()
    rows = order(1, "10.00", buyer=ANN) + order(2, "5.00", buyer=BOB)
    (paths.inbox / "orders_1.csv").write_text(HEADER + rows)
    bad = order(4, status="no such status", buyer=ANN)
    (paths.inbox / "orders_2.csv").write_text(HEADER + order(3, "7.50", buyer=ANN) + bad)
    (paths.inbox / "orders_3.csv").write_text(HEADER + order(9, "1.00", buyer=BOB))
    (paths.inbox / "events_1.csv.gz").write_bytes(gzip.compress(EVENTS.encode()))
    (paths.inbox / "members_20260601000000.csv").write_text(MEMBERS)
    state = State(paths.state)
    counts = land_new_files(configured, state)
    assert (counts["files_landed"], counts["rows_quarantined"]) == (5, 1)
    for run_id in ("20260601T000000000001", "20260602T000000000001"):
        _publish(configured, run_id)
    state.set("finished_run", "20260602T000000000001")
    _leave_traces(home / "data")
    return configured, state


def _publish(configured: Settings, run_id: str) -> None:
    paths = configured.paths
    with warehouse.connect(paths.working_build) as con:
        for schema in warehouse.PUBLISHED_SCHEMAS:
            con.execute(f"create schema if not exists {schema}")
        con.execute(
            "create table marts.fct_sessions as select md5(platform || '|' || shop_id || '|' ||"
            " visitor_key || '|' || cast(min(occurred_at) as varchar)) as session_id, visitor_key,"
            " max(customer_key) as customer_key, platform, shop_id, min(occurred_at) as started_at,"
            f" count(*) as events from '{paths.landing}/events/*/*.parquet'"
            " group by platform, shop_id, visitor_key, cast(occurred_at as date) order by all"
        )
        con.execute(
            "create table marts.fct_orders as select o.order_id, o.customer_key, o.order_amount,"
            " s.session_id, o.ordered_at, [o.order_id] as lines"
            f" from '{paths.landing}/orders/*/*.parquet' as o"
            f" left join '{paths.landing}/events/*/*.parquet' as e using (order_id)"
            " left join marts.fct_sessions as s on s.visitor_key = e.visitor_key order by order_id"
        )
        con.execute(
            "create table marts.fct_gmv_daily as select ordered_at::date as business_date,"
            " sum(order_amount) as gmv, count(distinct customer_key) as buyers"
            " from marts.fct_orders group by all"
        )
        con.execute(f"create table quality.run as select '{run_id}' as run_id")
    told = {"marts.fct_orders": "One row per order.", "marts.fct_orders.lines": "It's a list."}
    file = warehouse.write_generation(paths, run_id, told)
    warehouse.promote_build(paths)
    warehouse.point(paths.current, file)
    pages = paths.published / f"site_{run_id}"
    (pages / "en").mkdir(parents=True)
    (pages / "index.html").write_text("<html>GMV</html>")
    (pages / "en/customers.html").write_text(f"<p>{pseudonym(ANN)}</p><p>{pseudonym(BOB)}</p>")
    warehouse.point(paths.site, pages)


def _leave_traces(data: Path) -> None:
    """What exports, logs and other programs may leave of a pseudonym."""
    (data / "export").mkdir()
    current = (data / "published/current.duckdb").resolve()
    with duckdb.connect(str(current), read_only=True) as con:
        sessions = con.sql("from marts.fct_sessions").pl()
    sessions.write_parquet(data / "export/marts.fct_sessions.parquet")
    sessions.write_csv(data / "export/marts.fct_sessions.csv")
    (data / "logs").mkdir(exist_ok=True)
    (data / "logs/error_1.log").write_text(f"no row for {pseudonym(ANN)}\n")
    (data / "dagster").mkdir()
    con = sqlite3.connect(data / "dagster/events.db")
    con.execute("create table event_logs (id integer primary key, event text, body blob)")
    con.execute(
        "insert into event_logs (event, body) values (?, ?), ('x', null)",
        (f'{{"key": "{pseudonym(ANN)}", "name": "张"}}', pseudonym(ANN).encode()),
    )
    con.commit()
    con.close()


def copy_home(home: Path, target: Path) -> Path:
    """A copy of a data folder."""
    return Path(shutil.copytree(home, target, symlinks=True))


def found_in(data: Path, words: set[str]) -> set[str]:
    """Files that hold one of the words in bytes or in cells of Parquet, DuckDB or SQLite.

    The inbox and the simulator's truth are left out. A search of its own, that shares nothing with
    the one under test. Bytes are searched for the words in UTF-8 and GB18030.
    """
    encoded = {w.encode(code).decode("latin-1") for w in words for code in ("utf8", "gb18030")}
    files, raw, cells = [], [], []
    for file in sorted(data.rglob("*")):
        left_out = {data / "inbox", data / "truth"} & set(file.parents)
        if file.is_file() and not file.is_symlink() and not left_out:
            files.append(file.relative_to(data).as_posix())
            raw.append(file.read_bytes().decode("latin-1"))
            cells.append(_cells(file))
    # All at once: making the automaton of many words takes longer than searching with it.
    held = _held(raw, encoded) | _held(cells, words)
    return set(pl.Series(files, dtype=pl.String).filter(held))


def _held(texts: list[str], words: set[str]) -> pl.Series:
    return pl.Series(texts, dtype=pl.String).str.contains_any(sorted(words))


def _cells(file: Path) -> str:
    with file.open("rb") as stream:
        head = stream.read(16)
    if head[:4] == b"PAR1":
        return pl.read_parquet(file, hive_partitioning=False).write_ndjson()
    if head[8:12] == b"DUCK":
        return _cells_of_duckdb(file)
    if head[:15] == b"SQLite format 3":
        con = sqlite3.connect(file)
        text = "".join(con.iterdump())
        con.close()
        return text
    return ""


def _cells_of_duckdb(file: Path) -> str:
    with duckdb.connect(str(file), read_only=True) as con:
        columns = con.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal"
            " and table_name in (select table_name from duckdb_tables())"
            " and (data_type = 'VARCHAR' or data_type like '%[]' or data_type like 'STRUCT%'"
            " or data_type like 'MAP%')"
        ).fetchall()
        texts = (
            con.execute(
                f'select string_agg(distinct "{column}"::varchar, chr(10))'
                f' from "{schema}"."{table}"'
            ).fetchall()
            for schema, table, column in columns
        )
        return "\n".join(str(rows[0][0]) for rows in texts)
