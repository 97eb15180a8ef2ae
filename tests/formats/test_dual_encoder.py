from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from xstilts.errors import PhaseError
from xstilts.formats import dual_encoder
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.dual_encoder import DualEncoderOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Task
from xstilts.training import batches
from xstilts.training.micro_batches import Loader, MemberFeatures

CONFIG: Any = SimpleNamespace(initializer_range=0.02)


def task(**options: Any) -> Task:
    return Task(
        name="t",
        format="dual_encoder",
        source=Source(generator="t"),
        metric="map_at_k",
        options=DualEncoderOptions(**options),
    )


# -- encoding


def test_encode_gives_query_candidate_with_context_and_key(spelling_tokenizer: Any) -> None:
    batch = {
        "query": ["ab", "", "c"],
        "candidate": ["d", "e", ""],
        "candidate_pair": ["f", "f", "f"],
        "key": list("123"),
    }
    features = dual_encoder.encode(
        batch, task(), spelling_tokenizer, Hyperparameters(max_length_tokens=16), 4
    )
    tokens = [
        [" ".join(spelling_tokenizer.convert_ids_to_tokens(ids)) for ids in both]
        for both in features["input_ids"]
    ]
    assert tokens == [
        ["<s> a ##b </s>", "<s> d </s> </s> f </s>"],
        ["", "<s> e </s> </s> f </s>"],
        ["<s> c </s>", ""],
    ]
    assert features["key"] == ["1", "2", "3"]
    assert features["row"] == [4, 5, 6]
    assert features["n_items"] == [1, 0, 0]
    assert features["length"] == [10, 6, 3]


def test_encode_query_and_candidate_have_their_own_lengths(spelling_tokenizer: Any) -> None:
    batch = {"query": ["a " * 30], "candidate": ["b " * 30], "key": ["1"]}
    features = dual_encoder.encode(
        batch,
        task(max_question_tokens=8),
        spelling_tokenizer,
        Hyperparameters(max_length_tokens=12),
        0,
    )
    assert [len(ids) for ids in features["input_ids"][0]] == [8, 12]


def feature(query: list[int], candidate: list[int], key: str) -> dict[str, Any]:
    return {"input_ids": [query, candidate], "key": key}


def test_collate_lays_the_texts_in_a_line() -> None:
    rows = [
        feature([0, 5, 2], [0, 6, 7, 2], "a"),
        feature([], [0, 8, 2], "b"),
        feature([0, 9, 2], [], "c"),
    ]
    batch = dual_encoder.collate(rows, 1, None)
    assert batch["slots_F2"].tolist() == [[0, 1], [-1, 2], [3, -1]]
    assert batch["input_ids_BL"][:, :4].tolist() == [
        [0, 5, 2, 1],
        [0, 6, 7, 2],
        [0, 8, 2, 1],
        [0, 9, 2, 1],
    ]
    assert batch["attention_mask_BL"].sum(dim=1).tolist() == [3, 4, 3, 3]


def test_collate_same_is_an_equal_key_or_an_equal_candidate_and_an_empty_key_is_like_none() -> None:
    rows = [
        feature([1], [5], "a"),
        feature([2], [6], "a"),
        feature([3], [6], ""),
        feature([4], [7], ""),
    ]
    assert dual_encoder.collate(rows, 1, None)["same_FF"].tolist() == [
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 1],
    ]


# -- the loss


def head(scale: float) -> dual_encoder.Head:
    made = dual_encoder.Head(2, 0.0, task(logit_scale=scale), CONFIG)
    with torch.no_grad():
        made.dense.weight.copy_(torch.eye(2))
    return made


EAST, NORTH, BETWEEN = [3.0, 0.0], [0.0, 0.5], [2.0, 2.0]
"""Hidden states whose tanh has the angles 0, 90 and 45 degrees."""


def run(
    first_tokens: list[list[float]], rows: list[dict[str, Any]], scale: float = 2.0
) -> tuple[Any, torch.Tensor]:
    batch = dual_encoder.collate(rows, 1, None)
    hidden = torch.full((len(first_tokens), 8, 2), 9.0)
    hidden[:, 0] = torch.tensor(first_tokens)
    vectors, loss = head(scale)(hidden, batch)
    return vectors, loss


def test_loss_is_the_softmax_over_the_candidates_of_the_batch() -> None:
    # Logits = 2 x cosine: query 0 (0 degrees) to candidates at 0 and 90: 2, 0; query 1 (45): 1.414
    # both. -ln(e^2 / (e^2 + 1)) = .1269; -ln(1 / 2) = .6931
    rows = [feature([1], [5], "a"), feature([2], [6], "b")]
    vectors, loss = run([EAST, EAST, BETWEEN, NORTH], rows)
    assert loss.item() == pytest.approx(0.1269 + 0.6931, abs=1e-4)
    np.testing.assert_allclose(
        vectors.detach(), [[[1, 0], [1, 0]], [[0.7071, 0.7071], [0, 1]]], atol=1e-4
    )


