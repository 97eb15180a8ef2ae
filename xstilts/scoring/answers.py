"""All measures of a table of answers, as the columns that span QA's metrics are made of.

Each answer is scored in three ways: as SQuAD does (`squad.py`), as MLQA does in the answer's
language (`mlqa.py`), and with the mended F1 (`segmented.py`). `best_exact_match` and `best_f1` are
SQuAD v2.0's after the no-answer threshold that is best for the table; where every question has an
answer they are the plain ones. All values are 0 to 1.

Legend: one entry a question in `texts` (the best span of its context), `golds` (its gold answers),
`languages`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xstilts.scoring import mlqa, segmented, squad
from xstilts.scoring.overlap import Scorer
from xstilts.scoring.squad import Array

Columns = dict[str, list[float]]


def always(texts: Sequence[str], golds: Sequence[list[str]], languages: Sequence[str]) -> Columns:
    """The measures where every question has an answer."""
    columns = _columns(texts, golds, languages, squad.scorer())
    return {**columns, **{f"best_{name}": columns[name] for name in ("exact_match", "f1")}}


def with_no_answer(
    texts: Sequence[str],
    golds: Sequence[list[str]],
    languages: Sequence[str],
    no_answer_margin: Array,
) -> tuple[list[str], Columns]:
    """The predictions, empty where `no_answer_margin` is above 0, and their measures, where a question may
    have no answer.

    `no_answer_margin`: score of no answer less that of the best span; no `golds`: a question without an
    answer.
    """
    scorer, wanted = squad.scorer_v2(), [squad.golds_v2(gold) for gold in golds]
    empty = no_answer_margin > 0
    predictions = ["" if none else text for text, none in zip(texts, empty, strict=True)]
    columns = _columns(predictions, wanted, languages, scorer)
    left = np.array([float(not gold) for gold in golds])
    for place, name in enumerate(("best_exact_match", "best_f1")):
        # As the official script has it: any answer to a question without one is wrong, were it but
        # an article.
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
    mended = {language: segmented.scorer(language) for language in by_mlqa}
    names = ("exact_match", "f1", "mlqa_exact_match", "mlqa_f1", "segmented_f1")
    columns: Columns = {name: [] for name in names}
    for text, gold, language in zip(texts, golds, languages, strict=True):
        values = (
            *plain.score(text, gold),
            *by_mlqa[language].score(text, gold),
            mended[language].score(text, gold).f1,
        )
        for name, value in zip(names, values, strict=True):
            columns[name].append(value)
    return columns
