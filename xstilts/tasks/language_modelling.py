"""Masked language modelling over plain text in several languages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xstilts.spec.task import Source, Splits, Task

_LANGUAGES = ("en", "de", "es", "fr", "ru", "el", "tr", "ar", "hi", "vi", "zh", "sw", "th")

MLM = Task(
    name="mlm",
    format="masked_lm",
    # Not on the hub: plain text in a mirror. A sweep can set `source` to other text.
    source=Source(hub="local/multilingual-text", config="{language}"),
    languages=_LANGUAGES,
    train_language=_LANGUAGES,
    splits=Splits(train="train[:98%]", dev="train[98%:99%]", test="train[99%:]"),
    metric="masked_accuracy",
    groups=("language modelling",),
    licence="by source: CC BY-SA 4.0, CC0, research use",
)

TASKS: Mapping[str, Task] = MappingProxyType({MLM.name: MLM})
