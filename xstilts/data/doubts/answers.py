"""Answers whose `answer_start` is counted in another unit than characters from 0.

Tools count in bytes of UTF-8 (C++, Rust, Go), in units of UTF-16 (Java, JavaScript, C#: two for a
character beyond U+FFFF), in words, or from 1. Such an offset is right as long as what stands before
it is plain, so most rows of English look good. Where the text does not stand at its offset, each
other unit is tried; one that explains nearly all of these answers is the unit of the file.

Training takes the occurrence that is nearest to the offset, which is another one where an answer
occurs several times. Below 0 an offset says nothing: tools write -1 where they found no place.

A scored row none of whose answers stands in its context is one that no prediction can match, since
predictions are cut out of contexts. Where that is not rare, texts were changed on their way
(another Unicode form, other quotes, translation).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from xstilts.spec.task import Use

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 3
"""Fewer misplaced answers than this can fit a unit by chance."""
EXPLAINED = 0.9
"""Share of the misplaced answers that a unit must explain."""
NOTABLE = 0.05
"""Share of all answers at which misplaced ones are told though no unit explains them."""


def _in_bytes(context: str, text: str, start: int) -> bool:
    return context.encode("utf-8", "surrogatepass").startswith(
        text.encode("utf-8", "surrogatepass"), start
    )


def _in_utf16(context: str, text: str, start: int) -> bool:
    return context.encode("utf-16-le", "surrogatepass").startswith(
        text.encode("utf-16-le", "surrogatepass"), 2 * start
    )


def _from_one(context: str, text: str, start: int) -> bool:
    return start > 0 and context.startswith(text, start - 1)


def _in_words(context: str, text: str, start: int) -> bool:
    places = [word.start() for word in re.finditer(r"\S+", context)]
    return start < len(places) and context.startswith(text, places[start])


UNITS: Mapping[str, Callable[[str, str, int], bool]] = MappingProxyType(
    {
        "counted in bytes of UTF-8": _in_bytes,
        "counted in UTF-16 units": _in_utf16,
        "counted in characters from 1": _from_one,
        "counted in words": _in_words,
    }
)
"""Another way to count to whether an answer stands at `start` by it; where several explain equally
many answers, the first one counts.
"""


def doubts(table: pa.Table, use: Use) -> Iterator[str]:
    """A sentence if the offsets are in another unit, or notably wrong in none, and one if scored
    answers notably often stand in no context.
    """
    if use != "train":
        yield from _out_of_reach(table)
    total, wrong, explained = _counted(table, use)
    if wrong < FEW:
        return
    unit = max(UNITS, key=lambda name: explained[name])
    then = (
        "a test row is scored by its text, so scores stay right"
        if use == "test"
        else "the nearest occurrence is taken, which may be another one"
    )
    must = "answer_start must count characters from 0"
    if explained[unit] >= EXPLAINED * wrong:
        yield (
            f"{wrong:,} of {total:,} answers do not stand at their answer_start, and "
            f"{explained[unit]:,} of these do if it is {unit}: {then}; {must}: convert it"
        )
    elif wrong > NOTABLE * total:
        yield (
            f"{wrong:,} of {total:,} answers do not stand at their answer_start: {then}; {must}: "
            "look how the file was made"
        )


def _out_of_reach(table: pa.Table) -> Iterator[str]:
    """Rows that have answers, none of which stands in the context."""
    rows = [
        any(text in context for text in row["text"])
        for context, row in zip(
            table["context"].to_pylist(), table["answers"].to_pylist(), strict=True
        )
        if row["text"]
    ]
    lost = rows.count(False)
    if lost >= FEW and lost > NOTABLE * len(rows):
        yield (
            f"{lost:,} of {len(rows):,} rows with an answer have none that stands in its context "
            "letter for letter, so that hardly any prediction can match: are accents, quotes or "
            "blanks written alike in both (Unicode NFC)?"
        )


def _counted(table: pa.Table, use: Use) -> tuple[int, int, dict[str, int]]:
    """Answers that have an offset and occur in their context, those that do not stand at it, and
    how many of the latter each unit explains. Scored rows may have -1 for an offset that is not
    given.
    """
    total, wrong, explained = 0, 0, dict.fromkeys(UNITS, 0)
    for context, text, start in _places(table):
        if not text or start is None or (start < 0 and use != "train"):
            continue
        if start >= 0 and context.startswith(text, start):
            total += 1
        elif text in context:  # if it is not, no unit helps, and it is told elsewhere
            total, wrong = total + 1, wrong + 1
            for name, stands in UNITS.items():
                explained[name] += start >= 0 and stands(context, text, start)
    return total, wrong, explained


def _places(table: pa.Table) -> Iterator[tuple[str, str, int | None]]:
    """Context, text and offset of every answer; none where the rows have no offsets."""
    import pyarrow.compute as pc

    texts, starts = (pc.struct_field(table["answers"], name) for name in ("text", "answer_start"))
    contexts = table["context"].to_pylist()
    rows = pc.list_parent_indices(texts).to_pylist()
    flat = pc.list_flatten(texts).to_pylist(), pc.list_flatten(starts).to_pylist()
    if len(flat[0]) == len(flat[1]):
        for row, text, start in zip(rows, *flat, strict=True):
            yield contexts[row], text, start
