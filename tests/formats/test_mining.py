from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from xstilts.formats import embedding, mining
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.mining import MiningOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Task


@dataclass
class Encoded:
    rows: Dataset
    features: Dataset


def task(neighbours: int = 4) -> Task:
    options = MiningOptions(neighbours=neighbours)
    return Task(
        name="t", format="mining", source=Source(generator="t"), metric="mining_f1", options=options
    )


def vectors(*degrees: float) -> np.ndarray[Any, Any]:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def split(
    rows: Sequence[tuple[str, str]], angles: dict[str, float], **ids: list[str]
) -> tuple[list[Any], Encoded]:
    """Logits and split of rows of texts, whose vectors are given by angles in degrees."""
    places = [
        (row, side, text) for row, pair in enumerate(rows) for side, text in enumerate(pair) if text
    ]
    features = Dataset.from_dict({"row": [p[0] for p in places], "side": [p[1] for p in places]})
    texts = {
        "source_sentence": [one for one, _ in rows],
        "target_sentence": [other for _, other in rows],
    }
    logits = [3 * vectors(angles[text])[0] for _, _, text in places]
    return logits, Encoded(Dataset.from_dict({**texts, **ids}), features)


def f1(table: dict[str, list[Any]]) -> tuple[float, float]:
    return METRICS["mining_f1"].of(table), METRICS["mining_best_f1"].of(table)


# -- encoding


def test_encode_empty_sides_are_skipped(spelling_tokenizer: Any) -> None:
    batch = {"source_sentence": ["ab", "", "c"], "target_sentence": ["a", "d", " "]}
    features = mining.encode(
        batch, task(), spelling_tokenizer, Hyperparameters(max_length_tokens=8), 5
    )
    tokens = [
        " ".join(spelling_tokenizer.convert_ids_to_tokens(ids)) for ids in features["input_ids"]
    ]
    assert tokens == ["<s> a ##b </s>", "<s> a </s>", "<s> d </s>", "<s> c </s>"]
    assert features["row"] == [5, 5, 6, 7]
    assert features["side"] == [0, 1, 1, 0]
    assert features["n_items"] == [0, 0, 0, 0]
    assert features["length"] == [4, 3, 3, 3]


# -- candidates


def test_candidates_ratio_margin_by_hand() -> None:
    # k = 2, cosines: s0 (0 degrees) to t0 (0) 1, to t1 (90) 0; s1 (60) to t0 .5, to t1 .8660.
    # Means: s0 .5, s1 .6830, t0 .75, t1 .4330. margin(s0, t0) = 1 / ((.5 + .75) / 2) = 1.6;
    # margin(s1, t1) = .8660 / ((.6830 + .4330) / 2) = 1.5520
    found = mining.candidates(vectors(0, 60), vectors(0, 90), 2)
    assert found == [(0, 0, pytest.approx(1.6, abs=1e-4)), (1, 1, pytest.approx(1.5520, abs=1e-4))]


def test_candidates_fewer_than_neighbours_are_averaged_over_all() -> None:
    assert mining.candidates(vectors(0, 60), vectors(0, 90), 50) == mining.candidates(
        vectors(0, 60), vectors(0, 90), 2
    )
    assert mining.candidates(vectors(10), vectors(50), 4) == [(0, 0, pytest.approx(1.0))]


def test_candidates_best_target_that_is_taken_leaves_the_sentence_to_a_target_that_wants_it() -> (
    None
):
    # k = 1. s0 (0) and s1 (10) both want t0 (0); t0 wants s0; t1 (40) wants s1.
    # margin(s0, t0) = 1; margin(s1, t0) = .9848 / ((.9848 + 1) / 2) = .9923, but t0 is taken;
    # margin(s1, t1) = .8660 / ((.9848 + .8660) / 2) = .9358
    found = mining.candidates(vectors(0, 10), vectors(0, 40), 1)
    assert found == [(0, 0, pytest.approx(1.0)), (1, 1, pytest.approx(0.9358, abs=1e-4))]


def test_candidates_nearest_by_cosine_are_ranked_by_margin() -> None:
    # k = 2. s0 at 0; t0 at 20 is a hub between s0 and s1 (25), t1 at -22 has s0 alone.
    # cosines: s0 t0 .9397, s0 t1 .9272; s1 (25) t0 .9962, s1 t1 (47) .6820.
    # Means: s0 .9334, s1 .8391, t0 .9679, t1 .8046. margins: s0 t0 .9397 / .9507 = .9884,
    # s0 t1 .9272 / .8690 = 1.0669, s1 t0 .9962 / .9035 = 1.1026, s1 t1 .6820 / .8219 = .83
    found = mining.candidates(vectors(0, 25), vectors(20, -22), 2)
    assert found == [
        (1, 0, pytest.approx(1.1026, abs=1e-4)),
        (0, 1, pytest.approx(1.0669, abs=1e-4)),
    ]


