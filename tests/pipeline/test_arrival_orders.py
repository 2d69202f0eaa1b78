"""Any order of arrival, any cut into deliveries, any repetition: the same marts to the byte.

Corrections, a moved order, a withdrawn row, renamed copies and a manifest are among the files.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.support.sequences import Sequence, Statements, deliveries, named, write_exports


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_exports(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def in_order(
    exports: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], Statements]:
    """The marts of all files delivered once and at once, and what dbt ran to build them."""
    sequence = Sequence(tmp_path_factory.mktemp("order") / "home")
    sequence.deliver(named(exports))
    assert {file["status"] for file in sequence.state.files()} == {"landed"}
    ran = sequence.build(full=True)
    return sequence.marts(), ran


def test_the_files_hold_what_the_order_of_arrival_could_upset(
    in_order: tuple[dict[str, str], Statements],
) -> None:
    with duckdb.connect(in_order[1].file, read_only=True) as con:
        for feed in ("orders", "refunds", "events", "traffic_daily", "campaign_spend"):
            twice = con.execute(
                f"select count(*) from (select 1 from raw.{feed} group by source, _row_key"
                " having count(*) > 1)"
            ).fetchall()
            rows = con.execute(f"select count(*) from raw.{feed}").fetchall()
            assert rows[0][0] > 0, feed
            assert twice[0][0] > 0 or feed in ("refunds", "campaign_spend"), feed
        amounts = con.execute(
            "select distinct paid_amount from marts.fct_orders where paid_amount = 1234.50"
        ).fetchall()
        assert len(amounts) == 1
        days = con.execute(
            "select count(distinct ordered_at::date) from raw.orders where source = 'shopify'"
            " group by order_id order by 1 desc limit 1"
        ).fetchall()
        assert days == [(2,)]
    assert len(in_order[0]) >= 20


@pytest.mark.long
def test_the_comparison_sees_a_missing_file(
    exports: list[Path], in_order: tuple[dict[str, str], Statements], tmp_path: Path
) -> None:
    sequence = Sequence(tmp_path / "home")
    sequence.deliver([file for file in named(exports) if "corrected" not in file[1]])
    in_order[1].replay(sequence)
    found = sequence.marts()
    assert {"marts.fct_orders", "marts.fct_gmv_daily"} <= {
        table for table, digest in found.items() if digest != in_order[0][table]
    }


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(n, marks=pytest.mark.long) for n in (3, 4))])
def test_any_order_of_arrival_gives_the_same_marts(
    seed: int, exports: list[Path], in_order: tuple[dict[str, str], Statements], tmp_path: Path
) -> None:
    sequence = Sequence(tmp_path / "home")
    for delivery in deliveries(exports, seed):
        sequence.deliver(delivery)
    in_order[1].replay(sequence)
    assert sequence.marts() == in_order[0]


def build_up(sequence: Sequence, exports: list[Path], seed: int) -> None:
    """Let all deliveries of a seed come; dbt adds what is new after one or two, and at the end."""
    random = Random(seed)
    parts = deliveries(exports, seed)
    some = random.sample(range(len(parts) - 1), min(len(parts) - 1, random.choice([1, 1, 2])))
    for number, delivery in enumerate(parts):
        sequence.deliver(delivery)
        if number in some or number == len(parts) - 1:
            sequence.build(full=False)


@pytest.mark.long
def test_added_to_what_was_there_it_gives_the_same_marts(
    exports: list[Path], in_order: tuple[dict[str, str], Statements], tmp_path: Path
) -> None:
    sequence = Sequence(tmp_path / "home")
    build_up(sequence, exports, seed=5)
    assert sequence.marts() == in_order[0]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_thirty_orders_of_arrival_give_the_same_marts(
    seed: int, exports: list[Path], in_order: tuple[dict[str, str], Statements], tmp_path: Path
) -> None:
    """Half of them built in full once all has come, half by dbt bit by bit."""
    sequence = Sequence(tmp_path / "home")
    if seed % 2:
        build_up(sequence, exports, seed)
    else:
        for delivery in deliveries(exports, seed):
            sequence.deliver(delivery)
        in_order[1].replay(sequence)
    assert sequence.marts() == in_order[0]
