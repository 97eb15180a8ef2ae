"""A row as the model reads it: windows, input sequences, tokens, and the operations of a token."""

from __future__ import annotations

from xstilts.checks.costs.model_sizes import Encoder
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Task
from xstilts.tasks.card import tokens_of
from xstilts.tasks.cards import card_of


def shape(
    task: Task, hyper: Hyperparameters, *, training: bool = False
) -> tuple[float, int, float]:
    """`(windows, sequences, tokens)`: windows of a row, input sequences of a window, tokens of a
    sequence.

    In training an example is one window. The blocks of a masked LM are full; each holds many lines,
    or part of one.
    """
    card, spec = card_of(task), task.spec
    tokens = card.tokens if card else tokens_of(spec.typical_characters)
    longest = hyper.max_length_tokens
    if spec.packed:
        return (1.0 if training else tokens / longest), 1, float(longest)
    windows = 1.0
    if spec.windows and not training and tokens > longest:
        windows += (tokens - longest) / max(longest / 2, longest - hyper.doc_stride_tokens)
    return windows, card.sequences if card else _sequences(task), min(tokens, longest)


def _sequences(task: Task) -> int:
    choices = len(task.labels) if task.spec.label_kind == "choice" else 0
    return choices or task.spec.typical_sequences


def operations(encoder: Encoder, context: float, task: Task) -> float:
    """Operations of one token, forward: 2N + 4 layers x width x context, and for a masked LM its
    head.

    The head computes the vocabulary for the share p of masked tokens: 2p (d^2 + d V).
    """
    body = 2 * encoder.parameters + 4 * encoder.layers * encoder.width * context
    head = encoder.hidden**2 + encoder.hidden * encoder.vocabulary
    return body + 2 * task.options.vocabulary_share * head
