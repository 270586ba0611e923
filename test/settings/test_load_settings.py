"""The config file: what a right one means, and what each wrong one is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from trt_perception.errors import ConfigError
from trt_perception.pairing.pairing_options import IncompleteSet, PairingOptions
from trt_perception.runtime.backend import BackendKind
from trt_perception.settings.camera_settings import CameraSettings, Transport
from trt_perception.settings.engine_settings import EngineSettings
from trt_perception.settings.load_settings import load_settings


def right() -> dict[str, Any]:
    return {
        "backend": "onnxruntime",
        "cameras": [{"name": "front"}, {"name": "back", "transport": "compressed"}],
        "models": [{"name": "detector", "spec": "detector.yaml"}],
        "pipelines": [{"name": "objects", "model": "detector"}],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "detector.yaml").write_text("name: detector\n")
    return tmp_path


def write(folder: Path, config: object) -> Path:
    path = folder / "perception.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_pipeline_without_cameras_runs_on_every_camera(folder: Path) -> None:
    settings = load_settings(write(folder, right()))
    assert settings.backend is BackendKind.ONNXRUNTIME
    assert [(plan.settings.name, plan.camera.name) for plan in settings.plans] == [
        ("objects", "front"),
        ("objects", "back"),
    ]
    assert settings.plans[0].model.spec == str(folder / "detector.yaml")


def test_the_default_backend_is_tensorrt(folder: Path) -> None:
    config = right()
    del config["backend"]
    assert load_settings(write(folder, config)).backend is BackendKind.TENSORRT


@pytest.mark.parametrize(
    ("camera", "topic"),
    [
        pytest.param(CameraSettings(name="front"), "front/image_raw", id="raw"),
        pytest.param(
            CameraSettings(name="front", transport=Transport.COMPRESSED), "front/image_raw/compressed", id="compressed"
        ),
        pytest.param(CameraSettings(name="front", topic="/cam0/image"), "/cam0/image", id="given"),
    ],
)
def test_the_image_topic(camera: CameraSettings, topic: str) -> None:
    assert camera.image_topic == topic


SETS = {"name": "night", "model": "detector", "sets": [["front", "back"]]}


def test_a_set_is_one_plan_of_several_cameras(folder: Path) -> None:
    config = changed("pipelines.0", {**SETS, "pairing": {"tolerance_ms": 2.5}})
    (plan,) = load_settings(write(folder, config)).plans
    assert [camera.name for camera in plan.sources] == ["front", "back"]
    assert plan.camera.name == "front"
    assert plan.settings.pairing == PairingOptions(tolerance_ms=2.5, deadline_ms=50.0, incomplete=IncompleteSet.DROP)


def changed(path: str, value: object) -> dict[str, Any]:
    """The right config with the value at a dotted path replaced; `None` as the value's key removes it."""
    config: Any = right()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = config
    for part in parents:
        place = place[part]
    place[last] = value
    return dict(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param(
            changed("pipelines.0.score_treshold", 0.5),
            ["perception.yaml: pipelines[0]", "'score_treshold'", "did you mean 'score_threshold'"],
            id="unknown_key",
        ),
        pytest.param(
            changed("pipelines.0.score_threshold", "high"),
            ["perception.yaml: pipelines[0].score_threshold", "expected a number", "'high'"],
            id="wrong_type",
        ),
        pytest.param(
            changed("pipelines.0.score_threshold", 1.5),
            ["pipelines[0].score_threshold", "from 0 to 1", "1.5"],
            id="out_of_range",
        ),
        pytest.param(
            changed("pipelines.0.class_thresholds", {"car": -0.1}),
            ["pipelines[0].class_thresholds.car", "-0.1"],
            id="class_threshold_out_of_range",
        ),
        pytest.param(changed("cameras.1.name", "front"), ["cameras", "'front' is used 2 times"], id="duplicate_camera"),
        pytest.param(changed("cameras.0.name", "front left"), ["cameras[0]", "'front left'"], id="camera_name"),
        pytest.param(
            changed("cameras.0.transport", "jpeg"), ["cameras[0].transport", "'raw', 'compressed'"], id="closed_set"
        ),
        pytest.param(changed("cameras", []), ["cameras", "at least one"], id="no_camera"),
        pytest.param(changed("cameras", {"front": {}}), ["cameras", "expected a list"], id="cameras_as_mapping"),
        pytest.param(
            changed("pipelines.0.model", "dettector"),
            ["pipelines[0].model", "detector", "'dettector'"],
            id="model_name",
        ),
        pytest.param(
            changed("pipelines.0.cameras", ["front", "left"]),
            ["pipelines[0].cameras[1]", "front, back", "'left'"],
            id="camera_of_pipeline",
        ),
        pytest.param(
            changed("pipelines.0", {**SETS, "cameras": ["front"]}),
            ["pipelines[0]", "either cameras or sets, got both", "write `sets: [[front, back]]` alone"],
            id="cameras_and_sets",
        ),
        pytest.param(
            changed("pipelines.0", {**SETS, "sets": [["front", "left"]]}),
            ["pipelines[0].sets[0][1]", "front, back", "'left'"],
            id="camera_of_set",
        ),
        pytest.param(
            changed("pipelines.0", {**SETS, "sets": [["front", "back"], ["back"]]}),
            ["sets[1]", "expected 2 cameras", "got 1", "one camera for each input"],
            id="sets_of_different_size",
        ),
        pytest.param(
            changed("pipelines.0", {**SETS, "sets": [["front", "front"]]}),
            ["sets[0]", "every camera once", "[[front, front]]"],
            id="camera_twice_in_a_set",
        ),
        pytest.param(changed("pipelines.0", {**SETS, "sets": [[]]}), ["sets[0]", "got none"], id="empty_set"),
        pytest.param(
            changed("pipelines.0", {**SETS, "sets": [["front", "back"], ["front", "back"]]}),
            ["sets[1]", "'front' is the first of two sets", "namespace"],
            id="first_of_two_sets",
        ),
        pytest.param(
            changed("pipelines.0.pairing", {"deadline_ms": 20.0}),
            ["pipelines[0]", "pairing: there are no sets", "write e.g. `sets: [[front, front_ir]]`, or remove pairing"],
            id="pairing_without_sets",
        ),
        pytest.param(
            changed("pipelines.0", {"name": "night", "model": "detector", "cameras": ["front", "back"], "pairing": {}}),
            ["pairing: there are no sets", "write e.g. `sets: [[front, back]]` instead of cameras, or remove pairing"],
            id="pairing_of_cameras",
        ),
        pytest.param(
            changed("pipelines.0", {**SETS, "pairing": {"incomplete": "newest"}}),
            ["pipelines[0].pairing.incomplete", "'drop', 'latest'", "'newest'"],
            id="pairing_policy",
        ),
        pytest.param(changed("models.0.spec", "absent.yaml"), ["models[0].spec", "no file"], id="model_file"),
        pytest.param(changed("models.0.spec", "a\0b"), ["models[0].spec", "NUL character"], id="model_nul"),
        pytest.param(changed("models.0.spec", "x" * 300), ["models[0].spec", "no file"], id="model_name_too_long"),
        pytest.param(changed("schema", 99), ["schema", "at most 1, got 99", "update"], id="newer_schema"),
        pytest.param([1, 2], ["perception.yaml", "expected a mapping"], id="not_a_mapping"),
    ],
)
def test_a_wrong_setting_is_named(config: object, words: list[str], folder: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(write(folder, config))
    for word in words:
        assert word in str(error.value)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        load_settings(tmp_path / "absent.yaml")


def test_paths_of_an_engine_are_counted_from_the_config(folder: Path) -> None:
    config = right()
    config["models"][0]["engine"] = {
        "file": "engines/detector.engine",
        "plan": "plans/mine.yaml",
        "calibration": "/data/detector.calibration.json",
        "builder": {"timing_cache": "timing.cache", "plugins": ["plugins/deformable.so"]},
        "public_key": "fleet.pem",
    }
    engine = load_settings(write(folder, config)).models[0].engine
    assert engine.file == str(folder / "engines/detector.engine")
    assert engine.plan == str(folder / "plans/mine.yaml")
    assert engine.calibration == "/data/detector.calibration.json"
    assert engine.builder.timing_cache == str(folder / "timing.cache")
    assert engine.builder.plugins == (str(folder / "plugins/deformable.so"),)
    assert engine.public_key == str(folder / "fleet.pem")


def test_an_engine_that_nothing_is_said_of_has_no_paths(folder: Path) -> None:
    assert load_settings(write(folder, right())).models[0].engine == EngineSettings()


def test_a_wrong_option_of_the_builder_is_named_with_its_path(folder: Path) -> None:
    config = right()
    config["models"][0]["engine"] = {"builder": {"optimisation_level": 4}}
    with pytest.raises(
        ConfigError,
        match=r"models\[0\]\.engine\.builder: unknown key 'optimisation_level'; did you mean 'optimization_l",
    ):
        load_settings(write(folder, config))


def test_a_model_that_is_an_engine_has_no_other(folder: Path) -> None:
    (folder / "given.engine").touch()
    config = right()
    config["models"][0] |= {"spec": "given.engine", "engine": {"file": "other.engine"}}
    with pytest.raises(ConfigError, match=r"models\[0\].*engine\.file: expected none where spec is an engine"):
        load_settings(write(folder, config))
