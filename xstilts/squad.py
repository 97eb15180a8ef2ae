"""SQuAD v1.1's measures of an answer: exact match and token F1.

Both compare *normalised* texts. Rajpurkar et al. 2016 (arXiv 1606.05250, section 6.1) ignore
punctuation and the articles a, an, the; their scorer fixes the rest: lower case first, then ASCII
punctuation removed (not replaced by a blank: "re-use" is "reuse"), then the three English articles
as whole words, then runs of white space made one blank. Against several gold answers the best
value counts, for each measure on its own.

XTREME scores XQuAD, MLQA and TyDiQA here with these rules in *every* language. So "of the" in
Spanish or a full stop in Chinese stay, and a language written without blanks is one long token,
whose F1 is near its exact match. MLQA's own scorer knows other articles and splits Chinese into
characters; it is not used, and numbers of MLQA papers are a little higher.

Two empty texts: exact match is 1 and F1 is 0, since no token is shared (v2.0 differs).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, one blank between words."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, golds: Sequence[str]) -> float:
    """1.0 where the normalised prediction is one of the normalised `golds`, else 0.0."""
    wanted = normalise(prediction)
    return float(any(normalise(gold) == wanted for gold in golds))


def f1(prediction: str, golds: Sequence[str]) -> float:
    """Best token F1 against `golds`, 0..1; tokens are what blanks separate, each counted as often as it stands."""
    return score(prediction, golds)[1]


def score(prediction: str, golds: Sequence[str]) -> tuple[float, float]:
    """`(exact_match, f1)` of one prediction; (0.0, 0.0) without any gold answer."""
    predicted = normalise(prediction)
    wanted = {normalise(gold) for gold in golds}
    if predicted in wanted and predicted:
        return 1.0, 1.0
    return float(predicted in wanted), max((_token_f1(predicted.split(), gold.split()) for gold in wanted), default=0.0)


def _token_f1(predicted: list[str], gold: list[str]) -> float:
    """Harmonic mean of precision and recall of the shared tokens: 2 shared / (predicted + gold)."""
    shared = (Counter(predicted) & Counter(gold)).total()
    return 2.0 * shared / (len(predicted) + len(gold)) if shared else 0.0
