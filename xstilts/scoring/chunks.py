"""Chunks of a tagged sentence, and how many of them agree: the F1 of NER, and of POS in XTREME.

A tag is `O`, or a *position* and a *type*: `B-PER` begins a chunk of type PER, `I-PER` goes on with
it. How tags are read depends on the task's table of labels alone (`reading_of`), so that every
language and every system is read alike:

- **prefixed**, the rule: a letter before a hyphen is the position: B and I, E (or L) for the last
  word and S (or U, W) for a chunk of one word, M like I (BIO, BIOES, BILOU, BMES, BMEWO). All that
  follows is the type: `person-other` is not `location-other`. A tag without such a prefix (`NOUN`,
  `ORG`, `O-thing`, `b-per`) is one of its own kind: a run of it is a chunk, and it agrees with no
  other tag.
- **bare**, where the table has nothing but letters of positions and `O`: there is one type.
- **universal**, where every label is one of Universal Dependencies' 17 parts of speech: seqeval
  0.0.12's rule of first letters, because XTREME scores them so.

XTREME scores named entities *and* parts of speech with seqeval's `f1_score`, which takes the first
letter of any tag for its position. Two releases of seqeval treat parts of speech differently,
because of one line. The type of a tag is

- **0.0.12** (`last_part`): the part after its last hyphen, or the whole tag. `NOUN` has the type
  `NOUN`.
- **1.2.2** (`after_first`): the part after its first letter and a hyphen there. `NOUN` has the type
  `OUN`, `CCONJ` and `SCONJ` both have `CONJ`, and `X` has no type, like `O`.

Both read `NOUN NOUN` as one chunk, like any run of one type. `S` as a first letter means a chunk of
one word, so `SYM SYM` and `SCONJ SCONJ` are two; the `I` of `INTJ` continues the chunk before it if
that has the same type. Entities (`B-`, `I-`, `O`) whose types have no hyphen are the same in both
and in *prefixed*; a type with a hyphen is whole in 1.2.2 and here, and cut in 0.0.12.

XTREME's tools install seqeval without a version. Its numbers are from March 2020 and the paper's
from May to October 2020, before 1.0; the authors' own code (jiant) pins 0.0.12. So `chunk_f1`
follows 0.0.12 for parts of speech, and `chunk_f1_merged` gives the count of 1.2.2, for any tags.
Neither depends on the installed seqeval.

seqeval joins all sentences with an `O` between them. Under 1.2.2 `X` and `O` have the same type, so
an `X` at the end of a sentence is not a chunk, and an `X` at its beginning does not open one: the
chunk then begins where the last chunk of the sentence before began. Both effects are reproduced; a
chunk is counted in the sentence where it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from xstilts.spec.task import UNSEEN
from xstilts.tasks.xtreme import UPOS

Tags = Sequence[str]
Kind = str | tuple[str]
"""A type; a tag without a position is a kind of its own, in a tuple, so that no type equals it."""
Chunk = tuple[Kind, int, int]
"""Kind, first word, last word."""
POSITIONS: Mapping[str, str] = MappingProxyType(
    {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
)
"""Letter of a prefix to the position that it stands for."""
METRICS = ("chunk_f1", "chunk_f1_merged")
"""The metrics that count chunks."""


class Place(NamedTuple):
    """A tag as it is read."""

    position: str
    """A letter: B, I, E, S or O; for seqeval's rules the tag's first letter, whatever it is."""
    kind: Kind


Reading = Callable[[str], Place]


# -- how tags are read


def reading_of(labels: Iterable[str]) -> Reading:
    """How the tags of a task with this table of labels are read."""
    tags = {*labels} - {UNSEEN}
    if tags and tags.issubset(UPOS):
        return last_part
    return bare if tags.issubset({"O", *POSITIONS}) else prefixed


def prefixed(tag: str) -> Place:
    """A position, a hyphen, and all that follows as the type; else a kind of its own."""
    if tag == "O":
        return Place("O", "")
    letter, hyphen, kind = tag.partition("-")
    position = POSITIONS.get(letter) if hyphen and kind else None
    return Place("I", (tag,)) if position is None else Place(position, kind)


def bare(tag: str) -> Place:
    """A position alone; all chunks have one type."""
    return Place(POSITIONS[tag], "") if tag in POSITIONS else prefixed(tag)


def last_part(tag: str) -> Place:
    """Position and type under seqeval 0.0.12."""
    return Place(tag[:1], tag.rpartition("-")[2])


def after_first(tag: str) -> Place:
    """Position and type under seqeval 1.2.2."""
    rest = tag[1:]
    return Place(tag[:1], (rest.partition("-")[2] if "-" in rest else rest) or "_")


def unprefixed_tags(labels: Iterable[str]) -> tuple[str, ...]:
    """The tags of a table that have no position although chunks are to be counted; none for a table
    of positions alone or of universal parts of speech.
    """
    tags = tuple(dict.fromkeys(labels))
    if reading_of(tags) is not prefixed:
        return ()
    return tuple(t for t in tags if t != UNSEEN and isinstance(prefixed(t).kind, tuple))


# -- chunks


def chunks(tags: Tags, read: Reading) -> list[Chunk]:
    """The chunks of one sentence, or of several with an `O` after each."""
    places = {tag: read(tag) for tag in {*tags, "O"}}
    found: list[Chunk] = []
    before, begin = Place("O", ""), 0
    for i, tag in enumerate((*tags, "O")):
        now = places[tag]
        same = before.kind == now.kind
        if _ends(before.position, now.position, same):
            found.append((before.kind, begin, i - 1))
        if _begins(before.position, now.position, same):
            begin = i
        before = now
    return found


def _ends(before: str, now: str, same_type: bool) -> bool:
    """Whether a chunk ends between two words, by their positions; conlleval's rule,
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
    gold: Sequence[Tags], predicted: Sequence[Tags], read: Reading
) -> Iterator[tuple[int, int, int]]:
    """For each sentence the numbers of chunks that agree, are predicted, are gold and end in it.

    Micro F1 over the sums equals `f1_score(gold, predicted)` of the release that `read` follows.
    """
    sentence_of = [number for number, tags in enumerate(gold) for _ in range(len(tags) + 1)]
    truth, guess = (
        {*chunks([t for tags in side for t in (*tags, "O")], read)} for side in (gold, predicted)
    )
    counts = [[0, 0, 0] for _ in gold]
    for place, found in enumerate((truth & guess, guess, truth)):
        for _, _, last in found:
            counts[sentence_of[last]][place] += 1
    yield from ((both, guessed, true) for both, guessed, true in counts)
