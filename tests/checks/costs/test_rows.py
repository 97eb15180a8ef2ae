"""What a row is to a model: windows, sequences, tokens, operations, worked out by hand."""

from __future__ import annotations

import pytest

from tests.support.sweeps import task
from xstilts.checks.costs import model_sizes
from xstilts.checks.costs.rows import operations, shape
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.tasks import TASKS

BASE = model_sizes.KNOWN["xlm-roberta-base"]


LENGTH = 8
"""Every row is cut to so many tokens, so that no estimate of a length matters."""


def test_operations_of_a_token_have_both_terms() -> None:
    # 2 x 84,934,656 + 4 x 12 layers x 768 wide x 8 tokens of context = 169,869,312 + 294,912
    assert operations(BASE, LENGTH, task("x")) == 170_164_224


def test_operations_of_a_masked_lm_have_its_head() -> None:
    mlm = TASKS["mlm"]
    # 15% of the tokens meet 768 x 768 + 768 x 250,002: 2 x 0.15 x 192,591,360 more
    more = operations(BASE, 128, mlm) - operations(BASE, 128, task("x"))
    assert more == pytest.approx(0.3 * (589_824 + 192_001_536))


def test_shape_long_contexts_become_windows_in_an_evaluation_alone() -> None:
    squad, hyper = TASKS["squad"], Hyperparameters(max_length_tokens=128, doc_stride_tokens=32)
    # 811 characters / 4.3 + 4 = 192.6 tokens; a further window brings 128 - 32 of them: 1 + 64.6 /
    # 96
    windows, sequences, tokens = shape(squad, hyper)
    assert (sequences, tokens) == (1, 128)
    assert windows == pytest.approx(1 + (811 / 4.3 + 4 - 128) / 96)
    assert shape(squad, hyper, training=True) == (1, 1, 128)


def test_shape_of_choices_and_retrieval_has_several_sequences() -> None:
    hyper = Hyperparameters(max_length_tokens=16)
    assert shape(TASKS["hellaswag"], hyper) == (1, 4, 16)
    assert shape(TASKS["tatoeba"], hyper)[1] == 2
