"""How a training's rows are transformed and mixed, in a few words, for reports and MLflow.

rates        `proportional`, `0.25, 0.75`, or `cap 131072, temperature 2, mlm 0.2`
transforms   `translated into de, sw by <model>`, `code-switched with de, ru`, `invented words`;
             with several tasks, each after the name of its task
"""

from __future__ import annotations

from collections.abc import Sequence

from xstilts.spec.sweep import Rates
from xstilts.spec.task import Task
from xstilts.spec.transforms import Transform


def rates(value: str | Sequence[float] | Rates) -> str:
    """Sampling rates in a few words."""
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
    """What a transform does to a task's training rows."""
    if value.translate is not None:
        text = f"translated into {', '.join(value.translate.languages)} by {value.translate.model}"
    elif value.lookup is not None:
        text = f"translated into {', '.join(value.lookup.languages)}, from files"
    elif value.dictionary is not None:
        switch = value.dictionary
        text = (
            f"code-switched with {', '.join(switch.languages)}, {switch.word_ratio:g} of the words"
        )
        text += f" of {switch.sentence_ratio:g} of the rows" if switch.sentence_ratio < 1 else ""
        text += "" if switch.cross else ", one language a row"
    else:
        assert value.pseudo is not None
        ratio = value.pseudo.word_ratio
        text = "invented words" + (f", {ratio:g} of them" if ratio < 1 else "")
    share = f"; {value.share:g} of the rows" if value.share < 1 else ""
    return f"{text}{share}{'; beside the rows as they are' if value.add else ''}"


def transforms(tasks: Sequence[Task]) -> str:
    """What is done to the training rows of all members of a training; empty where no member has a
    transform.
    """
    leaves = [leaf for task in tasks for leaf in (task, *(task.leaves if task.parts else ()))]
    texts = [
        (leaf.name, transformed(leaf.transform)) for leaf in leaves if leaf.transform is not None
    ]
    if len(tasks) == 1 and len(leaves) == 1:
        return "".join(text for _, text in texts)
    return " | ".join(f"{name}: {text}" for name, text in texts)
