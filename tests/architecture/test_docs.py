"""The texts of the repository: paths they name exist, verbs are documented, nothing leaks in."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = ("README.md", "CONTRIBUTING.md")
MADE_BY_A_RUN = ("data/", "shop.yml", "comments.md", ".venv/", "my-shop")


@pytest.mark.parametrize("text", TEXTS)
def test_paths_named_in_the_docs_exist(text: str) -> None:
    named = set(
        re.findall(
            r"`([\w.\-]+/[\w.\-/]*|[\w\-]+\.(?:md|yml|toml|txt))`", (ROOT / text).read_text()
        )
    )
    named |= set(re.findall(r"\]\(([\w.\-/]+)\)", (ROOT / text).read_text()))
    missing = [
        n
        for n in named
        if not (ROOT / n).exists() and not n.startswith(MADE_BY_A_RUN) and "<" not in n
    ]
    rooms = (
        "ingestion/",
        "dbt_project/models/staging/",
        "dashboards/wording/i18n/",
        "orchestration/",
    )
    missing = [n for n in missing if not any((ROOT / room / n).exists() for room in rooms)]
    assert missing == []


# Most files that one more of a kind may touch.
LIMITS = {"feed": 6, "metric": 4, "comparison": 2, "page": 5}


@pytest.mark.parametrize("recipe", LIMITS)
def test_a_recipe_names_the_few_files_it_touches(recipe: str) -> None:
    """A recipe begins with its files; `<name>` in a path stands for what is new."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    told = re.search(rf"^## Add a {recipe}\n\nFiles: (.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert told is not None
    paths = re.findall(r"`(.+?)`", told[1])
    assert 0 < len(paths) <= LIMITS[recipe]
    for path in paths:
        assert list(ROOT.glob(re.sub(r"<\w+>", "*", path))), f"nothing is like {path}"


def test_files_named_in_the_code_exist() -> None:
    rooms = ("ingestion", "models", "dashboards", "simulator", "orchestration")
    missing = [
        f"{file.relative_to(ROOT)}: {name}"
        for room in rooms
        for file in sorted((ROOT / room).rglob("*.py"))
        for name in re.findall(r"`([\w/]+\.(?:py|yml|md|sql))`", file.read_text())
        if name not in MADE_BY_A_RUN
        and not any((place / name).exists() for place in (file.parent, ROOT / room, ROOT))
    ]
    assert missing == []


def test_the_makefile_has_few_verbs_all_documented() -> None:
    verbs = re.findall(r"^([a-z-]+):.*?(##.*)?$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert 0 < len(verbs) <= 13
    assert all(documentation for _, documentation in verbs)


def test_the_page_of_the_feeds_is_made_from_the_feeds() -> None:
    from ingestion.documents.feeds import page

    assert (ROOT / "docs/feeds.md").read_text() == page(), "run `make docs`"


def test_the_inventory_of_personal_data_is_made_from_the_code() -> None:
    from ingestion.documents.personal_data import page

    assert (ROOT / "docs/personal-data.md").read_text() == page(), "run `make docs`"


def test_the_page_of_the_formats_is_made_from_the_formats() -> None:
    from ingestion.documents.formats import page

    assert (ROOT / "docs/formats.md").read_text() == page(), "run `make docs`"


def test_the_diagram_of_the_marts_is_made_from_their_tests() -> None:
    from orchestration.build.erd import page
    from tests.support.contracts import manifest

    assert (ROOT / "docs/erd.md").read_text() == page(manifest()), "run `make docs`"


def test_no_large_or_foreign_file_is_tracked() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]
    assert [
        name
        for name in listed
        if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 1_000_000
    ] == []
    assert not [name for name in listed if name.startswith("data/")]
