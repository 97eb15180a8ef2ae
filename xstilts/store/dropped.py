"""The note about a checkpoint that was dropped: when, by whom, why, and how large it was.

    <store>/phases/<id>/dropped.json

It is written before the files are removed, so what a crash leaves of them is known to be nothing.
The phase's record never changes: it still names the files, with which the checkpoint is compared if
it is made again. Without the note, missing files are damage.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

NOTE = "dropped.json"
"""The note's file."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """What a note says."""

    when: str
    """ISO 8601, UTC."""
    by: str
    """`sweep <name>-v<version>`, or `xstilts prune`."""
    why: str
    size: int
    """Bytes of the files."""

    def __str__(self) -> str:
        return f"this checkpoint was dropped ({self.why}) on {self.when[:10]} by {self.by}"

    @staticmethod
    def now(by: str, why: str, size: int) -> Dropped:
        """A note of this moment."""
        return Dropped(
            when=datetime.now(UTC).isoformat(timespec="seconds"), by=by, why=why, size=size
        )

    @staticmethod
    def of(content: bytes) -> Dropped:
        """From its file. A note that can't be read still says that the checkpoint was dropped."""
        try:
            values = json.loads(content)
            return Dropped(
                when=str(values["when"]),
                by=str(values["by"]),
                why=str(values["why"]),
                size=int(values["size"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return Dropped(when="a day unknown", by="somebody unknown", why="unknown", size=0)

    def content(self) -> bytes:
        """As it is written."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()
