"""Exports of the Tmall shop: order and detail reports, traffic totals.

Belongs here: layouts. Order reports are GBK with CRLF and ids guarded against spreadsheets.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from simulator.catalogue import GIFTS, SIZES, products
from simulator.company import PROVINCES, TMALL_SHOP, TMALL_SOURCES
from simulator.orderbook import NEVER, OrderBook
from simulator.tables import Span, csv_texts, header, money, of_days, picked, stamp, touched

ORDER_HEADER = header(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,"
    "买家实际支付金额,买家实际支付积分,订单状态,买家留言,收货人姓名,收货地址,运送方式,联系电话,联系手机,"
    "订单创建时间,订单付款时间,宝贝标题,宝贝种类,物流单号,物流公司,订单备注,宝贝总数量,店铺Id,店铺名称,"
    "订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,定金排名,修改后的sku,"
    "修改后的收货地址,异常信息"
)
DETAIL_HEADER = header(
    "订单编号,标题,价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码"
)
TRAFFIC_HEADER = header("统计日期,店铺名称,访客数,浏览量,商品访客数,收藏人数,加购人数,支付买家数")
SOURCE_HEADER = header("统计日期,店铺名称,流量来源,访客数,支付买家数")
GIFT_TITLE = "赠品"
BYTE_ORDER_MARK = "\ufeff"
_FIRST_BUYER = 18_262 * 100_000  # buyers are numbered from 2020 on


def _status() -> pl.Expr:
    """Return the state of an order at the end of a period."""
    then = [
        ("closed", "交易关闭"),
        ("completed", "交易成功"),
        ("shipped", "卖家已发货，等待买家确认"),
        ("paid", "买家已付款，等待卖家发货"),
        ("deposited", "定金已付，等待付尾款"),
    ]
    state = pl.lit("等待买家付款")
    for moment, name in reversed(then):
        state = pl.when(pl.col(moment) < pl.col("until")).then(pl.lit(name)).otherwise(state)
    return state


def _stages() -> pl.Expr:
    """Return the two stages of a pre-sale with what is paid of them."""
    owed = pl.col("goods_cents") - pl.col("discount_cents") + pl.col("postage_cents")
    parts = []
    for title, cents, moment in (
        ("阶段1:定金 ", pl.col("deposit_cents"), "deposited"),
        (";阶段2:尾款 ", owed - pl.col("deposit_cents"), "paid"),
    ):
        done = pl.concat_str(pl.lit("已付款 "), stamp(moment))
        parts += [pl.lit(title), money(cents), pl.lit("元 "), done.fill_null("未付款")]
    return pl.when("presale").then(pl.concat_str(parts))


def _guarded() -> pl.Expr:
    """Return order ids as spreadsheets are kept from rounding them."""
    return pl.concat_str(pl.lit('="'), "order_id", pl.lit('"'))


def _titles() -> tuple[str, ...]:
    """Return the Chinese titles of products and gifts by index."""
    return (*(item.names[1] for item in products()), *(f"{GIFT_TITLE} {gift}" for gift in GIFTS))


def product_ids() -> tuple[str, ...]:
    """Return the ids of products and gifts by index."""
    return (*(item.product_id for item in products()), *GIFTS)


def orders_bytes(book: OrderBook, spans: Sequence[Span]) -> list[bytes]:
    """Return the order report of each period: all orders something happened to, as at its end."""
    until = pl.col("until")
    payable = pl.col("goods_cents") - pl.col("discount_cents")
    number = (pl.col("customer") - _FIRST_BUYER).cast(pl.String)
    paid = (
        pl.when(pl.col("paid") < until)
        .then(payable + pl.col("postage_cents"))
        .when(pl.col("deposited") < until)
        .then("deposit_cents")
        .otherwise(0)
    )
    unpaid = (pl.col("closed") < until) & (pl.col("paid") == NEVER)
    refunded = (pl.col("closed") < until) & (pl.col("paid") < NEVER)
    provinces = tuple(f"{name} {city} 示例路 ***号" for name, city, _ in PROVINCES)
    frame = (
        touched(book.orders, spans)
        .sort("file", "ordered", "key")
        .select(
            "file",
            订单编号=_guarded(),
            买家会员名=pl.concat_str(pl.lit("nick_"), number),
            买家支付宝账号=pl.concat_str(pl.lit("buyer"), number, pl.lit("@example.com")),
            买家应付货款=money(payable),
            买家应付邮费=money("postage_cents"),
            买家支付积分=pl.lit(0),
            总金额=money(pl.col("goods_cents") + pl.col("postage_cents")),
            返点积分=pl.lit(0),
            买家实际支付金额=money(paid),
            买家实际支付积分=pl.lit(0),
            订单状态=_status(),
            收货人姓名=pl.concat_str(pl.lit("收货人"), number),
            收货地址=picked(provinces, "region"),
            运送方式=pl.lit("快递"),
            联系手机=(pl.col("customer") % 100_000_000 + 13_800_000_000).cast(pl.String),
            订单创建时间=stamp("ordered"),
            订单付款时间=stamp("paid"),
            宝贝标题=picked(_titles(), "main"),
            宝贝总数量="units",
            店铺Id=pl.lit(0),
            店铺名称=pl.lit(TMALL_SHOP),
            订单关闭原因=pl.when(unpaid)
            .then(pl.lit("买家未付款"))
            .when(refunded)
            .then(pl.lit("退款")),
            是否手机订单=pl.when("mobile").then(pl.lit("手机订单")),
            分阶段订单信息=_stages(),
        )
    )
    texts = csv_texts(frame, ORDER_HEADER, len(spans), "\r\n")
    return [text.encode("gb18030") for text in texts]


def details_bytes(book: OrderBook, spans: Sequence[Span]) -> list[bytes]:
    """Return the detail report of each period: the lines of the orders in its order report."""
    orders = touched(book.orders, spans).select("file", "key", "ordered", state=_status())
    lines = book.lines.join(orders, on="key").sort("file", "ordered", "key", "line")
    sizes = tuple(f"尺码:{size}" for size in SIZES)
    frame = lines.select(
        "file",
        订单编号=_guarded(),
        标题=picked(_titles(), "product"),
        价格=money("unit"),
        购买数量="quantity",
        外部系统编号=picked(product_ids(), "product"),
        商品属性=picked(sizes, "size"),
        订单状态="state",
        商家编码=pl.concat_str(
            picked(product_ids(), "product"), picked(SIZES, "size"), separator="-"
        ),
    )
    texts = csv_texts(frame, DETAIL_HEADER, len(spans), "\r\n")
    return [text.encode("gb18030") for text in texts]


def traffic_bytes(totals: pl.DataFrame, spans: Sequence[Span]) -> list[bytes]:
    """Return the shop's traffic totals in each period, one row a day."""
    names = ("visitors", "views", "goods", "favourites", "carts", "buyers")
    frame = of_days(totals, spans).select(
        "file",
        pl.from_epoch("day", time_unit="d").alias("统计日期"),
        pl.lit(TMALL_SHOP).alias("店铺名称"),
        *(pl.col(name).alias(title) for name, title in zip(names, TRAFFIC_HEADER[2:], strict=True)),
    )
    texts = csv_texts(frame, TRAFFIC_HEADER, len(spans))
    return [(BYTE_ORDER_MARK + text).encode() for text in texts]


def sources_bytes(totals: pl.DataFrame, spans: Sequence[Span]) -> list[bytes]:
    """Return the traffic by source in each period, one row a day and source; sources overlap."""
    days = of_days(totals, spans)
    frame = pl.concat(
        [
            days.select(
                "file",
                pl.from_epoch("day", time_unit="d").alias("统计日期"),
                pl.lit(TMALL_SHOP).alias("店铺名称"),
                pl.lit(name).alias("流量来源"),
                pl.col(f"visitors_{i}").alias("访客数"),
                pl.col(f"buyers_{i}").alias("支付买家数"),
            )
            for i, (name, _, _) in enumerate(TMALL_SOURCES)
        ]
    ).sort("file", "统计日期", maintain_order=True)
    texts = csv_texts(frame, SOURCE_HEADER, len(spans))
    return [(BYTE_ORDER_MARK + text).encode() for text in texts]
