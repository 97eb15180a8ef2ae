"""What has to be there before a run: a machine that can carry it, and a mirror that holds its data
and models.
"""

from __future__ import annotations

from xstilts.api.given import AnySweep, load
from xstilts.api.verb_values import Findings
from xstilts.store.phases import Store


def doctor(
    sweep: AnySweep | None = None,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Findings:
    """Looks at this machine for what a run of the sweep needs; starts nothing."""
    from xstilts.checks.doctor import checks
    from xstilts.tracking.tracker import tracking_uri

    if sweep is not None:
        wanted = load(sweep, store=store, mirror=mirror, tracking=tracking)
        store, tracking = wanted.store, wanted.tracking
    home = Store(store or "store")
    return Findings(checks(home, tracking_uri(tracking, home)))


def fetch(
    sweep: AnySweep, *, mirror: str, store: str | None = None, tracking: str | None = None
) -> list[str]:
    """Fills the mirror with all datasets and models that the sweep names; returns what was
    fetched.
    """
    from xstilts.data.fetch import fetch as fill

    return fill(load(sweep, store=store, mirror=mirror, tracking=tracking), mirror)
