"""The manifest: what it keeps, and that nothing but a manifest is read as one."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from helpers.engine_pair import EnginePair, make_pair
from helpers.tiny_onnx import make_yolox_onnx
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.engine.engine_results import AccuracyResult, LatencyResult, LatencyRow
from trt_perception.engine.manifest import SCHEMA, Manifest, engine_spec, parse_manifest, read_manifest
from trt_perception.errors import ConfigError, EngineError, ModelError
from trt_perception.precision.model_digest import model_files, model_sha256

Plain = dict[str, Any]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> EnginePair:
    return make_pair(
        tmp_path_factory.mktemp("engine"),
        accuracy=AccuracyResult(reference="FP32", data="drive", frames=3, metrics={"mAP50": (0.5, 0.49)}, holds=True),
        latency=LatencyResult(
            rows=(LatencyRow(streams=1, batch=1, p50_ms=0.5, p99_ms=0.6, frames_per_s=2000.0),), speed=1.5
        ),
    )


def plain_of(pair: EnginePair) -> Plain:
    content: Plain = json.loads(pair.files.manifest.read_bytes())
    return content


def parse(plain: object, pair: EnginePair) -> Manifest:
    return parse_manifest(json.dumps(plain).encode(), pair.files)


def test_reads_back_what_was_written(pair: EnginePair) -> None:
    assert read_manifest(pair.engine) == pair.manifest


def test_describes_the_model_without_its_onnx(pair: EnginePair) -> None:
    assert engine_spec(pair.engine) == dataclasses.replace(pair.spec, model=str(pair.engine))


def test_a_moved_engine_is_described_at_its_new_place(pair: EnginePair, tmp_path: Path) -> None:
    moved = tmp_path / "front.engine"
    moved.with_name("front.engine.json").write_bytes(pair.files.manifest.read_bytes())
    assert engine_spec(moved).model == str(moved)


def test_holds_no_folder_of_the_machine_that_built_it(pair: EnginePair) -> None:
    plain = plain_of(pair)
    del plain["options"]["plugins"]  # as the user gave it
    assert str(pair.engine.parent) not in json.dumps(plain)


def test_reading_needs_no_optional_package(pair: EnginePair) -> None:
    code = (
        "import sys\n"
        "for name in ('onnx', 'onnxruntime', 'torch', 'tensorrt', 'cuda', 'cryptography'): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from trt_perception.engine.manifest import read_manifest\n"
        "print(read_manifest(Path(sys.argv[1])).spec.name)"
    )
    done = subprocess.run([sys.executable, "-c", code, pair.engine], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == pair.spec.name


def test_model_digest_is_that_of_all_its_files(pair: EnginePair, tmp_path: Path) -> None:
    path = tmp_path / "split.onnx"
    proto = onnx.load(make_yolox_onnx(tmp_path / "tiny.onnx"))
    onnx.save(proto, path, save_as_external_data=True, location="split.bin", size_threshold=0)
    files = model_files(path)
    assert list(files) == ["split.onnx", "split.bin"]
    manifest = dataclasses.replace(pair.manifest, model_files=files, model_sha256=model_sha256(path))
    assert parse(manifest.to_plain(), pair).model_files == files
    with pytest.raises(ConfigError, match="model_sha256: expected"):
        dataclasses.replace(pair.manifest, model_files=files)


def edit(*path: str | int, value: Any) -> Callable[[Plain], None]:
    """Sets one value of the manifest."""

    def apply(plain: Plain) -> None:
        place: Any = plain
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(edit("schema", value=SCHEMA + 1), "schema: expected at most 1, got 2; update", id="newer_schema"),
        pytest.param(edit("schema", value="1"), "with its schema number, got schema '1'", id="schema_as_text"),
        pytest.param(edit("plan_sha265", value="0"), "did you mean 'plan_sha256'", id="unknown_key"),
        pytest.param(edit("gpu", "nam", value="x"), "did you mean 'name'", id="unknown_key_inside"),
        pytest.param(edit("gpu", "compute_capability", value="9"), "expected major and minor such as 9.0", id="gpu"),
        pytest.param(edit("plan_sha256", value="F" * 64), "expected a sha256 of 64", id="no_digest"),
        pytest.param(edit("plan_bytes", value=0), "expected a number of at least 1, got 0", id="empty_plan"),
        pytest.param(edit("model_file", value="a\0b"), "expected a path", id="path_with_nul"),
        pytest.param(edit("plugins", value={"": "0" * 64}), "expected a path", id="empty_path"),
        pytest.param(edit("model_sha256", value="0" * 64), "by model_files", id="digest_of_other_files"),
        pytest.param(edit("spec", "inputs", 0, "shape", value=[1]), "expected four positive sizes", id="shape"),
        pytest.param(edit("latency", "speed", value=float("inf")), "finite", id="infinity"),
        pytest.param(edit("created", value="\ud800"), "expected JSON", id="lone_surrogate"),
    ],
)
def test_refuses(pair: EnginePair, change: Callable[[Plain], None], text: str) -> None:
    plain = plain_of(pair)
    change(plain)
    with pytest.raises(EngineError, match=r"tiny\.engine\.json") as caught:
        parse(plain, pair)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        pytest.param(edit("spec", "heads", 0, "labels", value=["a"]), "expected 3 labels", id="label_count"),
        pytest.param(edit("spec", "inputs", value=[]), "inputs: expected at least one", id="no_input"),
    ],
)
def test_a_model_that_cannot_be_run_is_not_described(
    pair: EnginePair, tmp_path: Path, change: Callable[[Plain], None], text: str
) -> None:
    plain = plain_of(pair)
    change(plain)
    (tmp_path / "tiny.engine.json").write_text(json.dumps(plain))
    with pytest.raises(ModelError, match=text):
        engine_spec(tmp_path / "tiny.engine")


def test_names_the_command_that_makes_a_new_one(pair: EnginePair) -> None:
    with pytest.raises(EngineError, match=f"run: trt-perception build MODEL --out {pair.engine}"):
        parse_manifest(b"{", pair.files)


@pytest.mark.parametrize("field", [item.name for item in dataclasses.fields(Manifest)])
def test_every_field_is_in_the_file(pair: EnginePair, field: str) -> None:
    assert field in plain_of(pair)


# Hypothesis: whatever is done to the JSON, the reader gives a manifest or says what is wrong with it.

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def complaint(content: bytes, pair: EnginePair) -> str:
    """What is said of a file; empty where it is read."""
    try:
        parse_manifest(content, pair.files)
    except EngineError as error:
        return str(error)
    return ""


@given(data=st.data())
def test_a_changed_value_is_read_or_named(pair: EnginePair, data: st.DataObject) -> None:
    plain = plain_of(pair)
    path = data.draw(st.sampled_from(sorted(places(plain), key=str)))
    if data.draw(st.booleans()):
        edit(*path, value=data.draw(JSON_VALUES))(plain)
    else:
        place: Any = plain
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
    text = complaint(json.dumps(plain).encode(), pair)
    assert not text or "tiny.engine" in text


@given(st.binary(max_size=200))
def test_bytes_that_are_no_manifest_are_refused(pair: EnginePair, content: bytes) -> None:
    with pytest.raises(EngineError):
        parse_manifest(content, pair.files)


@given(start=st.integers(0, 10**6), length=st.integers(1, 50), content=st.binary(max_size=50))
def test_overwritten_bytes_are_read_or_named(pair: EnginePair, start: int, length: int, content: bytes) -> None:
    data = bytearray(pair.files.manifest.read_bytes())
    start %= len(data)
    data[start : start + length] = content
    text = complaint(bytes(data), pair)
    assert not text or "tiny.engine" in text


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"schema": ' + b"1" * 5000 + b"}"], ids=["deep", "long_number"])
def test_refuses_what_json_cannot_hold(pair: EnginePair, content: bytes) -> None:
    with pytest.raises(EngineError, match=r"expected|schema"):
        parse_manifest(content, pair.files)
