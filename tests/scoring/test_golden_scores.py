"""Every metric on predictions scored by hand, awkward ones first; the working stands beside each
case.

A case is a table of predictions as a format writes it and the values of some metrics, in percent.
The last test asks that no metric is without a case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from xstilts.formats import classification, regression, tagging
from xstilts.scoring import answers as answer_scores
from xstilts.scoring.metrics import METRICS


@dataclass(frozen=True, kw_only=True)
class Case:
    """Predictions and their scores."""

    name: str
    columns: dict[str, Any]
    scores: dict[str, float]


def qa(language: str, *answers: tuple[str, list[str]]) -> dict[str, Any]:
    """The columns of answers (prediction, golds) to questions that have one."""
    texts, golds = zip(*answers, strict=True)
    return dict(answer_scores.always(texts, golds, [language] * len(texts)))


def qa_v2(*answers: tuple[str, list[str], float]) -> dict[str, Any]:
    """The columns of (best span, golds, no-answer margin) where a question may have no answer."""
    texts, golds, doubts = zip(*answers, strict=True)
    return dict(
        answer_scores.with_no_answer(texts, golds, ["en"] * len(texts), np.array(doubts))[1]
    )


def tags(*sentences: tuple[str, str]) -> dict[str, Any]:
    """The columns of sentences (gold, predicted), tags parted by blanks."""
    return dict(
        tagging.statistics(
            [gold.split() for gold, _ in sentences], [guess.split() for _, guess in sentences]
        )
    )


def labels(gold: str, predicted: str, positive: str) -> dict[str, Any]:
    """The columns of labels of one letter."""
    correct = [int(g == p) for g, p in zip(gold, predicted, strict=True)]
    return {"correct": correct, **classification.binary_counts(predicted, gold, positive)}


def numbers(predicted: list[float], gold: list[float]) -> dict[str, Any]:
    """The columns of numbers."""
    return dict(
        regression.moments(np.array(predicted, dtype=np.float64), np.array(gold, dtype=np.float64))
    )


def same(prefix: str, exact_match: float, f1: float) -> dict[str, float]:
    """Both measures of one scorer and their mean."""
    mean = {"": "qa_mean", "mlqa_": "mlqa_mean", "best_": "best_qa_mean"}[prefix]
    return {f"{prefix}exact_match": exact_match, f"{prefix}f1": f1, mean: (exact_match + f1) / 2}


CASES = (
    Case(
        name=(
            "answers that are empty, articles, punctuation, one of several golds, and the "
            "same twice"
        ),
        columns=qa(
            "en",
            ("", ["Paris"]),  # nothing: 0 and 0
            ("the", ["a"]),  # both normalise to nothing: EM 1, F1 0; segmented 1
            ("?!", ["..."]),  # the same
            (
                "in Paris, France",
                ["Paris", "Paris France"],
            ),  # EM 0; F1 of 2*1/(3+1) = .5 and 2*2/(3+2) = .8
            ("in Paris, France", ["Paris", "Paris France"]),
        ),
        # EM 2/5; F1 1.6/5; segmented (0 + 1 + 1 + .8 + .8)/5
        scores={
            **same("", 40, 32),
            **same("mlqa_", 40, 32),
            **same("best_", 40, 32),
            "segmented_f1": 72,
        },
    ),
    Case(
        name=(
            "Thai has no blanks: one token for SQuAD and for MLQA's scorer, characters when "
            "segmented"
        ),
        columns=qa(
            "th",
            ("กรุงเทพ", ["เทพ"]),  # ก รุ ง เ ท พ against เ ท พ: 2*3/(6+3) = 2/3
            (
                "“กรุงเทพ”",
                ["กรุงเทพ"],
            ),  # the quotation marks are no ASCII: equal for MLQA and segmented
        ),
        scores={**same("", 0, 0), **same("mlqa_", 50, 50), "segmented_f1": 100 * (2 / 3 + 1) / 2},
    ),
    Case(
        name="Chinese: characters for MLQA; the full stop is no ASCII",
        columns=qa(
            "zh",
            ("北京市", ["北京"]),  # MLQA 2*2/(3+2) = .8
            ("北京。", ["北京"]),  # MLQA equal
            ("2008年", ["2008"]),  # MLQA 2008 年 against 2008: 2*1/(2+1) = 2/3
            ("北京", ["北京"]),
        ),
        scores={
            **same("", 25, 25),
            **same("mlqa_", 50, 100 * (0.8 + 1 + 2 / 3 + 1) / 4),
            "segmented_f1": 100 * (0.8 + 1 + 2 / 3 + 1) / 4,
        },
    ),
    Case(
        name="Arabic: MLQA drops the article wherever its letters stand",
        columns=qa(
            "ar",
            ("الكتاب", ["كتاب"]),  # the prefix: equal
            ("الكتاب،", ["الكتاب"]),  # an Arabic comma
            ("مقالة", ["مق"]),  # inside: مق ة against مق, 2*1/(2+1) = 2/3
        ),
        # SQuAD has no exact one: the comma stays. Segmented: the second alone
        scores={
            **same("", 0, 0),
            **same("mlqa_", 200 / 3, 100 * (1 + 1 + 2 / 3) / 3),
            "segmented_f1": 100 / 3,
        },
    ),
    Case(
        name="German and English articles, each in its language",
        columns=qa("de", ("das Haus", ["Haus"]), ("the Haus", ["Haus"]), ("an", ["a"])),
        # SQuAD: das stays 2*1/3; the goes, 1; an and a both empty, EM 1 F1 0.
        # MLQA: das goes, 1; the stays 2/3; an against a 0. Segmented: 2/3, 2/3, 0
        scores={
            **same("", 200 / 3, 100 * (2 / 3 + 1) / 3),
            **same("mlqa_", 100 / 3, 100 * (1 + 2 / 3) / 3),
            "segmented_f1": 100 * (4 / 3) / 3,
        },
    ),
    Case(
        name="questions without an answer: threshold 0 and the best one",
        columns=qa_v2(
            ("Paris", ["Paris"], -2.0),  # answered, right
            ("Rome", [], -1.0),  # answered, wrong
            ("in Oslo", ["Oslo"], 1.0),  # left empty: 0; answered EM 0, F1 2*1/(2+1) = 2/3
            ("Bonn", ["Bonn"], 2.0),  # left empty: 0; answered 1
            ("", [], 3.0),  # no span at all: right either way
        ),
        # At 0: right are 1 and 5: 40. EM from (2 and 5 left empty) 2: 3, 2, 2, 3, 3: first best 3
        # of 5. F1: 3, 2, 2 2/3, 3 2/3: best 11/3 of 5.
        scores={
            **same("", 40, 40),
            **same("mlqa_", 40, 40),
            "segmented_f1": 40,
            **same("best_", 60, 1100 / 15),
        },
    ),
    Case(
        name="speech: runs are chunks, conjunctions are apart in seqeval 0.0.12 and one in 1.2.2",
        columns=tags(
            # DET, NOUN NOUN, VERB against DET, NOUN, VERB VERB: 1 of 3 and 3
            ("DET NOUN NOUN VERB", "DET NOUN VERB VERB"),
            # 0.0.12: NOUN of 2 and 2; 1.2.2: both
            ("CCONJ NOUN", "SCONJ NOUN"),
        ),
        # 2 * 2 / (5 + 5); 2 * 3 / (5 + 5); tokens 3 of 4 and 1 of 2
        scores={"chunk_f1": 40, "chunk_f1_merged": 60, "token_accuracy": 400 / 6},
    ),
    Case(
        name="entities: the same in both; an empty sentence and one without entities count nothing",
        columns=tags(
            ("B-PER I-PER O B-LOC", "B-PER O O B-LOC"),  # LOC alone agrees: 1 of 2 and 2
            ("O O", "O O"),
            ("", ""),
            ("B-PER I-PER", "I-PER I-PER"),  # a chunk that begins with I is one: 1 of 1 and 1
        ),
        scores={"chunk_f1": 200 / 3, "chunk_f1_merged": 200 / 3, "token_accuracy": 600 / 8},
    ),
    Case(
        name="two labels",
        # y: 2 right, 1 wrongly said, 1 missed; n: 4 right. F1 2*2/(4+1+1); accuracy 6/8
        # MCC (2*4 - 1*1) / sqrt(3*3*5*5) = 7/15
        columns=labels("yyynnnnn", "yynynnnn", "y"),
        scores={
            "accuracy": 75,
            "binary_f1": 200 / 3,
            "accuracy_f1": (75 + 200 / 3) / 2,
            "matthews": 700 / 15,
        },
    ),
    Case(
        name="constant predictions: no correlation, whatever the accuracy",
        columns=labels("nnnny", "nnnnn", "y"),
        scores={"accuracy": 80, "binary_f1": 0, "accuracy_f1": 40, "matthews": 0},
    ),
    Case(
        name="numbers with a tie",
        columns=numbers([1, 2, 2, 5], [0, 2, 3, 3]),
        # Pearson: deviations -1.5 -.5 -.5 2.5 and -2 0 1 1: 5 / sqrt(9 * 6) = .680414 Ranks 1 2.5
        # 2.5 4 and 1 2 3.5 3.5: -1.5 0 0 1.5 and -1.5 -.5 1 1: 3.75 / sqrt(4.5 * 4.5) = .833333
        scores={"pearson": 68.0414, "spearman": 83.3333, "correlation": (68.0414 + 83.3333) / 2},
    ),
    Case(
        name="the same number everywhere",
        columns=numbers([0.1] * 5, [0, 1, 2, 3, 4]),
        scores={"pearson": 0, "spearman": 0, "correlation": 0},
    ),
    Case(
        name="mined pairs",
        # 1 of 3 predicted is right, 2 gold: 2*1/5; at the best threshold 1 of 1: 2*1/3
        columns={
            "true_positives": [1, 0, 0, 0],
            "predicted": [1, 1, 1, 0],
            "gold_pairs": [1, 0, 0, 1],
            "best_true_positives": [1, 0, 0, 0],
            "best_predicted": [1, 0, 0, 0],
        },
        scores={"mining_f1": 40, "mining_best_f1": 200 / 3},
    ),
    Case(
        name="ranked candidates, one query without a right one among the first k",
        columns={"average_precision": [1.0, 0.5, 0.0], "reciprocal_rank": [1.0, 0.25, 0.0]},
        scores={"map_at_k": 50, "mrr_at_k": 125 / 3},
    ),
    Case(
        name="masked tokens count, not blocks",
        columns={"tokens_correct": [1, 9], "tokens": [10, 10]},
        scores={"masked_accuracy": 50},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_score_of_predictions_is_what_the_hand_says(case: Case) -> None:
    found = {name: METRICS[name].of(case.columns) for name in case.scores}

    assert found == pytest.approx(case.scores, abs=1e-4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_score_of_duplicated_rows_is_the_same(case: Case) -> None:
    twice = {name: list(values) * 2 for name, values in case.columns.items()}

    for name, value in case.scores.items():
        assert METRICS[name].of(twice) == pytest.approx(value, abs=1e-4)


def test_cases_leave_out_no_metric() -> None:
    assert {name for case in CASES for name in case.scores} == set(METRICS)
