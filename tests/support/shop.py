"""A small simulated shop and ways to run it, for tests of whole runs."""

import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.config.settings import DEMO_CONFIG
from simulator.run import simulate
from tests.support.commands import run_command

# The mobile checkout of the site is planted to break on this day; the next promo is far.
LAST_DAY = date(2026, 10, 10)
START = LAST_DAY - timedelta(days=96)
HISTORY_UNTIL = date(2026, 9, 30)
SCALE = 0.1

_TRAP = """
import os, socket

def _trap(name, original):
    def trapped(*arguments, **options):
        family = getattr(arguments[0], "family", None)
        if family != socket.AF_UNIX:
            with open(os.environ["KPI_TRAP"], "a") as log:
                log.write(f"{name} {arguments}\\n")
            raise OSError("the network is trapped")
        return original(*arguments, **options)
    return trapped

socket.socket.connect = _trap("connect", socket.socket.connect)
socket.socket.connect_ex = _trap("connect_ex", socket.socket.connect_ex)
socket.socket.sendto = _trap("sendto", socket.socket.sendto)
socket.getaddrinfo = _trap("getaddrinfo", socket.getaddrinfo)
socket.gethostbyname = _trap("gethostbyname", socket.gethostbyname)
"""


def new_home(home: Path) -> Path:
    """A data folder with the demo's shop.yml and an empty inbox; all have the same key."""
    (home / "data/inbox").mkdir(parents=True)
    (home / "data/state").mkdir()
    key = home / "data/state/pseudonym.key"
    key.touch(mode=0o600)
    key.write_text("5eed" * 16)
    shutil.copyfile(DEMO_CONFIG, home / "shop.yml")
    return home


def deliver(home: Path, as_of: date = LAST_DAY, scale: float = SCALE) -> None:
    """Let the shop export everything up to a day."""
    simulate(home / "data", seed=7, start=START, history_until=HISTORY_UNTIL, as_of=as_of,
             scale=scale)  # fmt: skip


def environment(home: Path, **extra: str) -> dict[str, str]:
    """The environment of a command on this data folder."""
    return {**os.environ, "KPI_HOME": str(home), "NO_COLOR": "1", **extra}


def kpi(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a `kpi` command to its end, in a process of its own."""
    return run_command(arguments, environment(home, **extra), timeout=400)


def process(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a `kpi` command to its end, in an interpreter that has imported nothing yet."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli.main", *arguments],
        env=environment(home, **extra), capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip


def calls_of(home: Path) -> Path:
    """Where a trapped run writes down whom it called; beside the data folder."""
    return home.with_name(f"{home.name}.calls")


def trapped(home: Path) -> dict[str, str]:
    """Variables that let a command reach no network and write down every call."""
    trap = home.with_name(f"{home.name}.trap")
    trap.mkdir()
    (trap / "sitecustomize.py").write_text(_TRAP)
    return {"PYTHONPATH": str(trap), "KPI_TRAP": str(calls_of(home))}


def run(home: Path, as_of: date = LAST_DAY, *arguments: str, **extra: str) -> None:
    """Run the daily job; fail with its output if it does not end well.

    With `extra` variables it is a whole new interpreter, for they may change what it imports.
    """
    start = process if extra else kpi
    done = start(home, "run", "--date", as_of.isoformat(), *arguments, **extra)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]


def tables(home: Path, schemas: tuple[str, ...] = ("marts",)) -> dict[str, list[Any]]:
    """Every published table of the schemas as sorted rows."""
    file = home / "data/published/current.duckdb"
    with duckdb.connect(str(file.resolve()), read_only=True) as con:
        names = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in (select unnest(?)) order by all", [list(schemas)],
        ).fetchall()  # fmt: skip
        return {name: con.execute(f"from {name} order by all").fetchall() for (name,) in names}


# What a run closed is kept, so that of two folders which closed months with other data the months
# as the data are now can be the same.
_MONTHS_NOW = """(
    select month_start, platform, is_closed, gmv + gmv_restatement_amount as gmv,
        adjusted_net_amount, adjustment_amount, taken_adjustment_amount
    from {0}.marts.fct_month_close)"""


def different(left: Path, right: Path, *, closed_alike: bool = True) -> list[str]:
    """Names of the marts in which two published generations differ, EXCEPT ALL both ways.

    Args:
        left: a data folder.
        right: another.
        closed_alike: whether both closed their months with the same data.
    """
    with duckdb.connect() as con:
        for alias, home in (("l", left), ("r", right)):
            file = (home / "data/published/current.duckdb").resolve()
            con.execute(f"attach '{file}' as {alias} (read_only)")
        names = {
            alias: {row[0] for row in con.execute(
                "select table_name from duckdb_tables() where database_name = ?"
                " and schema_name = 'marts'", [alias]).fetchall()}
            for alias in ("l", "r")
        }  # fmt: skip
        assert names["l"] == names["r"] and names["l"]

        def rows(side: str, name: str) -> str:
            is_now = name == "fct_month_close" and not closed_alike
            return _MONTHS_NOW.format(side) if is_now else f"{side}.marts.{name}"

        return [
            name
            for name in sorted(names["l"])
            if con.execute(
                f"select count(*) from ((from {rows('l', name)} except all from {rows('r', name)})"
                f" union all (from {rows('r', name)} except all from {rows('l', name)}))"
            ).fetchall()
            != [(0,)]
        ]


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the published generation."""
    return query_of((home / "data/published/current.duckdb").resolve(), sql)


def query_of(file: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on a published file."""
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def generations(home: Path) -> list[Path]:
    """Published files that are kept, the oldest first."""
    return sorted((home / "data/published").glob("marts_*.duckdb"))
