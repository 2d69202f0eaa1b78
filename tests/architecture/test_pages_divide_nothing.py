"""No page divides one published figure by another: ratios come from the marts or the registry."""

from __future__ import annotations

import ast
from pathlib import Path

PAGES = Path(__file__).parents[2] / "dashboards/pages"
# What still does: the share of a cohort that came back, an axis in parts of the control, a change
# in per cent. None may join them.
KNOWN = {"cohorts/visits.py", "experiments/page.py", "shared/changes.py"}


def divides(source: str) -> bool:
    """Whether a value looked up in a row is divided by, or divides, another value."""
    divisions = (
        node for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    )  # fmt: skip
    return any(
        isinstance(part, ast.Subscript)
        or (isinstance(part, ast.Call) and ast.unparse(part.func).endswith(("col", ".get")))
        for node in divisions
        for part in (node.left, node.right)
    )


def test_pages_divide_nothing() -> None:
    found = {
        path.relative_to(PAGES).as_posix()
        for path in PAGES.rglob("*.py")
        if divides(path.read_text("utf-8"))
    }
    assert found == KNOWN


def test_a_division_would_be_seen() -> None:
    for text in ('row["a"] / row["b"]', 'pl.col("a") / 7', '1 / row.get("a")', "x = a[0] / n"):
        assert divides(text), text
    for text in ('PATHS / "a"', "height / 2", 'row["a"] * 2'):
        assert not divides(text), text
