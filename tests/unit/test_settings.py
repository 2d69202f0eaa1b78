"""shop.yml: what is refused, and that the message says the line."""

from pathlib import Path

import pytest
import yaml

from orchestration.config import settings
from orchestration.config.sections import Metrics
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.inbox import checked_key
from orchestration.ledger.state import State

GOOD = """\
shop:
  name: Corner shop
  currency: EUR
  timezone: Europe/Berlin
sources: {}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KPI_HOME", str(tmp_path))
    monkeypatch.delenv("KPI_CONFIG", raising=False)
    return tmp_path


def test_defaults(home: Path) -> None:
    (home / "shop.yml").write_text(GOOD)
    loaded = settings.load()
    assert loaded.shop.languages == ("en", "zh")
    assert loaded.file.publish.keep == 3
    assert loaded.paths.current == home / "data/published/current.duckdb"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("currency: EUR", "currency: euro"), "line 3, shop.currency"),
        (GOOD.replace("Europe/Berlin", "Europe/Berlinn"), "line 4, shop.timezone"),
        (GOOD.replace("EUR", "EUR\n  week_start: friday"), "line 4, shop.week_start"),
        (GOOD + "publish:\n  keep: 1\n", "line 7, publish.keep"),
        (GOOD + "alert: {}\n", "line 6, alert"),
        (GOOD.replace("  name: Corner shop\n", ""), "shop.name"),
        (GOOD + "metrics:\n  funel: {}\n", r"line 7, metrics\.funel: .*did you mean `funnel`"),
        (
            GOOD + "metrics:\n  funnel:\n    steps: [home, add_to_carts]\n",
            r"line 8, metrics\.funnel\.steps: `add_to_carts` .*did you mean `add_to_cart`",
        ),
        (GOOD + "metrics: {funnel: {steps: [home, list, home]}}\n", "`home` stands there twice"),
        (GOOD + "metrics: {funnel: {steps: [home]}}\n", r"line 6, metrics\.funnel\.steps"),
        (GOOD + "metrics: {funnel: {window_days: 0}}\n", r"metrics\.funnel\.window_days"),
        (GOOD + "metrics: {attribution: {window_days: 1.5}}\n", r"attribution\.window_days"),
        (GOOD + "metrics: {sessions: {gap_minutes: 90, cap_hours: 1}}\n", "longer than cap_hours"),
        (GOOD + "footprint: {parcels: 1}\n", r"footprint\.parcels: .*did you mean `parcel`"),
        (GOOD + "footprint: {carriers: {dhl: -1}}\n", r"footprint\.carriers\.dhl"),
        (GOOD + "alerts: {routes: [{metric: gmv}]}\n", "a route needs a channel or a person"),
        (GOOD + "alerts: {quiet_hours: night}\n", r"line 6, alerts\.quiet_hours"),
        (GOOD + "alerts: {quiet_hours: '22:00-22:00'}\n", "they end when they begin"),
        (GOOD + "publish: {site_url: data/site}\n", r"line 6, publish\.site_url"),
        (GOOD + "metrics: {suppliers: {quality_weight: -1}}\n", r"suppliers\.quality_weight"),
        ("shop: [", "not valid YAML"),
        ("", "shop"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(home: Path, text: str, message: str) -> None:
    (home / "shop.yml").write_text(text)
    with pytest.raises(KpiError, match=message) as refused:
        settings.load()
    assert refused.value.code == ExitCode.CONFIG
    assert "kpi doctor" in refused.value.do_this or "indentation" in refused.value.do_this


def test_what_a_shop_does_not_say_is_what_the_dbt_project_says(home: Path) -> None:
    (home / "shop.yml").write_text(GOOD)
    file = settings.load().file
    variables = {**file.metrics.variables(), **file.footprint.variables()}
    project = yaml.safe_load((settings.DBT_PROJECT_DIR / "dbt_project.yml").read_text())["vars"]
    assert variables.items() <= project.items() and len(variables) == 14
    example = yaml.safe_load(settings.DEMO_CONFIG.read_text())["metrics"]
    assert Metrics.model_validate(example) == Metrics()


def test_another_way_to_count_is_another_generation(home: Path) -> None:
    (home / "shop.yml").write_text(GOOD)
    before = settings.load().code_fingerprint()
    (home / "shop.yml").write_text(GOOD + "metrics: {sessions: {gap_minutes: 20}}\n")
    assert settings.load().code_fingerprint() != before


def test_another_engine_is_another_generation(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables keep hashes of its own."""
    (home / "shop.yml").write_text(GOOD)
    before = settings.load().code_fingerprint()
    monkeypatch.setattr(settings, "version", lambda _: "99.0")
    assert settings.load().code_fingerprint() != before


