"""Damaged messages out of whole ones: the same seed gives the same damage."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Edit = Callable[[bytearray, Random, bytes], None]

_NUMBERS = (0, 1, 2, 3, 7, 255, 256, 65535, 65536, 10**6, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)
"""What a length, a count or a size is set to."""
_REALS = (float("inf"), float("-inf"), float("nan"), 1e300, -1e300, 5e-324, 0.0)
"""What a coordinate or an angle is set to."""
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 0.5, 1e308, float("nan"), float("inf"), -0.0),
    *("", "x", "a\0b", "\ud800", "re:(", "re:a{99999999999999999999}", "x" * 300, "../..", "yolov8"),
    *([], [[]], {}, {"": 0}, [1, 3, 64, 64], [0], ["a"] * 50),
)
"""What a value of a settings file is set to."""
_TOKENS = (
    *(b":", b"- ", b"&a ", b"*a", b"{", b"}", b"[", b"]"),
    *(b'"', b"\n", b"  ", b"#", b"<<: ", b"!!int ", b"~", b"\0"),
)
"""What means something to a parser of text."""


def mutate(data: bytes, random: Random, *, other: bytes) -> bytes:
    """One to four edits of bytes: flipped bits, lengths, insertions, deletions, repetitions, cuts, splices.

    Args:
        data: A whole message.
        random: Decides everything.
        other: Where a splice takes its bytes from.
    """
    damaged = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        if damaged:
            random.choice(_BYTE_EDITS)(damaged, random, other)
    return bytes(damaged)


def mutate_text(data: bytes, random: Random, *, other: bytes) -> bytes:
    """As `mutate`, with the punctuation of YAML and JSON put in half of the time."""
    damaged = bytearray(data)
    if random.random() < 0.5:
        at = random.randrange(len(damaged) + 1)
        damaged[at:at] = random.choice(_TOKENS) * random.choice((1, 1, 1, 2, 40))
        return bytes(damaged)
    return mutate(data, random, other=other)


def mutate_json(data: bytes, random: Random, *, other: bytes) -> bytes:
    """Half of the time as `mutate_text`; otherwise one or two values are replaced, removed, renamed or doubled."""
    if random.random() < 0.5:
        return mutate_text(data, random, other=other)
    plain = json.loads(data)
    for _ in range(random.choice((1, 1, 2))):
        _edit_value(plain, random)
    return json.dumps(plain).encode()


def mutate_png(data: bytes, random: Random, *, other: bytes) -> bytes:
    """As `mutate`, its checksums made right again most of the time, so that the damage reaches the decoder."""
    damaged = mutate(data, random, other=other)
    return repair_checksums(damaged) if random.random() < 0.8 else damaged


def repair_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums of their content, as far as chunks can be followed."""
    repaired = bytearray(data)
    position = 8
    while position + 12 <= len(repaired):
        (length,) = struct.unpack_from(">I", repaired, position)
        end = position + 8 + length
        if end + 4 > len(repaired):
            break
        struct.pack_into(">I", repaired, end, zlib.crc32(repaired[position + 4 : end]))
        position = end + 4
    return bytes(repaired)


def _flip_bit(data: bytearray, random: Random, other: bytes) -> None:
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_byte(data: bytearray, random: Random, other: bytes) -> None:
    data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xD0, 0xFF, random.randrange(256)))


def _set_number(data: bytearray, random: Random, other: bytes) -> None:
    """A field of 2 or 4 bytes, aligned as CDR aligns it or not, in either byte order."""
    size = random.choice((2, 4, 4))
    alignment = random.choice((1, size))
    at = random.randrange(len(data)) // alignment * alignment
    number = random.choice((*_NUMBERS, len(data), len(data) - at, random.getrandbits(32))) % 256**size
    data[at : at + size] = number.to_bytes(size, random.choice(("little", "little", "big")))


def _set_real(data: bytearray, random: Random, other: bytes) -> None:
    """A field of 4 or 8 bytes, as CDR aligns it behind its encapsulation of 4 bytes."""
    code, size = random.choice((("<d", 8), ("<f", 4)))
    at = (random.randrange(len(data)) - 4) // size * size + 4
    real = random.choice(_REALS[:3] if code == "<f" else _REALS)
    data[max(0, at) : at + size] = struct.pack(code, real)


def _insert(data: bytearray, random: Random, other: bytes) -> None:
    at = random.randrange(len(data) + 1)
    data[at:at] = random.randbytes(random.choice((1, 2, 4, 8, 64)))


def _delete(data: bytearray, random: Random, other: bytes) -> None:
    at = random.randrange(len(data))
    del data[at : at + random.choice((1, 2, 4, 8, 64))]


def _repeat(data: bytearray, random: Random, other: bytes) -> None:
    at = random.randrange(len(data))
    data[at:at] = data[at : at + random.choice((1, 4, 16, 64))] * random.choice((1, 2, 8))


def _cut(data: bytearray, random: Random, other: bytes) -> None:
    del data[random.randrange(len(data)) :]


def _splice(data: bytearray, random: Random, other: bytes) -> None:
    """The rest of another message, or a piece of it."""
    at, start = random.randrange(len(data)), random.randrange(len(other) + 1)
    if random.random() < 0.5:
        data[at:] = other[start:]
    else:
        piece = other[start : start + 32]
        data[at : at + len(piece)] = piece


_BYTE_EDITS: Sequence[Edit] = (
    *(_flip_bit, _set_byte, _set_byte, _set_number, _set_number, _set_number, _set_real),
    *(_insert, _delete, _repeat, _cut, _splice),
)


def _edit_value(plain: Any, random: Random) -> None:
    """Change a random member of a random list or mapping in it."""
    places: list[Any] = [plain]
    for place in places:
        members = place.values() if isinstance(place, dict) else place
        places.extend(member for member in members if isinstance(member, (dict, list)) and member)
    place = random.choice(places)
    if not place:
        return
    key: Any = random.choice(sorted(place)) if isinstance(place, dict) else random.randrange(len(place))
    what = random.randrange(5)
    if what == 0:
        del place[key]
    elif what == 1 and isinstance(place, dict):
        place[random.choice(("", "schema", key + "s", key[:-1], "\0"))] = place.pop(key)
    elif what == 2 and isinstance(place, list):
        place.append(copy.deepcopy(place[key]))
    else:
        place[key] = copy.deepcopy(random.choice(_VALUES))
