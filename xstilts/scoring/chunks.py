"""Chunks of a tagged sentence, and how many of them agree: the F1 of NER, and of POS in XTREME.

XTREME scores named entities *and* parts of speech with seqeval's `f1_score`, which reads tags as
`B-PER`, `I-PER`, `O`: a first letter for a word's position in a chunk, and a type. Parts of speech
have neither, and two releases of seqeval treat them differently, because of one line. The type of a
tag is

- **0.0.12** (`last_part`): the part after its last hyphen, or the whole tag. `NOUN` has the type
  `NOUN`.
- **1.2.2** (`after_first`): the part after its first letter and a hyphen there. `NOUN` has the type
  `OUN`, `CCONJ` and `SCONJ` both have `CONJ`, and `X` has no type, like `O`.

Both read `NOUN NOUN` as one chunk, like any run of one type. `S` as a first letter means a chunk of
one word, so `SYM SYM` and `SCONJ SCONJ` are two; the `I` of `INTJ` continues the chunk before it if
that has the same type. Entities (`B-`, `I-`, `O`) are the same in both.

XTREME's tools install seqeval without a version. Its numbers are from March 2020 and the paper's
from May to October 2020, before 1.0; the authors' own code (jiant) pins 0.0.12. So `chunk_f1`
follows 0.0.12, and `chunk_f1_merged` gives the count of 1.2.2. Neither depends on the installed
seqeval.

seqeval joins all sentences with an `O` between them. Under 1.2.2 `X` and `O` have the same type, so
an `X` at the end of a sentence is not a chunk, and an `X` at its beginning does not open one: the
chunk then begins where the last chunk of the sentence before began. Both effects are reproduced; a
chunk is counted in the sentence where it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

Tags = Sequence[str]
Chunk = tuple[str, int, int]
"""Type, first word, last word."""


def last_part(tag: str) -> str:
    """The type of a tag under seqeval 0.0.12."""
    return tag.rpartition("-")[2]


def after_first(tag: str) -> str:
    """The type of a tag under seqeval 1.2.2."""
    rest = tag[1:]
    return (rest.partition("-")[2] if "-" in rest else rest) or "_"


def chunks(tags: Tags, type_of: Callable[[str], str]) -> list[Chunk]:
    """The chunks of one sentence, or of several with an `O` after each."""
    types = {tag: type_of(tag) for tag in {*tags, "O"}}
    found: list[Chunk] = []
    first_before, type_before, begin = "O", "", 0
    for i, tag in enumerate((*tags, "O")):
        first, kind = tag[:1], types[tag]
        if _ends(first_before, first, type_before == kind):
            found.append((type_before, begin, i - 1))
        if _begins(first_before, first, type_before == kind):
            begin = i
        first_before, type_before = first, kind
    return found


def _ends(before: str, now: str, same_type: bool) -> bool:
    """Whether a chunk ends between two words, by the first letters of their tags; conlleval's rule,
    as in seqeval.
    """
    if before in ("E", "S") or (before in ("B", "I") and now in ("B", "S", "O")):
        return True
    return before not in ("O", ".") and not same_type


def _begins(before: str, now: str, same_type: bool) -> bool:
    if now in ("B", "S") or (now in ("E", "I") and before in ("E", "S", "O")):
        return True
    return now not in ("O", ".") and not same_type


def agreement(
    gold: Sequence[Tags], predicted: Sequence[Tags], type_of: Callable[[str], str]
) -> Iterator[tuple[int, int, int]]:
    """For each sentence the numbers of chunks that agree, are predicted, are gold and end in it.

    Micro F1 over the sums equals `f1_score(gold, predicted)` of the release of `type_of`.
    """
    sentence_of = [number for number, tags in enumerate(gold) for _ in range(len(tags) + 1)]
    truth, guess = (
        {*chunks([t for tags in side for t in (*tags, "O")], type_of)} for side in (gold, predicted)
    )
    counts = [[0, 0, 0] for _ in gold]
    for place, found in enumerate((truth & guess, guess, truth)):
        for _, _, last in found:
            counts[sentence_of[last]][place] += 1
    yield from ((both, guessed, true) for both, guessed, true in counts)
