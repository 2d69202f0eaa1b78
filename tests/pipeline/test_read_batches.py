"""Which landed batches a partial run reads of events: the new ones and those of rows it holds.

That others are not read is seen by putting into one that is old a version that would win.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.support.raw import PROJECT, read, run_dbt, write_raw

Rows = list[tuple[Any, ...]]


class Events:
    """Batches of events of a source, as they stand; each change of one is younger."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows: list[dict[str, Any]] = []
        self.batches: dict[str, dict[str, Any]] = {}

    def land(
        self, batch: str, *events: tuple[str, int, int], kind: str = "home", name: int | None = None
    ) -> None:
        """Events as (id, day, version); `kind` is what all of them are.

        `name` is the place of the file's name, where nothing else tells the age of its rows.
        """
        for event, day, version in events:
            self.rows.append({
                "batch": batch, "event_id": event, "platform": "p", "shop_id": "s",
                "visitor_key": f"v{event}", "event_type": kind,
                "occurred_at": datetime(2026, 3, day, 9),
                "_version_at": datetime(2026, 4, version),
                "_name_order": name,
            })  # fmt: skip
        self.state(batch, is_active=True, name=name)

    def state(self, batch: str, *, is_active: bool, name: int | None = None) -> None:
        seq = 1 + max((one["seq"] for one in self.batches.values()), default=0)
        self.batches[batch] = {"batch_id": batch, "source": "shop", "feed": "events", "seq": seq,
                               "is_active": is_active, "name_order": name}  # fmt: skip

    def build(self) -> None:
        states = pl.DataFrame(list(self.batches.values()), infer_schema_length=None)
        frame = pl.DataFrame(self.rows, infer_schema_length=None).join(
            states.select(batch="batch_id", _is_active="is_active", _seq="seq"), on="batch"
        )
        write_raw(self.file, {"events": frame}, batches=states)
        run_dbt(
            PROJECT, self.file, "build", "--select",
            *("+stg_raw__events", "int_events_summed", "int_purchases_tracked"),
            *("--exclude-resource-type", "test", "unit_test"),
        )  # fmt: skip

    def staged(self) -> Rows:
        """Events as (id, day, kind, batch, is tied)."""
        return read(
            self.file,
            "select event_id, day(event_date)::int, event_type, _batch_id, _is_tied"
            " from staging.stg_raw__events order by all",
        ).rows()

    def summed(self) -> Rows:
        return read(
            self.file,
            "select day(event_date)::int, sum(event_count)::int"
            " from intermediate.int_events_summed group by all order by all",
        ).rows()


@pytest.fixture
def events(tmp_path: Path) -> Events:
    """Two batches, a day each, that are built."""
    events = Events(tmp_path / "build" / "working.duckdb")
    events.land("b1", ("a", 1, 1), ("b", 1, 1))
    events.land("b2", ("c", 2, 2))
    events.build()
    assert events.summed() == [(1, 2), (2, 1)]
    return events


def test_a_batch_that_no_new_event_is_in_is_not_read(events: Events) -> None:
    # If b1 were read, its forged version of the new event would win.
    events.rows.append(events.rows[0] | {"event_id": "d", "_version_at": datetime(2026, 5, 1)})
    events.land("b3", ("d", 3, 3))
    events.build()
    assert ("d", 3, "home", "b3", False) in events.staged()
    events.state("b1", is_active=True)
    events.build()
    assert ("d", 1, "home", "b1", False) in events.staged()


def test_an_event_moves_with_its_newer_version_and_back_when_that_is_withdrawn(
    events: Events,
) -> None:
    """All of the first day move away; what was told before is told again, from a batch long ago."""
    events.land("b3", ("a", 3, 3), ("b", 3, 3), kind="purchase")
    events.build()
    assert events.summed() == [(2, 1), (3, 2)]
    events.land("b4", ("a", 4, 4))
    events.build()
    assert events.summed() == [(2, 1), (3, 1), (4, 1)]
    events.state("b4", is_active=False)
    events.build()
    assert events.staged()[0] == ("a", 3, "purchase", "b3", False)
    events.state("b3", is_active=False)
    events.build()
    assert events.summed() == [(1, 2), (2, 1)]
    events.state("b1", is_active=False)
    events.build()
    assert events.staged() == [("c", 2, "home", "b2", False)]
    assert events.summed() == [(2, 1)]


def test_an_older_version_that_comes_late_changes_nothing(events: Events) -> None:
    events.land("b3", ("c", 5, 1))
    events.build()
    assert events.staged()[2] == ("c", 2, "home", "b2", False)


def test_a_name_of_long_ago_that_contradicts_the_last_row_is_told(events: Events) -> None:
    """The new file is the last but one by name; the last is in neither it nor what is held."""
    events.land("b3", ("d", 3, 1), name=9)
    events.land("b4", ("d", 3, 2), name=4)
    events.build()
    assert ("d", 3, "home", "b4", False) in events.staged()
    events.land("b5", ("d", 3, 3), kind="list", name=5)
    events.build()
    assert ("d", 3, "list", "b5", True) in events.staged()
    events.land("b6", ("d", 3, 4), kind="list", name=10)
    events.build()
    assert ("d", 3, "list", "b6", False) in events.staged()


def test_a_row_stays_tied_with_one_of_a_batch_long_ago(events: Events) -> None:
    events.land("b3", ("a", 1, 1), kind="list")
    events.build()
    assert events.staged()[0] == ("a", 1, "list", "b3", True)
    events.land("b4", ("a", 1, 1), kind="list")
    events.build()
    assert events.staged()[0] == ("a", 1, "list", "b4", True)
    events.land("b5", ("a", 1, 5))
    events.build()
    assert events.staged()[0] == ("a", 1, "home", "b5", False)


def test_a_snapshot_of_events_withdraws_what_it_does_not_hold(events: Events) -> None:
    """Its unit is a day; one of b6 has another event of the day that b5 told of."""
    for batch, event, version in (("b5", "x", 5), ("b6", "y", 6)):
        events.land(batch, (event, 7, version))
        events.rows[-1] |= {"_unit_key": "2026-03-07", "_covers_from": "2026-03-07",
                            "_covers_to": "2026-03-07"}  # fmt: skip
        events.build()
    assert [row[0] for row in events.staged()] == ["a", "b", "c", "y"]
    assert events.summed()[-1] == (7, 1)
