"""Makes the missing segments of a run, in this process or in several."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from trt_perception.errors import DeviceError, InputError, PerceptionError
from trt_perception.model.model_spec import MaskSize
from trt_perception.runtime.any_pipeline import AnyPipeline
from trt_perception.validate.bag_plan import BagPlan
from trt_perception.validate.block_runner import TRUTH_SLACK_NS, BlockRunner
from trt_perception.validate.pair_table import PairRows, read_pair_table
from trt_perception.validate.run_header import RunPairing
from trt_perception.validate.segment_store import SegmentStore
from trt_perception.validate.set_reader import SetReader
from trt_perception.validate.truth_source import TruthSource, open_truth
from trt_perception.validate.validation_options import ValidationOptions

MakePipeline = Callable[[], AnyPipeline]
"""Makes the pipeline, not opened; it travels to other processes, so it is a function of a module, or a partial."""

_BLOCKS_PER_PROCESS = 8


@dataclass(frozen=True, kw_only=True)
class Block:
    """Consecutive segments of one bag: bag number, first segment, segment behind the last."""

    bag: int
    first: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class RunJob:
    """What every process of a run needs to know.

    Args:
        out: Folder of the run.
        plans: The bags.
        make_pipeline: Makes the pipeline.
        options: How it runs.
        pairing: How cameras are put together for a model of several inputs; None for one of one.
    """

    out: Path
    plans: tuple[BagPlan, ...]
    make_pipeline: MakePipeline
    options: ValidationOptions
    pairing: RunPairing | None = None

    def pair_rows(self, block: Block) -> PairRows | None:
        """What the process of a block needs to know of the pairs, from the table in the run's folder.

        Raises:
            InputError: The table is damaged.
        """
        if self.pairing is None:
            return None
        table = read_pair_table(SegmentStore(self.out).pairs_path(block.bag), self.pairing)
        bounds = self.plans[block.bag].bounds
        return table.around(bounds[block.first], bounds[block.stop], TRUTH_SLACK_NS)


def validation_pipeline(make_pipeline: MakePipeline, options: ValidationOptions) -> AnyPipeline:
    """The pipeline with the thresholds of the floor, and masks in the size of the image, as the truth has them."""
    made = make_pipeline()
    heads = tuple(
        head if head.kind.is_detection else replace(head, mask_size=MaskSize.CAMERA) for head in made.spec.heads
    )
    return made.judging(replace(made.spec, heads=heads), options.pipeline_thresholds)


def blocks(missing: Sequence[Sequence[int]], *, processes: int, most: int | None = None) -> list[Block]:
    """Missing segments as stretches, each read at once: one a gap in one process, several a process in more.

    Args:
        missing: Segments by bag, in order.
        processes: Processes that share them.
        most: Segments of a stretch at most. Default: no limit.
    """
    total = sum(map(len, missing))
    longest = total if processes == 1 else max(1, -(-total // (processes * _BLOCKS_PER_PROCESS)))
    longest = min(longest, most or longest)
    found: list[Block] = []
    for bag, segments in enumerate(missing):
        for segment in segments:
            last = found[-1] if found else None
            if last and last.bag == bag and last.stop == segment and last.stop - last.first < longest:
                found[-1] = replace(last, stop=segment + 1)
            else:
                found.append(Block(bag=bag, first=segment, stop=segment + 1))
    return found


@dataclass(frozen=True, kw_only=True)
class WorkerFailure:
    """An error on its way from a worker: the errors themselves do not survive the way between processes.

    Args:
        text: What it says.
        exit_code: Its kind.
    """

    text: str
    exit_code: int

    @classmethod
    def of(cls, error: PerceptionError) -> WorkerFailure:
        """The failure that tells of an error."""
        return cls(text=str(error), exit_code=error.exit_code)

    def error(self) -> PerceptionError:
        """An error of the same kind."""
        return InputError(self.text) if self.exit_code == InputError.exit_code else DeviceError(self.text)


class BlockWorker:
    """Runs blocks, one after another, on a pipeline that is opened once.

    Args:
        job: The run.
        pipeline: Opened.
        truth: Truth from outside the bags.
    """

    def __init__(self, job: RunJob, pipeline: AnyPipeline, truth: TruthSource | None) -> None:
        self.job, self._pipeline, self._truth = job, pipeline, truth
        self._store = SegmentStore(job.out)

    def run(self, block: Block, *, rows: PairRows | None = None, on_frame: Callable[[], object] = lambda: None) -> None:
        """Make the segments of a block.

        Args:
            block: The block.
            rows: What `RunJob.pair_rows` gives for it.
            on_frame: Called after each frame.

        Raises:
            PerceptionError: A bag is damaged, the disk is full, or the backend failed.
        """
        options, plan = self.job.options, self.job.plans[block.bag]
        sets = None
        if self.job.pairing is not None and rows is not None:
            start_ns, stop_ns = plan.bounds[block.first], plan.bounds[block.stop]
            sets = SetReader(plan, self.job.pairing, rows, start_ns=start_ns, stop_ns=stop_ns)
        runner = BlockRunner(
            plan,
            bag=block.bag,
            pipeline=self._pipeline,
            store=self._store,
            score=options.score,
            truth=self._truth,
            own_truth=options.own_truth and options.truth is None,
            sets=sets,
        )
        try:
            runner.run(block.first, block.stop, on_frame=on_frame)
        except OSError as error:
            raise InputError(
                f"{self.job.out}: cannot be written: {error.strerror or error}; free space, then run the same again: "
                "what is done is kept"
            ) from error


def outside_truth(job: RunJob) -> TruthSource | None:
    """The truth from outside the bags, where one was named.

    Raises:
        InputError: It cannot be used.
    """
    if job.options.truth is None:
        return None
    partners = frozenset() if job.pairing is None else job.pairing.partners
    cameras = {camera: topic for plan in job.plans for camera, topic in plan.cameras.items() if camera not in partners}
    return open_truth(job.options.truth, cameras)


def run_in_processes(job: RunJob, work: Sequence[Block], *, on_block: Callable[[Block], object]) -> None:
    """Run blocks in several processes.

    Raises:
        PerceptionError: One of them failed; the others are ended, what they had finished is kept.
    """
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    count = min(job.options.processes, len(work))
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_begin_worker, initargs=(job,))
    try:
        futures = {executor.submit(_run_block, block): block for block in work}
        for future in as_completed(futures):
            if failure := future.result():
                raise failure.error()
            on_block(futures[future])
    except BrokenProcessPool as error:
        raise DeviceError(
            "validate: a worker process died, perhaps for want of memory; run the same again, with fewer --processes: "
            "what is done is kept"
        ) from error
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_worker: BlockWorker | PerceptionError | None = None
"""Of this worker process; an error is kept to be told, since an initializer's own is lost."""


def _begin_worker(job: RunJob) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    try:
        pipeline = validation_pipeline(job.make_pipeline, job.options)
        pipeline.open()
        _worker = BlockWorker(job, pipeline, outside_truth(job))
    except PerceptionError as error:
        _worker = error


def _run_block(block: Block) -> WorkerFailure | None:
    try:
        if isinstance(_worker, PerceptionError):
            raise _worker
        if _worker is None:
            raise DeviceError("validate: the worker process was not begun")
        _worker.run(block, rows=_worker.job.pair_rows(block))
    except PerceptionError as error:
        return WorkerFailure.of(error)
    return None
