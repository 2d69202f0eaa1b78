"""Large files: block by block and quickly, with the same result as whole and exactly."""

import gzip
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ingestion.landing.stream
import ingestion.reading.preflight
from ingestion.errors import FileRejected
from ingestion.landing.account import LandedFile
from ingestion.mapping.rules import Read
from ingestion.reading import delimited as reader
from ingestion.reading.columns import LINE, ROW, Raw
from tests.support.exports import HEADER, ORDERS, Shop, order, orders

COLUMNS = ["event_id", "occurred_at", "visitor_id", "event_type", "product_id", "region"]
EVENTS: dict[str, Any] = {
    "read": {"header": COLUMNS},
    "personal": ["visitor_id"],
    "feeds": {"events": {"columns": {name: name for name in COLUMNS}}},
}
CELLS = ["a", "", " ", " b ", "\u3000c", "x\xa0", "'7", "中文", "d\te", "-", "\r", "tail "]
ODD = ['"q"', '"a,b"', '"two\nlines"', '"say ""x"""', 'st"ray', '"a"b', "one,more", '=""']


def messy(seed: int, delimiter: str, end: str) -> tuple[str, Read]:
    """A random file of three columns: most of it sound, some of it not."""
    dice = random.Random(seed)
    odd = dice.choice([0, 0, 0.02, 0.3])
    rows = []
    for number in range(dice.randint(0, 60)):
        cells = [str(number), dice.choice(CELLS), dice.choice(CELLS)]
        if dice.random() < odd:
            cells[dice.randint(0, 2)] = dice.choice(ODD).replace(",", delimiter)
        if dice.random() < odd / 3:
            cells = cells[: dice.randint(0, 2)]
        rows.append(delimiter.join(cells))
    text = end.join([delimiter.join("abc"), *rows])
    text += dice.choice([end, end, "", end + end, f"{end}Total{delimiter}{delimiter}{end}"])
    read = Read(
        delimiter=delimiter,
        nulls=dice.choice([("",), ("", "-")]),
        clean=dice.choice([(), ("leading_quote",), ("excel_text", "leading_quote")]),
        footer=dice.choice([None, "^Total"]),
        final_newline=dice.choice(["required", "optional"]),
    )
    return text, read


def result(path: Path, read: Read, size: int | None = None) -> Raw | str:
    try:
        parts = list(reader.csv_blocks(path, read, ["c", "a"], "a", size))
    except FileRejected as error:
        return str(error)
    frame = pl.concat([part.frame for part in parts])
    return replace(parts[0], frame=frame, broken=pl.concat([part.broken for part in parts]))


