import json
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset

from xstilts.errors import DataError
from xstilts.formats import span_qa, spans
from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs.span_qa import SPAN_QA, SpanQAOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Task

CONFIG: Any = SimpleNamespace(initializer_range=0.02)


@dataclass
class Encoded:
    rows: Dataset
    features: Dataset
    language: str | None = None


def task(**options: Any) -> Task:
    return Task(
        name="t",
        format="span_qa",
        source=Source(generator="t"),
        metric="qa_mean",
        options=SpanQAOptions(**options),
    )


def row(question: str, context: str, *answers: tuple[str, int], id: str = "q") -> dict[str, Any]:
    golds = {"text": [text for text, _ in answers], "answer_start": [start for _, start in answers]}
    return {"id": id, "question": question, "context": context, "answers": golds}


def encode(
    rows: list[dict[str, Any]],
    tokenizer: Any,
    length: int = 64,
    stride: int = 4,
    first_row: int = 0,
    **options: Any,
) -> list[dict[str, Any]]:
    """Features as dicts."""
    batch = {name: [one[name] for one in rows] for name in ("id", "question", "context", "answers")}
    hyper = Hyperparameters(max_length_tokens=length, doc_stride_tokens=stride)
    columns = span_qa.encode(batch, task(**options), tokenizer, hyper, first_row)
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def pointing(feature: dict[str, Any], start: int, end: int, height: float = 1.0) -> np.ndarray:
    """Logits of a feature, zero but for `height` at two positions of its input."""
    logits = np.zeros((feature["length"], 2), dtype=np.float32)
    logits[start, 0] = logits[end, 1] = height
    return logits


def decode(
    rows: list[dict[str, Any]],
    features: list[dict[str, Any]],
    logits: list[np.ndarray],
    **options: Any,
) -> dict[str, list[Any]]:
    return span_qa.decode(
        logits, Encoded(Dataset.from_list(rows), Dataset.from_list(features)), task(**options)
    )


# -- encoding


def test_encode_short_row_is_one_window_with_answer_positions(spelling_tokenizer: Any) -> None:
    (feature,) = encode([row("ab c", "d ef g", ("ef", 2))], spelling_tokenizer, first_row=5)
    tokens = spelling_tokenizer.convert_ids_to_tokens(feature["input_ids"])
    assert " ".join(tokens) == "<s> a ##b c </s> </s> d e ##f g </s>"
    assert (feature["start_position"], feature["end_position"]) == (7, 8)
    assert feature["context_start"] == 6
    assert feature["offsets"] == [0, 1, 2, 3, 3, 4, 5, 6]
    assert (feature["row"], feature["n_items"], feature["answerable"], feature["length"]) == (
        5,
        1,
        1,
        11,
    )


