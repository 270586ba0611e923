"""Plans are read from YAML and say what is wrong with them; patterns are globs or regular expressions."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from trt_perception.errors import ConfigError
from trt_perception.precision.precision_plan import Precision, Region, first_match, load_plan

CONFIG = Path(__file__).resolve().parents[2] / "config" / "precision"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("int8_backbone_fp16_head", "int8 int8 fp16"),
        ("fp16", "fp16 fp16 fp16"),
        ("fp32", "fp32 fp32 fp32"),
        ("int8", "int8 int8 int8"),
    ],
)
def test_reads_the_plans_that_come_with_the_package(name: str, expected: str) -> None:
    plan = load_plan(CONFIG / f"{name}.yaml")
    assert plan.name == name
    assert [plan.precision(region) for region in Region] == [Precision(word) for word in expected.split()]


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_plan_can_be_read_and_holds_to_the_schema_that_it_names(path: Path) -> None:
    load_plan(path)
    (line,) = [line for line in path.read_text().splitlines() if "yaml-language-server" in line]
    schema = json.loads((path.parent / line.split("$schema=")[1]).read_text())
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("precisions: {backbone: int4}", "'int8', 'fp16', 'fp32'", id="unknown_precision"),
        pytest.param("keep_first_convolution: true", "did you mean 'keep_first_conv'", id="unknown_key"),
        pytest.param("keep_fp32: ['re:(']", "no regular expression", id="bad_regular_expression"),
        pytest.param("keep_fp32: ['re:a{99999999999999999999}']", "no regular expression", id="too_many_repetitions"),
        pytest.param("regions: names", "expected patterns", id="names_without_patterns"),
        pytest.param("calibrator: {percentile: 101}", "from 50 to 100", id="percentile_above_100"),
    ],
)
def test_says_what_is_wrong(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"plan\.yaml") as error:
        load_plan(path)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        pytest.param("neck.lateral8.conv.Conv", "neck.*", True, id="glob"),
        pytest.param("my.neck.conv", "neck.*", False, id="glob_is_for_the_whole_name"),
        pytest.param("Conv_41", "re:^Conv_4[0-9]$", True, id="regular_expression"),
        pytest.param("Conv_410", "re:^Conv_4[0-9]$", False, id="regular_expression_anchored"),
        pytest.param("a.neck.b", "re:neck", True, id="regular_expression_is_searched"),
        pytest.param("NECK.a", "neck.*", False, id="case_matters"),
    ],
)
def test_a_pattern_fits_as_documented(name: str, pattern: str, fits: bool) -> None:
    assert first_match(name, ["nothing", pattern]) == (pattern if fits else None)
