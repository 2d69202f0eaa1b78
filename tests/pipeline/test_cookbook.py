"""The SQL cookbook on a published file: every question is answered, in few lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.build import warehouse

TEXT = (Path(__file__).parents[2] / "docs/sql_cookbook.md").read_text("utf-8")
LINES, FEWEST = 15, 50
QUESTIONS = re.findall(r"^### (.+?)\n\n(.*?)```sql\n(.*?)\n```", TEXT, re.MULTILINE | re.DOTALL)


def test_every_question_has_its_answer_under_a_topic() -> None:
    assert len(QUESTIONS) == TEXT.count("\n### ") == TEXT.count("```sql") >= FEWEST
    assert TEXT.index("\n## ") < TEXT.index("\n### ")
    assert len({question for question, _, _ in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize(("question", "said", "sql"), QUESTIONS, ids=[q for q, _, _ in QUESTIONS])
def test_a_question_is_answered_in_few_lines(
    finished_home: Path, question: str, said: str, sql: str
) -> None:
    """Or the text says what it means that there are no rows."""
    assert len(sql.splitlines()) <= LINES
    with warehouse.connect_published(finished_home / "data/published/current.duckdb") as con:
        result = con.execute(sql)
        rows = result.fetchall()
        assert rows or "No rows:" in said, question
        columns = [column[0] for column in result.description]
        known = [name for place, name in enumerate(columns) if any(row[place] is not None
                                                                   for row in rows)]  # fmt: skip
    assert not rows or len(known) >= len(columns) / 2, f"{question}: {columns} is mostly NULL"


def test_the_named_columns_exist_alone() -> None:
    """No star, so that a reader sees what there is and a renamed column is met here."""
    for question, _, sql in QUESTIONS:
        assert not re.search(r"select\s+\*", sql), question
