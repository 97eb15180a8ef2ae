"""English tasks that come before a target, and masked language modelling.

The published ones keep the splits of the hub. Where the hub's test labels are hidden, `test` is the
validation split, as is usual for these tasks; it is read only where such a task is a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.task import Source, Splits, Task

_TESTED_ON_DEV = Splits(train="train", dev="validation", test="validation")

SQUAD = Task(
    name="squad",
    format="span_qa",
    source=Source(hub="rajpurkar/squad", config="plain_text"),
    splits=_TESTED_ON_DEV,
    metric="qa_mean",
    groups=("semantic", "reading"),
    licence="CC BY-SA 4.0",
)

HELLASWAG = Task(
    name="hellaswag",
    format="multiple_choice",
    # The endings carry on a half sentence, `ctx_b`, which goes before each of them.
    source=Source(hub="Rowan/hellaswag"),
    columns={"context": "ctx_a", "prefix": "ctx_b", "choices": "endings", "label": "label"},
    splits=_TESTED_ON_DEV,
    labels=("0", "1", "2", "3"),
    metric="accuracy",
    groups=("semantic", "commonsense"),
    licence="MIT",
)

SOCIAL_I_QA = Task(
    name="social_i_qa",
    format="multiple_choice",
    source=Source(hub="allenai/social_i_qa"),
    columns={"context": "context", "question": "question", "choices": "answerA,answerB,answerC", "label": "label"},
    splits=_TESTED_ON_DEV,
    labels=("1", "2", "3"),
    metric="accuracy",
    groups=("semantic", "commonsense"),
    licence="CC BY 4.0",
)

COPA = Task(
    name="copa",
    format="multiple_choice",
    source=Source(hub="aps/super_glue", config="copa"),
    columns={"context": "premise", "question": "question", "choices": "choice1,choice2", "label": "label"},
    splits=_TESTED_ON_DEV,
    labels=("choice1", "choice2"),
    metric="accuracy",
    groups=("semantic", "commonsense"),
    licence="BSD-2-Clause",
)

_MLM_LANGUAGES = ("en", "de", "es", "fr", "ru", "el", "tr", "ar", "hi", "vi", "zh", "sw", "th")

MLM = Task(
    name="mlm",
    format="masked_lm",
    # No dataset of the hub: plain text that a mirror holds. A sweep points `source` at other text.
    source=Source(hub="local/multilingual-text", config="{language}"),
    languages=_MLM_LANGUAGES,
    train_language=_MLM_LANGUAGES,
    splits=Splits(train="train[:98%]", dev="train[98%:99%]", test="train[99%:]"),
    metric="masked_accuracy",
    groups=("language modelling",),
    licence="by source: CC BY-SA 4.0, CC0, research use",
)

TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (SQUAD, HELLASWAG, SOCIAL_I_QA, COPA, MLM)})
