"""Reasons for a drop that are no fault."""

from trt_perception.errors import DropReason

EXPECTED = frozenset({DropReason.REPLACED, DropReason.NO_LISTENER, DropReason.DISABLED, DropReason.INACTIVE})
