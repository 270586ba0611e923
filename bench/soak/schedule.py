"""The cameras of a soak, and which faults each of them has when."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from bench.soak.camera import CameraPlan
from bench.soak.fault import Fault
from bench.soak.message_faults import MESSAGE_FAULTS
from bench.soak.sender_faults import SENDER_FAULTS
from bench.soak.soak_options import CAMERAS, SoakOptions
from bench.soak.stamp_faults import STAMP_FAULTS

FAULTS = (*MESSAGE_FAULTS, *STAMP_FAULTS, *SENDER_FAULTS)
PLANS = tuple(
    CameraPlan(name=name, compressed=index % 2 == 1, reliable=index % 3 == 0) for index, name in enumerate(CAMERAS)
)


def schedule(plan: CameraPlan, options: SoakOptions) -> Iterator[Fault]:
    """Every fault that the camera can have, in a seeded order, again and again."""
    random = Random(f"{options.seed} {plan.name} faults")
    fitting = [fault for fault in FAULTS if fault.fits(plan) and (options.slow_faults or not fault.is_slow)]
    for _ in itertools.count():
        yield from random.sample(fitting, len(fitting))
