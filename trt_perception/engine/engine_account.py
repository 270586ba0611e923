"""The account of the graph that an engine was built from, kept beside it: it says which node lies in which region."""

from __future__ import annotations

import json
from pathlib import Path

from trt_perception.engine.engine_files import EngineFiles
from trt_perception.engine.manifest import Manifest
from trt_perception.errors import InputError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.precision.account import Account
from trt_perception.precision.read_account import read_account


def account_path(engine: Path) -> Path:
    """`front.engine.account.json` of `front.engine`."""
    plan = EngineFiles(engine).engine
    return plan.with_name(f"{plan.name}.account.json")


def write_engine_account(engine: Path, account: Account) -> None:
    """Keep the account beside the engine.

    Raises:
        InputError: It cannot be written.
    """
    path = account_path(engine)
    try:
        write_atomically(path, (json.dumps(account.to_plain(), indent=2) + "\n").encode())
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror or error}; check the folder and its free space"
        ) from error


def read_engine_account(engine: Path, manifest: Manifest | None) -> Account | None:
    """The account beside an engine; None where there is none, or where it is that of another model or plan.

    Args:
        engine: The plan.
        manifest: What the plan is; None where nobody knows, and no account can be its own.

    Raises:
        InputError: There is one and it cannot be read.
    """
    path = account_path(engine)
    if manifest is None or not path.is_file():
        return None
    account = read_account(path)
    same = account.plan == manifest.precision_plan and account.emitter == manifest.emitter
    digests = (manifest.model_sha256, *manifest.model_files.values())
    return account if same and account.model_sha256 in digests else None
