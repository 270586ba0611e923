"""Writing a spec: what is read back is what was written, an existing file is safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_perception.errors import ConfigError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import HeadKind, HeadSpec, InputSpec, MaskSize, ModelSpec, OutputSpec, TensorType
from trt_perception.model.preprocess_options import ChannelOrder, Interpolation, Layout, PreprocessOptions, Resize
from trt_perception.model.write_spec import spec_text, write_spec

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=12) | st.sampled_from(
    ["no", "1e-3", "~x", "010", "a: b", "- x", "#1", "null", "12:30", "'", '"', "{", "&a", "*a", "!t"]
)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_PREPROCESS = st.builds(
    PreprocessOptions,
    resize=st.sampled_from(Resize),
    interpolation=st.sampled_from(Interpolation),
    crop=st.none() | st.tuples(*[st.integers(0, 100)] * 2, *[st.integers(1, 4000)] * 2),
    pad_value=st.integers(0, 255),
    channel_order=st.sampled_from([ChannelOrder.RGB, ChannelOrder.BGR]),
    scale=_FLOATS,
    mean=st.tuples(_FLOATS, _FLOATS, _FLOATS),
    std=st.tuples(*[_FLOATS.filter(lambda value: value != 0)] * 3),
)


@st.composite
def _specs(draw: st.DrawFn) -> ModelSpec:
    classes = draw(st.lists(_NAMES, min_size=2, max_size=6))
    names = draw(st.lists(_NAMES, min_size=2, max_size=2, unique=True))
    return ModelSpec(
        name=draw(_NAMES),
        model="",
        inputs=(
            InputSpec(
                name=draw(_NAMES),
                shape=(1, 3, 64, 96),
                dtype=draw(st.sampled_from([TensorType.FLOAT32, TensorType.UINT8])),
                preprocess=draw(_PREPROCESS),
            ),
        ),
        outputs=(
            OutputSpec(name=names[0], shape=(1, 126, 5 + len(classes))),
            OutputSpec(name=names[1], shape=(1, 1, 16, 24), dtype=TensorType.INT32),
        ),
        heads=(
            HeadSpec(name="a", kind=HeadKind.YOLOX, outputs=(names[0],), labels=tuple(classes), strides=(8, 16, 32)),
            HeadSpec(
                name="b",
                kind=HeadKind.SEMANTIC_CLASS_IDS,
                outputs=(names[1],),
                labels=tuple(classes),
                mask_size=draw(st.sampled_from(MaskSize)),
            ),
        ),
    )


@settings(deadline=None, max_examples=60)
@given(spec=_specs(), file=_NAMES.filter(lambda name: name not in (".", "..") and len(name.encode()) < 200))
def test_round_trip_is_exact(tmp_path_factory: pytest.TempPathFactory, spec: ModelSpec, file: str) -> None:
    folder = tmp_path_factory.mktemp("spec")
    (folder / file).write_bytes(b"")
    spec = ModelSpec(**{**vars(spec), "model": str(folder / file)})
    path = folder / "out" / "a.yaml"
    path.parent.mkdir()
    write_spec(spec, path)
    assert load_spec(path) == spec


def _spec(model: Path, **changes: Any) -> ModelSpec:
    values: dict[str, Any] = {
        "name": "nano",
        "model": str(model),
        "inputs": (InputSpec(name="images", shape=(1, 64, 64, 3), preprocess=PreprocessOptions(layout=Layout.NHWC)),),
        "outputs": (OutputSpec(name="output", shape=(1, 84, 8)),),
        "heads": (
            HeadSpec(name="detection", kind=HeadKind.YOLOX, outputs=("output",), labels=("car", "no", "bus", "x")),
        ),
    }
    return ModelSpec(**{**values, **changes})


def test_the_text_is_for_people(tmp_path: Path) -> None:
    text = spec_text(_spec(tmp_path / "models" / "nano.onnx"), folder=tmp_path, notes=["taken for\ngranted"])
    header, _, body = text.partition("schema: 1\n")
    assert header.startswith("# What trt_perception knows of one model")
    assert "# Note: taken for granted\n" in header
    assert "model: models/nano.onnx\n" in body
    assert "  shape: [1, 64, 64, 3]\n" in body
    assert '  - car\n  - "no"\n  - bus\n' in body
    assert "labels_file" not in body


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "nano.onnx").write_bytes(b"")
    path = tmp_path / "nano.yaml"
    path.write_text("mine")
    with pytest.raises(
        ConfigError, match=r"nano\.yaml: the file exists already; give another name, or ask to overwrite"
    ):
        write_spec(_spec(tmp_path / "nano.onnx"), path)
    assert path.read_text() == "mine"
    write_spec(_spec(tmp_path / "nano.onnx"), path, overwrite=True)
    assert path.read_text().startswith("# What")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["nano.onnx", "nano.yaml"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be written: No such file or directory"):
        write_spec(_spec(tmp_path / "nano.onnx"), tmp_path / "absent" / "nano.yaml")


def test_a_link_in_the_place_of_the_model_is_kept(tmp_path: Path) -> None:
    (tmp_path / "v2.onnx").write_bytes(b"")
    (tmp_path / "current.onnx").symlink_to("v2.onnx")
    text = spec_text(_spec(tmp_path / "current.onnx"), folder=tmp_path)
    assert "model: current.onnx\n" in text


def test_a_linked_folder_finds_the_model(tmp_path: Path) -> None:
    real = tmp_path / "real" / "config"
    real.mkdir(parents=True)
    (tmp_path / "real" / "nano.onnx").write_bytes(b"")
    (tmp_path / "config").symlink_to(real)
    spec = _spec(
        tmp_path / "real" / "nano.onnx",
        heads=(HeadSpec(name="d", kind=HeadKind.YOLOX, outputs=("output",), labels=("a", "b", "c")),),
    )
    write_spec(spec, tmp_path / "config" / "nano.yaml")
    assert load_spec(tmp_path / "config" / "nano.yaml") == spec
