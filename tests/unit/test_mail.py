"""The daily and the weekly letter: the sentences of their pages, files that mail programs open."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboards.base.data import Data
from dashboards.base.theme import token
from dashboards.mail.letter import Letter
from dashboards.mail.picture import HEIGHT, WIDTH, picture
from dashboards.mail.reports import daily, weekly
from orchestration.alerting.reports import send_reports
from orchestration.build import archive
from orchestration.ledger.outgoing import Outgoing
from tests.browser import shop
from tests.support.html import Tree
from tests.unit.test_delivery import home

SENT = datetime(2026, 11, 22, 6, tzinfo=UTC)
SITE = "https://kpi.example.com"


@pytest.fixture(scope="module")
def letters() -> dict[str, Letter]:
    data = Data(shop.frames())
    found = [daily(data, shop.info()), weekly(data, shop.info())]
    return {letter.kind: letter for letter in found if letter}


@pytest.mark.parametrize(("kind", "page"), [("daily", "index.html"), ("weekly", "weekly.html")])
def test_a_letter_says_what_its_page_says(
    site: Path, letters: dict[str, Letter], kind: str, page: str
) -> None:
    shown, letter = Tree((site / page).read_text("utf-8")).text(), letters[kind]
    for lang in ("en", "zh"):
        assert letter.headline.get(lang) in shown
        told = letter.text("", [lang])
        assert told.startswith(letter.headline.get(lang))
        for part in letter.parts:
            for row in part.rows:
                # of an alert the line on the page is the same sentence
                assert all(word in shown for cell in row for word in cell.get(lang).split()), row
    assert (site / letter.href).is_file()


@pytest.mark.parametrize("kind", ["daily", "weekly"])
def test_a_file_has_text_html_and_two_pictures(letters: dict[str, Letter], kind: str) -> None:
    letter = letters[kind]
    written = letter.eml(SITE, ("zh", "en"), SENT)
    assert written == letter.eml(SITE, ("zh", "en"), SENT) and len(written) < 300_000
    mail: Any = message_from_bytes(written, policy=default)
    assert mail["Subject"].endswith(letter.headline.zh)
    plain = mail.get_body(("plain",)).get_content().replace("\r\n", "\n").strip()
    assert plain == letter.text(SITE, ("zh", "en"))
    html = mail.get_body(("html",)).get_content()
    tree = Tree(html)
    assert not tree.open and not tree.all("script") and len(html.encode()) < 100_000
    images = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert len(images) == 2
    assert {f"cid:{part['Content-ID'].strip('<>')}" for part in images} == {
        str(image["src"]) for image in tree.all("img")
    }
    assert f"{SITE}/{letter.href}#lang=en" in html


def pixels(png: bytes) -> Any:
    """The picture by the format's own rules: chunks, zlib, a filter byte a line."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, body = 8, b""
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        name, chunk = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            name + chunk
        )
        body += chunk if name == b"IDAT" else b""
        at += 12 + size
    lines = np.frombuffer(zlib.decompress(body), np.uint8).reshape(HEIGHT, 1 + 3 * WIDTH)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(HEIGHT, WIDTH, 3)


