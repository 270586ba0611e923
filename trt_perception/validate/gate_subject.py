"""Holds a figure against a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from trt_perception.validate.gate_options import MissingPolicy
from trt_perception.validate.gate_outcome import GateOutcome, GateStatus


@dataclass(frozen=True, kw_only=True)
class GateSubject:
    """What gates look at.

    Args:
        section: Section of the YAML.
        name: Head, class or camera; empty: the whole run.
        missing: What becomes of a gate without a figure.
    """

    section: str
    name: str = ""
    missing: MissingPolicy = MissingPolicy.NOT_APPLICABLE

    def of(self, name: str) -> GateSubject:
        """The same section and policy for another subject."""
        return replace(self, name=name)

    def at_least(self, gate: str, limit: float | None, value: float | None, *, why: str) -> Iterator[GateOutcome]:
        """A figure that must not be below its limit; nothing where there is no limit, `why` where no figure."""
        yield from self._plain(gate, limit, value, why, "at least", holds=lambda found, bound: found >= bound)

    def at_most(self, gate: str, limit: float | None, value: float | None, *, why: str) -> Iterator[GateOutcome]:
        """A figure that must not be above its limit."""
        yield from self._plain(gate, limit, value, why, "at most", holds=lambda found, bound: found <= bound)

    def change(
        self,
        gate: str,
        limit: float | None,
        value: float | None,
        interval: tuple[float, float] | None,
        *,
        is_noise: bool,
        is_beyond: bool,
        words: str = "at most",
        unit: str,
        why: str,
    ) -> Iterator[GateOutcome]:
        """A change against the baseline, which fails where it is beyond the limit and no noise."""
        if limit is None:
            return
        if value is None:
            yield self._without_value(gate, limit, why)
            return
        low, high = interval or (None, None)
        found = f"{value:.4g}{unit}"
        if low is not None:
            found += f" ({low:.4g} to {high:.4g})"
        bound = f"{limit:g}{unit}"
        if is_beyond and is_noise:
            reason = f"{found}, beyond the limit of {bound}, but that may be noise: more frames would tell"
        elif is_beyond:
            reason = f"expected {words} {bound}, got {found}"
        else:
            reason = f"{found}, limit {bound}"
        status = GateStatus.FAILED if is_beyond and not is_noise else GateStatus.HELD
        yield self._outcome(gate, status, limit, value, reason, low, high)

    def not_applicable(self, gate: str, limit: float, why: str) -> GateOutcome:
        """A gate that says neither yes nor no."""
        return self._outcome(gate, GateStatus.NOT_APPLICABLE, limit, None, why)

    def _plain(
        self,
        gate: str,
        limit: float | None,
        value: float | None,
        why: str,
        words: str,
        *,
        holds: Callable[[float, float], bool],
    ) -> Iterator[GateOutcome]:
        if limit is None:
            return
        if value is None:
            yield self._without_value(gate, limit, why)
        elif holds(value, limit):
            yield self._outcome(gate, GateStatus.HELD, limit, value, f"{value:.4g}, limit {limit:g}")
        else:
            reason = f"expected {words} {limit:g}, got {value:.4g}"
            yield self._outcome(gate, GateStatus.FAILED, limit, value, reason)

    def _without_value(self, gate: str, limit: float, why: str) -> GateOutcome:
        if self.missing is MissingPolicy.FAIL:
            return self._outcome(gate, GateStatus.FAILED, limit, None, f"no figure: {why}")
        return self.not_applicable(gate, limit, why)

    def _outcome(
        self,
        gate: str,
        status: GateStatus,
        limit: float,
        value: float | None,
        reason: str,
        low: float | None = None,
        high: float | None = None,
    ) -> GateOutcome:
        return GateOutcome(
            gate=f"{self.section}.{gate}",
            subject=self.name,
            status=status,
            limit=limit,
            value=value,
            low=low,
            high=high,
            reason=reason,
        )
