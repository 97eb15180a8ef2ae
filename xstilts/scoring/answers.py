"""All measures of a table of answers, as the columns from which span QA's metrics are computed.

Each answer is scored in three ways: by SQuAD's rules (`squad.py`), by MLQA's rules for its language
(`mlqa.py`), and with the corrected F1 (`segmented.py`). `best_exact_match` and `best_f1` are SQuAD
v2.0's, with the no-answer threshold that is best for the table; if every question has an answer
they are the plain measures. All values are between 0 and 1.

`texts` (the best span of a question's context), `golds` (its gold answers) and `languages` have one
entry for each question.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xstilts.scoring import mlqa, segmented, squad
from xstilts.scoring.overlap import Scorer
from xstilts.scoring.squad import Array

Columns = dict[str, list[float]]


def always(texts: Sequence[str], golds: Sequence[list[str]], languages: Sequence[str]) -> Columns:
    """The measures if every question has an answer."""
    columns = _columns(texts, golds, languages, squad.scorer())
    return {**columns, **{f"best_{name}": columns[name] for name in ("exact_match", "f1")}}


def with_no_answer(
    texts: Sequence[str],
    golds: Sequence[list[str]],
    languages: Sequence[str],
    no_answer_margin: Array,
) -> tuple[list[str], Columns]:
    """The predictions and their measures if questions may have no answer.

    `no_answer_margin`: score of "no answer" minus that of the best span; above 0 the prediction is
    empty. A question without an answer has no `golds`.
    """
    scorer, wanted = squad.scorer_v2(), [squad.golds_v2(gold) for gold in golds]
    empty = no_answer_margin > 0
    predictions = ["" if none else text for text, none in zip(texts, empty, strict=True)]
    columns = _columns(predictions, wanted, languages, scorer)
    left = np.array([float(not gold) for gold in golds])
    for place, name in enumerate(("best_exact_match", "best_f1")):
        # As in the official script, any answer to a question without one is wrong, even an article.
        given = [
            scorer.score(text, want)[place] if gold else float(not text)
            for text, want, gold in zip(texts, wanted, golds, strict=True)
        ]
        columns[name] = np.where(
            squad.answered(no_answer_margin, np.array(given) - left), given, left
        ).tolist()
    return predictions, columns


def _columns(
    texts: Sequence[str], golds: Sequence[list[str]], languages: Sequence[str], plain: Scorer
) -> Columns:
    by_mlqa = {
        language: mlqa.scorer(language, empty_f1=plain.empty_f1) for language in set(languages)
    }
    segmented_scorers = {language: segmented.scorer(language) for language in by_mlqa}
    names = ("exact_match", "f1", "mlqa_exact_match", "mlqa_f1", "segmented_f1")
    columns: Columns = {name: [] for name in names}
    for text, gold, language in zip(texts, golds, languages, strict=True):
        values = (
            *plain.score(text, gold),
            *by_mlqa[language].score(text, gold),
            segmented_scorers[language].score(text, gold).f1,
        )
        for name, value in zip(names, values, strict=True):
            columns[name].append(value)
    return columns
