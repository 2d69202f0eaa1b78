"""Section `costs` of `shop.yml`: costs that no feed tells, as shares of sales.

Belongs here: its keys and the rows dbt reads. Does not belong here: what the shares are of, which
`fct_profit_daily` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_Name = Annotated[str, Field(pattern=r"^[^'\"\\{}]+$")]  # stands in SQL as a literal
CostType = Literal[
    "goods_cost", "platform_fee", "payment_fee", "creator_commission", "freight",
    "freight_insurance", "agency_fee", "packaging", "tax", "advertising",
]  # fmt: skip


class CostRate(BaseModel):
    """An entry of `costs`: a kind of cost as a share of sales, for where no feed tells it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: _Name
    category: _Name = "(all)"  # all that have no entry of their own
    cost_type: CostType
    rate: Annotated[float, Field(ge=0, le=1)]


def cost_variables(rates: Sequence[CostRate]) -> dict[str, Any]:
    """Entries of `costs` as the dbt var `cost_rates`.

    Raises:
        ValueError: two entries of one platform, category and kind.
    """
    rows = [[rate.platform, rate.category, rate.cost_type, rate.rate] for rate in rates]
    keys = [tuple(row[:3]) for row in rows]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"two entries of {', '.join(map(str, key))}")
    return {"cost_rates": rows}
