"""Where a validation runs that is spread over Ray."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trt_perception.errors import ConfigError

LOCAL, AUTO = "local", "auto"


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """Which Ray, and how much of it one task takes. None of it changes the results.

    Args:
        address: ``local``: one on this machine that ends with the run. ``auto``: the cluster that this machine is a
            node of. Otherwise host and port of a cluster's head node.
        workers: Tasks at a time of ``local``. Default: as many as the machine has room for.
        tasks_per_gpu: Tasks that share a GPU.
        retries: How often a block is tried again after its worker died.

    Raises:
        ConfigError: A value cannot be used.
    """

    address: str = LOCAL
    workers: int | None = None
    tasks_per_gpu: int = 1
    retries: int = 3

    def __post_init__(self) -> None:
        if self.address not in (LOCAL, AUTO) and not re.fullmatch(r"[^\s/]+:\d{1,5}", self.address):
            raise ConfigError(
                "validate.cluster",
                f"expected {LOCAL}, {AUTO} or HOST:PORT of a Ray cluster, got {self.address!r}",
                "give bags before --cluster",
            )
        if self.workers is not None and self.workers < 1:
            raise ConfigError("validate.processes", f"expected at least 1, got {self.workers}")
        if self.workers is not None and self.address != LOCAL:
            raise ConfigError(
                "validate.processes",
                f"expected none with {self.address}: as many tasks run as the cluster has room for",
            )
        if self.tasks_per_gpu < 1:
            raise ConfigError("validate.tasks_per_gpu", f"expected at least 1, got {self.tasks_per_gpu}")
        if self.retries < 0:
            raise ConfigError("validate.retries", f"expected at least 0, got {self.retries}")
