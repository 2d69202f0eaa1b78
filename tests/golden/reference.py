"""The change of GMV by its factors in decimals of 40 digits: an oracle that shares no code.

A zero is replaced by 10 ** -(10 ** 12), so what remains of its logarithm beside the exact limit is
of the order of 1e-12 of the whole.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

EFFECTS = ("visitors", "mix", "conversion", "untracked", "frequency", "anonymous", "aov")
COLUMNS = (
    "visitors_effect",
    "mix_effect",
    "conversion_effect",
    "untracked_buyers_effect",
    "orders_per_buyer_effect",
    "anonymous_orders_effect",
    "aov_effect",
)


def factors(row: Any) -> list[Decimal | None]:
    """V, s, C, U, F, N, A of one side; None where undefined."""
    v, x, t, u, b, i, n, o, g = (Decimal(float(value)) for value in row)

    def ratio(a: Decimal, b: Decimal) -> Decimal | None:
        return a / b if b else None

    return [v, ratio(x, v), ratio(t, x), u, ratio(i, b), n, ratio(g, o)]


def limit(now: Any, base: Any) -> list[float]:
    """Effects with zero factors next to zero and undefined ones as on the other side."""
    tiny = Decimal("1e-1000000000000")

    def settle(mine: list[Decimal | None], other: list[Decimal | None]) -> list[Decimal]:
        settled = []
        for index, (value, opposite) in enumerate(zip(mine, other, strict=True)):
            known = value if value is not None else (opposite or Decimal(1))
            settled.append(tiny if known == 0 and index not in (3, 5) else known)
        return settled

    def mean(a: Decimal, b: Decimal) -> Decimal:
        return a if abs(a - b) <= max(a, b) * Decimal("1e-25") else (a - b) / (a / b).ln()

    with localcontext(prec=40, Emin=-(10**17), Emax=10**17):
        f1, f0 = factors(now), factors(base)
        (v1, s1, c1, u1, f1_, n1, a1), (v0, s0, c0, u0, f0_, n0, a0) = (
            settle(f1, f0),
            settle(f0, f1),
        )
        t1, t0 = v1 * s1 * c1, v0 * s0 * c0
        b1, b0 = t1 + u1, t0 + u0
        i1, i0 = b1 * f1_, b0 * f0_
        o1, o0 = i1 + n1, i0 + n0
        g1, g0 = o1 * a1, o0 * a0
        order = mean(g1, g0) / mean(o1, o0)
        buyer = order * mean(i1, i0) / mean(b1, b0)
        tracked = buyer * mean(t1, t0)
        exact = [
            tracked * (v1 / v0).ln(),
            tracked * (s1 / s0).ln(),
            tracked * (c1 / c0).ln(),
            buyer * (u1 - u0),
            order * mean(i1, i0) * (f1_ / f0_).ln(),
            order * (n1 - n0),
            mean(g1, g0) * (a1 / a0).ln(),
        ]
        return [float(value) for value in exact]
