"""What was found damaged among the data of a store and made again, kept until a run tells it.

    <path>.made-again    one sentence, beside what was damaged

Whoever finds the damage works in a phase's process, whose log nobody reads; the driver collects the
sentences when its run ends.
"""

from __future__ import annotations

from pathlib import Path

from xstilts.store.local_files import write_bytes

_END = ".made-again"
_PLACES = ("rows", "encoded", "transforms/*/*")


def note(path: Path, wrong: str) -> None:
    """Keeps that `path` was damaged, and how. StoreError where the disk refuses."""
    sentence = f"{path} was damaged ({wrong}); it was thrown away and made again"
    write_bytes(path.with_name(f"{path.name}{_END}"), sentence.encode())


def told(data: Path) -> list[str]:
    """The sentences in a store's data, which are removed: a run tells each once."""
    notes = sorted(one for place in _PLACES for one in data.glob(f"{place}/*{_END}"))
    sentences = [one.read_text(encoding="utf-8", errors="replace") for one in notes]
    for one in notes:
        one.unlink(missing_ok=True)
    return sentences
