"""Rows translated by a model: labels stay, answers are found again.

A text is translated sentence by sentence, because the models were trained on sentences, and joined
again with its original spaces. A prefix that begins each choice (HellaSwag) is translated together
with the choice, as one sentence. For span QA the context is translated without marks, and each gold
answer is looked for in the translation of its sentence: first the text between the marks when the
sentence is translated again with the answer in brackets, then the answer translated on its own. If
neither occurs and the row has one answer, the translation with marks replaces the sentence. A gold
answer that is not found is left out; a row that loses all of them is dropped. Questions without an
answer (SQuAD v2.0) stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from xstilts.data.transforms import rows, sentences, spans
from xstilts.data.transforms.requests import TranslationRequests
from xstilts.data.transforms.rows import Dropped, Row
from xstilts.data.transforms.words import Span
from xstilts.spec import answer_places
from xstilts.spec.format_specs import FormatName

UNUSABLE = "no usable translation"
LOST = "answer not found in the translation"


def rewritten(
    row: Row,
    format_name: FormatName,
    language: str,
    requests: TranslationRequests,
    tally: Counter[str],
) -> Row | Dropped:
    """The row in `language`, or why it is dropped. Raises Pending; `tally` counts how answers were
    found.
    """
    if "answers" in row:
        return _question(row, language, requests, tally)
    row = _whole_choices(row) if "choices" in row else row
    new = requests.texts(rows.texts(row, format_name), language)
    return Dropped(UNUSABLE) if new is None else rows.with_texts(row, format_name, new)


def _whole_choices(row: Row) -> Row:
    """The row with its prefix moved into the choices: half a sentence translates badly."""
    prefix = row.get("prefix") or ""
    if not prefix.strip():
        return row
    return {**row, "prefix": "", "choices": [f"{prefix} {choice}" for choice in row["choices"]]}


@dataclass(frozen=True, kw_only=True)
class _Gold:
    """One gold answer in the English context."""

    text: str
    span: Span
    sentence: int
    """Number of the sentence that contains it."""
    inside: Span
    """Its place in that sentence."""
    share: float
    """Where in the sentence it begins, from 0 to 1."""


def _question(
    row: Row, language: str, requests: TranslationRequests, tally: Counter[str]
) -> Row | Dropped:
    context: str = row["context"]
    golds, places = _golds(row)
    if row["answers"]["text"] and not golds:
        return Dropped("answer not in the English context")
    english = [context[begin:end] for begin, end in places]
    marked = {gold.span: spans.marked(english[gold.sentence], gold.inside) for gold in golds}
    title = [row["question"][begin:end] for begin, end in sentences.spans(row["question"])]
    asked = [*english, *title, *(text for text in marked.values() if text is not None)]
    known = dict(zip(asked, requests.sentences(asked, language), strict=True))
    question = requests.texts([row["question"]], language)
    new = [known[text] for text in english]
    if question is None or any(one is None for one in new):
        return Dropped(UNUSABLE)
    texts = [one or "" for one in new]
    found: dict[Span, Span] = {}
    for gold in golds:
        put = marked[gold.span]
        back = spans.unmarked(known[put] or "", put, language) if put is not None else None
        how, place = _find(gold, texts[gold.sentence], back, requests, language)
        if place is None and back is not None and len(golds) == 1:
            texts[gold.sentence], how, place = back.text, "answers by a marked sentence", back.span
        if place is not None:
            tally[how] += 1
            found[gold.span] = place
        else:
            tally["answers not found"] += 1
    if golds and not found:
        return Dropped(LOST)
    whole, begins = sentences.rejoined(context, places, texts, language)
    answers = _answers(whole, begins, golds, found)
    return {**row, "question": question[0], "context": whole, "answers": answers}


def _golds(row: Row) -> tuple[list[_Gold], list[Span]]:
    """The distinct gold answers of a row, and the sentences of its context, none of which splits an
    answer.
    """
    context, answers = row["context"], row["answers"]
    stand = [
        answer_places.place(context, t, s)
        for t, s in zip(answers["text"], answers["answer_start"], strict=True)
    ]
    distinct = list(
        dict.fromkeys(span for span in stand if span is not None and context[slice(*span)].strip())
    )
    places = sentences.spans(context, distinct)
    golds = []
    for begin, end in distinct:
        number = next(i for i, place in enumerate(places) if begin < place[1])
        left, right = places[number]
        inside = (max(begin, left) - left, min(end, right) - left)
        share = inside[0] / max(1, right - left)
        golds.append(
            _Gold(
                text=context[begin:end],
                span=(begin, end),
                sentence=number,
                inside=inside,
                share=share,
            )
        )
    return golds, places


def _find(
    gold: _Gold,
    text: str,
    back: spans.Unmarked | None,
    requests: TranslationRequests,
    language: str,
) -> tuple[str, Span | None]:
    """How and where the answer was found in its sentence's translation `text`."""
    if back is not None:
        share = back.span[0] / max(1, len(back.text))
        place = spans.found(text, back.answer, share, language)
        if place is not None:
            return "answers by marks", place
    alone = requests.sentences([gold.text], language)[0]
    for answer in dict.fromkeys(
        one.strip() for one in (alone or "", (alone or "").rstrip(" .。"), gold.text)
    ):
        place = spans.found(text, answer, gold.share, language)
        if place is not None:
            return "answers by their translation", place
    return "", None


def _answers(
    context: str, begins: Sequence[int], golds: Sequence[_Gold], found: dict[Span, Span]
) -> dict[str, list[object]]:
    new: dict[str, list[object]] = {"text": [], "answer_start": []}
    for gold in golds:
        if gold.span in found:
            begin, end = (begins[gold.sentence] + edge for edge in found[gold.span])
            new["text"].append(context[begin:end])
            new["answer_start"].append(begin)
    return new
