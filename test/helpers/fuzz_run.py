"""Gives a reader damaged messages, and says which one it does not stand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from helpers.mutations import mutate


class Mutation(Protocol):
    """Makes a damaged message of a whole one."""

    def __call__(self, data: bytes, random: Random, *, other: bytes) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class FuzzTarget:
    """One reader and what it is given.

    Args:
        name: For ids and failures.
        read: Reads one message.
        valid: Makes whole messages, which the reader takes.
        refusal: The only exception that it may raise.
        bound_bytes: Most memory that a message of so many bytes may take while it is read.
        count: Damaged messages in one run.
        mutation: How messages are damaged.
        refuses: Whether anything is refused at all; otherwise what cannot be read is passed over.
    """

    name: str
    read: Callable[[bytes], object]
    valid: Callable[[], tuple[bytes, ...]]
    refusal: type[Exception]
    bound_bytes: Callable[[int], int]
    count: int
    mutation: Mutation = mutate
    refuses: bool = True


@dataclass(frozen=True, kw_only=True)
class FuzzOutcome:
    """What became of the messages.

    Args:
        taken: Messages that were read.
        refused: Messages that were refused as they should be.
        peak_bytes: Most memory that one of them took.
    """

    taken: int
    refused: int
    peak_bytes: int


def damaged_message(target: FuzzTarget, seed: int) -> bytes:
    """The message of a seed."""
    random = Random(seed)
    whole = target.valid()
    return target.mutation(random.choice(whole), random, other=random.choice(whole))


def fuzz(target: FuzzTarget, seeds: Iterable[int]) -> FuzzOutcome:
    """Read the messages of these seeds.

    Raises:
        AssertionError: A whole message is refused; or with a damaged one, the reader raises anything but the target's
            refusal or takes more memory than its bound. The text holds seed and message.
    """
    for message in target.valid():  # and whatever is imported or compiled at the first call
        target.read(message)
    taken = refused = largest = 0
    tracemalloc.start()
    try:
        for seed in seeds:
            message = damaged_message(target, seed)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                target.read(message)
                taken += 1
            except target.refusal:
                refused += 1
            except Exception as error:
                raise AssertionError(
                    f"{type(error).__name__}: {error}; {_reproduction(target, seed, message)}"
                ) from error
            peak = tracemalloc.get_traced_memory()[1] - before
            largest = max(largest, peak)
            if peak > target.bound_bytes(len(message)):
                raise AssertionError(f"{peak} bytes allocated; {_reproduction(target, seed, message)}")
    finally:
        tracemalloc.stop()
    return FuzzOutcome(taken=taken, refused=refused, peak_bytes=largest)


def _reproduction(target: FuzzTarget, seed: int, message: bytes) -> str:
    return (
        f"{target.name}, seed {seed}, {len(message)} bytes; read it again with "
        f"bytes.fromhex('{message.hex()}'), or as damaged_message(target, {seed})"
    )
