"""SQuAD's JSON, and the JSON of LAReQA that is like it.

**squad_json** (SQuAD v1.1 and v2.0, XQuAD, MLQA, TyDiQA-GoldP). A row is a question: `id`,
`question`, `context`, `answers`, `title`. Every question is a row; one that is unanswerable has no
answers, whatever the file gives beside `is_impossible: true` (plausible ones, for example). A text
without an `answer_start`, as hidden test sets have them, has a null there.

**xquad_r** (LAReQA, Roy et al. 2020, arXiv 2004.05484): SQuAD's JSON whose paragraphs have
`sentence_breaks`, pairs of characters. A row has a question as `query`, the sentence in which its
first answer begins as `candidate`, the paragraph as `candidate_pair`, and the question's id as
`key`. After the questions of a paragraph come its sentences that answer none of them, with an empty
query and a key of their own. A sentence that answers several questions is in several rows, but is
*one* candidate. As in the authors' script, a question whose answer begins in no sentence is left
out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.data.reading.json_text import NotJSON, decoded
from xstilts.data.reading.raw import Raw, selected, text_of
from xstilts.errors import DataError
from xstilts.spec.words import words

_QUESTION = words("id question context answers title")
_RETRIEVAL = words("query candidate candidate_pair key")
_LARGEST = 2**63


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A JSON object of the file, and what it is called in messages."""

    value: Mapping[str, Any]
    at: str

    def field(self, name: str, kind: type | tuple[type, ...], must: str) -> Any:
        """One of its values; DataError unless it is there and of the kind."""
        found = self.value.get(name)
        if name not in self.value:
            raise DataError(f"{self.at} has no `{name}`; must be as in SQuAD's JSON format")
        if not isinstance(found, kind) or isinstance(found, bool):
            raise DataError(f"{self.at}: `{name}` is {_short(found)}; must be {must}")
        return found

    def text(self, name: str) -> str:
        """A text; DataError if it is none, or is half of a character."""
        found = str(self.field(name, str, "a text"))
        try:
            found.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self.at}: `{name}` holds half of a character (a lone surrogate, `\\ud800`); fix "
                "the export"
            ) from error
        return found

    def parts(self, name: str, called: str) -> list[_Part]:
        """The objects of a list, each called by its `id` or its number."""
        found = []
        for number, one in enumerate(self.field(name, list, "a list")):
            own = one.get("id", number) if isinstance(one, Mapping) else number
            part = _Part(value=one, at=f"{self.at}, {called} {_short(own).strip(chr(39))}")
            if not isinstance(one, Mapping):
                raise DataError(f"{part.at} is {_short(one)}; must be an object")
            found.append(part)
        return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _paragraphs(path: Path) -> Iterator[tuple[str, _Part]]:
    """`(title, paragraph)` of a file in SQuAD's JSON."""
    text = text_of(path)
    try:
        whole = decoded(text, str(path))
    except NotJSON as error:
        raise NotJSON(
            f"{error}; must be one document in SQuAD's JSON format; JSON lines need no file_format"
        ) from error
    if not isinstance(whole, Mapping) or not isinstance(whole.get("data"), list):
        raise DataError(
            f"{path}: is JSON, but not SQuAD's; must have `data`, a list of articles with "
            "`paragraphs`, each with `context` and `qas`; rows of JSON need no file_format"
        )
    for article in _Part(value=whole, at=str(path)).parts("data", "article"):
        title = article.text("title") if article.value.get("title") is not None else ""
        for paragraph in article.parts("paragraphs", "paragraph"):
            yield title, paragraph


def _id(question: _Part) -> str:
    found = question.field("id", (str, int), "a text")
    return str(found) if isinstance(found, int) else question.text("id")


def _answers(question: _Part) -> dict[str, list[Any]]:
    if question.value.get("answers") is None or question.value.get("is_impossible") is True:
        return {"text": [], "answer_start": []}
    found = question.parts("answers", "answer")
    return {
        "text": [answer.text("text") for answer in found],
        "answer_start": [_start(answer) for answer in found],
    }


def _start(answer: _Part) -> int | None:
    if answer.value.get("answer_start") is None:
        return None
    start = int(answer.field("answer_start", int, "a number of characters"))
    if not -_LARGEST <= start < _LARGEST:
        raise DataError(f"{answer.at}: `answer_start` does not fit into 64 bits")
    return start


def read_squad(path: Path, columns: Sequence[str]) -> Raw:
    """The questions of a file; DataError with the question and the key that is wrong."""
    import pyarrow as pa

    rows = [
        {
            "id": _id(question),
            "question": question.text("question"),
            "context": context,
            "answers": _answers(question),
            "title": title,
        }
        for title, paragraph in _paragraphs(path)
        for context in [paragraph.text("context")]
        for question in paragraph.parts("qas", "question")
    ]
    answers = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
    found = {
        name: pa.array([row[name] for row in rows], answers if name == "answers" else pa.string())
        for name in _QUESTION
        if name in columns
    }
    return Raw(table=selected(found, _QUESTION, len(rows)), columns=_QUESTION, classes={})


# -- LAReQA


def read_xquad_r(path: Path, columns: Sequence[str]) -> Raw:
    """The questions and sentences of a file; DataError as for `read_squad`."""
    import pyarrow as pa

    rows: list[tuple[str, str, str, str]] = []
    outside = 0
    for number, (_, paragraph) in enumerate(_paragraphs(path)):
        found = _retrieval_rows(paragraph, f"{path.stem}/{number}")
        rows += [row for row in found if row is not None]
        outside += sum(row is None for row in found)
    values = dict(zip(_RETRIEVAL, zip(*rows, strict=True), strict=False)) if rows else {}
    table = {
        name: pa.array(values.get(name, ()), pa.string()) for name in _RETRIEVAL if name in columns
    }
    return Raw(
        table=selected(table, _RETRIEVAL, len(rows)),
        columns=_RETRIEVAL,
        classes={},
        left_out={"questions whose answer begins in no sentence": outside} if outside else {},
    )


def _retrieval_rows(paragraph: _Part, key: str) -> list[tuple[str, str, str, str] | None]:
    """The rows of a paragraph; None for a question that is left out."""
    context, breaks = paragraph.text("context"), _breaks(paragraph)
    rows: list[tuple[str, str, str, str] | None] = []
    answering = set()
    for question in paragraph.parts("qas", "question"):
        starts = _answers(question)["answer_start"]
        if starts and starts[0] is None:
            raise DataError(f"{question.at}: its answer has no `answer_start`; it must have one")
        start = starts[0] if starts else -1
        found = next((i for i, (first, last) in enumerate(breaks) if first <= start < last), None)
        if found is None:
            rows.append(None)
            continue
        answering.add(found)
        sentence = context[slice(*breaks[found])]
        rows.append((question.text("question"), sentence, context, _id(question)))
    for i, (first, last) in enumerate(breaks):
        if i not in answering and answering:
            rows.append(("", context[first:last], context, f"{key}/{i}"))
    return rows


def _breaks(paragraph: _Part) -> list[tuple[int, int]]:
    """Where each sentence begins and ends, in characters."""
    found = paragraph.field("sentence_breaks", list, "a list of pairs of characters")
    for pair in found:
        whole = isinstance(pair, list) and [type(one) for one in pair] == [int, int]
        if not whole or not 0 <= pair[0] <= pair[1]:
            raise DataError(
                f"{paragraph.at}: `sentence_breaks` has {_short(pair)}; must be pairs of "
                "characters, `[first, end]`"
            )
    return [(first, last) for first, last in found]
