"""Questions about paragraphs as rows of a dual encoder, which has to find the sentence with the
answer.

LAReQA trains on SQuAD this way (Roy et al. 2020, arXiv 2004.05484, section 4): the query is the
question, the candidate the sentence in which the first answer begins, its pair the whole paragraph,
the key the question's id. A question none of whose answers occurs in its paragraph gives no row.

A sentence ends after `.`, `!` or `?` (and closing quotes and brackets) if white space and a capital
letter, a digit or an opening quote or bracket follow; but not after a single letter or one of
`ABBREVIATIONS`. It ends after `。`, `！`, `？` and `।` in any case. The authors' own
script has many more rules for SQuAD's text; where the two cut differently, a training candidate is
a little longer or shorter.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from xstilts.spec.answer_places import first_place
from xstilts.spec.words import words

ABBREVIATIONS = frozenset(
    words(
        "mr mrs ms dr prof st sr jr rev fr lt gen col maj capt sgt adm gov sen rep pres hon vs etc "
        "no nos vol ch sec art fig ca cf approx inc ltd co corp bros mt ft al e.g i.e a.k.a ph.d "
        "jan feb mar apr jun jul aug sep sept oct nov dec"
    )
)
"""Words, without their last full stop, that do not end a sentence."""
_END = re.compile(
    r"(?P<stop>[.!?]+)[)\]\"'”’»]*(?P<gap>\s+)(?=[\[(\"'“‘«]?[^\W_a-z])|[。！？।]+[」』”’）]*(?P<none>\s*)"
)
_LAST_WORD = re.compile(r"[\w.]+$")


def breaks(text: str) -> list[tuple[int, int]]:
    """`(first character, character after the last)` of each sentence, without the white space
    between them.
    """
    found, start = [], 0
    for end in _END.finditer(text):
        gap = "gap" if end["gap"] is not None else "none"
        if gap == "gap" and end["stop"] == "." and _is_abbreviation(text[start : end.start()]):
            continue
        found.append((start, end.start(gap)))
        start = end.end()
    found.append((start, len(text)))
    return [one for one in (_trimmed(text, *span) for span in found) if one[0] < one[1]]


def _is_abbreviation(before: str) -> bool:
    last = _LAST_WORD.search(before)
    word = last[0] if last else ""
    return (
        (len(word) == 1 and word.isalpha()) or word.lower() in ABBREVIATIONS or _are_initials(word)
    )


def _are_initials(word: str) -> bool:
    """Whether a word is written like `J.R`."""
    return "." in word and all(len(part) == 1 and part.isupper() for part in word.split("."))


def _trimmed(text: str, start: int, stop: int) -> tuple[int, int]:
    piece = text[start:stop]
    return start + len(piece) - len(piece.lstrip()), stop - len(piece) + len(piece.rstrip())


def retrieval_columns(table: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
    """Columns `query`, `candidate`, `candidate_pair`, `key` from rows with `question`, `context`,
    `answers`, `id`.
    """
    out: dict[str, list[str]] = {"query": [], "candidate": [], "candidate_pair": [], "key": []}
    known: dict[str, list[tuple[int, int]]] = {}
    columns = (table[name] for name in ("question", "context", "answers", "id"))
    for question, context, answers, key in zip(*columns, strict=True):
        place = first_place(context, answers)
        if place is None:
            continue
        if context not in known:
            known[context] = breaks(context)
        spans = known[context]
        first, last = spans[max(0, bisect_right(spans, (place[0], len(context))) - 1)]
        for name, value in zip(out, (question, context[first:last], context, key), strict=True):
            out[name].append(value)
    return out
