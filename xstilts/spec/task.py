"""What a task is: data, languages, a format (how it is learned), a metric.

A task is a frozen value. The built-in tasks are in the tables under `xstilts/tasks/`; a sweep file
may change their fields or define tasks of its own. Columns are named by *role* (`premise`,
`label`, ...): `columns` maps each role to the source's column, so that formats know nothing of
datasets. Splits are named by *use*: `train`, `dev` (English, chooses checkpoints and
hyperparameters) and `test` (reported, in every language); each is an expression such as
`validation[:80%]`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from xstilts.spec.format_specs import FORMATS, FormatName, FormatSpec
from xstilts.spec.format_specs.options import FormatOptions
from xstilts.spec.frozen import Frozen
from xstilts.spec.languages import resolve
from xstilts.spec.names import Name
from xstilts.spec.transforms import Transform

Use = Literal["train", "dev", "test"]
Action = Literal["train", "evaluate"]
UNSEEN = "<unseen>"
"""Label for test labels that no training row has; the last entry of a label table read from the
data.
"""
ColumnName = Annotated[
    str,
    BeforeValidator(
        lambda name: str(name) if type(name) is int else name, json_schema_input_type=str | int
    ),
]
"""A source's column; a number where columns have no names (CoNLL, from 0)."""


class Source(Frozen):
    """Where rows come from: exactly one of `hub`, `files`, `generator`, `union`."""

    hub: str | None = None
    """Dataset id on the hub or in a mirror, `org/name`."""
    config: str | None = None
    """Dataset configuration; `{language}` stands for the source's own name of the language."""
    revision: str = "main"
    """Branch, tag or commit on the hub."""
    files: tuple[str, ...] | None = None
    """The user's own files: paths with `{language}` and `{split}` filled in, relative to the sweep
    file. `*`, `?` and `**` stand for others, brackets for themselves.
    """
    file_format: (
        Literal["jsonl", "csv", "parquet", "conll", "conllu", "bucc", "squad_json", "xquad_r"]
        | None
    ) = None
    """How to read `files`; left out: by the suffix."""
    generator: str | None = None
    """Name of a task of the built-in generator."""
    union: bool = False
    """The rows of the task's `parts`, one part after the other."""
    row_filter: dict[str, str] = Field(default_factory=dict)
    """Column to a pattern (`*`, `?`; `{language}` is filled in); only rows that match are kept:
    `{id: "english-*"}`.
    """

    @model_validator(mode="after")
    def _exactly_one(self) -> Source:
        if sum(x is not None for x in (self.hub, self.files, self.generator)) + self.union != 1:
            raise ValueError("a source needs exactly one of hub, files, generator, union")
        return self


class Splits(Frozen):
    """The part of the source for each use; `validation[:80%]` cuts a part out of a split."""

    train: str | None = None
    dev: str | None = None
    test: str | None = None


class Limits(Frozen):
    """Most rows of each split, per language, taken from its beginning; None: all."""

    train: int | None = Field(default=None, ge=1)
    dev: int | None = Field(default=None, ge=1)
    test: int | None = Field(default=None, ge=1)


