"""What can be done to a task's training rows before they are tokenised.

A `Transform` is one of four kinds: machine translation, translations from files, code-switching by
dictionary, invented words. These are values only; `xstilts/data/transforms/` carries them out.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from xstilts.spec.frozen import Frozen


class Translate(Frozen):
    """Machine translation with a sequence-to-sequence model (NLLB, M2M100, opus-mt)."""

    model: str
    """Model id of the hub, a mirror or a folder."""
    revision: str = "main"
    languages: tuple[str, ...] = Field(min_length=1)
    """ISO codes; several are taken in turn, one for each row."""
    language_codes: dict[str, str] = Field(default_factory=dict)
    """ISO code to the model's own name of the language (`de: deu_Latn`); those of NLLB and M2M100
    are built in.
    """
    beams: int = Field(default=1, ge=1)
    max_new_tokens: int = Field(default=256, ge=8)
    batch_size: int = Field(default=32, ge=1)


class Lookup(Frozen):
    """Translations that the user has: files with the columns `text`, `translation` and, for several
    languages, `language`.
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
    """Share of the words of a switched row that are replaced, where a dictionary has them."""
    cross: bool = True
    """Whether each word draws its own language; otherwise each row draws one."""


class Pseudo(Frozen):
    """A control: replaces each word by an invented word, always the same, that no language has."""

    word_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the words that are replaced."""


class Transform(Frozen):
    """What is done to a task's training rows before they are tokenised: exactly one of the four
    kinds.

    Development and test rows stay as they are, so all arms are chosen by scores on the same rows.
    """

    translate: Translate | None = None
    lookup: Lookup | None = None
    dictionary: Dictionary | None = None
    pseudo: Pseudo | None = None
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the rows that are transformed; the others stay English."""
    add: bool = False
    """Whether the transformed rows are added after the English rows instead of replacing them."""
    seed: int = 0
    """Seed of all random choices."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Transform:
        kinds = (self.translate, self.lookup, self.dictionary, self.pseudo)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(
                "a transform needs exactly one of translate, lookup, dictionary, pseudo"
            )
        return self

    def payload(self) -> dict[str, Any]:
        """The part of it that affects rows, apart from the content of its files and its model: no
        paths, no batch size.
        """
        not_hashed = {
            "translate": ("model", "revision", "batch_size"),
            "lookup": ("files",),
            "dictionary": ("files",),
        }
        whole = self.model_dump(mode="json")
        return {
            key: {k: v for k, v in value.items() if k not in not_hashed[key]}
            if value and key in not_hashed
            else value
            for key, value in whole.items()
        }
