"""What a training's rows are made of and how they are mixed, in a few words, for a report and for
MLflow.

rates        `proportional`, `0.25, 0.75`, or `cap 131072, temperature 2, mlm 0.2`
transforms   `translated into de, sw by <model>`, `code-switched with de, ru`, `invented words`; of several tasks
             after each one's name
"""

from __future__ import annotations

from collections.abc import Sequence

from xstilts.spec.sweep import Rates
from xstilts.spec.task import Task
from xstilts.spec.transforms import Transform


def rates(value: str | Sequence[float] | Rates) -> str:
    """Sampling rates as one writes them."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Rates):
        return ", ".join(f"{rate:g}" for rate in value)
    parts = [
        "proportional" if value.cap is None else f"cap {value.cap}",
        *([f"temperature {value.temperature:g}"] if value.temperature != 1 else []),
        *(f"{name} {rate:g}" for name, rate in value.fixed.items()),
    ]
    return ", ".join(parts)


def transformed(value: Transform) -> str:
    """What is made of a task's training rows."""
    if value.translate is not None:
        made = f"translated into {', '.join(value.translate.languages)} by {value.translate.model}"
    elif value.lookup is not None:
        made = f"translated into {', '.join(value.lookup.languages)}, from files"
    elif value.dictionary is not None:
        switch = value.dictionary
        made = (
            f"code-switched with {', '.join(switch.languages)}, {switch.word_ratio:g} of the words"
        )
        made += f" of {switch.sentence_ratio:g} of the rows" if switch.sentence_ratio < 1 else ""
        made += "" if switch.cross else ", one language a row"
    else:
        assert value.pseudo is not None
        ratio = value.pseudo.word_ratio
        made = "invented words" + (f", {ratio:g} of them" if ratio < 1 else "")
    share = f"; {value.share:g} of the rows" if value.share < 1 else ""
    return f"{made}{share}{'; beside the rows as they are' if value.add else ''}"


def transforms(tasks: Sequence[Task]) -> str:
    """What is made of the training rows of all members of a training; nothing where they are taken
    as they are.
    """
    leaves = [leaf for task in tasks for leaf in (task, *(task.leaves if task.parts else ()))]
    found = [
        (leaf.name, transformed(leaf.transform)) for leaf in leaves if leaf.transform is not None
    ]
    if len(tasks) == 1 and len(leaves) == 1:
        return "".join(made for _, made in found)
    return " | ".join(f"{name}: {made}" for name, made in found)