@pytest.mark.parametrize(
    "rows",
    [
        [feature([1], [5], "a"), feature([2], [6], "a")],
        [feature([1], [5], "a"), feature([2], [5], "b")],
    ],
    ids=["same key", "same text"],
)
def test_loss_candidate_that_is_right_too_is_not_wrong(rows: list[dict[str, Any]]) -> None:
    _, loss = run([EAST, EAST, BETWEEN, NORTH], rows)
    assert loss.item() == 0


def test_loss_rows_with_one_side_give_candidates_but_no_items() -> None:
    # Query 0 at 0 degrees; candidates: its own at 0, that of a row without a query at 90; the last
    # row has none.
    rows = [feature([1], [5], "a"), feature([], [6], "b"), feature([7], [], "c")]
    vectors, loss = run([EAST, EAST, NORTH, BETWEEN], rows)
    assert loss.item() == pytest.approx(0.1269, abs=1e-4)
    assert vectors[1, 0].tolist() == [0, 0] and vectors[2, 1].tolist() == [0, 0]


def test_loss_of_a_batch_without_whole_rows_is_zero_and_can_be_differentiated() -> None:
    made = head(2.0)
    batch = dual_encoder.collate([feature([], [6], "b"), feature([7], [], "c")], 1, None)
    _, loss = made(torch.ones(2, 8, 2), batch)
    loss.backward()
    assert loss.item() == 0
    assert made.dense.weight.grad is not None and not made.dense.weight.grad.any()


def test_scale_starts_at_the_option_and_learns() -> None:
    made = head(100.0)
    batch = dual_encoder.collate([feature([1], [5], "a"), feature([2], [6], "b")], 1, None)
    hidden = torch.randn(4, 8, 2, generator=torch.Generator().manual_seed(0))
    made(hidden, batch)[1].backward()
    assert made.logit_scale.item() == 100
    assert made.logit_scale.grad is not None and made.logit_scale.grad.item() != 0


def test_compact_keeps_the_texts_that_are_there() -> None:
    assert dual_encoder.compact(np.array([[0.0, 0.0], [1.0, 0.0]])).tolist() == [[1.0, 0.0]]


# -- the batch


def loader(workers: int, accumulation: int = 1) -> Loader:
    features = Dataset.from_list([feature([1] * n, [5] * (3 * n), str(n)) for n in (1, 1, 20, 20)])
    lengths = np.array([4, 4, 80, 80])
    rows = batches.MemberRows(lengths=lengths, n_items=np.ones(4, dtype=np.int64), n_rows=4)
    member = MemberFeatures(features=features, lengths=lengths, format="dual_encoder")
    plan = batches.plan_batches([rows], seed=1, steps=1, batch_size=4)
    return Loader(
        plan=plan, members=[member], pad_id=1, seed=1, workers=workers, accumulation=accumulation
    )


def test_loader_leaves_a_micro_batch_whole() -> None:
    assert [len(micro["chunks"]) for micro in loader(1).update(0)] == [1]
    assert loader(1).update(0)[0]["chunks"][0]["same_FF"].shape == (4, 4)
    assert [micro["chunks"][0]["same_FF"].shape for micro in loader(1, 2).update(0)] == [
        (2, 2),
        (2, 2),
    ]


def test_loader_refuses_several_workers() -> None:
    with pytest.raises(PhaseError, match="which 2 workers can't share"):
        loader(2).update(0)


# -- scoring


@pytest.mark.parametrize(
    ("hits", "relevant", "k", "scores"),
    [
        ("+--", 1, 3, (1, 1)),
        ("-+-", 1, 3, (1 / 2, 1 / 2)),
        ("+-+", 2, 3, ((1 + 2 / 3) / 2, 1)),
        ("+--", 2, 3, (1 / 2, 1)),  # the other one is not among the first three
        ("++", 5, 2, (1, 1)),  # min(R, k) = 2
        ("-+", 5, 2, (1 / 2 / 2, 1 / 2)),
        ("---", 1, 3, (0, 0)),
        ("--+", 1, 2, (0, 0)),  # beyond the cut-off
        ("---", 0, 3, (0, 0)),
        ("", 0, 3, (0, 0)),
    ],
)
def test_ranked_by_hand(hits: str, relevant: int, k: int, scores: tuple[float, float]) -> None:
    assert dual_encoder.ranked([hit == "+" for hit in hits], relevant, k) == pytest.approx(scores)


