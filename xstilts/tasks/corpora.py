"""Corpora that are published under several names.

Two tasks may name two datasets and still train on the same rows: XNLI's English rows are
MultiNLI's, SQuAD v2.0 holds all of v1.1's answerable questions, PAWS-X's are PAWS', PAN-X is
WikiANN. A gain from one to the other is partly just more training, and reports say so.
"""

from __future__ import annotations

from xstilts.spec.task import Task

UD_WORD_CLASSES = "parts of speech of Universal Dependencies"
SAME_CORPUS = (
    ("nyu-mll/multi_nli", None, "MultiNLI"),
    ("nyu-mll/glue", "mnli", "MultiNLI"),
    ("facebook/xnli", None, "MultiNLI"),
    ("rajpurkar/squad", None, "SQuAD"),
    ("rajpurkar/squad_v2", None, "SQuAD"),
    ("google-research-datasets/paws", "labeled_final", "PAWS-Wiki"),
    ("google-research-datasets/paws-x", None, "PAWS-Wiki"),
    ("google/xtreme", "PAN-X.", "WikiANN"),
    ("unimelb-nlp/wikiann", None, "WikiANN"),
    ("google/xtreme", "udpos.", UD_WORD_CLASSES),
)
"""Dataset, beginning of its configuration (None: any), and the corpus that its English training
rows come from or contain.
"""


def corpus_of(task: Task) -> str:
    """The corpus behind a task's rows, if it is published under several names; else empty."""
    source = task.source
    for hub, config, name in SAME_CORPUS:
        if source.hub == hub and (config is None or (source.config or "").startswith(config)):
            return name
    words = task.format == "tagging" and task.column("tags").rsplit("_", 1)[-1] == "upos"
    return UD_WORD_CLASSES if source.file_format == "conllu" and words else ""
