"""Sampling rates: how often each member of a mixture, and each language of a member, is drawn.

A mixture is sampled by *rates*, one for each member, which add up to 1: proportional to the
members' rows, equal, given in the sweep file, or proportional to rows that are capped and tempered,
with some rates fixed (`sweep.Rates`). Rows are those of the source, so a long context that is cut
into many windows counts once. A member with several training languages may be sampled by smoothed
language shares. Rates become whole numbers of draws by largest remainders, so only the order of the
draws is random. A member whose rate is below half an update may get none. Pure arithmetic: no data,
no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from xstilts.errors import PhaseError
from xstilts.spec.sweep import Rates

Array = np.ndarray[Any, np.dtype[Any]]
SLACK = 1e-6
"""Given rates must add up to 1 to within this."""


def member_rates(
    n_rows: Sequence[int], rates: str | Sequence[float] | Rates, names: Sequence[str] = ()
) -> Array:
    """Sampling rate of each member; they add up to 1. `names` are the members', for `Rates.fixed`.

    PhaseError where the rates do not fit the members.
    """
    if isinstance(rates, Rates):
        return _smoothed(np.array(n_rows, dtype=np.float64), rates, names)
    if rates == "uniform":
        weights = np.ones(len(n_rows))
    elif rates == "proportional":
        weights = np.array(n_rows, dtype=np.float64)
    else:
        weights = np.array(rates, dtype=np.float64)
    if len(weights) != len(n_rows) or not (weights > 0).all() or not np.isfinite(weights).all():
        raise PhaseError(
            f"rates are {rates}; must be one number above 0 for each of the {len(n_rows)} members"
        )
    return weights / weights.sum()


def _smoothed(n_rows: Array, rates: Rates, names: Sequence[str]) -> Array:
    """p_i proportional to min(n_i, K)^(1/T) over the members without a fixed rate; they share what
    the fixed rates leave.

    With K alone this is examples-proportional mixing; with T, temperature-scaled mixing (Raffel et
    al. 2020, section 3.5.2: rates by capped sizes, raised to 1/T and renormalised).
    """
    _check_fixed(rates.fixed, names)
    given = (
        np.array([rates.fixed.get(name, 0.0) for name in names])
        if rates.fixed
        else np.zeros(len(n_rows))
    )
    if (given > 0).all():
        return given / given.sum()
    weights = np.where(
        given > 0, 0.0, np.minimum(n_rows, rates.cap or np.inf) ** (1 / rates.temperature)
    )
    return given + (1 - given.sum()) * weights / weights.sum()


def _check_fixed(fixed: Mapping[str, float], names: Sequence[str]) -> None:
    """PhaseError where fixed rates name no member, are not between 0 and 1, or leave nothing to the
    other members.
    """
    strange = [name for name in fixed if name not in names]
    if strange:
        among = ", ".join(names)
        raise PhaseError(
            f"rates.fixed names {', '.join(strange)}; must name members of the mixture: {among}"
        )
    shown = (
        "rates.fixed is {" + ", ".join(f"{name}: {rate:g}" for name, rate in fixed.items()) + "}"
    )
    if not all(0 < rate <= 1 for rate in fixed.values()):
        raise PhaseError(f"{shown}; each rate must be above 0 and at most 1")
    total, left = sum(fixed.values()), [name for name in names if name not in fixed]
    if left and total >= 1:
        raise PhaseError(
            f"{shown}, {total:g} in all; must be below 1: {', '.join(left)} share the rest"
        )
    if fixed and not left and abs(total - 1) > SLACK:
        raise PhaseError(f"{shown}, {total:g} in all; must be 1 in all where every member is named")


def unserved(
    n_rows: Sequence[int], rates: str | Sequence[float] | Rates, names: Sequence[str], steps: int
) -> dict[str, float]:
    """The members of a mixture that get no update in `steps`, and the fraction of an update that
    their rates would give them.

    The head of such a member keeps its initial weights, yet its development score counts.
    PhaseError where the rates do not fit the members.
    """
    found = member_rates(n_rows, rates, names)
    counts = exact_counts(found, steps)
    return {
        name: float(rate) * steps
        for name, rate, n in zip(names, found, counts, strict=True)
        if not n
    }


def language_rates(n_rows: Sequence[int], exponent: float) -> Array:
    """Share of the draws of each language: q_l = n_l^a / sum of n^a.

    Conneau and Lample 2019, section 3.1; they write p_l = n_l / sum of n instead of n_l, with the
    same q_l.
    """
    weights: Array = np.array(n_rows, dtype=np.float64) ** exponent
    return weights / weights.sum()


def exact_counts(rates: Array, total: int) -> Array:
    """`total` draws divided by `rates`: the largest remainders are rounded up, of equal remainders
    the first.
    """
    exact = rates * total
    counts = np.floor(exact).astype(np.int64)
    missing = total - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:missing]] += 1
    return counts
