"""`kpi serve` and `kpi dev`: this machine's own address alone, and nothing beside the pages."""

from __future__ import annotations

import gzip
import http.client
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.cli import tools
from orchestration.cli.serve import HEADERS, server_of

PAGE = "<p>figures</p>" * 500


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A served site, as published: behind a symlink, beside files that are nobody's."""
    site = tmp_path / "published/site_1"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text(PAGE)
    (site / "assets/status.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    (site / "out").symlink_to(tmp_path / "secret")
    (site / "outside").symlink_to(tmp_path)
    (tmp_path / "site").symlink_to(site)
    with server_of(tmp_path / "site", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert server.server_address[0] == "127.0.0.1"
        yield server.server_port
        server.shutdown()


def asked(port: int, path: str, **headers: str) -> http.client.HTTPResponse:
    con = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    con.request("GET", path, headers=headers)
    return con.getresponse()


@pytest.mark.parametrize("path", ["/", "/index.html", "/index.html?a=1#b", "/assets/status.js"])
def test_a_page_comes_with_the_headers_that_guard_it(port: int, path: str) -> None:
    answer = asked(port, path)
    assert answer.status == 200
    assert HEADERS.items() <= dict(answer.getheaders()).items()
    assert answer.read() in (PAGE.encode(), b"1")


def test_a_page_is_packed_for_who_can_unpack_it(port: int) -> None:
    answer = asked(port, "/", **{"Accept-Encoding": "gzip, br"})
    packed = answer.read()
    assert answer.getheader("Content-Encoding") == "gzip"
    assert len(packed) < len(PAGE) / 10 and gzip.decompress(packed).decode() == PAGE
    assert asked(port, "/assets/status.js", **{"Accept-Encoding": "gzip"}).read() == b"1"


OUT = ["/assets/", "/assets", "/nothing", "/out", "/outside/secret", "/../secret", "/%2e%2e/secret",
       "/..%2fsecret", "//etc/passwd", "/outside/"]  # fmt: skip


@pytest.mark.parametrize("path", OUT)
def test_no_folder_is_listed_and_no_way_leads_out(port: int, path: str) -> None:
    answer = asked(port, path)
    assert answer.status == 404
    assert b"secret" not in answer.read()


@pytest.mark.parametrize("host", ["evil.example:8000", "evil.example", "127.0.0.1.evil.example:1"])
def test_a_name_that_was_made_to_lead_here_is_refused(port: int, host: str) -> None:
    assert asked(port, "/", Host=host).status == 421


def test_dev_opens_the_interface_on_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.support.homes import Home

    home, begun = Home(tmp_path / "home"), list[list[str]]()
    for name in ("KPI_HOME", "DAGSTER_HOME", "POLARS_MAX_THREADS"):
        monkeypatch.setenv(name, str(home.paths.home))
    monkeypatch.setattr("orchestration.build.dbt.prepare_manifest", lambda: None)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execv", lambda _, arguments: begun.append(arguments))
    tools.start_dagster(3000)
    [command] = begun
    assert command[command.index("-h") + 1] == "127.0.0.1"
    assert not {"0.0.0.0", "::"} & set(command)
