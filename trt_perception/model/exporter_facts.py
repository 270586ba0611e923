"""What the exporter wrote into the ONNX about the model: the best evidence there is of what its outputs mean."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ExporterFacts:
    """metadata_props of the Ultralytics exporter (YOLOv8 and later) or of the YOLOv5 repository.

    Args:
        exporter: `Ultralytics` or `YOLOv5`; empty where no known exporter wrote metadata.
        task: `detect`, `segment`, `pose`, `obb`, `classify`; empty where not stated.
        labels: Name of each class, by number; empty where not stated.
        end_to_end: Whether the model itself removes double boxes: an end-to-end head, or exported with nms=True.
        head: Class of the head, which newer exporters name, e.g. `Detect`.
        image_size: (height, width) px that the exporter states; None where not stated.
        unreadable: Keys whose values could not be read.
    """

    exporter: str = ""
    task: str = ""
    labels: tuple[str, ...] = ()
    end_to_end: bool = False
    head: str = ""
    image_size: tuple[int, int] | None = None
    unreadable: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"task={self.task}"] if self.task else []
        if self.labels:
            parts.append(f"{len(self.labels)} names")
        if self.end_to_end:
            parts.append("end-to-end")
        return f"{self.exporter} metadata says {', '.join(parts) or 'nothing of the head'}"


def exporter_facts(metadata: Mapping[str, str]) -> ExporterFacts:
    """Read metadata_props. Values are text as Python prints them; what does not parse is listed, never raised."""
    if metadata.get("author", "").startswith("Ultralytics") or {"task", "names"} <= metadata.keys():
        exporter = "Ultralytics"
    elif {"stride", "names"} <= metadata.keys():
        exporter = "YOLOv5"  # its export.py writes these two and nothing else
    else:
        return ExporterFacts()
    unreadable: list[str] = []
    values = {key: _literal(metadata, key, unreadable) for key in ("names", "imgsz", "end2end", "args")}
    labels = _labels(values["names"])
    if labels is None:
        unreadable.append("names")
    arguments = values["args"] if isinstance(values["args"], Mapping) else {}
    return ExporterFacts(
        exporter=exporter,
        task=metadata.get("task", ""),
        labels=labels or (),
        end_to_end=values["end2end"] is True or arguments.get("nms") is True,
        head=metadata.get("head", ""),
        image_size=_image_size(values["imgsz"]),
        unreadable=tuple(dict.fromkeys(unreadable)),
    )


def _literal(metadata: Mapping[str, str], key: str, unreadable: list[str]) -> Any:
    text = metadata.get(key, "")
    if not text:
        return None
    if len(text) <= _MAX_CHARACTERS:
        for parse in (ast.literal_eval, json.loads):
            try:
                return parse(text)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
    unreadable.append(key)
    return None


def _labels(names: Any) -> tuple[str, ...] | None:
    """Names in the order of their numbers; None where the value is no such thing."""
    if names is None:
        return ()
    if isinstance(names, Mapping):
        try:
            numbered = {int(number): str(name) for number, name in names.items()}
        except (TypeError, ValueError, OverflowError):  # OverflowError: infinity as a number
            return None
        if sorted(numbered) != list(range(len(names))):
            return None
        return tuple(numbered[number] for number in range(len(numbered)))
    if isinstance(names, (list, tuple)):
        return tuple(str(name) for name in names)
    return None


def _image_size(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(size, int) for size in value):
        return (value[0], value[1])
    return None