def test_a_picture_has_its_line_where_its_figures_are() -> None:
    axes = {"xaxis": {"range": [0, 10]}, "yaxis": {"range": [0, 100], "gridcolor": token("grid")}}
    line = {"type": "scatter", "mode": "lines", "x": [0, 4, 5, 10], "y": [50, 50, None, 100],
            "line": {"color": token("accent"), "width": 2}}  # fmt: skip
    bars = {"type": "bar", "x": [8], "y": [20], "base": [10], "width": 1,
            "marker": {"color": [token("worse")]}}  # fmt: skip
    shown = pixels(picture({"data": [line, bars],
                            "layout": {**axes, "plot_bgcolor": token("card")}}))  # fmt: skip
    accent, worse, white = [31, 95, 191], [194, 80, 10], [255, 255, 255]
    assert shown[HEIGHT // 2, WIDTH // 5].tolist() == accent
    assert shown[HEIGHT // 2, WIDTH * 9 // 20].tolist() == white  # unknown: no line
    assert shown[HEIGHT * 8 // 10, WIDTH * 8 // 10].tolist() == worse
    assert shown[HEIGHT * 6 // 10, WIDTH * 8 // 10].tolist() == white


def test_letters_lie_in_the_outbox_and_are_queued_once_for_who_asked(tmp_path: Path) -> None:
    made = home(tmp_path, reports={"daily": ["json://localhost:1"]})
    told = (made.settings, made.state, shop.frames(), shop.info())
    assert send_reports(*told) == ["daily_2026-11-21.eml", "weekly_2026-W46.eml"]
    outbox = made.settings.paths.outbox
    for n in range(40):
        (outbox / f"daily_2025-01-{n:02d}.eml").write_bytes(b"")
    send_reports(*told)
    waiting = Outgoing(made.state).due(datetime(2100, 1, 1, tzinfo=UTC), all_of_them=True)
    assert [one["incident_id"] for one in waiting] == ["daily-2026-11-21"]
    left = sorted(file.name for file in outbox.glob("daily_*.eml"))
    assert len(left) == archive.DAYS and left[-1] == "daily_2026-11-21.eml"


def pages(folder: Path, code: str, weeks: int, text: str = "old") -> Path:
    for name in ("index.html", "weekly.html", "assets/app.css", "assets/status.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} {text}")
    for n in range(weeks):
        (folder / "weekly").mkdir(exist_ok=True)
        (folder / f"weekly/2026-W{n + 1:02d}.html").write_text(f"{n} {text}")
    (folder / "manifest.json").write_text(f'{{"code": "{code}"}}')
    return folder


def test_closed_weeks_stay_as_they_were_and_the_newest_are_made_anew(tmp_path: Path) -> None:
    old = pages(tmp_path / "old", "a", 20)
    kept = archive.carry(old, tmp_path / "new", "a")
    assert kept == {f"weekly/2026-W{n:02d}.html" for n in range(1, 8)}
    assert (tmp_path / "new/weekly/2026-W01.html").read_text() == "0 old"
    assert archive.carry(old, tmp_path / "other", "b") == frozenset()  # of other code: all anew
    assert archive.carry(tmp_path / "none", tmp_path / "other", "a") == frozenset()
    # a week that the marts hold no longer keeps its page whatever the code
    archive.keep(old, pages(tmp_path / "fewer", "b", 3, "new"), date(2026, 11, 20))
    assert (tmp_path / "fewer/weekly/2026-W03.html").read_text() == "2 new"
    assert (tmp_path / "fewer/weekly/2026-W09.html").read_text() == "8 old"


def test_the_archive_holds_thirty_days_and_nothing_written_later_changes_it(tmp_path: Path) -> None:
    before = tmp_path / "none"
    for n in range(1, 36):
        new = pages(tmp_path / f"site{n}", "a", 0, f"day {n}")
        day = date.fromordinal(date(2026, 10, 1).toordinal() + n)
        own = archive.keep(before, new, day)
        assert (own / "index.html").read_bytes() == (new / "index.html").read_bytes()
        before = new
    days = sorted(folder.name for folder in (before / "archive").iterdir())
    assert days == [f"2026-{d:%m-%d}" for d in (
        date.fromordinal(date(2026, 10, 1).toordinal() + n) for n in range(6, 36))]  # fmt: skip
    again = pages(tmp_path / "again", "a", 0, "mended")
    own = archive.keep(before, again, date(2026, 11, 5))  # the same day once more
    assert (own / "index.html").read_text() == "index.html mended"
    assert len(list((again / "archive").iterdir())) == archive.DAYS
    (own / "assets/status.js").unlink()
    assert (again / "assets/status.js").exists()
