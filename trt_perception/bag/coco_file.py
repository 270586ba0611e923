"""A COCO JSON file: images, and the objects that are really in them.

Format: https://cocodataset.org/#format-data. An ignored object is written with ``iscrowd`` 1, the only flag that
pycocotools heeds (it overwrites ``ignore``), and with ``ignore`` 1 for the tools that heed that; either is read. What
COCO has no key for stands beside its own keys: ``camera``, ``stamp_ns`` and ``condition`` of an image, ``track_id``,
``visible_fraction`` and ``truncation`` of an object.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trt_perception.bag.finite_float32 import finite_float32
from trt_perception.bag.true_objects import TrueObjects
from trt_perception.errors import InputError
from trt_perception.options.limited_file import read_limited

MAX_BYTES = 2**30
"""Largest file that is read, three million objects as they are written here: it becomes Python's objects as a whole,
which take four times its size, thirty where it is made for that."""
_SPLIT = "split it, or give truth as topics of the bag, which are streamed"


@dataclass(frozen=True, kw_only=True, eq=False)
class CocoImage:
    """One image of a COCO file.

    Args:
        file_name: Path relative to the folder of the images.
        width: Pixels in a row.
        height: Rows of pixels.
        objects: What is in it.
        camera: Name of the camera; empty where the file does not say.
        stamp_ns: Stamp of the image, nanoseconds; None where the file does not say.
        condition: Light and weather; empty where the file does not say.
    """

    file_name: str
    width: int
    height: int
    objects: TrueObjects
    camera: str = ""
    stamp_ns: int | None = None
    condition: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class CocoFile:
    """A whole COCO file.

    Args:
        class_names: Classes in order of their category ids.
        images: In the file's order.
    """

    class_names: tuple[str, ...]
    images: tuple[CocoImage, ...]


def coco_text(file: CocoFile) -> str:
    """The JSON text of a COCO file; the same content gives the same text. Category, image and object ids count from 1.

    Raises:
        ValueError: An object of a class that is not among the class names.
    """
    categories = {name: number for number, name in enumerate(file.class_names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, image in enumerate(file.images, start=1):
        images.append(_image_entry(image_id, image))
        for index, label in enumerate(image.objects.labels):
            if label not in categories:
                raise ValueError(f"{image.file_name}: class {label!r} is not among {', '.join(categories)}")
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": categories[label],
                    **_object_entry(image.objects, index),
                }
            )
    content = {
        "info": {"description": "images with ground truth", "version": "1.0"},
        "licenses": [],
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "images": images,
        "annotations": annotations,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read_coco(path: Path) -> CocoFile:
    """Reads a COCO file with boxes, ours or another's.

    Raises:
        InputError: The file cannot be read, is larger than 1 GiB or no JSON, lacks a key, or an entry contradicts
            another.
    """
    try:
        content = json.loads(read_limited(path, limit=MAX_BYTES, remedy=_SPLIT).decode())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check path and permissions") from error
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise InputError(f"{path}: expected a COCO file, this is no JSON: {error}") from error
    try:
        return _coco_file(content)
    except KeyError as error:
        raise InputError(f"{path}: expected a COCO file; the key {error} is missing") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: expected a COCO file; {error}") from error


def _image_entry(image_id: int, image: CocoImage) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": image_id,
        "file_name": image.file_name,
        "width": image.width,
        "height": image.height,
    }
    if image.camera:
        entry["camera"] = image.camera
    if image.stamp_ns is not None:
        entry["stamp_ns"] = image.stamp_ns
    if image.condition:
        entry["condition"] = image.condition
    return entry


def _object_entry(objects: TrueObjects, index: int) -> dict[str, Any]:
    x1, y1, x2, y2 = objects.boxes[index].tolist()
    flag = int(objects.ignored[index])
    return {
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": flag,
        "ignore": flag,
        "track_id": objects.track_ids[index],
        "visible_fraction": float(objects.visible_fraction[index]),
        "truncation": float(objects.truncation[index]),
    }


def _coco_file(content: Mapping[str, Any]) -> CocoFile:
    categories = {entry["id"]: str(entry["name"]) for entry in sorted(content["categories"], key=lambda e: e["id"])}
    by_image: dict[Any, list[Mapping[str, Any]]] = {entry["id"]: [] for entry in content["images"]}
    if len(by_image) != len(content["images"]) or len(categories) != len(content["categories"]):
        raise ValueError("two images or two categories have the same id")
    for entry in content["annotations"]:
        if entry["image_id"] not in by_image:
            raise ValueError(f"object {entry.get('id')} lies in image {entry['image_id']}, which is not listed")
        if entry["category_id"] not in categories:
            raise ValueError(f"object {entry.get('id')} is of category {entry['category_id']}, which is not listed")
        by_image[entry["image_id"]].append(entry)
    images = tuple(
        CocoImage(
            file_name=str(entry["file_name"]),
            width=int(entry["width"]),
            height=int(entry["height"]),
            objects=_objects(by_image[entry["id"]], categories),
            camera=str(entry.get("camera", "")),
            stamp_ns=int(entry["stamp_ns"]) if "stamp_ns" in entry else None,
            condition=str(entry.get("condition", "")),
        )
        for entry in content["images"]
    )
    return CocoFile(class_names=tuple(categories.values()), images=images)


def _objects(entries: Iterable[Mapping[str, Any]], categories: Mapping[Any, str]) -> TrueObjects:
    entries = list(entries)
    boxes = np.array([entry["bbox"] for entry in entries] or np.empty((0, 4)), np.float64)
    if boxes.shape != (len(entries), 4) or not np.isfinite(boxes).all() or (boxes[:, 2:] < 0).any():
        raise ValueError("expected every bbox as four finite numbers x y width height, sizes of 0 or more")
    boxes = finite_float32(boxes).astype(np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return TrueObjects(
        boxes=finite_float32(boxes),
        labels=tuple(categories[entry["category_id"]] for entry in entries),
        track_ids=tuple(str(entry.get("track_id", "")) for entry in entries),
        visible_fraction=finite_float32([entry.get("visible_fraction", 1.0) for entry in entries]),
        truncation=finite_float32([entry.get("truncation", 0.0) for entry in entries]),
        ignored=np.array([bool(entry.get("iscrowd", 0) or entry.get("ignore", 0)) for entry in entries], np.bool_),
    )
