"""Visits to the Shopify site: who comes, how, and how far they go.

Belongs here: one row a visit. What a visit leaves in the web analytics is in `events.py`, what an
order becomes in `orders.py`.

A visitor is a number made of the day of the first visit and a running number on that day. Later
visits draw such a number from an earlier day, so nobody's history has to be remembered. The first
numbers of a day are those of its future customers; see `customers.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.bots import with_bots
from simulator.company import CHANNELS, DEVICES, PROVINCES, Site
from simulator.customers import (
    SHOP,
    VISITORS_PER_DAY,
    Cast,
    acquisition,
    customer_device,
    joiners,
    plan_visits,
)
from simulator.draws import Flags, Floats, Ints, Stream, fraction, ordinals, stratified, uniforms
from simulator.visits import HOME, PRODUCT, Visits
from simulator.world import HISTORY_DAYS, World, choose, pick_product, rounded, time_of_day

Draws = dict[str, Floats]
_DRAWS = (
    *("who", "gap", "index", "channel", "campaign", "outage", "time", "landing", "bounce"),
    *("search", "more", "views", "wish", "cart", "checkout", "broken", "main", "other", "device"),
    *("login", "anonymous", "untracked", "follow", "seen", "pace"),
)
# share of visits without an order that go one step further
_CART_WITHOUT_ORDER, _CHECKOUT_WITHOUT_ORDER, _WISH = 0.095, 0.42, 0.05
_VIEW_AFTER_HOME, _SEARCH_SHARE = 0.76, 0.35
_SECOND_DEVICE = 0.12


def _onlookers(world: World, day: Ints, u: dict[str, Floats]) -> tuple[Ints, Flags]:
    """Draw numbers of visitors who only look; return them and whether they are customers."""
    site = world.company.site
    who = stratified(day, u["who"])
    is_member = who < site.member_sessions
    is_return = ~is_member & (who < site.member_sessions + site.return_sessions)
    is_new = ~is_member & ~is_return
    mean = np.where(is_member, site.member_gap, site.return_gap)
    gap = np.floor(-np.log1p(-u["gap"]) * mean).astype(np.int64)
    gap = np.where(is_member, gap + site.repeat_from, gap)
    born = np.where(is_new, day, day - np.minimum(gap, HISTORY_DAYS - 1))
    accounts = np.maximum(joiners(world, born), 1)
    new_share = 1.0 - site.member_sessions - site.return_sessions
    seen = site.sessions * world.level(SHOP, born) * new_share * 0.85
    others = np.maximum(seen.astype(np.int64), 1)
    number = np.where(
        is_member,
        np.floor(accounts * u["index"] ** 1.7).astype(np.int64),  # some come far more often
        accounts + np.floor(others * u["index"]).astype(np.int64),
    )
    number[is_new] = accounts[is_new] + ordinals(day[is_new])
    return born * VISITORS_PER_DAY + number, is_member


def _with_onlookers(world: World, cast: Cast, days: Ints, counts: Ints) -> tuple[Cast, Draws]:
    """Fill planned visits up to the visits of each day; return them with uniform numbers."""
    planned = np.bincount(cast.day - days[0], minlength=len(days))
    counts = np.maximum(counts, planned)
    u = uniforms(world.seed, Stream.VISITS, days, counts, _DRAWS)
    day = np.repeat(days, counts)
    free = ordinals(day) >= np.repeat(planned, counts)
    visitor, is_member = _onlookers(
        world, day[free], {name: u[name][free] for name in ("who", "gap", "index")}
    )

    def filled(part: Ints | Flags, others: Ints | Flags | int) -> Any:
        whole = np.empty(len(day), part.dtype)
        whole[~free], whole[free] = part, others
        return whole

    everyone = Cast(
        day=day,
        visitor=filled(cast.visitor, visitor),
        is_first=filled(cast.is_first, 0),
        is_member=filled(cast.is_member, is_member),
        wants=filled(cast.wants, 0),
        ring=filled(cast.ring, -1),
    )
    return everyone, u


def _channels(u: Floats, cast: Cast) -> Ints:
    """Return channels: customers come first by the one that won them, later by themselves.

    Others are brought, and what brings them does not always win them.
    """
    members = choose([item.member_share for item in CHANNELS], u)
    closing = choose([item.member_share * item.conversion for item in CHANNELS], u)
    others = choose([item.share for item in CHANNELS], u)
    channel = np.where(cast.wants, closing, np.where(cast.is_member, members, others))
    return np.where(cast.is_first, acquisition(cast.visitor), channel)


def _campaigns(channel: Ints, u: Floats) -> Ints:
    """Draw a campaign of the visit's channel."""
    campaign = np.zeros(len(channel), np.int64)
    for index, item in enumerate(CHANNELS):
        if item.campaigns:
            rows = channel == index
            campaign[rows] = choose([share for _, share in item.campaigns], u[rows])
    return campaign


