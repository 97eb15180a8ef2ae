"""Tasks in the languages of the built-in generator: no download, seconds on one core.

`xstilts.tasks.generator` explains what each teaches, and which intermediate helps or harms which
target.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from xstilts.spec.format_specs import FormatName
from xstilts.spec.format_specs.masked_lm import MaskedLMOptions
from xstilts.spec.format_specs.retrieval import RetrievalOptions
from xstilts.spec.task import Source, Splits, Task

LANGUAGES = ("xa", "xb", "xc", "xd")
"""The generator's languages; the first is the one trained in."""
TAGS = ("AGENT", "PATIENT", "PLACE", "VERB", "ADJ", "ADV", "MARK", "CONJ", "SIGN")
CIPHERS = tuple(f"C{i}" for i in range(8))


def _task(
    name: str, format: FormatName, metric: str, groups: tuple[str, ...], **fields: Any
) -> Task:
    given: dict[str, Any] = {
        "languages": LANGUAGES,
        "train_language": LANGUAGES[0],
        "splits": Splits(train="train", dev="dev", test="test"),
        "licence": "Apache-2.0",
    }
    source = Source(generator=name)
    return Task(
        name=name, format=format, metric=metric, groups=groups, source=source, **{**given, **fields}
    )


_TEXT: dict[str, Any] = {
    "train_language": LANGUAGES,
    "options": MaskedLMOptions(mask_probability=0.25),
}
_PAIR = {"text": "text", "text_pair": "text_pair", "label": "label"}

TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            _task("gen-text", "masked_lm", "masked_accuracy", ("language modelling",), **_TEXT),
            _task("gen-more", "masked_lm", "masked_accuracy", ("language modelling",), **_TEXT),
            _task("gen-tags", "tagging", "token_accuracy", ("syntactic",), labels=TAGS),
            _task(
                "gen-fits",
                "classification",
                "accuracy",
                ("semantic",),
                columns=_PAIR,
                labels=("no", "yes"),
            ),
            _task(
                "gen-parallel",
                "retrieval",
                "accuracy",
                ("semantic",),
                languages=LANGUAGES[1:],
                splits=Splits(test="test"),
                options=RetrievalOptions(layer=1),
            ),
            _task("gen-who", "span_qa", "qa_mean", ("semantic", "reading")),
            _task(
                "gen-choice", "multiple_choice", "accuracy", ("semantic",), labels=("0", "1", "2")
            ),
            _task(
                "gen-cipher",
                "tagging",
                "token_accuracy",
                ("adverse",),
                train_language=LANGUAGES,
                labels=CIPHERS,
            ),
            _task("gen-reading", "span_qa", "qa_mean", ("semantic", "reading")),
        )
    }
)
"""Name to task."""
