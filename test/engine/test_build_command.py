"""The command that mends an engine builds the engine that the manifest describes: the verb's own parser reads it."""

from __future__ import annotations

import dataclasses
import shlex
from argparse import Namespace
from pathlib import Path

import pytest
from helpers.engine_pair import EnginePair, make_pair

from trt_perception.cli.build_arguments import engine_options
from trt_perception.cli.main import build_parser
from trt_perception.engine.build_command import build_command
from trt_perception.engine.engine_options import EngineOptions, ShapeProfile
from trt_perception.engine.tensorrt_module import TensorRtIdentity
from trt_perception.precision.precision_plan import PrecisionPlan


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> EnginePair:
    folder = tmp_path_factory.mktemp("engines") / "with space"
    folder.mkdir()
    return make_pair(folder)


def parsed(pair: EnginePair, **changes: object) -> Namespace:
    """What the verb makes of the command."""
    words = shlex.split(build_command(pair.files, dataclasses.replace(pair.manifest, **changes)))  # type: ignore[arg-type]
    assert words[:2] == ["trt-perception", "build"]
    return build_parser().parse_args(words[1:])


def test_names_model_plan_calibration_and_plugins(pair: EnginePair) -> None:
    arguments = parsed(pair)
    assert (arguments.model, arguments.out) == (pair.model, pair.engine)
    assert (arguments.plan, arguments.calibration) == ("int8", pair.calibration)
    assert engine_options(arguments) == pair.manifest.options
    assert (arguments.adopt, arguments.module) == (None, "tensorrt")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"workspace_mib": 64, "optimization_level": 1, "dla_core": 0}, id="numbers"),
        pytest.param({"tf32": True, "sparsity": True, "strip_plan": True}, id="switches"),
        pytest.param({"version_compatible": True, "hardware_compatible": True}, id="compatible"),
        pytest.param({"timing_cache": "/var/cache/a b.cache", "ahead_of_time": "SM89"}, id="texts"),
        pytest.param(
            {
                "profiles": (
                    ShapeProfile(input="a", min=(1, 3), opt=(2, 3), max=(4, 3)),
                    ShapeProfile(input="b=c", min=(1,), opt=(1,), max=(1,)),
                )
            },
            id="profiles",
        ),
    ],
)
def test_gives_back_the_options(pair: EnginePair, options: dict[str, object]) -> None:
    wanted = EngineOptions(plugins=(str(pair.plugin),), **options)  # type: ignore[arg-type]
    assert engine_options(parsed(pair, options=wanted)) == wanted


def test_every_option_is_in_the_command(pair: EnginePair) -> None:
    """An option that is added to the builder must be added to the command, too."""
    profile = ShapeProfile(input="a", min=(1,), opt=(1,), max=(1,))
    other = {
        "workspace_mib": 1, "optimization_level": 4, "max_aux_streams": 2, "tactic_sources": ("CUDNN",), "dla_core": 1,
        "tf32": True, "version_compatible": True, "hardware_compatible": True, "strip_plan": True, "sparsity": True,
        "timing_cache": "c", "ahead_of_time": "SM89", "profiles": (profile,),
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(EngineOptions)} == {*other, "plugins"}
    plain = build_command(pair.files, pair.manifest)
    for name, value in other.items():
        changed = dataclasses.replace(pair.manifest, options=dataclasses.replace(EngineOptions(), **{name: value}))
        assert build_command(pair.files, changed) != plain, name


def test_what_is_not_known_stands_in_capitals(pair: EnginePair) -> None:
    arguments = parsed(pair, model_file="", model_files={}, model_sha256="", precision_plan=PrecisionPlan())
    assert (arguments.model, arguments.plan) == (Path("MODEL"), "PLAN.yaml")
    assert parsed(pair, precision_plan=PrecisionPlan(name="mine")).plan == "mine.yaml"
    assert parsed(pair, options=EngineOptions(max_aux_streams=2)).options == Path("OPTIONS.yaml")


def test_an_rtx_engine_is_built_with_rtx(pair: EnginePair) -> None:
    arguments = parsed(pair, tensorrt=TensorRtIdentity(flavour="tensorrt_rtx", version="1.7.1"))
    assert arguments.module == "tensorrt_rtx_bindings"


def test_an_adopted_engine_is_adopted_again(pair: EnginePair) -> None:
    arguments = parsed(pair, adopted=True)
    assert (arguments.out, arguments.adopt) == (pair.engine, Path())
