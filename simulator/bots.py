"""Visits of bots to the site.

Belongs here: what `bot_traffic` adds to the visits of people.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulator.company import CHANNELS, DEVICES, PROVINCES
from simulator.customers import SHOP, VISITORS_PER_DAY
from simulator.draws import Ints, fraction
from simulator.visits import HOME, Visits
from simulator.world import World, choose

_BOT_NUMBER = 800_000
_DESKTOP = [name for name, _, _ in DEVICES].index("desktop")
_STEPS = ("searched", "wished", "carted", "checked_out", "ordered", "followed")


def _bots(visits: Visits, rows: Ints, channel: int) -> Visits:
    """Return a bot's visit for each of the given visits of one day, with its untold details."""
    size = len(rows)
    none = np.zeros(size, np.bool_)
    day = visits.day[rows]
    visitor = day * VISITORS_PER_DAY + _BOT_NUMBER + np.arange(size)
    steps: dict[str, Any] = dict.fromkeys(_STEPS, none)
    return replace(
        visits.take(rows),
        visitor=visitor,
        is_member=none,
        logged_in=none,
        channel=np.full(size, channel),
        campaign=np.zeros(size, np.int64),
        device=np.full(size, _DESKTOP),
        region=choose([share for _, _, share in PROVINCES], fraction(visitor, 2)),
        start=np.asarray(day * 86400.0 + np.floor(fraction(visitor, 13) * 86400.0)),
        landing=np.full(size, HOME),
        bounced=~none,
        views=np.zeros(size, np.int64),
        ring=np.full(size, -1),
        **steps,
    )


def with_bots(world: World, visits: Visits) -> Visits:
    """Add visits of bots: each a new visitor on a desktop who looks at one page."""
    parts = [visits]
    for item, first, last in world.hit("bot_traffic", SHOP):
        channel = [source.name for source in CHANNELS].index(item.segment)
        for day in range(first, last + 1):
            rows = np.nonzero(visits.day == day)[0]
            size = round((item.factor - 1.0) * int((visits.channel[rows] == channel).sum()))
            parts.append(_bots(visits, rows[:size], channel))
    columns = [np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Visits)]
    whole = Visits(*columns)
    return whole.take(np.argsort(whole.day, kind="stable")) if len(parts) > 1 else visits
