"""Manifests: files that are not what they should be, versions ordered by what is said of them."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion.errors import FileRejected
from ingestion.landing.deliveries import unmatched_files
from ingestion.landing.manifest import Entry, is_manifest, read_manifest
from tests.support.delivered import Home
from tests.support.exports import HEADER, ORDERS, order, orders

SOURCES = {"shop": {"files": [{"path": "shop/**/*.csv", "format": ORDERS}]}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", SOURCES)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("manifest.csv", True),
        ("manifest_20261010.json", True),
        ("Manifest-1.CSV", True),
        ("manifesto.csv", False),
        ("manifest.csv.gz", False),
        ("orders_manifest.csv", False),
    ],
)
def test_a_manifest_is_told_by_its_name(name: str, expected: bool) -> None:
    assert is_manifest(name) is expected


def test_csv_and_json_say_the_same(home: Home) -> None:
    home.put(
        "shop/manifest.csv",
        "\ufefffile,rows,sha256,exported_at,first_date,last_date\n"
        f"a.csv,12,{'AB' * 32},2026-05-02T03:00:00+02:00,2026-05-01,2026-05-01\n"
        "old/b.csv,,,,,\n",
    )
    home.put(
        "manifest.json",
        json.dumps({"files": [
            {"file": "shop/a.csv", "rows": 12, "sha256": "ab" * 32,
             "exported_at": "2026-05-02T03:00:00+02:00", "first_date": "2026-05-01",
             "last_date": "2026-05-01"},
            {"file": "shop/old/b.csv"},
        ]}),
    )  # fmt: skip
    told = [
        [
            e.model_copy(update={"manifest": ""})
            for e in read_manifest(home.inbox / name, home.inbox)
        ]
        for name in ("shop/manifest.csv", "manifest.json")
    ]
    assert told[0] == told[1]
    first, second = told[0]
    assert first.file == "shop/a.csv" and second.file == "shop/old/b.csv"
    assert first.exported_utc("Asia/Shanghai") == datetime(2026, 5, 2, 1)
    assert (first.claims, second.claims) == (f"12|{'ab' * 32}", "")


def test_an_instant_without_offset_is_local_time_of_the_source() -> None:
    entry = Entry(file="a.csv", exported_at=datetime(2026, 5, 2, 3))
    assert entry.exported_utc("Asia/Shanghai") == datetime(2026, 5, 1, 19)
    assert entry.exported_utc("Europe/Berlin") == datetime(2026, 5, 2, 1)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("manifest.csv", "file,rows\na.csv,many\n", "entry 1 rows"),
        ("manifest.csv", "file,rows\na.csv,1\na.csv,-1\n", "entry 2 rows"),
        ("manifest.csv", "file,row\na.csv,1\n", "unknown key `row`"),
        ("manifest.csv", "name\na.csv\n", "entry 1"),
        ("manifest.csv", "file,sha256\na.csv,123\n", "sha256"),
        ("manifest.csv", "file\n../../etc/passwd\n", "outside the inbox"),
        ("manifest.csv", "file\n/etc/passwd\n", "outside the inbox"),
        ("manifest.csv", "file,first_date,last_date\na.csv,2026-05-02,2026-05-01\n", "lies after"),
        ("manifest.csv", "", "cannot be read"),
        ("manifest.json", '{"files": 3}', "no list"),
        ("manifest.json", "[", "cannot be read"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused(
    home: Home, name: str, content: str, told: str
) -> None:
    home.put(f"shop/{name}", content)
    with pytest.raises(FileRejected, match=told):
        read_manifest(home.inbox / "shop" / name, home.inbox)
    assert home.land()["files_refused"] == 1
    assert home.statuses() == {f"shop/{name}": "refused"}
    home.put(f"shop/{name}", "file\na.csv\n" if name.endswith("csv") else '[{"file": "a.csv"}]')
    home.land()
    assert home.statuses() == {}
    assert home.missing() == ["shop/a.csv"]


def test_a_manifest_is_never_data_nor_a_stray_file(home: Home) -> None:
    home.put("shop/manifest.csv", "file\na.csv\n")
    home.put("manifest_x.json", "[]")
    assert home.land()["files_seen"] == 0
    assert unmatched_files(home.inbox, home.settings.sources) == []


WHOLE = HEADER + orders(10)


@pytest.mark.parametrize(
    ("claim", "manifest_first", "format_"),
    [
        ("rows", True, "csv"),
        ("rows", False, "json"),
        ("sha256", False, "csv"),
        ("both", True, "json"),
    ],
)
def test_a_cut_file_is_refused_and_lands_when_it_comes_whole(
    tmp_path: Path, claim: str, manifest_first: bool, format_: str
) -> None:
    home = Home(tmp_path / "home", SOURCES)
    # Cut between two lines: nothing in the file itself tells.
    cut = HEADER + orders(7)
    entry = {"file": "a.csv", "rows": 10, "sha256": sha(WHOLE)}
    entry = {key: value for key, value in entry.items() if claim in ("both", key) or key == "file"}
    text = json.dumps([entry])
    if format_ == "csv":
        text = f"{','.join(entry)}\n{','.join(map(str, entry.values()))}\n"

    def deliver_manifest() -> None:
        home.put(f"shop/manifest.{format_}", text)

    if manifest_first:
        deliver_manifest()
        home.land()
    home.put("shop/a.csv", cut)
    home.land()
    if not manifest_first:
        assert home.rows("orders").height == 7
        deliver_manifest()
        home.land()
    assert home.statuses() == {"shop/a.csv": "refused"}
    assert home.rows("orders").is_empty()
    assert home.missing() == ["shop/a.csv"]
    [message] = [f["message"] for f in home.state.files() if f["status"] == "refused"]
    wanted = "has 7 data rows, its manifest announces 10" if claim == "rows" else sha(WHOLE)[:12]
    assert wanted in message and "shop/manifest" in message and "Deliver it again" in message
    home.put("shop/a.csv", WHOLE)
    home.land()
    assert home.statuses() == {"shop/a.csv": "landed"}
    assert home.rows("orders").height == 10
    assert home.missing() == []
    assert home.land()["files_landed"] == 0


def test_a_wrong_manifest_is_corrected(home: Home) -> None:
    home.put("shop/a.csv", WHOLE)
    home.land()
    [before] = [f["batch_id"] for f in home.state.files()]
    for rows, landed in ((9, 0), (10, 10), (9, 0), (10, 10)):
        home.put("shop/manifest.csv", f"file,rows\na.csv,{rows}\n")
        home.land()
        assert home.rows("orders").height == landed
    # Taken back altogether: the file is again what it was first known as.
    home.put("shop/manifest.csv", "file\na.csv\n")
    home.land()
    assert [f["batch_id"] for f in home.state.files() if f["status"] == "landed"] == [before]


def versions(home: Home) -> list[tuple[str, str, datetime]]:
    frame = home.rows("orders").sort("order_id", "_version_at")
    return list(
        frame.select("order_id", pl.col("order_amount").cast(pl.String), "_version_at").iter_rows()
    )


STEPS = {
    # The order is corrected from 10 to 25; by their rows alone both files are of the same instant.
    "old": ("shop/x.csv", HEADER + order(1, "10.00")),
    "new": ("shop/a.csv", HEADER + order(1, "25.00")),
    "copy": ("shop/z_again.csv", HEADER + order(1, "10.00")),
    "manifest": (
        "shop/manifest.csv",
        "file,exported_at\nx.csv,2026-05-02 02:00:00\na.csv,2026-05-03 02:00:00\n",
    ),
}


@pytest.mark.parametrize("arrival", list(itertools.permutations(STEPS))[::4], ids="-".join)
def test_export_instants_of_a_manifest_order_versions_whenever_it_comes(
    tmp_path: Path, arrival: tuple[str, ...]
) -> None:
    home = Home(tmp_path / "home", SOURCES)
    for step in arrival:
        home.put(*STEPS[step])
        home.land()
    # 02:00 in Shanghai is 18:00 UTC of the day before. The copy is the same delivery.
    assert versions(home) == [
        ("1", "10.00", datetime(2026, 5, 1, 18)),
        ("1", "25.00", datetime(2026, 5, 2, 18)),
    ]
    assert home.land()["files_landed"] == 0


def test_a_manifest_comes_before_the_name(tmp_path: Path) -> None:
    form = {**ORDERS, "exported_at": {"file_name": r"_(\d{14})"}}
    home = Home(tmp_path / "home", {"shop": {"files": [{"path": "shop/*.csv", "format": form}]}})
    home.put("shop/a_20260505000000.csv", HEADER + order(1))
    home.put("shop/nameless.csv", HEADER + order(2))
    home.land()
    assert home.statuses() == {
        "shop/a_20260505000000.csv": "landed",
        "shop/nameless.csv": "refused",
    }
    home.put(
        "shop/manifest.csv",
        "file,exported_at\na_20260505000000.csv,2026-05-06T00:00:00Z\n"
        "nameless.csv,2026-05-07T00:00:00Z\n",
    )
    home.land()
    assert [at for _, _, at in versions(home)] == [datetime(2026, 5, 6), datetime(2026, 5, 7)]


def test_announced_files_that_have_not_come(home: Home) -> None:
    home.put(
        "shop/manifest_1.csv",
        f"file,sha256,first_date,last_date\na.csv,{sha(WHOLE)},2026-05-01,2026-05-02\n"
        "b.csv,,,2026-05-03\nc.csv,,,\n../other/d.csv,,,\n",
    )
    home.put("manifest.json", '[{"file": "shop/e.csv", "exported_at": "2026-05-03T17:30:00Z"}]')
    home.land()
    from orchestration.ledger.manifests import missing_files

    found = missing_files(home.settings, home.state, home.state.files())
    assert [(f.source, f.source_file, f.feeds, f.first_date, f.last_date) for f in found] == [
        ("", "other/d.csv", (), None, None),
        ("shop", "shop/a.csv", ("orders",), date(2026, 5, 1), date(2026, 5, 2)),
        ("shop", "shop/b.csv", ("orders",), date(2026, 5, 3), date(2026, 5, 3)),
        ("shop", "shop/c.csv", ("orders",), None, None),
        # 01:30 on the 4th in Shanghai: the export of the 3rd.
        ("shop", "shop/e.csv", ("orders",), date(2026, 5, 3), date(2026, 5, 3)),
    ]
    # By its content a file has come under any name; the manifest itself may be gone by then.
    home.put("shop/renamed.csv", WHOLE)
    home.put("shop/b.csv", HEADER + order(11))
    (home.inbox / "shop/manifest_1.csv").unlink()
    home.land()
    assert home.missing() == ["other/d.csv", "shop/c.csv", "shop/e.csv"]
    (home.inbox / "shop/b.csv").unlink()
    assert "shop/b.csv" not in home.missing()


def test_an_announced_file_has_come_when_its_copy_landed_first(home: Home) -> None:
    home.put("shop/copy.csv", WHOLE)
    home.land()
    home.put("shop/manifest.csv", "file\na.csv\n")
    home.land()
    assert home.missing() == ["shop/a.csv"]
    home.put("shop/a.csv", WHOLE)
    home.land()
    assert home.missing() == []
    assert home.rows("orders").height == 10


def test_the_export_instant_may_stand_in_a_title_line(tmp_path: Path) -> None:
    form = {
        **ORDERS,
        "read": {**ORDERS["read"], "title_lines": 2},
        "exported_at": {"title": r"Exported: (\S+ \S+)", "datetime": "%Y-%m-%d %H:%M"},
    }
    home = Home(tmp_path / "home", {"shop": {"files": [{"path": "shop/*.csv", "format": form}]}})
    home.put("shop/1.csv", "Orders of the shop\nExported: 2026-05-02 08:00\n" + HEADER + order(1))
    home.put("shop/2.csv", "Orders of the shop\nby hand\n" + HEADER + order(2))
    # Below the header it is no title.
    home.put("shop/3.csv", HEADER + order(3) + 'Exported: 2026-05-02 08:00,"a",b,c,paid,1\n')
    home.land()
    assert versions(home) == [("1", "10.00", datetime(2026, 5, 2, 0))]
    assert home.statuses() == {
        "shop/1.csv": "landed", "shop/2.csv": "refused", "shop/3.csv": "refused",
    }  # fmt: skip
