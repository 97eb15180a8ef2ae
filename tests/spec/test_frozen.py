"""What every value has in common."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from xstilts.spec.hyperparameters import Hyperparameters


def test_value_is_frozen_and_refuses_unknown_keys() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Hyperparameters().lr = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="learning_rate"):
        Hyperparameters(learning_rate=1.0)  # type: ignore[call-arg]
