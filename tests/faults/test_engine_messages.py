"""What an engine says of an expression that fails may quote cells; nothing of it is kept."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support.exports import HEADER, ORDERS, SHOP, order
from tests.support.homes import Home

NAME = "Annegret Musterfrau"


@pytest.mark.parametrize(
    "rule",
    [
        {"filter": "CAST(buyer AS BIGINT) > 0"},
        {"exclude": {"odd": "CAST(buyer AS DOUBLE) > 0"}},
        {"derive": {"n": {"expression": "CAST(buyer AS BIGINT)"}}},
        {"filter": "CAST(buyer AS DATE) > DATE '2026-01-01'"},
    ],
)
def test_a_name_in_an_expression_that_fails_is_told_nowhere(
    tmp_path: Path, rule: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    files = [{"path": "*.csv", "format": {**ORDERS, **rule}}]
    home = Home(tmp_path / "home", {"shop": {**SHOP, "files": files}})
    home.put(HEADER + order(1, buyer=NAME))
    with caplog.at_level(logging.DEBUG):
        assert home.land()["files_refused"] == 1
    [file] = home.state.files()
    assert "an expression of its mapping fails" in file["message"]
    assert "TRY_CAST" in file["message"]
    assert NAME not in caplog.text + file["message"]
    kept = [path for path in (tmp_path / "home/data").rglob("*")
            if path.is_file() and "inbox" not in path.parts]  # fmt: skip
    assert kept
    assert not [path for path in kept if NAME.encode() in path.read_bytes()]
