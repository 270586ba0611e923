"""The state of a training run on disk."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from training.network.network import Network
from training.network.network_options import NetworkOptions

WEIGHTS_FILE = "checkpoint.pt"
OPTIMIZER_FILE = "optimizer.pt"
"""Apart from the weights: each file stays below 16 MiB."""


def save_checkpoint(
    folder: Path, *, network: Network, average: Network, optimizer: torch.optim.Optimizer, progress: dict[str, Any]
) -> None:
    """Write both files into `folder`, each whole or not at all. progress: plain values that go beside the weights."""
    _save(folder / OPTIMIZER_FILE, {"optimizer": optimizer.state_dict()})
    state = {
        "options": asdict(network.options),
        "network": network.state_dict(),
        "average": average.state_dict(),
        **progress,
    }
    _save(folder / WEIGHTS_FILE, state)


def _save(path: Path, state: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def load_state(folder: Path, name: str, device: torch.device) -> dict[str, Any]:
    """One of the two files' contents."""
    state: dict[str, Any] = torch.load(folder / name, map_location=device, weights_only=True)
    return state


def load_average(path: Path) -> Network:
    """The averaged network of a checkpoint file or of its folder, in evaluation mode on the CPU."""
    folder, name = (path, WEIGHTS_FILE) if path.is_dir() else (path.parent, path.name)
    state = load_state(folder, name, torch.device("cpu"))
    network = Network(NetworkOptions(**state["options"]))
    network.load_state_dict(state["average"])
    return network.eval()