def test_encode_long_context_windows_overlap_and_cover(spelling_tokenizer: Any) -> None:
    context = " ".join("abcdefghijklmnop")  # 16 tokens
    # 12 tokens less 4 special and 1 of the question: 7 of the context, 3 shared: 0-7, 4-11, 8-15,
    # 12-16
    features = encode([row("q", context, ("j", 18))], spelling_tokenizer, length=12, stride=3)
    starts = [feature["offsets"][0] // 2 for feature in features]
    assert starts == [0, 4, 8, 12]
    assert [len(feature["offsets"]) // 2 for feature in features] == [7, 7, 7, 4]
    assert max(feature["length"] for feature in features) == 12
    # token 9 is in the second and third window, the others train on position 0
    assert [feature["start_position"] for feature in features] == [0, 4 + 5, 4 + 1, 0]
    assert [feature["n_items"] for feature in features] == [1, 1, 1, 1]


def test_encode_answer_half_in_a_window_trains_on_first_position(spelling_tokenizer: Any) -> None:
    features = encode(
        [row("q", "a b c d e f g", ("c d", 4))], spelling_tokenizer, length=8, stride=1
    )
    # 3 tokens a window, 1 shared: abc, cde, efg
    assert [(f["start_position"], f["end_position"]) for f in features] == [(0, 0), (4, 5), (0, 0)]


def test_encode_long_question_is_cut(spelling_tokenizer: Any) -> None:
    (feature,) = encode(
        [row("abcdefghijklmnop", "x", ("x", 0))], spelling_tokenizer, max_question_tokens=8
    )
    assert feature["length"] == 8 + 4 + 1
    (feature,) = encode([row("abcdefghijklmnop", "x", ("x", 0))], spelling_tokenizer, length=12)
    assert feature["length"] == 4 + 4 + 1  # never more than half of what is free


def test_windows_huge_overlap_still_moves() -> None:
    assert list(span_qa.windows(10, 8, 100)) == [(0, 8), (2, 10)]
    assert list(span_qa.windows(0, 8, 2)) == [(0, 0)]
    assert list(span_qa.windows(8, 8, 2)) == [(0, 8)]


def test_encode_no_rows_gives_no_features(spelling_tokenizer: Any) -> None:
    assert encode([], spelling_tokenizer) == []


def test_encode_slow_tokenizer_is_refused() -> None:
    slow: Any = SimpleNamespace(is_fast=False, name_or_path="some/slow")
    with pytest.raises(DataError, match=r"some/slow.*offsets.*fast"):
        encode([row("a", "b", ("b", 0))], slow)


def test_encode_answer_that_is_nowhere_is_not_trained_on(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b", ("z", 0)), row("q", "a b", ("b", 0))]
    features = encode(rows, spelling_tokenizer)
    assert [(f["n_items"], f["answerable"]) for f in features] == [(0, 0), (1, 1)]
    assert features[1]["start_position"] == 5
    batch = span_qa.collate(features, 1, None)
    assert batch["start_position_B"].tolist() == [-100, 5]


@pytest.mark.parametrize(
    ("context", "answer"),
    [
        ("Paris  is the capital\n of France.", "capital"),
        ("东京是日本的首都。 人口很多", "日本"),
        ("กรุงเทพมหานคร เป็นเมืองหลวงของ ประเทศไทย", "ประเทศไทย"),
        ("Der Preis war ½ Euro – „viel“!", "½ Euro"),
        ("عاصمة فرنسا هي باريس", "باريس"),
    ],
)
def test_encode_real_tokenizer_positions_lead_back_to_answer(
    xlmr_tokenizer: Any, context: str, answer: str
) -> None:
    rows = [row("what?", context, (answer, context.index(answer)))]
    (feature,) = encode(rows, xlmr_tokenizer)
    logits = pointing(feature, feature["start_position"], feature["end_position"])
    out = decode(rows, [feature], [logits])
    assert answer in out["prediction"][0]
    assert len(out["prediction"][0]) <= len(answer) + 4  # a piece may reach over the answer's edge


def test_encode_pair_is_what_the_tokenizer_itself_would_give(tokenizer: Any) -> None:
    (feature,) = encode([row("who is it", "it is me", ("me", 6))], tokenizer)
    assert feature["input_ids"] == tokenizer("who is it", "it is me")["input_ids"]


def test_mirror_squad_gold_positions_score_near_perfect(
    xlmr_tokenizer: Any, mirror_rows: Any
) -> None:
    rows = mirror_rows("rajpurkar/squad", "plain_text", "train", 60)
    rows += mirror_rows("google/xquad", "xquad.zh", "validation", 30)
    rows += mirror_rows("google/xquad", "xquad.th", "validation", 30)
    rows = [{name: one[name] for name in ("id", "question", "context", "answers")} for one in rows]
    features = encode(rows, xlmr_tokenizer, length=128, stride=64)
    logits = [
        pointing(f, f["start_position"], f["end_position"], 9.0 if f["start_position"] else 0.0)
        for f in features
    ]
    out = decode(rows, features, logits, max_answer_tokens=60)
    assert METRICS["f1"].of(out) > 97
    assert all(out["prediction"])


# -- head and loss


def test_collate_pads_and_keeps_positions(spelling_tokenizer: Any) -> None:
    features = encode(
        [row("q", "a b c", ("c", 4)), row("q", "a b c d e f g", ("b c", 2))], spelling_tokenizer
    )
    batch = span_qa.collate(features, 1, None)
    assert batch["input_ids_BL"].shape == (2, 16)
    assert batch["attention_mask_BL"].sum(dim=1).tolist() == [8, 12]
    assert batch["start_position_B"].tolist() == [6, 5]
    assert batch["end_position_B"].tolist() == [6, 6]


def test_head_loss_is_sum_of_mean_of_both_ends_without_pads() -> None:
    head = span_qa.Head(2, 0.1, task(), CONFIG)
    with torch.no_grad():
        head.out.weight.zero_()
        head.out.bias.zero_()
    batch = {
        "attention_mask_BL": torch.tensor([[1] * 4 + [0] * 4, [1] * 8, [1] * 8]),
        "start_position_B": torch.tensor([1, 0, -100]),
        "end_position_B": torch.tensor([2, 0, -100]),
    }
    logits, loss = head(torch.randn(3, 8, 2), batch)
    assert logits.shape == (3, 8, 2)
    assert loss is not None
    # Uniform over 4 and over 8 tokens; the third has no answer.
    assert loss.item() == pytest.approx(np.log(4) + np.log(8), rel=1e-5)


def test_head_without_positions_has_no_loss() -> None:
    head = span_qa.Head(2, 0.1, task(), CONFIG)
    assert head(torch.randn(1, 8, 2), {"attention_mask_BL": torch.ones(1, 8)})[1] is None


def test_head_fitted_on_a_few_rows_reaches_exact_match(spelling_tokenizer: Any) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(12):
        letters = list(rng.permutation(list("abcdefghijklmnop")))
        at = int(rng.integers(1, 15))
        context = " ".join([*letters[:at], "xyz", *letters[at:]])
        rows.append(row("q", context, ("xyz", 2 * at), id=f"{i}"))
    features = encode(rows, spelling_tokenizer, length=20, stride=6)
    assert len(features) > len(rows)
    batch = span_qa.collate(features, 1, None)
    body, head = (
        torch.nn.Embedding(len(spelling_tokenizer), 16),
        span_qa.Head(16, 0.0, task(), CONFIG),
    )
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=0.1)
    for _ in range(60):
        _, loss = head(body(batch["input_ids_BL"]), batch)
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits = head(body(batch["input_ids_BL"]), batch)[0].detach().numpy()
    out = decode(rows, features, list(logits))
    assert METRICS["exact_match"].of(out) == 100.0
    assert out["prediction"] == ["xyz"] * 12


# -- decoding


def test_decode_cuts_answer_out_of_original_context(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a  bC d", ("bC", 3), ("zz", 0), id="one")]
    (feature,) = encode(rows, spelling_tokenizer)
    out = decode(rows, [feature], [pointing(feature, 5, 5)])
    assert out["prediction"] == ["bC"]
    assert out["id"] == ["one"]
    assert json.loads(out["gold"][0]) == ["bC", "zz"]
    assert (out["exact_match"], out["f1"]) == ([1], [1.0])


def test_decode_question_special_and_padding_positions_are_no_answer(
    spelling_tokenizer: Any,
) -> None:
    rows = [row("q", "a b c", ("c", 4))]
    (feature,) = encode(rows, spelling_tokenizer)
    logits = np.zeros((16, 2), dtype=np.float32)
    logits[[0, 1, 2, 3, 7, 10, 15]] = 50.0  # all but the context's 4, 5, 6
    logits[6] = 1.0
    assert decode(rows, [feature], [logits])["prediction"] == ["c"]


def test_decode_end_before_start_is_passed_over(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b c", ("c", 4))]
    (feature,) = encode(rows, spelling_tokenizer)
    logits = np.zeros((8, 2), dtype=np.float32)
    logits[:, 0] = [0, 0, 0, 0, 1, 0, 5, 0]  # best start c
    logits[:, 1] = [
        0,
        0,
        0,
        0,
        4,
        2,
        0,
        0,
    ]  # best end a: c..a is no span; a..a 1+4, c..c 5+0, a tie: the earlier start
    assert decode(rows, [feature], [logits])["prediction"] == ["a"]
    logits[6, 1] = 0.5
    assert decode(rows, [feature], [logits])["prediction"] == ["c"]


def test_decode_answer_longer_than_allowed_is_passed_over(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b c d", ("c", 4))]
    (feature,) = encode(rows, spelling_tokenizer)
    logits = pointing(feature, 4, 7, 5.0)
    logits[6, 1] = 1.0
    assert decode(rows, [feature], [logits], max_answer_tokens=3)["prediction"] == ["a b c"]
    assert decode(rows, [feature], [logits], max_answer_tokens=4)["prediction"] == ["a b c d"]


def test_decode_best_window_wins_and_tie_goes_to_first(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b c d e f g", ("c d", 4)), row("q", "h i j k l m n", ("n", 12))]
    features = encode(rows, spelling_tokenizer, length=8, stride=1)
    heights = [1.0, 3.0, 2.0, 2.0, 2.0, 1.0]
    logits = [pointing(f, 4, 4, height) for f, height in zip(features, heights, strict=True)]
    assert decode(rows, features, logits)["prediction"] == ["c", "h"]


def test_decode_few_candidates_without_valid_pair_falls_back_to_all(
    spelling_tokenizer: Any,
) -> None:
    rows = [row("q", "a b c", ("b", 2))]
    (feature,) = encode(rows, spelling_tokenizer)
    logits = np.zeros((8, 2), dtype=np.float32)
    logits[:, 0] = [0, 0, 0, 0, 1, 2, 5, 0]
    logits[:, 1] = [0, 0, 0, 0, 4, 3, 0, 0]
    # One candidate each: start c, end a. Over all pairs: a..a 5, a..b 4, b..b 5, c..c 5.
    assert decode(rows, [feature], [logits], n_best=1)["prediction"] == ["a"]


def test_decode_window_with_valid_candidates_goes_before_fallback(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b c d e", ("d", 6))]
    features = encode(rows, spelling_tokenizer, length=8, stride=1)
    lost, sound = np.zeros((8, 2), dtype=np.float32), np.zeros((8, 2), dtype=np.float32)
    lost[6, 0] = lost[4, 1] = 100.0
    sound[5] = 1.0
    assert decode(rows, features, [lost, sound], n_best=1)["prediction"] == ["d"]


def test_decode_not_finite_logits_still_answer(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b c", ("b", 2))]
    (feature,) = encode(rows, spelling_tokenizer)
    assert decode(rows, [feature], [np.full((8, 2), np.nan, dtype=np.float32)])["prediction"][0]


def test_decode_context_without_tokens_gives_empty_answer(spelling_tokenizer: Any) -> None:
    rows = [row("q", " ", ("b", 0)), row("q", "b", ("b", 0))]
    features = encode(rows, spelling_tokenizer)
    out = decode(rows, features, [np.zeros((f["length"], 2), dtype=np.float32) for f in features])
    assert out["prediction"] == ["", "b"]
    assert out["exact_match"] == [0, 1]


def test_decode_blank_piece_is_no_answer(xlmr_tokenizer: Any) -> None:
    rows = [row("q", "Hello, 东京", ("东京", 7))]
    (feature,) = encode(rows, xlmr_tokenizer)
    tokens = xlmr_tokenizer.convert_ids_to_tokens(feature["input_ids"])
    blank = len(tokens) - 1 - tokens[::-1].index("▁")
    out = decode(rows, [feature], [pointing(feature, blank, blank, 9.0)])
    assert out["prediction"][0].strip() == out["prediction"][0] != ""


def test_decode_rows_without_gold_are_left_out_and_id_may_be_missing(
    spelling_tokenizer: Any,
) -> None:
    rows = [row("q", "a", id="x"), row("q", "b", ("b", 0), id="y")]
    features = encode(rows, spelling_tokenizer)
    encoded = Encoded(
        Dataset.from_list(rows[1:] + rows[:1]).remove_columns("id"),
        Dataset.from_list(features[::-1]),
    )
    encoded.features = encoded.features.map(lambda feature: {"row": 1 - feature["row"]})
    out = span_qa.decode(
        [np.zeros((f["length"], 2), dtype=np.float32) for f in features], encoded, task()
    )
    assert (out["id"], out["prediction"]) == (["0"], ["b"])


# -- measures


def test_decode_measures_follow_the_language_of_the_split(spelling_tokenizer: Any) -> None:
    rows = [row("q", "la casa", ("casa", 3))]
    (feature,) = encode(rows, spelling_tokenizer)
    encoded = Encoded(Dataset.from_list(rows), Dataset.from_list([feature]), "es")
    logits = [pointing(feature, 4, feature["length"] - 2)]
    out = span_qa.decode(logits, encoded, task())
    assert out["prediction"] == ["la casa"]
    assert (out["exact_match"], out["f1"]) == ([0.0], [pytest.approx(2 / 3)])
    assert (out["mlqa_exact_match"], out["mlqa_f1"]) == ([1.0], [1.0])
    assert out["segmented_f1"] == [pytest.approx(2 / 3)]
    encoded.language = "en"
    assert span_qa.decode(logits, encoded, task())["mlqa_f1"] == [pytest.approx(2 / 3)]


def test_decode_rows_of_several_languages_follow_their_own(spelling_tokenizer: Any) -> None:
    rows = [{**row("q", "la b", ("b", 3), id=code), "language": code} for code in ("es", "en")]
    features = encode(rows, spelling_tokenizer)
    features[1]["row"] = 1
    out = decode(rows, features, [pointing(f, 4, f["length"] - 2) for f in features])
    assert out["mlqa_exact_match"] == [1.0, 0.0]


def test_decode_yields_the_statistics_of_every_metric(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b", ("b", 2))]
    features = encode(rows, spelling_tokenizer)
    for options in ({}, {"no_answer": True}):
        out = decode(rows, features, [pointing(features[0], 5, 5)], **options)
        assert all(METRICS[name].of(out) == 100.0 for name in SPAN_QA.metrics)


# -- questions without an answer


def test_encode_question_without_answer_trains_on_the_first_position_where_there_may_be_none(
    spelling_tokenizer: Any,
) -> None:
    rows = [row("q", "a b c d e"), row("q", "a b", ("z", 0)), row("q", "a b", ("b", 2))]
    features = encode(rows, spelling_tokenizer, length=8, stride=1, no_answer=True)
    # two windows of the first, one of each other: no answer, an answer that is not found, an answer
    assert [(f["row"], f["n_items"], f["start_position"]) for f in features] == [
        (0, 1, 0),
        (0, 1, 0),
        (1, 0, 0),
        (2, 1, 5),
    ]
    assert span_qa.collate(features, 1, None)["start_position_B"].tolist() == [0, 0, -100, 5]
    assert [f["n_items"] for f in encode(rows, spelling_tokenizer, length=8, stride=1)] == [
        0,
        0,
        0,
        1,
    ]


def nulled(feature: dict[str, Any], start: int, height: float, null: float) -> np.ndarray:
    """Logits whose best span is the token at `start` with `height`, and whose no-answer score is
    `null`.
    """
    logits = np.full((feature["length"], 2), -50.0, dtype=np.float32)
    logits[start] = height / 2
    logits[0] = null / 2
    return logits


def test_decode_no_answer_that_scores_higher_is_empty(spelling_tokenizer: Any) -> None:
    rows = [
        row("q", "a b", id="none"),
        row("q", "a b", ("b", 2), id="some"),
        row("q", "a b", ("b", 2), id="tie"),
    ]
    features = encode(rows, spelling_tokenizer, no_answer=True)
    logits = [nulled(f, 5, 4.0, null) for f, null in zip(features, (6.0, 2.0, 4.0), strict=True)]
    out = decode(rows, features, logits, no_answer=True)
    assert out["id"] == ["none", "some", "tie"]
    assert out["prediction"] == ["", "b", "b"]
    assert (
        out["exact_match"] == out["f1"] == out["mlqa_f1"] == out["segmented_f1"] == [1.0, 1.0, 1.0]
    )
    assert json.loads(out["gold"][0]) == []
    # Without the option the same logits answer, and rows without gold are left out.
    plain = decode(rows, features, logits)
    assert plain["prediction"] == ["b", "b"]
    assert plain["best_exact_match"] == plain["exact_match"] and plain["best_f1"] == plain["f1"]


def test_decode_no_answer_score_is_the_lowest_of_the_windows(spelling_tokenizer: Any) -> None:
    rows = [row("q", "a b c d e", ("b", 2))]
    features = encode(rows, spelling_tokenizer, length=8, stride=1, no_answer=True)
    logits = [nulled(features[0], 5, 4.0, 3.0), nulled(features[1], 5, 1.0, 9.0)]
    # The second window is sure of none, the first is not: 3 < 4
    assert decode(rows, features, logits, no_answer=True)["prediction"] == ["b"]


def test_decode_best_threshold_by_hand(spelling_tokenizer: Any) -> None:
    # doubt = no answer less best span; the best span is "b" everywhere.
    #   w: gold b     doubt -2   answered: right
    #   x: no answer  doubt -1   answered: wrong
    #   y: gold b c   doubt +1   answered: EM 0, F1 2 * 1 / 3
    #   z: gold b     doubt +2   answered: right
    rows = [
        row("q", "a b c", ("b c", 2), id="y"),
        row("q", "a b c", ("b", 2), id="w"),
        row("q", "a b c", id="x"),
        row("q", "a b c", ("b", 2), id="z"),
    ]
    features = encode(rows, spelling_tokenizer, no_answer=True)
    logits = [
        nulled(f, 5, 4.0, 4.0 + doubt)
        for f, doubt in zip(features, (1.0, -2.0, -1.0, 2.0), strict=True)
    ]
    out = decode(rows, features, logits, no_answer=True)
    # At threshold 0: w and x are answered, y and z are not.
    assert out["prediction"] == ["", "b", "b", ""]
    assert out["exact_match"] == out["f1"] == [0.0, 1.0, 0.0, 0.0]
    # EM, starting from x alone right (1): w +1 = 2, x -1 = 1, y 0 = 1, z +1 = 2. First best: after
    # w.
    assert out["best_exact_match"] == [0.0, 1.0, 1.0, 0.0]
    # F1: 2, 1, 1 2/3, 2 2/3: all are answered.
    assert out["best_f1"] == pytest.approx([2 / 3, 1.0, 0.0, 1.0])
    assert METRICS["best_qa_mean"].of(out) == pytest.approx(100 * (2 / 4 + (8 / 3) / 4) / 2)


def test_decode_no_answer_context_without_tokens_is_empty(spelling_tokenizer: Any) -> None:
    rows = [row("q", " ", ("b", 0)), row("q", " ")]
    features = encode(rows, spelling_tokenizer, no_answer=True)
    out = decode(
        rows,
        features,
        [np.zeros((f["length"], 2), dtype=np.float32) for f in features],
        no_answer=True,
    )
    assert out["prediction"] == ["", ""]
    assert out["exact_match"] == out["best_f1"] == [0.0, 1.0]


def test_best_of_n_with_all_candidates_equals_best_of_all() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 50, 12)).astype(np.float32)
    start[:, 3] = end[:, 3] = -np.inf
    for longest in (1, 4, 30):
        scores = [spans.best_of_n(start, end, 12, longest), spans.best_of_all(start, end, longest)]
        for first, second in zip(*scores, strict=True):
            np.testing.assert_array_equal(first, second)
        one = [
            max(start[i, a] + end[i, b] for a in range(12) for b in range(a, min(12, a + longest)))
            for i in range(50)
        ]
        np.testing.assert_allclose(scores[0][0], one)


def test_decode_five_thousand_questions_takes_seconds() -> None:
    rng = np.random.default_rng(0)
    n, tokens, head = 5000, 300, 20
    context = " ".join(f"w{i:03d}" for i in range(2 * tokens - 50))
    places = [place for i in range(2 * tokens - 50) for place in (5 * i, 5 * i + 4)]
    rows = Dataset.from_dict(
        {
            "context": [context] * n,
            "answers": [{"text": ["w007 w008", "w009"], "answer_start": [35, 45]}] * n,
        }
    )
    part = {0: places[: 2 * tokens], 1: places[2 * (tokens - 50) :]}
    features = Dataset.from_dict(
        {
            "row": [i // 2 for i in range(2 * n)],
            "context_start": [head] * 2 * n,
            "offsets": [part[i % 2] for i in range(2 * n)],
        }
    )
    noise = [rng.normal(size=(head + tokens + 1, 2)).astype(np.float32) for _ in range(50)]
    logits = [noise[i % 50] for i in range(2 * n)]
    began = time.perf_counter()
    out = span_qa.decode(logits, Encoded(rows, features), task())
    seconds = time.perf_counter() - began
    assert len(out["id"]) == n
    assert all(out["prediction"])
    assert seconds < 10, f"{seconds:.1f} s"  # 1 to 2 s on a free core; 50,000 in well under 20 s
