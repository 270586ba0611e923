"""The live node's recorded results against an offline run of the same bag, frame by frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import DETECTION_ARRAY_TYPE, IMAGE_TYPE
from trt_perception.cdr.header_bytes import read_stamp_ns
from trt_perception.errors import BagError, DropReason, FrameError, InputError
from trt_perception.segmentation_mask import UNLABELLED
from trt_perception.validate.answer_difference import AnswerDifference, Difference
from trt_perception.validate.head_answer import read_boxes, read_mask
from trt_perception.validate.live_comparison import CameraAccount, LiveComparison, LiveProblem, ProblemKind
from trt_perception.validate.live_drops import LiveDrops
from trt_perception.validate.live_frames import LiveFrames
from trt_perception.validate.live_tolerance import LiveTolerance
from trt_perception.validate.live_topic import LiveTopic, live_topics
from trt_perception.validate.run_folder import DETECTIONS, RunFolder
from trt_perception.validate.run_header import RunHeader

Stamps = dict[str, Counter[int]]
"""How often each stamp is there, by topic."""


def compare_live(
    recording: Path,
    offline: Path,
    *,
    topics: Sequence[LiveTopic] | None = None,
    drops: LiveDrops | None = None,
    played: Mapping[str, Collection[int]] | None = None,
    cameras: Collection[str] = (),
    tolerance: LiveTolerance | None = None,
) -> LiveComparison:
    """Compare every frame of an offline run with what the live node made of it.

    Memory holds the stamps, and of the results those that wait for their partner.

    Args:
        recording: A bag with the live node's results.
        offline: Folder of a finished run of `validate` on the bag that was played.
        topics: Where the results are. Default: as `live_topics` names them.
        drops: What the live node dropped. Default: nothing is known.
        played: Stamps that were sent by image topic. Default: nothing is known.
        cameras: The run's cameras to compare. Default: all.
        tolerance: What counts as the same. Default: LiveTolerance().

    Raises:
        InputError: The run is of several bags, has no such camera, or a topic of the recording holds something else.
        BagError: A bag is not there or damaged.
        MissingError: The bag library is not installed.
    """
    run = RunFolder(offline)
    header = run.header()
    if len(header.bags) != 1:
        raise InputError(
            f"{offline}: expected a run of one bag, the one that was played, got {len(header.bags)}; run "
            "`trt-perception validate` on it alone"
        )
    chosen = _chosen(header, cameras, offline)
    wanted = [topic for topic in topics or live_topics(header) if topic.camera in chosen]
    live = BagReader(recording)
    _check_types(live, wanted)
    comparison = _Comparison(header, wanted, chosen, tolerance=tolerance or LiveTolerance())
    comparison.read(live)
    comparison.judge(run, drops or LiveDrops(), played)
    comparison.compare(live, BagReader(offline / DETECTIONS))
    return comparison.result()


class _Comparison:
    """One comparison in the making."""

    def __init__(
        self, header: RunHeader, topics: Sequence[LiveTopic], cameras: Sequence[str], *, tolerance: LiveTolerance
    ) -> None:
        self._header, self._topics, self._cameras = header, list(topics), cameras
        self._difference = AnswerDifference(tolerance, score=header.thresholds.score)
        self._problems: list[LiveProblem] = []
        self._warnings: list[str] = []
        self._stamps: Stamps = {}
        self._frames: dict[str, LiveFrames] = {}
        self._differing: dict[str, set[int]] = {camera: set() for camera in cameras}
        self._live_names = {topic.camera: topic.live_camera for topic in topics}

    def read(self, live: BagReader) -> None:
        """Find out which frames were answered, and what is not recorded at all."""
        recorded = [topic for topic in self._topics if topic.live in live.topics]
        heads = {topic.head for topic in recorded}
        for camera in self._cameras:
            if not any(topic.camera == camera for topic in self._topics):
                text = "the live node has no such camera; name with --camera those that are to be compared"
                self._problems.append(LiveProblem(kind=ProblemKind.NO_TOPIC, camera=camera, text=text))
        for topic in self._topics:
            if topic.live in live.topics:
                continue
            if topic.head in heads or not recorded or not any(t.camera == topic.camera for t in recorded):
                self._add(ProblemKind.NO_TOPIC, topic, None, f"the recording has no topic {topic.live}")
            else:
                text = f"head {topic.head} was not recorded ({topic.live}) and is not compared"
                self._warnings.append(f"camera {topic.camera}: {text}")
        self._topics = recorded
        by_name = {topic.live: topic for topic in recorded}
        self._stamps = {name: Counter() for name in by_name}
        for message in live.messages(by_name):
            try:
                self._stamps[message.topic][read_stamp_ns(message.data)] += 1
            except FrameError as error:
                self._add(ProblemKind.DAMAGED, by_name[message.topic], None, f"a message on {message.topic}: {error}")
        for name, stamps in self._stamps.items():
            for stamp_ns, count in stamps.items():
                if count > 1:
                    self._add(ProblemKind.TWICE, by_name[name], stamp_ns, f"{count} answers to one frame on {name}")

    def judge(self, run: RunFolder, drops: LiveDrops, played: Mapping[str, Collection[int]] | None) -> None:
        """Give every frame its fate."""
        (bag,) = self._header.bags
        reasons: dict[str, dict[int, DropReason]] = {}
        for (camera, stamp_ns), reason in drops.reasons.items():
            reasons.setdefault(camera, {})[stamp_ns] = reason
        for camera in self._cameras:
            own = [topic for topic in self._topics if topic.camera == camera]
            self._frames[camera] = LiveFrames(
                camera,
                answered=_answered(own, self._stamps),
                drops=reasons.get(self._live_names.get(camera, camera), {}),
                played=None if played is None else played.get(bag.cameras[camera].topic, ()),
                heads=[topic.head for topic in own],
            )
        for record in run.frames():
            if record.camera in self._frames:
                self._frames[record.camera].add(record)
        for frames in self._frames.values():
            self._problems += frames.judge()
        self._warnings += self._doubts(drops)
        if not any(frames.compared for frames in self._frames.values()):
            text = "no frame was answered on both sides; is the recording of this bag, and of the node's results?"
            self._problems.append(LiveProblem(kind=ProblemKind.NOTHING_COMPARED, text=text))

    def compare(self, live: BagReader, offline: BagReader) -> None:
        """Compare the answers of every frame that has two."""
        by_live = {topic.live: topic for topic in self._topics}
        by_offline = {topic.offline: topic for topic in self._topics}
        if missing := sorted(by_offline.keys() - offline.topics.keys()):
            raise BagError(offline.path, f"no topic {', '.join(missing)}", "run `trt-perception validate` again")
        pairs = _paired(
            self._common(live.messages(by_live), by_live), self._common(offline.messages(by_offline), by_offline)
        )
        for topic, stamp_ns, ours, theirs in pairs:
            for kind, text in self._differences(topic, ours, theirs):
                self._differing[topic.camera].add(stamp_ns)
                self._add(kind, topic, stamp_ns, text)

    def result(self) -> LiveComparison:
        """All of it, in order of camera and stamp."""
        accounts: list[CameraAccount] = []
        for camera, frames in self._frames.items():
            accounts.append(frames.account(differing=len(self._differing[camera])))
        order = {camera: number for number, camera in enumerate(self._cameras)}
        return LiveComparison(
            tolerance=self._difference.tolerance,
            cameras=tuple(accounts),
            largest=self._difference.largest,
            dropped=tuple(frame for frames in self._frames.values() for frame in frames.dropped),
            problems=tuple(sorted(self._problems, key=lambda p: (order.get(p.camera, -1), p.stamp_ns or 0, p.head))),
            warnings=tuple(self._warnings),
        )

    def _common(
        self, messages: Iterable[BagMessage], topics: Mapping[str, LiveTopic]
    ) -> Iterator[tuple[LiveTopic, int, BagMessage]]:
        """Of the messages those of frames that are compared, each once."""
        seen: dict[str, set[int]] = {name: set() for name in topics}
        for message in messages:
            topic = topics[message.topic]
            try:
                stamp_ns = read_stamp_ns(message.data)
            except FrameError:
                continue  # named when it was read first
            is_answered = stamp_ns in self._stamps[topic.live] and stamp_ns in self._frames[topic.camera].compared
            if is_answered and stamp_ns not in seen[message.topic]:
                seen[message.topic].add(stamp_ns)
                yield topic, stamp_ns, message

    def _differences(self, topic: LiveTopic, live: BagMessage, offline: BagMessage) -> Iterator[Difference]:
        try:
            if topic.is_detection:
                expected = read_boxes(offline.data).renamed(topic.published)
                yield from self._difference.of_boxes(read_boxes(live.data), expected)
            else:
                mask = read_mask(offline.data)
                mask = mask.hidden(topic.hidden, UNLABELLED) if topic.hidden else mask
                yield from self._difference.of_masks(read_mask(live.data), mask)
        except FrameError as error:
            yield ProblemKind.DAMAGED, f"{topic.live}: {error}"

    def _doubts(self, drops: LiveDrops) -> Iterator[str]:
        """What the drop log leaves open."""
        if any(problem.kind is ProblemKind.UNEXPLAINED for problem in self._problems):
            yield (
                "frames that come too fast are replaced in the middleware, too, before the node can log them: where "
                "frames have no explanation, play slower, and give the node's drop log"
            )
        if drops.lost:
            yield f"the drop log lost {drops.lost} entries: as many frames may be without an explanation"
        if drops.unstamped:
            yield f"the drop log has {drops.unstamped} frames without a stamp, which explain none of the run's"
        for camera, frames in self._frames.items():
            if frames.contradictions:
                yield (
                    f"camera {camera}: {frames.contradictions} frames of the drop log were answered; is it of this "
                    "replay alone?"
                )

    def _add(self, kind: ProblemKind, topic: LiveTopic, stamp_ns: int | None, text: str) -> None:
        self._problems.append(
            LiveProblem(kind=kind, camera=topic.camera, head=topic.head, stamp_ns=stamp_ns, text=text)
        )


def _chosen(header: RunHeader, cameras: Collection[str], offline: Path) -> list[str]:
    known = sorted(header.bags[0].cameras.keys() - header.partners)
    if unknown := sorted(set(cameras) - set(known)):
        raise InputError(f"{offline}: no camera {', '.join(unknown)}; the run has {', '.join(known)}")
    return [camera for camera in known if not cameras or camera in cameras]


def _check_types(live: BagReader, topics: Iterable[LiveTopic]) -> None:
    for topic in topics:
        found = live.topics.get(topic.live)
        wanted = DETECTION_ARRAY_TYPE if topic.is_detection else IMAGE_TYPE
        if found is not None and found.type_name != wanted:
            raise BagError(live.path, f"{topic.live}: expected {wanted}, got {found.type_name}")


def _answered(topics: Iterable[LiveTopic], stamps: Stamps) -> dict[int, set[str]]:
    answered: dict[int, set[str]] = {}
    for topic in topics:
        for stamp_ns in stamps[topic.live]:
            answered.setdefault(stamp_ns, set()).add(topic.head)
    return answered


def _paired(
    live: Iterator[tuple[LiveTopic, int, BagMessage]], offline: Iterator[tuple[LiveTopic, int, BagMessage]]
) -> Iterator[tuple[LiveTopic, int, BagMessage, BagMessage]]:
    """Pairs by topic and stamp. What is read next is of the side that is behind, so that little has to wait."""
    sides = (live, offline)
    waiting: tuple[dict[tuple[str, int], BagMessage], dict[tuple[str, int], BagMessage]] = ({}, {})
    last: list[float] = [0.0, 0.0]
    while min(last) != float("inf"):
        side = int(last[1] < last[0])
        found = next(sides[side], None)
        if found is None:
            last[side] = float("inf")
            continue
        topic, stamp_ns, message = found
        last[side] = stamp_ns
        partner = waiting[1 - side].pop((topic.live, stamp_ns), None)
        if partner is None:
            waiting[side][topic.live, stamp_ns] = message
        else:
            yield topic, stamp_ns, *((partner, message) if side else (message, partner))
