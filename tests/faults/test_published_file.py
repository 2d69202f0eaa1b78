"""A published file that a client has open for writing: it blocks no run, a change does not stay."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.build.integrity import is_as_published
from tests.support import shop

# A client in a process of its own, as locks are between processes; it ends with its input.
CLIENT = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def opened_for_writing(file: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"open\n"
        yield
        client.kill()


def current(home: Path) -> Path:
    return (home / "data/published/current.duckdb").resolve()


def test_a_published_file_is_read_only_and_has_its_digest_beside_it(finished_home: Path) -> None:
    file = current(finished_home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o440
    checked = subprocess.run(["sha256sum", "--check", f"{file.name}.sha256"], cwd=file.parent,
                             capture_output=True, check=False)  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_a_client_that_opened_it_for_writing_blocks_no_run_and_no_change_of_its_stays(
    copy_home: Callable[[str], Path], finished_home: Path
) -> None:
    home = copy_home("changed")
    before = current(home)
    with duckdb.connect(str(before)) as con:
        con.execute("update marts.fct_gmv_daily set gmv = gmv + 1000")
    assert not is_as_published(before)
    assert "somebody changed the published file" in shop.kpi(home, "status").stdout
    with opened_for_writing(before):
        told = shop.kpi(home, "status")
        assert told.returncode != 0
        assert "another program has opened it for writing" in told.stderr
        shop.run(home)
    assert current(home) != before
    assert shop.different(home, finished_home) == []
    assert "somebody changed" not in shop.kpi(home, "status").stdout
