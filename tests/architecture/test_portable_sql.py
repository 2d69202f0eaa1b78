"""The SQL that Spark would run says nothing that Spark lacks, or reads in another way.

It is compiled without Spark, dbt's adapter for it or Java: the Spark form of each macro stands in
for the form of DuckDB, which compiles it. Whether it gives the same tables, `make test-spark` says.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.raw import PROJECT, run_dbt, write_raw

# Functions that were tried on both engines and mean the same there, and those of Spark forms.
SAME = {
    "abs", "atanh", "avg", "bool_and", "bool_or", "cast", "coalesce", "concat_ws", "count",
    "date_trunc", "dense_rank", "exists", "extract", "floor", "greatest", "lag", "last_day", "lead",
    "least", "ln", "lower", "max", "max_by", "md5", "median", "min", "min_by", "nullif",
    "percent_rank", "power", "rank", "regexp_extract", "round", "row_number", "sqrt", "sum", "trim",
}  # fmt: skip
OF_SPARK = {
    "datediff", "explode", "from_utc_timestamp", "listagg", "percentile", "regexp_like", "sequence",
    "split", "struct", "timestampadd", "to_utc_timestamp", "unix_micros", "weekday", "xxhash64",
}  # fmt: skip
# Words before a parenthesis that call nothing.
WORDS = {
    "all", "and", "any", "as", "between", "by", "case", "decimal", "distinct", "else", "end",
    "except", "filter", "from", "group", "having", "if", "in", "inner", "intersect", "is", "join",
    "left", "like", "not", "of", "on", "or", "order", "over", "partition", "qualify", "right",
    "select", "sets", "then", "union", "using", "values", "when", "where", "with", "within",
}  # fmt: skip

BANNED = {
    "varchar": (r"\bvarchar\b(?! ?\()", "a length is wanted there: say string"),
    "postgres cast": (r"::", "say cast(x as type)"),
    "by name": (r"\bunion (all )?by name\b", "list the columns"),
    "exclude": (r"\* exclude\b", "list the columns"),
    "order in an aggregate": (
        r"\b(string_agg|array_agg|list|first|last)\s*\([^()]*\border by\b", "use joined_text"
    ),
    "integer quotient": (r"//", "use quotient()"),
    "tuple subquery": (r"\bin \(select \(", "select the columns without parentheses"),
    "minute by a decimal": (r"\bextract\(minute from [^)]*\)+ / [\d.]", "divide by a double"),
    "backslash": (r"\\", "Spark takes one off: say [0-9], [.]"),
    "random or clock": (r"\b(random|now|current_date|current_timestamp)\b", "not the same twice"),
    "row id": (r"\browid\b", "there are none"),
    "approximate": (r"\bapprox_\w+", "another number on each engine"),
}  # fmt: skip


def plain(code: str) -> str:
    """On one line, in lower case, without comments; a text keeps its backslashes alone."""
    code = re.sub(r"--[^\n]*|/\*.*?\*/", " ", code, flags=re.DOTALL)
    code = re.sub(r"'(?:[^']|'')*'", lambda text: "'" + "\\" * text[0].count("\\") + "'", code)
    return re.sub(r"\s+", " ", code).lower()


def offences(code: str) -> list[str]:
    """What a compiled statement says that Spark does not know, or reads otherwise."""
    code = plain(code)
    found = [f"{name}: {what}" for name, (sign, what) in BANNED.items() if re.search(sign, code)]
    named = set(re.findall(r"\b(\w+) (?:\([\w, ]+\) )?as (?:\(|$)", code))
    named |= set(re.findall(r"\b(\w+) \([\w, ]+\) as \(", code))
    named |= set(re.findall(r"\) as (\w+) \(", code))  # of values
    called = set(re.findall(r"\b([a-z_]\w*) ?\(", code)) - SAME - OF_SPARK - WORDS - named
    found += [f"{name}(): tried on neither, or not there" for name in sorted(called)]
    found += [f"qualify beside group by: {part}" for part in grouped_qualify(code)]
    return found + [f"rounded double: {part}" for part in rounded_doubles(code)]


def rounded_doubles(code: str) -> list[str]:
    """Roundings to decimals of what is cast to DOUBLE: half cents go another way on Spark."""
    found = []
    for call in re.finditer(r"\bround\(", code):
        depth, place = 1, call.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(code[place], 0)
            place += 1
        inside = code[call.end() : place - 1]
        if "as double" in inside and re.search(r", \d+$", inside):
            found.append(f"{inside[:40]}; use round_to_cents()")
    return found


def grouped_qualify(code: str) -> list[str]:
    """Selects that group and qualify at once: there an aggregate needs a step of its own."""
    found = []
    for end in re.finditer(r"\bqualify\b", code):
        depth, place = 0, end.start()
        while place > 0 and depth >= 0:
            place -= 1
            depth += {")": 1, "(": -1}.get(code[place], 0)
        level = re.sub(r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "", code[place : end.start()])
        if "group by" in level.rpartition("select ")[2]:
            found.append(code[end.start() : end.start() + 40])
    return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Models and tests in their Spark form: unique id -> SQL."""
    root = tmp_path_factory.mktemp("portable")
    project = root / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    for file in (project / "macros/portable").glob("*.sql"):
        text = file.read_text("utf-8").replace("duckdb__", "of_duckdb__")
        file.write_text(text.replace("spark__", "default__"), "utf-8")
    build = root / "working.duckdb"
    write_raw(build, {})
    result = run_dbt(Path(project), build, "compile", "--full-refresh").result
    return {
        each.node.unique_id: each.node.compiled_code
        for each in result.results  # type: ignore[union-attr]
        if each.node.resource_type in ("model", "test")
    }


