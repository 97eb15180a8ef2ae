"""What a task is: data, languages, a format (how it is learned), a metric.

A task is a frozen value. The built-in ones stand in the tables under `xstilts/tasks/`; a sweep file
may change fields of those or bring tasks of its own. Columns are named by *role* (`premise`,
`label`, ...): `columns` maps each role to the source's own column, so that a format never knows a
dataset. Splits are named by *use*: `train`, `dev` (English, chooses checkpoints and
hyperparameters) and `test` (reported, in every language); each is an expression such as
`validation[:80%]`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FormatName = Literal[
    "classification",
    "regression",
    "multiple_choice",
    "tagging",
    "span_qa",
    "retrieval",
    "mining",
    "dual_encoder",
    "masked_lm",
]
Use = Literal["train", "dev", "test"]
LABELLED: tuple[FormatName, ...] = ("classification", "tagging")
"""Formats whose head has one output for each label."""
UNTRAINED: tuple[FormatName, ...] = ("retrieval", "mining")
"""Formats without a training: they score the checkpoint they are given."""
TUNED: tuple[FormatName, ...] = ("mining",)
"""Formats whose evaluation tunes something on the development rows of the same language."""
POOLED: tuple[FormatName, ...] = ("dual_encoder",)
"""Formats whose test rows of all languages are decoded together: a query looks among the candidates
of them all.
"""
UNSEEN = "<unseen>"
"""Last label of an open table: every label that is not in it."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]


class Frozen(BaseModel):
    """A value: unknown keys refused, nothing changed after it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Source(Frozen):
    """Where rows come from: exactly one of `hub`, `files`, `generator`, `union`."""

    hub: str | None = None
    """Dataset id on the hub or in a mirror, `org/name`."""
    config: str | None = None
    """Dataset configuration; `{language}` stands for the source's own word for the language."""
    revision: str = "main"
    """Branch, tag or commit on the hub."""
    files: tuple[str, ...] | None = None
    """The user's own files: paths or globs, `{language}` and `{split}` filled in; relative to the
    sweep file.
    """
    file_format: (
        Literal["jsonl", "csv", "parquet", "conll", "conllu", "bucc", "squad_json", "xquad_r"]
        | None
    ) = None
    """How to read `files`; from the suffix where left out."""
    generator: str | None = None
    """Name of a task of the built-in generator."""
    union: bool = False
    """The rows of the task's `parts`, one part after the other."""
    row_filter: dict[str, str] = {}
    """Column to a pattern (`*`, `?`, `{language}` filled in) that the rows to be kept match: `{id:
    "english-*"}`.
    """

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if sum(x is not None for x in (self.hub, self.files, self.generator)) + self.union != 1:
            raise ValueError("a source needs exactly one of hub, files, generator, union")
        return self


class Splits(Frozen):
    """Which part of the source serves which use; a part cut out of a split is written
    `validation[:80%]`.
    """

    train: str | None = None
    dev: str | None = None
    test: str | None = None


class Limits(Frozen):
    """At most so many rows of each split, per language, taken from its front; none: all."""

    train: int | None = Field(default=None, ge=1)
    dev: int | None = Field(default=None, ge=1)
    test: int | None = Field(default=None, ge=1)


Pooling = Literal["mean", "mean_content", "cls", "max"]
"""A sentence's vector: mean over all tokens, over those that are not special, the first token, or
the maximum.
"""


