"""What is made of a task's training rows before they are tokenised: translated, code-switched,
invented.

A *transform* is part of a task (`Task.transform`) and touches the rows of its use `train` alone.
Labels survive: `translate.py` and `lookup.py` find answers again and drop what they can't find, and
count it; `dictionary.py` and `pseudo.py` replace word by word, so that nothing is lost. Every draw
depends on the seed and the number of the row, so limits, batches and the order of work change
nothing. Development and test rows stay as they are.

    apply      the rows, transformed
    revision   hash of all that decides them, beside the rows themselves
    problems   what is missing, for `check`
    facts      what came of it: rows dropped by reason, words replaced; `summary_line` in one line
    under_way  how far translations are that somebody makes now
"""

from __future__ import annotations

from xstilts.data.transforms.inputs import problems, revision
from xstilts.data.transforms.notes import facts, summary_line
from xstilts.data.transforms.shards import under_way
from xstilts.data.transforms.training_rows import apply, expected_rows

__all__ = ["apply", "expected_rows", "facts", "problems", "revision", "summary_line", "under_way"]
