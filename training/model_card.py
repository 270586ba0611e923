"""The card of a trained model, from the record of its training and evaluation."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from training.metrics import decimal
from training.recall_by_size import IOU, SCORE, SIZES

GOALS = {"map50": 0.80, "map50_95": 0.50, "drivable": 0.93, "lane": 0.60}
LOW_SPOT = 0.75
"""Classes and conditions below this mAP50 are named as low spots, besides the lowest of each."""
_WIDTH = 120


def model_card(record: dict[str, Any]) -> str:
    """Markdown.

    Args:
        record: `name`, `training` (of training.train), `evaluation` (of training.evaluate), and for the two-stream
            variant `against`, the evaluation of the one-stream model on the same drives.
    """
    evaluation, training = record["evaluation"], record["training"]
    sections = [
        _introduction(record),
        _accuracy(evaluation),
        _by_class(evaluation),
        _by_condition(evaluation),
        _by_size(evaluation),
        *([_comparison(evaluation, record["against"])] if "against" in record else []),
        _limits(evaluation),
        _training(training),
    ]
    return "\n\n".join(sections) + "\n"


def _introduction(record: dict[str, Any]) -> str:
    size = record["evaluation"]["evaluation"]["model_bytes"] / 1e6
    two_streams = record["training"]["variant"] == "rgb_ir"
    thermal = " and the registered thermal picture `thermal` [1, 1, 544, 960] (mono, 0 to 1)" if two_streams else ""
    return f"""# {record["name"]}

<!-- Written by training/make_card.py; change the record beside this file or the script, not this text. -->

A small multi-task network for the demo and the tests: objects (YOLOX layout), drivable area and lane markings.
Trained on pictures of this project's synthetic drive only; no picture, weight or label comes from elsewhere.

- File: `{record["name"]}.onnx`, {size:.1f} MB, FP32, opset 17, static batch 1; Apache-2.0, as the project.
{_bullet(f"Input: `images` [1, 3, 544, 960] (RGB, 0 to 1){thermal}; letterboxed, padding 114. Metadata says so, too.")}
- Outputs: `detections` [1, 10710, 12], x y w h in grid units (xy = (p + cell) * stride, wh = exp(p) * stride; strides
  8, 16, 32), objectness, 7 class scores; `segmentation` [1, 3, 136, 240], logits.
