"""`kpi export`: the published tables as files, for tools that read no DuckDB."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, allowed

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa  # type: ignore[import-untyped]

FORMATS = ("parquet", "csv")
_BATCH_ROWS = 250_000
_FORMULA = r"^[=+\-@\t\r]"
"""What a spreadsheet takes for a formula at the start of a cell (OWASP, CSV injection)."""

Writer = Callable[["pa.RecordBatchReader", Path], int]


def export_published(
    what: str, out: Path | None, table: str, contacts: Path | None = None, source: str = ""
) -> None:
    """Write tables, what they and the metrics mean, or the people of an audience.

    Raises:
        KpiError: nothing is called so, or as the export itself.
    """
    allowed("export", what, (*FORMATS, "docs", "semantic", "audience"))
    if what in FORMATS:
        export_tables(what, out, table)
        return
    if what == "audience":
        from orchestration.cli.audience import export_audience

        export_audience(table, contacts, source, out)
        return
    from orchestration.cli import documents

    (documents.export_docs if what == "docs" else documents.export_semantic)(out)


def export_tables(kind: str, out: Path | None, table: str) -> None:
    """Write every published table, or one, into a folder; a file there is replaced as a whole.

    Only what is published is read, through the same sandbox as `kpi sql`: what a table holds of a
    person is the pseudonym the marts hold.

    Args:
        kind: `parquet` or `csv`.
        out: folder; default `data/export` of the data folder.
        table: such as `marts.fct_gmv_daily` or `fct_gmv_daily`; empty for all.

    Raises:
        KpiError: an unknown format or table, or the folder cannot be written.
    """
    allowed("export", kind, FORMATS)
    paths = settings.load().paths
    folder = out or paths.data / "export"
    write: Writer = _write_parquet if kind == "parquet" else _write_csv
    done = []
    with warehouse.connect_published(paths.current) as con:
        known = _tables(con)
        chosen = [_chosen(table, known)] if table else known
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in chosen:
                target = folder / f"{name}.{kind}"
                with replacing(target) as part:
                    reader = con.sql(f"from {name}").to_arrow_reader(_BATCH_ROWS)
                    rows = write(reader, part)
                done.append({"table": name, "file": str(target), "rows": rows})
                console.note(f"  {name}: {rows:,} rows")
            _write_schema(con, folder, chosen)
        except OSError as error:
            raise KpiError(
                f"cannot write: {error.strerror or error}",
                str(folder),
                "Choose another folder with --out.",
                ExitCode.USAGE,
            ) from error
    console.document({"format": kind, "folder": str(folder), "tables": done})
    console.out(f"{len(done)} tables written to {folder}")


def _write_schema(con: duckdb.DuckDBPyConnection, folder: Path, chosen: list[str]) -> None:
    """`schema.json` beside the files: what each table and column is."""
    from orchestration.cli.documents import described

    told = {name: entry for name, entry in described(con).items() if name in chosen}
    with replacing(folder / "schema.json") as part:
        part.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "select table_schema || '.' || table_name from information_schema.tables"
        " where table_schema in (select unnest(?)) order by all",
        [list(warehouse.PUBLISHED_SCHEMAS)],
    ).fetchall()
    return [name for (name,) in rows]


def _chosen(table: str, known: list[str]) -> str:
    """The full name of a table, which may be given without its schema."""
    full = [name for name in known if table in (name, name.partition(".")[2])]
    if len(full) == 1:
        return full[0]
    allowed("--table", table, known if "." in table else [n.partition(".")[2] for n in known])
    raise KpiError(
        f"{table!r} is the name of several tables", "--table", f"One of {', '.join(full)}.",
        ExitCode.USAGE,
    )  # fmt: skip


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A file beside the target that takes its place when it is complete."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _write_parquet(reader: pa.RecordBatchReader, file: Path) -> int:
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = 0
    with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_csv(reader: pa.RecordBatchReader, file: Path) -> int:
    """UTF-8 with a byte order mark, so that spreadsheets read Chinese."""
    import polars as pl

    rows = 0
    with file.open("wb") as stream:
        for batch in _with_header(reader):
            frame = pl.DataFrame(batch)
            texts = [pl.col(n) for n, kind in frame.schema.items() if kind == pl.String]
            safe = frame.with_columns(
                pl.when(text.str.contains(_FORMULA))
                .then(pl.concat_str(pl.lit("'"), text))
                .otherwise(text)
                .name.keep()
                for text in texts
            )
            safe.write_csv(stream, include_bom=stream.tell() == 0,
                           include_header=stream.tell() == 0)  # fmt: skip
            rows += frame.height
    return rows


def _with_header(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The batches as tables; one without rows where there is none, for its header."""
    import pyarrow as pa

    empty = True
    for batch in reader:
        if batch.num_rows:
            empty = False
            yield pa.Table.from_batches([batch])
    if empty:
        yield reader.schema.empty_table()
