"""What a task is: data, languages, a format (how it is learned), a metric.

A task is a frozen value. The built-in ones stand in the tables under `xstilts/tasks/`; a sweep file
may change fields of those or bring tasks of its own. Columns are named by *role* (`premise`,
`label`, ...): `columns` maps each role to the source's own column, so that a format never knows a
dataset. Splits are named by *use*: `train`, `dev` (English, chooses checkpoints and hyperparameters)
and `test` (reported, in every language); each is an expression such as `validation[:80%]`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FormatName = Literal["classification", "multiple_choice", "tagging", "span_qa", "retrieval", "masked_lm"]
Use = Literal["train", "dev", "test"]
LABELLED: tuple[FormatName, ...] = ("classification", "tagging")
"""Formats whose head has one output for each label."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]


class Frozen(BaseModel):
    """A value: unknown keys refused, nothing changed after it is built."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Source(Frozen):
    """Where rows come from: exactly one of `hub`, `files`, `generator`."""

    hub: str | None = None
    """Dataset id on the hub or in a mirror, `org/name`."""
    config: str | None = None
    """Dataset configuration; `{language}` stands for the source's own word for the language."""
    revision: str = "main"
    """Branch, tag or commit on the hub."""
    files: tuple[str, ...] | None = None
    """The user's own files: paths or globs, `{language}` and `{split}` filled in; relative to the sweep file."""
    file_format: Literal["jsonl", "csv", "parquet", "conll"] | None = None
    """How to read `files`; from the suffix where left out."""
    generator: str | None = None
    """Name of a task of the built-in generator."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if sum(x is not None for x in (self.hub, self.files, self.generator)) != 1:
            raise ValueError("a source needs exactly one of hub, files, generator")
        return self


class Splits(Frozen):
    """Which part of the source serves which use; a part cut out of a split is written `validation[:80%]`."""

    train: str | None = None
    dev: str | None = None
    test: str | None = None


class Limits(Frozen):
    """At most so many rows of each split, per language, taken from its front; none: all."""

    train: int | None = Field(default=None, ge=1)
    dev: int | None = Field(default=None, ge=1)
    test: int | None = Field(default=None, ge=1)


class Options(Frozen):
    """What only some formats know."""

    layer: int = Field(default=-1, ge=-1)
    """Retrieval: hidden state to pool; 0 is the embedding output, -1 the last."""
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
        return self.format != "retrieval"


_TRAINING_FIELDS = ("format", "source", "columns", "train_language", "labels", "metric", "options")
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
    if task.source.files is not None:
        # The data revision is a hash of what the files hold; where they lie decides nothing.
        part["source"] = {**whole["source"], "files": True}
    part["splits"] = {use: whole["splits"][use] for use in uses}
    part["limits"] = {use: whole["limits"][use] for use in uses}
    return part


def training_payload(task: Task) -> dict[str, Any]:
    """What of a task decides a training: its name, test split and other languages do not."""
    return _part(task, _TRAINING_FIELDS, ("train", "dev"))


def evaluation_payload(task: Task) -> dict[str, Any]:
    """What of a task decides an evaluation: its training rows do not."""
    return _part(task, _EVALUATION_FIELDS, ("test",))
