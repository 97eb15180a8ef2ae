"""Questions about a passage, in English.

XQuAD and MLQA train on SQuAD v1.1. SQuAD v2.0 adds questions without an answer; its score uses the
best no-answer threshold, as in its official script and Phang et al. 2020. RACE has four choices.
`squad_pairs` is SQuAD v1.1 for a dual encoder; LAReQA trains on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.format_specs.dual_encoder import DualEncoderOptions
from xstilts.spec.format_specs.span_qa import SpanQAOptions
from xstilts.spec.task import Source, Task
from xstilts.tasks.hub_splits import TESTED, TESTED_ON_DEV

SQUAD = Task(
    name="squad",
    format="span_qa",
    source=Source(hub="rajpurkar/squad", config="plain_text"),
    splits=TESTED_ON_DEV,
    metric="qa_mean",
    groups=("semantic", "reading", "size:medium"),
    licence="CC BY-SA 4.0",
)

SQUAD_V2 = Task(
    name="squad_v2",
    format="span_qa",
    source=Source(
        hub="rajpurkar/squad_v2", config="squad_v2"
    ),  # unverified: that the columns are SQuAD's
    splits=TESTED_ON_DEV,
    metric="best_qa_mean",
    options=SpanQAOptions(no_answer=True),
    groups=("semantic", "reading", "size:large"),
    licence="CC BY-SA 4.0",
)

RACE = Task(
    name="race",
    format="multiple_choice",
    # Both school levels together; passages are long, so a run should allow 512 tokens.
    source=Source(hub="ehovy/race", config="all"),  # unverified: the configuration, as of today
    columns={"context": "article", "question": "question", "choices": "options", "label": "answer"},
    splits=TESTED,
    labels=("A", "B", "C", "D"),
    metric="accuracy",
    groups=("semantic", "reading", "size:medium"),
    licence="non-commercial research only",
)

SQUAD_PAIRS = Task(
    name="squad_pairs",
    format="dual_encoder",
    # Query: a question. Candidate: the sentence in which its answer begins, with the whole passage
    # beside it. The data layer makes these rows from SQuAD's columns.
    source=Source(hub="rajpurkar/squad", config="plain_text"),
    splits=TESTED_ON_DEV,
    metric="map_at_k",
    # As in XTREME-R's script, which cuts candidates to 256.
    options=DualEncoderOptions(max_question_tokens=96),
    groups=("semantic", "reading", "size:medium"),
    licence="CC BY-SA 4.0",
)

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (SQUAD, SQUAD_V2, RACE, SQUAD_PAIRS)}
)
