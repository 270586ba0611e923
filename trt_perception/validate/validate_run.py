"""Every frame of some bags through the runtime's own pipeline, accounted for and measured."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from trt_perception.errors import InputError
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.validate.bag_plan import BagPlan, plan_bag
from trt_perception.validate.choose_pairing import choose_pairing
from trt_perception.validate.finish_run import RunFinisher, write_figures
from trt_perception.validate.pair_table import write_pair_table
from trt_perception.validate.ray_cluster import RayCluster, TaskNeeds, ray_cluster
from trt_perception.validate.run_folder import DETECTIONS, FRAMES, METRICS, MISSED, TIMINGS
from trt_perception.validate.run_header import RunHead, RunHeader, RunThresholds
from trt_perception.validate.run_model import run_model
from trt_perception.validate.run_on_cluster import LONGEST_BLOCK, run_on_cluster
from trt_perception.validate.run_timings import RunTimings
from trt_perception.validate.segment_pool import (
    Block,
    BlockWorker,
    MakePipeline,
    RunJob,
    blocks,
    outside_truth,
    run_in_processes,
    validation_pipeline,
)
from trt_perception.validate.segment_store import RunLock, SegmentStore, missing_segments
from trt_perception.validate.truth_source import is_coco
from trt_perception.validate.validation_metrics import ValidationMetrics
from trt_perception.validate.validation_options import ValidationOptions

Progress = Callable[[int, int], object]
"""Called with frames done and frames in all."""


def validate_run(
    bags: Sequence[Path],
    make_pipeline: MakePipeline,
    out: Path,
    *,
    options: ValidationOptions | None = None,
    progress: Progress = lambda done, total: None,
) -> ValidationMetrics:
    """Run every frame and write the results.

    Work is kept in ``out/.partial`` in segments of a few hundred frames. A run that was ended, by Ctrl-C or a kill,
    is continued by the same call, and its results are those of a run that never was. Results depend neither on the
    number of processes or machines nor on the order of the bags; only timings.json differs from run to run.

    Args:
        bags: The bags.
        make_pipeline: Makes the pipeline; for several processes a function of a module, or a partial of one.
        out: Folder of the results.
        options: How it runs. Default: ValidationOptions().
        progress: Called after each frame, or, with several processes, after each stretch of frames.

    Raises:
        InputError: A bag or the truth cannot be used, the folder holds another run, the disk is full, no frame could
            be processed, or the ledger does not close.
        MissingError: A package or the model is missing.
        DeviceError: The backend failed.
    """
    options = options or ValidationOptions()
    plans = plan_bags(bags, cameras=options.cameras)
    _check_out(out, overwrite=options.overwrite)
    try:
        with RunLock(out), validation_pipeline(make_pipeline, options) as pipeline:
            if len(pipeline.spec.inputs) > 1 and options.cameras:
                plans = plan_bags(bags)  # these name the first cameras of sets; the others are wanted, too
            pairing = choose_pairing(plans, pipeline.spec, options)
            if pairing is not None:
                plans = tuple(plan.of_sets(pairing.sets) for plan in plans)
                options = replace(options, cameras=tuple(sorted(plans[0].cameras)))
            job = RunJob(out=out, plans=plans, make_pipeline=make_pipeline, options=options, pairing=pairing)
            run = _Run(job, pipeline, progress)
            try:
                return run.run()
            finally:
                run.close()
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written: {error.strerror or error}; free space, then run the same again: what is done "
            "is kept"
        ) from error


def plan_bags(bags: Sequence[Path], *, cameras: Sequence[str] = ()) -> tuple[BagPlan, ...]:
    """The bags in order of time, each with a name of its own.

    Raises:
        BagError: A bag cannot be used.
        InputError: No bag, one twice, or two that cannot be told apart.
    """
    if not bags:
        raise InputError("validate: expected a bag, got none")
    paths = [path.resolve() for path in bags]
    names = [_stem(path) for path in paths]
    if len(set(names)) < len(names):
        names = [f"{path.parent.name}_{name}" for path, name in zip(paths, names, strict=True)]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f"validate: {twice[0]} is given twice, or two bags have this name; give each once")
    plans = [plan_bag(path, name=name, cameras=cameras) for path, name in zip(bags, names, strict=True)]
    return tuple(sorted(plans, key=lambda plan: (plan.start_ns, plan.name)))


class _Run:
    """One run in a folder that is locked."""

    def __init__(self, job: RunJob, pipeline: AnyPipeline, progress: Progress) -> None:
        self._job, self._pipeline, self._progress = job, pipeline, progress
        self._store = SegmentStore(job.out)
        self._header = _header(job, pipeline)
        self._truth = outside_truth(job)

    def close(self) -> None:
        """Free what the truth took."""
        if self._truth is not None:
            self._truth.close()

    def run(self) -> ValidationMetrics:
        if self._job.options.overwrite:
            self._store.clear()
        self._store.begin(_identity(self._job, self._header))
        plans, processes = self._job.plans, self._job.options.processes
        missing = [missing_segments(self._store, bag, plan.segment_count) for bag, plan in enumerate(plans)]
        kept = self._kept_frames(missing)
        with self._cluster(needed=any(missing)) as cluster:
            slots = cluster.slots if cluster else processes
            work = blocks(missing, processes=slots, most=LONGEST_BLOCK if cluster else None)
            timings = RunTimings(backend=self._pipeline.name, processes=slots, kept_frames=kept)
            self._work(work, kept, cluster)
        timings.stop_clock()
        finisher = RunFinisher(
            self._job.out,
            plans,
            spec=self._pipeline.spec,
            score=self._header.thresholds.score,
            partners=self._header.partners,
        )
        keys = None if self._truth is None else self._truth.keys()
        header = finisher.finish(self._header, outside_truth=keys, timings=timings)
        metrics = write_figures(self._job.out, header, coco=self._job.options.coco)
        timings.write(self._job.out / TIMINGS)
        self._store.remove()
        return metrics

    def _cluster(self, *, needed: bool) -> AbstractContextManager[RayCluster | None]:
        options = self._job.options.cluster
        if options is None or not needed:
            return nullcontext()
        return ray_cluster(options, TaskNeeds.of(self._pipeline, options))

    def _work(self, work: Sequence[Block], done: int, cluster: RayCluster | None) -> None:
        total = sum(plan.frame_count for plan in self._job.plans)
        self._progress(done, total)
        self._pair()

        def on_block(block: Block) -> None:
            nonlocal done
            done += self._frames_of([(block.bag, segment) for segment in range(block.first, block.stop)])
            self._progress(done, total)

        if cluster:
            self._pipeline.close()
            run_on_cluster(self._job, self._header.model, work, cluster, on_block=on_block)
            return
        if self._job.options.processes > 1 and len(work) > 1:
            self._pipeline.close()
            run_in_processes(self._job, work, on_block=on_block)
            return
        worker = BlockWorker(self._job, self._pipeline, self._truth)

        def on_frame() -> None:
            nonlocal done
            done += 1
            self._progress(done, total)

        for block in work:
            worker.run(block, rows=self._job.pair_rows(block), on_frame=on_frame)

    def _pair(self) -> None:
        """Find out what goes together, unless an ended run has done so."""
        if self._job.pairing is None:
            return
        for number, plan in enumerate(self._job.plans):
            path = self._store.pairs_path(number)
            if not path.is_file():
                write_pair_table(plan, self._job.pairing, path)

    def _kept_frames(self, missing: Sequence[Sequence[int]]) -> int:
        kept = [
            (bag, segment)
            for bag, plan in enumerate(self._job.plans)
            for segment in sorted(set(range(plan.segment_count)) - set(missing[bag]))
        ]
        return self._frames_of(kept)

    def _frames_of(self, segments: Iterable[tuple[int, int]]) -> int:
        return sum(record.frame_count for bag, segment in segments for record in self._store.read(bag, segment).records)


def _header(job: RunJob, pipeline: AnyPipeline) -> RunHeader:
    options, spec = job.options, pipeline.spec
    own = options.own_truth and any(found.objects or found.masks for plan in job.plans for found in plan.truth.values())
    kind = "topics" if own else "none"
    if options.truth is not None:
        kind = "coco" if is_coco(options.truth) else "bag"
    return RunHeader(
        model=run_model(pipeline),
        thresholds=RunThresholds(
            score=options.score,
            floor=options.pipeline_thresholds.score,
            nms_iou=options.nms_iou,
            max_detections=options.max_detections,
        ),
        truth=kind,
        heads={head.name: RunHead(labels=head.labels, is_detection=head.kind.is_detection) for head in spec.heads},
        pairing=job.pairing,
    )


def _identity(job: RunJob, header: RunHeader) -> dict[str, Any]:
    """What must be the same for a run to be continued."""
    truth = job.options.truth
    stat = truth.stat() if truth is not None else None
    return {
        "header": header.to_plain(),
        "bags": [plan.identity() for plan in job.plans],
        "truth": None if truth is None or stat is None else [str(truth), stat.st_size, stat.st_mtime_ns],
    }


def _check_out(out: Path, *, overwrite: bool) -> None:
    """Refuse to write into a folder of something else, and over a finished run unless asked."""
    finished = (out / METRICS).is_file()
    if finished and overwrite:
        # The figures first: without them the folder is that of no finished run, whatever happens next.
        for path in [*(out / name for name in (METRICS, FRAMES, MISSED, TIMINGS)), *_made_of_it(out)]:
            path.unlink(missing_ok=True)
        shutil.rmtree(out / DETECTIONS, ignore_errors=True)
    elif finished:
        raise InputError(f"{out}: a finished validation is there; give another --out, or --overwrite")
    elif out.exists() and not out.is_dir():
        raise InputError(f"{out}: expected a folder for the results, this is a file; give another --out")


def _made_of_it(out: Path) -> list[Path]:
    """What else was made of a run that is replaced, and would be of another."""
    return [*out.glob("coco_*.json"), out / "report.html", out / "report.json"]


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name.removesuffix(".zstd").rpartition(".")[0]
