"""A real engine is loaded where it fits and refused where it does not, before TensorRT sees it.

Needs a GPU, TensorRT with its builder, and onnx. The network is small: what is checked here is that a real plan, its
manifest and this machine fit together; every single refusal is checked without a GPU in test/engine.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.build_request import make_request

from trt_perception.engine.adopt_engine import adopt_engine
from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.engine_io import check_tensors, engine_tensors
from trt_perception.engine.engine_options import EngineOptions
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.load_engine_file import LoadedEngine, load_engine_file
from trt_perception.engine.make_engine import make_engine
from trt_perception.engine.manifest import engine_spec
from trt_perception.engine.open_plan import open_plan
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.engine.tensorrt_module import identify
from trt_perception.errors import EngineError
from trt_perception.model.load_spec import load_spec

pytestmark = pytest.mark.gpu

trt = pytest.importorskip("tensorrt", reason="TensorRT is not installed")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one engine, its ONNX and its calibration table."""
    folder = tmp_path_factory.mktemp("built")
    request = make_request(folder, plan="fp32")
    options = EngineOptions(optimization_level=1)
    assert make_engine(dataclasses.replace(request, module="tensorrt", options=options)).built
    return folder


@pytest.fixture
def engine(built: Path, tmp_path: Path) -> Path:
    """A copy of it that may be spoiled."""
    shutil.copytree(built, tmp_path / "copy")
    return tmp_path / "copy" / "net.engine"


def load(engine: Path, **given: Any) -> LoadedEngine:
    return load_engine_file(engine, **{"tensorrt": identify(trt), "gpu": current_gpu(), **given})


def edit_manifest(engine: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = EngineFiles(engine).manifest
    plain = json.loads(path.read_bytes())
    change(plain)
    path.write_text(json.dumps(plain))


def test_what_was_built_here_loads_here(engine: Path) -> None:
    loaded = load(engine, spec=load_spec(engine.with_name("net.onnx")))
    with open_plan(trt, loaded.plan, name=engine) as opened:
        tensors = engine_tensors(trt, opened)
    check_tensors(tensors, engine_spec(engine), engine=engine)
    assert {tensor.name for tensor in tensors if tensor.is_input} == {item.name for item in loaded.manifest.spec.inputs}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(lambda plain: plain["gpu"].update(name="Another"), "GPU: expected Another", id="gpu_name"),
        pytest.param(
            lambda plain: plain["gpu"].update(compute_capability="1.0"),
            r"GPU: expected .* \(1\.0\)",
            id="compute_capability",
        ),
        pytest.param(
            lambda plain: plain["tensorrt"].update(version="0.0.1"), "TensorRT: expected TensorRT 0", id="tensorrt"
        ),
        pytest.param(lambda plain: plain.update(plan_sha256="0" * 64), "sha256 of the plan", id="other_plan"),
    ],
)
def test_a_manifest_of_another_machine_is_refused(
    engine: Path, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    edit_manifest(engine, change)
    with pytest.raises(EngineError, match=f"{what}.*run: trt-perception build .*net.onnx --out "):
        load(engine)


@pytest.mark.parametrize("place", [0.0, 0.5, 0.999], ids=["start", "middle", "end"])
def test_a_flipped_byte_is_refused(engine: Path, place: float) -> None:
    data = bytearray(engine.read_bytes())
    data[int(place * len(data))] ^= 0x10
    engine.write_bytes(data)
    with pytest.raises(EngineError, match="sha256 of the plan"):
        load(engine)


def test_a_plan_without_manifest_can_be_adopted_and_signed(engine: Path, tmp_path: Path) -> None:
    EngineFiles(engine).manifest.unlink()
    with pytest.raises(EngineError, match="--adopt"):
        load(engine)
    spec = load_spec(engine.with_name("net.onnx"))
    adopted = adopt_engine(engine, spec, trt=trt, gpu=current_gpu())
    assert adopted.manifest.adopted
    public = make_key_pair(tmp_path / "key")
    sign_engine(engine, tmp_path / "key")
    assert load(engine, spec=spec, public_key=public).plan == engine.read_bytes()


def test_a_plan_of_another_model_is_not_adopted(engine: Path) -> None:
    EngineFiles(engine).manifest.unlink()
    spec = load_spec(engine.with_name("net.onnx"))
    output = spec.outputs[0]
    other = dataclasses.replace(spec, outputs=(dataclasses.replace(output, shape=(*output.shape[:-1], 3)),))
    with pytest.raises(EngineError, match=f"outputs: '{output.name}': expected"):
        adopt_engine(engine, other, trt=trt, gpu=current_gpu())
    assert not EngineFiles(engine).manifest.exists()