class Options(Frozen):
    """What only some formats know."""

    layer: int = Field(default=-1, ge=-1)
    """Retrieval and mining: hidden state to pool; 0 is the embedding output, -1 the last."""
    pooling: Pooling = "mean"
    """Retrieval and mining: how tokens become one vector."""
    sweep_layers: Literal["all"] | tuple[int, ...] = ()
    """Retrieval and mining: hidden states that are scored beside `layer`, in the same forward pass.
    """
    sweep_poolings: tuple[Pooling, ...] = ()
    """Retrieval and mining: poolings that are scored beside `pooling`."""
    similarity: Literal["cosine", "margin"] = "cosine"
    """Retrieval: nearest by cosine, or by ratio margin (Artetxe and Schwenk 2019, eq. 2)."""
    neighbours: int = Field(default=4, ge=1)
    """Retrieval: k of the margin."""
    mask_probability: float = Field(default=0.15, gt=0, lt=1)
    """Masked LM: share of the tokens of a block that are predicted."""
    max_answer_tokens: int = Field(default=30, ge=1)
    """Span QA: longest answer."""
    max_question_tokens: int = Field(default=64, ge=8)
    """Span QA: a question is cut to so many tokens."""
    n_best: int = Field(default=20, ge=1)
    """Span QA: candidates kept for each window."""
    no_answer: bool = False
    """Span QA: a question may have no answer (SQuAD v2.0); windows without one train on the first
    token.
    """
    positive_label: str | None = None
    """Classification: the label that F1 is of; left out: the last one."""
    cut_off: int = Field(default=20, ge=1)
    """Dual encoder: ranks that count (mAP@20)."""
    logit_scale: float = Field(default=100.0, gt=0)
    """Dual encoder: what cosines are multiplied with before the softmax over the batch; learned
    from there.
    """


class Translate(Frozen):
    """Machine translation with a sequence-to-sequence model (NLLB, M2M100, opus-mt)."""

    model: str
    """Model id of the hub, a mirror or a folder."""
    revision: str = "main"
    languages: tuple[str, ...] = Field(min_length=1)
    """ISO codes; with several, each row goes to one of them in turn."""
    language_codes: dict[str, str] = {}
    """ISO code to the model's own word for it (`de: deu_Latn`); the tables of NLLB and M2M100 are
    built in.
    """
    beams: int = Field(default=1, ge=1)
    max_new_tokens: int = Field(default=256, ge=8)
    batch_size: int = Field(default=32, ge=1)


class Lookup(Frozen):
    """Translations that the user has: files with `text`, `translation` and, of several languages,
    `language`.
    """

    files: tuple[str, ...] = Field(min_length=1)
    """JSON lines, CSV, TSV or Parquet; relative to the sweep file; `{language}` is filled in."""
    languages: tuple[str, ...] = Field(min_length=1)


class Dictionary(Frozen):
    """Code-switching by dictionary (Qin et al. 2020, CoSDA-ML, arXiv 2006.06402)."""

    files: tuple[str, ...] = Field(min_length=1)
    """Lines of `word translation`, as MUSE has them; `{language}` is filled in; relative to the
    sweep file.
    """
    languages: tuple[str, ...] = Field(min_length=1)
    sentence_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the rows that are switched."""
    word_ratio: float = Field(default=0.5, gt=0, le=1)
    """Share of the words of such a row that are replaced, where a dictionary has them."""
    cross: bool = True
    """Each word draws its own language; else a row has one."""


class Pseudo(Frozen):
    """A control: every word becomes an invented one, the same everywhere; no language has it."""

    word_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the words that are replaced."""


class Transform(Frozen):
    """What is made of a task's training rows before they are tokenised: exactly one of the four
    kinds.

    Development and test rows stay as they are, so arms are chosen by the same numbers.
    """

    translate: Translate | None = None
    lookup: Lookup | None = None
    dictionary: Dictionary | None = None
    pseudo: Pseudo | None = None
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the rows that are transformed; the others stay English."""
    add: bool = False
    """The transformed rows come after the English ones instead of in their place."""
    seed: int = 0
    """Of all that is drawn."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Transform:
        if (
            sum(x is not None for x in (self.translate, self.lookup, self.dictionary, self.pseudo))
            != 1
        ):
            raise ValueError(
                "a transform needs exactly one of translate, lookup, dictionary, pseudo"
            )
        return self

    def payload(self) -> dict[str, Any]:
        """What of it decides rows, beside what its files and its model hold: no paths, no batch
        size.
        """
        places = {
            "translate": ("model", "revision", "batch_size"),
            "lookup": ("files",),
            "dictionary": ("files",),
        }
        whole = self.model_dump(mode="json")
        return {
            key: {k: v for k, v in value.items() if k not in places[key]}
            if value and key in places
            else value
            for key, value in whole.items()
        }