- Precision regions by name: `backbone.`, `neck.`, `det_head.`, `seg_head.`. Plain convolutions and ReLU throughout.
- Not for use in a vehicle: it has never seen a real picture."""


def _accuracy(evaluation: dict[str, Any]) -> str:
    about, iou = evaluation["evaluation"], evaluation["iou"]
    rule = evaluation["ignore_rule"]
    values = {**{key: evaluation[key] for key in ("map50", "map50_95")}, **iou}
    names = {"map50": "mAP50", "map50_95": "mAP50:95", "drivable": "drivable IoU", "lane": "lane IoU"}
    rows = [
        (names[key], decimal(values[key]), f"{goal:.2f}", "yes" if (values[key] or 0.0) >= goal else "no")
        for key, goal in GOALS.items()
    ]
    drives = f"{about['drives_per_condition']} drives of each condition, {about['instants_per_drive']} instants each"
    text = (
        f"{about['runtime']}, through the package's own pipeline; {evaluation['pictures']} pictures ({drives}, seeds "
        f"from {about['first_seed']} on, none trained on), {evaluation['objects']} objects. Computed by "
        f"{evaluation['computed_by']}, score threshold {about['score']}, NMS {about['nms_iou']}. Ignored: objects with "
        f"a side below {rule['min_side_px']:g} px, less than {rule['min_visible_fraction']:.0%} visible, or more than "
        f"{rule['max_truncation']:.0%} outside the picture."
    )
    table = _table(("figure", "reached", "goal", "met"), rows)
    return f"## Accuracy on held-out drives\n\n{textwrap.fill(text, _WIDTH)}\n\n{table}"


def _by_class(evaluation: dict[str, Any]) -> str:
    rows = [
        (name, str(item["objects"]), decimal(item["map50"]), decimal(item["map50_95"]))
        for name, item in evaluation["per_class"].items()
    ]
    return f"## By class\n\n{_table(('class', 'objects', 'AP50', 'AP50:95'), rows)}"


def _by_condition(evaluation: dict[str, Any]) -> str:
    rows = []
    for name, item in evaluation["per_condition"].items():
        figures = (item["map50"], item["map50_95"], item["iou"]["drivable"], item["iou"]["lane"])
        rows.append((name, str(item["pictures"]), *(decimal(value) for value in figures)))
    header = ("condition", "pictures", "mAP50", "mAP50:95", "drivable IoU", "lane IoU")
    return f"## By condition\n\n{_table(header, rows)}"


def _by_size(evaluation: dict[str, Any]) -> str:
    sizes = evaluation["recall_by_size"]
    rows = []
    for name, shares in sizes.items():
        cells = (f"{decimal(item['recall'])} of {item['objects']}" for item in shares.values())
        rows.append((name, *cells))
    text = f"Share of the objects found at score {SCORE:g} and IoU {IOU:g}, by the shorter side of their boxes."
    return f"## By size\n\n{text}\n\n{_table(('class', *SIZES), rows)}"


def _comparison(evaluation: dict[str, Any], against: dict[str, Any]) -> str:
    rows = []
    for condition, item in evaluation["per_condition"].items():
        other = against["per_condition"].get(condition)
        if other is not None:
            gain = 100.0 * (item["map50"] - other["map50"])
            rows.append((condition, decimal(other["map50"]), decimal(item["map50"]), f"{gain:+.1f}"))
    table = _table(("condition", "RGB mAP50", "RGB-IR mAP50", "points"), rows)
    return f"## Against RGB alone, same drives\n\n{table}"


def _limits(evaluation: dict[str, Any]) -> str:
    weakest = ", ".join(
        f"{name} ({kind}, mAP50 {decimal(item['map50'])})"
        for kind, group in (("class", "per_class"), ("condition", "per_condition"))
        for name, item in _weakest(evaluation[group])
    )
    lines = [
        f"Low spots: {weakest}. Small objects of every class are missed more often: see the table by size.",
        "The world is drawn: figures here say nothing about real pictures, only that the chain from picture to "
        "result keeps what the network knows.",
        "Boxes cover the whole silhouette, hidden parts included; the network guesses those.",
        "Lane markings beyond 50 m are background in the truth.",
    ]
    return "## Limits\n\n" + "\n".join(_bullet(line) for line in lines)


def _weakest(group: dict[str, Any]) -> list[tuple[str, Any]]:
    """All below LOW_SPOT, and in any case the lowest one."""
    known = sorted(
        ((name, item) for name, item in group.items() if item["map50"] is not None), key=lambda pair: pair[1]["map50"]
    )
    return [pair for number, pair in enumerate(known) if number == 0 or pair[1]["map50"] < LOW_SPOT]


def _training(training: dict[str, Any]) -> str:
    lines = [
        f"Data: {training['pictures']} pictures of {training['drives']} drives ({training['first_drive']} to "
        f"{training['last_drive']}), conditions drawn for each instant, by `training/make_dataset.py`.",
        f"Training: {training['steps']} steps of {training['batch']} pictures ({training['epochs']} epochs) in "
        f"{training['seconds']} s on {training['device']}, torch {training['torch']}, seed {training['seed']}; "
        f"{training['skipped_steps']} steps skipped because a gradient was not finite. Bounded by time, on a GPU: "
        "another run gives other weights of like accuracy.",
        "Shipped are the averaged weights, batch normalisation folded into the convolutions.",
    ]
    bullets = "\n".join(_bullet(line) for line in lines)
    return f"## How it was made\n\n{bullets}\n\n```sh\n{training['command']}\n```"


def _bullet(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
