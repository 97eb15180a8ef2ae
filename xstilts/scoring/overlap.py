"""Answers against gold answers: exact match and token F1 under any normalisation.

The scorers of question answering differ only in how they normalise texts before comparing them
(`squad.py`, `mlqa.py`, `segmented.py`). Their common part is here. A normalisation returns the text
to compare, its tokens separated by spaces. Exact match asks whether two of these are equal; F1 is
the harmonic mean of precision and recall of their tokens, each counted as often as it occurs. With
several gold answers the best value counts, for each measure separately.

Two answers without any token are an exact match. Their F1 is 0 by the rules of SQuAD v1.1 and MLQA,
since they share nothing, and 1 by those of SQuAD v2.0: `empty_f1`.

The same texts are compared many times: three equal gold answers, a name in many questions. A scorer
remembers every text it has normalised, so it should serve one table of answers and then be dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Pair(NamedTuple):
    """Both measures of one answer, 0 to 1."""

    exact_match: float
    f1: float


class Scorer:
    """Exact match and token F1 under one normalisation."""

    def __init__(self, normalise: Callable[[str], str], *, empty_f1: float = 0.0) -> None:
        self._normalise = normalise
        self.empty_f1 = empty_f1
        self._seen: dict[str, str] = {}

    def normal(self, text: str) -> str:
        """`text` as normalised for comparison."""
        known = self._seen.get(text)
        if known is None:
            known = self._seen[text] = self._normalise(text)
        return known

    def score(self, prediction: str, golds: Sequence[str]) -> Pair:
        """The best of each measure over `golds`; zeros if there are none."""
        predicted = self.normal(prediction)
        wanted = {self.normal(gold) for gold in golds}
        if predicted in wanted and predicted:
            return Pair(1.0, 1.0)
        exact = float(predicted in wanted)
        if not predicted:
            return Pair(exact, self.empty_f1 * exact)
        tokens = predicted.split(" ")
        return Pair(
            exact, max((token_f1(tokens, gold.split(" ")) for gold in wanted if gold), default=0.0)
        )


def token_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """2 shared / (predicted + gold), which is 2 P R / (P + R)."""
    if len(predicted) == len(gold) == 1:
        return float(predicted[0] == gold[0])
    left = Counter(gold)
    shared = 0
    for token in predicted:
        if left[token] > 0:
            left[token] -= 1
            shared += 1
    return 2.0 * shared / (len(predicted) + len(gold)) if shared else 0.0
