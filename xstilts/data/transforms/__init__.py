"""Changes to a task's training rows before they are tokenised: translation, code-switching,
invented words.

A *transform* is part of a task (`Task.transform`) and changes only the rows of its use `train`.
Labels stay right: `translate.py` and `lookup.py` find answers again, and drop and count the rows
where they can't; `dictionary.py` and `pseudo.py` replace word by word and lose nothing. Every draw
depends on the seed and the row's number, so limits, batches and the order of work change nothing.
Development and test rows stay as they are.

    apply         the rows, transformed
    revision      hash of everything that decides them, apart from the rows themselves
    problems      what a transform lacks, for `check`
    facts         what the transform did: rows dropped by reason, words replaced
    summary_line  the facts in one line
    under_way     progress of the translations being made now
"""

from __future__ import annotations

from xstilts.data.transforms.inputs import problems, revision
from xstilts.data.transforms.notes import facts, summary_line
from xstilts.data.transforms.shards import under_way
from xstilts.data.transforms.training_rows import apply, expected_rows

__all__ = ["apply", "expected_rows", "facts", "problems", "revision", "summary_line", "under_way"]
