"""`kpi mcp`: the published figures for assistants, by the Model Context Protocol, on this machine.

Every tool reads the current generation through the sandbox of `kpi sql`: no file, no network, no
change. Every answer says as of when it is and what of its data is missing. Who starts it decides
which assistant reads it; nothing is sent by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import wraps
from typing import Any

import duckdb

from orchestration.build import warehouse
from orchestration.cli import alerts, show
from orchestration.cli.drivers import metric_of
from orchestration.cli.explain import explanation
from orchestration.cli.metrics import found
from orchestration.cli.places import Question
from orchestration.cli.published import metrics
from orchestration.cli.query import answer
from orchestration.cli.trust import as_of, incomplete
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, day_of

HOST = "127.0.0.1"
_INSTRUCTIONS = (
    "Figures of one shop, as published by its last good run. Say the definition, the day they are"
    " as of, and every caveat. Visitors and buyers are distinct persons: never add them up."
    " What is null is not known; it is not zero. Start with list_metrics and query_metrics;"
    " explain_change says why GMV moved; sql reads schemas marts, insights and quality."
)
Told = dict[str, Any]


def list_metrics(words: str = "") -> Told:
    """Metrics with their definitions, units, how they add up and which marts store them.

    Args:
        words: words of a name, label or definition, in English or Chinese; empty for all.
    """
    with _published() as con:
        return _told(con, {"metrics": found(metrics(con), words)})


def query_metrics(  # noqa: PLR0913, PLR0917 - the arguments of the tool
    names: list[str],
    by: list[str] | None = None,
    where: dict[str, list[str]] | None = None,
    grain: str = "day",
    first_day: str = "",
    last_day: str = "",
) -> Told:
    """Metrics by period and dimension, with definitions and caveats.

    Args:
        names: such as gmv, aov, visitors.
        by: dimensions to split by, such as channel or platform.
        where: dimension -> values to keep, as {"platform": ["tmall"]}.
        grain: day, week, month or total.
        first_day: YYYY-MM-DD.
        last_day: YYYY-MM-DD.
    """
    question = Question(
        metrics=tuple(names),
        by=tuple(by or ()),
        where={name: tuple(values) for name, values in (where or {}).items()},
        grain=grain,
        first=_day(first_day, "first_day"),
        last=_day(last_day, "last_day"),
    )
    with _published() as con:
        told = answer(con, question)
    if len(told["rows"]) > show.SHOWN_ROWS:
        told["caveats"].append(f"only the first {show.SHOWN_ROWS} of {len(told['rows'])} rows")
        told["rows"] = told["rows"][: show.SHOWN_ROWS]
    return _plain(told)


def explain_change(
    day: str = "", versus: str = "last_week", by: str = "", lang: str = "en"
) -> Told:
    """Why GMV changed on a day: drivers that sum to the change, and where it happened.

    Args:
        day: YYYY-MM-DD; empty for the last day of the data.
        versus: previous_day, last_week, last_year, promo_phase, trailing_28d or target.
        by: a dimension whose every segment is listed; empty for the worst of all.
        lang: en or zh.
    """
    with _published() as con:
        told, registry = explanation(con, day, versus, by, lang), metrics(con)
        named = {"gmv", *(metric_of(driver.name) for driver in told.drivers)}
        said = {"headline": told.headline, **told.document(), "caveats": told.warnings,
                "metrics": {n: row for n, row in registry.items() if n in named}}  # fmt: skip
        return _plain({**said, "as_of": as_of(con)})


def list_incidents(only_open: bool = False) -> Told:
    """What alerts were told, the newest first: how much, since when, which driver, where.

    Args:
        only_open: those that have not ended.
    """
    with _published() as con:
        rows, registry = alerts.incidents(con, only_open), metrics(con)
        named = {str(row[key]) for row in rows for key in ("metric", "cause_metric")}
        said = {"incidents": rows, "metrics": {n: row for n, row in registry.items() if n in named}}
        return _told(con, said)


def data_health() -> Told:
    """How far the data can be trusted: freshness, checks that failed, files and days missing."""
    with _published() as con:
        return _told(con, show.health(con, settings.load().paths))


def sql(query: str) -> Told:
    """Rows of a DuckDB query on schemas marts, insights and quality, read-only.

    Args:
        query: one SELECT; comments on tables and columns are in duckdb_tables() and
            duckdb_columns(), definitions of metrics in quality.metrics.
    """
    with _published() as con:
        columns, rows = show.queried(con, query)
        kept = [dict(zip(columns, row, strict=True)) for row in rows[: show.SHOWN_ROWS]]
        return _told(con, {"rows": kept, "is_cut": len(rows) > show.SHOWN_ROWS})


TOOLS: tuple[Callable[..., Told], ...] = (
    list_metrics, query_metrics, explain_change, list_incidents, data_health, sql,
)  # fmt: skip


@contextmanager
def _published() -> Iterator[duckdb.DuckDBPyConnection]:
    """One generation, the current one, for one answer."""
    with warehouse.connect_published(settings.load().paths.current) as con:
        yield con


def _told(con: duckdb.DuckDBPyConnection, said: Told) -> Told:
    """An answer with its state: of all days, as it is about no span of them."""
    return _plain({**said, "as_of": as_of(con), "caveats": incomplete(con, None, None)})


def _plain(said: Told) -> Told:
    """As JSON holds it: amounts are numbers, instants text."""
    plain: Told = json.loads(
        json.dumps(said, default=lambda v: float(v) if isinstance(v, Decimal) else str(v))
    )
    return plain


def _day(text: str, name: str) -> date | None:
    return day_of(text, name) if text else None


def server() -> Any:
    """The server with its tools.

    Raises:
        KpiError: the extra `mcp` is not installed.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise KpiError(
            "the protocol is not installed", "kpi mcp",
            "Do: .venv/bin/pip install -c constraints.txt -e '.[mcp]'", ExitCode.CONFIG,
        ) from error  # fmt: skip
    made = MCPServer("kpi-warehouse", instructions=_INSTRUCTIONS, log_level="WARNING")
    hints = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for tool in TOOLS:
        made.add_tool(_telling(tool, ToolError), annotations=hints)
    return made


def _telling(tool: Callable[..., Told], as_error: type[Exception]) -> Callable[..., Told]:
    """The tool, whose errors say what they say: the protocol keeps others to itself."""

    @wraps(tool)
    def told(**arguments: Any) -> Told:
        try:
            return tool(**arguments)
        except KpiError as error:
            raise as_error(str(error)) from error

    return told


def serve(http: bool, port: int) -> None:
    """Answer until the client leaves: on standard input and output, or on a port of this machine.

    Args:
        http: on `http://127.0.0.1:<port>/mcp`.
        port: of http.
    """
    if http:
        server().run("streamable-http", host=HOST, port=port, stateless_http=True)
    else:
        server().run("stdio")