def test_a_missing_file_says_what_to_do(home: Path) -> None:
    with pytest.raises(KpiError, match="kpi demo"):
        settings.load()


def test_a_key_is_made_once_and_kept_private(home: Path) -> None:
    (home / "shop.yml").write_text(GOOD)
    first = settings.load().pseudonym_key()
    assert settings.load().pseudonym_key() == first and len(first) == 64
    assert (home / "data/state/pseudonym.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{good}sources: {{}}\n", r"`sources` stands there twice, in lines \d+ and {last}"),
        ("{good}more:\n  web:\n    platform: a\n  web: {{}}\n", r"`web` .* lines 7 and {last}"),
        ("{good}alerts:\n  channels: []\n  channels: [a]\n", r"`channels` .* and {last}"),
        ("{good}publish: {{keep: 3, keep: 4}}\n", r"`keep` .* lines {last} and {last}"),
        ("{good}more:\n- a: 1\n- a: 1\n  b: 2\n  b: 3\n", r"`b` .* and {last}"),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(
    home: Path, text: str, told: str
) -> None:
    content = text.format(good=GOOD)
    (home / "shop.yml").write_text(content)
    with pytest.raises(KpiError, match=told.format(last=content.count("\n"))) as refused:
        settings.load()
    assert refused.value.code == ExitCode.CONFIG


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused(home: Path, mode: int) -> None:
    (home / "shop.yml").write_text(GOOD)
    settings.load().pseudonym_key()
    file = home / "data/state/pseudonym.key"
    file.chmod(mode)
    with pytest.raises(KpiError, match=f"chmod 600 {file}") as refused:
        settings.load().pseudonym_key()
    assert refused.value.code == ExitCode.CONFIG
    assert file.read_text() not in str(refused.value)
    file.chmod(0o600)
    assert settings.load().pseudonym_key() == file.read_bytes()


def test_a_lost_or_changed_key_stops_the_run_and_makes_no_other(home: Path) -> None:
    (home / "shop.yml").write_text(GOOD)
    configured = settings.load()
    state = State(configured.paths.state)
    checked_key(configured, state)
    file = home / "data/state/pseudonym.key"
    kept = file.read_bytes()
    file.unlink()
    with pytest.raises(KpiError, match="the key file is gone"):
        checked_key(configured, state)
    assert not file.exists()
    file.touch(mode=0o600)
    with pytest.raises(KpiError, match="empty"):
        checked_key(configured, state)
    file.write_text("another key")
    with pytest.raises(KpiError, match="not the pseudonym key"):
        checked_key(configured, state)
    file.write_bytes(kept)
    assert checked_key(configured, state) == kept


def test_every_kind_of_file_that_decides_a_page_is_code(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "shop.yml").write_text(GOOD)
    files = [p for p in (settings.PROJECT_ROOT / "dashboards").rglob("*")
             if p.is_file() and "__pycache__" not in p.parts]  # fmt: skip
    kinds = {path.suffix: path.relative_to(settings.PROJECT_ROOT) for path in files}
    assert {".html", ".css", ".js", ".yml", ".py"} <= set(kinds)
    monkeypatch.setattr(settings, "PROJECT_ROOT", tmp_path / "tree")
    seen = {settings.load().code_fingerprint()}
    for place, name in enumerate(kinds.values(), start=1):
        copy = tmp_path / "tree" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("changed")
        seen.add(settings.load().code_fingerprint())
        assert len(seen) == place + 1, name


def test_limits_are_days(home: Path) -> None:
    (home / "shop.yml").write_text(GOOD + "privacy: {landing_days: 0}\n")
    with pytest.raises(KpiError, match=r"line 6, privacy\.landing_days"):
        settings.load()


def test_a_secret_comes_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "shop.yml").write_text(GOOD + "alerts: {channels: [env:CHAT_URL]}\n")
    with pytest.raises(KpiError, match="CHAT_URL is not set"):
        settings.load().alert_channels()
    monkeypatch.setenv("CHAT_URL", "json://127.0.0.1:9/")
    assert settings.load().alert_channels() == ["json://127.0.0.1:9/"]


def test_a_route_of_a_platform_nobody_sells_on_is_refused(home: Path) -> None:
    (home / "shop.yml").write_text(
        GOOD.replace(
            "{}",
            "{tmall: {platform: tmall, shop_id: s, timezone: UTC, currency: EUR,"
            " files: [{path: a.csv, format: plain_orders}]}}",
        )
        + "alerts: {routes: [{platform: tmal, person: Li}]}\n"
    )
    with pytest.raises(KpiError, match=r"alerts\.routes names platform `tmal`"):
        _ = settings.load().sources
