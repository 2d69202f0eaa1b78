"""Exports of strangers, from `kpi init` to the published tables: answered, run, and right."""

import csv
import io
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from ingestion.mapping.formats import load_formats
from ingestion.recognise import FILL_IN
from orchestration.cli.console import console
from orchestration.cli.main import app
from tests.support.shop import run

# Two amounts, no states, an instant of payment that is empty for what nobody paid.
TMALL = """\
订单编号,总金额,买家实际支付金额,收货地址,订单创建时间,订单付款时间,退款金额
1,88.5,0,上海,2026/5/3 0:00,,0
2,21,21,上海,2026/5/3 9:59,2026/5/3 10:00,0
3,60,42.5,北京,2026/5/4 8:00,2026/5/4 8:01,0
"""
TIKTOK = """\
Order ID,Order Status,SKU ID,Seller SKU,Product Name,Quantity,SKU Unit Original Price,Order Amount,\
Created Time,Paid Time,Buyer Username
58387090000001\t,Completed,K-1\t,S1,Serum,2,50,120,03/05/2026 22:05:43\t,03/05/2026 22:06:01\t,b1
58387090000001\t,Completed,K-2\t,S2,Cream,1,20,120,03/05/2026 22:05:43\t,03/05/2026 22:06:01\t,b1
58387090000002\t,Canceled,K-1\t,S1,Serum,1,50,50,14/05/2026 09:00:00\t,\t,b2
58387090000003\t,To ship,K-1\t,S1,Serum,1,33,33,14/05/2026 10:00:00\t,14/05/2026 10:02:00\t,b3
"""
# The subtotal stands before the discount: 80 - 8 + 5 = 77.
TIENDANUBE = """\
Número de orden;Email;Fecha;Estado de la orden;Estado del pago;Moneda;Subtotal de productos;\
Descuento;Costo de envío;Total;Nombre del comprador;Provincia o estado;País;Fecha de pago;\
Nombre del producto;Precio del producto;Cantidad del producto;SKU
71;a@x.example;03/05/2026 23:43:58;Abierta;Recibido;CNY;80;8.00;5.00;77.00;Ana;Salta;AR;\
03/05/2026;Champú;40;2;CH
72;b@x.example;04/05/2026 10:00:00;Abierta;Recibido;CNY;60;6.00;0;54.00;Eva;Jujuy;AR;\
04/05/2026;Champú;40;1;CH
72;b@x.example;;;;;;;;;;;;;Cepillo;20;1;CE
73;c@x.example;13/05/2026 10:00:00;Abierta;Pendiente;CNY;40;4.00;5.00;41.00;Leo;Salta;AR;;\
Champú;40;1;CH
"""
# The second export comes a week later and covers the first days again; its dates are the earlier.
SHOPIFY = {
    "orders_export_1.csv": [("#2311", "paid", "100.00", "02"), ("#2312", "pending", "60.00", "03"),
                            ("#2313", "paid", "20.00", "05")],
    "orders_export_2.csv": [("#2311", "paid", "60.00", "02"), ("#2312", "paid", "60.00", "03")],
}  # fmt: skip


def shopify(rows: list[tuple[str, str, str, str]]) -> str:
    """An export of orders with one line each."""
    out = io.StringIO()
    header = load_formats()["shopify_orders"].read.header
    writer = csv.DictWriter(out, header, restval="")
    writer.writeheader()
    for name, state, amount, day in rows:
        at = f"2026-05-{day} 10:00:00 +0800"
        paid = at if state == "paid" else ""
        writer.writerow(
            {"Name": name, "Email": f"{name[1:]}@x.example", "Financial Status": state,
             "Paid at": paid, "Currency": "CNY", "Subtotal": amount, "Shipping": "0.00",
             "Taxes": "0.00", "Total": amount, "Discount Amount": "0.00", "Created at": at,
             "Lineitem quantity": "1", "Lineitem name": "Lamp", "Lineitem price": amount,
             "Lineitem sku": "LAMP"}
        )  # fmt: skip
    return out.getvalue()


def kpi(home: Path, *arguments: str) -> Result:
    """A command on a data folder."""
    console.as_json = False
    return CliRunner().invoke(app, ["--home", str(home), *arguments])


def deliver(home: Path) -> None:
    """Put the exports into the inbox, a folder for each shop."""
    files = {
        "tmall/report.csv": TMALL.encode(),
        "tiktok/All-order-2026-05.csv": ("\ufeff" + TIKTOK).encode(),
        "tiendanube/ventas.csv": TIENDANUBE.encode("cp1252"),
        **{f"shopify/{name}": shopify(rows).encode() for name, rows in SHOPIFY.items()},
    }
    for name, content in files.items():
        path = home / "data/inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def answer(home: Path) -> None:
    """Answer what is asked as an owner would: take off the `# ` of a proposal, drop the blank."""
    path = home / "shop.yml"
    lines = path.read_text().splitlines()
    wanted = ("order_amount: 买家实际支付金额", "datetime: number}")
    for number, line in enumerate(lines):
        if any(part in line for part in wanted) and line.lstrip().startswith("# "):
            lines[number] = line.replace("# ", "", 1)
    path.write_text("\n".join(line for line in lines if f": {FILL_IN}" not in line) + "\n")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("proposals")
    deliver(home)
    before = dict(os.environ)
    given = ("--currency", "CNY", "--timezone", "Asia/Shanghai", "--platform", "web")
    done = kpi(home, "init", "--from", str(home / "data/inbox"), *given)
    assert done.exit_code == 0, done.output
    # Which amount, and which of two exports is newer: nothing runs before that is said.
    refused = kpi(home, "doctor")
    assert refused.exit_code == 3 and FILL_IN in refused.output
    answer(home)
    checked = kpi(home, "doctor")
    assert checked.exit_code == 0, checked.output
    os.environ.clear()
    os.environ.update(before)
    run(home, date(2026, 5, 15))
    with duckdb.connect(home / "data/published/current.duckdb", read_only=True) as con:
        yield con


@pytest.mark.parametrize(
    ("source", "paid"),
    [
        # What was paid, not the price: 21 + 42.50.
        ("tmall", {"1": None, "2": "21.00", "3": "42.50"}),
        # The order to be shipped is paid, as its own column says.
        ("tiktok", {"58387090000001": "120.00", "58387090000002": None,
                    "58387090000003": "33.00"}),
        # Goods after the discount, 80 - 8 and 60 - 6; the third is not paid.
        ("tiendanube", {"71": "72.00", "72": "54.00", "73": None}),
        # The second export counts: 60 and not 100, and 2312 is paid.
        ("shopify", {"2311": "60.00", "2312": "60.00", "2313": "20.00"}),
    ],
)  # fmt: skip
def test_paid_orders(
    shop: duckdb.DuckDBPyConnection, source: str, paid: dict[str, str | None]
) -> None:
    rows = shop.execute(
        "select order_id, case when is_paid then paid_amount end from marts.fct_orders"
        " where source = ? order by order_id",
        [source],
    ).fetchall()
    wanted = {order: Decimal(amount) if amount else None for order, amount in paid.items()}
    assert dict(rows) == wanted
