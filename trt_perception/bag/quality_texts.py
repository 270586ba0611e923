"""Qualities of service in bags: rosbags has them as YAML, which is parsed once for each text and not for each topic."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from trt_perception.bag.libraries import load_rosbags

_TEXTS = 64
"""Different ones that are kept; a recorder writes a few."""
_LONGEST = 4096
"""Characters of a text that is kept."""


@cache
def keep_quality_texts() -> None:
    """Makes rosbags keep the qualities that it parsed and dumped last. Once for a process is enough.

    All topics of a bag have the same few, and YAML takes a millisecond or two for each, at every opening.

    Raises:
        MissingError: rosbags is not installed.
    """
    own = vars(load_rosbags("rosbags.rosbag2.metadata"))
    makers = {"parse_qos": _kept_parse, "dump_qos_v8": _kept_dump}
    # A release that calls them otherwise is slower, no more.
    kept = {function: make(own[function]) for function, make in makers.items() if function in own}
    for name in ("reader", "storage_mcap", "storage_sqlite3", "writer"):
        module = vars(load_rosbags(f"rosbags.rosbag2.{name}"))
        module.update({function: kept[function] for function in kept.keys() & module.keys()})


def _kept_parse(parse: Callable[..., Any]) -> Callable[..., Any]:
    kept = lru_cache(_TEXTS)(lambda text: tuple(parse(text)))

    def parsed(content: Any) -> Any:
        """The profiles of a text, or of what newer metadata have in place of one."""
        return list(kept(content)) if isinstance(content, str) and len(content) <= _LONGEST else parse(content)

    return parsed


def _kept_dump(dump: Callable[..., Any]) -> Callable[..., Any]:
    kept = lru_cache(_TEXTS)(lambda profiles: dump(list(profiles)))
    return lambda profiles: kept(tuple(profiles))
