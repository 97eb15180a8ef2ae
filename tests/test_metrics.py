import numpy as np
import pytest

from xstilts.metrics import METRICS


def test_metrics_table_name_is_key() -> None:
    assert all(METRICS[name].name == name for name in METRICS)


def test_accuracy_three_of_four_is_75() -> None:
    assert METRICS["accuracy"].of({"correct": [1, 0, 1, True]}) == 75.0


def test_chunk_f1_is_micro_over_rows() -> None:
    columns = {"true_positives": [1, 1, 0], "predicted": [1, 3, 0], "gold_chunks": [2, 1, 1]}
    assert METRICS["chunk_f1"].of(columns) == pytest.approx(100 * 2 * 2 / (4 + 4))


def test_chunk_f1_nothing_predicted_nor_gold_is_zero() -> None:
    assert METRICS["chunk_f1"].of({"true_positives": [0], "predicted": [0], "gold_chunks": [0]}) == 0.0


@pytest.mark.parametrize("name", ["token_accuracy", "masked_accuracy"])
def test_token_share_weighs_tokens_not_rows(name: str) -> None:
    assert METRICS[name].of({"tokens_correct": [1, 9], "tokens": [10, 10]}) == 50.0
    assert METRICS[name].of({"tokens_correct": [1, 0], "tokens": [1, 9]}) == 10.0


def test_qa_mean_is_mean_of_both() -> None:
    columns = {"exact_match": [1, 0], "f1": [1.0, 0.5]}
    assert METRICS["exact_match"].of(columns) == 50.0
    assert METRICS["f1"].of(columns) == 75.0
    assert METRICS["qa_mean"].of(columns) == 62.5


@pytest.mark.parametrize("name", sorted(METRICS))
def test_metric_no_rows_is_zero(name: str) -> None:
    assert METRICS[name].of({statistic: [] for statistic in METRICS[name].statistics}) == 0.0


@pytest.mark.parametrize("name", sorted(METRICS))
def test_metric_all_right_is_100(name: str) -> None:
    assert METRICS[name].of({statistic: [1, 1] for statistic in METRICS[name].statistics}) == 100.0


@pytest.mark.parametrize("name", sorted(METRICS))
def test_metric_sets_of_sums_give_one_value_each(name: str) -> None:
    rng = np.random.default_rng(0)
    k = len(METRICS[name].statistics)
    tables = rng.integers(1, 5, size=(3, k, 7)).astype(np.float64)
    together = METRICS[name].value(tables.sum(axis=2), np.full(3, 7.0))
    alone = [METRICS[name].of(dict(zip(METRICS[name].statistics, table, strict=True))) for table in tables]
    assert together.shape == (3,)
    np.testing.assert_allclose(together, alone)


def test_metric_unknown_statistic_is_key_error() -> None:
    with pytest.raises(KeyError, match="correct"):
        METRICS["accuracy"].of({"f1": [1.0]})
