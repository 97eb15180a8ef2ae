"""What group a task is of: what it teaches, how large it is, what its rows are.

What a task teaches is the kind among its `groups` (`tasks/vocabulary.py` has the words); a task of
one's own without such a word is of the first of its `groups`. The size class is the one its groups
name, or a smaller one where a sweep cuts its training rows. A mixture whose members agree is of
their group, else it is a `mixture`.
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
"""Transform to what the rows are after it."""


def teaches(task: Task) -> str:
    """`syntactic`, `semantic`, ...: what it teaches, or tests."""
    known = [word for word in task.groups if word in KINDS]
    return (known or [word for word in task.groups if word not in SIZES] or [OTHER])[0]


def size_class(task: Task) -> str:
    """`small`, `medium`, `large`: as its groups say, smaller where a limit cuts it."""
    words = [word for word in task.groups if word in SIZES][:1]
    if task.limits.train is not None:
        words.append(size_group(task.limits.train))
    # The table goes from large to small.
    return max(words, key=list(SIZES).index).removeprefix("size:") if words else OTHER


def data_kind(task: Task) -> str:
    """What its training rows are: English (or whatever its language is), translated, code-switched,
    invented words.

    A union whose parts differ is a mixture.
    """
    transform = task.transform
    if transform is None:
        kinds = {data_kind(part) for part in task.parts}
        return "original" if not kinds else kinds.pop() if len(kinds) == 1 else MIXTURE
    kind = next(word for name, word in DATA.items() if getattr(transform, name) is not None)
    return f"{kind}, in part" if transform.share < 1 or transform.add else kind


def of_intermediate(sweep: Sweep, label: str, what: Callable[[Task], str]) -> str:
    """The group of an intermediate; members of a mixture, and stages of a chain, must agree, or it is
    a `mixture`.
    """
    groups = {what(sweep.task(name)) for name in sweep.members(label)}
    return groups.pop() if len(groups) == 1 else MIXTURE