def test_candidates_tie_goes_to_the_earlier_source() -> None:
    assert mining.candidates(vectors(0, 0, 0), vectors(0), 4) == [(0, 0, pytest.approx(1.0))]


def test_candidates_opposite_sentences_are_none() -> None:
    assert mining.candidates(vectors(0), vectors(180), 4) == []


def test_candidates_of_an_empty_side_are_none() -> None:
    assert mining.candidates(vectors(0), np.zeros((0, 2), np.float32), 4) == []


def plain_candidates(source: Any, target: Any, k: int) -> list[tuple[int, int]]:
    """The same by the definition, one number at a time, over the whole matrix in float64."""
    cosine = source.astype(np.float64) @ target.astype(np.float64).T
    mean_s, mean_t = (np.sort(c, axis=1)[:, -k:].mean(axis=1) for c in (cosine, cosine.T))
    pairs = []
    for i in range(len(source)):
        near = np.argsort(-cosine[i])[:k]
        pairs.append(
            (max((cosine[i, j] * 2 / (mean_s[i] + mean_t[j]), int(j)) for j in near), i, 0)
        )
    for j in range(len(target)):
        near = np.argsort(-cosine[:, j])[:k]
        pairs.append(
            (max((cosine[i, j] * 2 / (mean_s[i] + mean_t[j]), int(i)) for i in near), j, 1)
        )
    ordered = sorted(
        ((score, (one, other)[:: 1 - 2 * side]) for (score, other), one, side in pairs),
        reverse=True,
    )
    taken: list[tuple[int, int]] = []
    for _, (i, j) in ordered:
        if all(i != a and j != b for a, b in taken):
            taken.append((i, j))
    return taken


@pytest.mark.parametrize("blocks", [(4, 5), (1000, 1000)])
def test_candidates_equal_the_plain_definition(
    monkeypatch: pytest.MonkeyPatch, blocks: tuple[int, int]
) -> None:
    monkeypatch.setattr(embedding, "_QUERIES", blocks[0])
    monkeypatch.setattr(embedding, "_CANDIDATES", blocks[1])
    rng = np.random.default_rng(3)
    source, target = (
        embedding.unit(rng.normal(size=(n, 6)) + 0.8).astype(np.float32) for n in (40, 33)
    )
    found = mining.candidates(source, target, 4)
    assert [(i, j) for i, j, _ in found] == plain_candidates(source, target, 4)
    assert len({i for i, _, _ in found}) == len({j for _, j, _ in found}) == len(found)


# -- the threshold


def mined(hits: str, gold: int, scores: Sequence[float] = (5, 4, 3, 2)) -> mining.MinedPairs:
    """Pairs with falling scores, `+` for a true one; `gold` true pairs in all."""
    pairs = [(str(i), str(i)) for i in range(len(hits))]
    true = [pair for pair, hit in zip(pairs, hits, strict=True) if hit == "+"]
    missed = [(f"m{i}", f"m{i}") for i in range(gold - len(true))]
    return mining.MinedPairs(
        scores=dict(zip(pairs, scores, strict=False)), gold=frozenset([*true, *missed])
    )


def test_threshold_is_the_mid_point_after_the_best_f1() -> None:
    # F1 = 2 TP / (predicted + 3): 2/4 = .5, 2/5 = .4, 4/6 = .667, 4/7 = .571; between the scores 3
    # and 2.
    assert mining.tuned_threshold(mined("+-+-", gold=3)) == 2.5


def test_threshold_of_equal_f1_is_the_first() -> None:
    # 2/3, 2/4, 2/5, 4/6
    assert mining.tuned_threshold(mined("+--+", gold=2)) == 4.5


def test_threshold_after_the_last_pair_is_its_score() -> None:
    assert mining.tuned_threshold(mined("++", gold=2)) == 4


@pytest.mark.parametrize(("hits", "gold"), [("----", 2), ("----", 0), ("", 2), ("", 0)])
def test_threshold_without_a_true_pair_is_zero(hits: str, gold: int) -> None:
    assert mining.tuned_threshold(mined(hits, gold)) == 0


# -- the table

PLANE = {"a": 0.0, "b": 60.0, "x": 0.0, "y": 90.0}
"""Mined at k = 2 or more: a with x at 1.6, b with y at 1.5520."""


