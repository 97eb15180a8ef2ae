"""What is known of each format without torch."""

from __future__ import annotations

from xstilts.scoring.metrics import METRICS
from xstilts.spec.format_specs import FORMATS


def test_format_metrics_are_known() -> None:
    for name, spec in FORMATS.items():
        assert set(spec.metrics) <= set(METRICS), name