def test_no_statement_says_what_spark_reads_otherwise(compiled: Mapping[str, str]) -> None:
    assert len(compiled) > 200
    assert "xxhash64(" in compiled["model.kpi_warehouse.stg_raw__orders"]  # the form of Spark
    wrong = {name: found for name, code in compiled.items() if (found := offences(code))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("select cast(a as varchar) from t", "varchar"),
        ("select a::date from t", "postgres cast"),
        ("select a from t union all by name select a from u", "by name"),
        ("select * exclude (a) from t", "exclude"),
        ("select string_agg(a, ',' order by b) from t", "order in an aggregate"),
        ("select a // 2 from t", "integer quotient"),
        ("select a from t where (a, b) in (select (c, d) from u)", "tuple subquery"),
        ("select extract(minute from a) / 60.0 from t", "minute by a decimal"),
        (r"select regexp_extract(a, '\d+', 0) from t", "backslash"),
        ("select round(a * (cast(b as double) / nullif(cast(c as double), 0)), 2) from t",
         "rounded double"),
        ("select current_date from t", "random or clock"),
        ("select rowid from t", "row id"),
        ("select approx_count_distinct(a) from t", "approximate"),
        ("select a from t qualify row_number() over (order by a) = 1 and strftime(a, '%Y') = ''",
         "strftime()"),
        ("with u as (select a from t group by a qualify row_number() over (order by sum(b)) = 1)"
         " select a from u", "qualify beside group by"),
    ],
)  # fmt: skip
def test_what_spark_reads_otherwise_is_seen(code: str, told: str) -> None:
    assert any(found.startswith(told) for found in offences(code)), offences(code)


@pytest.mark.parametrize(
    "code",
    [
        "with u (a, b) as (select a, sum(b) from t group by a), v as (select * from u qualify"
        " row_number() over (partition by a order by b desc) = 1) select * from v",
        "select round(a, 2), 'C:\t// ::' from t -- approx_count_distinct(a)",
        "select cast(a as decimal(18, 2)) from t where (a, b) in (select c, d from u)",
        "select round(cast(a as double) * 100) / cast(100 as double) from t",
    ],
)
def test_what_both_read_alike_is_left_alone(code: str) -> None:
    assert offences(code) == []
