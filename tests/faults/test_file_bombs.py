"""Files that make far more than their size tells: each is refused by name, the others land."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import FileRejected
from ingestion.reading import apart
from ingestion.reading.columns import MAX_COLUMNS
from tests.support import shop
from tests.support.exports import HEADER, ORDERS, SHOP, order
from tests.support.homes import Home

COLUMNS = HEADER.strip().split(",")


def parquet_of_one_long_text() -> bytes:
    """300,000 rows of the same 50 KB: 15 GB, of which the file holds one."""
    rows = pa.array([0] * 300_000, pa.int32())
    long = pa.DictionaryArray.from_arrays(rows, ["x" * 50_000])
    table = pa.table(dict.fromkeys(COLUMNS, pa.DictionaryArray.from_arrays(rows, ["1"]))
                     | {"buyer": long})  # fmt: skip
    file = io.BytesIO()
    pq.write_table(table, file, store_schema=False)
    return file.getvalue()


def sheet(xml: str) -> bytes:
    """A workbook of one sheet with these rows."""
    book = io.BytesIO()
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    packages = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="r1"'
        f' Type="{kinds}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{kinds}"><sheets><sheet name="a"'
        ' sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships">'
        f'<Relationship Id="r1" Type="{kinds}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{xml}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return book.getvalue()


def sheet_of_many_rows() -> bytes:
    dice = random.Random(3)
    body = "".join(f"<row><c><v>{dice.getrandbits(32)}</v></c></row>" for _ in range(50_000))
    return sheet(body * 22)


def columns_for_rows() -> bytes:
    return (",".join(f"c{n}" for n in range(200_000)) + "\n").encode()


def deep(levels: int) -> bytes:
    return b'{"order_id":' + b"[" * levels + b"]" * levels + b"}\n"


BOMBS: dict[str, tuple[str, Callable[[], bytes], dict[str, Any], str]] = {
    "one text in all rows": (
        "b.parquet", parquet_of_one_long_text, {"kind": "parquet"}, "is larger than allowed"),
    "more rows than Excel has": (
        "b.xlsx", sheet_of_many_rows, {"kind": "xlsx"}, "has a sheet of 1,100,000 rows"),
    "a cell far out": (
        "b.xlsx", lambda: sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        {"kind": "xlsx"}, "has cells as far out as XFD1048576"),
    "columns for rows": (
        "b.csv", columns_for_rows, {},
        f"has 200,000 columns; at most {MAX_COLUMNS:,} are read"),
    "deep JSON": ("b.jsonl", lambda: deep(1_000), {"kind": "jsonl"}, "JSON of hundreds of levels"),
    "deeper JSON": ("b.jsonl", lambda: deep(500_000), {"kind": "jsonl"}, "is not a JSON object"),
}  # fmt: skip


def home_of(root: Path, read: dict[str, Any], **rules: Any) -> Home:
    """A shop whose files called b are read so, and others as ORDERS; each in 1 GB of memory."""
    form = {**ORDERS, "read": {**ORDERS["read"], **read}, **rules}
    files = [{"path": "b.*", "format": form}, {"path": "orders.csv", "format": ORDERS}]
    home = Home(root, {"shop": {**SHOP, "files": files}})
    home.settings.file.__dict__["build"] = home.settings.file.build.model_copy(
        update={"file_memory": "1GB"}
    )
    return home


def refused(home: Home) -> str:
    """Land an order beside the file; what is said of the file, and in how many seconds."""
    home.put(HEADER + order(1))
    counts = home.land()
    assert (counts["files_landed"], counts["files_refused"]) == (1, 1)
    [told] = [file["message"] for file in home.state.files() if file["status"] == "refused"]
    return str(told)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_name_and_the_others_land(name: str, tmp_path: Path) -> None:
    file, content, read, said = BOMBS[name]
    home = home_of(tmp_path / "home", read)
    home.put(content(), file)
    told = refused(home)
    assert said in told and file in told
    assert not list(home.paths.landing.rglob("*.tmp"))


RULES = {
    "a cell for gigabytes": {"derive": {"n": {"expression": "RPAD(buyer, 2000000000, 'x')"}}},
    "a filter for gigabytes": {"filter": "LENGTH(RPAD(buyer, 2000000000, 'x')) > 0"},
}


@pytest.mark.parametrize("rule", RULES)
def test_an_expression_of_a_mapping_takes_no_more_than_a_file_may(
    rule: str, tmp_path: Path
) -> None:
    home = home_of(tmp_path / "home", {}, **RULES[rule])
    home.put(HEADER + order(1), "b.csv")
    told = refused(home)
    assert "b.csv: takes more than the 953 MiB of memory that one file may take" in told
    assert "an expression of its mapping" in told


# What is done apart: functions of a module, as the other process imports them.


def spin(_: object) -> None:
    while True:
        pass


def hoard(_: object) -> int:
    return len(bytearray(8 << 30))


def crash(_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def mistake(_: object) -> None:
    raise ValueError("of the work itself")


class Sealed(Exception):  # noqa: N818 - a kind of error, as engines name theirs
    def __init__(self, one: str, *, two: str) -> None:
        super().__init__(one + two)


def unsendable(_: object) -> None:
    raise Sealed("a cell", two="of a row")


def answer(item: int) -> int:
    return item + 1


def at_work(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(60)


ENDS = [
    (spin, "takes more than the 1 seconds of processor"),
    (hoard, "takes more than the 512 MiB of memory"),
    (crash, "ends the program that reads it"),
]


@pytest.mark.parametrize(("work", "said"), ENDS)
def test_work_beyond_its_limits_is_a_refused_file(
    work: Callable[[object], None], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_SECONDS", 1)
    with apart.apart(work, 512) as do, pytest.raises(FileRejected, match=said):
        do(None, tmp_path / "b.csv")
    with apart.apart(answer, 512) as do:
        assert [do(n, tmp_path) for n in (1, 2)] == [2, 3]


def test_what_the_work_raises_comes_back_with_where_it_was(tmp_path: Path) -> None:
    with apart.apart(mistake, 512) as do, pytest.raises(ValueError, match="work itself") as error:
        do(None, tmp_path)
    assert "in mistake" in str(error.value.__cause__)
    with (
        apart.apart(unsendable, 512) as do,
        pytest.raises(RuntimeError, match=r"^Sealed$") as error,
    ):
        do(None, tmp_path)
    assert "in unsendable" in str(error.value.__cause__)
    with apart.apart(answer, 512) as do:
        assert do(1, tmp_path) == 2


STARTER = """
import sys
from pathlib import Path
from ingestion.reading.apart import apart
from tests.faults.test_file_bombs import at_work
with apart(at_work, 512) as do:
    do(Path(sys.argv[1]), Path(sys.argv[1]))
