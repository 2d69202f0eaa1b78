"""What the commands show of the published generation."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb

from orchestration.build import warehouse
from orchestration.build.integrity import is_as_published
from orchestration.cli.console import console
from orchestration.cli.published import change_of, company_of, comparisons, one_row, rows_of
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError

SHOWN_ROWS = 1000
QUERY_SECONDS = 30.0
_DAYS_OF_WEEK = 7


def show_headline() -> None:
    """Yesterday's GMV with its drivers, and the last incident."""
    from dashboards.wording.changes import effects, headline
    from orchestration.cli.explain import headline_warnings, show_warnings

    with warehouse.connect_published(settings.load().paths.current) as con:
        run = one_row(con, "select * from quality.run")
        change = change_of(con, run["data_through"], "last_week") if run else None
        versus = comparisons(con).said("last_week", "versus", "en")
        alone = change or (company_of(con, run["data_through"]) if run else None)
        first = one_row(con, "select min(business_date) as day from marts.fct_gmv_daily")
        incident = one_row(
            con,
            "select * from insights.incidents"
            " order by last_date desc, abs(impact_amount) desc nulls last, incident_id limit 1",
        )
        told = headline_warnings(con, run, "en") if run and run["data_through"] else []
    console.document({"run": run, "change": change, "incident": incident, "warnings": told})
    console.out()
    is_young = (
        run and first and first["day"] and (run["data_through"] - first["day"]).days < _DAYS_OF_WEEK
    )
    if run is None or alone is None or (change is None and is_young):
        console.heading("There is not yet a week of data to compare with.")
        show_warnings(told, "en")
        return
    console.heading(headline(alone, "en", run["currency"], versus))
    show_warnings(told, "en")
    if change is None:
        return
    for effect in effects(change, "en", run["currency"]):
        console.out(f"  {effect.text}")
    if incident:
        console.out()
        console.out(f"last incident ({incident['last_date']}): {incident['explanation_en']}")
    else:
        console.out("no incident so far")


def show_query(query: str, seconds: float) -> None:
    """Rows of a query on the published marts.

    Raises:
        KpiError: the query is not valid, takes too long, or asks for what the sandbox forbids.
    """
    with warehouse.connect_published(settings.load().paths.current) as con:
        columns, rows = queried(con, query or sys.stdin.read(), seconds)
    console.document([dict(zip(columns, row, strict=True)) for row in rows[:SHOWN_ROWS]])
    console.table(columns, rows[:SHOWN_ROWS])
    if len(rows) > SHOWN_ROWS:
        console.note(f"only the first {SHOWN_ROWS} rows are shown")