def test_decode_tuned_takes_the_threshold_of_the_development_rows() -> None:
    # Development: (a, x) is true, b and y are single. F1 is 2/2 after the first pair, so the
    # threshold is (1.6 + 1.5520) / 2 = 1.5760. Test: both are true, but only (a, x) lies above: F1
    # = 2 / (1 + 2).
    dev = split([("a", "x"), ("b", ""), ("", "y")], PLANE)
    table = mining.decode_tuned(*split([("a", "x"), ("b", "y")], PLANE), *dev, task())
    assert table == {
        "id": ["0|0", "1|1"],
        "prediction": ["yes", "no"],
        "gold": ["yes", "yes"],
        "score": [pytest.approx(1.6, abs=1e-4), pytest.approx(1.5520, abs=1e-4)],
        "threshold": [pytest.approx(1.5760, abs=1e-4)] * 2,
        "true_positives": [1, 0],
        "predicted": [1, 0],
        "gold_pairs": [1, 1],
        "best_true_positives": [1, 1],
        "best_predicted": [1, 1],
    }
    assert f1(table) == (pytest.approx(200 / 3), 100)


def test_decode_tuned_development_rows_without_a_true_pair_predict_all() -> None:
    table = mining.decode_tuned(
        *split([("a", "x"), ("b", ""), ("", "y")], PLANE),
        *split([("a", ""), ("", "x")], PLANE),
        task(),
    )
    assert table["id"] == ["0|0", "1|2"]
    assert table["prediction"] == ["yes", "yes"]
    assert f1(table) == (pytest.approx(200 / 3), 100)  # 2 / (2 + 1), and 2 / (1 + 1)


def test_decode_without_development_rows_has_threshold_zero() -> None:
    table = mining.decode(*split([("a", "x"), ("b", ""), ("", "y")], PLANE), task())
    assert table["threshold"] == [0.0, 0.0]
    assert table["predicted"] == [1, 1]
    assert table["best_predicted"] == [1, 0]


def test_decode_pairs_at_the_threshold_of_equal_scores_are_predicted() -> None:
    # Two pairs of margin 1; the first is true, so the threshold is (1 + 1) / 2, which both reach.
    angles = {"a": 0.0, "b": 90.0, "x": 0.0, "y": 90.0}
    found = split([("a", "x"), ("b", ""), ("", "y")], angles)
    table = mining.decode_tuned(*found, *found, task(neighbours=1))
    assert table["threshold"] == [1.0, 1.0]
    assert table["prediction"] == table["gold"][:1] * 2
    assert f1(table) == (pytest.approx(200 / 3), pytest.approx(200 / 3))


def test_decode_true_pair_that_was_not_mined_counts_as_missed() -> None:
    # a lies with y and b with x, so the mined pairs are the two wrong ones.
    angles = {"a": 0.0, "b": 40.0, "x": 40.0, "y": 0.0}
    table = mining.decode(*split([("a", "x"), ("b", "y")], angles), task(neighbours=1))
    assert table["id"] == ["0|1", "1|0", "0|0", "1|1"]
    assert table["score"] == [pytest.approx(1.0), pytest.approx(1.0), None, None]
    assert table["gold"] == ["no", "no", "yes", "yes"]
    assert f1(table) == (0, 0)


def test_decode_repeated_sentence_is_mined_but_not_predicted_and_stays_a_true_pair() -> None:
    angles = {"a": 0.0, "b": 90.0, "x": 0.0, "y": 90.0}
    table = mining.decode(
        *split([("a", "x"), ("a ", ""), ("b", "y")], {**angles, "a ": 1.0}), task(neighbours=1)
    )
    assert table["id"] == ["2|2", "0|0"]
    assert table["score"] == [pytest.approx(1.0), None]
    assert f1(table) == (pytest.approx(200 / 3), pytest.approx(200 / 3))  # 2 / (1 + 2)


def test_decode_repeated_sentence_takes_its_partner_away() -> None:
    # x would be b's second choice, but a, which is repeated, has it.
    angles = {"a": 0.0, "b": 30.0, "x": 0.0}
    table = mining.decode(*split([("a", "x"), ("a", ""), ("b", "")], angles), task(neighbours=1))
    assert table["id"] == ["0|0"]
    assert table["prediction"] == ["no"]


def test_decode_sentence_of_two_true_pairs_is_one_sentence_by_its_id() -> None:
    angles = {"a": 0.0, "x": 0.0, "y": 40.0}
    ids = {"source_id": ["de-1", "de-1"], "target_id": ["en-1", "en-2"]}
    table = mining.decode(*split([("a", "x"), ("a", "y")], angles, **ids), task(neighbours=1))
    assert table["id"] == ["de-1|en-1", "de-1|en-2"]
    assert table["prediction"] == ["yes", "no"]
    assert f1(table) == (pytest.approx(200 / 3), pytest.approx(200 / 3))


def test_decode_nothing_true_and_nothing_mined_is_an_empty_table() -> None:
    table = mining.decode(*split([("a", "")], PLANE), task())
    assert set(map(len, table.values())) == {0}
    assert f1(table) == (0, 0)
