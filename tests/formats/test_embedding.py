from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from xstilts.formats import embedding
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.task import Source, Task

CONFIG: Any = SimpleNamespace(num_hidden_layers=4)


def head(**options: Any) -> embedding.PoolingHead:
    task = Task(
        name="t",
        format="retrieval",
        source=Source(generator="t"),
        metric="accuracy",
        options=RetrievalOptions(**options),
    )
    return embedding.PoolingHead(2, 0.1, task, CONFIG)


def feature(length: int) -> dict[str, Any]:
    """A text of `length` ids, the first and the last of them special."""
    return {
        "input_ids": [0, *([4] * (length - 2)), 2],
        "content_start": 1,
        "content_end": length - 1,
    }


def batch() -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Two texts of 3 and 2 tokens, the second without content; padding is 99."""
    hidden = torch.full((2, 8, 2), 99.0)
    hidden[0, :3] = torch.tensor([[1.0, 0.0], [4.0, -6.0], [1.0, 3.0]])
    hidden[1, :2] = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    return hidden, embedding.collate([feature(3), feature(2)], 1, None)


# -- pooling


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [
        ("mean", [[2.0, -1.0], [2.0, 5.0]]),
        ("mean_content", [[4.0, -6.0], [0.0, 0.0]]),
        ("cls", [[1.0, 0.0], [1.0, 5.0]]),
        ("max", [[4.0, 3.0], [3.0, 5.0]]),
    ],
)
def test_pool_each_way_padding_has_no_say(pooling: Any, pooled: list[list[float]]) -> None:
    hidden, collated = batch()
    embedded, loss = head(pooling=pooling)([hidden], collated)
    assert loss is None
    assert embedded.dtype == torch.float32
    assert embedded.tolist() == pooled


def test_pool_half_precision_is_summed_in_float32() -> None:
    hidden, collated = batch()
    assert torch.equal(
        embedding.pool(hidden.bfloat16(), collated, "mean"),
        embedding.pool(hidden, collated, "mean"),
    )


def test_variants_without_a_sweep_is_the_tasks_own() -> None:
    assert embedding.variants(RetrievalOptions(), 12) == ((12, "mean"),)
    assert embedding.variants(RetrievalOptions(layer=14, pooling="cls"), 24) == ((14, "cls"),)


def test_variants_of_a_sweep_own_first_then_every_combination_once() -> None:
    assert embedding.variants(RetrievalOptions(layer=1, sweep_layers="all"), 2) == (
        (1, "mean"),
        (0, "mean"),
        (2, "mean"),
    )
    assert embedding.variants(RetrievalOptions(sweep_poolings=("cls", "mean", "max")), 2) == (
        (2, "mean"),
        (2, "cls"),
        (2, "max"),
    )
    assert embedding.variants(
        RetrievalOptions(layer=0, sweep_layers=(2, -1), sweep_poolings=("cls",)), 2
    ) == (
        (0, "mean"),
        (2, "mean"),
        (2, "cls"),
    )


def test_head_of_a_sweep_asks_for_each_layer_once_and_stacks_variants() -> None:
    made = head(layer=3, sweep_layers=(1, 3), sweep_poolings=("cls",))
    hidden, collated = batch()
    assert made.layers == (3, 1)
    assert made.variants == ((3, "mean"), (1, "mean"), (1, "cls"), (3, "cls"))
    embedded, _ = made([hidden, hidden * 10], collated)
    assert not list(made.parameters())
    assert embedded[0].tolist() == [[2.0, -1.0], [20.0, -10.0], [10.0, 0.0], [1.0, 0.0]]


# -- what is kept


def test_compact_of_a_single_variant_is_the_vector_itself() -> None:
    vector = np.array([1.0, 2.0], dtype=np.float32)
    assert embedding.compact(vector) is vector
    assert embedding.variant([vector], 0)[0] is vector


def test_compact_of_a_sweep_keeps_the_own_vector_exactly_and_the_others_as_float16_units() -> None:
    vectors = np.array([[1 / 3, 1e6], [30.0, 40.0], [0.0, 0.0]], dtype=np.float32)
    kept: Any = embedding.compact(vectors)
    assert embedding.variant([kept], 0)[0].tobytes() == vectors[0].tobytes()
    assert kept.others_VH.dtype == np.float16
    np.testing.assert_allclose(embedding.variant([kept], 1)[0], [0.6, 0.8], rtol=1e-3)
    assert embedding.variant([kept], 2)[0].tolist() == [0.0, 0.0]
    assert embedding.variant([kept], 2)[0].dtype == np.float32


def test_compact_sweep_of_tatoebas_size_stays_under_a_gigabyte() -> None:
    kept: Any = embedding.compact(np.ones((50, 1024), dtype=np.float32))
    assert (
        kept.own_H.base is None and kept.others_VH.base is None
    )  # no view that keeps the batch in memory
    assert 2000 * (kept.own_H.nbytes + kept.others_VH.nbytes) < 0.25e9


# -- search


def small_blocks(monkeypatch: pytest.MonkeyPatch, queries: int, candidates: int) -> None:
    monkeypatch.setattr(embedding, "_QUERIES", queries)
    monkeypatch.setattr(embedding, "_CANDIDATES", candidates)


@pytest.mark.parametrize("sizes", [(3, 4), (1, 1), (1000, 1000)])
def test_search_blocks_do_not_change_the_answer(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int]
) -> None:
    rng = np.random.default_rng(1)
    queries, candidates = (
        embedding.unit(rng.normal(size=(n, 5)) + 1).astype(np.float32) for n in (23, 31)
    )
    similarity = queries.astype(np.float64) @ candidates.T.astype(np.float64)
    query_means = np.sort(similarity, axis=1)[:, -4:].mean(axis=1)
    candidate_means = np.sort(similarity, axis=0)[-4:].mean(axis=0)
    ratio = similarity / ((query_means[:, None] + candidate_means) / 2)
    small_blocks(monkeypatch, *sizes)
    assert embedding.nearest(queries, candidates).tolist() == similarity.argmax(axis=1).tolist()
    means = (
        embedding.neighbour_means(queries, candidates, 4),
        embedding.neighbour_means(candidates, queries, 4),
    )
    np.testing.assert_allclose(means[0], query_means, rtol=1e-5)
    np.testing.assert_allclose(means[1], candidate_means, rtol=1e-5)
    assert embedding.nearest(queries, candidates, *means).tolist() == ratio.argmax(axis=1).tolist()
    cosines, index = embedding.neighbours(queries, candidates, 7)
    assert index.tolist() == np.argsort(-similarity, axis=1)[:, :7].tolist()
    np.testing.assert_allclose(cosines, -np.sort(-similarity, axis=1)[:, :7], rtol=1e-5)


@pytest.mark.parametrize("candidates", [1, 2, 3, 100])
def test_neighbours_tie_goes_to_the_lowest_index(
    monkeypatch: pytest.MonkeyPatch, candidates: int
) -> None:
    small_blocks(monkeypatch, 1, candidates)
    east, north = [1.0, 0.0], [0.0, 1.0]
    cosines, index = embedding.neighbours(
        np.array([east, north], np.float32),
        np.array([north, east, north, east, east], np.float32),
        4,
    )
    assert index.tolist() == [[1, 3, 4, 0], [0, 2, 1, 3]]
    assert cosines.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0]]


def test_neighbours_of_fewer_candidates_than_k_are_all_of_them() -> None:
    cosines, index = embedding.neighbours(
        np.array([[1.0, 0.0]], np.float32), np.array([[0.6, 0.8]], np.float32), 4
    )
    assert index.tolist() == [[0]]
    assert cosines.tolist() == [[pytest.approx(0.6)]]


def test_margin_below_the_line_stays_above_zero() -> None:
    one = np.array([-1.0, 0.5, 1.0])
    assert embedding.margin(one, one, one).tolist() == [-1e6, 1.0, 1.0]


def test_first_rows_of_repeated_texts() -> None:
    assert embedding.first_rows(["b", "a", "b", "c", "a"]).tolist() == [0, 1, 3]
