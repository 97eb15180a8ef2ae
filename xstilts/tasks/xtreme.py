"""Tasks of XTREME and XTREME-R that are scored in many languages (Hu et al. 2020, Ruder et al. 2021).

Languages are those of the benchmark's own scorer, columns and label tables those of the data on the
hub, in its order. The names of splits are the hub's too: where a copy lacks one (a mirror without
`test`), a sweep says what takes its place, `splits: {test: validation}`.

XTREME scores part-of-speech tags as chunks, like named entities, so `chunk_f1` is the metric of both.
Training rows are English everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.task import Source, Splits, Task

UDPOS_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "af": "Afrikaans", "ar": "Arabic", "bg": "Bulgarian", "de": "German", "el": "Greek", "en": "English",
        "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French",
        "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese",
        "kk": "Kazakh", "ko": "Korean", "mr": "Marathi", "nl": "Dutch", "pt": "Portuguese", "ru": "Russian",
        "ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "ur": "Urdu",
        "vi": "Vietnamese", "yo": "Yoruba", "zh": "Chinese",
    }
)  # fmt: skip
"""33 languages, and their names in the configurations of `google/xtreme`."""

TATOEBA_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "af": "afr", "ar": "ara", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "est",
        "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind",
        "it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "ml": "mal", "mr": "mar",
        "nl": "nld", "pt": "por", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl",
        "tr": "tur", "ur": "urd", "vi": "vie", "zh": "cmn",
    }
)  # fmt: skip
"""36 languages, each against English, and their ISO 639-3 codes."""

UPOS = ("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
        "SYM", "VERB", "X")  # fmt: skip
"""Universal part-of-speech tags in the order of the hub's ids."""

_XTREME = "google/xtreme"

XNLI = Task(
    name="xnli",
    format="classification",
    # Its English training rows are MultiNLI's (392,702), under XNLI's own columns and label order; the
    # separate `nyu-mll/multi_nli` has other columns and splits, and XTREME trains on this very file.
    source=Source(hub="facebook/xnli", config="{language}"),
    columns={"text": "premise", "text_pair": "hypothesis", "label": "label"},
    languages=("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "tr", "ur", "vi", "zh"),
    splits=Splits(train="train", dev="validation", test="test"),
    labels=("entailment", "neutral", "contradiction"),
    metric="accuracy",
    groups=("semantic", "inference"),
    licence="CC BY-NC 4.0 (XNLI); MultiNLI: OANC and others",
)

UDPOS = Task(
    name="udpos",
    format="tagging",
    source=Source(hub=_XTREME, config="udpos.{language}"),
    columns={"tokens": "tokens", "tags": "pos_tags"},
    languages=tuple(UDPOS_LANGUAGES),
    language_names=dict(UDPOS_LANGUAGES),
    splits=Splits(train="train", dev="validation", test="test"),
    labels=UPOS,
    metric="chunk_f1",
    groups=("syntactic", "structured"),
    licence="Universal Dependencies 2.5: by treebank, some non-commercial",
)

PANX = Task(
    name="panx",
    format="tagging",
    source=Source(hub=_XTREME, config="PAN-X.{language}"),
    columns={"tokens": "tokens", "tags": "ner_tags"},
    languages=(
        "af", "ar", "bg", "bn", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu", "id", "it",
        "ja", "jv", "ka", "kk", "ko", "ml", "mr", "ms", "my", "nl", "pt", "ru", "sw", "ta", "te", "th", "tl", "tr",
        "ur", "vi", "yo", "zh",
    ),
    splits=Splits(train="train", dev="validation", test="test"),
    labels=("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"),
    metric="chunk_f1",
    groups=("entities", "structured"),
    licence="text CC BY-SA (Wikipedia); annotations: none stated",
)  # fmt: skip

XQUAD = Task(
    name="xquad",
    format="span_qa",
    source=Source(hub="google/xquad", config="xquad.{language}"),
    languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
    splits=Splits(test="validation"),
    metric="qa_mean",
    train_task="squad",
    groups=("semantic", "reading"),
    licence="CC BY-SA 4.0",
)

TATOEBA = Task(
    name="tatoeba",
    format="retrieval",
    # XTREME pools hidden state 14 of XLM-R large's 24 (8 of mBERT's 12); the layer depends on the model,
    # so a sweep sets `options: {layer: 14}`; what stands here is the last one.
    source=Source(hub=_XTREME, config="tatoeba.{language}"),
    languages=tuple(TATOEBA_LANGUAGES),
    language_names=dict(TATOEBA_LANGUAGES),
    splits=Splits(test="validation"),
    metric="accuracy",
    groups=("semantic", "retrieval"),
    licence="CC BY 2.0 FR",
)

XCOPA = Task(
    name="xcopa",
    format="multiple_choice",
    # XTREME-R trains on social_i_qa, then on copa: copa is the training task, social_i_qa an intermediate.
    source=Source(hub="cambridgeltl/xcopa", config="{language}"),
    columns={"context": "premise", "question": "question", "choices": "choice1,choice2", "label": "label"},
    languages=("et", "ht", "id", "it", "qu", "sw", "ta", "th", "tr", "vi", "zh"),
    splits=Splits(test="test"),
    labels=("choice1", "choice2"),
    metric="accuracy",
    train_task="copa",
    groups=("semantic", "commonsense"),
    licence="CC BY 4.0",
)

TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (XNLI, UDPOS, PANX, XQUAD, TATOEBA, XCOPA)})
