"""Trains one network for a stated time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.augment import Augmenter, Batch
from training.checkpoint import OPTIMIZER_FILE, WEIGHTS_FILE, load_state, save_checkpoint
from training.dataset import Dataset
from training.detection_loss import detection_loss
from training.metrics import headline
from training.network.network import Network
from training.network.network_options import NetworkOptions
from training.segmentation_loss import segmentation_loss
from training.validation import Validator
from training.weight_average import WeightAverage

WARMUP_STEPS = 300
FINAL_RATE = 0.01
CALM_FROM = 0.6
CALM_STRENGTH = 0.2
MAX_NORM = 10.0


@dataclass(frozen=True, kw_only=True)
class TrainerOptions:
    """One run.

    Args:
        output: Folder of checkpoint, log and metrics.
        seconds: How long this run trains.
        budget_s: How long all runs together train: the length of the learning rate's schedule.
        batch: Pictures a step.
        rate: Highest learning rate.
        weight_decay: AdamW's.
        validate_every_s: Time between two short validations.
        seed: Weights and augmentation.
        compile_network: Use torch.compile.
    """

    output: Path
    seconds: float
    budget_s: float
    batch: int = 32
    rate: float = 2e-3
    weight_decay: float = 0.02
    validate_every_s: float = 120.0
    seed: int = 1
    compile_network: bool = False


def learning_rate(progress: float, step: int, highest: float) -> float:
    """A cosine over the time, down to FINAL_RATE of the highest, under a linear rise over the first WARMUP_STEPS."""
    wave = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return highest * (FINAL_RATE + (1.0 - FINAL_RATE) * wave) * min(1.0, (step + 1) / WARMUP_STEPS)


def augmentation_strength(progress: float) -> float:
    """1 up to CALM_FROM of the time, then down to CALM_STRENGTH at its end: at last, pictures as they will come."""
    calm = min(1.0, max(0.0, (progress - CALM_FROM) / (1.0 - CALM_FROM)))
    return 1.0 - (1.0 - CALM_STRENGTH) * calm


class Trainer:
    """Holds network, average, optimizer and how far they are.

    Args:
        resume: Folder of an earlier run's checkpoint; None: begin anew.
    """

    def __init__(
        self, network_options: NetworkOptions, options: TrainerOptions, device: torch.device, resume: Path | None
    ) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.skipped = 0
        self.history: list[dict[str, Any]] = []
        self._device = device
        self.network = Network(network_options).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = WeightAverage(self.network)
        self.step, self.spent_s = 0, 0.0
        self._optimizer = torch.optim.AdamW(self._groups(), lr=options.rate, fused=device.type == "cuda")
        if resume is not None:
            self._resume(resume)
        self._augmenter = Augmenter(options.seed * 1_000_003 + self.step, device)
        self._order = torch.Generator().manual_seed(options.seed * 7 + self.step)
        self._logits = self.network.logits
        if options.compile_network:
            self._logits = torch.compile(self.network.logits)

    def _groups(self) -> list[dict[str, Any]]:
        """Convolution weights decay; biases and normalisation do not."""
        parameters = list(self.network.parameters())
        return [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": self.options.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]

    def _resume(self, folder: Path) -> None:
        state = load_state(folder, WEIGHTS_FILE, self._device)
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.step, self.spent_s = state["step"], state["spent_s"]
        self.skipped, self.history = state["skipped"], state["history"]
        self._optimizer.load_state_dict(load_state(folder, OPTIMIZER_FILE, self._device)["optimizer"])
        print(f"resumed {folder} at step {self.step}, {self.spent_s:.0f} s spent", flush=True)

    @property
    def _progress(self) -> float:
        """Share of the whole budget that is spent."""
        return self.spent_s / self.options.budget_s

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(
            self.options.output,
            network=self.network,
            average=self.average.network,  # type: ignore[arg-type]
            optimizer=self._optimizer,
            progress={name: getattr(self, name) for name in ("step", "spent_s", "skipped", "history")},
        )

    def train(self, data: Dataset, validator: Validator) -> None:
        """Train for `options.seconds`, printing progress, with a checkpoint and a short validation now and then."""
        before, started = self.spent_s, time.monotonic()
        printed, validated = started, started
        sums: dict[str, Tensor] = {}
        steps, end = 0, before + self.options.seconds
        self.network.train()
        while self.spent_s < end:
            for index in self._shuffled(len(data)):
                strength = augmentation_strength(self._progress)
                losses = self._learn(self._augmenter.batch(data, index, strength))
                for name, value in losses.items():
                    sums[name] = sums.get(name, torch.zeros((), device=self._device)) + value
                steps += 1
                now = time.monotonic()
                self.spent_s = before + now - started
                if now - printed > 10.0:
                    self._print(sums, steps, now - printed)
                    sums, steps, printed = {}, 0, now
                if now - validated > self.options.validate_every_s:
                    validated = now
                    self.save()
                    self.validate(validator)
                if self.spent_s >= end:
                    break
        self.spent_s = before + time.monotonic() - started

    def validate(self, validator: Validator) -> dict[str, Any]:
        """Accuracy of the average; printed and kept in the history."""
        metrics = validator.run(self.average.network, with_thermal=self.network.options.thermal_widths is not None)
        print(f"  step {self.step}: {headline(metrics)}", flush=True)
        self.history.append({"step": self.step, "spent_s": round(self.spent_s, 1), "map50": metrics["map50"]})
        return metrics

    def _shuffled(self, count: int) -> list[Tensor]:
        order = torch.randperm(count, generator=self._order)
        batches = list(torch.split(order, self.options.batch))
        return batches[:-1] if len(batches) > 1 and len(batches[-1]) < self.options.batch else batches

    def _learn(self, batch: Batch) -> dict[str, Tensor]:
        """One step. A step whose loss or gradient is not finite changes nothing and is counted."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self._progress, self.step, self.options.rate)
        images = batch.images.contiguous(memory_format=torch.channels_last)
        inputs = (images,) if self.network.options.thermal_widths is None else (images, batch.thermal)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            cells, logits = self._logits(*inputs)
        losses = detection_loss(cells, batch.targets, images.shape[2], images.shape[3])
        losses |= segmentation_loss(logits, batch.masks)
        self._optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), MAX_NORM)
        if not torch.isfinite(norm):
            self._recover()
            return {}
        self._optimizer.step()
        self.step += 1
        self.average.update(self.network, self.step)
        return {name: value.detach() for name, value in losses.items()}

    def _recover(self) -> None:
        # The forward pass may have spoiled the batch-norm statistics too: take all of the average's.
        self.skipped += 1
        self.network.load_state_dict(self.average.network.state_dict())
        print(f"step {self.step}: not finite, skipped ({self.skipped} in all)", flush=True)

    def _print(self, sums: dict[str, Tensor], steps: int, seconds: float) -> None:
        text = "  ".join(f"{name} {float(value) / max(1, steps):.3f}" for name, value in sums.items())
        rate = self._optimizer.param_groups[0]["lr"]
        print(
            f"{self.spent_s:6.0f}/{self.options.budget_s:.0f} s  step {self.step}  lr {rate:.2e}  {text}  "
            f"{steps * self.options.batch / seconds:.0f} pictures/s  skipped {self.skipped}",
            flush=True,
        )