class Task(Frozen):
    """Data, languages, a format and a metric."""

    name: Name
    format: FormatName
    source: Source
    columns: dict[str, str] = {}
    """Role to source column; a role left out is a column of the role's own name."""
    languages: tuple[str, ...] = Field(default=("en",), min_length=1)
    """Languages that are scored, as ISO codes; the first training language among them or not."""
    language_names: dict[str, str] = {}
    """ISO code to the source's own word for it, where they differ (`en: English`)."""
    train_language: str | tuple[str, ...] = "en"
    """Language, or languages, of the training and development rows."""
    splits: Splits = Splits()
    limits: Limits = Limits()
    labels: tuple[str, ...] = ()
    """Label names in the order of their ids; empty for formats without a table."""
    metric: str
    """Primary metric; a name in `xstilts.metrics.METRICS`."""
    train_task: str | None = None
    """Name of the task whose training and development rows this one uses (xquad: squad)."""
    groups: tuple[str, ...] = ()
    """What it teaches: syntactic, semantic, ..."""
    options: Options = Options()
    parts: tuple[Task, ...] = ()
    """Of a union: tasks of one format and one label table whose rows it has, under one head
    (ANLI+).
    """
    transform: Transform | None = None
    """What is made of the training rows: translated, code-switched, ..."""
    language_exponent: float | None = Field(default=None, gt=0, le=1)
    """Of several training languages, each is sampled at the rate of (its rows)^exponent; left out:
    by rows.
    """
    obtain: str | None = None
    """How to get data that cannot be downloaded freely; said where it is missing."""
    licence: str | None = None
    """Licence of the data, as its source states it."""

    def column(self, role: str) -> str:
        """The source's column for `role`."""
        return self.columns.get(role, role)

    @property
    def train_languages(self) -> tuple[str, ...]:
        """Training languages as a tuple."""
        one = self.train_language
        return (one,) if isinstance(one, str) else one

    @property
    def trainable(self) -> bool:
        """Whether it can be trained on (retrieval is evaluated on a checkpoint directly)."""
        return self.format not in UNTRAINED

    def has(self, use: Use) -> bool:
        """Whether it has a split for a use; a union, whether all its parts have."""
        return all(getattr(leaf.splits, use) is not None for leaf in self.leaves)

    def alike(self, other: Task) -> bool:
        """Whether a head that is trained on one can answer the other; choices are scored alike,
        whatever the labels.
        """
        return self.format == other.format and (
            self.format not in LABELLED or self.labels == other.labels
        )

    @property
    def leaves(self) -> tuple[Task, ...]:
        """The parts of a union, or the task itself."""
        return self.parts or (self,)


_TRAINING_FIELDS = (
    "format",
    "source",
    "columns",
    "train_language",
    "labels",
    "metric",
    "options",
    "transform",
    "language_exponent",
)
_EVALUATION_FIELDS = (
    "name",
    "format",
    "source",
    "columns",
    "languages",
    "labels",
    "metric",
    "options",
)


def _part(task: Task, fields: tuple[str, ...], uses: tuple[Use, ...]) -> dict[str, Any]:
    whole = task.model_dump(mode="json")
    part = {field: whole[field] for field in fields}
    names = task.train_languages if "train" in uses else task.languages
    part["language_names"] = {k: v for k, v in task.language_names.items() if k in names}
    if task.transform is not None and "transform" in part:
        part["transform"] = task.transform.payload()
    if task.source.files is not None:
        # The data revision is a hash of what the files hold; where they lie decides nothing.
        part["source"] = {**whole["source"], "files": True}
    part["splits"] = {use: whole["splits"][use] for use in uses}
    part["limits"] = {use: whole["limits"][use] for use in uses}
    if "train" in uses and len(names) == 1:
        # Written as a list or not, and at whatever rate: one language is one language.
        part |= {"train_language": names[0], "language_exponent": None}
    if task.parts:
        part["parts"] = [_part(one, fields, uses) for one in task.parts]
    return part


def training_payload(task: Task) -> dict[str, Any]:
    """What of a task decides a training: its name, test split and other languages do not."""
    return _part(task, _TRAINING_FIELDS, ("train", "dev"))


def evaluation_payload(task: Task) -> dict[str, Any]:
    """What of a task decides an evaluation: its training rows do not."""
    return _part(task, _EVALUATION_FIELDS, ("dev", "test") if task.format in TUNED else ("test",))
