"""What the metric registry says of a ratio is what the marts publish."""

from pathlib import Path

from tests.support.shop import query

# Figures of a whole in its channels' rows: a platform's that repeats, the company's shared out.
OF_WHOLES = {
    "mer": ("business_date, platform", "any_value(mer)"),
    "spend_rate": ("business_date", "sum(spend_rate)"),
}


def test_every_ratio_is_its_numerator_over_its_denominator(finished_home: Path) -> None:
    ratios = query(
        finished_home,
        """
        select columns.table_name, name, numerator, denominator
        from quality.metrics
        inner join duckdb_columns() as columns
            on columns.column_name in (name, numerator, denominator)
        where columns.schema_name = 'marts'
            -- there it is over mer_gmv_amount, of the platforms that tell both
            and (columns.table_name, name) != ('fct_efficiency_monthly', 'mer')
        group by all having count(*) = 3 order by all
        """,
    )
    assert {name for _, name, _, _ in ratios} == {
        "aov", "attainment_so_far_rate", "bad_review_rate", "cac", "conversion_rate",
        "gmv_per_buyer", "gmv_per_head", "gmv_per_viewer", "market_penetration_rate", "mean_csat",
        "mean_rating", "mer", "net_roas", "on_time_rate", "orders_per_buyer",
        "quality_refund_rate", "reached_rate", "refund_amount_rate", "refund_order_rate",
        "repeat_purchase_rate", "repurchase_rate", "retention_rate", "return_unit_rate", "roas",
        "shipped_24h_rate", "shipped_48h_rate", "spend_rate",
    }  # fmt: skip
    for mart, name, numerator, denominator in ratios:
        by, published = OF_WHOLES.get(name, ("rowid", f"any_value({name})"))
        seen, wrong = query(
            finished_home,
            f"""
            with both_ways as (
                select
                    {published} as published,
                    sum({numerator}) / sum({denominator})::double as worked_out,
                    sum({denominator}) <> 0
                    and sum({numerator}) is not null
                    and ('{numerator}' <> 'cost' or sum({numerator}) <> 0) as is_defined
                from marts.{mart} group by {by}
            )

            select
                count(*) filter (published > 0),
                count(*) filter (
                    coalesce(is_defined, false) <> (published is not null)
                    or abs(published - worked_out) > 1e-12 * abs(published)
                )
            from both_ways
            """,
        )[0]
        assert (seen > 0, wrong) == (True, 0), (mart, name)
