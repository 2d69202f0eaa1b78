"""`kpi metrics` and `kpi query` as they are printed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.wording.i18n import LANGUAGES
from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.cli.places import Question
from orchestration.cli.published import metrics
from orchestration.cli.query import answer, conditions
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, allowed, day_of

_SEARCHED = ("name", "label_en", "label_zh", "definition_en", "definition_zh", "owner")


def found(registry: Mapping[str, Mapping[str, Any]], words: str) -> list[Mapping[str, Any]]:
    """Metrics that have all of the words in their name, labels, definitions or owner."""
    wanted = words.lower().split()
    return [
        row
        for _, row in sorted(registry.items())
        if all(word in " ".join(str(row[key] or "") for key in _SEARCHED).lower()
               for word in wanted)
    ]  # fmt: skip


def list_metrics(words: str, lang: str) -> None:
    """Print the metrics that fit, or all.

    Raises:
        KpiError: none fits.
    """
    allowed("--lang", lang, LANGUAGES)
    with warehouse.connect_published(settings.load().paths.current) as con:
        rows = found(metrics(con), words)
    if not rows:
        raise KpiError(f"no metric speaks of {words!r}", "metrics", "`kpi metrics` lists all.",
                       ExitCode.USAGE)  # fmt: skip
    console.document({"metrics": rows})
    console.table(
        ["name", "label", "unit", "adds up", "good", "owner", "definition"],
        [(row["name"], row[f"label_{lang}"], row["unit"], _adds_up(row), row["good_direction"],
          row["owner"], row[f"definition_{lang}"]) for row in rows],
    )  # fmt: skip
    if len(rows) == 1:
        console.out(f"stored in {rows[0]['stored_in'] or 'no mart with a grain'}")


def _adds_up(row: Mapping[str, Any]) -> str:
    if row["additivity"] == "ratio":
        return f"{row['numerator']} / {row['denominator']}"
    return str(row["additivity"])


def asked(  # noqa: PLR0913, PLR0917 - one parameter an option
    names: str, by: str, where: Sequence[str], grain: str, first: str, last: str
) -> Question:
    """A question of the words of the command line.

    Raises:
        KpiError: a condition or a day is none.
    """
    return Question(
        metrics=_listed(names),
        by=_listed(by),
        where=conditions(where),
        grain=grain,
        first=day_of(first, "--from") if first else None,
        last=day_of(last, "--to") if last else None,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def show_answer(question: Question, as_csv: bool, lang: str) -> None:
    """Print the rows of an answer, and below them what they are and what to mind.

    Raises:
        KpiError: as `answer`.
    """
    allowed("--lang", lang, LANGUAGES)
    with warehouse.connect_published(settings.load().paths.current) as con:
        told = answer(con, question)
    if as_csv:
        columns = ["period_start", *question.by, *question.metrics]
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow(columns)
        lines.writerows([row[name] for name in columns] for row in told["rows"])
        for caveat in told["caveats"]:
            console.note(caveat)
        return
    console.document(told)
    labels = [told["metrics"][name][f"label_{lang}"] for name in question.metrics]
    console.table(
        [question.grain, *question.by, *labels],
        [(row["period_start"], *(row[name] for name in question.by),
          *(_rounded(row[name]) for name in question.metrics)) for row in told["rows"]],
    )  # fmt: skip
    for name, said in told["metrics"].items():
        console.out(f"{name} ({said['unit']}, {said['from']}): {said[f'definition_{lang}']}")
    console.out(f"as of {told['as_of']['data_through']}, generation {told['as_of']['run_id']}")
    for caveat in told["caveats"]:
        console.heading(f"Note: {caveat}")


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.2f}"
