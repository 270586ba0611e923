"""Every reader of what comes from outside, with the messages it is given and the memory it may take."""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from helpers.cdr_messages import READERS, VALID
from helpers.engine_pair import EnginePair, make_pair
from helpers.frames import encoded_frame, scene_image
from helpers.fuzz_run import FuzzTarget
from helpers.mutations import mutate_json, mutate_png, mutate_text
from trt_perception.bag.coco_file import read_coco
from trt_perception.cdr import encode_image, frame_from_image, parse_image
from trt_perception.encoding import Encoding
from trt_perception.engine.manifest import parse_manifest
from trt_perception.engine.signature import make_key_pair, sign_engine, verify_signature
from trt_perception.errors import FrameError, PerceptionError
from trt_perception.model.embedded_spec import SPEC_KEY, embedded_spec, spec_metadata
from trt_perception.model.exporter_facts import exporter_facts
from trt_perception.model.label_file import read_labels
from trt_perception.model.load_spec import load_spec
from trt_perception.options.json_schema import to_plain
from trt_perception.options.read_yaml import parse_yaml
from trt_perception.precision.account import Account
from trt_perception.precision.calibration_table import read_table
from trt_perception.precision.precision_plan import PrecisionPlan, load_plan
from trt_perception.precision.read_account import read_account
from trt_perception.preprocess.color_image import color_image
from trt_perception.preprocess.decode_image import declared_size, decode_image
from trt_perception.settings.load_settings import load_settings

KIB = 1024
MIB = 1024 * KIB
DECODED_PX = 2**16
"""Larger images are not decoded here, which takes a second each; test_image_memory.py does that with the largest."""

CONFIG = Path(__file__).parents[2] / "config"

MODEL_YAML = b"""\
name: nano
model: nano.onnx
inputs:
- {name: images, shape: [1, 3, 64, 64], preprocess: {scale: 1e0, channel_order: bgr, resize: letterbox}}
outputs:
- {name: output, shape: [1, 84, 8]}
heads:
- name: detection
  kind: yolox
  outputs: [output]
  labels: [car, bus, truck]
"""
CAMERA_YAML = b"""\
cameras:
- {name: front, topic: /camera/front/image_raw}
models:
- name: detector
  spec: nano.onnx
  engine: {file: nano.engine, plan: plan.yaml}
pipelines:
- {name: objects, model: detector, cameras: [front]}
"""

COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48, "camera": "front", "stamp_ns": 5}],
    "categories": [{"id": 1, "name": "car"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0, "visible_fraction": 0.5}
    ],
}


def per_byte(factor: int, *, fixed: int) -> Callable[[int], int]:
    """A bound that grows with the message."""
    return lambda size: fixed + factor * size


