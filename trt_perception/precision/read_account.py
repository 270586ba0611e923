"""Reads an account's JSON back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trt_perception.errors import ConfigError, InputError
from trt_perception.options.from_mapping import from_mapping
from trt_perception.options.limited_file import read_limited
from trt_perception.precision.account import SCHEMA, Account


def read_account(path: Path) -> Account:
    """Read what `quantize` wrote beside a graph.

    Raises:
        InputError: The file is absent, larger than 16 MiB, no account, or of a newer version than this package reads.
    """
    remedy = "write it with `trt-perception quantize`"
    try:
        data = json.loads(read_limited(path, remedy=remedy).decode())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected the JSON of an account, got {error}; {remedy}") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else type(data).__name__
        raise InputError(f"{path}: expected an account of schema {SCHEMA}, got {found}; {remedy}")
    return account_from_plain(data, where=str(path))


def account_from_plain(data: Mapping[str, Any], *, where: str) -> Account:
    """Make an account of what `Account.to_plain` gives.

    Args:
        data: The mapping.
        where: Where it comes from, put before every error.

    Raises:
        ConfigError: It is no such mapping.
    """
    fields = {key: value for key, value in data.items() if key not in ("schema", "calibration")}
    account = from_mapping(Account, fields, where=where)
    calibration = data.get("calibration", {})
    if not isinstance(calibration, dict):
        raise ConfigError(f"{where}: calibration", f"expected a mapping, got {calibration!r}")
    return dataclasses.replace(account, calibration=calibration)
