"""Any file as rows of text, by what its mapping and its first bytes say it is."""

from __future__ import annotations

from pathlib import Path

from ingestion.mapping.rules import Read
from ingestion.reading.columns import Raw
from ingestion.reading.delimited import read_csv
from ingestion.reading.kinds import SPREADSHEETS, kind_of
from ingestion.reading.nested import read_jsonl, read_parquet
from ingestion.reading.spreadsheet import read_spreadsheet


def read_rows(path: Path, read: Read, wanted: list[str], key: str | None = None) -> Raw:
    """Read the wanted columns of a file.

    Args:
        path: the file, already checked to lie in the inbox.
        read: how to.
        wanted: columns to return.
        key: column of tables to tell of broken rows, so that their order can be set aside.

    Raises:
        FileRejected: it cannot be read.
    """
    if read.kind == "parquet":
        return read_parquet(path, read, wanted)
    if read.kind == "jsonl":
        return read_jsonl(path, read, wanted)
    if read.kind == "xlsx" or kind_of(path) in SPREADSHEETS:
        return read_spreadsheet(path, read, wanted, key)
    return read_csv(path, read, wanted, key)