def _can_order(world: World, cast: Cast, device: Ints, region: Ints, u: Floats) -> Flags:
    """Say who gets through the checkout, where it is broken or a region is cut off."""
    rows = np.arange(len(u))
    broken = world.remaining("broken_checkout", SHOP, cast.day, [name for name, _, _ in DEVICES])
    regions = [name for name, _, _ in PROVINCES]
    cut_off = world.remaining("region_outage", SHOP, cast.day, regions)
    return np.asarray(u < broken[rows, device] * cut_off[rows, region])


def _devices(u: Floats, cast: Cast) -> Ints:
    """Return devices: a visitor's own, members now and then another."""
    swap = (u < _SECOND_DEVICE) & cast.is_member
    shares = [share for _, share, _ in DEVICES]
    own = choose(shares, fraction(cast.visitor, 1))
    own = np.where(cast.is_first | cast.wants, customer_device(cast.visitor), own)
    return np.where(swap, choose(shares, u / _SECOND_DEVICE), own)


def _path(site: Site, u: Draws, wants: Flags, sold_out: Flags) -> dict[str, Any]:
    """Draw how far each visit goes; those that want to order go all the way.

    What is sold out can be looked at, no more.
    """
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
    carted = ~sold_out & (wants | (~bounced & viewed & (u["cart"] < _CART_WITHOUT_ORDER)))
    return {
        "landing": landing,
        "bounced": bounced,
        "searched": ~bounced & (landing == HOME) & (u["search"] < _SEARCH_SHARE),
        "views": viewed * (1 + ~bounced * np.floor(u["views"] ** 2 * 3).astype(np.int64)),
        "wished": ~bounced & viewed & (u["wish"] < _WISH),
        "carted": carted,
        "checked_out": carted & (wants | (u["checkout"] < _CHECKOUT_WITHOUT_ORDER)),
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
    cast = plan_visits(world, days, once["offset"])
    cast, u = _with_onlookers(world, cast, days, counts)
    day, wants = cast.day, cast.wants
    channel, device = _channels(u["channel"], cast), _devices(u["device"], cast)
    region = choose([share for _, _, share in PROVINCES], fraction(cast.visitor, 2))
    u["main"][wants] = stratified(day[wants], u["main"][wants])
    row = day - world.first
    main = pick_product(world.shop_weights(SHOP, in_stock=False), row, u["main"])
    path = _path(site, u, wants, world.sold_out(SHOP)[row, main])
    ordered = wants & path["checked_out"] & _can_order(world, cast, device, region, u["broken"])
    u["follow"][ordered] = stratified(day[ordered], u["follow"][ordered])
    twice = world.left("double_submission", SHOP, day) * (1.0 + site.follow_up) - 1.0
    visits = Visits(
        day=day,
        visitor=cast.visitor,
        is_member=cast.is_member,
        logged_in=cast.is_member & (u["login"] < 0.88),
        channel=channel,
        campaign=_campaigns(channel, u["campaign"]),
        device=device,
        region=region,
        start=day * 86400.0 + time_of_day(u["time"]),
        **path,
        ordered=ordered,
        main=main,
        other=pick_product(world.shop_weights(SHOP), row, u["other"]),
        anonymous=~cast.is_member & (u["anonymous"] < site.anonymous),
        untracked=u["untracked"] < site.untracked,
        followed=ordered & (u["follow"] < twice),
        lost=u["seen"] >= world.left("lost_tracking", SHOP, day),
        pace=0.6 + 0.8 * u["pace"],
        ring=cast.ring,
    )
    return with_bots(world, visits.take(_arrives(world, visits, u["outage"])))


def _arrives(world: World, visits: Visits, u: Floats) -> Flags:
    """Say which visits come although a channel is out or a campaign pauses."""
    names = [item.name for item in CHANNELS]
    left = world.remaining("traffic_source_out", SHOP, visits.day, names)
    arrives = u < left[np.arange(len(u)), visits.channel]
    for item, first, last in world.hit("campaign_paused", SHOP):
        for channel, source in enumerate(CHANNELS):
            campaigns = [name for name, _ in source.campaigns]
            if item.detail in campaigns:
                hit = (visits.channel == channel) & (visits.day >= first) & (visits.day <= last)
                arrives &= ~(hit & (visits.campaign == campaigns.index(item.detail)))
    return np.asarray(arrives)
