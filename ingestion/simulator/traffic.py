"""Visits to the Shopify site: who comes, how, and how far they go.

Belongs here: one row a visit. What a visit leaves in the web analytics is in `events.py`, what an
order becomes in `orders.py`.

A visitor is a number made of the day of the first visit and a running number on that day. Later
visits draw such a number from an earlier day, so nobody's history has to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ingestion.simulator.company import CHANNELS, DEVICES, PROVINCES, Site
from ingestion.simulator.draws import (
    Flags,
    Floats,
    Ints,
    Stream,
    fraction,
    mix,
    ordinals,
    stratified,
    systematic,
    uniforms,
)
from ingestion.simulator.world import (
    HISTORY_DAYS,
    World,
    choose,
    pick_product,
    rounded,
    time_of_day,
)

SHOP = "shopify"
VISITORS_PER_DAY = 1_000_000
_DRAWS = (
    *("who", "gap", "index", "channel", "campaign", "outage", "time", "landing", "bounce"),
    *("search", "more", "views", "wish", "cart", "checkout", "broken", "main", "other", "device"),
    *("login", "anonymous", "untracked", "follow", "seen", "pace"),
)
# share of visits without an order that go one step further
_CART_WITHOUT_ORDER, _CHECKOUT_WITHOUT_ORDER, _WISH = 0.095, 0.42, 0.05
_VIEW_AFTER_HOME, _SEARCH_SHARE = 0.76, 0.35
_SECOND_DEVICE = 0.12
HOME, LIST, SEARCH, PRODUCT = 0, 1, 2, 3


@dataclass(frozen=True)
class Visits:
    """Columns of equal length, one row a visit, by day.

    Attributes:
        day: local day of the start, since 1970.
        visitor: number of the visitor; see the module.
        is_member: the visitor has an account and was here before.
        logged_in: the visit carries a user id.
        channel: index into CHANNELS.
        campaign: index into the campaigns of the channel, 0 if it has none.
        device: index into DEVICES.
        region: index into PROVINCES.
        start: local seconds since 1970.
        landing: HOME, LIST, SEARCH or PRODUCT.
        bounced: nothing after the landing page.
        searched: used the search, else the list (visits that begin at home and go on).
        views: product pages seen, the bought one included.
        wished: marked a product as favourite.
        carted: put something into the cart.
        checked_out: began a checkout.
        ordered: placed an order.
        main: product seen last, carted and bought.
        other: another product seen.
        anonymous: the order carries no e-mail.
        untracked: no purchase event reaches the web analytics.
        followed: places a second order some minutes later.
        lost: nothing of the visit reaches the web analytics.
        pace: speed of the visit, about 1.
    """

    day: Ints
    visitor: Ints
    is_member: Flags
    logged_in: Flags
    channel: Ints
    campaign: Ints
    device: Ints
    region: Ints
    start: Floats
    landing: Ints
    bounced: Flags
    searched: Flags
    views: Ints
    wished: Flags
    carted: Flags
    checked_out: Flags
    ordered: Flags
    main: Ints
    other: Ints
    anonymous: Flags
    untracked: Flags
    followed: Flags
    lost: Flags
    pace: Floats

    def __len__(self) -> int:
        """Return the number of visits."""
        return len(self.day)

    def take(self, keep: Flags | Ints) -> Visits:
        """Return the chosen rows."""
        return Visits(*(getattr(self, field.name)[keep] for field in fields(self)))


def founders(world: World, days: Ints) -> Ints:
    """Return how many new visitors of each day open an account."""
    site = world.company.site
    new = 1.0 - site.member_sessions - site.return_sessions
    expected = site.sessions * world.level(SHOP, days) * new * site.founders
    return np.maximum(expected.astype(np.int64), 1)


def _visitors(world: World, day: Ints, u: dict[str, Floats]) -> tuple[Ints, Flags, Flags]:
    """Draw visitor numbers; return them, whether a member, whether a founder's first visit."""
    site = world.company.site
    is_member = u["who"] < site.member_sessions
    is_return = ~is_member & (u["who"] < site.member_sessions + site.return_sessions)
    is_new = ~is_member & ~is_return
    mean = np.where(is_member, site.member_gap, site.return_gap)
    gap = np.floor(-np.log1p(-u["gap"]) * mean).astype(np.int64)
    gap = np.minimum(np.where(is_member, gap + 1, gap), HISTORY_DAYS - 1)
    born = np.where(is_new, day, day - gap)
    accounts = founders(world, born)
    new_share = 1.0 - site.member_sessions - site.return_sessions
    seen = site.sessions * world.level(SHOP, born) * new_share * 0.9
    others = np.maximum(seen.astype(np.int64) - accounts, 1)
    number = np.where(
        is_member,
        np.floor(accounts * u["index"] ** 1.7).astype(np.int64),  # some come far more often
        accounts + np.floor(others * u["index"]).astype(np.int64),
    )
    number[is_new] = ordinals(day[is_new])
    return born * VISITORS_PER_DAY + number, is_member, is_new & (number < accounts)


def _channels(u: Floats, is_member: Flags) -> Ints:
    """Draw channels: members come by themselves and by e-mail, others are brought."""
    members = choose([channel.member_share for channel in CHANNELS], u)
    others = choose([channel.share for channel in CHANNELS], u)
    return np.where(is_member, members, others)


