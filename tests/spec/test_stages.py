"""Names of the stages of a lineage."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from xstilts.spec.stages import StageKind, stage_names


@dataclass(frozen=True)
class Stage:
    kind: StageKind


@pytest.mark.parametrize(
    "kinds, names",
    [
        ((), ()),
        (("pretrain", "target"), ("pretrain", "target")),
        (("pretrain", "intermediate", "target"), ("pretrain", "intermediate", "target")),
        (
            ("intermediate", "intermediate", "target"),
            ("intermediate.1", "intermediate.2", "target"),
        ),
    ],
)
def test_stage_names_number_intermediates_where_there_are_several(
    kinds: tuple[StageKind, ...], names: tuple[str, ...]
) -> None:
    assert stage_names([Stage(kind) for kind in kinds]) == names
