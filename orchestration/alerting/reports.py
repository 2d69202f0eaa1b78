"""The daily letter and that of the week: written to the outbox, and queued for who asked for them.

Belongs here: when they are written and to whom they go. What they say is in `dashboards.mail`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from dashboards.base.data import Data, SiteInfo
from dashboards.mail.letter import Letter
from dashboards.mail.reports import daily, weekly
from dashboards.wording.facts import facts
from dashboards.wording.message import AlertInfo, Message, one_line
from orchestration.alerting.delivery import SendPolicy, queue
from orchestration.alerting.outbox import write_atomically
from orchestration.build.archive import DAYS

if TYPE_CHECKING:
    from orchestration.config.settings import Settings
    from orchestration.ledger.state import State

_WEEKS = 13


def send_reports(
    settings: Settings,
    state: State,
    frames: Mapping[str, pl.DataFrame],
    info: SiteInfo,
    policy: SendPolicy | None = None,
) -> list[str]:
    """Write the letters of the last day and the newest closed week, and queue each once.

    Args:
        settings: the shop, its channels and folders.
        state: holds the queue.
        frames: published tables, as the pages have them.
        info: facts about the site.
        policy: the clock of the queue.

    Returns:
        Names of the files in the outbox.
    """
    data = Data(frames)
    if data.first_day() is None:
        return []
    site, outbox = settings.file.publish.site_url or "", settings.paths.outbox
    outbox.mkdir(parents=True, exist_ok=True)
    written = []
    for letter in (daily(data, info), weekly(data, info)):
        if letter is None:
            continue
        file = outbox / f"{letter.kind}_{letter.name}.eml"
        write_atomically(file, letter.eml(site, info.languages, info.built_at))
        written.append(file.name)
        queue([_message(letter, site, info)], settings, state, policy)
    for kind, count in (("daily", DAYS), ("weekly", _WEEKS)):
        for file in sorted(outbox.glob(f"{kind}_*.eml"))[:-count]:
            file.unlink()
    return written


def _message(letter: Letter, site: str, info: SiteInfo) -> Message:
    """The letter for a channel: its text in short, and for mail its HTML."""
    told = AlertInfo(info.shop_name, info.currency, site, info.languages)
    return Message(
        incident_id=f"{letter.kind}-{letter.name}",
        day=info.data_through,
        kind="report",
        metric=letter.kind,
        segment=f"report:{letter.kind}",
        severity="low",
        subject=one_line(letter.subject.get(info.languages[0])),
        text=letter.card(site, info.languages),
        keys=(f"{letter.kind}|{letter.name}",),
        facts=facts([], told, letter.kind),
        html=letter.html(site, info.languages),
        pictures={
            name: base64.b64encode(drawing.png).decode()
            for name, drawing in letter.pictures.items()
        },
    )
