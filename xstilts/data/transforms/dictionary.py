"""Code-switching by dictionary, after CoSDA-ML (Qin et al. 2020, arXiv 2006.06402, section 3).

A row is chosen with probability `sentence_ratio`, each of its words with probability `word_ratio`.
A chosen word draws a language (`cross`; otherwise it takes the row's), then one of its translations
in the dictionary of that language. As in the authors' code the language is drawn first, so a word
that this dictionary lacks stays. Unlike there, capitals are kept: a word is looked up as written,
then in lower case, and its replacement takes over a first capital or all capitals. `Ann's` is
looked up whole, then as `Ann`, and keeps its ending.

Dictionaries are MUSE's files: a word and its translation on each line, separated by a tab or a
space; a word with several translations has several lines. Where labels are tags, each token counts
as one word, and only one-word translations replace it, so each tag keeps its token.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from xstilts.data.reading.raw import lines, shown
from xstilts.data.transforms.rows import Row, reworded, texts, with_texts
from xstilts.data.transforms.words import joined, replace
from xstilts.errors import DataError
from xstilts.spec.format_specs import FORMATS, FormatName
from xstilts.spec.transforms import Dictionary

Table = Mapping[str, tuple[str, ...]]
"""Word to its translations, in the order of the file."""


def read(paths: list[Path]) -> Table:
    """The dictionary in some files; DataError with the line number of a line that is not `word
    translation`.
    """
    found: dict[str, dict[str, None]] = {}
    for path in paths:
        for number, line in lines(path):
            if not line.strip():
                continue
            parts = line.split("\t") if "\t" in line else line.split(maxsplit=1)
            word, translation = (part.strip() for part in parts) if len(parts) == 2 else ("", "")
            if not word or not translation:
                raise DataError(
                    f"{path}:{number}: `{shown(line)}` must be `word translation`, separated by a "
                    "tab or a space"
                )
            found.setdefault(word, {})[translation] = None
    if not found:
        raise DataError(
            f"{', '.join(map(str, paths))}: holds no words; must be lines of `word translation`"
        )
    return {word: tuple(translations) for word, translations in found.items()}


class Switcher:
    """Replaces words of rows by words from several dictionaries; counts into `tally`."""

    def __init__(
        self, spec: Dictionary, tables: Mapping[str, Table], format_name: FormatName
    ) -> None:
        self._spec, self._tables, self._format = spec, tables, format_name
        self._word_by_word = FORMATS[format_name].label_kind == "tags"

    def rewritten(self, row: Row, draws: random.Random, language: str, tally: Counter[str]) -> Row:
        """The row, switched or not; words take `language` unless each draws its own."""
        if draws.random() >= self._spec.sentence_ratio:
            tally["rows left English"] += 1
            return row

        def new(word: str) -> str:
            return self._word(word, draws, language, tally)

        if self._word_by_word:
            return with_texts(row, self._format, [new(token) for token in texts(row, self._format)])
        return reworded(row, self._format, lambda text: replace(text, joined(), new))

    def _word(self, word: str, draws: random.Random, language: str, tally: Counter[str]) -> str:
        tally["words"] += 1
        if draws.random() >= self._spec.word_ratio:
            return word
        if self._spec.cross:
            language = _one(self._spec.languages, draws)
        found, ending = _translations(self._tables[language], word, one_word=self._word_by_word)
        if not found:
            tally["words not in the dictionary"] += 1
            return word
        tally["words replaced"] += 1
        return _one(found, draws) + ending


def _one(among: tuple[str, ...], draws: random.Random) -> str:
    return among[int(draws.random() * len(among))]


def _translations(table: Table, word: str, *, one_word: bool) -> tuple[tuple[str, ...], str]:
    """What may replace `word`, and the ending that stays (`'s`, or nothing)."""
    found = _looked_up(table, word)
    ending = ""
    if not found and word[-2:] in ("'s", "’s"):
        found, ending = _looked_up(table, word[:-2]), word[-2:]
    return tuple(one for one in found if not one_word or len(one.split()) == 1), ending


def _looked_up(table: Table, word: str) -> tuple[str, ...]:
    if word in table:
        return table[word]
    found = table.get(word.lower(), ())
    if len(word) > 1 and word.isupper():
        return tuple(one.upper() for one in found)
    return tuple(one[:1].upper() + one[1:] for one in found) if word[:1].isupper() else found