@cache
def _folder() -> Path:
    """A folder with what the settings name, removed at the end."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    path = Path(folder.name)
    (path / "nano.onnx").write_bytes(b"")
    return path


@cache
def _engine() -> EnginePair:
    folder = _folder() / "engine"
    folder.mkdir()
    return make_pair(folder)


@cache
def _signed() -> EnginePair:
    folder = _folder() / "signed"
    folder.mkdir()
    pair = make_pair(folder)
    make_key_pair(folder / "key.pem")
    sign_engine(pair.engine, folder / "key.pem")
    return pair


def _signature(data: bytes) -> None:
    pair = _engine()
    pair.files.signature.write_bytes(data)
    signed = _signed()
    verify_signature(
        pair.files,
        plan_sha256=signed.manifest.plan_sha256,
        manifest=signed.files.manifest.read_bytes(),
        public_key=signed.engine.parent / "key.pem.pub",
    )


def _from_file(read: Callable[[Path], object], name: str, data: bytes) -> None:
    path = _folder() / name
    path.write_bytes(data)
    read(path)


def _raw_image(data: bytes) -> None:
    color_image(frame_from_image(parse_image(data), "front"))


@cache
def _raw_images() -> tuple[bytes, ...]:
    def message(encoding: Encoding) -> bytes:
        rows = encoding.row_count(4)
        if encoding is Encoding.MONO16:
            return encode_image(np.ones((rows, 6), np.uint16), stamp_ns=1, frame_id="front", encoding=encoding.value)
        shape = (rows, 6, encoding.bytes_per_pixel)[: 2 if encoding.bytes_per_pixel == 1 else 3]
        return encode_image(np.ones(shape, np.uint8), stamp_ns=1, frame_id="front", encoding=encoding.value)

    return tuple(map(message, Encoding))


def _decoded(data: bytes) -> None:
    frame = encoded_frame(data)
    width, height = declared_size(frame)
    if width * height <= DECODED_PX:
        color_image(decode_image(frame))


@cache
def _jpegs() -> tuple[bytes, ...]:
    colours = scene_image(24, 40)
    kinds: tuple[tuple[int, ...], ...] = (
        (),
        (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    )
    files = [cv2.imencode(".jpg", colours, kind)[1].tobytes() for kind in kinds]
    return (*files, cv2.imencode(".jpg", colours[..., 0])[1].tobytes())


@cache
def _pngs() -> tuple[bytes, ...]:
    colours = scene_image(8, 10)
    images = (colours, colours[..., 0], colours.astype(np.uint16), np.dstack((colours, colours[..., :1])))
    files = [cv2.imencode(".png", image)[1].tobytes() for image in images]
    return (*files, cv2.imencode(".png", colours[..., 0], (cv2.IMWRITE_PNG_BILEVEL, 1))[1].tobytes())


def _tables() -> tuple[bytes, ...]:
    return (_engine().calibration.read_bytes(),)


def _accounts() -> tuple[bytes, ...]:
    account = Account(
        model="a.onnx",
        model_sha256="a" * 64,
        emitter="strong",
        opset=17,
        source_opset=17,
        plan=PrecisionPlan(),
        nodes=(),
    )
    return (json.dumps(account.to_plain()).encode(),)


def _plans() -> tuple[bytes, ...]:
    plans = [path.read_bytes() for path in sorted((CONFIG / "precision").glob("*.yaml"))]
    own = {"name": "a", "patterns": {"head": ["re:^Conv_4[0-9]$", "neck.*"]}, "keep_fp32": ["re:x|y"]}
    return (*plans, json.dumps(own).encode())


def _plain_manifest(data: bytes) -> None:
    to_plain(parse_manifest(data, _engine().files))


def _exporter_facts(data: bytes) -> None:
    """Every value of the metadata is a text, in which a Python literal or JSON may stand."""
    text = data.decode(errors="replace")
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        plain = None
    entries = plain if isinstance(plain, dict) else {"names": text, "imgsz": text, "args": text}
    exporter_facts({key: value if isinstance(value, str) else repr(value) for key, value in entries.items()})


_message = partial(FuzzTarget, refusal=FrameError)
_file = partial(FuzzTarget, refusal=PerceptionError, bound_bytes=per_byte(256, fixed=2 * MIB))

TARGETS: tuple[FuzzTarget, ...] = (
    # Raw and compressed images stay where they are: nothing is taken in proportion to them.
    *(
        _message(
            name=name,
            read=read,
            valid=partial(tuple, [VALID[name]]),
            count=7000,
            bound_bytes=per_byte(0 if name in ("image", "compressed_image") else 16, fixed=16 * KIB),
        )
        for name, read in READERS.items()
    ),
    _message(name="pixels", read=_raw_image, valid=_raw_images, count=5000, bound_bytes=per_byte(8, fixed=16 * KIB)),
    _message(
        name="jpeg", read=_decoded, valid=_jpegs, count=6000, bound_bytes=per_byte(4, fixed=64 * KIB + 4 * DECODED_PX)
    ),
    _message(
        name="png",
        read=_decoded,
        valid=_pngs,
        count=4000,
        mutation=mutate_png,
        bound_bytes=per_byte(4, fixed=64 * KIB + 4 * DECODED_PX),
    ),
    _file(
        name="yaml",
        read=lambda data: parse_yaml(data, where="a.yaml"),
        valid=lambda: (b"a: &x [1, 2.5]\nb: {c: *x, d: no}\n? e\n: |\n  f\n", b"- 'a'\n- \"b\\n\"\n- <<: {c: 0x1F}\n"),
        count=1500,
        mutation=mutate_text,
    ),
    _file(
        name="settings",
        read=partial(_from_file, load_settings, "perception.yaml"),
        valid=lambda: (CAMERA_YAML, json.dumps(parse_yaml(CAMERA_YAML, where="")).encode()),
        count=300,
        mutation=mutate_text,
    ),
    _file(
        name="settings_values",
        read=partial(_from_file, load_settings, "perception.yaml"),
        valid=lambda: (json.dumps(parse_yaml(CAMERA_YAML, where="")).encode(),),
        count=300,
        mutation=mutate_json,
    ),
    _file(
        name="model_spec",
        read=partial(_from_file, load_spec, "nano.yaml"),
        valid=lambda: (MODEL_YAML,),
        count=300,
        mutation=mutate_text,
    ),
    _file(
        name="model_spec_values",
        read=partial(_from_file, load_spec, "nano.yaml"),
        valid=lambda: (json.dumps(parse_yaml(MODEL_YAML, where="")).encode(),),
        count=300,
        mutation=mutate_json,
    ),
    _file(
        name="embedded_spec",
        read=lambda data: embedded_spec({SPEC_KEY: data.decode(errors="replace")}),
        valid=lambda: (spec_metadata(_engine().spec)[SPEC_KEY].encode(),),
        count=800,
        mutation=mutate_json,
    ),
    _file(
        name="exporter_facts",
        read=_exporter_facts,
        valid=lambda: (b'{"names": {"0": "car", "1": "bus"}, "imgsz": [64, 64], "task": "detect", "stride": 32}',),
        count=1500,
        mutation=mutate_json,
        refuses=False,
    ),
    _file(
        name="precision_plan",
        read=partial(_from_file, load_plan, "plan.json"),
        valid=lambda: (_plans()[-1],),
        count=800,
        mutation=mutate_json,
    ),
    _file(
        name="manifest",
        read=_plain_manifest,
        valid=lambda: (_engine().files.manifest.read_bytes(),),
        count=1000,
        mutation=mutate_json,
    ),
    _file(
        name="calibration_table",
        read=partial(_from_file, read_table, "table.json"),
        valid=_tables,
        count=1500,
        mutation=mutate_json,
    ),
    _file(
        name="signature",
        read=_signature,
        valid=lambda: (_signed().files.signature.read_bytes(),),
        count=500,
        mutation=mutate_json,
    ),
    _file(
        name="coco",
        read=partial(_from_file, read_coco, "coco.json"),
        valid=lambda: (json.dumps(COCO).encode(),),
        count=500,
        mutation=mutate_json,
    ),
    _file(
        name="labels",
        read=partial(_from_file, read_labels, "labels.yaml"),
        valid=lambda: (b'{"names": {0: "car", 1: "bus"}, "nc": 2}', b"- car\n- bus\n"),
        count=300,
        mutation=mutate_text,
    ),
    _file(
        name="account",
        read=partial(_from_file, read_account, "account.json"),
        valid=_accounts,
        count=800,
        mutation=mutate_json,
    ),
)
