"""Several gaps of one outage in one message.

Belongs here: how messages of gaps are put together. Which gaps are one outage is decided in
`orchestration.alerting.alerts`; what one of them says is in `alerts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dashboards.wording.i18n import word
from dashboards.wording.message import AlertInfo, Message, one_line


def joined(messages: Sequence[Message], info: AlertInfo) -> Message:
    """One message of several data incidents of one outage: each told in full, under one subject.

    Args:
        messages: of data incidents whose days touch; at least one, the first of them first.
        info: shop, languages.
    """
    first = messages[0]
    if len(messages) == 1:
        return first
    last = max(message.day for message in messages)
    rank = {"critical": -1, "high": 0, "medium": 1, "low": 2}
    severity = min((m.severity for m in messages), key=lambda name: rank.get(name, 3))
    subject = {
        "en": f"[{info.shop}] {severity}: data of {len(messages)} sources incomplete until {last}",
        "zh": f"[{info.shop}] {word('severity', severity, 'zh')}：{len(messages)} 个来源的数据"
        f"不完整（至 {last}）",
    }
    return replace(
        first,
        incident_id=f"outage-{first.incident_id}",
        day=last,
        severity=severity,
        segment="outage",
        subject=one_line(subject[info.languages[0]]),
        text="\n\n".join(_without_repeats(messages)),
        keys=tuple(key for message in messages for key in message.keys or (message.key,)),
        facts={
            **first.facts,
            "incidents": [one for message in messages for one in message.facts["incidents"]],
        },
    )


def _without_repeats(messages: Sequence[Message]) -> list[str]:
    """Their blocks language by language; a line that an earlier one has said is left out."""
    blocks = zip(*(message.text.split("\n\n") for message in messages), strict=True)
    return [
        "\n".join(dict.fromkeys(line for text in block for line in text.splitlines()))
        for block in blocks
    ]
