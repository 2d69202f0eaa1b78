"""A whole run: nothing of a person in clear, and a person can be taken out of all of it."""

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ingestion.landing.deliveries import match_files
from ingestion.mapping.sources import parse_sources
from orchestration.config.settings import load
from orchestration.run import open_run
from tests.support import shop
from tests.support.erasure import found_in

# Postcodes and the like are parts of other numbers by chance.
SHORTEST = 8
KEYS = ("customer_key", "visitor_key", "session_id")


def personal_values(home: Path) -> set[str]:
    """What the personal columns of the exports hold, read by column name and nothing else."""
    import yaml

    sources = parse_sources(yaml.safe_load((home / "shop.yml").read_text())["sources"])
    values: set[str] = set()
    for path, _, files in match_files(home / "data/inbox", sources):
        form = files.format
        frame = _table(path, form.read.encoding)
        for name in {column.split(".")[0] for column in form.personal} & set(frame.columns):
            if frame.schema[name] == pl.String:
                values |= set(frame[name].drop_nulls().unique())
    return {value.strip("=\"' \t") for value in values if len(value) >= SHORTEST}


def _table(path: Path, encoding: str) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if ".json" in path.name:
        return pl.read_ndjson(io.BytesIO(content), infer_schema_length=None)
    text = content.decode(encoding).encode()
    return pl.read_csv(text, infer_schema=False, truncate_ragged_lines=True)


def test_nothing_of_a_person_is_stored_in_clear(finished_home: Path, tmp_path: Path) -> None:
    values = personal_values(finished_home)
    assert len(values) > 5_000
    for what in ("@example.com", "Customer ", "Example Road", "收货人", "示例路", "nick_", "138"):
        assert any(what in value for value in values), what
    # The search finds a value in each kind of store it is planted in ...
    [name, *_] = sorted(value for value in values if "收货人" in value)
    (tmp_path / "trace.log").write_bytes(f"row of {name} is bad".encode("gb18030"))
    (tmp_path / "page.html").write_text(f"<td>{name}</td>", "utf-8")
    pl.DataFrame({"x": [f"to {name}"] * 500}).write_parquet(tmp_path / "rows.parquet")
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        con.execute("create table t as select i, [?] as names from range(5000) as r(i)", [name])
    (tmp_path / "innocent.txt").write_text("nobody")
    assert found_in(tmp_path, values) == {"trace.log", "page.html", "rows.parquet", "marts.duckdb"}
    # ... and in none of a run's.
    assert found_in(finished_home / "data", values) == set()


@pytest.fixture
def person(finished_home: Path) -> str:
    """A buyer of the site with several orders whose visits are known."""
    parts = [
        pl.read_csv(file, infer_schema=False).select("Name", "Email").drop_nulls()
        for file in (finished_home / "data/inbox/shopify").glob("orders_export_*.csv")
    ]
    counted = pl.concat(parts).group_by("Email").agg(n=pl.col("Name").n_unique())
    return str(counted.sort("n", "Email")["Email"][-1])


def cells(home: Path, *, keys: bool) -> dict[str, list[tuple[object, ...]]]:
    """Sorted rows of every published table, with or without the columns that tell people apart."""
    file = (home / "data/published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        names = con.execute(
            "select schema_name || '.' || table_name, list(column_name order by column_index)"
            " from duckdb_columns() where not internal group by all"
        ).fetchall()
        found = {}
        for table, columns in names:
            chosen = [c for c in columns if keys or c not in KEYS]
            listed = ", ".join(f'"{column}"' for column in chosen)
            found[table] = con.execute(f"select {listed} from {table} order by all").fetchall()
    return found


def test_a_forgotten_person_is_gone_and_every_total_stays(
    copy_home: Callable[[str], Path], person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copy_home("home")
    data = home / "data"
    assert shop.kpi(home, "export", "csv", "--table", "fct_sessions").returncode == 0
    file = (data / "published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        by_order = con.execute(
            "select o.customer_key, s.visitor_key, s.session_id from marts.fct_orders as o"
            " inner join marts.fct_sessions as s using (session_id)"
            " where o.customer_key = ?", [_pseudonym(home, person)],
        ).fetchall()  # fmt: skip
    assert by_order
    traces = {text for row in by_order for text in row} | {row[1][:12] + "." for row in by_order}
    assert len(found_in(data, traces)) > 3
    before = cells(home, keys=False)

    done = shop.kpi(home, "--json", "forget", person)
    assert done.returncode == 0, done.stderr
    assert person not in done.stdout + done.stderr
    proof = json.loads(done.stdout)
    assert all(store["hits_after"] == 0 for store in proof["stores"])
    assert proof["inbox"]
    assert found_in(data, traces) == set()
    assert found_in(data, {person}) == set()
    assert cells(home, keys=False) == before

    # Nothing to do for a run without news ...
    monkeypatch.setenv("KPI_HOME", str(home))
    monkeypatch.delenv("KPI_CONFIG", raising=False)
    with open_run(load(), as_of=shop.LAST_DAY) as run:
        assert run.is_unchanged
    # ... and one that has to build all anew meets the person again in an export of their own.
    erased = cells(home, keys=True)
    holding = [entry["file"] for entry in proof["inbox"] if "orders_export" in entry["file"]]
    again = data / "inbox" / holding[0]
    stamp = int(again.stem[-14:]) + 1  # the same rows said again a second later
    os.link(again, again.with_name(f"{again.stem[:-14]}{stamp}.csv"))
    shop.run(home, shop.LAST_DAY, "--full")
    assert found_in(data, traces) == set()
    rebuilt = cells(home, keys=True)
    marts = [name for name in erased if name.startswith("marts.")]
    assert [name for name in marts if erased[name] != rebuilt[name]] == []


def _pseudonym(home: Path, identifier: str) -> str:
    import hashlib
    import hmac

    key = (home / "data/state/pseudonym.key").read_bytes()
    return hmac.new(key, f"shopify\x1f{identifier}".encode(), hashlib.sha256).hexdigest()[:32]