def _campaigns(channel: Ints, u: Floats) -> Ints:
    """Draw a campaign of the visit's channel."""
    campaign = np.zeros(len(channel), np.int64)
    for index, item in enumerate(CHANNELS):
        if item.campaigns:
            rows = channel == index
            campaign[rows] = choose([share for _, share in item.campaigns], u[rows])
    return campaign


def _orders(
    world: World, day: Ints, chance: Floats, u: dict[str, Floats], device: Ints
) -> tuple[Flags, Flags]:
    """Decide who would order, and who of them cannot because the checkout is broken."""
    wants = systematic(day, np.minimum(chance, 0.95), u["offset"])
    left = world.remaining("broken_checkout", SHOP, day, [name for name, _, _ in DEVICES])
    broken = wants & (u["broken"] >= left[np.arange(len(day)), device])
    return wants & ~broken, broken


def _devices(u: Floats, visitor: Ints, is_member: Flags) -> Ints:
    """Return devices: a visitor's own, members now and then another."""
    swap = (u < _SECOND_DEVICE) & is_member
    draw = np.where(swap, u / _SECOND_DEVICE, fraction(visitor, 1))
    return choose([share for _, share, _ in DEVICES], draw)


def _chances(world: World, day: Ints, role: Ints) -> Floats:
    """Return chance of an order by role (founder's first visit, member, other) and day."""
    return np.array(world.company.site.conversions)[role] * world.at(SHOP, "conversion", day)


def _path(site: Site, u: dict[str, Floats], wants: Flags) -> dict[str, Any]:
    """Draw how far each visit goes; those that want to order go all the way."""
    landing = choose(
        [
            1.0 - site.product_landing - site.list_landing,
            site.list_landing,
            0.0,
            site.product_landing,
        ],
        u["landing"],
    )
    bounced = (u["bounce"] < site.bounce) & ~wants
    viewed = (landing == PRODUCT) | (~bounced & ((u["more"] < _VIEW_AFTER_HOME) | wants))
    carted = wants | (~bounced & viewed & (u["cart"] < _CART_WITHOUT_ORDER))
    return {
        "landing": landing,
        "bounced": bounced,
        "searched": ~bounced & (landing == HOME) & (u["search"] < _SEARCH_SHARE),
        "views": viewed * (1 + ~bounced * np.floor(u["views"] ** 2 * 3).astype(np.int64)),
        "wished": ~bounced & viewed & (u["wish"] < _WISH),
        "carted": carted,
        "checked_out": wants | (carted & (u["checkout"] < _CHECKOUT_WITHOUT_ORDER)),
    }


def make_visits(world: World, first: int, last: int) -> Visits:
    """Draw all visits that begin on days first..last (days since 1970).

    Visits kept away by an outage of their channel are not in the result; visits that only the web
    analytics missed are, with `lost` set.
    """
    site = world.company.site
    days = np.arange(first, last + 1)
    once = uniforms(world.seed, Stream.COUNTS, days, np.ones_like(days), ("round", "offset"))
    counts = rounded(site.sessions * world.at(SHOP, "traffic", days), once["round"])
    u = uniforms(world.seed, Stream.VISITS, days, counts, _DRAWS)
    u["offset"] = np.repeat(once["offset"], counts)
    day = np.repeat(days, counts)
    u["who"] = stratified(day, u["who"])
    visitor, is_member, is_founder = _visitors(world, day, u)
    channel = _channels(u["channel"], is_member)
    device = _devices(u["device"], visitor, is_member)
    chance = _chances(world, day, np.where(is_founder, 0, np.where(is_member, 1, 2)))
    chance = chance * np.array([item.conversion for item in CHANNELS])[channel]
    chance = chance * np.array([factor for _, _, factor in DEVICES])[device]
    ordered, broken = _orders(world, day, chance, u, device)
    wants = ordered | broken
    u["main"][wants] = stratified(day[wants], u["main"][wants])
    weights = world.shop_weights(SHOP)
    visits = Visits(
        day=day,
        visitor=visitor,
        is_member=is_member,
        logged_in=is_member & (u["login"] < 0.88),
        channel=channel,
        campaign=_campaigns(channel, u["campaign"]),
        device=device,
        region=choose([share for _, _, share in PROVINCES], fraction(visitor, 2)),
        start=day * 86400.0 + time_of_day(u["time"]),
        **_path(site, u, wants),
        ordered=ordered,
        main=pick_product(weights, day - world.first, u["main"]),
        other=pick_product(weights, day - world.first, u["other"]),
        anonymous=~is_member & (u["anonymous"] < site.anonymous),
        untracked=u["untracked"] < site.untracked,
        followed=ordered & (u["follow"] < site.follow_up),
        lost=u["seen"] >= world.remaining("lost_tracking", SHOP, day, ["all"])[:, 0],
        pace=0.6 + 0.8 * u["pace"],
    )
    left = world.remaining("traffic_source_out", SHOP, day, [item.name for item in CHANNELS])
    return visits.take(u["outage"] < left[np.arange(len(day)), channel])


def visitor_text(visitor: Ints) -> tuple[Ints, Ints]:
    """Return the two numbers of the web analytics' own visitor id: random part and birth."""
    return mix(visitor, 3) % 2**31, visitor // VISITORS_PER_DAY * 86400
