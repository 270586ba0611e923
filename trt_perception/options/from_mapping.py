"""A mapping, as YAML gives it, becomes a frozen options dataclass; what does not fit is named with its path."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from trt_perception.errors import ConfigError

T = TypeVar("T")


def from_mapping(kind: type[T], data: object, *, where: str) -> T:
    """Make the dataclass `kind` from a mapping.

    Args:
        kind: A dataclass whose fields are made with `option`.
        data: The mapping; nested mappings and lists become nested dataclasses and tuples.
        where: File and path of `data`, put before every error, e.g. ``perception.yaml: cameras[0]``.

    Raises:
        ConfigError: Unknown key (with the nearest valid one), missing key, wrong type, value out of range.
    """
    if not isinstance(data, Mapping):
        raise ConfigError(where, f"expected a mapping, got {_shown(data)}")
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in data:
        if key not in fields:
            raise ConfigError(where, f"unknown key {_shown(key)}", _nearest(_shown(key).strip("'"), list(fields)))
    hints = typing.get_type_hints(kind)
    values = {
        name: _convert(hints[name], data[name], _join(where, name), field.metadata)
        for name, field in fields.items()
        if name in data
    }
    missing = [name for name, field in fields.items() if name not in data and _is_required(field)]
    if missing:
        raise ConfigError(where, f"missing key {missing[0]!r}", fields[missing[0]].metadata.get("description", ""))
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(where, str(error)) from error


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join(where: str, name: str) -> str:
    return f"{where}: {name}" if where.endswith((".yaml", ".yml", ".json")) else f"{where}.{name}"


def _nearest(key: str, valid: list[str]) -> str:
    close = difflib.get_close_matches(key, valid, n=1)
    return f"did you mean {close[0]!r}?" if close else f"valid keys are {', '.join(valid)}"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # whole numbers of thousands of digits, lists in lists in lists
        text = f"<{type(value).__name__} too large to show>"
    return text if len(text) <= 60 else text[:57] + "..."


def _convert(hint: Any, value: object, where: str, limits: Mapping[str, Any]) -> Any:
    """Convert one value to its annotated type."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(typing.get_args(hint), value, where, limits)
    if origin is tuple:
        return _convert_tuple(typing.get_args(hint), value, where, limits)
    if origin is not None and issubclass(origin, Mapping):
        return _convert_mapping(typing.get_args(hint)[1], value, where, limits)
    if dataclasses.is_dataclass(hint):
        return from_mapping(typing.cast(type, hint), value, where=where)
    if issubclass(hint, Enum):
        return _convert_enum(hint, value, where)
    return _convert_scalar(hint, value, where, limits)


def _convert_union(kinds: tuple[Any, ...], value: object, where: str, limits: Mapping[str, Any]) -> Any:
    """The first kind that fits; the error is that of the last, which is the only one for `X | None`."""
    if value is None and type(None) in kinds:
        return None
    *others, last = [kind for kind in kinds if kind is not type(None)]
    for kind in others:
        try:
            return _convert(kind, value, where, limits)
        except ConfigError:
            continue
    return _convert(last, value, where, limits)


def _convert_tuple(inner: tuple[Any, ...], value: object, where: str, limits: Mapping[str, Any]) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ConfigError(where, f"expected a list, got {_shown(value)}")
    if len(inner) == 2 and inner[1] is Ellipsis:
        kinds = (inner[0],) * len(value)
    elif len(inner) == len(value):
        kinds = inner
    else:
        raise ConfigError(where, f"expected a list of {len(inner)} values, got {len(value)}")
    return tuple(
        _convert(kind, item, f"{where}[{index}]", limits)
        for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _convert_mapping(inner: Any, value: object, where: str, limits: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(where, f"expected a mapping, got {_shown(value)}")
    result: dict[str, Any] = {}
    for key, item in value.items():
        # A bare number is a fair name for a class; `true`, a date or nothing at all is a slip.
        if not isinstance(key, (str, int)) or isinstance(key, bool):
            raise ConfigError(where, f"expected texts as keys, got {_shown(key)}", "put it in quotes")
        name = key if isinstance(key, str) else _shown(key)
        if name in result:
            raise ConfigError(where, f"the key {name!r} stands twice, as text and as number", "keep one of them")
        result[name] = _convert(inner, item, f"{where}.{name}", limits)
    return result


def _convert_enum(kind: type[Enum], value: object, where: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        members = ", ".join(repr(member.value) for member in kind)
        raise ConfigError(where, f"expected one of {members}, got {_shown(value)}") from None


_SCALAR_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _convert_scalar(kind: type, value: object, where: str, limits: Mapping[str, Any]) -> object:
    # bool is an int to Python; to a person `true` is no number. To JSON, 3.0 is a whole number.
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(where, f"expected {_SCALAR_WORDS.get(kind, kind.__name__)}, got {_shown(value)}")
    if kind is float:
        value = _finite(typing.cast(float, value), where)
    if kind in (int, float):
        _check_range(typing.cast(float, value), where, limits)
    return value


def _finite(value: float, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ConfigError(where, f"expected a finite number, got {_shown(value)}")
    return number


def _check_range(value: float, where: str, limits: Mapping[str, Any]) -> None:
    minimum, maximum = limits.get("minimum"), limits.get("maximum")
    low = -math.inf if minimum is None else minimum
    high = math.inf if maximum is None else maximum
    if not low <= value <= high:
        raise ConfigError(where, f"expected a number {_range_words(minimum, maximum)}, got {_shown(value)}")


def _range_words(minimum: float | None, maximum: float | None) -> str:
    if minimum is None or maximum is None:
        return f"of at least {minimum}" if maximum is None else f"of at most {maximum}"
    return f"from {minimum:g} to {maximum:g}"
