from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import XLMRobertaConfig

from xstilts.errors import DataError
from xstilts.formats import regression
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.regression import REGRESSION
from xstilts.spec.hyperparameters import Hyperparameters

PAIRS: dict[str, list[Any]] = {
    "text": ["a cat sat", "dogs", "it rains", "no"],
    "text_pair": ["cats sit", "two dogs ran", "dry", ""],
    "label": [4.5, 2.0, 0.25, math.nan],
}


@pytest.fixture
def task(make_task: Any) -> Any:
    return make_task("regression", columns={"text_pair": "text_pair"})


def test_encode_pair_keeps_the_number(task: Any, tokenizer: Any) -> None:
    features = regression.encode(PAIRS, task, tokenizer, Hyperparameters(), 10)

    assert features["input_ids"] == tokenizer(PAIRS["text"], PAIRS["text_pair"])["input_ids"]
    assert features["row"] == [10, 11, 12, 13]
    assert features["labels"][:3] == [4.5, 2.0, 0.25] and math.isnan(features["labels"][3])
    assert features["n_items"] == [1, 1, 1, 0]


def test_encode_label_that_is_no_number_is_an_error(task: Any, spelling_tokenizer: Any) -> None:
    with pytest.raises(DataError, match=r"task t, row 4: label is 'high'; must be a number"):
        regression.encode(
            {"text": ["a"], "label": ["high"]}, task, spelling_tokenizer, Hyperparameters(), 3
        )


def test_head_loss_is_the_summed_squared_error(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    torch.manual_seed(0)
    batch = regression.collate(
        list(encode_split(regression, PAIRS, task, spelling_tokenizer)), 1, None
    )
    head = regression.Head(16, 0.5, task, XLMRobertaConfig()).eval()

    logits_B1, loss = head(torch.randn(4, 8, 16), batch)

    assert logits_B1.shape == (4, 1)
    errors = logits_B1[:3, 0] - torch.tensor([4.5, 2.0, 0.25])
    assert loss is not None and loss.item() == pytest.approx(errors.square().sum().item(), rel=1e-6)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in head.parameters())
    assert head(torch.randn(4, 8, 16), {})[1] is None


def test_head_fits_a_line(task: Any) -> None:
    torch.manual_seed(0)
    head = regression.Head(4, 0.0, task, XLMRobertaConfig())
    hidden_BLH = torch.randn(64, 1, 4)
    batch = {"targets_B": 2.5 + hidden_BLH[:, 0, 0]}
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(300):
        _, loss = head(hidden_BLH, batch)
        assert loss is not None
        optimizer.zero_grad()
        (loss / 64).backward()
        optimizer.step()
    assert loss.item() / 64 < 0.05


def test_decode_rows_with_a_label_alone(
    task: Any, spelling_tokenizer: Any, encode_split: Any
) -> None:
    split = encode_split(regression, PAIRS, task, spelling_tokenizer)

    table = regression.decode([np.array([v]) for v in (3.0, 1.0, np.nan, 5.0)], split, task)

    assert table["id"] == ["0", "1", "2"]
    assert table["prediction"] == [3.0, 1.0, 0.0], "what is not finite counts as 0"
    assert table["gold"] == [4.5, 2.0, 0.25]
    assert all(math.isfinite(METRICS[name].of(table)) for name in REGRESSION.metrics)


def test_moments_with_ties_give_scipys_correlations() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 11, 300) / 2
    predicted = np.round(gold + rng.normal(size=300), 1)
    table = regression.moments(predicted, gold)

    assert METRICS["pearson"].of(table) == pytest.approx(
        100 * stats.pearsonr(predicted, gold)[0], abs=1e-9
    )
    assert METRICS["spearman"].of(table) == pytest.approx(
        100 * stats.spearmanr(predicted, gold)[0], abs=1e-9
    )


def test_moments_spearman_with_a_tie_by_hand() -> None:
    # Ranks of 1 2 2 5: 1, 2.5, 2.5, 4; of 1 2 3 4: 1 2 3 4. Deviations -1.5 0 0 1.5 and -1.5 -.5 .5
    # 1.5: 4.5 / sqrt(4.5 * 5) = 0.948683
    table = regression.moments(np.array([1.0, 2.0, 2.0, 5.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert METRICS["spearman"].of(table) == pytest.approx(94.8683, abs=1e-4)
    assert METRICS["correlation"].of(table) == pytest.approx(
        (METRICS["pearson"].of(table) + METRICS["spearman"].of(table)) / 2
    )


@pytest.mark.parametrize("constant", [0.0, 0.1, 3.3])
def test_moments_of_constant_predictions_score_zero(constant: float) -> None:
    table = regression.moments(np.full(11, constant), np.linspace(0, 5, 11))
    assert [METRICS[name].of(table) for name in REGRESSION.metrics] == [0.0, 0.0, 0.0]


def test_moments_of_one_row_or_none_score_zero() -> None:
    for n in (0, 1):
        table = regression.moments(np.zeros(n), np.ones(n))
        assert [METRICS[name].of(table) for name in REGRESSION.metrics] == [0.0, 0.0, 0.0]


def test_moments_of_duplicated_rows_keep_the_score() -> None:
    x, y = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0])
    once, twice = (regression.moments(np.tile(x, k), np.tile(y, k)) for k in (1, 2))
    for name in REGRESSION.metrics:
        assert METRICS[name].of(once) == pytest.approx(METRICS[name].of(twice))
