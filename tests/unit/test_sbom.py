"""What an installation is made of: named wholly and by licence, and held against advisories."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.console import console
from orchestration.cli.sbom import Part, parts, show_parts
from orchestration.errors import KpiError

VERSION = version("duckdb")


def test_each_part_is_named_with_its_version_and_a_licence_that_may_be_given_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_parts(licences=False, advisories=None)
    told = json.loads(capsys.readouterr().out)
    found = {one["name"]: one for one in told["components"]}
    assert found["duckdb"]["purl"] == f"pkg:pypi/duckdb@{VERSION}"
    # Of the closure: what pyproject.toml names, what that needs, nothing that only tests need.
    assert {"polars", "dagster", "dbt-core", "pydantic-core", "jinja2"} <= found.keys()
    assert not {"pytest", "ruff", "mypy", "kpi-warehouse"} & found.keys()
    assert all(one.version == version(one.name) for one in parts())
    gpl = [one.licence for one in parts() if re.search("GPL|General Public", one.licence)]
    assert [told for told in gpl if not re.search("Artistic|LGPL|Lesser", told)] == []
    assert [one for one in parts() if one.licence == "not told"] == []
    assert Part("duckdb", VERSION, found["duckdb"]["licenses"][0]["license"]["name"]) in parts()


def record(**affected: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "DuckDB"}
    return {"id": "TEST-1", "summary": "s", "affected": [{"package": package, **affected}]}


def span(*events: dict[str, str]) -> dict[str, Any]:
    return {"ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


CASES = [
    (record(versions=[VERSION]), True),
    (record(versions=["0.1"]), False),
    (record(**span({"introduced": "0"})), True),
    (record(**span({"introduced": "0"}, {"fixed": "0.9"})), False),
    (record(**span({"introduced": "0"}, {"fixed": "0.9"}, {"introduced": "1.1"})), True),
    (record(**span({"introduced": "99"})), False),
    (record(**span({"introduced": "0"}, {"last_affected": VERSION})), True),
    (record(**span({"introduced": "0"}, {"last_affected": "0.9"})), False),
    ({"id": "TEST-2", "affected": [{"package": {"ecosystem": "npm", "name": "duckdb"},
                                    "versions": [VERSION]}]}, False),
]  # fmt: skip


@pytest.mark.parametrize(("advisory", "applies"), CASES)
def test_an_advisory_applies_by_its_versions(
    advisory: dict[str, Any], applies: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console.as_json = False
    (tmp_path / "a.json").write_text(json.dumps(advisory))
    if applies:
        with pytest.raises(KpiError, match="1 of 1 advisories apply"):
            show_parts(licences=False, advisories=tmp_path)
    else:
        show_parts(licences=False, advisories=tmp_path)
        assert "none of 1 advisories applies" in capsys.readouterr().out


def test_without_advisories_it_says_that_nothing_was_compared(tmp_path: Path) -> None:
    with pytest.raises(KpiError, match="nothing was compared"):
        show_parts(licences=False, advisories=tmp_path)
