"""A small invented company as published frames: two platforms, a promotion, an incident.

Everything follows from the seed. Effects are worked out here, apart from the project's SQL.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from dashboards.site import SiteInfo

LAST = date(2026, 11, 21)
DAYS = 480
CHANNELS = {
    "paid_social": 0.30,
    "organic_search": 0.24,
    "direct": 0.16,
    "paid_search": 0.12,
    "email": 0.08,
    "referral": 0.06,
    "social": 0.04,
}
DEVICES = {"mobile": 0.7, "desktop": 0.24, "tablet": 0.06}
REGIONS = {"浙江省": 0.3, "上海": 0.25, "广东省": 0.25, "北京": 0.1996, "西藏": 0.0004}
COUNTS = ["visitors", "tracked_buyers", "untracked_buyers", "identified_orders",
          "anonymous_orders", "units", "gmv"]  # fmt: skip
EFFECTS = ["visitors", "mix", "conversion", "untracked_buyers", "orders_per_buyer",
           "anonymous_orders", "aov"]  # fmt: skip
WEEK = [0.96, 0.94, 0.95, 0.97, 1.0, 1.08, 1.1]
HOSTILE = (
    '</script><img src=x onerror=alert(1)> "q" \'s\' <a href="javascript:alert(1)">x</a> {{7*7}}'
)


def info(**changes: object) -> SiteInfo:
    values: dict = {
        "shop_name": "Demo shop",
        "currency": "CNY",
        "timezone": "Asia/Shanghai",
        "data_through": LAST,
        "built_at": datetime(2026, 11, 21, 23, 2, tzinfo=UTC),
        "run_id": "run-1",
        "configured_feeds": {
            "orders", "order_items", "refunds", "events", "traffic_daily", "campaign_spend",
            "products",
        },
    }  # fmt: skip
    return SiteInfo(**{**values, **changes})


def promotions() -> pl.DataFrame:
    rows = []
    for year in (2025, 2026):
        for platform in ("tmall", "shopify"):
            for name, phase, start, end in (
                ("618", "peak", (6, 15), (6, 19)),
                ("double_11", "presale", (10, 24), (10, 31)),
                ("double_11", "opening", (10, 31), (11, 4)),
                ("double_11", "sustain", (11, 4), (11, 9)),
                ("double_11", "peak", (11, 9), (11, 12)),
            ):
                rows.append(
                    {
                        "promo": name,
                        "promo_year": year,
                        "platform": platform,
                        "phase": phase,
                        "starts_at": datetime(year, *start),
                        "ends_at": datetime(year, *end),
                    }
                )
    return pl.DataFrame(rows)


def _lift(days: list[date]) -> np.ndarray:
    weekday = np.array(WEEK)[[d.weekday() for d in days]]
    promo = np.ones(len(days))
    for place, d in enumerate(days):
        if (d.month, d.day) in ((11, 9), (11, 10), (6, 18)):
            promo[place] = 2.2
        elif (d.month, d.day) == (11, 11):
            promo[place] = 4.4
        elif (d.month == 11 and d.day <= 3) or (d.month == 10 and d.day == 31):
            promo[place] = 1.25
    growth = np.linspace(0.86, 1.0, len(days))
    return weekday * promo * growth


def _leaf(rng, days, base, conversion, frequency, value, drop) -> pl.DataFrame:
    noise = rng.normal(1, 0.025, (4, len(days)))
    visitors = np.round(base * _lift(days) * noise[0] * drop)
    buyers = np.round(visitors * conversion * noise[1])
    orders = np.round(buyers * frequency * np.clip(noise[2], 0.98, 1.03))
    gmv = np.round(orders * value * noise[3], 2)
    zero = np.zeros(len(days))
    return pl.DataFrame(
        {
            "business_date": days,
            "visitors": visitors,
            "tracked_buyers": buyers,
            "untracked_buyers": zero,
            "identified_orders": np.maximum(orders, buyers),
            "anonymous_orders": zero,
            "units": np.round(orders * 1.84),
            "gmv": gmv,
        }
    )


def _leaves(days: list[date], seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    none = np.ones(len(days))
    frames = [
        _leaf(rng, days, 31000, 0.031, 1.09, 208, none).with_columns(
            platform=pl.lit("tmall"), channel=pl.lit("(untracked)"), device=pl.lit("(untracked)")
        )
    ]
    outage = np.where([d >= date(2026, 11, 19) for d in days], 0.42, 1.0)
    for channel, share in CHANNELS.items():
        for device, part in DEVICES.items():
            hit = outage if channel == "paid_social" else none
            base = 21000 * share * part
            rate = 0.027 if device == "mobile" else 0.034
            frames.append(
                _leaf(rng, days, base, rate, 1.07, 196, hit).with_columns(
                    platform=pl.lit("shopify"), channel=pl.lit(channel), device=pl.lit(device)
                )
            )
    return pl.concat(frames)


def _untracked(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        untracked_buyers=pl.col("tracked_buyers") + pl.col("untracked_buyers"),
        tracked_buyers=pl.lit(0.0),
        visitors=pl.lit(0.0),
    )


def _split(total: pl.DataFrame, dimension: str, shares: dict[str, float]) -> list[pl.DataFrame]:
    return [
        _untracked(total).with_columns(
            *((pl.col(name) * share).round(2) for name in COUNTS),
            dimension=pl.lit(dimension),
            segment=pl.lit(segment),
        )
        for segment, share in shares.items()
    ]


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    def ratio(over: str, under: str) -> pl.Expr:
        return pl.when(pl.col(under) > 0).then(pl.col(over) / pl.col(under))

    return (
        frame.with_columns(
            buyers=pl.col("tracked_buyers") + pl.col("untracked_buyers"),
            orders=pl.col("identified_orders") + pl.col("anonymous_orders"),
        )
        .with_columns(
            conversion_rate=ratio("tracked_buyers", "visitors"),
            orders_per_buyer=ratio("identified_orders", "buyers"),
            aov=ratio("gmv", "orders"),
            gmv_per_buyer=ratio("gmv", "buyers"),
            net_sales=(pl.col("gmv") * 0.93).cast(pl.Decimal(18, 2)),
            new_buyers=(pl.col("buyers") * 0.58).round(0),
            gmv=pl.col("gmv").cast(pl.Decimal(18, 2)),
        )
        .sort("business_date", "dimension", "segment")
    )


def daily(days: list[date], seed: int = 7) -> pl.DataFrame:
    leaves = _leaves(days, seed)
    parts = []
    for dimension in ("platform", "channel", "device"):
        rows = leaves if dimension == "platform" else _tracked_only(leaves)
        parts.append(
            rows.group_by("business_date", pl.col(dimension).alias("segment"))
            .agg(pl.col(COUNTS).sum())
            .with_columns(dimension=pl.lit(dimension))
        )
    total = leaves.group_by("business_date").agg(pl.col(COUNTS).sum())
    parts.append(total.with_columns(dimension=pl.lit("all"), segment=pl.lit("all")))
    shops = {"tmall": "tmall-flagship", "shopify": "shopify-site"}
    parts.append(
        parts[0].with_columns(dimension=pl.lit("shop"), segment=pl.col("segment").replace(shops))
    )
    parts += _split(total, "region", REGIONS)
    parts += _split(total, "customer_type", {"new": 0.58, "returning": 0.42})
    columns = ["business_date", "dimension", "segment", *COUNTS]
    return _finish(pl.concat([part.select(columns) for part in parts]))


def _tracked_only(leaves: pl.DataFrame) -> pl.DataFrame:
    tmall = pl.col("platform") == "tmall"
    return pl.concat(
        [leaves.filter(~tmall), _untracked(leaves.filter(tmall)).select(leaves.columns)]
    )


def _mean_log(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (a - b) / np.log(a / b)
    mean = np.where(np.abs(a - b) <= 1e-7 * np.maximum(a, b), (a + b) / 2, mean)
    return np.where((a <= 0) | (b <= 0), 0.0, mean)


def _ratio_log(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(np.log(a / b), nan=0.0, posinf=0.0, neginf=0.0)


def _effects(joined: pl.DataFrame) -> pl.DataFrame:
    """LMDI of tracked and untracked layers; a layer that is on one side only goes to buyers."""

    def get(name: str, side: str) -> np.ndarray:
        return joined[f"{name}{side}"].cast(pl.Float64).fill_null(0).to_numpy()

    g1, g0 = get("gmv", ""), get("gmv", "_b")
    b1, b0 = get("buyers", ""), get("buyers", "_b")
    t1, t0 = get("tracked_buyers", ""), get("tracked_buyers", "_b")
    v1, v0, w1, w0 = (
        get("visitors", ""),
        get("visitors", "_b"),
        get("company", ""),
        get("company", "_b"),
    )
    o1, o0 = get("orders", ""), get("orders", "_b")
    scale_b = np.divide(
        _mean_log(g1, g0), _mean_log(b1, b0), out=np.zeros_like(g1), where=_mean_log(b1, b0) > 0
    )
    tracked = scale_b * _mean_log(t1, t0)
    part = {
        "visitors": tracked * _ratio_log(w1, w0),
        "mix": tracked * (_ratio_log(v1, v0) - _ratio_log(w1, w0)),
        "conversion": tracked * (_ratio_log(t1, t0) - _ratio_log(v1, v0)),
        "orders_per_buyer": _mean_log(g1, g0) * (_ratio_log(o1, o0) - _ratio_log(b1, b0)),
        "aov": _mean_log(g1, g0) * (_ratio_log(g1, g0) - _ratio_log(o1, o0)),
        "anonymous_orders": np.zeros_like(g1),
    }
    part["untracked_buyers"] = g1 - g0 - sum(part.values())
    return joined.with_columns(pl.Series(f"{n}_effect", np.round(part[n], 9)) for n in EFFECTS)


def changes(frame: pl.DataFrame, only: tuple[str, ...] = ()) -> pl.DataFrame:
    company = frame.filter(pl.col("dimension") == "all").select(
        "business_date", pl.col("visitors").alias("company")
    )
    frame = frame.join(company, on="business_date").with_columns(pl.col("gmv").cast(pl.Float64))
    keys, numbers = (
        ["business_date", "dimension", "segment"],
        [*COUNTS, "buyers", "orders", "company"],
    )
    found = []
    shifts = {"previous_day": 1, "last_week": 7, "last_year": 364, "promo_phase": 365}
    for name, back in shifts.items():
        base = frame.select(*keys, *numbers).with_columns(
            pl.col("business_date") + pl.duration(days=back)
        )
        found.append(frame.join(base, on=keys, suffix="_b").with_columns(comparison=pl.lit(name)))
    rolled = frame.sort("business_date").with_columns(
        pl.col(name).shift(1).rolling_mean(28).over("dimension", "segment") for name in numbers
    )
    mean = frame.join(rolled.drop_nulls("gmv").select(*keys, *numbers), on=keys, suffix="_b")
    found.append(mean.with_columns(comparison=pl.lit("trailing_28d")))
    joined = pl.concat(found, how="diagonal")
    promo_day = (pl.col("business_date").dt.month() == 11) & pl.col(
        "business_date"
    ).dt.day().is_between(9, 11)
    joined = joined.filter((pl.col("comparison") != "promo_phase") | promo_day)
    if only:
        joined = joined.filter(pl.col("comparison").is_in(only))
    return (
        _effects(joined)
        .with_columns(
            base_gmv=pl.col("gmv_b"),
            gmv_change=pl.col("gmv") - pl.col("gmv_b"),
            method=pl.lit("lmdi"),
        )
        .select(*keys, "comparison", "gmv", "base_gmv", "gmv_change", "method",
                *(f"{n}_effect" for n in EFFECTS))
        .sort("business_date", "comparison", "dimension", "segment")
    )  # fmt: skip


def anomalies(frame: pl.DataFrame) -> pl.DataFrame:
    company = frame.filter(pl.col("dimension") == "all").sort("business_date")
    parts = []
    for metric in ("gmv", "visitors", "conversion_rate", "orders_per_buyer", "aov"):
        values = company.select("business_date", observed=pl.col(metric).cast(pl.Float64))
        expected = pl.col("observed").rolling_median(35).shift(1)
        shape = WEEK if metric in ("gmv", "visitors") else [1.0] * 7
        week = pl.col("business_date").dt.weekday().replace_strict(
            dict(enumerate(shape, start=1)), return_dtype=pl.Float64
        )  # fmt: skip
        width = 0.06 if metric in ("gmv", "visitors") else 0.045
        parts.append(
            values.with_columns(expected=expected * week)
            .with_columns(
                lower=pl.col("expected") * (1 - width), upper=pl.col("expected") * (1 + width)
            )
            .with_columns(metric=pl.lit(metric))
        )
    judged = pl.concat(parts).drop_nulls("expected").with_columns(
        dimension=pl.lit("all"), segment=pl.lit("all"), score=pl.lit(0.0),
        impact_amount=pl.col("observed") - pl.col("expected"),
    )  # fmt: skip
    promo = pl.col("observed") > 1.5 * pl.col("expected")
    low = pl.col("observed") < pl.col("lower")
    return judged.with_columns(
        status=pl.when(promo).then(pl.lit("no_baseline"))
        .when(low).then(pl.lit("anomaly")).otherwise(pl.lit("normal"))
    ).filter(pl.col("business_date") > LAST - timedelta(days=90))  # fmt: skip


def incidents() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "incident_id": "gmv-2026-11-19",
                "metric": "gmv",
                "dimension": "platform",
                "segment": "shopify",
                "opened_date": date(2026, 11, 19),
                "last_date": LAST,
                "closed_date": None,
                "severity": "high",
                "impact_amount": -17800.0,
                "kind": "kpi",
                "explanation_en": "Shopify GMV below its expected range: paid social −58%.",
                "explanation_zh": "Shopify 支付金额低于预期区间：付费社交访客数 −58%。",
            },
            {
                "incident_id": "data-2026-11-21",
                "metric": "rows",
                "dimension": "source",
                "segment": "meta_ads",
                "opened_date": LAST,
                "last_date": LAST,
                "closed_date": None,
                "severity": "medium",
                "impact_amount": None,
                "kind": "data",
                "explanation_en": "Spend of meta_ads arrived incomplete (61% of usual rows).",
                "explanation_zh": "meta_ads 投放花费数据不完整（为平日行数的 61%）。",
            },
        ],
        schema_overrides={"closed_date": pl.Date, "impact_amount": pl.Float64},
    )


def quality(days: list[date]) -> dict[str, pl.DataFrame]:
    streams = [("tmall", "orders"), ("tmall", "traffic_daily"), ("shopify", "orders"),
               ("shopify", "events"), ("meta_ads", "campaign_spend"),
               ("google_ads", "campaign_spend")]  # fmt: skip
    rows = []
    for source, feed in streams:
        for d in days[-45:]:
            short = source == "meta_ads" and d == LAST
            none = source == "google_ads" and d == LAST - timedelta(days=9)
            rows.append(
                {
                    "business_date": d,
                    "source": source,
                    "feed": feed,
                    "platform": "tmall" if source == "tmall" else "shopify",
                    "shop_id": None,
                    "expected_rows": 1000,
                    "arrived_rows": 610 if short else 0 if none else 990,
                    "first_at": datetime.combine(d, datetime.min.time()),
                    "last_at": None if none else datetime(d.year, d.month, d.day, 15, 58),
                    "expected_last_hour": 23,
                    "is_complete": not (short or none),
                    "reason": "few_rows" if short else "no_rows" if none else "ok",
                }
            )
    checks = [
        {
            "check_name": f"{kind}_{table}_{n}",
            "layer": layer,
            "subject": f"marts.{table}",
            "severity": "error",
            "status": "passed",
            "observed": "0",
            "message": None,
            "checked_run": "run-1",
        }
        for layer, kind in (("dbt", "unique"), ("dbt", "holds"), ("ingest", "schema"))
        for table in ("fct_orders", "fct_gmv_daily", "fct_gmv_change")
        for n in range(12)
    ]
    checks[3] |= {
        "severity": "warn",
        "status": "failed",
        "observed": "61%",
        "message": "fewer rows than usual",
    }
    checks[5] |= {
        "status": "not_run",
        "layer": "gate",
        "observed": None,
        "message": "not enough history",
    }
    files = [
        {
            "source": source,
            "source_file": f"{source}/{feed}_{d:%Y%m%d}.csv",
            "batch_id": f"{source}{d:%m%d}",
            "format": feed,
            "feeds": feed,
            "status": "landed",
            "rows_read": 1010,
            "rows_landed": 990,
            "rows_quarantined": 3 if d == LAST else 0,
            "rows_duplicate": 10,
            "rows_excluded": 7 if d == LAST else 10,
            "unknown_columns": "会员等级" if source == "tmall" and d == LAST else "",
            "first_at": None,
            "last_at": None,
            "landed_at": datetime(d.year, d.month, d.day, 18, 5),
        }
        for source, feed in streams
        for d in days[-12:]
    ]
    recon = [
        {
            "business_date": d,
            "source": s,
            "landed_amount": 1e5,
            "mart_amount": 1e5,
            "difference": 0.0,
        }
        for s in ("tmall", "shopify")
        for d in days[-60:]
    ]
    return {
        "quality.source_completeness_daily": pl.DataFrame(rows),
        "quality.checks": pl.DataFrame(checks),
        "quality.ingest_files": pl.DataFrame(files),
        "quality.reconciliation_daily": pl.DataFrame(recon),
    }


def funnel(days: list[date]) -> pl.DataFrame:
    steps = [("home", 1.0), ("product", 0.61), ("cart", 0.243), ("checkout", 0.527), ("pay", 0.407)]
    rows = []
    for place, d in enumerate(days[-40:]):
        entered = 15000.0
        for number, (step, rate) in enumerate(steps, start=1):
            moved = rate * (1 + 0.02 * np.sin(place + number)) if number > 1 else 1.0
            entered *= moved
            rows.append(
                {"business_date": d, "basis": "session", "dimension": "all", "segment": "all",
                 "step_number": number, "step": step, "entered_count": int(entered),
                 "step_rate": moved if number > 1 else None, "overall_rate": entered / 15000}
            )  # fmt: skip
    return pl.DataFrame(rows)


def frames(days: int = DAYS, seed: int = 7) -> dict[str, pl.DataFrame]:
    return dict(_frames(days, seed))


@cache
def _frames(days: int, seed: int) -> dict[str, pl.DataFrame]:
    calendar = [LAST - timedelta(days=n) for n in range(days - 1, -1, -1)]
    table = daily(calendar, seed)
    return {
        "marts.fct_gmv_daily": table,
        "marts.fct_gmv_change": changes(table),
        "marts.fct_funnel_daily": funnel(calendar),
        "marts.dim_promo": promotions(),
        "marts.dim_date": pl.DataFrame({"date": calendar}),
        "quality.metrics": pl.DataFrame(
            [
                {"name": "gmv", "label_en": "GMV", "label_zh": "支付金额", "unit": "currency",
                 "additivity": "additive", "good_direction": "up", "owner": "finance",
                 "definition_en": "Goods value paid.", "definition_zh": "商品实付金额。"}
            ]
        ),
        **quality(calendar),
        "insights.anomalies": anomalies(table),
        "insights.incidents": incidents(),
    }  # fmt: skip


def hostile() -> dict[str, pl.DataFrame]:
    """The same company where every name from outside tries to break out of the page."""
    made = frames(60)
    for name in ("marts.fct_gmv_daily", "marts.fct_gmv_change"):
        made[name] = made[name].with_columns(
            segment=pl.when(pl.col("segment").is_in(["paid_social", "tmall", "浙江省"]))
            .then(pl.lit(HOSTILE) + pl.col("segment"))
            .otherwise(pl.col("segment"))
        )
    made["insights.incidents"] = incidents().with_columns(
        explanation_en=pl.lit(HOSTILE), explanation_zh=pl.lit(HOSTILE + "中")
    )
    made["quality.checks"] = made["quality.checks"].with_columns(
        check_name=pl.lit("=cmd|' /C calc'!A0 ") + pl.lit(HOSTILE), message=pl.lit("<!--<script>")
    )
    made["quality.ingest_files"] = made["quality.ingest_files"].with_columns(
        source_file=pl.lit(HOSTILE), unknown_columns=pl.lit("@" + HOSTILE)
    )
    made["marts.dim_promo"] = made["marts.dim_promo"].with_columns(
        promo=pl.when(pl.col("promo") == "double_11").then(pl.lit(HOSTILE)).otherwise("promo")
    )
    return made


def without_traffic(days: int = DAYS) -> dict[str, pl.DataFrame]:
    """A company that has orders and nothing else."""
    made = frames(days)
    table = made["marts.fct_gmv_daily"].drop(
        "buyers", "orders", "conversion_rate", "orders_per_buyer", "aov", "gmv_per_buyer",
        "net_sales", "new_buyers",
    )  # fmt: skip
    plain = _finish(_untracked(table.with_columns(pl.col("gmv").cast(pl.Float64))))
    keep = ("marts.fct_gmv_daily", "marts.fct_gmv_change", "quality.checks", "quality.ingest_files")
    made |= {"marts.fct_gmv_daily": plain, "marts.fct_gmv_change": changes(plain)}
    return {name: made[name] for name in keep}
