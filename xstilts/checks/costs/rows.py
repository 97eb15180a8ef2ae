"""What a row is to a model: windows, input sequences, tokens, and the operations of a token."""

from __future__ import annotations

from collections.abc import Mapping

from xstilts.checks.costs.model_sizes import Encoder
from xstilts.spec.sweep import Hyperparameters
from xstilts.spec.task import Task
from xstilts.tasks.card import tokens_of
from xstilts.tasks.cards import card_of

_CHARACTERS: Mapping[str, float] = {
    "classification": 150,
    "regression": 120,
    "multiple_choice": 150,
    "tagging": 100,
    "span_qa": 800,
    "retrieval": 60,
    "mining": 120,
    "dual_encoder": 480,
    "masked_lm": 300,
}
"""Mean characters of an input sequence of a task without a card."""


def shape(
    task: Task, hyper: Hyperparameters, *, training: bool = False
) -> tuple[float, int, float]:
    """`(windows, sequences, tokens)`: windows of a row, input sequences of a window, tokens of a
    sequence.

    In training an example is a window already. A masked LM's blocks are full, and hold many lines
    or part of one.
    """
    card = card_of(task)
    tokens = card.tokens if card else tokens_of(_CHARACTERS[task.format])
    longest = hyper.max_length_tokens
    if task.format == "masked_lm":
        return (1.0 if training else tokens / longest), 1, float(longest)
    windows = 1.0
    if task.format == "span_qa" and not training and tokens > longest:
        windows += (tokens - longest) / max(longest / 2, longest - hyper.doc_stride_tokens)
    return windows, card.sequences if card else _sequences(task), min(tokens, longest)


def _sequences(task: Task) -> int:
    if task.format == "multiple_choice":
        return len(task.labels) or 4
    return 2 if task.format in ("retrieval", "mining", "dual_encoder") else 1


def operations(encoder: Encoder, context: float, task: Task) -> float:
    """Operations of one token, forward: 2N + 4 layers x width x context, and of a masked LM its
    head.

    The head meets the vocabulary at the masked share p of the tokens: 2p (d^2 + d V).
    """
    body = 2 * encoder.parameters + 4 * encoder.layers * encoder.width * context
    if task.format != "masked_lm":
        return body
    head = encoder.hidden**2 + encoder.hidden * encoder.vocabulary
    return body + 2 * task.options.mask_probability * head
