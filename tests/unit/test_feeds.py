"""Feeds are told of in YAML: read strictly, and all that a feed is known by follows from it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ingestion.errors import MappingError
from ingestion.feeds import FEEDS, INSTANT, TEXT, Column
from ingestion.feeds.load import load_feeds

ROOT = Path(__file__).parents[2]
TOY = """
toys:
  grain: One row a toy.
  key: [toy_id]
  instant: made_at
  columns:
    toy_id: {required: true, means: "Number of the toy."}
    price: {type: money, means: "What it costs."}
    currency:
    made_at: {type: instant, required: true, means: "When it was made."}
    maker_key: {type: text, pseudonym_of: maker, means: "Keyed pseudonym of who made it."}
    kind: {allowed: [bear, doll], means: "What it is."}
    box: The box it lies in.
"""


def with_toys(folder: Path, toys: str = TOY) -> Path:
    """A copy of the feeds with one more."""
    shutil.copytree(ROOT / "ingestion/feeds", folder)
    with (folder / "sales.yml").open("a") as file:
        file.write(toys)
    return folder


def test_a_feed_is_what_its_yaml_says(tmp_path: Path) -> None:
    feeds = load_feeds(with_toys(tmp_path / "feeds"))
    assert [name for name in feeds if name != "toys"] == list(FEEDS)
    toys = feeds["toys"]
    assert list(toys.columns) == [
        "toy_id",
        "currency",
        "made_at",
        "price",
        "maker_key",
        "kind",
        "box",
    ]
    assert (toys.key, toys.instant) == (("toy_id",), "made_at")
    assert (toys.columns["made_at"], toys.columns["price"]) == (INSTANT, pl.Decimal(18, 2))
    assert toys.columns["toy_id"] == TEXT
    assert toys.given[-1] == Column("box", TEXT, "The box it lies in.")
    assert toys.personal == {"maker": "maker_key"}
    shared = next(column for column in FEEDS["orders"].given if column.name == "currency")
    assert toys.given[2] == shared


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("type: money", "type: coins", "toys.price: has no type `coins`"),
        ("type: money, ", "type: 2, ", "toys.price: `type: 2` is no str"),
        ("required: true", "requird: true", "toys.toy_id: unknown key `requird`"),
        ("required: true", "required: often", "toys.toy_id: `required: often` is no bool"),
        ("allowed: [bear, doll]", "allowed: bear", "toys.kind: `allowed: bear` is no list"),
        ('means: "What it is."', "means: null", "toys.kind: `means: None` is no str"),
        ('means: "What it is."', 'means: ""', "toys.kind: `means` is missing"),
        ("    currency:\n", "    curency:\n", "toys.curency: says nothing"),
        (
            "    currency:\n",
            "    source: {type: text, means: x}\n",
            "`source` is a name of",
        ),
        ("    currency:\n", "    currency:\n    currency:\n", "key `currency` is given twice"),
        ("key: [toy_id]", "key: [toy]", "toys: has no column `toy`"),
        ("instant: made_at", "instant: made", "toys: has no column `made`"),
        ("  grain: One row a toy.\n", "", "toys: `grain` is missing"),
        ("toys:\n", "budgets:\n", "feeds/traffic.yml budgets: is told of twice"),
    ],
)
def test_what_a_feed_cannot_say_is_refused(
    tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    assert right in TOY
    with pytest.raises(MappingError) as error:
        load_feeds(with_toys(tmp_path / "feeds", TOY.replace(right, wrong, 1)))
    assert told in str(error.value)


FOLLOWS = """
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb

from ingestion.documents.feeds import page
from ingestion.feeds.schemas import schema_of
from orchestration.build.raw import create_raw
from orchestration.defs.ingest import ingest
from tests.support.exports import SHOP
from tests.support.homes import Home

assert dg.AssetKey(["raw", "toys"]) in ingest.keys
assert "| `kind` | text |  | What it is. One of `bear`, `doll`. |" in page()
assert not schema_of("toys").columns["made_at"].nullable
files = [{"path": "*.csv", "format": "plain_toys"}]
home = Home(Path(sys.argv[1]), {"shop": {**SHOP, "files": files}})
home.put("toy_id,price,made_at,maker,kind\\n1,9.50,2026-05-04 10:00:00,Ann,bear\\n"
         + "".join(f"{n},1.00,2026-05-04 11:00:00,,doll\\n" for n in range(3, 9))
         + "2,9.50,2026-05-04 10:00:00,Ann,train\\n")
assert home.land()["rows_quarantined"] == 1
with duckdb.connect() as con:
    sources = home.settings.sources
    create_raw(con, home.paths.landing, home.state.files(), sources, date(2026, 5, 4))
    rows = con.sql("select * from raw.toys order by toy_id").pl()
assert rows["kind"].to_list() == ["bear", *6 * ["doll"]]
assert rows["currency"].unique().to_list() == ["CNY"]
assert "maker" not in rows.columns and rows["maker_key"].drop_nulls().str.len_bytes().item() == 32
"""


def test_all_that_follows_from_a_feed_follows_from_its_yaml(tmp_path: Path) -> None:
    """Asset, page, schema, plain format, landing, pseudonyms and raw view; no code is touched."""
    shutil.copytree(ROOT / "ingestion", tmp_path / "ingestion")
    shutil.rmtree(tmp_path / "ingestion/feeds")
    with_toys(tmp_path / "ingestion/feeds")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", FOLLOWS, tmp_path / "home"], env=environment,
                          cwd=tmp_path, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
