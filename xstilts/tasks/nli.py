"""Natural language inference in English: does a hypothesis follow from a premise?

ANLI's three rounds, MultiNLI, SNLI and RTE, and `anli_plus`, the union that Phang et al. 2020 train
on with one head. All have three labels, in the same order on the hub; RTE has two of its own.
ANLI's test labels are public; MultiNLI's are hidden, so its mismatched half, whose genres are not
in the training rows, is the test split, and the matched half chooses checkpoints.

unverified: the columns and the order of the labels of ANLI, SNLI and MultiNLI (docs/tasks.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.task import Source, Splits, Task
from xstilts.tasks.hub_splits import TESTED, TESTED_ON_DEV

NLI_LABELS = ("entailment", "neutral", "contradiction")
"""The order of the hub's ids, for ANLI, MultiNLI, SNLI and XNLI alike."""
_PAIR = {"text": "premise", "text_pair": "hypothesis", "label": "label"}

MNLI = Task(
    name="mnli",
    format="classification",
    source=Source(hub="nyu-mll/multi_nli"),
    columns=_PAIR,
    splits=Splits(train="train", dev="validation_matched", test="validation_mismatched"),
    labels=NLI_LABELS,
    metric="accuracy",
    groups=("semantic", "inference", "size:large"),
    licence="by genre: OANC's own, CC BY 3.0, CC BY-SA 3.0, others",
)

SNLI = Task(
    name="snli",
    format="classification",
    # Rows without agreement among annotators have label -1 and are left out: 550,152 become
    # 549,367.
    source=Source(hub="stanfordnlp/snli", config="plain_text"),
    columns=_PAIR,
    splits=TESTED,
    labels=NLI_LABELS,
    metric="accuracy",
    groups=("semantic", "inference", "size:large"),
    licence="CC BY-SA 4.0",
)


def _anli(number: int, size: str) -> Task:
    """One round of Adversarial NLI (Nie et al. 2020, arXiv 1910.14599)."""
    return Task(
        name=f"anli_r{number}",
        format="classification",
        source=Source(hub="facebook/anli", config="plain_text"),
        columns=_PAIR,
        splits=Splits(train=f"train_r{number}", dev=f"dev_r{number}", test=f"test_r{number}"),
        labels=NLI_LABELS,
        metric="accuracy",
        groups=("semantic", "inference", size),
        licence="CC BY-NC 4.0",
    )


ANLI_R1, ANLI_R2, ANLI_R3 = _anli(1, "size:medium"), _anli(2, "size:medium"), _anli(3, "size:large")

ANLI_PLUS = Task(
    name="anli_plus",
    format="classification",
    # 16,946 + 45,460 + 100,459 + 392,702 + 549,367 = 1,104,934 rows under one head (Phang et al.
    # 2020). Each part has its own source, columns and splits; the union has none.
    source=Source(union=True),
    parts=(ANLI_R1, ANLI_R2, ANLI_R3, MNLI, SNLI),
    labels=NLI_LABELS,
    metric="accuracy",
    groups=("semantic", "inference", "size:large"),
    licence="by part: ANLI CC BY-NC 4.0, SNLI CC BY-SA 4.0, MultiNLI by genre",
)

RTE = Task(
    name="rte",
    format="classification",
    source=Source(hub="nyu-mll/glue", config="rte"),
    columns={"text": "sentence1", "text_pair": "sentence2", "label": "label"},
    splits=TESTED_ON_DEV,
    labels=("entailment", "not_entailment"),
    metric="accuracy",
    groups=("semantic", "inference", "size:small"),
    licence="GLUE: by task, none stated for RTE",
)

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (ANLI_PLUS, MNLI, SNLI, ANLI_R1, ANLI_R2, ANLI_R3, RTE)}
)
