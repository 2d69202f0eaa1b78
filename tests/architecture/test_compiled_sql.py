"""The SQL that runs, of models and tests with all macros in it: divisions and row numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import jinja2
import pytest

from tests.support.raw import PROJECT, run_dbt, write_raw

# Divisors: a number, a product of numbers, what `ratio()` renders; whole cents are shared out only
# where there are any.
ALLOWED = {
    "/": r"[\d.]+(?![\w.(])|cast\(\d+ as double\)|\([\d.]+( \* [\d.]+)*\)|nullif\(cast\(",
    "//": r"value_total_cents |\d+(?![\w.(])",
}
# What ends an order of rows without ties: an identifier, or the delivery, which has a row once.
IDENTIFIERS = ("_id", "_key", "_number", "batch")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every node by its unique id, compiled in its full form."""
    file = tmp_path_factory.mktemp("compiled") / "working.duckdb"
    write_raw(file, {})
    with duckdb.connect(file) as con:  # a hook of `dbt build` makes it, which compiling runs not
        con.execute("create schema incremental")
        con.execute("create table incremental.runs (seq int, raw_seq int)")
    result: Any = run_dbt(PROJECT, file, "compile", "--full-refresh").result
    return {each.node.unique_id: each.node for each in result.results}


@pytest.fixture(scope="module")
def compiled(nodes: dict[str, Any]) -> dict[str, str]:
    """Unique id -> SQL on one line, without comments and texts, of models and tests."""
    found = {
        name: _plain(node.compiled_code)
        for name, node in nodes.items()
        if node.resource_type in ("model", "test")
    }
    assert len(found) > 200
    return found


def _plain(code: str) -> str:
    """On one line, whichever comes first: a comment may hold an apostrophe, a text two dashes."""
    parts = r"(?P<text>'(?:[^']|'')*')|--[^\n]*|/\*.*?\*/"
    plain = re.sub(parts, lambda part: "''" if part["text"] else " ", code, flags=re.DOTALL)
    return re.sub(r"\s+", " ", plain)


def _lmdi() -> str:
    """What the macro of the decomposition renders; tests/unit/test_lmdi.py is about its zeros."""
    text = (PROJECT / "macros" / "money" / "lmdi.sql").read_text("utf-8")
    return _plain(
        jinja2.Environment(autoescape=False).from_string(text + "{{ lmdi('factors') }}").render()
    )


def divisions(code: str) -> list[str]:
    """What is divided by and is no number, not of `ratio()`, and no cents that are shared out."""
    return [
        rest[:30]
        for sign, rest in ((m[1], code[m.end() :]) for m in re.finditer(r"(//?) ?", code))
        if not re.match(ALLOWED[sign], rest)
    ]


def numberings(code: str) -> Iterator[tuple[list[str], list[str]]]:
    """For each row_number the columns it is parted by and those it is ordered by."""
    for call in re.finditer(r"row_number\(\) over ", code):
        inside = _parenthesis(code[call.end() :])
        part, _, order = inside.rpartition("order by ")
        yield _columns(part.removeprefix("partition by ")), _columns(order)


def _parenthesis(code: str) -> str:
    depth = 0
    for place, sign in enumerate(code):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return code[1:place].strip()
    raise AssertionError(f"no end of the parenthesis: {code[:80]}")


def _columns(listed: str) -> list[str]:
    """Bare names of the columns of a list."""
    terms = [re.sub(r" (asc|desc|nulls (first|last))\b", "", t).strip() for t in listed.split(",")]
    return [term.rpartition(".")[2] for term in terms if term]


def is_told_apart(parted: list[str], ordered: list[str], keys: list[set[str]]) -> bool:
    """Whether no two rows can tie: by an identifier at the end, or by a key within the columns."""
    if not ordered:
        return False
    return ordered[-1].endswith(IDENTIFIERS) or any(
        key <= {*parted, *ordered} and not key <= {*parted} for key in keys
    )


def _keys(nodes: dict[str, Any], name: str, code: str) -> list[set[str]]:
    """Keys of a node and of what it reads, as tests declare them, and of what it groups by."""
    read = {name, *nodes[name].depends_on.nodes}
    declared = [
        set(node.test_metadata.kwargs.get("columns") or [node.column_name])
        for node in nodes.values()
        if node.resource_type == "test"
        and getattr(node, "test_metadata", None)
        and node.test_metadata.name in ("unique", "unique_grain")
        and node.attached_node in read
    ]
    grouped = re.findall(r"group by ((?:[\w.]+, )*[\w.]+)", code)
    return declared + [set(_columns(listed)) for listed in grouped]


def test_every_division_is_a_ratio_or_by_a_number(compiled: dict[str, str]) -> None:
    lmdi = _lmdi()
    assert lmdi in compiled["model.kpi_warehouse.fct_gmv_change"]
    wrong = {name: found for name, code in compiled.items()
             if (found := divisions(code.replace(lmdi, "")))}  # fmt: skip
    assert wrong == {}


def test_every_row_number_tells_all_rows_apart(
    nodes: dict[str, Any], compiled: dict[str, str]
) -> None:
    calls = [(name, call) for name, code in compiled.items() for call in numberings(code)]
    assert len(calls) > 20
    wrong = [
        (name, parted, ordered)
        for name, (parted, ordered) in calls
        if not is_told_apart(parted, ordered, _keys(nodes, name, compiled[name]))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("sum(gmv) / orders", ["orders"]),
        ("sum(gmv)/sum(orders)", ["sum(orders)"]),
        ("gmv / nullif(orders, 0)", ["nullif(orders, 0)"]),
        ("gmv / (2 * orders)", ["(2 * orders)"]),
        ("gmv // orders", ["orders"]),
        ("gmv / 100.0 + seconds / (24 * 3600)", []),
        ("(cast(gmv as double) / nullif(cast(orders as double), 0))", []),
    ],
)
def test_a_division_by_hand_is_seen(code: str, found: list[str]) -> None:
    assert divisions(code) == found


@pytest.mark.parametrize(
    ("call", "is_sound"),
    [
        ("(partition by a order by at desc)", False),
        ("(partition by a)", False),
        ("(order by at, session_id desc nulls last)", True),
        ("(partition by r.a order by coalesce(r.at, 0), r.b)", True),
        ("(partition by a order by session_id, at)", False),
        ("(partition by a, b order by at)", False),
    ],
)
def test_a_tie_is_seen(call: str, is_sound: bool) -> None:
    ((parted, ordered),) = numberings(f"select row_number() over {call} as n")
    assert is_told_apart(parted, ordered, [{"a", "b"}]) == is_sound
