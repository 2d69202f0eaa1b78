"""Small shops of one inbox, each with a trap, and how they are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ZONE = "Europe/Berlin"
ORDERS = "order_id,ordered_at,paid_at,status,currency,order_amount,shipping_amount"
LINES = "order_id,product_id,quantity,unit_price,discount_amount"
WOO = (
    "order_id,order_number,date,paid_date,status,shipping_total,fee_total,tax_total,order_total,"
    "order_currency,payment_method,billing_email,item_id,item_sku,item_name,item_quantity,item_subtotal,item_total"
)
SHOPIFY = (
    "Name,Email,Financial Status,Fulfillment Status,Cancelled at,Payment Method,Paid at,Currency,"
    "Subtotal,Shipping,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem sku"
)
API_ORDERS = (
    "id,currency,taxes_included,subtotal_price,total_tax,total_price,processed_at,financial_status,"
    "fulfillment_status,created_at,customer_id,total_discounts,updated_at,_fivetran_synced"
)
API_LINES = "id,order_id,index,title,sku,quantity,price,total_discount,product_id,_fivetran_synced"
API_MONEY = "id,order_id,amount,processed_at,currency,kind,created_at,status,_fivetran_synced"
API_PARCELS = "id,order_id,created_at,status,_fivetran_synced"
REFUNDS = "refund_id,order_id,refunded_at,amount,kind,status"


def case(currency: str = "EUR", **files: str) -> dict[str, Any]:
    """A source whose files are `<feed>=text`, read as the plain format of their feed."""
    return {"currency": currency, "files": files}


def deliver(home: Path, cases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Deliver the files of all cases; the `sources` of `shop.yml` that read them.

    Args:
        home: the shop's folder.
        cases: source -> `case(...)`; a file named `<format>__<rest>` is read by that format.
    """
    sources = {}
    for name, told in cases.items():
        files = []
        for file, text in told["files"].items():
            form, _, rest = file.partition("__")
            path = f"{name}/{rest or form}_20260401_020000.csv"
            target = home / "data/inbox" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.strip() + "\n")
            stamp = {"file_name": r"(\d{8}_\d{6})", "datetime": "%Y%m%d_%H%M%S"}
            files.append({"path": path, "format": form if rest else f"plain_{form}",
                          "daily": False, "overrides": {"exported_at": stamp}})  # fmt: skip
        sources[name] = {"platform": name, "shop_id": name, "timezone": ZONE,
                         "currency": told["currency"], "files": files}  # fmt: skip
    return sources
