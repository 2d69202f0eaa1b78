"""Five questions to the published file, as a marimo notebook.

`pip install -c constraints.txt -e '.[notebook]'`, then `marimo edit examples/notebook/questions.py`
in the shop's folder, or with KPI_HOME set to it; `python` runs it as it stands. It reads one
generation and locks nobody out.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell
def _():
    import os
    from pathlib import Path

    import duckdb
    import marimo as mo

    home = Path(os.environ.get("KPI_HOME", "."))
    con = duckdb.connect(home / "data/published/current.duckdb", read_only=True)
    return con, mo


@app.cell
def _(con, mo):
    [(as_of,)] = con.sql("select max(business_date) from marts.fct_gmv_daily").fetchall()
    mo.md(f"# Five questions, up to {as_of}")
    return (as_of,)


@app.cell
def _(con, mo):
    weeks = con.sql("""
        select period_start, is_complete, gmv, visitors, conversion_rate, aov,
            gmv / nullif(lag(gmv) over (order by period_start), 0) - 1 as growth
        from marts.fct_gmv_weekly
        where dimension = 'all'
        order by period_start
    """).pl()
    mo.vstack([mo.md("## How do weeks go?"), weeks])
    return (weeks,)


@app.cell
def _(as_of, con, mo):
    # whose effects sum to the change, exactly
    factors = con.sql(
        """
        from (
            unpivot (
                select visitors_effect, conversion_effect, untracked_buyers_effect,
                    orders_per_buyer_effect, anonymous_orders_effect, aov_effect
                from marts.fct_gmv_change
                where comparison = 'last_week' and dimension = 'all' and business_date = ?
            ) on columns(*) into name factor value effect
        )
        order by abs(effect) desc
        """,
        params=[as_of],
    ).pl()
    mo.vstack([mo.md("## What moved GMV against the same day of the last week?"), factors])
    return (factors,)


@app.cell
def _(con, mo):
    # of the first months of the data nobody knows who was a customer before
    cohorts = con.sql("""
        select channel, age_months, min(history_days) as history_days,
            sum(customers) as customers,
            sum(repeat_buyers) / nullif(sum(customers), 0) as repurchase_rate
        from marts.fct_channel_cohorts_monthly
        where repeat_buyers is not null
        group by channel, age_months
        order by channel, age_months
    """).pl()
    mo.vstack([mo.md("## Which channels bring customers who come back?"), cohorts])
    return (cohorts,)


@app.cell
def _(con, mo):
    reasons = con.sql("""
        select segment as reason, sum(refunded_amount) as refunded_amount,
            sum(refunded_amount) / sum(sum(refunded_amount)) over () as share
        from marts.fct_after_sales_daily
        where date_basis = 'order_date' and dimension = 'reason'
        group by segment
        order by refunded_amount desc
    """).pl()
    mo.vstack([mo.md("## Why do goods come back?"), reasons])
    return (reasons,)


@app.cell
def _(con, mo):
    stock = con.sql("""
        select product_key, product_name, abc_class, on_hand, days_of_stock
        from marts.dim_product
        where days_of_stock is not null
        order by days_of_stock, product_key
        limit 20
    """).pl()
    mo.vstack([mo.md("## What runs out first?"), stock])
    return (stock,)


if __name__ == "__main__":
    app.run()