@dataclass
class Encoded:
    rows: Dataset
    features: Any = None


def vector(degrees: float) -> np.ndarray[Any, Any]:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)


def language(
    *rows: tuple[str, str, str, float, float], pairs: bool = True
) -> tuple[list[Any], Encoded]:
    """Rows of (query, candidate, key, angle of the query, angle of the candidate)."""
    columns = {
        name: [row[i] for row in rows] for i, name in enumerate(("query", "candidate", "key"))
    }
    if pairs:
        columns["candidate_pair"] = ["context"] * len(rows)
    logits = [
        np.stack([vector(angle) for text, angle in zip(row, row[3:], strict=False) if text])
        for row in rows
    ]
    return logits, Encoded(Dataset.from_dict(columns))


def pool(**languages: tuple[list[Any], Encoded]) -> dict[str, dict[str, list[Any]]]:
    logits, encoded = ({name: both[i] for name, both in languages.items()} for i in (0, 1))
    return dual_encoder.decode_pool(logits, encoded, task(cut_off=3))  # type: ignore[arg-type]


def test_decode_pool_candidates_of_every_language_compete_and_count() -> None:
    # Pool by angle: en q1's 0, en alone 30, de q1's 60, de q2's 90. Relevant to q1: the two of key
    # q1. en q1 asks from 10: order 0, 30, 60: hits 1, 3: (1/1 + 2/3) / 2 = .8333. de q1 from 50:
    # 60, 30, 90: 1/2 = .5 (0 is beyond the cut-off). de q2 from 40: 30, 60, 0 -> nothing: 0.
    tables = pool(
        en=language(("who", "he", "q1", 10, 0), ("", "it", "alone", 0, 30)),
        de=language(("wer", "er", "q1", 50, 60), ("was", "es", "q2", 40, 90)),
    )
    assert list(tables) == ["en", "de"]
    assert tables["en"] == {
        "id": ["0"],
        "prediction": ["q1"],
        "gold": ["q1"],
        "relevant": [2],
        "average_precision": [pytest.approx(5 / 6)],
        "reciprocal_rank": [1],
    }
    assert tables["de"]["average_precision"] == [pytest.approx(0.5), 0]
    assert tables["de"]["prediction"] == ["q1", "alone"]
    assert METRICS["map_at_k"].of(tables["de"]) == pytest.approx(25)
    assert METRICS["mrr_at_k"].of(tables["de"]) == pytest.approx(50)


def test_decode_pool_candidate_of_several_rows_is_one_with_all_their_keys() -> None:
    # "he" answers both questions: R is 1 for each, and its second vector is not looked at.
    tables = pool(
        en=language(
            ("who", "he", "q1", 0, 0), ("which", "he", "q2", 5, 90), ("what", "it", "q3", 80, 90)
        )
    )
    assert tables["en"]["relevant"] == [1, 1, 1]
    assert tables["en"]["average_precision"] == [1, 1, 1]
    assert tables["en"]["prediction"] == ["q1", "q2", "q3"]


def test_decode_pool_same_sentence_of_another_context_is_another_candidate() -> None:
    logits, encoded = language(("who", "he", "q1", 0, 0), ("which", "he", "q2", 5, 90))
    encoded.rows = encoded.rows.remove_columns("candidate_pair").add_column(
        "candidate_pair", ["c", "d"]
    )
    assert pool(en=(logits, encoded))["en"]["average_precision"] == [1, 0.5]


def test_decode_pool_tie_goes_to_the_earlier_candidate() -> None:
    tables = pool(
        en=language(("who", "he", "q1", 0, 20), ("which", "she", "q2", 0, 20), pairs=False)
    )
    assert tables["en"]["reciprocal_rank"] == [1, 0.5]


def test_decode_pool_query_without_a_relevant_candidate_scores_zero() -> None:
    tables = pool(
        en=language(
            ("who", "", "q1", 0, 0),
            ("", "it", "q2", 0, 0),
            ("x", "", "", 0, 0),
            ("", "y", "", 0, 1),
        )
    )
    assert tables["en"]["gold"] == ["q1", ""]
    assert tables["en"]["relevant"] == [0, 0]
    assert tables["en"]["average_precision"] == [0, 0]


def test_decode_is_the_pool_of_one_split() -> None:
    one = language(("who", "he", "q1", 10, 0), ("", "it", "alone", 0, 30))
    assert dual_encoder.decode(*one, task()) == pool(en=one)["en"]
