"""What can be wrong with an image's stamp, or with the clock that it is compared with."""

from __future__ import annotations

from enum import Enum


class StampFault(str, Enum):
    """A fault that is counted and named while the frame is used. The values are the words of diagnostics."""

    ZERO_STAMP = "zero_stamp"
    """The driver set no stamp: no age, no order."""
    FUTURE_STAMP = "future_stamp"
    """Later than the node's clock: camera and host do not share a clock (PTP against host clock)."""
    OLD_STAMP = "old_stamp"
    """Too old to be an age: another clock, or a bag replayed without use_sim_time."""
    STAMP_JUMP = "stamp_jump"
    """The stamps ran ahead of the steady clock: the camera's clock was set."""
    TIME_RESET = "time_reset"
    """The stamps went back and stayed there: a bag looped, or the camera's clock was set back."""
    CLOCK_JUMP = "clock_jump"
    """The node's clock was set, or simulated time went back."""
    NO_CLOCK = "no_clock"
    """use_sim_time is set and nothing came on /clock yet."""

    @property
    def explanation(self) -> str:
        """One sentence for the log: what it means and what to do."""
        return _EXPLANATIONS[self]

    @property
    def breaks_ages(self) -> bool:
        """Whether ages before and after it cannot be compared."""
        return self in (StampFault.STAMP_JUMP, StampFault.TIME_RESET, StampFault.CLOCK_JUMP)


_EXPLANATIONS = {
    StampFault.ZERO_STAMP: "the image's stamp is zero; frames are processed, their age is unknown; "
    "let the driver set header.stamp",
    StampFault.FUTURE_STAMP: "the image's stamp is later than the node's clock; frames are processed, their age is "
    "unknown; synchronise camera and host (PTP or NTP)",
    StampFault.OLD_STAMP: "the image's stamp is more than a minute behind the node's clock; frames are processed, "
    "their age is unknown; synchronise the clocks, or set use_sim_time when replaying a bag",
    StampFault.STAMP_JUMP: "the image's stamps jumped ahead; the camera's clock was set",
    StampFault.TIME_RESET: "the image's stamps went back and stay there: a bag looped or the camera's clock was set "
    "back; going on from the new time",
    StampFault.CLOCK_JUMP: "the node's clock jumped; ages are measured anew from here",
    StampFault.NO_CLOCK: "use_sim_time is set and nothing came on /clock; play the bag with --clock",
}
