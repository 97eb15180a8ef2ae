"""Tokens that are not words: with a prefix (`en:word`, as WikiANN's raw files have it), with their
tag behind (`word/NN`), or holding whole sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from xstilts.spec.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

NEARLY_ALL = 0.95
FEW = 20
"""Fewer tokens than this say nothing."""
_PREFIX = r"^(?P<part>[\p{L}\p{N}-]{0,12}[^\p{L}\p{N}\p{M}\s])[^\s]"
"""A short word, if any, and a sign, with something after it."""
_SUFFIX = r"[^\s](?P<part>[/_|:#][\p{L}\p{N}.-]{1,12})$"
_SEVERAL_WORDS = r"\S\s+\S+\s+\S"
_MANY_WORDS = 0.2
"""Share of tokens of three words or more; Vietnamese words are written with spaces, and few have
three.
"""
_LONGEST_SENTENCE = 500


def doubts(table: pa.Table, task: Task) -> Iterator[str]:
    """A sentence for each way in which the tokens are not words."""
    import pyarrow.compute as pc

    tokens = pc.list_flatten(table["tokens"])
    n_tokens = len(tokens)
    if n_tokens < FEW:
        return
    yield from _parts(tokens)
    several = pc.sum(pc.match_substring_regex(tokens, _SEVERAL_WORDS)).as_py() or 0
    if several > _MANY_WORDS * n_tokens:
        yield (
            f"{several:,} of {n_tokens:,} tokens hold three or more words: each token must be one "
            "word with its own tag; split them"
        )
    single = pc.sum(pc.equal(pc.list_value_length(table["tokens"]), 1)).as_py() or 0
    if not several and single >= NEARLY_ALL * table.num_rows:
        yield (
            f"{single:,} of {table.num_rows:,} rows are one token: each row must be a sentence, "
            "split into its words"
        )
    if table.num_rows == 1 and n_tokens > _LONGEST_SENTENCE:
        yield (
            f"its only row is a sentence of {n_tokens:,} tokens: put an empty line between "
            "sentences"
        )
    if "tags" in table.column_names:
        yield from _tags_are_tokens(tokens, pc.list_flatten(table["tags"]), task)


def _parts(tokens: Any) -> Iterator[str]:
    """A prefix or a suffix that nearly all tokens have."""
    prefixes, suffixes = _counts(tokens, _PREFIX), _counts(tokens, _SUFFIX)
    many = NEARLY_ALL * len(tokens)
    # `the/DT` has both; what is a part of the notation is the one with fewer values
    if suffixes.total() >= many and (prefixes.total() < many or len(suffixes) < len(prefixes)):
        part, _ = suffixes.most_common(1)[0]
        yield (
            f"{suffixes.total():,} of {len(tokens):,} tokens end in a mark such as `{part}`, which "
            "the model reads as a part of the word: strip it"
        )
        return
    for part, count in prefixes.most_common(1):
        named = sum(n for prefix, n in prefixes.items() if len(prefix) > 1)
        count = max(count, named)
        if count >= many:
            yield (
                f"{count:,} of {len(tokens):,} tokens begin with a mark such as `{part}`, which "
                "the model reads as a part of the word: strip it"
            )


def _counts(tokens: Any, pattern: str) -> Counter[str]:
    """The part of each token that a pattern names, counted."""
    import pyarrow.compute as pc

    found = pc.struct_field(pc.extract_regex(tokens, pattern), "part")
    return Counter(
        {row["values"]: row["counts"] for row in pc.value_counts(found.drop_null()).to_pylist()}
    )


def _tags_are_tokens(tokens: Any, tags: Any, task: Task) -> Iterator[str]:
    """Whether tags were read from the column of the tokens: their names are then the words."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not task.labels or len(tags) != len(tokens):
        return
    names = pa.array(task.labels, pa.string()).take(tags.combine_chunks())
    same = pc.sum(pc.equal(names, tokens.combine_chunks())).as_py() or 0
    if same >= NEARLY_ALL * len(tokens):
        yield (
            f"{same:,} of {len(tokens):,} tags are their own tokens: `columns: {{tags: ...}}` must "
            "name the column of the tags"
        )
