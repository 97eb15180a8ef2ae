"""Sentences in Universal Dependencies' CoNLL-U, with split words and with fused words (see
`readers_bench.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xstilts.data.reading.raw import lines
from xstilts.errors import DataError
from xstilts.spec.words import words

CONLLU_COLUMNS = words("tokens upos xpos deprel deprel_main lemma fused_tokens fused_upos")
"""Columns of a sentence, each a list with one text for each word."""
_FIELDS = 10
_PRECEDENCE = words("VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT")
"""If several words of a fused token are equally high in the tree, it gets the first of these tags.
"""


@dataclass(kw_only=True)
class _Sentence:
    words: list[list[str]] = field(default_factory=list)
    """The ten fields of each syntactic word."""
    fused: list[tuple[int, int, str]] = field(default_factory=list)
    """First and last word of each fused token, from 1, and its form."""


def sentences(path: Path) -> Iterator[dict[str, list[str]]]:
    """The columns of each sentence whose words are not hidden, in order; DataError with the line
    number for a line that is not CoNLL-U.
    """
    for sentence in _sentences(path):
        hidden = sum(word[1] == "_" for word in sentence.words)
        if hidden == 0 or hidden < len(sentence.words) - 1:
            yield _columns(sentence)


def _sentences(path: Path) -> Iterator[_Sentence]:
    sentence = _Sentence()
    for number, line in lines(path):
        if not line.strip():
            if sentence.words:
                yield sentence
            sentence = _Sentence()
        elif not line.startswith("#"):
            _add(line, sentence, f"{path}:{number}")
    if sentence.words:
        yield sentence


def _add(line: str, sentence: _Sentence, at: str) -> None:
    fields = line.split("\t")
    first, dash, last = fields[0].partition("-")
    if len(fields) != _FIELDS or not fields[1]:
        raise DataError(
            f"{at}: `{line[:60]}` must be {_FIELDS} values with tabs between them, as in CoNLL-U"
        )
    if dash and first.isdigit() and last.isdigit():
        sentence.fused.append((int(first), int(last), fields[1]))
    elif fields[0].isdigit() and int(fields[0]) == len(sentence.words) + 1:
        sentence.words.append(fields)
    elif not fields[0].replace(".", "", 1).isdigit() or fields[0].isdigit():
        raise DataError(
            f"{at}: word {fields[0]} must be number {len(sentence.words) + 1} of its sentence"
        )


def _columns(sentence: _Sentence) -> dict[str, list[str]]:
    words = sentence.words
    tokens, tags = _fused(sentence)
    return {
        "tokens": [word[1] for word in words],
        "lemma": [word[2] for word in words],
        "upos": [word[3] for word in words],
        "xpos": [word[4] for word in words],
        "deprel": [word[7] for word in words],
        "deprel_main": [word[7].partition(":")[0] for word in words],
        "fused_tokens": tokens,
        "fused_upos": tags,
    }


def _fused(sentence: _Sentence) -> tuple[list[str], list[str]]:
    """Forms and tags with each fused token in place of its words, as XTREME trains on them."""
    words, tokens, tags, number = sentence.words, [], [], 1
    spans = {
        first: (last, form) for first, last, form in sentence.fused if last <= len(sentence.words)
    }
    while number <= len(words):
        last, form = spans.get(number, (number, words[number - 1][1]))
        tokens.append(form.replace("\u200c", "").replace(" ", ""))
        tags.append(_tag_of(words, range(number, last + 1)))
        number = max(last, number) + 1
    return tokens, tags


def _tag_of(words: list[list[str]], span: range) -> str:
    """The tag of the word of `span` that is highest in the tree."""
    if len(span) == 1:
        return words[span[0] - 1][3]
    depths = {number: _depth(words, number) for number in span}
    highest = [words[number - 1][3] for number in span if depths[number] == min(depths.values())]
    return min(
        highest, key=lambda tag: _PRECEDENCE.index(tag) if tag in _PRECEDENCE else len(_PRECEDENCE)
    )


def _depth(words: list[list[str]], number: int) -> int:
    """Steps from a word to the root; in a cycle, until it closes."""
    seen: set[int] = set()
    while number not in seen and 1 <= number <= len(words):
        seen.add(number)
        head = words[number - 1][6]
        number = int(head) if head.isdigit() else 0
    return len(seen)
