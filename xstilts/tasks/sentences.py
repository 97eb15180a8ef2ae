"""Sentences and pairs of sentences in English: paraphrase, similarity, word sense, sentiment.

Mostly from GLUE and SuperGLUE (Wang et al. 2018, 2019), with GLUE's own metrics: accuracy and F1 of
the positive label for QQP and MRPC, the mean of two correlations for STS-B. Their test labels are
hidden on the hub, so `test` is the validation split; PAWS has a test split with labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.task import Source, Task
from xstilts.tasks.hub_splits import TESTED, TESTED_ON_DEV

_GLUE = "nyu-mll/glue"
_SENTENCES = {"text": "sentence1", "text_pair": "sentence2", "label": "label"}

QQP = Task(
    name="qqp",
    format="classification",
    source=Source(hub=_GLUE, config="qqp"),
    columns={"text": "question1", "text_pair": "question2", "label": "label"},
    splits=TESTED_ON_DEV,
    labels=("not_duplicate", "duplicate"),
    metric="accuracy_f1",
    options=ClassificationOptions(positive_label="duplicate"),
    groups=("semantic", "paraphrase", "size:large"),
    licence="Quora's terms of service, non-commercial",
)

MRPC = Task(
    name="mrpc",
    format="classification",
    source=Source(hub=_GLUE, config="mrpc"),
    columns=_SENTENCES,
    splits=TESTED_ON_DEV,
    labels=("not_equivalent", "equivalent"),
    metric="accuracy_f1",
    options=ClassificationOptions(positive_label="equivalent"),
    groups=("semantic", "paraphrase", "size:small"),
    licence="none stated on the card",
)

PAWS = Task(
    name="paws",
    format="classification",
    # Word order decides: half of the pairs have the same words (Zhang et al. 2019, arXiv
    # 1904.01130). The dev and test pairs of PAWS-X are drawn from this task's validation split, not
    # from its training rows.
    source=Source(hub="google-research-datasets/paws", config="labeled_final"),
    columns=_SENTENCES,
    splits=TESTED,
    labels=("0", "1"),
    metric="accuracy",
    groups=("mixed", "paraphrase", "size:medium"),
    licence="free for any purpose with acknowledgement (Google)",
)

STSB = Task(
    name="stsb",
    format="regression",
    # 0 (nothing in common) to 5 (the same meaning).
    source=Source(hub=_GLUE, config="stsb"),
    columns=_SENTENCES,
    splits=TESTED_ON_DEV,
    metric="correlation",
    groups=("semantic", "similarity", "size:small"),
    licence="none stated on the card",
)

WIC = Task(
    name="wic",
    format="classification",
    # Does the word mean the same in both sentences? It is put before the first: `word sentence1`.
    source=Source(hub="aps/super_glue", config="wic"),
    columns={"text": "word,sentence1", "text_pair": "sentence2", "label": "label"},
    splits=TESTED_ON_DEV,
    labels=("False", "True"),
    metric="accuracy",
    groups=("semantic", "similarity", "size:small"),
    licence="CC BY-NC 4.0",
)

SST2 = Task(
    name="sst2",
    format="classification",
    source=Source(hub=_GLUE, config="sst2"),
    columns={"text": "sentence", "label": "label"},
    splits=TESTED_ON_DEV,
    labels=("negative", "positive"),
    metric="accuracy",
    groups=("semantic", "sentiment", "size:medium"),
    licence="none stated on the card",
)

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (QQP, MRPC, PAWS, STSB, WIC, SST2)}
)
