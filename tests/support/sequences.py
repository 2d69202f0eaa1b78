"""Deliveries in random order: one shop's files, shuffled, cut up, repeated, then built.

The pipeline's own steps run in this process: landing and ledger as `kpi run` has them, dbt on the
build file, or, since every full build runs the same statements, those statements alone.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

import duckdb
import yaml

from orchestration.build.raw import create_raw
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.manifests import missing_files
from orchestration.ledger.state import State
from simulator.run import simulate
from tests.support.raw import PROJECT, run_dbt
from tests.support.shop import new_home

LAST = date(2026, 10, 10)
START = LAST - timedelta(days=17)
HISTORY = LAST - timedelta(days=5)
SCALE = 0.1
LATER = "20261012030000"
_TABLES = """
    select table_schema || '.' || table_name from information_schema.tables
    where table_schema = 'marts' or table_name = 'source_completeness_daily'
    order by all
"""


def write_exports(folder: Path) -> list[Path]:
    """The shop's files, corrections of every kind among them, in folders as the inbox has them.

    Corrections exported later: an order with another amount, one whose days move, one cancelled; a
    traffic file without one of its sources; an older version of all that under a younger name.
    """
    simulate(folder, seed=7, start=START, history_until=HISTORY, as_of=LAST, scale=SCALE)
    inbox = folder / "inbox"
    [orders] = inbox.glob(f"shopify/orders_export_{LAST - timedelta(days=2):%Y%m%d}_*.csv")
    rows = list(csv.DictReader(io.StringIO(orders.read_text("utf-8"))))
    names = sorted({row["Name"] for row in rows if row["Paid at"].startswith("2026-10-")})
    corrected = [dict(row) for row in rows]
    for row in corrected:
        if row["Name"] == names[0] and row["Subtotal"]:
            row["Subtotal"] = row["Total"] = "1234.50"
        if row["Name"] == names[1]:
            for column in ("Created at", "Paid at"):
                row[column] = re.sub(r"-10-\d\d ", "-10-01 ", row[column])
        if row["Name"] == names[2] and row["Subtotal"]:
            row["Financial Status"], row["Paid at"] = "voided", ""
    _write(inbox / f"shopify/orders_export_corrected_{LATER}.csv", corrected)
    [traffic] = inbox.glob(f"tmall/traffic_sources_{LAST - timedelta(days=1):%Y%m%d}_*.csv")
    lines = traffic.read_text("utf-8").splitlines(keepends=True)
    (inbox / f"tmall/traffic_sources_again_{LATER}.csv").write_text(
        "".join(lines[:1] + lines[2:]), "utf-8"
    )
    _correct_events(inbox / "ga4")
    _write_manifest(inbox)
    return sorted(path for path in inbox.rglob("*") if path.is_file())


def _correct_events(folder: Path) -> None:
    """The events of a day once more, all from one province: the manifest says it is the later."""
    day = f"{LAST - timedelta(days=2):%Y%m%d}"
    text = gzip.decompress((folder / f"events_{day}.json.gz").read_bytes()).decode()
    moved = re.sub(r'"region": ?"[^"]*"', '"region":"Zhejiang"', text)
    assert moved != text
    (folder / f"events_{day}_corrected.json.gz").write_bytes(gzip.compress(moved.encode(), mtime=0))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write_manifest(inbox: Path) -> None:
    """Instants for event files, which tell none, and another for one of the orders' files."""
    lines = ["file,sha256,exported_at"]
    for number, path in enumerate(sorted((inbox / "ga4").iterdir())):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest() if number % 2 else ""
        lines.append(f"ga4/{path.name},{sha256},2026-10-11T0{number}:00:00Z")
    [orders] = inbox.glob(f"shopify/orders_export_{LAST:%Y%m%d}_*.csv")
    lines.append(f"shopify/{orders.name},,2026-10-13T00:00:00Z")
    (inbox / "manifest.csv").write_text("\n".join(lines) + "\n", "utf-8")


def named(files: list[Path]) -> list[tuple[Path, str]]:
    """Files with their names below the inbox they lie in."""
    inbox = next(parent for parent in files[0].parents if parent.name == "inbox")
    return [(file, file.relative_to(inbox).as_posix()) for file in files]


