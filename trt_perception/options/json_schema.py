"""The JSON schema of an options dataclass, for editors and for the docs."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any


def json_schema(kind: type) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a dataclass. Unknown keys are refused.

    Fields made with `option` have their description and range in it.
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind.__name__, **_object(kind)}


def _object(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    properties = {}
    required = []
    for field in dataclasses.fields(kind):
        schema = _of(hints[field.name], field.metadata)
        if "description" in field.metadata:
            schema["description"] = field.metadata["description"]
        if field.default is not dataclasses.MISSING:
            schema["default"] = to_plain(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            schema["default"] = to_plain(field.default_factory())
        else:
            required.append(field.name)
        properties[field.name] = schema
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _of(hint: Any, limits: Mapping[str, Any]) -> dict[str, Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if part is type(None) else _of(part, limits) for part in inner]}
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return {"type": "array", "items": _of(inner[0], limits)}
        items = [_of(part, limits) for part in inner]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin is not None:
        return {"type": "object", "additionalProperties": _of(inner[1], limits)}
    if dataclasses.is_dataclass(hint):
        return _object(typing.cast(type, hint))
    if issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    schema: dict[str, Any] = {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]}
    if hint in (int, float):
        schema.update({key: limits[key] for key in ("minimum", "maximum") if limits.get(key) is not None})
    return schema


def to_plain(value: Any) -> Any:
    """An options value as YAML and JSON know it: enums as their text, tuples as lists, dataclasses as mappings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return value
