"""The engines that a config needs."""

from __future__ import annotations

from pathlib import Path

from trt_perception.engine.any_spec import ENGINE_SUFFIX
from trt_perception.engine.engine_request import EngineRequest
from trt_perception.errors import ConfigError
from trt_perception.model.load_spec import YAML_SUFFIXES, load_spec
from trt_perception.precision.named_plan import named_plan
from trt_perception.settings.model_settings import ModelSettings
from trt_perception.settings.perception_settings import PerceptionSettings


def engine_file(model: ModelSettings) -> Path:
    """The engine of a model whose paths are absolute: what the config names, else beside the ONNX, with its name.

    Raises:
        ConfigError: The model's YAML is wrong.
    """
    if model.is_engine:
        return Path(model.spec)
    if model.engine.file:
        return Path(model.engine.file)
    return default_engine_file(Path(model.spec))


def default_engine_file(model: Path) -> Path:
    """Beside the ONNX, with its name.

    Args:
        model: The model's YAML, or the ONNX itself.

    Raises:
        ConfigError: The model's YAML is wrong.
    """
    onnx = Path(load_spec(model).model) if model.suffix.lower() in YAML_SUFFIXES else model
    return onnx.with_suffix(ENGINE_SUFFIX)


def engine_requests(
    settings: PerceptionSettings, *, module: str = "tensorrt", device: int = 0, force: bool = False
) -> tuple[EngineRequest, ...]:
    """What is to be built for the models that pipelines use, in the order of the config; none for given engines.

    Args:
        settings: The config, as `load_settings` gives it.
        module: Python module of the TensorRT that builds.
        device: Index of the GPU.
        force: Build even where current engines are there.

    Raises:
        InputError: A precision plan or a model's YAML is wrong, or two models want different engines of one name.
    """
    used = {pipeline.model for pipeline in settings.pipelines}
    requests: dict[Path, tuple[str, EngineRequest]] = {}
    for index, model in enumerate(settings.models):
        if model.name not in used or model.is_engine:
            continue
        where = f"models[{index}].engine"
        request = _request(model, where, module=module, device=device, force=force)
        other, known = requests.setdefault(request.out, (model.name, request))
        if known != request:
            raise ConfigError(
                f"{where}.file", f"{request.out} is the engine of model {other!r} too", "give each a file of its own"
            )
    return tuple(request for _, request in requests.values())


def _request(model: ModelSettings, where: str, *, module: str, device: int, force: bool) -> EngineRequest:
    engine = model.engine
    return EngineRequest(
        model=Path(model.spec),
        out=engine_file(model),
        plan=named_plan(engine.plan, where=f"{where}.plan"),
        calibration=Path(engine.calibration) if engine.calibration else None,
        options=engine.builder,
        module=module,
        device=device,
        force=force,
    )
