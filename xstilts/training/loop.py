"""The training loop: transformers' `Trainer`, with everything that decides a number replaced.

Trainer brings mixed precision, gradient accumulation, clipping and the wrapping for several
workers. The rest is ours: the batches come from the plan, the loss is a sum over loss items times a
scale known beforehand, the schedule is a function of the step, and the random state (dropout) is
set for every update from (seed, update, rank). So there is no hidden state: a phase that resumes at
update 500 draws the same numbers as one that never stopped, and an evaluation in between does not
change them.

Trainer's own logging, checkpoints, evaluation and data sharding are switched off.

Where memory runs out in the middle of an update, `ShortOfMemory` leaves the loop. Weights and
optimizer are then still as they were after the update before, so another loop, whose micro-batches
are half as large, can begin with that update again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from xstilts.errors import first_line
from xstilts.models.model import PhaseModel
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.seeds import subseed
from xstilts.training.micro_batches import Loader, MicroBatch
from xstilts.workers.precision import use_bf16
from xstilts.workers.process import World

BETAS, EPSILON = (0.9, 0.999), 1e-8
DECAY_SHARE = 0.2
"""Warmup-stable-decay: share of the steps in which the rate falls to zero."""


_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says where a GPU, a library on it, or the machine has no memory left."""


class ShortOfMemory(Exception):
    """Memory ran out while an update was computed; nothing of it has been applied."""


def factor(step: int, hyper: Hyperparameters) -> float:
    """Share of the peak rate at update `step` (from 0).

    The rate rises linearly to its peak at the end of the warm-up. Then `linear` and `cosine` fall
    to zero just after the last update, `constant` stays, and `wsd` (warmup-stable-decay, Hu et al.
    2024, section 4) stays and falls linearly over the last `DECAY_SHARE` of the steps. No update
    has rate zero.
    """
    warmup = round(hyper.warmup_ratio * hyper.steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    left = max(0, hyper.steps - step) / max(1, hyper.steps - warmup)
    if hyper.schedule == "linear":
        return left
    if hyper.schedule == "cosine":
        return 0.5 * (1 - math.cos(math.pi * left))
    if hyper.schedule == "wsd":
        decay = max(1, min(hyper.steps - warmup, round(DECAY_SHARE * hyper.steps)))
        return min(1.0, max(0, hyper.steps - step) / decay)
    return 1.0


def optimizer(model: nn.Module, hyper: Hyperparameters) -> torch.optim.AdamW:
    """AdamW; biases and normalisation weights (parameters with one dimension) have no decay."""
    wanted = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in wanted if p.ndim >= 2], "weight_decay": hyper.weight_decay},
        {"params": [p for p in wanted if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [g for g in groups if g["params"]], lr=hyper.lr, betas=BETAS, eps=EPSILON, fused=True
    )


def _arguments(
    hyper: Hyperparameters, world: World, n_members: int, folder: Path, accumulation: int
) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=hyper.steps,
        per_device_train_batch_size=max(1, hyper.batch_size // world.size // accumulation),
        gradient_accumulation_steps=accumulation,
        max_grad_norm=hyper.max_grad_norm,
        bf16=use_bf16(hyper, world.device),
        use_cpu=world.device.type == "cpu",
        ddp_find_unused_parameters=n_members > 1,
        ddp_broadcast_buffers=False,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        report_to=[],
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
    )
    # Several visible GPUs must not become DataParallel: one worker, one device.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


class Loop(Trainer):
    """One phase's updates. `after_update(step)` is called after each; False ends the training."""

    loss_is_scaled_for_ga = True
    optimizer: Any
    lr_scheduler: Any

    def __init__(
        self,
        *,
        model: PhaseModel,
        loader: Loader,
        hyper: Hyperparameters,
        world: World,
        folder: Path,
        after_update: Callable[[int], bool],
        state: dict[str, Any] | None = None,
    ) -> None:
        """`state`: optimizer and scheduler of a partial checkpoint taken at update
        `loader.first`.
        """
        self.loader, self.hyper, self.world, self.restored = loader, hyper, world, state
        self.update_loss = torch.zeros((), dtype=torch.float64, device=world.device)
        """Loss of the update so far, this worker's share."""
        super().__init__(
            model=model,
            args=_arguments(hyper, world, len(model.heads), folder, loader.accumulation),
            callbacks=[_Hooks(self, after_update)],
        )
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> Loader:
        """The plan's batches; accelerate does not shard them again."""
        return self.loader

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over the phase's model."""
        if self.optimizer is None:
            self.optimizer = optimizer(self.model if model is None else model, self.hyper)
        return self.optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LambdaLR:
        """`factor` of the step."""
        if self.lr_scheduler is None:
            self.lr_scheduler = LambdaLR(
                optimizer or self.optimizer, lambda step: factor(step, self.hyper)
            )
        return self.lr_scheduler

    def compute_loss(
        self,
        model: nn.Module,
        inputs: MicroBatch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """This worker's share of the update's mean loss over loss items."""
        loss: Tensor = model(inputs["member"], inputs["chunks"]) * inputs["scale"]
        self.update_loss += loss.detach().double()
        return loss

    def training_step(self, *given: Any, **more: Any) -> Tensor:
        """Trainer's: forward and backward of a micro-batch. ShortOfMemory where memory ran out."""
        try:
            return super().training_step(*given, **more)
        except RuntimeError as error:
            said = first_line(error)
            if not any(words in str(error) for words in _NO_MEMORY):
                raise
        # Outside the handler: the error's frames hold the tensors that were too many.
        raise ShortOfMemory(said)

    def take_loss(self) -> Tensor:
        """Loss of the update that has just ended, over all workers (float64, no gradient)."""
        loss = self.world.mean(self.update_loss)
        self.update_loss = torch.zeros_like(loss)
        return loss

    def snapshot(self) -> dict[str, Any]:
        """Optimizer and scheduler, as they are between two updates."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.lr_scheduler.state_dict(),
        }

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted."""
        return 0

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Nothing: curves are ours."""


class _Hooks(TrainerCallback):
    """Sets where Trainer begins, its random state, and what follows each update."""

    def __init__(self, loop: Loop, after_update: Callable[[int], bool]) -> None:
        self.loop, self.after_update = loop, after_update

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        state.global_step = self.loop.loader.first
        if self.loop.restored is not None:
            self.loop.optimizer.load_state_dict(self.loop.restored["optimizer"])
            self.loop.lr_scheduler.load_state_dict(self.loop.restored["scheduler"])
            self.loop.restored = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        torch.manual_seed(
            subseed(self.loop.loader.seed, "dropout", state.global_step, self.loop.world.rank)
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self.after_update(state.global_step):
            control.should_training_stop = True