@pytest.mark.parametrize("seed", range(120))
def test_quick_or_exact_in_blocks_or_whole_a_file_reads_the_same(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, read = messy(seed, ",;\t|"[seed % 4], ["\n", "\r\n"][seed % 3 == 0])
    path = tmp_path / "messy.csv"
    path.write_bytes(text.encode())
    # A row may be as long as four blocks: here blocks are tiny, not rows long.
    monkeypatch.setattr(ingestion.reading.preflight, "_LONGEST", 1000)
    found = [result(path, read, size) for size in (None, 40, 200)]
    with monkeypatch.context() as patch:
        patch.setattr(reader, "quick_cells", lambda *_: None)
        exact = result(path, read)
    for other in found:
        if isinstance(exact, str) or isinstance(other, str):
            assert other == exact
            continue
        assert_frame_equal(other.frame, exact.frame)
        assert_frame_equal(other.broken, exact.broken)
        assert (other.unknown, other.missing) == (exact.unknown, exact.missing)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_the_encoding_makes_no_difference_to_blocks(tmp_path: Path, encoding: str) -> None:
    text = "a,b,c\n" + "".join(f"{n},订单{n},二,\n"[:-2] + "\n" for n in range(40))
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    found = result(path, Read(encoding=encoding.removesuffix("-sig")), 64)
    assert isinstance(found, Raw)
    assert found.frame["c"].to_list() == ["二"] * 40
    assert found.frame[LINE].to_list() == list(range(2, 42))
    assert found.frame[ROW].to_list() == list(range(1, 41))


def test_faults_in_a_late_block_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{n},x,y\n" for n in range(100))
    for bad, told in (
        (b"\xff,x,y\n", "in line 102 does not fit"),
        (b"a\0b,x,y\n", "line 102 has a NUL"),
        (b"a,b,c\n", "the header stands in the file twice"),
        (b'"open,x,y\n', "opened in line 102 and never closed"),
    ):
        path.write_bytes(b"a,b,c\n" + rows.encode() + bad + rows.encode())
        found = result(path, Read(), 100)
        assert isinstance(found, str)
        assert told in found
        assert found == result(path, Read())


def test_a_row_longer_than_four_blocks_has_lost_its_quote(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{n},x,y\n" for n in range(50))
    path.write_text('a,b,c\n1,x,y\n2,"x,y\n' + rows + '3,"x,y\n' + rows, encoding="utf-8")
    assert "opened in line 3 and never closed" in str(result(path, Read(), 60))


# landing ---------------------------------------------------------------------------------------


def event(number: int, at: str = "2026-05-01 10:00:00", kind: str = "home", **cells: str) -> str:
    name = cells.get("id", f"e{number}")
    return f"{name},{at},v{number % 7},{kind},{cells.get('product', '')},r{number % 3}\n"


def events(count: int) -> str:
    return "".join(
        event(number, f"2026-05-01 {number // 60:02d}:{number % 60:02d}:00")
        for number in range(count)
    )


ACCOUNT = ("batch_id", "feeds", "rows_read", "rows_landed", "rows_quarantined", "rows_duplicate",
           "rows_excluded", "excluded", "unknown_columns", "first_at", "last_at", "version_at",
           "troubles", "issues", "quarantine_file", "needs")  # fmt: skip
EVENTS_HEADER = ",".join(COLUMNS) + "\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, EVENTS)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than 500 bytes are large."""
    monkeypatch.setattr(ingestion.reading.preflight, "BLOCK", 500)
    monkeypatch.setattr(ingestion.landing.stream, "BLOCK", 500)


Both = Callable[..., tuple[LandedFile, pl.DataFrame]]


@pytest.fixture
def both(shop: Shop, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Lands a file whole, then in blocks of 500 bytes: the same rows and the same account."""

    def land(text: str | bytes, name: str = "e.csv") -> tuple[LandedFile, pl.DataFrame]:
        whole = shop.land(text, name)
        rows = shop.rows(whole, "events")
        bad = shop.quarantined(whole) if whole.quarantine_file else None
        request.getfixturevalue("small_blocks")
        calls: list[int] = []
        judged = ingestion.landing.stream._judged
        monkeypatch.setattr(ingestion.landing.stream, "_judged",
                            lambda *args: (calls.append(1), judged(*args))[1])  # fmt: skip
        streamed = shop.land(text, name)
        assert calls, "was not read in blocks"
        assert_frame_equal(shop.rows(streamed, "events"), rows)
        for told in ACCOUNT:
            assert getattr(streamed, told) == getattr(whole, told), told
        if bad is not None:
            assert_frame_equal(shop.quarantined(streamed), bad)
        return streamed, rows

    return land


def test_a_large_file_lands_in_blocks_as_it_does_whole(both: Both) -> None:
    streamed, rows = both(EVENTS_HEADER + events(200))
    assert (streamed.rows_landed, rows.height) == (200, 200)
    # 03:19 in Shanghai, the last event of the file.
    assert rows["_version_at"].unique().to_list() == [datetime(2026, 4, 30, 19, 19)]


def test_keys_that_come_again_in_another_block_land_once(both: Both) -> None:
    streamed, rows = both(
        EVENTS_HEADER + events(150) + event(3, "2026-05-01 00:03:00") + events(20)
    )
    assert (streamed.rows_landed, streamed.rows_duplicate) == (150, 21)
    assert rows["event_id"].is_unique().all()


def test_contents_that_differ_under_one_key_are_set_aside_wherever_they_stand(both: Both) -> None:
    text = EVENTS_HEADER + events(150) + event(3, kind="list") + events(20) + event(3, kind="other")
    streamed, rows = both(text)
    assert (streamed.rows_landed, streamed.rows_duplicate) == (149, 19)
    assert streamed.rows_quarantined == 4
    assert "e3" not in rows["event_id"]


def test_the_version_is_the_last_instant_of_good_rows_wherever_it_stands(both: Both) -> None:
    late = event(900, "2026-05-03 00:00:00")
    broken = event(901, "2026-06-01 00:00:00", kind="nonsense")
    streamed, rows = both(EVENTS_HEADER + events(80) + late + broken + events(100))
    assert streamed.version_at == datetime(2026, 5, 2, 16)
    assert rows["_version_at"].unique().to_list() == [datetime(2026, 5, 2, 16)]


def test_rows_with_their_own_version_keep_it(shop: Shop, both: Both) -> None:
    shop.form = {**EVENTS, "updated_at": "region",
                 "read": {"header": COLUMNS}}  # fmt: skip
    rows = [event(n).replace(f"r{n % 3}", "2026-05-04 00:00:00" if n % 2 else "")
            for n in range(100)]  # fmt: skip
    again = event(1).replace("r1", "2026-05-03 00:00:00")
    streamed, landed = both(EVENTS_HEADER + "".join(rows) + again)
    assert streamed.rows_duplicate == 1
    versions = landed.sort("_row_number")["_version_at"].to_list()
    assert versions[:2] == [datetime(2026, 5, 1, 2), datetime(2026, 5, 3, 16)]


def test_bad_excluded_and_broken_rows_of_all_blocks_are_accounted(shop: Shop, both: Both) -> None:
    shop.form = {**EVENTS, "exclude": {"bot": "region = 'r2'"}}
    good = [event(n) for n in range(300)]
    good[7] = event(7, kind="nonsense")
    good[150] = "a,b\n"
    good[151] = event(151, product='"x, y"')
    good[299] = event(298, at="never").rstrip("\n")
    streamed, _ = both(EVENTS_HEADER + "".join(good))
    assert (streamed.rows_read, streamed.rows_quarantined) == (300, 3)
    assert dict(streamed.excluded) == {"bot": 99}
    told = shop.quarantined(streamed)
    assert told["line_number"].to_list() == [9, 152, 301]
    assert told["byte_offset"].to_list() == [
        len(EVENTS_HEADER + "".join(good[:number])) for number in (7, 150, 299)
    ]


def test_events_without_an_id_are_told_apart_over_the_whole_file(both: Both) -> None:
    alike = event(1).replace("e1,", ",")
    _, rows = both(EVENTS_HEADER + alike + events(100) + alike)
    made = rows.filter(~pl.col("event_id").str.starts_with("e"))["event_id"].to_list()
    assert len(set(made)) == 2


def test_a_packed_file_is_read_in_blocks_too(both: Both) -> None:
    text = (EVENTS_HEADER + events(200)).encode()
    streamed, _ = both(gzip.compress(text, mtime=0), "e.csv.gz")
    assert streamed.rows_landed == 200


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_with_too_many_bad_rows_leaves_nothing(shop: Shop) -> None:
    bad = "".join(event(number, kind="nonsense") for number in range(100))
    with pytest.raises(FileRejected, match="100 of 200 rows are bad"):
        shop.land(EVENTS_HEADER + events(100) + bad)
    with pytest.raises(FileRejected, match="never closed"):
        shop.land(EVENTS_HEADER + events(100) + '"open\n' + events(100))
    assert shop.landed_files == []
    assert list((shop.root / "landing/events").iterdir()) == []


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_gives_the_same_bytes_again(shop: Shop) -> None:
    text = EVENTS_HEADER + events(300) + event(5, "2026-05-01 00:05:00")
    shop.land(text)
    [file] = shop.landed_files
    first = file.read_bytes()
    shop.land(text)
    assert file.read_bytes() == first


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("step", [1, -1])
def test_a_large_file_in_order_of_time_either_way_is_written_once(
    step: int, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    write = ingestion.landing.stream.sink

    def told(rows: pl.LazyFrame, draft: Path) -> None:
        written.append(draft)
        write(rows, draft)

    monkeypatch.setattr(ingestion.landing.stream, "sink", told)
    rows = events(200).splitlines(keepends=True)[::step]
    landed = shop.land(EVENTS_HEADER + "".join(rows))
    assert len(written) == 1
    assert landed.version_at == datetime(2026, 4, 30, 19, 19)


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_with_a_list_of_values_lands(shop: Shop) -> None:
    shop.form = {**EVENTS, "filter": "region IN ('r0', 'r1')"}
    landed = shop.land(EVENTS_HEADER + events(90))
    assert (landed.rows_landed, landed.rows_excluded) == (60, 30)


@pytest.mark.usefixtures("small_blocks")
def test_an_order_that_comes_again_in_another_block_is_judged_with_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path, ORDERS)
    landed = shop.land(HEADER + orders(60) + order(1, "3.00"))
    assert (landed.rows_landed, landed.rows_quarantined) == (59, 2)
