"""`kpi mcp` through the client of the protocol's own kit."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import shop

mcp = pytest.importorskip("mcp", reason="needs the extra `mcp`: pip install -e '.[mcp]'")

Called = dict[str, Any]


def ask(where: Any, *calls: tuple[str, Called]) -> tuple[list[str], list[Any]]:
    """Names of the tools, and what each call came to."""

    async def session() -> tuple[list[str], list[Any]]:
        async with mcp.Client(where) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            return names, [await client.call_tool(name, given) for name, given in calls]

    return asyncio.run(asyncio.wait_for(session(), 120))


def stdio(home: Path, **extra: str) -> Any:
    from mcp.client.stdio import stdio_client

    arguments = ["-m", "orchestration.cli.main", "mcp"]
    return stdio_client(
        mcp.StdioServerParameters(
            command=sys.executable, args=arguments, env=shop.environment(home, **extra)
        )
    )


def test_every_tool_answers_with_its_state(finished_home: Path, tmp_path: Path) -> None:
    trapped = shop.trapped(tmp_path / "home")
    names, told = ask(
        stdio(finished_home, **trapped),
        ("list_metrics", {"words": "投产比"}),
        ("query_metrics", {"names": ["gmv", "aov"], "by": ["platform"], "grain": "total"}),
        ("explain_change", {}),
        ("list_incidents", {}),
        ("data_health", {}),
        ("sql", {"query": "select sum(paid_amount) as gmv from marts.fct_orders where is_paid"}),
        ("query_metrics", {"names": ["visitors"], "grain": "total"}),
        ("sql", {"query": f"copy marts.fct_orders to '{tmp_path}/orders.csv'"}),
        ("sql", {"query": "create table marts.mine as select 1"}),
    )
    assert names == ["list_metrics", "query_metrics", "explain_change", "list_incidents",
                     "data_health", "sql"]  # fmt: skip
    answers = [call.structured_content for call in told[:6]]
    for answer in answers:
        assert answer["as_of"]["data_through"] == shop.LAST_DAY.isoformat()
        assert isinstance(answer["caveats"], list)
    listed, queried, explained, incidents, health, rows = answers
    assert {"roas", "mer"} <= {row["name"] for row in listed["metrics"]}
    [(held, orders)] = shop.query(
        finished_home, "select sum(paid_amount), count(*) from marts.fct_orders where is_paid"
    )
    assert sum(row["gmv"] for row in queried["rows"]) == pytest.approx(float(held))
    assert "Goods value" in queried["metrics"]["gmv"]["definition_en"]
    assert rows["rows"] == [{"gmv": float(held)}] and orders > 0
    assert explained["drivers"] and explained["metrics"]["aov"]["definition_zh"]
    assert len(incidents["incidents"]) == len(shop.query(finished_home, "from insights.incidents"))
    assert health["run"]["data_through"] == shop.LAST_DAY.isoformat()
    assert [call.is_error for call in told[6:]] == [True] * 3
    assert "Stored by day in" in told[6].content[0].text
    assert "disabled by configuration" in told[7].content[0].text
    assert "read-only" in told[8].content[0].text
    assert not (tmp_path / "orders.csv").exists()
    calls = Path(trapped["KPI_TRAP"])
    assert not calls.exists(), calls.read_text()


@contextmanager
def listening(home: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-m", "orchestration.cli.main", "mcp", "--http", "--port", str(port)]
    with subprocess.Popen(program, env=shop.environment(home), stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(300):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()


def test_over_http_only_this_machine_is_answered(finished_home: Path) -> None:
    with listening(finished_home) as port:
        _, told = ask(f"http://127.0.0.1:{port}/mcp", ("list_metrics", {"words": "gmv"}))
        assert "gmv" in {row["name"] for row in told[0].structured_content["metrics"]}
        # A page of a stranger that names this machine by a name of its own (DNS rebinding).
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/mcp", data=b"{}", method="POST",
            headers={"Host": "stranger.example", "Content-Type": "application/json",
                     "Accept": "application/json, text/event-stream"},
        )  # fmt: skip
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert refused.value.code == 421
        addresses = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
                     if line.split()[3] == "0A"]  # fmt: skip
        assert f"0100007F:{port:04X}" in addresses and f"00000000:{port:04X}" not in addresses


def test_the_tools_are_said_to_change_nothing() -> None:
    from orchestration.cli.mcp import server

    async def listed() -> list[Any]:
        async with mcp.Client(server()) as client:
            return list((await client.list_tools()).tools)

    tools = asyncio.run(listed())
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") is None
