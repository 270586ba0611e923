"""Makes the missing segments of a run as Ray tasks, on one machine or many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trt_perception.errors import DeviceError, InputError, MissingError, PerceptionError
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.validate.bag_plan import plan_bag
from trt_perception.validate.pair_table import PairRows
from trt_perception.validate.ray_cluster import RayCluster
from trt_perception.validate.run_header import RunModel
from trt_perception.validate.run_model import run_model
from trt_perception.validate.segment_pool import (
    Block,
    BlockWorker,
    RunJob,
    WorkerFailure,
    outside_truth,
    validation_pipeline,
)
from trt_perception.validate.segment_store import SegmentStore
from trt_perception.validate.truth_source import TruthSource

LONGEST_BLOCK = 20
"""Segments of a task at most: what is lost with a worker, and tens of megabytes of results."""

_TASKS_PER_SLOT = 2
"""Tasks handed out at a time; more would only fill the cluster's memory with results that wait."""

SegmentFiles = Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class ClusterJob:
    """What a task needs to know beside its block.

    Args:
        run: The run; its folder is of the machine that began it, a task writes elsewhere.
        model: The model as that machine has it.
        scratch: Folder for the task's files; None: the usual one of its node.
    """

    run: RunJob
    model: RunModel
    scratch: Path | None


def run_on_cluster(
    job: RunJob, model: RunModel, work: Sequence[Block], cluster: RayCluster, *, on_block: Callable[[Block], object]
) -> None:
    """Run blocks as tasks; this process alone writes the folder of the run.

    Bags, model and truth are read on the nodes, under the paths that they have here. A task whose worker dies is run
    again, on this node or another.

    Args:
        job: The run.
        model: The model as this machine has it; a node that has another is refused.
        work: The blocks.
        cluster: Connected.
        on_block: Called after each block.

    Raises:
        PerceptionError: A task failed, or its worker died again and again; what others had finished is kept.
    """
    ray, needs, store = cluster.ray, cluster.needs, SegmentStore(job.out)
    # Of tasks with a GPU, Ray ends the process afterwards: the next one may be given another GPU.
    task = ray.remote(
        num_cpus=needs.cpus, num_gpus=needs.gpus, max_retries=cluster.options.retries, max_calls=1 if needs.gpus else 0
    )(_run_block)
    plans = tuple(replace(plan, path=plan.path.resolve()) for plan in job.plans)
    truth = job.options.truth.resolve() if job.options.truth else None
    run = replace(job, plans=plans, options=replace(job.options, truth=truth))
    shared = ray.put(ClusterJob(run=run, model=model, scratch=cluster.scratch))
    waiting, running = list(reversed(work)), dict[Any, Block]()
    while waiting or running:
        while waiting and len(running) < _TASKS_PER_SLOT * max(1, cluster.slots):
            block = waiting.pop()
            running[task.remote(shared, block, job.pair_rows(block))] = block
        (done, *_), _ = ray.wait(list(running), num_returns=1)
        block = running.pop(done)
        for segment, files in enumerate(_result(ray, done, job, block), start=block.first):
            store.put(block.bag, segment, files)
        on_block(block)


def _result(ray: Any, done: Any, job: RunJob, block: Block) -> Sequence[SegmentFiles]:
    where = f"bag {job.plans[block.bag].name}, segments {block.first} to {block.stop - 1}"
    try:
        found: Sequence[SegmentFiles] | WorkerFailure = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        if not isinstance(error.cause, (ImportError, ray.exceptions.RaySystemError)):
            raise
        text = next((line for line in str(error.cause).splitlines() if "No module" in line), str(error.cause))
        raise MissingError(
            f"validate: {where}: a node of the cluster cannot begin the task: {text.strip()}",
            "install the same packages there as here",
        ) from error
    except ray.exceptions.RayError as error:
        raise DeviceError(
            f"validate: {where}: the worker died again and again ({type(error).__name__}), perhaps for want of memory; "
            "run the same again, with fewer tasks at a time: what is done is kept"
        ) from error
    if isinstance(found, WorkerFailure):
        raise found.error()
    return found


def _run_block(job: ClusterJob, block: Block, rows: PairRows | None) -> Sequence[SegmentFiles] | WorkerFailure:
    """In a worker: the files of the block's segments."""
    try:
        worker = _worker_of(job)
        worker.check_bag(block.bag)
        with tempfile.TemporaryDirectory(prefix="trt_perception_", dir=job.scratch) as scratch:
            run = replace(job.run, out=Path(scratch))
            store = SegmentStore(run.out)
            store.folder.mkdir()
            BlockWorker(run, worker.pipeline, worker.truth).run(block, rows=rows)
            return [store.files(block.bag, segment) for segment in range(block.first, block.stop)]
    except PerceptionError as error:
        return WorkerFailure.of(error)
    except OSError as error:
        return WorkerFailure.of(InputError(f"a node of the cluster cannot write: {error}; free space there"))


class _Worker:
    """What a worker process keeps from task to task: loading a model takes longer than many a frame."""

    def __init__(self, job: ClusterJob) -> None:
        self.job = job
        self.pipeline: AnyPipeline = validation_pipeline(job.run.make_pipeline, job.run.options)
        self.pipeline.open()
        self.truth: TruthSource | None = outside_truth(job.run)
        self._checked: set[int] = set()
        found = run_model(self.pipeline)
        if found != job.model:
            raise InputError(f"a node of the cluster has another model: expected {job.model}, got {found}")

    def check_bag(self, bag: int) -> None:
        """Refuse a bag that is another one on this node."""
        plan = self.job.run.plans[bag]
        if bag in self._checked:
            return
        here = plan_bag(plan.path, name=plan.name, cameras=self.job.run.options.cameras)
        if replace(here, bounds=plan.bounds).identity() != plan.identity():  # bounds follow from the rest
            raise InputError(f"{plan.path}: a node of the cluster has another bag there; put the same one there")
        self._checked.add(bag)


_worker: _Worker | None = None
"""Of this worker process, which serves one run only."""


def _worker_of(job: ClusterJob) -> _Worker:
    global _worker
    if _worker is None:
        _worker = _Worker(job)
    return _worker
