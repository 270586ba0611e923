"""`trt-perception detect`: images in, pictures and JSON out."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trt_perception.cli.model_arguments import add_model_arguments, make_pipeline
from trt_perception.cli.set_arguments import add_set_arguments, pairing_of, sets_of
from trt_perception.errors import FrameError, InputError

if TYPE_CHECKING:
    from trt_perception.cli.file_sets import FileSets
    from trt_perception.frame import Frame
    from trt_perception.model.model_spec import ModelSpec
    from trt_perception.result import Result
    from trt_perception.runtime.any_pipeline import AnyPipeline

NAME = "detect"
SUMMARY = "run a model on images: annotated pictures and JSON out, the shortest way to see it work"
EXAMPLE = "trt-perception detect yolox_nano.yaml pictures/ --out detected/"

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
_WORTH_SAYING = 0.01
"""Smallest part of an image whose class is printed; the JSON has all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("model", type=Path, help="the model's YAML, the ONNX itself, or an engine")
    parser.add_argument(
        "images",
        type=Path,
        nargs="+",
        help="image files, or folders of them; for a model of several inputs one "
        "file for each, one folder for each, or a folder with a subfolder a camera",
    )
    parser.add_argument("--out", type=Path, help="folder for annotated pictures and detections.json")
    parser.add_argument("--json", action="store_true", help="print the detections as JSON")
    add_set_arguments(parser)
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Detect on every image; 2 where one of them could not be used, after all others were."""
    made = make_pipeline(arguments.model, arguments)
    found = _image_sets(made.spec, arguments)
    with made as pipeline:
        if not arguments.json:
            print(f"{pipeline.spec.name} on {pipeline.name}")
        names = _picture_names([files[0] for files in found.sets])
        records = [_detect(pipeline, files, name, arguments) for files, name in zip(found.sets, names, strict=True)]
    records += [_refused(file, problem) for file, problem in found.unpaired]
    report = {"model": pipeline.spec.name, "backend": pipeline.name, "images": records}
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "detections.json").write_text(json.dumps(report, indent=2) + "\n")
    if arguments.json:
        print(json.dumps(report, indent=2))
    return 2 if any("error" in record for record in records) else 0


def _image_sets(spec: ModelSpec, arguments: argparse.Namespace) -> FileSets:
    """Files of each run of the model."""
    from trt_perception.cli.file_sets import FileSets, find_file_sets

    sets, names = sets_of(arguments), [source.name for source in spec.inputs]
    if len(names) > 1:
        return find_file_sets(arguments.images, spec.name, names, sets, pairing_of(arguments))
    if sets:
        raise InputError(f"model {spec.name} has one input: --set is for several; leave it out")
    return FileSets(sets=[(file,) for file in _image_files(arguments.images)])


def _image_files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
            if not found:
                raise InputError(f"{path}: expected JPEG or PNG files in the folder, found none; give another folder")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise InputError(f"{path}: no such file or folder; give images or a folder of them")


def _picture_names(files: Sequence[Path]) -> list[str]:
    """A name for each annotated picture: the file's, with its folder's where several cameras have files of one name."""
    counts = Counter(file.stem for file in files)
    names: list[str] = []
    taken: set[str] = set()
    for file in files:
        own = file.stem if counts[file.stem] == 1 else f"{file.parent.name}_{file.stem}"
        name, number = own, 1
        while name in taken:
            number += 1
            name = f"{own}_{number}"
        taken.add(name)
        names.append(f"{name}.jpg")
    return names


def _refused(file: Path, problem: str) -> dict[str, Any]:
    print(f"trt-perception detect: {file}: {problem}", file=sys.stderr)
    return {"file": str(file), "error": problem}


def _detect(
    pipeline: AnyPipeline, files: Sequence[Path], picture: str, arguments: argparse.Namespace
) -> dict[str, Any]:
    """The record of an image and those of the model's other inputs; a bad one is told and does not stop the others."""
    from trt_perception.detections import Detections
    from trt_perception.preprocess.color_image import color_image
    from trt_perception.preprocess.decode_image import decode_image
    from trt_perception.preprocess.encoded_file import read_encoded
    from trt_perception.segmentation_mask import SegmentationMask

    file, *partners = files
    try:
        frame = decode_image(read_encoded(file))
        result = pipeline.process([frame, *map(_partner, partners)])
    except FrameError as error:
        return _refused(file, str(error))
    objects = [
        item
        for name, head in result.heads.items()
        if isinstance(head, Detections)
        for item in _objects(pipeline.spec, name, head)
    ]
    masks = {
        name: _shares(pipeline.spec, name, head)
        for name, head in result.heads.items()
        if isinstance(head, SegmentationMask)
    }
    if not arguments.json:
        print(f"{file} ({result.times.total_ns / 1e6:.1f} ms): {_sentence(objects, masks)}")
    if arguments.out:
        _write_picture(arguments.out / picture, color_image(frame), result, pipeline.spec)
    record: dict[str, Any] = {"file": str(file)}
    if partners:
        record["partners"] = [str(partner) for partner in partners]
    record |= {"width": frame.width, "height": frame.height, "detections": objects}
    return record | ({"masks": masks} if masks else {})


def _partner(file: Path) -> Frame:
    """The image of another input; what is wrong with it is told with its name."""
    from trt_perception.preprocess.decode_image import decode_image
    from trt_perception.preprocess.encoded_file import read_encoded

    try:
        return decode_image(read_encoded(file))
    except FrameError as error:
        raise FrameError(error.reason, f"{file}: {error}") from error


def _objects(spec: ModelSpec, head_name: str, detections: Any) -> Iterable[dict[str, Any]]:
    labels = _labels(spec, head_name)
    for box, score, class_id in zip(detections.boxes, detections.scores, detections.class_ids, strict=True):
        yield {
            "label": labels[class_id],
            "score": round(float(score), 4),
            "box": [round(float(value), 2) for value in box],
        }


def _shares(spec: ModelSpec, head_name: str, mask: Any) -> dict[str, float]:
    """What part of the pixels each class has, the largest first."""
    import numpy as np

    from trt_perception.segmentation_mask import UNLABELLED

    names = dict(enumerate(_labels(spec, head_name))) | {UNLABELLED: "unlabelled"}
    counts = np.bincount(mask.class_ids.ravel(), minlength=UNLABELLED + 1)
    order = np.argsort(-counts, kind="stable")
    return {names[int(i)]: round(float(counts[i]) / mask.class_ids.size, 4) for i in order if counts[i]}


def _labels(spec: ModelSpec, head_name: str) -> tuple[str, ...]:
    return next(head.labels for head in spec.heads if head.name == head_name)


def _sentence(objects: Sequence[dict[str, Any]], masks: Mapping[str, Mapping[str, float]]) -> str:
    shares = [
        f"{label} {share:.0%}" for mask in masks.values() for label, share in mask.items() if share >= _WORTH_SAYING
    ]
    found = [f"{item['label']} {item['score']:.2f}" for item in objects]
    return ", ".join(found + shares) or "nothing found"


def _write_picture(path: Path, image: Any, result: Result, spec: ModelSpec) -> None:
    import cv2

    from trt_perception.draw.annotate import annotate

    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), annotate(image, result, spec)):
        raise InputError(f"{path}: the picture could not be written; check the folder's permissions and free space")
