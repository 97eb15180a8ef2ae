"""What cannot be right in rows that can be used: a sentence for each doubt.

`answers` looks at offsets that are counted in another unit; `tokens` at words that carry a prefix
or hold a sentence; `texts` at texts that are missing, all the same, or one column read twice;
`choices` at rows whose choices leave no choice. Each module makes one pass over a role table and
speaks only where something is certain: a warning that comes with good data is not read any more.
What needs the rows of several uses is in `checks.audit.classes`.

A sentence says how many rows, what it means and what to do. Names that differ between languages
stand in backticks, so that the same doubt in several languages can be told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xstilts.data.doubts import answers, choices, texts, tokens
from xstilts.spec.task import Task, Use

if TYPE_CHECKING:
    import pyarrow as pa


def doubts(table: pa.Table, task: Task, use: Use) -> tuple[str, ...]:
    """The doubts about the rows of one use in one language; `table` has them under their roles."""
    if not table.num_rows:
        return ()
    found = [*texts.doubts(table, task, use)]
    if "answers" in table.column_names:
        found += answers.doubts(table, use)
    if "tokens" in table.column_names:
        found += tokens.doubts(table, task)
    if "choices" in table.column_names:
        found += choices.doubts(table, task)
    return tuple(found)
