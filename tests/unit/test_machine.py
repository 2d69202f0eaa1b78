"""A run takes the cores and half of the memory of its machine, or what `shop.yml` says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestration.build import warehouse
from orchestration.config import machine
from orchestration.config.sections import Build


def test_a_container_with_less_memory_than_the_machine_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of 2 GiB gives DuckDB 1 GiB; "max" is no limit."""
    told = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_CGROUP", (told, tmp_path / "absent"))
    told.write_text("2147483648\n")
    assert machine.memory_mib() == 2048
    assert Build().limits(tmp_path)["memory_limit"] == "1024MiB"
    told.write_text("max\n")
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    assert machine.memory_mib() == physical


def test_a_connection_of_a_run_keeps_the_limits_of_the_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB itself says what it was given."""
    monkeypatch.setattr(warehouse, "_limits", {})
    warehouse.limit(Build(threads=1, memory_limit="2GB", spill_limit="3GB").limits(tmp_path))
    with warehouse.connect(tmp_path / "a.duckdb") as con:
        held = con.execute(
            "select current_setting('threads'), current_setting('memory_limit'),"
            " current_setting('max_temp_directory_size')"
        ).fetchone()
    assert held == (1, "1.8 GiB", "2.7 GiB")


def test_cores_are_those_the_process_may_use(tmp_path: Path) -> None:
    """One core of several, if it was pinned to one."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert Build().limits(tmp_path)["threads"] == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert Build(threads=7).limits(tmp_path)["threads"] == 7


def test_a_build_may_spill_to_at_most_half_of_what_its_disk_has_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 10 GiB the power of two below five, also where the folder is still to be made."""
    free = shutil.disk_usage(tmp_path)._replace(free=10 * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    assert Build().limits(tmp_path / "not" / "yet")["max_temp_directory_size"] == "4096MiB"
