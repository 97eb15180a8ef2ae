import numpy as np
import pytest

from xstilts.scoring.metrics import METRICS


def test_metrics_table_name_is_key() -> None:
    assert all(METRICS[name].name == name for name in METRICS)


def test_accuracy_three_of_four_is_75() -> None:
    assert METRICS["accuracy"].of({"correct": [1, 0, 1, True]}) == 75.0


def test_chunk_f1_is_micro_over_rows() -> None:
    columns = {"true_positives": [1, 1, 0], "predicted": [1, 3, 0], "gold_chunks": [2, 1, 1]}
    assert METRICS["chunk_f1"].of(columns) == pytest.approx(100 * 2 * 2 / (4 + 4))


def test_chunk_f1_nothing_predicted_nor_gold_is_zero() -> None:
    assert (
        METRICS["chunk_f1"].of({"true_positives": [0], "predicted": [0], "gold_chunks": [0]}) == 0.0
    )


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


SIMPLE = sorted(
    set(METRICS) - {"binary_f1", "accuracy_f1", "matthews", "pearson", "spearman", "correlation"}
)


@pytest.mark.parametrize("name", SIMPLE)
def test_metric_all_right_is_100(name: str) -> None:
    assert METRICS[name].of({statistic: [1, 1] for statistic in METRICS[name].statistics}) == 100.0


@pytest.mark.parametrize("name", sorted(METRICS))
def test_metric_sets_of_sums_give_one_value_each(name: str) -> None:
    rng = np.random.default_rng(0)
    k = len(METRICS[name].statistics)
    tables = rng.integers(1, 5, size=(3, k, 7)).astype(np.float64)
    together = METRICS[name].value(tables.sum(axis=2), np.full(3, 7.0))
    assert np.isfinite(together).all()
    alone = [
        METRICS[name].of(dict(zip(METRICS[name].statistics, table, strict=True)))
        for table in tables
    ]
    assert together.shape == (3,)
    np.testing.assert_allclose(together, alone)


def cells(tp: int, fp: int, tn: int, fn: int) -> dict[str, list[int]]:
    """A table of so many rows in each cell."""
    counts = {"true_positive": tp, "false_positive": fp, "true_negative": tn, "false_negative": fn}
    rows = [name for name, count in counts.items() for _ in range(count)]
    table = {name: [int(row == name) for row in rows] for name in counts}
    return {**table, "correct": [int(row.startswith("true")) for row in rows]}


def test_binary_f1_and_its_mean_with_accuracy_by_hand() -> None:
    table = cells(3, 1, 4, 2)
    # precision 3/4, recall 3/5: F1 = 6/9; accuracy 7/10; mean 41/60
    assert METRICS["binary_f1"].of(table) == pytest.approx(100 * 6 / 9)
    assert METRICS["accuracy_f1"].of(table) == pytest.approx(100 * (0.7 + 6 / 9) / 2)


def test_binary_f1_without_positive_in_either_is_zero() -> None:
    table = cells(0, 0, 5, 0)
    assert METRICS["binary_f1"].of(table) == 0.0
    assert METRICS["accuracy_f1"].of(table) == 50.0


def test_matthews_by_hand() -> None:
    # (3*4 - 1*2) / sqrt(4 * 5 * 5 * 6) = 10 / sqrt(600) = 0.408248
    assert METRICS["matthews"].of(cells(3, 1, 4, 2)) == pytest.approx(40.8248, abs=1e-4)
    assert METRICS["matthews"].of(cells(2, 0, 3, 0)) == pytest.approx(100.0)
    assert METRICS["matthews"].of(cells(0, 3, 0, 2)) == pytest.approx(-100.0)


@pytest.mark.parametrize("counts", [(5, 3, 0, 0), (0, 0, 5, 3), (5, 0, 0, 3), (0, 3, 5, 0)])
def test_matthews_constant_predictions_or_gold_is_zero(counts: tuple[int, int, int, int]) -> None:
    assert METRICS["matthews"].of(cells(*counts)) == 0.0


def pairs(x: list[float], y: list[float], prefix: str = "") -> dict[str, list[float]]:
    """The columns of a correlation, values as they are."""
    a, b = np.array(x), np.array(y)
    values = {"x": a, "y": b, "xx": a * a, "yy": b * b, "xy": a * b}
    return {prefix + name: column.tolist() for name, column in values.items()}


def test_pearson_by_hand() -> None:
    # x 1 2 3, y 1 3 2: deviations -1 0 1 and -1 1 0; 1 / sqrt(2 * 2) = 0.5
    assert METRICS["pearson"].of(pairs([1, 2, 3], [1, 3, 2])) == pytest.approx(50.0)
    assert METRICS["pearson"].of(pairs([1, 2, 3], [6, 4, 2])) == pytest.approx(-100.0)


@pytest.mark.parametrize("constant", [0.0, 0.1, 2.7, 1e6])
def test_pearson_constant_predictions_are_zero(constant: float) -> None:
    assert METRICS["pearson"].of(pairs([constant] * 7, [0, 1, 2, 3, 4, 5, 5])) == 0.0
    assert METRICS["pearson"].of(pairs([0, 1, 2, 3, 4, 5, 5], [constant] * 7)) == 0.0


def test_correlation_is_mean_of_both() -> None:
    table = {**pairs([1, 2, 3], [1, 3, 2]), **pairs([1, 2, 3], [1, 2, 3], "rank_")}
    assert METRICS["correlation"].of(table) == pytest.approx(75.0)


def test_pearson_of_sums_in_single_precision_keeps_four_digits() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1500)
    y = 0.8 * x + rng.normal(size=1500)
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    table = pairs(x.tolist(), y.tolist())
    sums = np.array(
        [[np.sum(np.array(column, dtype=np.float32)) for column in table.values()]],
        dtype=np.float64,
    )
    assert METRICS["pearson"].value(sums, np.array([1500.0]))[0] == pytest.approx(
        METRICS["pearson"].of(table), abs=1e-3
    )


def test_mining_f1_counts_gold_pairs_once() -> None:
    # 3 predicted of which 2 right, 5 gold: 2 * 2 / 8; with the best threshold 4 of 4: 2 * 4 / 9
    table = {
        "true_positives": [1, 1, 0, 0, 0, 0],
        "predicted": [1, 1, 1, 0, 0, 0],
        "gold_pairs": [1, 1, 0, 1, 1, 1],
        "best_true_positives": [1, 1, 0, 1, 1, 0],
        "best_predicted": [1, 1, 0, 1, 1, 0],
    }
    assert METRICS["mining_f1"].of(table) == 50.0
    assert METRICS["mining_best_f1"].of(table) == pytest.approx(100 * 8 / 9)


def test_ranking_metrics_are_means() -> None:
    assert METRICS["map_at_k"].of({"average_precision": [1.0, 0.25]}) == 62.5
    assert METRICS["mrr_at_k"].of({"reciprocal_rank": [0.5, 0.0]}) == 25.0


def test_metric_unknown_statistic_is_key_error() -> None:
    with pytest.raises(KeyError, match="correct"):
        METRICS["accuracy"].of({"f1": [1.0]})
