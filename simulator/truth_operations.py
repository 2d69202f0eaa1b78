"""What was planted beside orders and visits, as tables: one truth file each.

Belongs here: the parameters of suppliers, carriers, service and money, and the days on which
something is planted. They follow from the simulation's parameters alone, not from what was drawn.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from simulator import costs, live, service, shipping
from simulator.incidents import Incident, schedule
from simulator.plan import late_files
from simulator.purchasing import SUPPLIERS, WAREHOUSES
from simulator.stock import OVERSTOCKED

_LONGEST_INCIDENT = 30


def operations_truth(
    seed: int, start: date, history_until: date, as_of: date
) -> dict[str, pl.DataFrame]:
    """Return the truth tables by name of their file.

    Args:
        seed: seed of the simulation.
        start: first day of the data.
        history_until: last day of the history.
        as_of: last day exported.
    """
    before = start - timedelta(days=_LONGEST_INCIDENT)
    incidents = [item for item in schedule(seed, before, as_of) if item.end_date >= start]
    return {
        "suppliers": _suppliers(),
        "carriers": _carriers(),
        "slow_deliveries": _slow_deliveries(start, as_of),
        "stock_outs": _stock_outs(incidents),
        "overstocked": _table(["product_id"], [(OVERSTOCKED,)]),
        "slow_service": _slow_service(start, as_of),
        "bad_product": _bad_product(),
        "service_outages": _outages(incidents),
        "console_errors": _table(
            ["report_date", "platform", "factor"],
            [(day, "tmall", costs.WRONG_FACTOR) for day in costs.wrong_days(start, as_of)],
            {"report_date": pl.Date, "platform": pl.String, "factor": pl.Float64},
        ),
        "fees": _fees(),
        "settlement_gaps": _table(
            ["platform", "late_share", "late_from_days", "short_share", "short_part"],
            [
                (
                    *("tmall", costs.LATE_PAYOUTS, costs.LATE_DAYS[0]),
                    *(costs.SHORT_PAYOUTS, costs.SHORT_PART),
                )
            ],
        ),
        "creators": _creators(),
        "late_files": _late_files(history_until, as_of),
    }


def _table(
    names: list[str],
    rows: list[tuple[object, ...]],
    types: dict[str, type[pl.DataType]] | None = None,
) -> pl.DataFrame:
    """Return rows as a table; types are needed where there may be no rows."""
    return pl.DataFrame(rows, schema=types or names, orient="row")


def _suppliers() -> pl.DataFrame:
    """Return what is to be expected of each supplier.

    Returns:
        Columns supplier_id, lead_days (from order to promise), late_share (of its orders, after the
        promised day), late_from_days, late_to_days, short_share (of its lines), rejected_share (of
        the pieces that come).
    """
    rows: list[tuple[object, ...]] = [
        (s.supplier_id, s.lead, s.late, *s.late_days, s.short, s.rejected) for s in SUPPLIERS
    ]
    names = ["supplier_id", "lead_days", "late_share", "late_from_days", "late_to_days"]
    return _table([*names, "short_share", "rejected_share"], rows)


def _carriers() -> pl.DataFrame:
    """Return each carrier's share of parcels and of late ones where nothing else is planted.

    Returns:
        Columns carrier, share, late_share (after 48 hours), mean_hours, split_share (of the orders
        of four and more pieces that go in two parcels).
    """
    late = sum(shipping.LATE_HOURS) / 2
    rows: list[tuple[object, ...]] = [
        (
            *(item.name, item.share, item.late),
            round((1 - item.late) * sum(item.hours) / 2 + item.late * late, 3),
            shipping.SPLIT_SHARE,
        )
        for item in shipping.CARRIERS
    ]
    return _table(["carrier", "share", "late_share", "mean_hours", "split_share"], rows)


def _slow_deliveries(start: date, as_of: date) -> pl.DataFrame:
    """Return the region that is slow with every carrier, and the days on which a carrier strikes.

    Returns:
        Columns carrier, region (null: all), start_date, end_date (null: always), late_share (for
        the region: of those parcels that would be in time).
    """
    names = {"carrier": pl.String, "region": pl.String, "start_date": pl.Date}
    strikes = shipping.strikes(start, as_of)
    carrier = shipping.CARRIERS[shipping.STRIKING].name
    rows: list[tuple[object, ...]] = [
        (None, shipping.SLOW_REGION, None, None, shipping.SLOW_REGION_LATE)
    ]
    rows += [(carrier, None, first, last, shipping.STRIKE_LATE) for first, last in strikes]
    return _table([], rows, {**names, "end_date": pl.Date, "late_share": pl.Float64})


def _stock_outs(incidents: list[Incident]) -> pl.DataFrame:
    """Return the days on which the stock of a product is 0 in the warehouse of a shop."""
    rows: list[tuple[object, ...]] = [
        (item.segment, WAREHOUSES[item.platform], item.start_date, item.end_date)
        for item in incidents
        if item.kind == "stock_out"
    ]
    names = {"product_id": pl.String, "warehouse": pl.String}
    return _table([], rows, {**names, "start_date": pl.Date, "end_date": pl.Date})


def _slow_service(start: date, as_of: date) -> pl.DataFrame:
    """Return the weeks of slow service, with the mean minutes to the first answer."""
    rows: list[tuple[object, ...]] = [
        (first, last, service.ANSWER_MINUTES, service.ANSWER_MINUTES * service.SLOW_FACTOR)
        for first, last in service.slow_weeks(start, as_of)
    ]
    days = {"start_date": pl.Date, "end_date": pl.Date}
    return _table([], rows, {**days, "usual_minutes": pl.Float64, "slow_minutes": pl.Float64})


def _bad_product() -> pl.DataFrame:
    """Return the product that disappoints: tickets an order and mean stars, its own and usual."""

    def stars(shares: list[float]) -> float:
        return round(sum((i + 1) * share for i, share in enumerate(shares)), 4)

    told = (service.BAD_TICKETS, service.TICKETS, stars(service.BAD_STARS), stars(service.STARS))
    names = ["product_id", "ticket_share", "usual_ticket_share", "mean_rating"]
    return _table([*names, "usual_rating"], [(service.BAD_PRODUCT, *told)])


def _outages(incidents: list[Incident]) -> pl.DataFrame:
    """Return the incidents seen by the site's monitoring, with the errors on top of the usual."""
    rows: list[tuple[object, ...]] = [
        (item.incident_id, item.start_date, item.end_date, round(share, 6))
        for item, share in service.outages(incidents)
    ]
    days = {"start_date": pl.Date, "end_date": pl.Date}
    return _table([], rows, {"incident_id": pl.String, **days, "error_rate": pl.Float64})


def _fees() -> pl.DataFrame:
    """Return the shares of sales that go to platform and payment service, by platform."""
    rows: list[tuple[object, ...]] = [
        (name, fees.platform, fees.payment) for name, fees in sorted(costs.FEES.items())
    ]
    return _table(["platform", "platform_fee", "payment_fee"], rows)


def _creators() -> pl.DataFrame:
    """Return the creators' deals, and the share of orders during a session that are theirs."""
    rows: list[tuple[object, ...]] = [
        (host, deal.commission, deal.slot_fee, live.CREATOR_ORDERS)
        for host, deal in zip(live.HOSTS, live.DEALS, strict=True)
    ]
    return _table(["host", "commission_rate", "slot_fee", "order_share"], rows)


def _late_files(history_until: date, as_of: date) -> pl.DataFrame:
    """Return the files that arrived a day late although nothing was wrong with the business."""
    rows: list[tuple[object, ...]] = [
        (str(item.path.relative_to("inbox")), date(1970, 1, 1) + timedelta(days=item.span.first), 1)
        for item in late_files(history_until, as_of)
    ]
    return _table([], rows, {"file": pl.String, "day": pl.Date, "days_late": pl.Int64})
