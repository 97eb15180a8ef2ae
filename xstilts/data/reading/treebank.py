"""Sentences in Universal Dependencies' CoNLL-U, with split words and with fused words (see
`readers_bench.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xstilts.data.reading.raw import lines, shown
from xstilts.errors import DataError
from xstilts.spec.words import words

CONLLU_COLUMNS = words("tokens upos xpos deprel deprel_main lemma fused_tokens fused_upos")
"""Columns of a sentence, each a list with one text for each word."""
_FIELDS = 10
_NUMBER = re.compile(r"[0-9]{1,9}")
_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_EMPTY_NODE = re.compile(r"[0-9]+\.[0-9]+")
_PRECEDENCE = words("VERB NOUN PROPN PRON ADJ NUM ADV INTJ AUX ADP DET PART CCONJ SCONJ X PUNCT")
"""If several words of a fused token are equally high in the tree, it gets the first of these tags.
"""


@dataclass(kw_only=True)
class _Sentence:
    words: list[list[str]] = field(default_factory=list)
    """The ten fields of each syntactic word."""
    fused: list[tuple[int, int, str]] = field(default_factory=list)
    """First and last word of each fused token, from 1, and its form."""


def sentences(path: Path) -> tuple[list[dict[str, list[str]]], int]:
    """The columns of each sentence whose words are not hidden, in order, and how many are hidden;
    DataError with the line number for a line that is not CoNLL-U.
    """
    found = list(_sentences(path))
    open_ = [one for one in found if not _hidden(one)]
    return [_columns(one) for one in open_], len(found) - len(open_)


def _hidden(sentence: _Sentence) -> bool:
    hidden = sum(word[1] == "_" for word in sentence.words)
    return hidden > 0 and hidden >= len(sentence.words) - 1


def _sentences(path: Path) -> Iterator[_Sentence]:
    sentence = _Sentence()
    for number, line in lines(path):
        if not line.strip(" \t"):
            if sentence.words or sentence.fused:
                yield _whole(sentence, f"{path}:{number}")
            sentence = _Sentence()
        elif not line.startswith("#"):
            _add(line, sentence, f"{path}:{number}")
    if sentence.words or sentence.fused:
        yield _whole(sentence, str(path))


def _whole(sentence: _Sentence, at: str) -> _Sentence:
    """The sentence; DataError if a fused token has words that are not there."""
    last = 0
    for first, final, form in sentence.fused:
        if not last < first <= final <= len(sentence.words):
            raise DataError(
                f"{at}: the sentence before has no words {first}-{final} for its fused token "
                f"`{shown(form)}`, or they belong to another one"
            )
        last = final
    return sentence


def _add(line: str, sentence: _Sentence, at: str) -> None:
    fields = line.split("\t")
    if len(fields) != _FIELDS or not fields[1]:
        raise DataError(
            f"{at}: `{shown(line)}` must be {_FIELDS} values with tabs between them, as in CoNLL-U"
        )
    number, span = _NUMBER.fullmatch(fields[0]), _SPAN.fullmatch(fields[0])
    if span:
        sentence.fused.append((int(span[1]), int(span[2]), fields[1]))
    elif number and int(number[0]) == len(sentence.words) + 1:
        sentence.words.append(fields)
    elif not _EMPTY_NODE.fullmatch(fields[0]):
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
    spans = {first: (last, form) for first, last, form in sentence.fused}
    while number <= len(words):
        last, form = spans.get(number, (number, words[number - 1][1]))
        tokens.append(form.replace("\u200c", "").replace(" ", ""))
        tags.append(_tag_of(words, range(number, last + 1)))
        number = last + 1
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
        number = int(head) if _NUMBER.fullmatch(head) else 0
    return len(seen)
