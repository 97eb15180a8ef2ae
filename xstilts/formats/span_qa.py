"""Span QA: the answer is a span of the context, found by its first and its last token.

**Encode.** A row becomes one or more *windows* `<s> question </s></s> part of the context </s>`.
The question keeps its first `max_question_tokens` tokens (at most half the window); windows overlap
by `doc_stride_tokens` (at most three quarters of a window's context, which bounds their number). A
window that does not contain the whole first answer trains on position 0. Each window keeps the
character span of every context token, so answers are cut out of the original context and need no
detokeniser.

**Answers.** `spec/answer_places.py` says where an answer stands. If no answer of a row does, the
row's windows get `answerable = 0` and `n_items = 0`: not trained on, but still evaluated; reading
leaves such rows out of training. With `options.no_answer` (SQuAD v2.0) a row without gold answers
is a question without an answer: all its windows train on position 0.

**Decode.** `spans.py` finds the best span over all windows of a question. As in newer scripts, no
"maximum context" rule chooses between windows that share a token. With `options.no_answer` the
prediction is empty if "no answer" scores higher than the best span. `scoring/answers.py` has the
measures.

`B` features of a batch, `L` tokens after padding, `H` hidden width.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from xstilts.errors import DataError
from xstilts.formats import spans
from xstilts.formats.common import (
    IGNORE,
    PLAIN,
    HeadModule,
    attention_mask,
    column,
    initialise,
    pad,
    row_ids,
    row_languages,
)
from xstilts.formats.exporting import Batch, Exported, opened
from xstilts.formats.prediction import each_alone, one_pass, one_reading
from xstilts.scoring import answers as answer_scores
from xstilts.spec.answer_places import first_place
from xstilts.spec.format_specs.span_qa import SPAN_QA, SpanQAOptions
from xstilts.spec.words import words

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

    from xstilts.formats.encoded import EncodedSplit
    from xstilts.spec.hyperparameters import Hyperparameters
    from xstilts.spec.task import Task

_COLUMNS = words(
    "input_ids row n_items length answerable start_position end_position context_start offsets"
)

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, kw_only=True)
class _Specials:
    """Special ids before a question, between it and the context, and after the context."""

    before: list[int]
    between: list[int]
    after: list[int]

    @property
    def count(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)


def encode(
    batch: dict[str, list[Any]],
    task: Task,
    tokenizer: PreTrainedTokenizerBase,
    hyper: Hyperparameters,
    first_row: int,
) -> dict[str, list[Any]]:
    """Windows of the rows. `offsets` is flat: begin and end character of each context token, white
    space cut off.

    Raises `DataError` for a tokenizer without character offsets.
    """
    specials = _specials(tokenizer)
    options = SpanQAOptions.of(task)
    longest_question = min(
        options.max_question_tokens, (hyper.max_length_tokens - specials.count) // 2
    )
    questions = _call(tokenizer, [text.lstrip() for text in batch["question"]])["input_ids"]
    contexts = _encode_contexts(tokenizer, batch["context"])
    features = []
    for i, (question, context) in enumerate(zip(questions, batch["context"], strict=True)):
        ids, places = contexts[context]
        question = question[:longest_question]
        head = [*specials.before, *question, *specials.between]
        room = hyper.max_length_tokens - specials.count - len(question)
        answer = _token_span(places, first_place(context, batch["answers"][i]))
        taught = answer is not None or (options.no_answer and not batch["answers"][i]["text"])
        for begin, end in windows(len(ids), room, hyper.doc_stride_tokens):
            start, stop = _position(answer, begin, end, len(head))
            features.append(
                {
                    "input_ids": [*head, *ids[begin:end], *specials.after],
                    "row": first_row + i,
                    "n_items": int(taught),
                    "length": len(head) + end - begin + len(specials.after),
                    "answerable": int(answer is not None),
                    "start_position": start,
                    "end_position": stop,
                    "context_start": len(head),
                    "offsets": places[begin:end].ravel().tolist(),
                }
            )
    return {name: [feature[name] for feature in features] for name in _COLUMNS}


def _call(tokenizer: PreTrainedTokenizerBase, texts: list[str], offsets: bool = False) -> Any:
    if not texts:
        return {"input_ids": [], "offset_mapping": []}
    return tokenizer(texts, add_special_tokens=False, return_offsets_mapping=offsets, **PLAIN)


def _specials(tokenizer: PreTrainedTokenizerBase) -> _Specials:
    if not tokenizer.is_fast:
        raise DataError(
            f"tokenizer {tokenizer.name_or_path!r} gives no character offsets; span QA needs "
            "a fast tokenizer"
        )
    probe = tokenizer("a", "a")
    sides = probe.sequence_ids(0)
    if 0 not in sides or 1 not in sides:
        raise DataError(
            f"tokenizer {tokenizer.name_or_path!r} makes no token of 'a'; give it an unknown token"
        )
    first, second = sides.index(0), sides.index(1)
    after_first, after_second = first + sides.count(0), second + sides.count(1)
    ids = probe["input_ids"]
    return _Specials(before=ids[:first], between=ids[after_first:second], after=ids[after_second:])


def _encode_contexts(
    tokenizer: PreTrainedTokenizerBase, contexts: Sequence[str]
) -> dict[str, tuple[list[int], Array]]:
    """Ids and trimmed character spans (tokens, 2) of each distinct context; many questions share
    one.
    """
    different = list(dict.fromkeys(contexts))
    encoded = _call(tokenizer, different, offsets=True)
    return {
        text: (ids, _trim(text, pairs))
        for text, ids, pairs in zip(
            different, encoded["input_ids"], encoded["offset_mapping"], strict=True
        )
    }


def _trim(text: str, pairs: list[tuple[int, int]]) -> Array:
    """Character spans without white space at their ends; empty for a token of only white space."""
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    for i, (begin, end) in enumerate(pairs):
        piece = text[begin:end]
        stripped = piece.strip()
        if len(stripped) != len(piece):
            places[i, 0] = begin + len(piece) - len(piece.lstrip()) if stripped else end
            places[i, 1] = places[i, 0] + len(stripped)
    return places


def _token_span(places: Array, characters: tuple[int, int] | None) -> tuple[int, int] | None:
    """First and last token that overlap the characters; tokens of white space overlap nothing."""
    if characters is None:
        return None
    begin, end = characters
    touching = np.flatnonzero(
        (places[:, 0] < end) & (places[:, 1] > begin) & (places[:, 1] > places[:, 0])
    )
    return (int(touching[0]), int(touching[-1])) if len(touching) else None


def windows(n_tokens: int, room: int, overlap: int) -> Iterator[tuple[int, int]]:
    """`[begin, end)` of windows of `room` tokens that overlap by `overlap` and cover all tokens; at
    least one.
    """
    step = max(room - overlap, -(-room // 4))
    begin = 0
    while True:
        end = min(begin + room, n_tokens)
        yield begin, end
        if end >= n_tokens:
            return
        begin += step


def _position(answer: tuple[int, int] | None, begin: int, end: int, head: int) -> tuple[int, int]:
    """Positions in `input_ids` of the answer's first and last token; (0, 0) if the window does not
    contain both.
    """
    if answer is None or answer[0] < begin or answer[1] >= end:
        return 0, 0
    return answer[0] - begin + head, answer[1] - begin + head


def collate(
    features: list[dict[str, Any]], pad_id: int, generator: torch.Generator | None
) -> dict[str, Tensor]:
    """`input_ids_BL`, `attention_mask_BL`, `start_position_B`, `end_position_B`; `IGNORE` if
    `n_items` is 0.
    """
    ids = [feature["input_ids"] for feature in features]
    batch = {"input_ids_BL": pad(ids, pad_id), "attention_mask_BL": attention_mask(ids)}
    for name in ("start_position", "end_position"):
        values = [feature[name] if feature["n_items"] else IGNORE for feature in features]
        batch[f"{name}_B"] = torch.tensor(values, dtype=torch.int64)
    return batch


class Head(HeadModule):
    """Start and end scores for each token: one linear layer, as in BERT."""

    def __init__(
        self, hidden_size: int, dropout: float, task: Task, config: PreTrainedConfig
    ) -> None:
        super().__init__()
        self.out = nn.Linear(hidden_size, 2)
        initialise(self, config)

    def forward(self, hidden_BLH: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor | None]:
        """`logits_BL2` and the sum over features of (CE of the start + CE of the end) / 2, without
        padding as a class.
        """
        logits_BL2 = self.out(hidden_BLH)
        if "start_position_B" not in batch:
            return logits_BL2, None
        pads_BL1 = (batch["attention_mask_BL"] == 0)[:, :, None]
        scores_BL2 = logits_BL2.float().masked_fill(pads_BL1, torch.finfo(torch.float32).min)
        losses = [
            functional.cross_entropy(
                scores_BL2[:, :, i], batch[name], ignore_index=IGNORE, reduction="sum"
            )
            for i, name in enumerate(("start_position_B", "end_position_B"))
        ]
        return logits_BL2, (losses[0] + losses[1]) / 2


def decode(logits: list[Array], encoded: EncodedSplit, task: Task) -> dict[str, list[Any]]:
    """One row for each question: `id`, `prediction`, `gold` (JSON list) and the measures, 0 to 1.

    `logits` has one (at least `length`, 2) array for each feature. Rows without a gold answer are
    left out, unless questions may have none. The prediction is empty for "no answer", and if the
    context has no token.
    """
    options = SpanQAOptions.of(task)
    found = spans.answers(logits, encoded.features, len(encoded.rows), options)
    everything = [list(answers["text"]) for answers in column(encoded.rows, "answers")]
    kept = [i for i, gold in enumerate(everything) if gold or options.no_answer]
    contexts, ids, every_language = (
        column(encoded.rows, "context"),
        row_ids(encoded),
        row_languages(encoded, task),
    )
    texts = [contexts[i][found.begin[i] : found.end[i]] for i in kept]
    golds, languages = [everything[i] for i in kept], [every_language[i] for i in kept]
    if options.no_answer:
        texts, measures = answer_scores.with_no_answer(
            texts, golds, languages, found.no_answer_margin
        )
    else:
        measures = answer_scores.always(texts, golds, languages)
    return {
        "id": [ids[i] for i in kept],
        "prediction": texts,
        "gold": [json.dumps(gold, ensure_ascii=False) for gold in golds],
        **measures,
    }


# -- predicting


predict = one_pass(SPAN_QA, collate)
tables = each_alone(decode)
readings = one_reading


# -- exporting


def start_and_end(outputs: Any, batch: Batch, task: Task) -> Tensor:
    """The class's scores of starts and ends, `logits_BL2`."""
    return torch.stack([outputs.start_logits, outputs.end_logits], dim=-1)


exported = Exported(
    model_class="AutoModelForQuestionAnswering",
    pipeline="question-answering",
    use=opened(
        "AutoModelForQuestionAnswering",
        "Question first, context second. The answer is the span of the context whose start and end "
        "score highest together, over all windows of a long context.",
    ),
    layers=({"out.": "qa_outputs."},),
    settings=lambda task: {"num_labels": 2},
    theirs=start_and_end,
)
