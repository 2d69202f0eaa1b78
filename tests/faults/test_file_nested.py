"""Damaged JSON lines and Parquet."""

import gzip

import polars as pl
import pytest

from tests.support.exports import Shop, refused


def event(number: int) -> str:
    return (
        f'{{"event_timestamp":"17776000{number:02d}000000","event_name":"view_item",'
        f'"user_pseudo_id":"v{number}","items":[{{"item_id":"P1"}}]}}\n'
    )


def test_a_cut_json_line_lands_the_whole_ones(shop: Shop) -> None:
    shop.form = "ga4_events_jsonl"
    text = "".join(event(n) for n in range(10))
    landed = shop.land(gzip.compress(text[:-20].encode()), "events_20260501.json.gz")
    assert (landed.rows_landed, landed.rows_quarantined) == (9, 1)
    assert shop.quarantined(landed)["reason"].to_list() == ["cut_row"]


def test_lines_that_are_no_json_are_set_aside_one_by_one(shop: Shop) -> None:
    shop.form = "ga4_events_jsonl"
    lines = [event(n) for n in range(20)]
    lines[3], lines[11], lines[17] = "hello\n", '{"event_name": oops}\n', "[1,2]\n"
    landed = shop.land("".join(lines), "events_20260501.json")
    assert (landed.rows_landed, landed.rows_quarantined) == (17, 3)
    assert shop.quarantined(landed)["row_number"].to_list() == [4, 12, 18]


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_cut_parquet_file_is_refused(shop: Shop, keep: float) -> None:
    shop.form = "ga4_events"
    path = shop.put(b"", "events_202605.parquet")
    pl.DataFrame(
        {"event_timestamp": [1], "event_name": ["x"], "user_pseudo_id": ["v"]}
    ).write_parquet(path)
    data = path.read_bytes()
    told = refused(shop, data[: int(len(data) * keep)] or b"PAR1", "events_202605.parquet")
    assert "is not a whole Parquet file" in told


def test_a_parquet_file_without_a_needed_column_is_refused(shop: Shop) -> None:
    shop.form = "ga4_events"
    path = shop.put(b"", "events_202605.parquet")
    pl.DataFrame({"event_timestamp": [1], "user_pseudo_id": ["v"]}).write_parquet(path)
    assert "`event_name` is missing" in refused(shop, path.read_bytes(), "events_202605.parquet")