def queried(
    con: duckdb.DuckDBPyConnection, text: str, seconds: float = QUERY_SECONDS
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of a query, one row more than is shown if there are more.

    Raises:
        KpiError: the query is not valid, takes too long, or asks for what the sandbox forbids.
    """
    clock = Timer(seconds, con.interrupt)
    clock.start()
    try:
        result = con.execute(text)
        columns = [column[0] for column in result.description or []]
        return columns, result.fetchmany(SHOWN_ROWS + 1)
    except duckdb.InterruptException as error:
        raise KpiError(
            f"the query took more than {seconds:g} seconds",
            "sql",
            "Ask for fewer days or rows, or allow more with --seconds.",
            ExitCode.USAGE,
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise KpiError(
            "the query takes more memory and disk than one may",
            "sql",
            "Ask for fewer days or rows, or export the tables: kpi export parquet.",
            ExitCode.USAGE,
        ) from error
    except duckdb.Error as error:
        raise KpiError(
            str(error), "sql", "Tables are in marts, insights and quality.", ExitCode.USAGE
        ) from error
    finally:
        clock.cancel()


# Key of the document -> heading, columns and query of a table of `kpi status`.
_TABLES = {
    "checks": ("checks that did not pass", "layer check severity status observed message", """
        select layer, check_name, severity, status, observed, message
        from quality.checks
        where status <> 'passed'
        order by severity, layer, check_name"""),
    "incomplete": ("days that are not complete", "day source feed reason rows expected", """
        select business_date, source, feed, reason, arrived_rows, expected_rows
        from quality.source_completeness_daily
        where not is_complete
        order by business_date desc, source
        limit 10"""),
    "files": ("files with a problem", "file batch status rows quarantined message", """
        select source_file, batch_id, status, rows_read, rows_quarantined, message
        from quality.ingest_files
        where status <> 'landed' or rows_quarantined > 0
        order by landed_at desc
        limit 10"""),
}  # fmt: skip
_ORPHANS = ["feed", "looks for", "source", "rows", "of", "amount", "many", "examples"]
_CONSOLES = "day platform differs paid own refunds own orders own visitors own"
_LETTERS = ["channel", "status", "reason", "tries", "queued_at", "subject"]
_CONFLICTS = "feed source rows examples files"
_MARKS = ["source", "feed", "through", "days behind", "why", "last file"]


def show_status() -> None:
    """Generation, freshness, watermarks, checks that did not pass, files refused or missing."""
    paths = settings.load().paths
    with warehouse.connect_published(paths.current) as con:
        told = health(con, paths)
        passed = one_row(con, "select count(*) as n from quality.checks where status = 'passed'")
    console.document(told)
    run, is_whole, kept = told["run"], told["is_as_published"], told["generations"]
    found = {key: told[key] for key in _TABLES}
    behind, orphans = told["watermarks"], told["orphans"]
    conflicts, consoles = told["version_conflicts"], told["platforms_differ"]
    lost = told["undelivered"]
    if run:
        through = run["data_through"]
        said = f"data through {through}" if through else "no day of data yet"
        behind_today = f", {(date.today() - through).days} days behind today" if through else ""
        console.heading(f"generation {run['run_id']}: {said}")
        console.out(f"  built {run['built_at']:%Y-%m-%d %H:%M} UTC{behind_today}")
    if not is_whole:
        console.out("  somebody changed the published file: `kpi run` publishes it anew")
    console.out(f"  kept generations: {', '.join(kept)}")
    cover = f"; data tests read {run['tests_cover']}" if run and "tests_cover" in run else ""
    counted = f"{passed['n'] if passed else 0} checks passed, {len(found['checks'])} did not"
    console.out(f"  {counted}{cover}")
    marks = [tuple(row.values()) for row in behind]
    parts = [(head, names.split(), found[key]) for key, (head, names, _) in _TABLES.items()]
    parts.insert(1, ("how far each source is complete", _MARKS, marks))
    alone = [tuple(row.values()) for row in orphans]
    parts.append(("rows that find nothing to belong to, in 28 days", _ORPHANS, alone))
    tied = [tuple(row.values()) for row in conflicts]
    parts.append(("rows of which nothing says which version is newer", _CONFLICTS.split(), tied))
    differ = [tuple(row.values()) for row in consoles]
    parts.append(("days of which the platform says otherwise", _CONSOLES.split(), differ))
    parts.insert(0, ("messages that were not delivered", _LETTERS,
                     [tuple(row[name] for name in _LETTERS) for row in lost]))  # fmt: skip
    for heading, columns, rows in parts:
        if rows:
            console.heading(heading)
            console.table(columns, rows)


def _undelivered(state: Path) -> list[dict[str, Any]]:
    """What waits after a failure, was refused or given up; of the last 35 days."""
    from orchestration.ledger.outgoing import Outgoing
    from orchestration.ledger.state import State

    rows = Outgoing(State(state)).undelivered(datetime.now(UTC))
    return [{name: row[name] for name in _LETTERS} for row in rows]


def health(con: duckdb.DuckDBPyConnection, paths: settings.Paths) -> dict[str, Any]:
    """What `kpi status` tells, as a document."""
    return {
        "run": one_row(con, "select * from quality.run"),
        "is_as_published": is_as_published(paths.current.resolve()),
        **{key: con.execute(query).fetchall() for key, (_, _, query) in _TABLES.items()},
        "watermarks": _watermarks(con),
        "orphans": _orphans(con),
        "version_conflicts": _conflicts(con),
        "platforms_differ": _consoles(con),
        "undelivered": _undelivered(paths.state),
        "generations": warehouse.generations(paths),
    }


def _watermarks(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Each source, and those of its feeds that lag; none in a generation made before there were."""
    if not _has(con, "source_watermarks"):
        return []
    return rows_of(
        con.execute(
            "select source, feed, complete_until_date, lag_days, reason, last_file"
            " from quality.source_watermarks"
            " where feed = 'all' or reason not in ('ok', 'not_daily')"
            " order by source, feed <> 'all', feed"
        )
    )


def _orphans(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows that find none; none in a generation made before they were counted."""
    if not _has(con, "lookups"):
        return []
    return rows_of(
        con.execute(
            "select feed, looks_for, source, orphan_rows as rows, rows as of_rows,"
            " orphan_amount as amount, is_material, examples"
            " from quality.lookups where orphan_rows > 0"
            " order by is_material desc, orphan_rate desc, feed, looks_for, source"
        )
    )


def _conflicts(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Rows that two deliveries tell differently under one instant."""
    if not _has(con, "version_conflicts"):
        return []
    return rows_of(con.execute("from quality.version_conflicts order by rows desc, feed, source"))


def _consoles(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Days on which the platform's own console differs; none of an earlier generation."""
    if not _has(con, "platform_reconciliation_daily"):
        return []
    return rows_of(
        con.execute(
            "select business_date, platform, differs_in, reported_paid_amount, own_paid_amount,"
            " reported_refund_amount, own_refund_amount, reported_orders, own_orders,"
            " reported_visitors, own_visitors"
            " from quality.platform_reconciliation_daily where not is_within_tolerance"
            " order by business_date desc, platform limit 10"
        )
    )


def _has(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    named = f"table_schema = 'quality' and table_name = '{table}'"
    found = con.execute(f"select 1 from information_schema.tables where {named}").fetchall()
    return bool(found)
