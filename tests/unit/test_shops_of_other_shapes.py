"""All pages of shops unlike the demo: whole, small, and without a word of a machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboards.registry import PAGES
from dashboards.site import build_site
from tests.browser.shop.shapes import SHAPES
from tests.support.html import Tree, whole

QUICK = ("many_stores", "events_only")
# Numbers that are none, and names that a machine gives them.
BROKEN = r"\b(nan|NaN|None(?! of|\.)|(?<!is )null|undefined|inf(inity)?|datetime\.date|Decimal)\b"
ALL = [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in SHAPES]


@pytest.mark.parametrize("name", ALL)
def test_all_pages_of_a_shape_are_whole_and_small(name: str, tmp_path: Path) -> None:
    frames, info = SHAPES[name]()
    report = build_site(frames, info, tmp_path)
    assert {entry.href for entry in PAGES} <= set(report.pages)
    wrong = {}
    for path in report.pages:
        size = report.sizes[path]
        tree = Tree(whole(tmp_path / path))
        assert not tree.open, path
        ids = [a["id"] for _, a, _ in tree.elements if "id" in a]
        assert len(ids) == len(set(ids)), path
        found = {m[0] for m in re.finditer(BROKEN, tree.text())}
        if found or size > 120_000:
            wrong[path] = (found, size)
    assert wrong == {}
