"""From a model and a user's own images to its calibration table."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from trt_perception.calibration.coverage import Coverage, coverage
from trt_perception.calibration.frame_sampler import FrameSample, sample_frames
from trt_perception.calibration.paired_images import model_inputs
from trt_perception.errors import FrameError, InputError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_overrides import ModelOverrides
from trt_perception.model.model_spec import ModelSpec
from trt_perception.options.json_schema import to_plain
from trt_perception.options.option import option
from trt_perception.pairing.pairing_options import PairingOptions
from trt_perception.precision.calibration_table import CalibrationTable, read_table, write_table
from trt_perception.precision.histogram import HALF_BINS, StreamingHistogram
from trt_perception.precision.model_digest import model_sha256
from trt_perception.precision.precision_plan import CalibratorOptions
from trt_perception.precision.range_choice import choose_range, method_text
from trt_perception.precision.tensor_collector import TensorCollector
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor

KEY_SCHEMA = 1
"""Goes into every cache key: another number where ranges come out otherwise than before."""

DEFAULT_FRAMES = 500

Progress = Callable[[str, int, int], object]
"""Called with what is being done, and steps done and in all."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CalibrationOptions:
    """How a model is calibrated."""

    calibrator: CalibratorOptions = option(CalibratorOptions(), description="How ranges are found.")
    frames: int = option(DEFAULT_FRAMES, description="Frames to run; fewer usable ones are an error.", minimum=1)
    seed: int = option(0, description="Moves the choice of frames.", minimum=0)
    tensors: tuple[str, ...] = option((), description="Tensors to calibrate. Empty: all that INT8 may need.")
    sets: tuple[tuple[str, ...], ...] = option(
        (), description="Cameras of each run of a model of several inputs. Empty: as their names tell."
    )
    pairing: PairingOptions = option(PairingOptions(), description="When their frames belong together.")


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What calibration gives.

    Args:
        table: The ranges.
        coverage: What the frames cover.
        from_cache: Whether the ranges were known already and no frame was run.
    """

    table: CalibrationTable
    coverage: Coverage
    from_cache: bool


def calibrate(
    model: Path,
    sources: Sequence[Path],
    options: CalibrationOptions | None = None,
    *,
    overrides: ModelOverrides | None = None,
    cache: Path | None = None,
    threads: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Calibration:
    """Choose frames, run them through the runtime's own preprocessing and the model, and find the ranges.

    Args:
        model: The model's YAML, or the ONNX itself.
        sources: Bags and folders of images.
        options: Default: CalibrationOptions().
        overrides: What to take as given when an ONNX is recognised.
        cache: Folder of earlier tables, made where absent. A table of the same model, frames' content, preprocessing,
            method and tensors is taken from there. Default: none.
        threads: CPU threads of ONNX Runtime. Default: as it chooses.
        progress: Called after each image that is looked at and each frame that is run.

    Raises:
        InputError: The model or a source cannot be used, there are fewer usable images than asked for, or a tensor
            holds NaN or infinity, or one number throughout.
        MissingError: onnx, onnxruntime or the bag library is not installed.
        DeviceError: ONNX Runtime failed.
    """
    options = options or CalibrationOptions()
    spec = load_spec(model, overrides=overrides)
    inputs = model_inputs(spec, options.sets, options.pairing)
    sha256 = model_sha256(Path(spec.model))
    sample = sample_frames(
        sources,
        frames=options.frames,
        seed=options.seed,
        inputs=inputs,
        progress=lambda done, total: progress("choosing frames", done, total),
    )
    preprocess_digest = _digest([to_plain(source) for source in spec.inputs])
    file = cache / f"{_key(sha256, sample, preprocess_digest, options)}.json" if cache else None
    known = _known(file)
    table = known or _table(spec, sample, options, sha256, preprocess_digest, threads, progress)
    if file and not known:
        _keep(table, file)
    return Calibration(table=table, coverage=coverage(sample), from_cache=known is not None)


def _table(
    spec: ModelSpec,
    sample: FrameSample,
    options: CalibrationOptions,
    sha256: str,
    preprocess_digest: str,
    threads: int | None,
    progress: Progress,
) -> CalibrationTable:
    collector = TensorCollector(Path(spec.model), tensors=options.tensors or None, threads=threads)
    preprocessors = {source.name: ImagePreprocessor(source) for source in spec.inputs}
    for done, (label, frames) in enumerate(sample.frames(), start=1):
        try:
            tensors = {
                name: preprocess(frame)[0]
                for (name, preprocess), frame in zip(preprocessors.items(), frames, strict=True)
            }
        except FrameError as error:
            raise InputError(f"{label}: does not fit the model's preprocessing: {error}") from error
        collector.add(tensors, frame=label)
        progress("running frames", done, options.frames)
    ranges, dead = _ranges(collector.histograms.values(), options.calibrator, progress)
    return CalibrationTable(
        ranges=ranges,
        dead=dead,
        method=method_text(options.calibrator),
        frames=options.frames,
        model_sha256=sha256,
        data_digest=sample.digest,
        preprocess_digest=preprocess_digest,
    )


def _ranges(
    histograms: Collection[StreamingHistogram], calibrator: CalibratorOptions, progress: Progress
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Range by tensor, and the tensors that were zero throughout."""
    ranges = {}
    for done, histogram in enumerate(histograms, start=1):
        if not histogram.is_dead:
            ranges[histogram.name] = choose_range(histogram, calibrator)
        progress("finding ranges", done, len(histograms))
    return ranges, tuple(histogram.name for histogram in histograms if histogram.is_dead)


def _key(sha256: str, sample: FrameSample, preprocess_digest: str, options: CalibrationOptions) -> str:
    """What a table depends on, in one digest."""
    parts = {
        "schema": KEY_SCHEMA,
        "model": sha256,
        "data": sample.digest,
        "preprocess": preprocess_digest,
        "method": method_text(options.calibrator),
        "half_bins": HALF_BINS,
        "tensors": sorted(options.tensors),
    }
    return _digest(parts)


def _digest(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _known(file: Path | None) -> CalibrationTable | None:
    """The cached table; None where there is none that can be read."""
    if file is None or not file.exists():
        return None
    try:
        return read_table(file)
    except InputError as error:
        _log.warning("calibration runs again, its cached table cannot be used: %s", error)
        return None


def _keep(table: CalibrationTable, file: Path) -> None:
    """Put a table into the cache; the ranges are there, so a cache that cannot be written costs only the next run."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_table(table, file)
    except (InputError, OSError) as error:
        _log.warning("calibration is not kept for the next time: %s", error)
