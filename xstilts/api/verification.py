"""Is a store as it was written?"""

from __future__ import annotations

import os

from xstilts.store.phases import Store
from xstilts.store.verification import Tell, Verified, verify as verified


def verify(store: str | os.PathLike[str], *, tell: Tell = lambda done, of: None) -> Verified:
    """Reads everything in a store and compares it with what was written.

    A damaged phase gets a note, and the next run that needs it makes it again. `tell` is told how
    many phases are checked, of how many. StoreError where there is no such store.
    """
    return verified(Store(os.fspath(store)), tell)
