"""A build takes the memory and disk that `shop.yml` gives it, and says where that is too little.

The shop is small, so the memory is too: without spilling it does not do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import shop

LITTLE = "\nbuild: {threads: 2, memory_limit: 100MB, spill_limit: %s}\n"


def with_limits(home: Path, spill_limit: str) -> None:
    config = home / "shop.yml"
    config.write_text(config.read_text("utf-8") + LITTLE % spill_limit, "utf-8")


@pytest.mark.long
def test_a_full_run_in_little_memory_publishes_the_same(
    copy_home: Callable[[str], Path], finished_home: Path
) -> None:
    home = copy_home("little")
    with_limits(home, "2GB")
    shop.run(home, shop.LAST_DAY, "--full")
    assert shop.different(home, finished_home) == []


def test_a_build_that_may_not_spill_says_what_to_give_it(
    copy_home: Callable[[str], Path], finished_home: Path
) -> None:
    home = copy_home("none")
    with_limits(home, "1MB")
    done = shop.kpi(home, "run", "--date", str(shop.LAST_DAY), "--full")
    assert done.returncode == 3, done.stderr[-3000:]
    assert "Raise memory_limit or spill_limit" in done.stderr
    assert shop.different(home, finished_home) == []
