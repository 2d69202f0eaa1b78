"""Visits to the Shopify site as data.

Belongs here: the shape of visit data. How visits are drawn is in `traffic.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from simulator.customers import VISITORS_PER_DAY
from simulator.draws import Flags, Floats, Ints, mix

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
        ring: number of the fraud account, -1 for honest visitors.
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
    ring: Ints

    def __len__(self) -> int:
        """Return the number of visits."""
        return len(self.day)

    def take(self, keep: Flags | Ints) -> Visits:
        """Return the chosen rows."""
        return Visits(*(getattr(self, field.name)[keep] for field in fields(self)))


def visitor_text(visitor: Ints) -> tuple[Ints, Ints]:
    """Return the two numbers of the web analytics' own visitor id: random part and birth."""
    return mix(visitor, 3) % 2**31, visitor // VISITORS_PER_DAY * 86400
