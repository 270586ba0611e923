"""Models are loaded once and shared; what fails leaves nothing loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.fake_engine import write_fake_engine
from helpers.tiny_onnx import make_semantic_onnx, make_yolox_onnx

from trt_perception.errors import ConfigError, DeviceError, MissingError
from trt_perception.model.load_spec import load_spec
from trt_perception.model.model_spec import ModelSpec
from trt_perception.ros.backend_request import BackendRequest
from trt_perception.ros.model_pool import ModelPool, default_backend
from trt_perception.runtime.backend import Backend, BackendKind
from trt_perception.runtime.null_backend import NullBackend
from trt_perception.settings.camera_settings import CameraSettings
from trt_perception.settings.engine_settings import EngineSettings
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PerceptionSettings
from trt_perception.settings.pipeline_settings import PipelineSettings

RGB_IR = Path(__file__).resolve().parents[2] / "trt_perception" / "demo" / "model" / "demo_model_rgb_ir.onnx"


class CountingBackend(NullBackend):
    """Counts what is done to it."""

    def __init__(self, spec: ModelSpec, *, fails: str = "") -> None:
        super().__init__(spec)
        self.calls: list[str] = []
        self._fails = fails

    def open(self) -> None:
        self.calls.append("open")
        if self._fails == "open":
            raise MissingError("no GPU", "plug one in")

    def infer(self, inputs: object) -> object:  # type: ignore[override]
        self.calls.append("infer")
        if self._fails == "infer":
            raise DeviceError("out of memory")
        return super().infer({})

    def close(self) -> None:
        self.calls.append("close")


def _settings(tmp_path: Path, *pipelines: PipelineSettings) -> PerceptionSettings:
    boxes = make_yolox_onnx(tmp_path / "boxes.onnx")
    masks = make_semantic_onnx(tmp_path / "masks.onnx")
    return PerceptionSettings(
        backend=BackendKind.ONNXRUNTIME,
        threads=1,
        cameras=(CameraSettings(name="front"), CameraSettings(name="back")),
        models=(
            ModelSettings(name="boxes", spec=str(boxes)),
            ModelSettings(name="masks", spec=str(masks)),
            ModelSettings(name="unused", spec="/absent.onnx"),
        ),
        pipelines=pipelines,
    )


def _pool(
    settings: PerceptionSettings, *, fails: dict[str, str] | None = None
) -> tuple[ModelPool, list[CountingBackend]]:
    made: list[CountingBackend] = []

    def make(request: BackendRequest) -> Backend:
        assert (request.kind, request.threads) == (BackendKind.ONNXRUNTIME, 1)
        made.append(CountingBackend(request.spec, fails=(fails or {}).get(Path(request.spec.model).stem, "")))
        return made[-1]

    return ModelPool(settings, backend_factory=make), made


BOXES = PipelineSettings(name="day", model="boxes", score_threshold=0.4)
NIGHT = PipelineSettings(name="night", model="boxes", namespace="night", score_threshold=0.2)
MASKS = PipelineSettings(name="masks", model="masks", namespace="masks")


def test_a_model_is_loaded_once_for_all_pipelines_and_an_unused_one_never(tmp_path: Path) -> None:
    pool, made = _pool(_settings(tmp_path, BOXES, NIGHT, MASKS))
    pool.open()
    assert [Path(spec.model).stem for spec in pool.specs.values()] == ["boxes", "masks"]
    assert len(made) == 2
    assert pool.pipelines["day"].thresholds.score == 0.4
    assert pool.pipelines["night"].thresholds.score == 0.2
    assert [backend.calls for backend in made] == [["open", "infer", "infer"], ["open", "infer"]]
    pool.close()
    pool.close()
    assert [backend.calls.count("close") for backend in made] == [1, 1]
    assert (pool.specs, pool.pipelines, pool.backend_names) == ({}, {}, {})


@pytest.mark.parametrize(
    ("fails", "error"),
    [({"masks": "open"}, MissingError), ({"masks": "infer"}, DeviceError)],
    ids=["at_load", "at_warm_up"],
)
def test_a_model_that_fails_leaves_none_loaded(tmp_path: Path, fails: dict[str, str], error: type[Exception]) -> None:
    pool, made = _pool(_settings(tmp_path, BOXES, MASKS), fails=fails)
    with pytest.raises(error):
        pool.open()
    assert all(backend.calls[-1] == "close" for backend in made)
    assert pool.pipelines == {}


def test_sets_for_a_model_of_one_input_are_refused_with_what_to_write(tmp_path: Path) -> None:
    pool, made = _pool(_settings(tmp_path, PipelineSettings(name="day", model="boxes", sets=(("front", "back"),))))
    with pytest.raises(
        ConfigError, match=r"pipeline day: sets: model boxes has 1 input .*write `cameras: \[front, back"
    ):
        pool.open()
    assert made == []


def test_every_set_may_infer_beside_the_others_and_is_warmed_up(tmp_path: Path) -> None:
    """Each set has a thread of its own, two of one first camera, too."""
    asked: list[int] = []
    made: list[CountingBackend] = []

    def make(request: BackendRequest) -> Backend:
        asked.append(request.contexts)
        made.append(CountingBackend(request.spec))
        return made[-1]

    settings = replace(
        _settings(tmp_path, BOXES),
        models=(ModelSettings(name="pair", spec=str(RGB_IR)),),
        pipelines=tuple(
            PipelineSettings(name=name, model="pair", namespace=name, sets=(("front", "back"),))
            for name in ("day", "night")
        ),
    )
    pool = ModelPool(settings, backend_factory=make)
    pool.open()
    assert asked == [2]
    assert made[0].calls == ["open", "infer", "infer"]
    pool.close()


def test_an_unknown_label_in_a_map_is_refused(tmp_path: Path) -> None:
    settings = _settings(tmp_path, PipelineSettings(name="day", model="boxes", label_map={"lorry": "truck"}))
    pool, _ = _pool(settings)
    with pytest.raises(ConfigError, match=r"pipeline day: label_map\.lorry"):
        pool.open()


def test_an_unknown_label_in_the_thresholds_is_refused(tmp_path: Path) -> None:
    settings = _settings(tmp_path, PipelineSettings(name="day", model="boxes", class_thresholds={"lorry": 0.5}))
    pool, _ = _pool(settings)
    with pytest.raises(ConfigError, match=r"lorry"):
        pool.open()


def test_the_node_never_chooses_a_runtime_by_itself(tmp_path: Path) -> None:
    pool = ModelPool(_settings(tmp_path, BOXES))
    pool.open()
    spec = pool.specs["boxes"]
    pool.close()
    with pytest.raises(ConfigError, match=r"backend: expected tensorrt or onnxruntime, got 'auto'"):
        default_backend(BackendRequest(kind=BackendKind.AUTO, spec=spec, threads=1, engine=tmp_path / "boxes.engine"))


def test_a_backend_is_asked_for_with_its_engine_and_a_context_for_each_camera(tmp_path: Path) -> None:
    settings = _settings(tmp_path, BOXES, MASKS)
    cameras = tuple(CameraSettings(name=f"camera_{index}") for index in range(12))
    engine = EngineSettings(file=str(tmp_path / "given.engine"), strict=True, public_key=str(tmp_path / "key.pub"))
    boxes = replace(settings.models[0], engine=engine)
    one = replace(MASKS, cameras=("camera_3",))
    asked: list[BackendRequest] = []

    def make(request: BackendRequest) -> Backend:
        asked.append(request)
        return CountingBackend(request.spec)

    pool = ModelPool(
        replace(settings, cameras=cameras, models=(boxes, *settings.models[1:]), pipelines=(BOXES, one)),
        backend_factory=make,
    )
    pool.open()
    pool.close()
    first, second = asked
    assert (first.engine, first.strict, first.public_key) == (tmp_path / "given.engine", True, tmp_path / "key.pub")
    assert first.contexts == 8  # of twelve cameras: every context takes memory
    assert (second.engine, second.strict, second.public_key) == (tmp_path / "masks.engine", False, None)
    assert second.contexts == 1


def test_an_engine_alone_brings_its_spec(tmp_path: Path) -> None:
    settings = _settings(tmp_path, BOXES)
    spec = load_spec(Path(settings.models[0].spec))
    engine = tmp_path / "alone.engine"
    write_fake_engine(engine, spec)
    asked: list[BackendRequest] = []

    def make(request: BackendRequest) -> Backend:
        asked.append(request)
        return CountingBackend(request.spec)

    models = (ModelSettings(name="boxes", spec=str(engine)), *settings.models[1:])
    pool = ModelPool(replace(settings, models=models), backend_factory=make)
    pool.open()
    assert pool.specs["boxes"] == replace(spec, model=str(engine))
    assert asked[0].engine == engine
    pool.close()


def test_warnings_about_files_name_the_model(tmp_path: Path) -> None:
    class DoubtfulBackend(CountingBackend):
        warnings = ("others may write it",)

    pool = ModelPool(_settings(tmp_path, BOXES), backend_factory=lambda request: DoubtfulBackend(request.spec))
    pool.open()
    assert pool.warnings == ("model boxes: others may write it",)
    pool.close()
