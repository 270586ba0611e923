"""`trt-perception judge`: whether an engine is accurate enough, and worth it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from trt_perception.cli.key_argument import add_key_argument
from trt_perception.cli.progress import progress_bar
from trt_perception.cli.set_arguments import add_set_arguments, pairing_of, sets_of
from trt_perception.errors import InputError

if TYPE_CHECKING:
    from trt_perception.model.model_spec import ModelSpec
    from trt_perception.runtime.pipeline import Pipeline
    from trt_perception.validate.agreement import Agreement
    from trt_perception.validate.agreement_limits import AgreementLimits

NAME = "judge"
SUMMARY = "judge an engine against its model in FP32 on the same images, and what it brings"
EXAMPLE = (
    "trt-perception judge front.engine drives/monday --frames 500 --truth --against front.fp16.engine --streams 4 "
    "--write-card"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("engine", type=Path, help="the engine; or a graph of `quantize` (.onnx), run by ONNX Runtime")
    parser.add_argument("sources", type=Path, nargs="+", metavar="BAG_OR_FOLDER", help="bags, or folders of images")
    parser.add_argument(
        "--reference",
        type=Path,
        metavar="MODEL",
        help="the model in FP32, YAML or ONNX (default: the ONNX that the engine's manifest names)",
    )
    parser.add_argument("--truth", action="store_true", help="compare with the truth in the bags or folders, too")
    parser.add_argument("--limits", type=Path, metavar="YAML", help="what is allowed (default: AgreementLimits)")
    parser.add_argument("--frames", type=int, metavar="N", help="images, spread evenly (default: all)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of ONNX Runtime (default: half the cores)")
    parser.add_argument("--against", type=Path, metavar="ENGINE", help="the engine that it would replace, e.g. FP16")
    parser.add_argument("--streams", type=int, default=1, help="streams of the target, for --against (default: 1)")
    add_set_arguments(parser)
    add_key_argument(parser)
    parser.add_argument("--write-card", action="store_true", help="keep the verdict in the engine's manifest and card")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and verdict as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, keep; 1 where a limit does not hold or the engine brings nothing."""
    from trt_perception.cli.judge_benefit import known_benefit
    from trt_perception.cli.judge_card import write_card
    from trt_perception.cli.judge_text import agreement_text

    is_graph = arguments.engine.suffix == ".onnx"
    if is_graph and (arguments.against or arguments.write_card):
        raise InputError(f"{arguments.engine}: a graph has no card and no speed; give the engine built from it")
    if arguments.frames is not None and arguments.frames < 1:
        raise InputError(f"--frames: expected at least 1, got {arguments.frames}")
    benefit = known_benefit(arguments.engine, arguments.against, arguments.streams) if arguments.against else None
    agreement = _compare(arguments, _limits(arguments.limits))
    print(agreement_text(agreement))
    if benefit is not None:
        print(benefit.text)
    if arguments.json:
        _write_json(arguments.json, {
            "engine": arguments.engine.name,
            "sources": [str(source) for source in arguments.sources],
            "agreement": agreement.to_plain(),
            "benefit": benefit and dataclasses.asdict(benefit),
        })  # fmt: skip
    if arguments.write_card:
        was_signed = write_card(arguments.engine, agreement, sources=arguments.sources, against=arguments.against,
                                streams=arguments.streams, benefit=benefit)  # fmt: skip
        print(f"kept in {arguments.engine.name}.json and .md{'; its signature is void: sign again' * was_signed}")
    agreement.require(arguments.engine.name)
    return 0 if benefit is None or benefit.is_recommended else 1


def _limits(path: Path | None) -> AgreementLimits:
    from trt_perception.options.from_mapping import from_mapping
    from trt_perception.options.read_yaml import read_yaml
    from trt_perception.validate.agreement_limits import AgreementLimits

    return AgreementLimits() if path is None else from_mapping(AgreementLimits, read_yaml(path), where=path.name)


def _compare(arguments: argparse.Namespace, limits: AgreementLimits) -> Agreement:
    from trt_perception.calibration.paired_images import model_inputs
    from trt_perception.validate.compare_pipelines import compare_pipelines
    from trt_perception.validate.labelled_images import LabelledImages

    spec = _reference(arguments.engine, arguments.reference)
    inputs = model_inputs(spec, sets_of(arguments), pairing_of(arguments))
    images = LabelledImages(
        arguments.sources, spec.heads, with_truth=arguments.truth, frames=arguments.frames, inputs=inputs
    )
    reference, tested = _on_cpu(spec, arguments.threads), _tested(arguments, spec)
    with reference, tested, progress_bar("comparing", total=len(images), unit="image") as bar:
        return compare_pipelines(reference, tested, images, limits=limits, on_image=bar.update)


def _reference(engine: Path, given: Path | None) -> ModelSpec:
    """The model in FP32: the given one, else what the engine was built from."""
    from trt_perception.engine.manifest import read_manifest
    from trt_perception.model.load_spec import load_spec

    if given is not None:
        return load_spec(given)
    if engine.suffix == ".onnx":
        raise InputError(f"{engine}: a graph does not name the model that it was made from; give it as --reference")
    manifest = read_manifest(engine)
    model = engine.parent / manifest.model_file
    if not manifest.model_file or not model.is_file():
        raise InputError(f"{engine}: the ONNX that it was built from is not there; give it as --reference")
    # Heads, labels and preprocessing as the engine has them, which a YAML may have said.
    return dataclasses.replace(manifest.spec, model=str(model))


def _tested(arguments: argparse.Namespace, spec: ModelSpec) -> Pipeline:
    from trt_perception.engine.manifest import engine_spec
    from trt_perception.runtime.backend import BackendKind
    from trt_perception.runtime.make_backend import make_backend
    from trt_perception.runtime.pipeline import Pipeline

    engine: Path = arguments.engine
    if engine.suffix == ".onnx":
        return _on_cpu(dataclasses.replace(spec, model=str(engine)), arguments.threads, exact_quantizers=True)
    own = engine_spec(engine)
    backend = make_backend(BackendKind.TENSORRT, own, engine=engine, public_key=arguments.public_key)
    return Pipeline(own, backend)


def _on_cpu(spec: ModelSpec, threads: int, *, exact_quantizers: bool = False) -> Pipeline:
    from trt_perception.runtime.onnxruntime_backend import OnnxRuntimeBackend
    from trt_perception.runtime.pipeline import Pipeline

    backend = OnnxRuntimeBackend(spec, threads=threads or None, exact_quantizers=exact_quantizers)
    return Pipeline(spec, backend)


def _write_json(path: Path, plain: object) -> None:
    try:
        path.write_text(json.dumps(plain, indent=2) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; check folder and free space") from error
