from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from xstilts.formats import embedding, retrieval
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Task

CONFIG: Any = SimpleNamespace(num_hidden_layers=12)


@dataclass
class Encoded:
    rows: Dataset
    features: Dataset


def task(**options: Any) -> Task:
    return Task(
        name="t",
        format="retrieval",
        source=Source(generator="t"),
        metric="accuracy",
        options=RetrievalOptions(**options),
    )


def decode(
    foreign: Any, english: Any, texts: list[str] | None = None, **options: Any
) -> dict[str, list[Any]]:
    """`retrieval.decode` of vectors given by row."""
    n = len(foreign)
    rows = Dataset.from_dict(
        {
            "source_sentence": texts or [f"f{i}" for i in range(n)],
            "target_sentence": [f"e{i}" for i in range(n)],
        }
    )
    features = Dataset.from_dict(
        {"row": [i // 2 for i in range(2 * n)], "side": [i % 2 for i in range(2 * n)]}
    )
    logits = [
        np.asarray(side[i], dtype=np.float32) for i in range(n) for side in (foreign, english)
    ]
    return retrieval.decode(logits, Encoded(rows, features), task(**options))


def test_encode_row_gives_foreign_then_english(spelling_tokenizer: Any) -> None:
    batch = {"source_sentence": ["ab", "c"], "target_sentence": ["a b c", "d"]}
    features = retrieval.encode(
        batch, task(), spelling_tokenizer, Hyperparameters(max_length_tokens=8), 10
    )
    tokens = [spelling_tokenizer.convert_ids_to_tokens(ids) for ids in features["input_ids"]]
    assert [" ".join(one) for one in tokens] == [
        "<s> a ##b </s>",
        "<s> a b c </s>",
        "<s> c </s>",
        "<s> d </s>",
    ]
    assert features["row"] == [10, 10, 11, 11]
    assert features["side"] == [0, 1, 0, 1]
    assert features["length"] == [4, 5, 3, 3]
    assert features["n_items"] == [0, 0, 0, 0]
    assert features["content_start"] == [1, 1, 1, 1]
    assert features["content_end"] == [3, 4, 2, 2]


def test_encode_long_sentence_is_cut_and_empty_one_kept(spelling_tokenizer: Any) -> None:
    batch = {"source_sentence": ["a " * 20], "target_sentence": [""]}
    features = retrieval.encode(
        batch, task(), spelling_tokenizer, Hyperparameters(max_length_tokens=8), 0
    )
    assert features["length"] == [8, 2]
    assert features["input_ids"][0][-1] == spelling_tokenizer.eos_token_id


def test_encode_no_rows_gives_no_features(spelling_tokenizer: Any) -> None:
    batch: dict[str, list[Any]] = {"source_sentence": [], "target_sentence": []}
    assert set(
        map(len, retrieval.encode(batch, task(), spelling_tokenizer, Hyperparameters(), 0).values())
    ) == {0}


def test_decode_english_looks_among_foreign() -> None:
    # foreign 0 points along x, foreign 1 along y; both English sentences lie near x.
    out = decode([[1, 0], [0, 1]], [[1, 0.1], [1, 0.2]])
    assert out["prediction"] == ["0", "0"]
    assert out["gold"] == ["0", "1"]
    assert out["id"] == ["0", "1"]
    assert out["correct"] == [1.0, 0.0]
    # The other direction would have given foreign 1 to English 1.


def test_decode_length_of_vector_says_nothing() -> None:
    out = decode([[100, 30], [0.1, 0.1]], [[7, 2.1], [3, 3]])
    assert out["correct"] == [1.0, 1.0]


def test_decode_tie_goes_to_lowest_index() -> None:
    out = decode([[0, 1], [1, 0], [1, 0]], [[0, 1], [1, 0], [1, 0]])
    assert out["prediction"] == ["0", "1", "1"]
    assert out["correct"] == [1.0, 1.0, 0.0]


def test_decode_tie_across_blocks_goes_to_lowest_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_CANDIDATES", 1)
    monkeypatch.setattr(embedding, "_QUERIES", 2)
    assert decode([[0, 1], [1, 0], [1, 0]], [[0, 1], [1, 0], [1, 0]])["prediction"] == [
        "0",
        "1",
        "1",
    ]


def test_decode_repeated_foreign_sentence_is_found_in_its_first_row() -> None:
    # Row 2 repeats row 1's text; its own vector, off by padding noise, is nearer to English 2 and
    # does not count.
    out = decode([[0, 1], [1, 0.001], [1, 0]], [[0, 1], [1, 0], [1, 0]], texts=["a", "b", "b"])
    assert out["prediction"] == ["0", "1", "1"]
    assert out["correct"] == [1.0, 1.0, 0.0]


def angles(*degrees: float) -> list[list[float]]:
    return [[float(np.cos(np.radians(d))), float(np.sin(np.radians(d)))] for d in degrees]


def test_decode_margin_undoes_a_hub_that_cosine_falls_for() -> None:
    # Foreign 0 at 0 degrees is a hub; English 1 at 24 lies 24 from it and 26 from its own
    # translation at 50.
    foreign, english = angles(0, 50), angles(0, 24)
    assert decode(foreign, english)["prediction"] == ["0", "0"]
    # k = 1. Means: English 1 -> cos 24; foreign 0 -> 1 (English 0); foreign 1 -> cos 26 (English
    # 1). margin(1, 0) = cos 24 / ((cos 24 + 1) / 2) = 0.955; margin(1, 1) = cos 26 / ((cos 24 + cos
    # 26) / 2) = 0.992
    out = decode(foreign, english, similarity="margin", neighbours=1)
    assert out["prediction"] == ["0", "1"]
    assert out["correct"] == [1.0, 1.0]


def test_margin_many_neighbours_means_all_there_are() -> None:
    out = decode(angles(0, 50), angles(0, 24), similarity="margin", neighbours=100)
    assert len(out["prediction"]) == 2


def test_margin_repeated_english_sentence_counts_once_as_neighbour() -> None:
    rows = {"source_sentence": list("abcd"), "target_sentence": ["x", "x", "y", "z"]}
    foreign, english = angles(0, 200, 82, 201), angles(0, 0, 40, 100)
    features = Dataset.from_dict(
        {"row": [i // 2 for i in range(8)], "side": [i % 2 for i in range(8)]}
    )
    logits = [
        np.asarray(side[i], dtype=np.float32) for i in range(4) for side in (foreign, english)
    ]
    out = retrieval.decode(
        logits, Encoded(Dataset.from_dict(rows), features), task(similarity="margin", neighbours=2)
    )
    # k = 2. Of y (40 degrees): foreign a cos 40 = .766, c cos 42 = .743; mean .755. a over x, y: (1
    # + .766) / 2 = .883, margin .766 / ((.755 + .883) / 2) = .936; c over y, z: .847, margin .928.
    # With x counted twice the mean of a would be 1, its margin .873, and c would win.
    assert out["prediction"][2] == "0"


def test_margin_opposite_vectors_stay_finite() -> None:
    out = decode([[1, 0], [-1, 0]], [[0, 1], [0, -1]], similarity="margin", neighbours=2)
    assert set(out["prediction"]) <= {"0", "1"}


def test_encode_to_decode_real_tokenizer_sentence_finds_itself(xlmr_tokenizer: Any) -> None:
    torch.manual_seed(0)
    sentences = ["Paris is far.", "2019 war gut", "Wo ist Berlin?", "Ein Apfel."]
    batch = {"source_sentence": sentences, "target_sentence": sentences}
    features = retrieval.encode(
        batch, task(), xlmr_tokenizer, Hyperparameters(max_length_tokens=32), 0
    )
    one_by_one = [
        dict(zip(features, values, strict=True)) for values in zip(*features.values(), strict=True)
    ]
    collated = retrieval.collate(one_by_one, xlmr_tokenizer.pad_token_id, None)
    table = torch.nn.Embedding(len(xlmr_tokenizer), 16)
    with torch.no_grad():
        vectors, _ = retrieval.Head(16, 0.0, task(), CONFIG)(
            [table(collated["input_ids_BL"])], collated
        )
    encoded = Encoded(
        Dataset.from_dict(batch),
        Dataset.from_dict({name: features[name] for name in ("row", "side")}),
    )
    assert retrieval.decode(list(vectors.numpy()), encoded, task())["correct"] == [1] * 4
