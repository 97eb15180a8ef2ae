"""SQuAD's measures of an answer, v1.1 and v2.0.

Both compare *normalised* texts. Rajpurkar et al. 2016 (arXiv 1606.05250, section 6.1) ignore
punctuation and the articles a, an, the; their scorer defines the rest: lower case first, then ASCII
punctuation is removed (not replaced by a space: "re-use" is "reuse"), then the three English
articles as whole words, then runs of white space become one space.

XTREME scores XQuAD and TyDiQA with these rules in *every* language. So "of the" in Spanish and a
full stop in Chinese stay, and an answer in a script without spaces is one long token, whose F1 is
close to its exact match. MLQA has its own scorer (`mlqa.py`); `segmented.py` corrects these faults.

**v2.0** (Rajpurkar et al. 2018, arXiv 1806.03822) adds questions without an answer. The right
answer to such a question is the empty text: gold answers that normalise to nothing are dropped, the
empty text is used if none is left, and two empty texts agree in both measures, while v1.1 gives
them an F1 of 0. The *no-answer margin* is a model's score of "no answer" minus that of its best
answer. The official script chooses on the scored table itself up to which margin questions are
answered (`answered`), separately for each measure. This is optimistic, and what papers report.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from xstilts.scoring.overlap import Pair, Scorer

Array = np.ndarray[Any, np.dtype[Any]]

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, one space between words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def scorer() -> Scorer:
    """The measures of v1.1."""
    return Scorer(normalise)


def score(prediction: str, golds: Sequence[str]) -> Pair:
    """v1.1's measures of one prediction; zeros without any gold answer."""
    return scorer().score(prediction, golds)


# -- v2.0


def scorer_v2() -> Scorer:
    """The measures of v2.0, to be used with `golds_v2`."""
    return Scorer(normalise, empty_f1=1.0)


def golds_v2(golds: Sequence[str]) -> list[str]:
    """The gold answers that v2.0 compares with: those with a token, or else only the empty text."""
    return [gold for gold in golds if normalise(gold)] or [""]


def answered(no_answer_margin: Array, gain: Array) -> Array:
    """Which questions to answer (bool) so that the total gain from answering is largest.

    `no_answer_margin`: score of "no answer" minus that of the best answer; `gain`: what the measure
    gains if the question is answered instead of left empty. As in the official script, questions
    are answered in the order of their margins (ties in the given order), and the shortest run with
    the largest total is taken: equal margins may fall on both sides.
    """
    order = np.argsort(no_answer_margin, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(gain, dtype=np.float64)[order])])
    chosen = np.zeros(len(order), dtype=bool)
    chosen[order[: int(sums.argmax())]] = True
    return chosen
