"""What holds for every shipped format: a sample, rows worked out by hand, and its borders."""

import io
from pathlib import Path

import polars as pl
import pytest

from ingestion.errors import FileRejected
from ingestion.mapping.formats import load_formats
from ingestion.mapping.spec import Format
from tests.support.exports import Shop
from tests.support.samples import SAMPLES, name_of, sample, shop_for

HERE = Path(__file__).parent
FORMATS = load_formats()
SAMPLED = [name for name in FORMATS if list(SAMPLES.glob(f"{name}.*"))]
PLAIN_FEEDS = tuple(name for name in FORMATS if name.startswith("plain_"))


def shop(tmp_path: Path, form: str) -> Shop:
    # The samples hold more oddities than a real file may.
    return shop_for(tmp_path, form, max_bad_share=1)


def header_end(form: Format, lines: list[str]) -> int:
    """Number of lines to the header: the first that holds all columns that must be there."""
    needed = {name for name in form.reads if name not in form.read.optional}
    for number, line in enumerate(lines):
        cells = next(iter(pl.read_csv(
            io.BytesIO((line or "x").encode()), has_header=False, infer_schema=False,
            separator=form.read.delimiter).iter_rows()))  # fmt: skip
        if needed <= {str(cell or "").strip() for cell in cells}:
            return number + 1
    raise AssertionError(f"no header in the sample of {form.name}")


def lines_of(form: Format) -> list[str]:
    text = sample(form.name).read_bytes().decode(form.read.encoding).removeprefix("\ufeff")
    return text.replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("name", SAMPLED)
def test_each_format_has_a_sample_that_lands_and_a_test_of_its_rows(
    tmp_path: Path, name: str
) -> None:
    home = shop(tmp_path, name)
    landed = home.land(sample(name).read_bytes(), name_of(name))
    assert landed.rows_landed > 0
    assert landed.unknown_columns == ()
    assert set(landed.feeds) == set(FORMATS[name].feeds)
    assert len(home.landed_files) >= len(landed.feeds)
    tests = "".join(
        path.read_text(encoding="utf-8")
        for path in HERE.glob("test_formats_*.py")
        if path.name != Path(__file__).name
    )
    by_feed = name in PLAIN_FEEDS and f'"{name.removeprefix("plain_")}": (' in tests
    assert by_feed or f'"{name}"' in tests, f"no test names {name}"


@pytest.mark.parametrize("name", [name for name in SAMPLED if name not in PLAIN_FEEDS])
def test_each_format_says_how_sure_it_is(name: str) -> None:
    assert FORMATS[name].notes.certainty


def test_each_sample_is_of_a_format() -> None:
    found = {path.name.partition(".")[0] for path in SAMPLES.iterdir()} - {"README"}
    assert found == set(FORMATS)


@pytest.mark.parametrize("name", SAMPLED)
def test_a_file_of_nothing_but_its_header_is_a_day_without_rows(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    home = shop(tmp_path, name)
    if form.read.kind == "parquet":
        path = home.put(b"", name_of(name))
        pl.read_parquet(sample(name)).clear().write_parquet(path)
    elif form.read.kind == "jsonl":  # which has no header: of nothing it is a failed transfer
        with pytest.raises(FileRejected, match="is empty"):
            home.land(b"", name_of(name))
        return
    else:
        lines = lines_of(form)
        text = "".join(f"{line}\n" for line in lines[: header_end(form, lines)])
        path = home.put(text.encode(form.read.encoding), name_of(name))
    landed = home.land(path)
    assert (landed.rows_read, landed.rows_landed, landed.first_at) == (0, 0, None)
    assert landed.issues == ()
    for feed in form.feeds:
        assert home.rows(landed, feed).is_empty()


@pytest.mark.parametrize("name", SAMPLED)
def test_a_column_nobody_knows_is_named_and_not_landed(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    home = shop(tmp_path, name)
    if form.read.kind == "parquet":
        path = home.put(b"", name_of(name))
        pl.read_parquet(sample(name)).with_columns(colour=pl.lit("red")).write_parquet(path)
    elif form.read.kind == "jsonl":
        text = "".join(line.replace("{", '{"colour":"red",', 1) + "\n"
                       for line in lines_of(form) if line)  # fmt: skip
        path = home.put(text, name_of(name))
    else:
        lines = lines_of(form)
        end = header_end(form, lines)
        mark = form.read.delimiter
        footer = lines[end:] if form.read.footer else []
        head = "\n".join([*lines[: end - 1], f"{lines[end - 1]}{mark}colour"])
        body = "".join(f"\n{line}{mark}red" for line in lines[end:] if line and not footer)
        path = home.put(f"{head}{body}\n".encode(form.read.encoding), name_of(name))
    landed = home.land(path)
    assert landed.unknown_columns == ("colour",)
    if not form.read.footer:  # whose rows are left out above
        assert landed.feeds == shop(tmp_path / "as_is", name).land(
            sample(name).read_bytes(), name_of(name)).feeds  # fmt: skip
    for feed in form.feeds:
        assert "colour" not in home.rows(landed, feed).columns


@pytest.mark.parametrize("name", [n for n in SAMPLED if FORMATS[n].read.kind == "csv"])
def test_a_file_without_a_column_it_needs_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    form = FORMATS[name]
    lines = lines_of(form)
    end = header_end(form, lines)
    needed = next(c for c in form.reads if c not in form.read.optional)
    mark = form.read.delimiter
    cells = lines[end - 1].split(mark)
    lines[end - 1] = mark.join("renamed" if c.strip(' "') == needed else c for c in cells)
    text = "".join(f"{line}\n" for line in lines)
    with pytest.raises(FileRejected, match="is missing"):
        shop(tmp_path, name).land(text.encode(form.read.encoding), name_of(name))
