"""Loading refuses everything that does not fit, and says what differs and what mends it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_pair import GPU, PLAN, TENSORRT, EnginePair, make_pair

from trt_perception.engine.build_command import build_command
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.gpu_identity import GpuIdentity
from trt_perception.engine.load_engine_file import LoadedEngine, load_engine_file
from trt_perception.engine.signature import make_key_pair, sign_engine
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.errors import EngineError
from trt_perception.precision.model_digest import file_sha256, joint_sha256

OTHER_GPU = dataclasses.replace(GPU, name="NVIDIA H100 PCIe")


@pytest.fixture
def pair(tmp_path: Path) -> EnginePair:
    folder = tmp_path / "engines"
    folder.mkdir()
    return make_pair(folder)


def load(pair: EnginePair, **given: Any) -> LoadedEngine:
    return load_engine_file(pair.engine, **{"tensorrt": TENSORRT, "gpu": GPU, **given})


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_an_engine_that_fits_is_loaded(pair: EnginePair) -> None:
    loaded = load(pair, spec=pair.spec, strict=True)
    assert (loaded.plan, loaded.manifest, loaded.warnings) == (PLAN, pair.manifest, ())


def test_an_engine_deployed_alone_is_loaded(pair: EnginePair, tmp_path: Path) -> None:
    place = tmp_path / "deployed"
    place.mkdir()
    for path in (pair.engine, pair.files.manifest, pair.plugin):
        (place / path.name).write_bytes(path.read_bytes())
    assert load_engine_file(place / pair.engine.name, tensorrt=TENSORRT, gpu=GPU).plan == PLAN


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        pytest.param(lambda pair: flip_byte(pair.engine), "sha256 of the plan: expected", id="flipped_byte"),
        pytest.param(
            lambda pair: pair.engine.write_bytes(PLAN[:-1]), "size: expected 4096 bytes, got 4095", id="truncated"
        ),
        pytest.param(lambda pair: pair.engine.write_bytes(b""), "expected 4096 bytes, got 0", id="empty"),
        pytest.param(lambda pair: pair.engine.unlink(), "there is a manifest, but no plan", id="manifest_without_plan"),
        pytest.param(lambda pair: flip_byte(pair.model), "model", id="changed_onnx"),
        pytest.param(
            lambda pair: pair.calibration.write_text(pair.calibration.read_text().replace("1.0", "2.0")),
            "it was changed",
            id="changed_calibration",
        ),
        pytest.param(lambda pair: pair.calibration.write_bytes(b"{"), "got none", id="damaged_calibration"),
        pytest.param(lambda pair: flip_byte(pair.plugin), "plugin library", id="changed_plugin"),
        pytest.param(lambda pair: pair.plugin.unlink(), "no such file", id="missing_plugin"),
    ],
)
def test_spoiled_files_are_refused(pair: EnginePair, spoil: Callable[[EnginePair], None], text: str) -> None:
    spoil(pair)
    with pytest.raises(EngineError) as caught:
        load(pair)
    assert text in str(caught.value)
    assert "run: trt-perception build " in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected", "got"),
    [
        pytest.param({"gpu": OTHER_GPU}, "NVIDIA H200 (9.0)", "NVIDIA H100 PCIe (9.0)", id="gpu_name"),
        pytest.param(
            {"gpu": dataclasses.replace(GPU, compute_capability="8.0")},
            "NVIDIA H200 (9.0)",
            "NVIDIA H200 (8.0)",
            id="compute_capability",
        ),
        pytest.param(
            {"tensorrt": TensorRtIdentity(flavour="tensorrt", version="8.6.2")},
            "TensorRT 8.6.1",
            "TensorRT 8.6.2",
            id="tensorrt_version",
        ),
        pytest.param(
            {"tensorrt": TensorRtIdentity(flavour="tensorrt_rtx", version="8.6.1")},
            "TensorRT 8.6.1",
            "TensorRT-RTX 8.6.1",
            id="tensorrt_flavour",
        ),
    ],
)
def test_another_machine_is_refused(pair: EnginePair, given: dict[str, Any], expected: str, got: str) -> None:
    with pytest.raises(EngineError) as caught:
        load(pair, **given)
    assert (caught.value.expected, caught.value.got) == (expected, got)
    assert f"expected {expected}, got {got}; run: {build_command(pair.files, pair.manifest)}" in str(caught.value)


@pytest.mark.parametrize(
    ("built", "here", "fits"),
    [
        pytest.param("10.3.0", "10.3.0", True, id="same"),
        pytest.param("10.3.0", "10.15.1.29", True, id="newer_minor"),
        pytest.param("10.15.1.29", "10.3.0", False, id="older_minor"),
        pytest.param("8.6.1", "10.3.0", False, id="other_major"),
        pytest.param("", "10.3.0", False, id="no_version"),
    ],
)
def test_version_compatible_engines_load_in_newer_ones_of_their_major(
    pair: EnginePair, built: str, here: str, fits: bool
) -> None:
    new = pair.rewrite(
        options=EngineOptions(version_compatible=True), tensorrt=TensorRtIdentity(flavour="tensorrt", version=built)
    )
    tensorrt = TensorRtIdentity(flavour="tensorrt", version=here)
    if fits:
        assert load(new, tensorrt=tensorrt).plan == PLAN
    else:
        with pytest.raises(EngineError, match="or a newer one of the same major version"):
            load(new, tensorrt=tensorrt)


@pytest.mark.parametrize(
    ("built", "here", "fits"),
    [
        pytest.param("9.0", "8.0", True, id="hopper_on_ampere"),
        pytest.param("8.6", "12.0", True, id="ampere_on_blackwell"),
        pytest.param("8.6", "7.5", False, id="ampere_on_turing"),
        pytest.param("7.5", "8.6", False, id="turing_on_ampere"),
    ],
)
def test_hardware_compatible_engines_load_from_ampere_on(pair: EnginePair, built: str, here: str, fits: bool) -> None:
    new = pair.rewrite(
        options=EngineOptions(hardware_compatible=True), gpu=GpuIdentity(name="A", compute_capability=built)
    )
    gpu = GpuIdentity(name="B", compute_capability=here)
    if fits:
        assert load(new, gpu=gpu).plan == PLAN
    else:
        with pytest.raises(EngineError, match=r"GPU: expected .* or another one of compute capability 8\.0"):
            load(new, gpu=gpu)


def test_an_engine_built_without_a_gpu_fits_every_gpu_of_its_compute_capability(pair: EnginePair) -> None:
    new = pair.rewrite(gpu=GpuIdentity(name="", compute_capability="8.9"))
    assert load(new, gpu=GpuIdentity(name="NVIDIA L4", compute_capability="8.9")).plan == PLAN
    with pytest.raises(EngineError, match=r"expected any GPU \(8\.9\), got NVIDIA H200 \(9\.0\)"):
        load(new)


def test_plan_without_manifest_is_to_be_built_or_adopted(pair: EnginePair) -> None:
    pair.files.manifest.unlink()
    with pytest.raises(EngineError, match=r"no manifest tiny\.engine\.json .* --adopt"):
        load(pair)


def test_no_engine_at_all_is_to_be_built(pair: EnginePair) -> None:
    pair.files.manifest.unlink()
    pair.engine.unlink()
    with pytest.raises(EngineError, match=r"there is no such engine; run: trt-perception build"):
        load(pair)


def test_a_folder_in_the_plans_place_is_refused(pair: EnginePair) -> None:
    pair.engine.unlink()
    pair.engine.mkdir()
    with pytest.raises(EngineError, match="no plan beside it"):
        load(pair)


@pytest.mark.parametrize(
    ("field", "change", "text"),
    [
        pytest.param(
            "heads",
            lambda head: dataclasses.replace(head, labels=("a", *head.labels[1:])),
            "heads[0].labels[0]: expected 'class_0', got 'a'",
            id="label",
        ),
        pytest.param(
            "heads",
            lambda head: dataclasses.replace(head, labels=head.labels[1:]),
            "heads[0].labels: expected 3 values, got 2 values",
            id="label_count",
        ),
        pytest.param(
            "inputs",
            lambda item: dataclasses.replace(item, preprocess=dataclasses.replace(item.preprocess, scale=0.5)),
            "inputs[0].preprocess.scale: expected 1.0, got 0.5",
            id="preprocessing",
        ),
        pytest.param(
            "outputs",
            lambda item: dataclasses.replace(item, name="boxes"),
            "outputs[0].name: expected 'output', got 'boxes'",
            id="output",
        ),
    ],
)
def test_another_description_of_the_model_is_refused(
    pair: EnginePair, field: str, change: Callable[[Any], Any], text: str
) -> None:
    spec = dataclasses.replace(pair.spec, **{field: (change(getattr(pair.spec, field)[0]),)})
    with pytest.raises(EngineError) as caught:
        load(pair, spec=spec)
    assert text in str(caught.value)


@pytest.mark.parametrize("with_profile", [False, True], ids=["fixed_sizes", "open_sizes"])
def test_another_shape_is_for_the_profiles_to_refuse(pair: EnginePair, with_profile: bool) -> None:
    profile = ShapeProfile(input="images", min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(1, 3, 96, 96))
    new = pair.rewrite(options=EngineOptions(profiles=(profile,) if with_profile else ()))
    spec = dataclasses.replace(pair.spec, inputs=(dataclasses.replace(pair.spec.inputs[0], shape=(1, 3, 96, 96)),))
    if with_profile:
        assert load(new, spec=spec).plan == PLAN
    else:
        with pytest.raises(EngineError, match=r"inputs\[0\]\.shape\[2\]: expected 64, got 96"):
            load(new, spec=spec)


def test_the_model_of_the_settings_is_compared_wherever_it_lies(pair: EnginePair, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other.onnx"
    elsewhere.write_bytes(pair.model.read_bytes())
    spec = dataclasses.replace(pair.spec, model=str(elsewhere))
    pair.model.unlink()
    assert load(pair, spec=spec).plan == PLAN
    flip_byte(elsewhere)
    with pytest.raises(EngineError, match=r"model .*other\.onnx: expected"):
        load(pair, spec=spec)


@pytest.mark.parametrize("which", ["engine", "manifest", "plugin", "folder"])
@pytest.mark.parametrize("bit", [0o020, 0o002], ids=["group", "others"])
def test_what_others_may_write_is_a_warning_and_strictly_an_error(pair: EnginePair, which: str, bit: int) -> None:
    path = {
        "engine": pair.engine,
        "manifest": pair.files.manifest,
        "plugin": pair.plugin,
        "folder": pair.engine.parent,
    }[which]
    path.chmod(path.stat().st_mode | bit)
    [warning] = load(pair).warnings
    assert warning.startswith(f"{path} may be written by ")
    with pytest.raises(EngineError, match=f"{path} may be written by .*chmod") as caught:
        load(pair, strict=True)
    assert "without `strict`" in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_a_warning(pair: EnginePair) -> None:
    os.chown(pair.engine, 12345, -1)
    assert load(pair).warnings == (f"{pair.engine} belongs to user 12345: chown it",)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({"power_mode": "MAXN"}, "built in power mode unknown, runs in MAXN", id="power_mode"),
        pytest.param({"power_limit_w": 300.0}, "a power limit of 700 W, runs with 300 W", id="power_limit"),
    ],
)
def test_another_power_mode_is_a_warning(pair: EnginePair, changes: dict[str, Any], text: str) -> None:
    [warning] = load(pair, gpu=dataclasses.replace(GPU, **changes), strict=True).warnings
    assert text in warning


def test_other_clocks_and_another_driver_are_none(pair: EnginePair) -> None:
    gpu = dataclasses.replace(GPU, sm_clock_mhz=345, driver="590.1", cuda="13.1", memory_mib=1)
    assert load(pair, gpu=gpu).warnings == ()


def test_an_adopted_engine_warns_and_is_to_be_made_again_by_who_made_it(pair: EnginePair) -> None:
    new = pair.rewrite(adopted=True, precision_plan=None, options=None, key="")
    [warning] = load(new).warnings
    assert "nobody has verified" in warning
    with pytest.raises(EngineError, match=r"make the plan again for this machine, then run: .* --adopt$"):
        load(new, gpu=OTHER_GPU)


def test_an_engine_whose_onnx_nobody_knows_loads_beside_one(pair: EnginePair) -> None:
    new = pair.rewrite(adopted=True, model_file="", model_files={}, model_sha256="")
    assert load(new, spec=new.spec).plan == PLAN


def test_weights_beside_the_onnx_are_compared(pair: EnginePair) -> None:
    weights = pair.model.with_name("weights.bin")
    weights.write_bytes(b"weights")
    files = {**pair.manifest.model_files, weights.name: file_sha256(weights)}
    new = pair.rewrite(model_files=files, model_sha256=joint_sha256(files))
    assert load(new).plan == PLAN
    flip_byte(weights)
    with pytest.raises(EngineError, match=r"weights of the model .*weights\.bin: expected"):
        load(new)
    weights.unlink()
    with pytest.raises(EngineError, match=r"weights of the model: expected .*weights\.bin, got no such file"):
        load(new)


def test_with_a_public_key_only_its_holders_engines_load(pair: EnginePair, tmp_path: Path) -> None:
    public = make_key_pair(tmp_path / "key")
    with pytest.raises(EngineError, match=r"no signature tiny\.engine\.sig .*--sign"):
        load(pair, public_key=public)
    sign_engine(pair.engine, tmp_path / "key")
    assert load(pair, public_key=public).plan == PLAN
    with pytest.raises(EngineError, match="signed by another key"):
        load(pair, public_key=make_key_pair(tmp_path / "other"))


def test_who_changes_plan_and_manifest_together_is_stopped_by_the_signature(pair: EnginePair, tmp_path: Path) -> None:
    public = make_key_pair(tmp_path / "key")
    signature = sign_engine(pair.engine, tmp_path / "key").read_bytes()
    make_pair(pair.engine.parent, plan=PLAN[::-1])
    assert load(pair).plan == PLAN[::-1]
    pair.files.signature.write_bytes(signature)
    with pytest.raises(EngineError, match="is not that of this plan with this manifest"):
        load(pair, public_key=public)
