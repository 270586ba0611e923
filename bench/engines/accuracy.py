"""Accuracy of every engine of one network on the same pictures, beside ONNX Runtime in FP32 and the truth."""

from __future__ import annotations

import dataclasses
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2

from bench.engines.engine_maker import EngineMaker, make_maker, strong_graph
from bench.engines.held_out import PictureSet, pictures, truth_of
from bench.engines.networks import DEMO, Network
from bench.engines.part_file import say, write_part
from trt_perception.demo.drive_options import DriveOptions
from trt_perception.errors import PerceptionError
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.validate.agreement import Agreement, mean_iou
from trt_perception.validate.agreement_meter import MEASURING_THRESHOLDS, AgreementMeter

REFERENCE = "ONNX Runtime FP32"
STRONG = "ONNX Runtime, strong graph of the split"
STRONG_INT8 = "ONNX Runtime, strong graph of INT8 everywhere"
SPLIT = "TensorRT split"
AGAINST_STRONG = "TensorRT split against the strong graph"
ENGINES = {"TensorRT FP32": "fp32", "TensorRT FP16": "fp16", SPLIT: "split", "TensorRT INT8 everywhere": "int8"}

Meters = dict[str, AgreementMeter]

_worker: _Worker | None = None


class _Worker:
    """All ways of running one network, open in one process."""

    def __init__(self, network: Network, kind: str, ways: tuple[str, ...]) -> None:
        cv2.setNumThreads(1)  # one process a core already
        maker = make_maker(kind)
        spec = network.spec
        reference = dataclasses.replace(spec, model=str(DEMO)) if network.name == "demo" else spec
        self.knows_drive = network.name == "demo"
        self.reference = _pipeline(spec, OnnxRuntimeBackend(reference, threads=1))
        self.ways = {way: _pipeline(spec, maker.backend(network, ENGINES[way])) for way in ways}
        for way, precision in {STRONG: "split", STRONG_INT8: "int8"}.items():
            graph = dataclasses.replace(spec, model=str(strong_graph(network, precision)))
            self.ways[way] = _pipeline(spec, OnnxRuntimeBackend(graph, threads=1, exact_quantizers=True))

    def judge(self, options: DriveOptions) -> Meters:
        """All pictures of one drive through all of them."""
        heads = self.reference.spec.heads
        meters = {way: AgreementMeter(heads) for way in (*self.ways, AGAINST_STRONG)}
        for frame, truth in pictures(options):
            known = truth_of(truth, heads, knows_drive=self.knows_drive)
            reference = self.reference.process([frame])
            found = {way: pipeline.process([frame]) for way, pipeline in self.ways.items()}
            for way, result in found.items():
                meters[way].add(reference, result, known)
            if SPLIT in found:
                meters[AGAINST_STRONG].add(found[STRONG], found[SPLIT])
        return meters


def _pipeline(spec: Any, backend: Any) -> Pipeline:
    pipeline = Pipeline(spec, backend, thresholds=MEASURING_THRESHOLDS)
    pipeline.open()
    return pipeline


def _open(network: Network, kind: str, ways: tuple[str, ...]) -> None:
    global _worker
    _worker = _Worker(network, kind, ways)


def _judge(options: DriveOptions) -> Meters:
    assert _worker is not None
    return _worker.judge(options)


def _figures(item: tuple[str, AgreementMeter]) -> tuple[str, Agreement]:
    way, meter = item
    return way, meter.agreement()


def measure_accuracy(
    network: Network, maker: EngineMaker, *, kind: str, images: PictureSet, processes: int, out: Path
) -> None:
    """Write the part `accuracy_<network>`: one row a way of running it."""
    for precision in ("split", "int8"):
        strong_graph(network, precision)  # once, not in every worker
    ways = tuple(way for way, precision in ENGINES.items() if network.engine(precision).exists())
    for way in ways:
        _try(network, maker, ENGINES[way])
    jobs = images.jobs()
    meters: Meters = {}
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(jobs))
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(network, kind, ways)) as pool:
        say(f"{network.name}: {len(jobs)} drives, {workers} processes, {', '.join(ways) or 'no engine'}")
        for done, found in enumerate(pool.map(_judge, jobs), 1):
            for way, meter in found.items():
                if way in meters:
                    meters[way].merge(meter)
                else:
                    meters[way] = meter
            if done % workers == 0 or done == len(jobs):
                say(f"{network.name}: drive {done} of {len(jobs)}")
    if SPLIT not in meters:
        meters.pop(AGAINST_STRONG)
    with ProcessPoolExecutor(min(processes, len(meters)), mp_context=context) as pool:
        agreements = dict(pool.map(_figures, meters.items()))
    for way in ways:
        maker.keep_accuracy(network, ENGINES[way], agreements[way])
    rows = {way: row_of(way, agreement) for way, agreement in agreements.items()}
    for way, row in rows.items():
        say(f"{way}: " + ", ".join(f"{key} {value:.4f}" for key, value in row.items() if isinstance(value, float)))
    content = {
        "network": network.name,
        "pictures": dataclasses.asdict(images),
        "rows": list(rows.values()),
        "absent": [way for way in ENGINES if way not in ways],
    }
    write_part(out, f"accuracy_{network.name}", maker.identity(), content)


def _try(network: Network, maker: EngineMaker, precision: str) -> None:
    """Fail here, with a clear error, rather than in every worker."""
    try:
        with maker.backend(network, precision) as backend:
            say(f"{network.name}_{precision}: {backend.name}")
    except PerceptionError as error:
        raise SystemExit(f"accuracy: {network.name}_{precision}: {error}") from error


def row_of(way: str, agreement: Agreement) -> dict[str, Any]:
    """One row: fractions, with the reference's beside them where there is truth."""
    row: dict[str, Any] = {"way": way, "images": agreement.images}
    for head in agreement.detections:
        row["objects"], row["missed"], row["new"] = head.objects, head.missed, head.new
        row["pseudo_map50"] = head.pseudo_map50
        if head.reference is not None and head.tested is not None:
            row.update(map50=head.tested.map50, map50_95=head.tested.map50_95)
            row.update(reference_map50=head.reference.map50, reference_map50_95=head.reference.map50_95)
    for mask in agreement.masks:
        row["pixel_agreement"] = mask.pixel_agreement
        if mask.tested:
            row.update({f"iou_{label}": value for label, value in mask.tested.items()})
            row.update({f"reference_iou_{label}": value for label, value in mask.reference.items()})
            row.update(miou=mean_iou(mask.tested), reference_miou=mean_iou(mask.reference))
    return row
