"""An account is read back as it was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.built_engine import demo_account, demo_plan

from trt_perception.errors import InputError
from trt_perception.precision.account import Account
from trt_perception.precision.quantize import Emitter
from trt_perception.precision.read_account import read_account


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return demo_account(tmp_path_factory.mktemp("split"), demo_plan())


@pytest.mark.parametrize("emitter", list(Emitter))
@pytest.mark.parametrize("plan", ["int8_backbone_fp16_head", "fp32"])
def test_what_quantize_wrote_is_read_back(plan: str, emitter: Emitter, tmp_path: Path) -> None:
    account = demo_account(tmp_path, demo_plan(plan), emitter)
    assert read_account(tmp_path / f"{plan}_{emitter.value}.account.json") == account


def without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda data: {name: value for name, value in data.items() if name != key}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda data: {**data, "schema": 99}, "expected an account of schema 1, got 99", id="newer"),
        pytest.param(lambda _: [], "got list", id="list"),
        pytest.param(without("emitter"), "missing key 'emitter'", id="missing"),
        pytest.param(lambda data: {**data, "more": 1}, "unknown key 'more'", id="unknown"),
        pytest.param(lambda data: {**data, "calibration": 3}, "calibration: expected a mapping", id="calibration"),
    ],
)
def test_what_is_no_account_is_named(
    change: Callable[[dict[str, Any]], Any], words: str, account: Account, tmp_path: Path
) -> None:
    path = tmp_path / "x.account.json"
    path.write_text(json.dumps(change(account.to_plain())))
    with pytest.raises(InputError, match=words):
        read_account(path)


@pytest.mark.parametrize(
    "content", [None, b"no json", b"\xff", b"[" * 200_000], ids=["absent", "no_json", "no_text", "too_deep"]
)
def test_what_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.account.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.account\.json"):
        read_account(path)
