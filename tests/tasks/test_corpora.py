"""Corpora under several names: found by dataset and configuration, or by what their tags are."""

from __future__ import annotations

import pytest

from xstilts.spec.task import Source, Task
from xstilts.tasks import TASKS
from xstilts.tasks.corpora import UD_WORD_CLASSES, corpus_of


@pytest.mark.parametrize(
    ("task", "corpus"),
    [
        ("mnli", "MultiNLI"),
        ("xnli", "MultiNLI"),
        ("squad", "SQuAD"),
        ("squad_v2", "SQuAD"),
        ("pawsx", "PAWS-Wiki"),
        ("panx", "WikiANN"),
        ("udpos", UD_WORD_CLASSES),
        ("cola", ""),  # of the same dataset on the hub as mnli
    ],
)
def test_corpus_of_a_built_in_task(task: str, corpus: str) -> None:
    assert corpus_of(TASKS[task]) == corpus


@pytest.mark.parametrize(("tags", "corpus"), [("fused_upos", UD_WORD_CLASSES), ("deprel", "")])
def test_corpus_of_own_treebanks_goes_by_what_their_tags_are(tags: str, corpus: str) -> None:
    task = Task(
        name="own",
        format="tagging",
        metric="token_accuracy",
        source=Source(files=("{split}.conllu",), file_format="conllu"),
        columns={"tags": tags},
    )
    assert corpus_of(task) == corpus
