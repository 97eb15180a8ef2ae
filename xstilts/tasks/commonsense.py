"""Multiple choice by everyday knowledge, in English.

Each row has two to five choices, each read after the context (and the question, or the half
sentence that all of them continue). Test labels are hidden on the hub, so `test` is the validation
split.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.task import Source, Task
from xstilts.tasks.hub_splits import TESTED_ON_DEV

_FOUR = ("0", "1", "2", "3")

HELLASWAG = Task(
    name="hellaswag",
    format="multiple_choice",
    # The endings continue a half sentence, `ctx_b`, which is put before each of them.
    source=Source(hub="Rowan/hellaswag"),
    columns={"context": "ctx_a", "prefix": "ctx_b", "choices": "endings", "label": "label"},
    splits=TESTED_ON_DEV,
    labels=_FOUR,
    metric="accuracy",
    groups=("semantic", "commonsense", "size:medium"),
    licence="MIT",
)

SWAG = Task(
    name="swag",
    format="multiple_choice",
    # As HellaSwag: `sent2` is the half sentence.
    source=Source(hub="allenai/swag", config="regular"),
    columns={
        "context": "sent1",
        "prefix": "sent2",
        "choices": "ending0,ending1,ending2,ending3",
        "label": "label",
    },
    splits=TESTED_ON_DEV,
    labels=_FOUR,
    metric="accuracy",
    groups=("semantic", "commonsense", "size:medium"),
    licence="unknown on the card",
)

SOCIAL_I_QA = Task(
    name="social_i_qa",
    format="multiple_choice",
    source=Source(hub="allenai/social_i_qa"),
    columns={
        "context": "context",
        "question": "question",
        "choices": "answerA,answerB,answerC",
        "label": "label",
    },
    splits=TESTED_ON_DEV,
    labels=("1", "2", "3"),
    metric="accuracy",
    groups=("semantic", "commonsense", "size:medium"),
    licence="CC BY 4.0",
)

COSMOS_QA = Task(
    name="cosmos_qa",
    format="multiple_choice",
    source=Source(hub="allenai/cosmos_qa"),
    columns={
        "context": "context",
        "question": "question",
        "choices": "answer0,answer1,answer2,answer3",
        "label": "label",
    },
    splits=TESTED_ON_DEV,
    labels=_FOUR,
    metric="accuracy",
    groups=("semantic", "commonsense", "reading", "size:medium"),
    licence="CC BY 4.0",
)

COMMONSENSE_QA = Task(
    name="commonsense_qa",
    format="multiple_choice",
    # A question without a passage. The hub keeps the five choices as a struct of two lists, `label`
    # and `text`.
    source=Source(hub="tau/commonsense_qa"),
    columns={"context": "question", "choices": "choices.text", "label": "answerKey"},
    splits=TESTED_ON_DEV,
    labels=("A", "B", "C", "D", "E"),
    metric="accuracy",
    groups=("semantic", "commonsense", "size:small"),
    licence="MIT",
)

COPA = Task(
    name="copa",
    format="multiple_choice",
    source=Source(hub="aps/super_glue", config="copa"),
    columns={
        "context": "premise",
        "question": "question",
        "choices": "choice1,choice2",
        "label": "label",
    },
    splits=TESTED_ON_DEV,
    labels=("choice1", "choice2"),
    metric="accuracy",
    groups=("semantic", "commonsense", "size:small"),
    licence="BSD-2-Clause",
)

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (HELLASWAG, SWAG, SOCIAL_I_QA, COSMOS_QA, COMMONSENSE_QA, COPA)}
)
