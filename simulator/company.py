"""Parameters of the demo company: what it sells, where its visitors come from, how they behave.

Belongs here: frozen dataclasses and constants. Everything is a function of absolute dates, never of
the simulated window, so that a day is the same whichever window it is simulated in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TMALL_SHOP = "木叶家居旗舰店"
SITE = "https://shop.example"
PAYMENT_METHODS = ("Alipay", "WeChat Pay", "Visa")


@dataclass(frozen=True)
class Channel:
    """How visitors reach the site, and what those it acquired are worth: the causal weights.

    Attributes:
        name: channel the warehouse derives from source and medium.
        source: utm source.
        medium: utm medium.
        share: share of the sessions of new visitors.
        member_share: share of the sessions of members.
        conversion: new customers per first visit through it, relative to the average.
        basket: goods value of its customers' orders, relative to the average.
        repeats: orders a customer it acquired places later, mean.
        campaigns: campaign names with their shares; empty for unpaid channels.
    """

    name: str
    source: str
    medium: str
    share: float
    member_share: float
    conversion: float
    basket: float
    repeats: float
    campaigns: tuple[tuple[str, float], ...] = ()


_GOOGLE = (("brand_search", 0.30), ("generic_search", 0.32), ("shopping_core", 0.38))
_META = (("prospecting_video", 0.45), ("lookalike_buyers", 0.33), ("retargeting_catalogue", 0.22))
_LETTER = (("weekly_letter", 1.0),)

CHANNELS = (
    Channel("organic_search", "google", "organic", 0.29, 0.22, 1.10, 1.00, 0.85),
    Channel("paid_search", "google", "cpc", 0.19, 0.10, 1.15, 1.04, 0.55, _GOOGLE),
    Channel("paid_social", "facebook", "paid_social", 0.11, 0.03, 0.70, 0.88, 0.22, _META),
    Channel("paid_social", "instagram", "paid_social", 0.09, 0.03, 0.70, 0.88, 0.22, _META),
    Channel("email", "newsletter", "email", 0.02, 0.20, 1.35, 1.10, 1.40, _LETTER),
    Channel("social", "tiktok", "social", 0.08, 0.03, 0.55, 0.84, 0.18),
    Channel("direct", "(direct)", "(none)", 0.16, 0.36, 1.15, 1.06, 0.95),
    Channel("referral", "partner.example", "referral", 0.05, 0.02, 0.95, 1.00, 0.60),
    Channel("other", "leaflet", "qr", 0.01, 0.01, 0.80, 0.92, 0.40),
)

DEVICES = (("mobile", 0.68, 0.95), ("desktop", 0.26, 1.15), ("tablet", 0.06, 0.90))

PROVINCES = (
    ("广东省", "广州市", 0.135),
    ("浙江省", "杭州市", 0.115),
    ("江苏省", "南京市", 0.110),
    ("上海市", "上海市", 0.090),
    ("北京市", "北京市", 0.080),
    ("山东省", "济南市", 0.070),
    ("四川省", "成都市", 0.065),
    ("福建省", "福州市", 0.055),
    ("湖北省", "武汉市", 0.050),
    ("河南省", "郑州市", 0.050),
    ("湖南省", "长沙市", 0.045),
    ("安徽省", "合肥市", 0.040),
    ("陕西省", "西安市", 0.035),
    ("辽宁省", "沈阳市", 0.030),
    ("重庆市", "重庆市", 0.030),
)

# name, share of visitors, share of buyers: a visitor counts in each source that led him in, so the
# shares sum to more than 1
TMALL_SOURCES = (
    ("手淘搜索", 0.38, 0.40),
    ("手淘推荐", 0.30, 0.21),
    ("直通车", 0.15, 0.17),
    ("淘宝直播", 0.09, 0.10),
    ("我的淘宝", 0.16, 0.24),
    ("购物车", 0.14, 0.31),
)


@dataclass(frozen=True)
class Site:
    """Behaviour on the Shopify site.

    Attributes:
        sessions: sessions a day at level 1.
        member_sessions: share of sessions by customers who only look.
        return_sessions: share of sessions by earlier visitors who never buy.
        joining: new customers per session; each buys, at once or on a later visit.
        order_lags: share of new customers whose first order follows their first visit by 0, 1, 2
            ... days.
        member_gap: mean days between joining and a later visit.
        return_gap: mean days between two visits without account.
        repeat_gap: mean days between joining and a later order, beyond `repeat_from`.
        repeat_from: fewest days between joining and a later order, more than any order lag.
    """

    sessions: float = 1230.0
    member_sessions: float = 0.15
    return_sessions: float = 0.20
    joining: float = 0.0148
    order_lags: tuple[float, ...] = (0.82, 0.08, 0.05, 0.03, 0.02)
    member_gap: float = 90.0
    return_gap: float = 5.0
    repeat_gap: float = 90.0
    repeat_from: int = 11
    product_landing: float = 0.28
    list_landing: float = 0.08
    bounce: float = 0.64
    untracked: float = 0.017
    anonymous: float = 0.02
    follow_up: float = 0.03


@dataclass(frozen=True)
class Marketplace:
    """Behaviour in the Tmall shop.

    Attributes:
        visitors: visitors a day at level 1.
        conversion: orders placed per visitor on an ordinary day.
        new_share: share of orders by buyers not seen before.
        same_day: share of orders that follow another of the same buyer on the same day.
        buyer_gap: mean days between a buyer's first order and a later one.
        presale: deposit orders per ordinary order on a pre-sale day.
        forfeited: share of deposits whose balance is never paid.
    """

    visitors: float = 800.0
    conversion: float = 0.0255
    new_share: float = 0.62
    same_day: float = 0.04
    buyer_gap: float = 100.0
    presale: float = 0.45
    forfeited: float = 0.12


@dataclass(frozen=True)
class OrderRules:
    """How orders of one shop look and live; lags in seconds, shares of orders.

    Attributes:
        shipping_cents: postage below the free limit.
        free_from_cents: goods value from which postage is free.
        coupon: share of ordinary orders with a coupon.
        unpaid: share placed and never paid.
        close_hours: hours after which an unpaid order is closed.
        slow_payers: share that pays hours later.
        refunded: share of paid orders with a refund case.
    """

    shipping_cents: int
    free_from_cents: int = 9900
    coupon: float = 0.30
    promo_coupon: float = 0.80
    gift: float = 0.07
    promo_gift: float = 0.22
    unpaid: float = 0.04
    close_hours: float = 24.0
    slow_payers: float = 0.01
    refunded: float = 0.068
    rejected: float = 0.06
    lines: tuple[float, ...] = (0.56, 0.84, 0.95)  # cumulative share of 1, 2, 3 lines; else 4


@dataclass(frozen=True)
class RefundPath:
    """One way a refund goes; lags in days from payment to its decision.

    The lag is shortest + (longest - shortest) u^power with u even on [0, 1); a share `tail` has one
    even between the tail's ends instead.

    Attributes:
        kind: refund_only or return.
        stage: before_shipping or after_shipping.
        share: share of the refund cases.
        asking: fewest and most days between request and decision.
    """

    kind: str
    stage: str
    share: float
    shortest: float
    longest: float
    power: float
    asking: tuple[float, float]
    tail: float = 0.0
    tail_shortest: float = 0.0
    tail_longest: float = 0.0

    @property
    def mean(self) -> float:
        """Mean lag in days."""
        usual = self.shortest + (self.longest - self.shortest) / (1.0 + self.power)
        return (1.0 - self.tail) * usual + self.tail * (self.tail_shortest + self.tail_longest) / 2


# whatever is refunded after shipping is decided after the slowest parcel has left (2.75 days)
REFUND_PATHS = (
    RefundPath("refund_only", "before_shipping", 0.25, 0.1, 3.5, 1.6, (0.05, 0.5)),
    RefundPath("refund_only", "after_shipping", 0.27, 3.5, 12.0, 1.3, (0.1, 0.6)),
    RefundPath("return", "after_shipping", 0.48, 7.0, 28.0, 1.2, (1.0, 4.0), 0.08, 41.0, 55.0),
)


@dataclass(frozen=True)
class Ring:
    """A fraud ring on the site, one each spring: a few accounts behind one address.

    Attributes:
        accounts: how many.
        orders: orders of each.
        starts: month and day the ring begins.
        days: how long it lasts.
        bulk: how often it takes each item, where others take one.
        refunded: share of its paid orders it asks money back for.
    """

    accounts: int = 5
    orders: int = 6
    starts: tuple[int, int] = (3, 5)
    days: int = 40
    bulk: int = 3
    refunded: float = 0.8


@dataclass(frozen=True)
class Company:
    """The whole company; defaults make about 1.1 M sessions and 45,000 orders in 800 days.

    Attributes:
        lifts: GMV of a day in a promo phase relative to an ordinary day, 11.11.
        strength: exponent on the lifts by promo.
        shape: weekday effects on traffic, Monday first.
    """

    site: Site = Site()
    marketplace: Marketplace = Marketplace()
    shopify_orders: OrderRules = OrderRules(shipping_cents=1000, close_hours=48.0)
    tmall_orders: OrderRules = OrderRules(shipping_cents=800, unpaid=0.05, slow_payers=0.04)
    ring: Ring = Ring()
    lifts: dict[str, float] = field(
        default_factory=lambda: {
            "presale": 1.10,
            "opening": 2.2,
            "sustain": 1.25,
            "peak": 3.0,
            "warm_up": 1.05,
            "year_goods": 1.2,
            "holiday": 0.6,
            "dip": 0.85,
        }
    )
    strength: dict[str, float] = field(
        default_factory=lambda: {
            "double_11": 1.0,
            "618": 0.85,
            "double_12": 0.6,
            "lunar_new_year": 1.0,
        }
    )
    shape: tuple[float, ...] = (1.00, 0.97, 0.96, 0.97, 0.99, 1.07, 1.06)
    noise: float = 0.032
    memory: float = 0.4

    def rules(self, shop: str) -> OrderRules:
        """Return how orders of a shop look and live."""
        return self.shopify_orders if shop == "shopify" else self.tmall_orders


COMPANY = Company()

# weight of each hour of the day: lunch and evening peaks
HOURS = (18, 10, 6, 4, 3, 4, 9, 18, 30, 42, 50, 52, 50, 46, 44, 45, 46, 46, 48, 58, 74, 82, 70, 42)
