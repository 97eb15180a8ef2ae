"""The groups of a task: what it teaches, how large it is, what its rows are.

What a task teaches is the kind among its `groups` (`tasks/vocabulary.py` has the words); a user's
own task without such a word takes the first of its `groups`. The size class is the one that its
groups name, or a smaller one where a sweep limits its training rows. A mixture or a chain whose
tasks agree has their group, otherwise it is a `mixture`.
"""

from __future__ import annotations

from collections.abc import Callable

from xstilts.spec.sweep import Sweep
from xstilts.spec.task import Task
from xstilts.tasks.vocabulary import KINDS, SIZES, size_group

MIXTURE, OTHER = "mixture", "other"
DATA = {
    "translate": "translated",
    "lookup": "translated",
    "dictionary": "code-switched",
    "pseudo": "invented words",
}
"""Transform to the kind of rows that it makes."""


def teaches(task: Task) -> str:
    """`syntactic`, `semantic`, ...: what it teaches, or tests."""
    known = [word for word in task.groups if word in KINDS]
    return (known or [word for word in task.groups if word not in SIZES] or [OTHER])[0]


def size_class(task: Task) -> str:
    """`small`, `medium`, `large`: as its groups say, or smaller where a limit cuts its rows."""
    words = [word for word in task.groups if word in SIZES][:1]
    if task.limits.train is not None:
        words.append(size_group(task.limits.train))
    # The table goes from large to small.
    return max(words, key=list(SIZES).index).removeprefix("size:") if words else OTHER


def data_kind(task: Task) -> str:
    """What its training rows are: original (in its own language), translated, code-switched, or
    in invented words. A union whose parts differ is a mixture.
    """
    transform = task.transform
    if transform is None:
        kinds = {data_kind(part) for part in task.parts}
        return "original" if not kinds else kinds.pop() if len(kinds) == 1 else MIXTURE
    kind = next(word for name, word in DATA.items() if getattr(transform, name) is not None)
    return f"{kind}, in part" if transform.share < 1 or transform.add else kind


def of_intermediate(sweep: Sweep, label: str, what: Callable[[Task], str]) -> str:
    """The group of an intermediate: that of its tasks where they agree, else `mixture`."""
    groups = {what(sweep.task(name)) for name in sweep.members(label)}
    return groups.pop() if len(groups) == 1 else MIXTURE
