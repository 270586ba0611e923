"""A connection to Ray: to a cluster that is there, or to one of its own on this machine."""

from __future__ import annotations

import importlib
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from trt_perception.errors import DeviceError, MissingError
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.cluster_options import LOCAL, ClusterOptions

_LONGEST_TEMP = 25
"""Ray puts sockets some 80 characters below its folder, and Linux takes 107 for the path of one."""

_REACH_S = 10.0
_LONGEST_REASON = 300

_STORE_BYTES = 256 * 2**20
"""Shared memory of `local` for results on their way; what does not fit goes to the disk."""

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nobody is told
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a FutureWarning at the start of every run without a GPU
    "RAY_task_oom_retries": "3",  # else what is too large for the machine is tried forever
}


@dataclass(frozen=True, kw_only=True)
class TaskNeeds:
    """What one task takes of its node.

    Args:
        cpus: Cores.
        gpus: GPUs; a part of one where several tasks share it.
    """

    cpus: int = 1
    gpus: float = 0.0

    @classmethod
    def of(cls, pipeline: AnyPipeline, options: ClusterOptions) -> TaskNeeds:
        """A share of a GPU for an engine; for ONNX Runtime as many cores as it has threads."""
        if pipeline.engine is not None:
            return cls(gpus=1.0 / options.tasks_per_gpu)
        backend = pipeline.backend if isinstance(pipeline, Pipeline) else None
        return cls(cpus=backend.threads if isinstance(backend, OnnxRuntimeBackend) else 1)


@dataclass(frozen=True, kw_only=True)
class RayCluster:
    """Ray, connected.

    Args:
        ray: The module.
        options: Which Ray it is.
        needs: What one task takes.
        scratch: Folder for the files of tasks that goes with the run; None: that of each node.
    """

    ray: ModuleType
    options: ClusterOptions
    needs: TaskNeeds
    scratch: Path | None

    @property
    def slots(self) -> int:
        """Tasks that run at a time on the nodes that are there now."""
        resources = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return sum(self._slots_of(node) for node in resources)

    def _slots_of(self, resources: dict[str, float]) -> int:
        slots = int(resources.get("CPU", 0)) // self.needs.cpus
        if self.needs.gpus:
            slots = min(slots, int(resources.get("GPU", 0)) * round(1 / self.needs.gpus))
        return slots


@contextmanager
def ray_cluster(options: ClusterOptions, needs: TaskNeeds) -> Iterator[RayCluster]:
    """Connect, and at the end disconnect; of `local` no process and no file is left.

    Raises:
        MissingError: Ray is not installed, or no node has what a task needs.
        DeviceError: The cluster cannot be reached, or not be started.
    """
    with _environment(options), _handlers_kept(), _scratch(options) as scratch:
        ray = _load_ray()
        try:
            _connect(ray, options, needs, scratch)
            cluster = RayCluster(ray=ray, options=options, needs=needs, scratch=scratch)
            if not cluster.slots:
                raise MissingError(
                    f"cluster {options.address}: no node has {needs.cpus} CPUs and {needs.gpus:g} GPUs for a task",
                    "add one that has, or give --threads or --backend onnxruntime",
                )
            yield cluster
        finally:
            ray.shutdown()


def _load_ray() -> ModuleType:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise MissingError(f"Ray cannot be imported ({error})", "pip install 'trt_perception[cluster]'") from error


def _connect(ray: ModuleType, options: ClusterOptions, needs: TaskNeeds, scratch: Path | None) -> None:
    own: dict[str, Any] = {}
    if options.address == LOCAL:
        workers = options.workers or max(1, len(os.sched_getaffinity(0)) // needs.cpus)
        own = {
            "num_cpus": workers * needs.cpus,
            "num_gpus": None if needs.gpus else 0,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_temp_dir": str(scratch),
        }
    try:
        if ":" in options.address:  # Ray itself would try for half a minute
            host, _, port = options.address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_REACH_S).close()
        ray.init(address=options.address, log_to_driver=False, logging_level="ERROR", **own)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        raise DeviceError(
            f"cluster {options.address}: Ray cannot be reached or started: {_reason(error)}; `ray status` on its head "
            "node tells whether it runs"
        ) from error


def _reason(error: BaseException) -> str:
    """The last line of the first error: Ray wraps a refused token, say, into "failed to connect"."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:_LONGEST_REASON] if lines else type(error).__name__


@contextmanager
def _scratch(options: ClusterOptions) -> Iterator[Path | None]:
    if options.address != LOCAL:
        yield None
        return
    usual = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(
        prefix="trt_ray_", dir=usual if len(usual) <= _LONGEST_TEMP else "/tmp", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@cache
def _own_token() -> str:
    """For Rays of this process alone. One for all of them: Ray reads it once."""
    return secrets.token_hex(32)


@contextmanager
def _environment(options: ClusterOptions) -> Iterator[None]:
    """Ray's settings, where the user has none, as long as it runs; what Ray itself sets goes with them."""
    before = dict(os.environ)
    os.environ.update({name: value for name, value in _SETTINGS.items() if name not in before})
    if options.address == LOCAL:  # else Ray writes one into the home of the user
        os.environ.setdefault("RAY_AUTH_TOKEN", _own_token())
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself and does not give it back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
