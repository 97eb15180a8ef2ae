"""Grammatical form in English: supertags, chunks, dependency relations, acceptability.

Part-of-speech tags are an intermediate too: `udpos` itself, which trains on English. Each tagging
task labels words; a relation or a supertag says what a word does in its sentence without naming the
word it depends on, so a linear layer on each word is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.task import Source, Splits, Task
from xstilts.spec.words import words
from xstilts.tasks.hub_splits import TESTED, TESTED_ON_DEV

CHUNKS = words(
    "O B-ADJP I-ADJP B-ADVP I-ADVP B-CONJP I-CONJP B-INTJ I-INTJ B-LST I-LST B-NP I-NP B-PP I-PP "
    "B-PRT I-PRT B-SBAR I-SBAR B-UCP I-UCP B-VP I-VP"
)
"""23 chunk tags in the order of the hub's ids."""

UNIVERSAL_RELATIONS = words(
    "acl advcl advmod amod appos aux case cc ccomp clf compound conj cop csubj dep det discourse "
    "dislocated expl fixed flat goeswith iobj list mark nmod nsubj nummod obj obl orphan parataxis "
    "punct reparandum root vocative xcomp"
)
"""The 37 universal relations (universaldependencies.org, version 2)."""

ENGLISH_SUBTYPES = words(
    "acl:relcl advcl:relcl aux:pass cc:preconj compound:prt csubj:outer csubj:pass det:predet "
    "flat:foreign nmod:desc nmod:npmod nmod:poss nmod:tmod nmod:unmarked nsubj:outer nsubj:pass "
    "obl:agent obl:npmod obl:tmod obl:unmarked"
)
"""Subtypes of English EWT over its releases; unverified: which of them the hub's copy has."""

CCG = Task(
    name="ccg",
    format="tagging",
    # No labels: the 1,360 or so categories are CCGbank's and can't be shipped, so the table is
    # taken from the user's training and development files (`labels.open_table`).
    source=Source(files=("ccg/{split}.conll",), file_format="conll"),
    splits=Splits(train="train", dev="dev", test="test"),
    metric="token_accuracy",
    groups=("syntactic", "size:medium"),
    obtain=(
        "CCGbank is licensed (LDC2005T13, catalog.ldc.upenn.edu): from your own copy write "
        "ccg/train.conll (sections 02 to 21), ccg/dev.conll (00) and ccg/test.conll (23) beside "
        "the sweep file, with a word, a tab and its category on each line and a blank line after "
        "each sentence"
    ),
    licence="LDC User Agreement (LDC2005T13)",
)

CONLL2000 = Task(
    name="conll2000",
    format="tagging",
    # There is no development split: it is the last tenth of the training sentences.
    source=Source(hub="eriktks/conll2000"),
    columns={"tokens": "tokens", "tags": "chunk_tags"},
    splits=Splits(train="train[:90%]", dev="train[90%:]", test="test"),
    labels=CHUNKS,
    metric="chunk_f1",
    groups=("syntactic", "size:small"),
    licence="none stated on the card; the text is the Wall Street Journal's",
)

DEPREL = Task(
    name="deprel",
    format="tagging",
    # The relation of each word to its head, with subtypes, as the column has them. A label that a
    # release does not use only costs one output. `_` marks empty nodes and written words that are
    # split into several, which the hub's copy keeps among the tokens.
    source=Source(hub="universal-dependencies/universal_dependencies", config="en_ewt"),
    columns={"tokens": "tokens", "tags": "deprel"},
    splits=TESTED,
    labels=(*UNIVERSAL_RELATIONS, *ENGLISH_SUBTYPES, "_"),
    metric="token_accuracy",
    groups=("syntactic", "size:medium"),
    licence="CC BY-SA 4.0 (UD English EWT)",
)

COLA = Task(
    name="cola",
    format="classification",
    source=Source(hub="nyu-mll/glue", config="cola"),
    columns={"text": "sentence", "label": "label"},
    splits=TESTED_ON_DEV,
    labels=("unacceptable", "acceptable"),
    metric="matthews",
    groups=("syntactic", "acceptability", "size:small"),
    licence="none stated on the card; sentences from published linguistics literature",
)

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (CCG, CONLL2000, DEPREL, COLA)}
)
