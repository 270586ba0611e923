"""Hands out the frames of a stretch of a bag with their partners, in the order that a single camera would have."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trt_perception.bag.bag_image import BagImage
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.bag.set_pairer import why_unpaired
from trt_perception.errors import BagError, DropReason, FrameError
from trt_perception.frame import EncodedFrame
from trt_perception.model.model_spec import ModelSpec
from trt_perception.preprocess.decode_image import decode_image
from trt_perception.preprocess.image_preprocessor import ImagePreprocessor
from trt_perception.validate.bag_plan import BagPlan
from trt_perception.validate.frame_record import FrameRecord, RecordPartner
from trt_perception.validate.pair_table import Fate, PairRows
from trt_perception.validate.run_header import RunPairing


@dataclass(frozen=True, kw_only=True, eq=False)
class SetMember:
    """What becomes of one image of a bag whose cameras are paired.

    Args:
        partners: Images of the model's other inputs; empty where the image is no first of a set.
        again: Whether an earlier set had it, for each partner.
        is_partner: Whether the image is accounted for with the first of its set.
        skipped: Why it is in no set; None where it is.
        problem: The same in a sentence.
    """

    partners: tuple[BagImage, ...] = ()
    again: tuple[bool, ...] = ()
    is_partner: bool = False
    skipped: DropReason | None = None
    problem: str = ""


Paired = tuple[BagMessage, str, SetMember | None]
"""A message, the condition under which it was taken, and, of an image, what becomes of it."""


class SetReader:
    """One stretch of a bag.

    Args:
        plan: The bag.
        pairing: The sets.
        rows: What the table of the bag says of the stretch.
        start_ns: First log time of the stretch.
        stop_ns: First log time behind it.
    """

    def __init__(self, plan: BagPlan, pairing: RunPairing, rows: PairRows, *, start_ns: int, stop_ns: int) -> None:
        self._plan, self._rows, self._options = plan, rows, pairing.options()
        self._start_ns, self._stop_ns = start_ns, stop_ns
        self._cameras = {topic: camera for camera, topic in plan.cameras.items()}
        self._sets = pairing.sets
        self._numbers = {camera: number for number, camera in enumerate(sorted(plan.cameras))}
        own = range(rows.row_at(start_ns), rows.row_at(stop_ns))
        self._uses = Counter(partner for row in own for partner in rows.partners(row))
        self._images: dict[int, BagImage] = {}

    def span(self, slack_ns: int) -> tuple[int, int]:
        """First log time to read and first to leave out, so that every partner is among what is read.

        Args:
            slack_ns: How much earlier and later than the stretch is read in any case.
        """
        start_ns, stop_ns = self._start_ns - slack_ns, self._stop_ns + slack_ns
        if not self._uses:
            return start_ns, stop_ns
        first, last = (self._rows.log_time_ns(row) for row in (min(self._uses), max(self._uses)))
        return min(start_ns, first), max(stop_ns, last + 1)

    def ordered(self, messages: Iterable[tuple[BagMessage, str]], start_ns: int) -> Iterator[Paired]:
        """The messages in their order; an image waits until its partners have been read, and the rest behind it.

        Args:
            messages: Images and other messages in order of log time, each with its condition.
            start_ns: Log time from which on they are read.

        Raises:
            BagError: The bag changed since its table was made.
        """
        waiting: deque[tuple[BagMessage, str, int | None]] = deque()
        row = self._rows.row_at(start_ns)
        for message, condition in messages:
            camera = self._cameras.get(message.topic)
            if camera is None:
                waiting.append((message, condition, None))
            else:
                image = BagImage(camera=camera, message=message)
                if not self._rows.is_of(row, self._numbers[camera], image):
                    raise self._changed()
                if row in self._uses:
                    self._images[row] = image
                if self._start_ns <= message.log_time_ns < self._stop_ns:
                    waiting.append((message, condition, row))
                row += 1
            while waiting and self._is_ready(waiting[0][2]):
                yield self._handed_out(*waiting.popleft())
        if waiting:
            raise self._changed()

    def _is_ready(self, row: int | None) -> bool:
        return row is None or all(partner in self._images for partner in self._rows.partners(row))

    def _handed_out(self, message: BagMessage, condition: str, row: int | None) -> Paired:
        return message, condition, None if row is None else self._member(self._cameras[message.topic], row)

    def _member(self, camera: str, row: int) -> SetMember:
        fate = self._rows.fate(row)
        if fate is Fate.FIRST:
            partners = self._rows.partners(row)
            images = tuple(self._images[partner] for partner in partners)
            for partner in partners:
                self._uses[partner] -= 1
                if not self._uses[partner]:
                    del self._images[partner]
            return SetMember(partners=images, again=self._rows.again(row))
        if fate is Fate.PARTNER:
            return SetMember(is_partner=True)
        if fate is Fate.DUPLICATE:
            return SetMember(skipped=DropReason.DUPLICATE, problem="this stamp was there before")
        if fate is Fate.UNUSABLE:
            return SetMember()  # the reason shows when the frame is asked for
        missing, nearest_ns = self._rows.missing(row)
        problem = why_unpaired(self._sets, camera, missing, nearest_ns, self._options)
        return SetMember(skipped=DropReason.UNPAIRED, problem=problem)

    def _changed(self) -> BagError:
        return BagError(
            self._plan.path, "it is not what it was when its frames were paired", "run again with --overwrite"
        )


def record_partners(member: SetMember) -> tuple[RecordPartner, ...]:
    """How the record of a frame names its partners."""
    return tuple(
        RecordPartner(
            camera=image.camera,
            stamp_ns=image.stamp_ns or 0,
            log_time_ns=image.message.log_time_ns,
            again=again,
        )
        for image, again in zip(member.partners, member.again, strict=True)
    )


def skipped_set(
    record: FrameRecord, image: BagImage, member: SetMember, error: FrameError, spec: ModelSpec
) -> list[FrameRecord]:
    """The records of a set that the model could not be run on.

    A frame that cannot be used, looked at alone, has its own reason, and the others are without a partner; where each
    can be used alone, all have the reason of the set. A partner that an earlier set had is not accounted for again.

    Args:
        record: Of the first.
        image: The first.
        member: Its partners.
        error: Why the set could not be run.
        spec: The model.
    """
    images = (image, *member.partners)
    faults = _at_fault(images, spec)
    told = "; ".join(f"{images[number].camera} cannot be used: {fault}" for number, fault in faults.items())
    others = FrameError(DropReason.UNPAIRED, told) if faults else error
    records = []
    for number, (one, again) in enumerate(zip(images, (False, *member.again), strict=True)):
        own = record if not number else FrameRecord(
            bag=record.bag,
            camera=one.camera,
            stamp_ns=one.stamp_ns,
            log_time_ns=one.message.log_time_ns,
            condition=record.condition,
        )  # fmt: skip
        if not again:
            records.append(own.without_result(faults.get(number, others)))
    return records


def _at_fault(images: Sequence[BagImage], spec: ModelSpec) -> dict[int, FrameError]:
    """Which images of a set cannot be used, each looked at alone, and why; by the number of the input."""
    found = {}
    for number, (image, source) in enumerate(zip(images, spec.inputs, strict=True)):
        try:
            frame = image.frame()
            ImagePreprocessor(source)(decode_image(frame) if isinstance(frame, EncodedFrame) else frame)
        except FrameError as error:
            found[number] = error
    return found
