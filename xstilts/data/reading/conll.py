"""CoNLL files: a token on each line, with its tags beside it; a blank line after a sentence.

Where a line has a tab, values are separated by tabs in the whole file, and a token may hold spaces;
otherwise by spaces. All lines have the same number of values. The columns of a file with two are
`tokens` and `tags`; in any file they can be named by their numbers from 0, as in CoNLL-2003's
`{tokens: 0, tags: 3}`. `-DOCSTART-` lines, which stand between documents there, are left out.

A line that begins with `#` before a sentence is a comment, unless it has the values of a token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xstilts.data.reading.raw import Raw, lines, selected, shown
from xstilts.errors import DataError

_BETWEEN_DOCUMENTS = "-DOCSTART-"
_Line = tuple[int, str]


def read_conll(path: Path, columns: Sequence[str]) -> Raw:
    """The sentences of a file, a list of texts in each column; DataError with the line."""
    import pyarrow as pa

    held = [(number, line) for number, line in lines(path)]
    form = _form(held)
    sentences, documents = [], 0
    for sentence in _sentences(held, form, path):
        if len(sentence) == 1 and sentence[0][0] == _BETWEEN_DOCUMENTS:
            documents += 1
        else:
            sentences.append(sentence)
    names = {str(number): number for number in range(form.width)}
    names |= {"tokens": 0, "tags": 1} if form.width == 2 else {}
    if "tokens" not in names and {"tokens", "tags"} & set(columns):
        raise DataError(
            f"{path}: has {form.width} values on a line; say which are read, counted from 0: "
            f"`columns: {{tokens: 0, tags: {form.width - 1}}}`"
        )
    found = {
        name: pa.array([[values[i] for values in one] for one in sentences], pa.list_(pa.string()))
        for name, i in names.items()
        if name in columns
    }
    known = ("tokens", "tags", "0", "1") if form.width == 2 else tuple(names)
    return Raw(
        table=selected(found, known, len(sentences)),
        columns=known,
        classes={},
        left_out={f"lines {_BETWEEN_DOCUMENTS}": documents} if documents else {},
    )


@dataclass(frozen=True, kw_only=True)
class _Form:
    """How the lines of a file are to be read."""

    tabs: bool
    width: int
    """Values on a line."""
    tags: frozenset[str]
    """Last values of lines that are no comment."""

    def values(self, line: str) -> list[str]:
        """The values of a line, without spaces around them; other white space is theirs."""
        if self.tabs:
            return [value.strip(" ") for value in line.rstrip(" \t").split("\t")]
        return [value for value in line.replace("\t", " ").split(" ") if value]

    def is_token(self, line: str, inside: bool) -> bool:
        """Whether a line that begins with `#` is a token; `inside`: of a sentence."""
        if inside or (self.tabs and "\t" in line):
            return True
        values = self.values(line)
        return not self.tabs and len(values) == self.width and values[-1] in self.tags


def _form(held: Sequence[_Line]) -> _Form:
    """Tabs where a line has one; the number of values of most lines (2 in an empty file)."""
    filled = [line for _, line in held if line.strip(" \t")]
    body = [line for line in filled if not line.startswith("#")] or filled
    form = _Form(tabs=any("\t" in line.strip(" \t") for line in body), width=2, tags=frozenset())
    rows = [form.values(line) for line in body]
    widths = Counter(map(len, rows)).most_common(1)
    return replace(form, width=widths[0][0] if widths else 2, tags=frozenset(r[-1] for r in rows))


def _sentences(held: Sequence[_Line], form: _Form, path: Path) -> Iterator[list[list[str]]]:
    sentence: list[list[str]] = []
    for number, line in held:
        if not line.strip(" \t"):
            if sentence:
                yield sentence
            sentence = []
        elif not line.startswith("#") or form.is_token(line, inside=bool(sentence)):
            values = form.values(line)
            if len(values) != form.width or form.width < 2 or not all(map(str.strip, values)):
                raise DataError(f"{path}:{number}: `{shown(line)}` {_must(values, form)}")
            sentence.append(values)
    if sentence:
        yield sentence


def _must(values: Sequence[str], form: _Form) -> str:
    """What a wrong line is to be."""
    blank = next((value for value in values if not value.strip()), None)
    if blank:
        return f"has a value that is white space alone, `{shown(blank)}`; each must be text"
    if form.width <= 2:
        between = "TAB" if form.tabs else "SPACE"
        return f"must be `token {between} tag`, with a blank line after a sentence"
    return (
        f"has {len(values)} values, or an empty one, and most lines have {form.width}; separate "
        f"them by {'one tab' if form.tabs else 'spaces'}, with a blank line after a sentence"
    )