class Task(Frozen):
    """Data, languages, a format and a metric."""

    name: Name
    format: FormatName
    source: Source
    columns: dict[str, ColumnName] = Field(default_factory=dict)
    """Role to source column, or in CoNLL files its number from 0; a role that is left out has a
    column of its own name.
    """
    languages: tuple[str, ...] = Field(default=("en",), min_length=1)
    """Languages that are scored, as codes (`zh`, `zh-CN`, `zho_Hans`; any BCP 47 tag); they need
    not include the training language. Tables show them as they are written here.
    """
    language_names: dict[str, str] = Field(default_factory=dict)
    """Code to the source's name of the language, where they differ (`en: English`)."""
    train_language: str | tuple[str, ...] = "en"
    """Language, or languages, of the training and development rows."""
    splits: Splits = Splits()
    limits: Limits = Limits()
    labels: tuple[str, ...] = ()
    """Label names in the order of their ids; empty for formats without labels."""
    metric: str
    """Primary metric; a name in `xstilts.scoring.metrics.METRICS`."""
    train_task: str | None = None
    """Name of the task whose training and development rows this one uses (xquad: squad)."""
    groups: tuple[str, ...] = ()
    """What it teaches: syntactic, semantic, ..."""
    options: FormatOptions = Field(default_factory=FormatOptions, validate_default=True)
    """Options that only tasks of this format have; an object of the format's own class."""
    parts: tuple[Task, ...] = ()
    """For a union: tasks of one format with one label table, whose rows it joins under one head
    (ANLI+).
    """
    transform: Transform | None = None
    """What is done to the training rows: translation, code-switching, ..."""
    language_exponent: float | None = Field(default=None, gt=0, le=1)
    """With several training languages, each is sampled at a rate proportional to its
    rows^exponent; left out: proportional to its rows.
    """
    obtain: str | None = None
    """How to get data that can't be downloaded freely; shown where the data is missing."""
    licence: str | None = None
    """Licence of the data, as its source states it."""

    @field_validator("options", mode="before")
    @classmethod
    def _options_of_its_format(cls, given: Any, info: ValidationInfo) -> Any:
        """Converts options in any form, the flat one included, to the format's own class."""
        spec = FORMATS.get(info.data.get("format", ""))
        if spec is None or type(given) is spec.options:
            return given
        flat = given.model_dump() if isinstance(given, FormatOptions) else given
        return spec.read_options(flat) if isinstance(flat, dict) else flat

    @property
    def spec(self) -> FormatSpec:
        """The spec of its format."""
        return FORMATS[self.format]

    @property
    def label_role(self) -> str | None:
        """The role that holds the label; None where rows have no label."""
        return self.spec.label_role

    def column(self, role: str) -> str:
        """The source's column for `role`."""
        return self.columns.get(role, role)

    @property
    def train_languages(self) -> tuple[str, ...]:
        """Training languages as a tuple."""
        one = self.train_language
        return (one,) if isinstance(one, str) else one

    def source_word(self, language: str) -> str:
        """The source's own word for one of the task's languages: what is named for it, or for the
        same code in another spelling (`he: hebrew` for `iw`) that does not stand beside it.
        """
        named = self.language_names
        if not named or language in named:
            return named.get(language, language)
        lists = (self.languages, self.train_languages)
        beside = {word for words in lists if language in words for word in words}
        tag = resolve(language).tag
        others = (name for name in named if name not in beside and resolve(name).tag == tag)
        return named[name] if (name := next(others, "")) else language

    @property
    def trainable(self) -> bool:
        """Whether it can be trained on (retrieval is evaluated on a checkpoint directly)."""
        return self.spec.trained

    def uses(self, action: Action) -> tuple[Use, ...]:
        """The uses that an action reads; `has` says whether the task has a split for each."""
        if action == "train":
            return ("train", "dev")
        return ("dev", "test") if self.spec.tuned else ("test",)

    def languages_of(self, use: Use) -> tuple[str, ...]:
        """The languages of the rows of a use: all of the task's for test rows, and for development
        rows that tune an evaluation; otherwise the training languages.
        """
        everywhere = use == "test" or (use == "dev" and self.spec.tuned)
        return self.languages if everywhere else self.train_languages

    def has(self, use: Use) -> bool:
        """Whether it has a split for a use; for a union, whether all its parts have one."""
        return all(getattr(leaf.splits, use) is not None for leaf in self.leaves)

    def alike(self, other: Task) -> bool:
        """Whether a head that is trained on this task can answer the other: same format, and the
        same labels where the format has labels.
        """
        return self.format == other.format and (
            not self.spec.labelled or self.labels == other.labels
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
    named = task.language_names
    part["language_names"] = {
        one: word for one in names if (word := task.source_word(one)) != one or one in named
    }
    if task.transform is not None and "transform" in part:
        part["transform"] = task.transform.payload()
    if task.source.files is not None:
        # The data revision is a hash of the content of the files; their place does not matter.
        part["source"] = {**whole["source"], "files": True}
    part["splits"] = {use: whole["splits"][use] for use in uses}
    part["limits"] = {use: whole["limits"][use] for use in uses}
    if "train" in uses and len(names) == 1:
        # One language is the same training as a list of one, whatever its exponent.
        part |= {"train_language": names[0], "language_exponent": None}
    if task.parts:
        part["parts"] = [_part(one, fields, uses) for one in task.parts]
    return part


def training_payload(task: Task) -> dict[str, Any]:
    """The part of a task that affects a training: not its name, test split or other languages."""
    return _part(task, _TRAINING_FIELDS, ("train", "dev"))


def evaluation_payload(task: Task) -> dict[str, Any]:
    """The part of a task that affects an evaluation: not its training rows."""
    return _part(task, _EVALUATION_FIELDS, task.uses("evaluate"))
