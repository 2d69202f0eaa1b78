"""Every command that README and docs show is one: it is understood, and what answers is run."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from orchestration.cli.main import app
from tests.support import shop

ROOT = Path(__file__).parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(?:\.venv/bin/)?(kpi [^`]+)`")
# They answer from what is published and change nothing.
ANSWERING = ("sql", "query", "explain", "metrics", "status", "export", "sbom", "version")
_WORDS = {"ID": "C1", "FILE": "a.csv", "BATCH": "b", "RUN": "r", "NAME": "n", "FOLDER": "f",
          "SECONDS": "9"}  # fmt: skip


def commands(text: str) -> list[str]:
    """What stands after `kpi` in the fenced blocks and between backticks of a text."""
    found = []
    for fenced in _FENCED.findall(text):
        block = fenced.replace("\\\n", " ")
        for start in re.finditer(r"(?:^|[ /])kpi (?=--|[a-z])", block):
            rest = block[start.end() :]
            line = rest.partition("\n")[0]
            if line.count('"') % 2:  # a query over several lines
                line += rest[len(line) : rest.index('"', len(line)) + 1]
            found.append(re.split(r"\s+[>#|]", line)[0].strip())
    return found + [one[4:] for one in _INLINE.findall(_FENCED.sub("", text))]


SHOWN = sorted({(file.name, one) for file in TEXTS for one in commands(file.read_text("utf-8"))})


def test_commands_are_found() -> None:
    assert len(SHOWN) > 60
    assert ("README.md", "explain --vs trailing_28d --lang zh") in SHOWN


def parsed(words: list[str]) -> tuple[Any, list[str]]:
    """The command of these words and its arguments, the options of all commands taken off."""
    found: Any = typer.main.get_command(app)
    while words and (known := getattr(found, "commands", None)):
        if words[0].startswith("-"):
            [option] = [one for one in found.params if words[0] in one.opts]
            words = words[1 if option.is_flag else 2 :]
        else:
            assert words[0] in known, f"there is no command {words[0]}"
            found, words = known[words[0]], words[1:]
    return found, words


@pytest.mark.parametrize(("file", "shown"), SHOWN)
def test_a_command_that_is_shown_is_understood(file: str, shown: str) -> None:
    command, words = parsed([_WORDS.get(word, word) for word in shlex.split(shown)])
    if words:  # of one that is only spoken of, what it needs is not said
        command.make_context(command.name, list(words))


ANSWERED = [
    (file, shown)
    for file, shown in SHOWN
    if shlex.split(shown)[0] in ANSWERING and not {"--advisories"} & set(shlex.split(shown))
]


def answers(home: Path, file: str, shown: str, folder: Path) -> None:
    words = [word if word != "my-folder" else str(folder) for word in shlex.split(shown)]
    if words[0] == "export" and "--out" not in words:
        words += ["--out", str(folder)]
    day = shop.LAST_DAY.isoformat()
    words = [re.sub(r"^20\d\d-\d\d-\d\d$", day, word) for word in words]
    if words in (["sql"], ["query"]) or words[1:] == ["parquet"]:
        return  # spoken of, not shown
    told = shop.kpi(home, *words)
    assert told.returncode == 0, f"{file}: kpi {shown}: {told.stderr}"
    assert told.stdout.strip() or words[0] == "export"


@pytest.mark.parametrize(("file", "shown"), [one for one in ANSWERED if one[0] == "README.md"])
def test_what_the_readme_asks_is_answered(
    finished_home: Path, file: str, shown: str, tmp_path: Path
) -> None:
    answers(finished_home, file, shown, tmp_path / "out")


@pytest.mark.long
@pytest.mark.parametrize(("file", "shown"), [one for one in ANSWERED if one[0] != "README.md"])
def test_what_the_docs_ask_is_answered(
    copy_home: Callable[[str], Path], file: str, shown: str, tmp_path: Path
) -> None:
    answers(copy_home("asked"), file, shown, tmp_path / "out")


def test_the_units_of_systemd_start_the_command_of_the_docs() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    service, timer = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    units = []
    for unit in (service, timer):
        read = configparser.ConfigParser(interpolation=None)
        read.optionxform = str  # type: ignore[assignment,method-assign]
        read.read_string(unit)
        units.append(read)
    start = shlex.split(units[0]["Service"]["ExecStart"])
    command, words = parsed(start[1:])
    assert start[0].endswith(".venv/bin/kpi") and command.name == "run" and words[0] == "--wait"
    codes = {int(code) for code in units[0]["Service"]["SuccessExitStatus"].split()}
    assert codes == {4, 8}
    assert units[1]["Timer"]["OnCalendar"] == "*-*-* 06:00:00"


def test_progress_and_errors_are_lines_of_json_on_request(
    copy_home: Callable[[str], Path],
) -> None:
    home = copy_home("json")
    told = shop.kpi(home, "--log-json", "run", "--date", shop.LAST_DAY.isoformat())
    assert told.returncode == 0
    lines = [json.loads(line) for line in told.stderr.splitlines()]
    assert {"at", "level", "message"} == set(lines[0])
    assert "nothing new since the last good build" in {line["message"] for line in lines}
    told = shop.kpi(home, "--log-json", "rollback", "--to", "none")
    [error] = [json.loads(line) for line in told.stderr.splitlines()]
    assert (error["level"], error["exit_code"]) == ("error", 2)
