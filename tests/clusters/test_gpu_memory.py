"""How much memory of a GPU a training needs at least."""

from __future__ import annotations

import pytest

from tests.clusters.checking.world import plan
from xstilts.checks.costs.model_sizes import Encoder
from xstilts.clusters import gpu_memory
from xstilts.spec.gpus import GPUS, ray_names
from xstilts.spec.hyperparameters import Hyperparameters

ENCODER = Encoder(layers=2, hidden=10, intermediate=40, vocabulary=100)
PARAMETERS = 2 * 10 * (4 * 10 + 2 * 40) + 100 * 10
HYPER = Hyperparameters(batch_size=8, max_length_tokens=16)


@pytest.mark.parametrize(
    ("resources", "changes", "kind", "tokens", "bytes_a_token"),
    [
        ("{}", {}, None, 128, 34 * 10 * 2),
        ("{workers: 2}", {}, None, 64, 34 * 10 * 2),
        ("{}", {"grad_accumulation": 4}, None, 32, 34 * 10 * 2),
        ("{}", {"precision": "fp32"}, None, 128, 2 * 34 * 10 * 2),
        ("{}", {}, "T4", 128, 2 * 34 * 10 * 2),
        ("{}", {}, "H100", 128, 34 * 10 * 2),
        ("{}", {}, "A100-80G", 128, 34 * 10 * 2),
        ("{gradient_checkpointing: true}", {}, None, 128, 2 * 10 * 2 + 34 * 10),
    ],
)
def test_memory_is_that_of_the_weights_and_of_what_is_kept_for_the_backward_pass(
    resources: str, changes: dict[str, object], kind: str | None, tokens: int, bytes_a_token: int
) -> None:
    hyper = HYPER.model_copy(update=changes)
    found = gpu_memory.of_training(ENCODER, hyper, plan(resources), kind)
    assert found == 16 * PARAMETERS + tokens * bytes_a_token


def test_largest_training_of_a_plan_is_found() -> None:
    need, unknown = gpu_memory.most_needed(plan(), "A100-80G")
    assert need is not None and unknown == []
    assert need.model == "xlm-roberta-base"
    assert 4.4 < need.gigabytes < 10  # 278 million parameters x 16 bytes and more


def test_model_of_unknown_size_is_named() -> None:
    assert gpu_memory.most_needed(plan(model="nobody/model"), None) == (None, ["model"])


def test_every_gpu_of_the_estimate_has_a_memory() -> None:
    assert GPUS.keys() <= gpu_memory.GIGABYTES.keys()
    assert {name for gpu in GPUS for name in ray_names(gpu)} <= gpu_memory.GIGABYTES.keys()