def deliveries(files: list[Path], seed: int) -> list[list[tuple[Path, str]]]:
    """Two to five deliveries of (file, name below the inbox), some files twice.

    A repeated file comes again under its own name, or under another that keeps its export instant.
    """
    random = Random(seed)
    order = random.sample(named(files), len(files))
    cuts = sorted(random.sample(range(1, len(order)), random.randint(1, 4)))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    for file, own in random.sample([f for f in named(files) if f[0].name != "manifest.csv"], 8):
        head, _, tail = own.rpartition("_")
        is_renamed = random.random() < 0.5
        name = f"{head}_{random.choice(['again', 'copy'])}_{tail}" if is_renamed else own
        random.choice(parts).append((file, name))
    return parts


@dataclass
class Sequence:
    """A data folder that deliveries come to, and its build file."""

    root: Path

    def __post_init__(self) -> None:
        new_home(self.root)
        config = self.root / "shop.yml"
        traffic = '{path: "tmall/traffic_sources_*.csv", format: traffic_sources'
        text = config.read_text("utf-8")
        assert traffic in text
        text = text.replace(traffic, f'{traffic}, delivery: "snapshot:traffic_date"')
        config.write_text(text, "utf-8")
        file = ShopFile.model_validate(yaml.safe_load(text))
        self.settings = Settings(Paths(self.root), config, file)
        self.state = State(self.settings.paths.state)
        self.build_file = self.root / "data/build/working.duckdb"
        self.build_file.parent.mkdir(exist_ok=True)

    def deliver(self, delivery: list[tuple[Path, str]]) -> None:
        """Let files come into the inbox, and land what is new."""
        for file, name in delivery:
            target = self.settings.paths.inbox / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        land_new_files(self.settings, self.state)

    def write_raw(self) -> int:
        """Schema raw of the build file; returns the ledger sequence that dbt reads up to."""
        ledger = self.state.files()
        missing = missing_files(self.settings, self.state, ledger)
        landing, sources = self.settings.paths.landing, self.settings.sources
        with duckdb.connect(self.build_file) as con:
            create_raw(con, landing, ledger, sources, LAST, missing)
        return max(int(file["seq"]) for file in ledger if file["feeds"])

    def build(self, *, full: bool) -> Statements:
        """One dbt build; adds what is new unless `full`. Returns what it ran."""
        ceiling = self.write_raw()
        options = ["--full-refresh"] if full else []
        left_out = ["--exclude-resource-type", "test", "unit_test"]
        done = run_dbt(PROJECT, self.build_file, "build", *left_out, *options)
        nodes = [result.node for result in done.result.results]
        return Statements(
            self.build_file,
            ceiling,
            [
                (f"{node.schema}.{node.name}", str(node.compiled_code))
                for node in nodes
                if node.resource_type == "model"
            ],
        )

    def marts(self) -> dict[str, str]:
        """Digest of the columns and the sorted rows of every mart."""
        found = {}
        with duckdb.connect(self.build_file, read_only=True) as con:
            con.execute("set TimeZone = 'UTC'")
            for (table,) in con.execute(_TABLES).fetchall():
                text = self.root / "table.csv"
                con.execute(f"copy (from {table} order by all) to '{text}' (header)")
                columns = con.execute(f"describe {table}").fetchall()
                schema = str([column[:2] for column in columns])
                found[table] = hashlib.sha256(schema.encode() + text.read_bytes()).hexdigest()
        return found


@dataclass(frozen=True)
class Statements:
    """What a full dbt build ran, in order, to be run again on other raw tables.

    Attributes:
        file: the build file, which has the seeds and the shapes of all tables.
        ceiling: ledger sequence of that build, a constant of its statements.
        models: (schema.table, select).
    """

    file: Path
    ceiling: int
    models: list[tuple[str, str]]

    def replay(self, sequence: Sequence) -> None:
        """Build another data folder in full."""
        ceiling = sequence.write_raw()
        with duckdb.connect(sequence.build_file) as con:
            con.execute(
                "set TimeZone = 'UTC'; set threads = 2; set preserve_insertion_order = false"
            )
            con.execute(f"attach '{self.file}' as done (read_only)")
            shapes = con.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'done'"
                " and schema_name not in ('raw', 'incremental')"
            ).fetchall()
            built = dict(self.models)
            for schema, table in shapes:
                con.execute(f"create schema if not exists {schema}")
                rows = "limit 0" if f"{schema}.{table}" in built else ""  # seeds keep theirs
                con.execute(f"create table {schema}.{table} as from done.{schema}.{table} {rows}")
            tables = {f"{schema}.{table}" for schema, table in shapes}
            for name, statement in self.models:
                sql = statement.replace(f'"{self.file.stem}".', "")
                sql = re.sub(rf"\b{self.ceiling}\b", str(ceiling), sql)
                verb = f"insert into {name} by name" if name in tables else f"create view {name} as"
                con.execute(f"{verb} {sql}")
