"""Peak throughput of GPUs by name, for estimates.

The peaks are the makers' figures for dense matrices, recalled and compared with public tables, not
measured. A training reaches a third of them with large batches, and less with small ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xstilts.errors import InputError

DEFAULT_GPU = "A100-80GB"
OR = " or "
"""Stands between the names where any of several GPUs will do."""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """Peak dense matrix throughput in 1e12 operations a second, as the maker states it, without
    sparsity.
    """

    fp32: float
    bf16: float | None
    """None where the GPU has no bf16: `auto` computes in fp32 there."""
    memory: float
    """Bandwidth in 1e9 bytes a second."""

    def peak(self, precision: str) -> float:
        """The peak in a precision. fp32 is plain fp32: torch leaves TF32 off for matrix
        products.
        """
        return self.fp32 if precision == "fp32" or self.bf16 is None else self.bf16


GPUS: Mapping[str, Gpu] = {
    "T4": Gpu(fp32=8.1, bf16=None, memory=320),
    "V100": Gpu(fp32=15.7, bf16=None, memory=900),
    "A10G": Gpu(fp32=31.5, bf16=70, memory=600),
    "L4": Gpu(fp32=30.3, bf16=121, memory=300),
    "L40S": Gpu(fp32=91.6, bf16=362, memory=864),
    "RTX-3090": Gpu(fp32=35.6, bf16=71, memory=936),
    "RTX-4090": Gpu(fp32=82.6, bf16=165, memory=1008),
    "A100-40GB": Gpu(fp32=19.5, bf16=312, memory=1555),
    "A100-80GB": Gpu(fp32=19.5, bf16=312, memory=2039),
    "H100": Gpu(fp32=67, bf16=989, memory=3350),
    "H200": Gpu(fp32=67, bf16=989, memory=4800),
}
"""The SXM variant where there are several. The tensor cores of T4 and V100 do only fp16, which
xstilts does not use.
"""


RAY_NAMES: Mapping[str, tuple[str, ...]] = {
    "A100-40GB": ("A100-40GB", "A100-40G", "A100"),
    "A100-80GB": ("A100-80GB", "A100-80G", "A100"),
    "RTX-3090": ("RTX-3090", "GeForce-RTX-3090"),
    "RTX-4090": ("RTX-4090", "GeForce-RTX-4090"),
}
"""A GPU's name to the values of Ray's node label `ray.io/accelerator-type` that stand for it, where
they are not the name alone. Ray reads them off the driver's name of the GPU, in which an A100's
memory is not told apart; whoever has both kinds labels the nodes.
"""


def ray_names(name: str) -> tuple[str, ...]:
    """Values of Ray's label that stand for a GPU of `GPUS`."""
    return RAY_NAMES.get(name, (name,))


def gpu_name(name: str | None) -> str:
    """A GPU's name as `GPUS` spells it, the default for None; InputError where it is not there."""
    if name is None:
        return DEFAULT_GPU
    known = {one.lower().replace("-", ""): one for one in GPUS}
    known["a100"] = DEFAULT_GPU
    wanted = name.lower().replace("-", "").replace(" ", "").replace("_", "").removeprefix("nvidia")
    if wanted in known:
        return known[wanted]
    raise InputError(f'GPU is "{name}", which has no peak here; must be one of {", ".join(GPUS)}')
