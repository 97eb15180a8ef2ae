"""The words that a task's `groups` may hold, each with its meaning.

A report compares gains by group, so a word must have one meaning. Every task has exactly one word
of `KINDS`, what it teaches, and may have more specific words of `SUBJECTS`. A task with its own
training rows has one word of `SIZES`. A target of XTREME or XTREME-R has the word of
`BENCHMARK_GROUPS` under which the benchmark averages it. Grouping by format uses the task's
`format`, which is not repeated here.

The kind of a task is a judgement, not a measurement: `mixed` is for tasks that ask for form and
meaning at once, so that neither plain word would be honest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "syntactic": (
            "The labels are of grammatical form: word classes, phrases, relations, well-formedness."
        ),
        "semantic": (
            "The labels are of meaning: inference, answers, what happens next, which text says "
            "the same."
        ),
        "mixed": (
            "Form and meaning at once: where names begin and what they name, paraphrase told by "
            "word order."
        ),
        "language modelling": "No labels: words are predicted from their context.",
        "adverse": (
            "Made to harm: labels that contradict what the other tasks teach (the generator's "
            "control)."
        ),
    }
)
"""What a task teaches: exactly one."""

SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "inference": "Whether one text follows from another.",
        "paraphrase": "Whether two texts say the same.",
        "similarity": "How much two texts, or two uses of a word, mean the same.",
        "commonsense": "What everyday knowledge makes likely.",
        "reading": "A question about a given passage.",
        "acceptability": "Whether a sentence is one of the language.",
        "sentiment": "Whether a text praises or blames.",
        "entities": "Names and what they name.",
    }
)
"""More specific words: any number."""

SIZES: Mapping[str, str] = MappingProxyType(
    {
        "size:large": "More than 100,000 training rows.",
        "size:medium": "10,000 to 100,000 training rows.",
        "size:small": "Fewer than 10,000 training rows.",
    }
)
"""Training rows of a task in its training language, as the source has them, before any limit: at
most one.
"""

BENCHMARK_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "classification": (
            "XTREME and XTREME-R: sentences, pairs of them, choices (XNLI, PAWS-X, XCOPA)."
        ),
        "structured": "XTREME and XTREME-R: tags (parts of speech, named entities).",
        "question answering": (
            "XTREME and XTREME-R: answers in a passage (XQuAD, MLQA, TyDiQA-GoldP)."
        ),
        "retrieval": (
            "XTREME and XTREME-R: the right text among many (BUCC, Tatoeba, LAReQA, Mewsli-X)."
        ),
    }
)
"""The benchmark's own groups: one, for its targets alone."""

GROUPS: Mapping[str, str] = MappingProxyType({**KINDS, **SUBJECTS, **SIZES, **BENCHMARK_GROUPS})
"""Every word and its meaning."""

LARGE_ROWS, MEDIUM_ROWS = 100_000, 10_000


def size_group(rows: int) -> str:
    """The word of `SIZES` for this number of training rows; both bounds count as medium."""
    if rows > LARGE_ROWS:
        return "size:large"
    return "size:medium" if rows >= MEDIUM_ROWS else "size:small"
