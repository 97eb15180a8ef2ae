"""What XTREME-R adds to XTREME (Ruder et al. 2021, arXiv 2104.07412).

XNLI, MLQA and TyDiQA-GoldP are the same as in XTREME. Tagging, XQuAD and Tatoeba have more
languages and are here under other names, `..._r`, so that both benchmarks can be in one sweep.
XCOPA, LAReQA and Mewsli-X are new. `google/xtreme` has none of the added languages, so each of
these tasks is read from one source that has all; some need files that the user provides.

XTREME-R tunes on SQuAD before Tatoeba. Here that is a sweep with the intermediate `squad`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.format_specs.dual_encoder import DualEncoderOptions
from xstilts.spec.task import Source, Splits, Task
from xstilts.tasks.hub_splits import TESTED
from xstilts.tasks.xtreme import (
    NER_LABELS,
    PANX,
    TATOEBA,
    TATOEBA_LANGUAGES,
    UDPOS,
    UDPOS_LANGUAGES,
    UPOS,
    XQUAD,
)

UDPOS_R_LANGUAGES = (*UDPOS_LANGUAGES, "lt", "pl", "ro", "uk", "wo")
"""38 languages."""

PANX_R_LANGUAGES = (*PANX.languages, "az", "gu", "lt", "pa", "pl", "qu", "ro", "uk")
"""48 languages."""

TATOEBA_R_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {**TATOEBA_LANGUAGES, "az": "aze", "lt": "lit", "pl": "pol", "ro": "ron", "uk": "ukr"}
)
"""41 languages, each against English, and their ISO 639-3 codes."""

UDPOS_R = Task(
    name="udpos_r",
    format="tagging",
    # The treebanks' own files: their names begin with the language's code, so a language has all
    # its treebanks and no others. Fused words (`del`, `don't`) are one token each, as in the
    # benchmark.
    source=Source(files=("ud-treebanks/*/{language}_*-ud-{split}.conllu",), file_format="conllu"),
    columns={"tokens": "fused_tokens", "tags": "fused_upos"},
    languages=UDPOS_R_LANGUAGES,
    splits=Splits(train="train", dev="dev", test="test"),
    labels=UPOS,
    metric="chunk_f1",
    groups=UDPOS.groups,
    obtain=(
        "Unpack Universal Dependencies 2.7 (ud-treebanks-v2.7.tgz, "
        "hdl.handle.net/11234/1-3424, licences by treebank) "
        "into a folder ud-treebanks beside the sweep file"
    ),
    licence="Universal Dependencies 2.7: by treebank, some non-commercial",
)

PANX_R = Task(
    name="panx_r",
    format="tagging",
    # WikiANN in the split of Rahimi et al. 2019, like XTREME's PAN-X. unverified: columns and
    # labels.
    source=Source(hub="unimelb-nlp/wikiann", config="{language}"),
    columns={"tokens": "tokens", "tags": "ner_tags"},
    languages=PANX_R_LANGUAGES,
    splits=TESTED,
    labels=NER_LABELS,
    metric="chunk_f1",
    groups=PANX.groups,
    licence=PANX.licence,
)

XQUAD_R = Task(
    name="xquad_r",
    format="span_qa",
    source=Source(hub="google/xquad", config="xquad.{language}"),
    languages=(*XQUAD.languages, "ro"),
    splits=Splits(test="validation"),
    metric="qa_mean",
    train_task="squad",
    groups=XQUAD.groups,
    licence=XQUAD.licence,
)

TATOEBA_R = Task(
    name="tatoeba_r",
    format="retrieval",
    # LASER's test sets again; this copy has all languages. Its main branch holds compressed JSON
    # lines, so the hub's own Parquet copy is read. `sentence1` is the foreign sentence.
    source=Source(
        hub="mteb/tatoeba-bitext-mining", config="{language}-eng", revision="refs/convert/parquet"
    ),
    columns={"source_sentence": "sentence1", "target_sentence": "sentence2"},
    languages=tuple(TATOEBA_R_LANGUAGES),
    language_names=dict(TATOEBA_R_LANGUAGES),
    splits=Splits(test="test"),
    metric="accuracy",
    groups=TATOEBA.groups,
    licence=TATOEBA.licence,
)

XCOPA = Task(
    name="xcopa",
    format="multiple_choice",
    # XTREME-R trains on social_i_qa, then on copa: copa is the training task, social_i_qa an
    # intermediate.
    source=Source(hub="cambridgeltl/xcopa", config="{language}"),
    columns={
        "context": "premise",
        "question": "question",
        "choices": "choice1,choice2",
        "label": "label",
    },
    languages=("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"),
    splits=Splits(test="test"),
    labels=("choice1", "choice2"),
    metric="accuracy",
    train_task="copa",
    groups=("semantic", "commonsense", "classification"),
    licence="CC BY 4.0",
)

LAREQA = Task(
    name="lareqa",
    format="dual_encoder",
    # XQuAD-R (Roy et al. 2020, arXiv 2004.05484): each question is asked among the sentences of all
    # eleven languages at once, and answers in any language count. Files without `{split}` are one
    # split, `train`.
    source=Source(files=("lareqa/xquad-r/{language}.json",), file_format="xquad_r"),
    languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
    splits=Splits(test="train"),
    metric="map_at_k",
    options=DualEncoderOptions(max_question_tokens=96),  # as squad_pairs
    train_task="squad_pairs",
    groups=("semantic", "reading", "retrieval"),
    obtain=(
        "Clone github.com/google-research-datasets/lareqa (CC BY-SA 4.0) into a folder "
        "lareqa/ beside the sweep file"
    ),
    licence="CC BY-SA 4.0",
)

MEWSLI_X = Task(
    name="mewsli_x",
    format="dual_encoder",
    # An entity mention in a sentence, and the entity's description in any of 50 languages. Each
    # mention has one gold entity, so mAP is the mean reciprocal rank, as in XTREME-R.
    source=Source(files=("mewsli_x/{language}.{split}.jsonl",), file_format="jsonl"),
    languages=("ar", "de", "en", "es", "fa", "ja", "pl", "ro", "ta", "tr", "uk"),
    splits=Splits(train="train", dev="dev", test="test"),
    metric="map_at_k",
    groups=("semantic", "entities", "retrieval", "size:large"),
    obtain=(
        "Build Mewsli-X with get-mewsli-x.sh of github.com/google-research/google-research "
        "(dense_representations_for_entity_retrieval/mel), then write mewsli_x/en.train.jsonl, "
        "mewsli_x/en.dev.jsonl and mewsli_x/LANGUAGE.test.jsonl beside the sweep file; "
        "docs/tasks.md has the program"
    ),
    licence="text of Wikipedia and WikiNews, CC BY-SA and CC BY; the release: none looked up",
)

TASKS: Mapping[str, Task] = MappingProxyType(
    {task.name: task for task in (UDPOS_R, PANX_R, XQUAD_R, TATOEBA_R, XCOPA, LAREQA, MEWSLI_X)}
)
