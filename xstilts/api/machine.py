"""What a run needs beforehand: a suitable machine, and a mirror with its data and models."""

from __future__ import annotations

from xstilts.api.given import AnySweep, load
from xstilts.api.verb_values import Findings
from xstilts.sources import mirrors
from xstilts.spec.addresses import is_address
from xstilts.store.phases import Store


def doctor(
    sweep: AnySweep | None = None,
    *,
    store: str | None = None,
    mirror: str | None = None,
    tracking: str | None = None,
) -> Findings:
    """Checks whether this machine has what a run of the sweep needs; starts nothing."""
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
    """Downloads all datasets and models that the sweep names to the mirror; returns their names."""
    from xstilts.data.fetch import fetch as fill

    wanted = load(sweep, store=store, mirror=mirror, tracking=tracking)
    if not is_address(mirror):
        return fill(wanted, mirror)
    filled = fill(wanted, str(mirrors.place(mirror)))
    mirrors.send(mirror)
    return filled
