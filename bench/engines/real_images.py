"""YOLOX-nano on real images: what FP32 finds, and whether the engines find it, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.engines.accuracy import ENGINES, STRONG
from bench.engines.engine_maker import EngineMaker, strong_graph
from bench.engines.networks import Network
from bench.engines.part_file import say, write_part
from trt_perception.detections import Detections
from trt_perception.preprocess.encoded_file import read_encoded
from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
from trt_perception.runtime.pipeline import Pipeline
from trt_perception.thresholds import Thresholds
from trt_perception.validate.match_objects import unmatched

SCORE, FOUND_SCORE, IOU = 0.35, 0.25, 0.9
THRESHOLDS = Thresholds(score=0.1)


def measure_real_images(network: Network, maker: EngineMaker, *, folder: Path, out: Path) -> None:
    """Write the part `real_images`: one row an engine."""
    import dataclasses

    files = sorted(folder.glob("*.jpg"))
    if not files:
        raise SystemExit(f"real_images: expected JPEG files in {folder}, found none")
    spec = network.spec
    graph = dataclasses.replace(spec, model=str(strong_graph(network, "split")))
    reference = _detect(spec, OnnxRuntimeBackend(spec), files)
    rows = []
    backends = {
        way: maker.backend(network, precision)
        for way, precision in ENGINES.items()
        if network.engine(precision).exists()
    }
    for way, backend in {**backends, STRONG: OnnxRuntimeBackend(graph, exact_quantizers=True)}.items():
        found = _detect(spec, backend, files)
        rows.append(_row(way, reference, found))
        say(f"real images, {way}: {rows[-1]}")
    content = {"images": len(files), "score": SCORE, "found_score": FOUND_SCORE, "iou": IOU, "rows": rows}
    write_part(out, "real_images", maker.identity(), content)


def _detect(spec: Any, backend: Any, files: list[Path]) -> list[Detections]:
    with Pipeline(spec, backend, thresholds=THRESHOLDS) as pipeline:
        heads = [pipeline.process([read_encoded(file)]).heads for file in files]
    return [next(head for head in found.values() if isinstance(head, Detections)) for found in heads]


def _row(way: str, reference: list[Detections], found: list[Detections]) -> dict[str, Any]:
    missed = sum(
        len(unmatched(one, other, score=SCORE, found_score=FOUND_SCORE, iou=IOU))
        for one, other in zip(reference, found, strict=True)
    )
    objects = sum(int((one.scores >= SCORE).sum()) for one in reference)
    best = max((float(one.scores.max()) for one in found if len(one)), default=0.0)
    return {"way": way, "objects": objects, "found": objects - missed, "best_score": best}