"""


def test_it_ends_with_who_started_it_also_in_the_middle_of_its_work(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(told)],
                               env={**os.environ, "PYTHONPATH": "."})  # fmt: skip
    deadline = time.monotonic() + 60
    while not (told.exists() and told.read_text()):
        assert time.monotonic() < deadline and starter.poll() is None
        time.sleep(0.05)
    starter.kill()
    starter.wait()
    child = Path(f"/proc/{told.read_text()}/stat")
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_check_tells_of_a_bomb_as_landing_does(tmp_path: Path) -> None:
    home = home_of(tmp_path / "home", {}, **RULES["a filter for gigabytes"])
    file = home.put(HEADER + order(1), "b.csv")
    told = shop.kpi(home.paths.home, "check", str(file), "--json")
    assert told.returncode == 4
    assert "MiB of memory that one file may take" in json.loads(told.stdout)["refused"]


def test_init_says_of_a_bomb_what_it_is_and_proposes_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "bomb.xlsx").write_bytes(sheet_of_many_rows())
    (folder / "orders.csv").write_text(HEADER + "".join(order(n) for n in range(40)))
    told = shop.kpi(tmp_path / "home", "init", "--from", str(folder), "--currency", "CNY",
                    "--timezone", "Asia/Shanghai")  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "has a sheet of 1,100,000 rows" in told.stdout
    assert "orders.csv" in (tmp_path / "home/shop.yml").read_text()
