"""A training as flat params: its hyperparameters, and, in words, how its rows are transformed and
mixed.

lr, steps, ...         as in the sweep file
tasks, rates, heads    of a mixture: its members, how they are drawn, `separate` or `shared`
transform              where training rows are translated, code-switched or in invented words
"""

from __future__ import annotations

from xstilts.spec.described import rates, transforms
from xstilts.spec.phase import PhaseSpec
from xstilts.tracking.numbers import text


def of_training(spec: PhaseSpec) -> dict[str, str]:
    """Name to value, without the prefix that says which training of the pair it is."""
    found = {name: text(value) for name, value in spec.hyper.model_dump(mode="json").items()}
    tasks = [member.task for member in spec.members]
    if len(tasks) > 1:
        found |= {
            "tasks": ", ".join(task.name for task in tasks),
            "rates": rates(spec.rates),
            "heads": spec.heads,
        }
    transformed = transforms(tasks)
    return found | ({"transform": transformed} if transformed else {})
