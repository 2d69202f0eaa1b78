"""What no feed tells of a platform's spend, visits or sales is NULL in channels, never zero."""

from __future__ import annotations

import pytest

from tests.support.landed import built
from tests.support.raw import read

SHOP = """
shop: {name: S, currency: EUR, timezone: Europe/Berlin}
sources:
  blind: &source
    platform: blind
    shop_id: blind
    timezone: Europe/Berlin
    currency: EUR
    files:
      - {path: "blind/orders.csv", format: plain_orders, daily: false}
      - {path: "blind/traffic.csv", format: plain_traffic_daily, daily: false}
  blind_google_ads:
    <<: *source
    files:
      - {path: "blind/spend.csv", format: plain_campaign_spend, daily: false}
  site:
    <<: *source
    platform: site
    shop_id: site
    files:
      - {path: "site/orders.csv", format: plain_orders, daily: false}
      - {path: "site/events.csv", format: plain_events, daily: false}
      - {path: "site/spend.csv", format: plain_campaign_spend, daily: false}
  till:
    <<: *source
    platform: till
    shop_id: till
    files:
      - {path: "till/orders.csv", format: plain_orders, daily: false}
"""
ORDERS = "order_id,ordered_at,paid_at,status,customer_id,order_amount,utm_source,utm_medium\n"
SPEND = "spend_date,campaign,cost_kind,cost\n"
FILES = {
    # nothing tracks: the order says where it came from, but no visit may be credited
    "blind/orders.csv": ORDERS
    + "A1,2026-04-06 09:05:00,2026-04-06 09:05:00,completed,a1,450,google,cpc\n"
    + "A2,2026-04-06 10:05:00,2026-04-06 10:05:00,completed,a2,50,,\n",
    "blind/traffic.csv": "traffic_date,grain,segment,visitors\n2026-04-06,shop,all,30\n",
    "blind/spend.csv": SPEND + "2026-04-06,brand,click,90\n",
    # all is known on the 6th; the 7th has no spend told any more
    "site/orders.csv": ORDERS
    + "B1,2026-04-06 09:05:00,2026-04-06 09:05:00,completed,b1,300,,\n"
    + "B2,2026-04-07 09:05:00,2026-04-07 09:05:00,completed,b2,80,,\n",
    "site/events.csv": "visitor_id,occurred_at,event_type,utm_source,utm_medium,utm_campaign,"
    "order_id\n"
    "v1,2026-04-06 09:00:00,home,google,cpc,brand,\n"
    "v1,2026-04-06 09:05:00,purchase,,,,B1\n"
    "v2,2026-04-07 09:00:00,home,,,,\n"
    "v2,2026-04-07 09:05:00,purchase,,,,B2\n",
    "site/spend.csv": SPEND + "2026-04-06,brand,click,60\n",
    "till/orders.csv": ORDERS + "C1,2026-04-06 09:05:00,2026-04-06 09:05:00,completed,c1,1000,,\n",
}


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], tuple]:
    """Day, platform, channel -> cost, gmv, attributed GMV, ROAS, MER, CAC, rate, flag, visitors."""
    file = built(tmp_path_factory.mktemp("spend"), SHOP, FILES)
    rows = read(
        file,
        "select business_date::varchar, platform, channel, cost::double, gmv::double,"
        " attributed_gmv, roas, mer, cac, spend_rate, is_cac_undefined, visitors"
        " from marts.fct_channel_daily",
    )
    return {row[:3]: row[3:] for row in rows.iter_rows()}


def test_spend_where_nothing_tracks_has_no_return(channels: dict) -> None:
    """Its MER is 500 / 90; its rate is of the GMV of all platforms, 500 + 300 + 1000."""
    cost, gmv, credited, roas, mer, cac, rate, undefined, visitors = channels[
        "2026-04-06", "blind", "paid_search"
    ]
    assert (cost, gmv) == (90.0, 450.0)
    assert (credited, roas, cac, undefined, visitors) == (None, None, None, False, None)
    assert (mer, rate) == pytest.approx((500 / 90, 90 / 1800))
    assert channels["2026-04-06", "blind", "(untracked)"][-1] == 30


def test_where_all_is_known_ratios_stand(channels: dict) -> None:
    cost, gmv, credited, roas, mer, cac, rate, undefined, visitors = channels[
        "2026-04-06", "site", "paid_search"
    ]
    assert (cost, gmv, credited, roas, mer, cac) == (60.0, 300.0, 300.0, 5.0, 5.0, 60.0)
    assert rate == pytest.approx(60 / 1800)
    assert (undefined, visitors) == (False, 1)


def test_spend_that_no_feed_tells_is_not_zero(channels: dict) -> None:
    """The till has no advertising feed; that of the site ends on the 6th."""
    assert channels["2026-04-06", "till", "(untracked)"][:2] == (None, 1000.0)
    cost, gmv, credited, roas, mer, *_ = channels["2026-04-07", "site", "direct"]
    assert (cost, gmv, credited, roas, mer) == (None, 80.0, 80.0, None, None)
