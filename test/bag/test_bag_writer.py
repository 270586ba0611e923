"""Bags are whole or not there, the same every time, and open with rosbags and mcap."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_bag import LATENCY_NS, START_NS, tiny_messages, write_messages, write_tiny_bag
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability

from trt_perception import BagError, ConfigError, Detections
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.cdr import (
    DETECTION_ARRAY_TYPE,
    IMAGE_TYPE,
    LABEL_INFO_TYPE,
    DetectionArrayEncoder,
    LabelInfoMessage,
    encode_clock,
    encode_label_info,
)

FORMS = [
    pytest.param(BagWriterOptions(storage=storage, compression=compression), id=f"{storage}-{compression}")
    for storage, compression in (
        ("mcap", "none"),
        ("mcap", "chunk"),
        ("mcap", "message"),
        ("mcap", "file"),
        ("sqlite3", "none"),
        ("sqlite3", "message"),
        ("sqlite3", "file"),
    )
]


def digest(folder: Path) -> str:
    together = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            together.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return together.hexdigest()


@pytest.mark.parametrize("options", FORMS)
def test_rosbags_reads_every_form(tmp_path: Path, options: BagWriterOptions) -> None:
    sent = list(tiny_messages())
    path = write_messages(tmp_path / "drive", iter(sent), options)
    with AnyReader([path]) as reader:
        read = [(c.topic, c.msgtype, time_ns, bytes(data)) for c, time_ns, data in reader.messages()]
        images = [
            reader.deserialize(data, c.msgtype) for c, _, data in reader.messages() if c.topic == "/front/image_raw"
        ]
    assert sorted(read[1:]) == sorted((m.topic, m.type_name, m.log_time_ns, bytes(m.data)) for m in sent)
    assert [image.header.stamp.nanosec for image in images] == [0, 100_000_000, 200_000_000, 300_000_000]
    assert [image.data[0] for image in images] == [0, 1, 2, 3]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_definitions_in_the_bag_suffice_to_decode_vision_msgs(tmp_path: Path, storage: str) -> None:
    boxes = Detections(
        boxes=np.array([[10, 20, 30, 60]], np.float32), scores=np.ones(1, np.float32), class_ids=np.zeros(1, np.int32)
    )
    labels = LabelInfoMessage(stamp_ns=1, frame_id="f", class_map={0: "road"}, threshold=0.5)
    with BagWriter(tmp_path / "drive", options=BagWriterOptions(storage=storage)) as writer:
        writer.add_topic("/front/detections", DETECTION_ARRAY_TYPE)
        writer.add_topic("/front/label_info", LABEL_INFO_TYPE, latched=True)
        detections = DetectionArrayEncoder(["car"]).encode(boxes, stamp_ns=5, frame_id="f")
        writer.write("/front/detections", detections, log_time_ns=1)
        writer.write("/front/label_info", encode_label_info(labels), log_time_ns=2)
    with AnyReader([tmp_path / "drive"]) as reader:
        array, info = (reader.deserialize(data, c.msgtype) for c, _, data in reader.messages())
    assert array.detections[0].results[0].hypothesis.class_id == "car"
    assert (array.detections[0].bbox.center.position.y, array.detections[0].bbox.size_y) == (40.0, 40.0)
    assert [entry.class_name for entry in info.class_map] == ["road"]


@pytest.mark.parametrize("compression", ["none", "chunk"])
def test_the_mcap_package_reads_it(tmp_path: Path, compression: str) -> None:
    path = write_tiny_bag(tmp_path / "drive", BagWriterOptions(compression=compression))
    with (path / "drive.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "ros2"
        messages = list(reader.iter_messages(topics=["/left/image_raw"]))
        summary = reader.get_summary()
    schema, channel, message = messages[0]
    assert (len(messages), channel.message_encoding, schema.name, schema.encoding) == (4, "cdr", IMAGE_TYPE, "ros2msg")
    assert b"std_msgs/Header header" in schema.data
    assert message.log_time == START_NS + 1_000_000 + LATENCY_NS
    assert summary.statistics.message_count == 9


def test_latched_topics_are_transient_local(tmp_path: Path) -> None:
    with AnyReader([write_tiny_bag(tmp_path / "drive")]) as reader:
        durability = {c.topic: c.ext.offered_qos_profiles[0].durability for c in reader.connections}
    assert durability["/tf_static"] is QosDurability.TRANSIENT_LOCAL
    assert durability["/front/image_raw"] is QosDurability.VOLATILE


@pytest.mark.parametrize("options", FORMS)
def test_the_same_messages_give_the_same_bytes(tmp_path: Path, options: BagWriterOptions) -> None:
    first = write_tiny_bag(tmp_path / "a" / "drive", options)
    second = write_tiny_bag(tmp_path / "b" / "drive", options)
    other = write_tiny_bag(tmp_path / "c" / "drive", options, count=3)
    assert digest(first) == digest(second) != digest(other)


def test_a_bag_stands_under_its_name_only_when_closed(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / "drive")
    writer.add_topic("/clock", "rosgraph_msgs/msg/Clock")
    writer.write("/clock", encode_clock(1), log_time_ns=1)
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == ["drive.partial"]
    writer.close()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["drive"]
    with pytest.raises(BagError, match="closed"):
        writer.write("/clock", encode_clock(1), log_time_ns=1)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_exception_leaves_nothing(tmp_path: Path, storage: str, error: type[BaseException]) -> None:
    def fail_after_some(messages: object) -> object:
        yield from messages
        raise error

    def write() -> None:
        with BagWriter(tmp_path / "drive", options=BagWriterOptions(storage=storage)) as writer:
            writer.add_topic("/front/image_raw", IMAGE_TYPE)
            for message in fail_after_some(tiny_messages(["front"])):
                writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)

    with pytest.raises(error):
        write()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_bag_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive")
    before = digest(path)
    with pytest.raises(BagError, match="exists already"):
        write_tiny_bag(path, count=2)
    assert digest(path) == before


def test_an_existing_bag_is_replaced_when_asked_and_only_when_complete(tmp_path: Path) -> None:
    path = write_tiny_bag(tmp_path / "drive")
    options = BagWriterOptions(overwrite=True)
    writer = BagWriter(path, options=options)
    writer.discard()
    assert BagReader(path).message_count == 9
    write_tiny_bag(path, options, count=2)
    assert BagReader(path).message_count == 5
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_bag_is_never_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "drive" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years")
    with pytest.raises(BagError, match="something else"):
        BagWriter(precious.parent, options=BagWriterOptions(overwrite=True))
    with pytest.raises(BagError, match="something else"):
        BagWriter(precious, options=BagWriterOptions(overwrite=True))
    assert precious.read_text() == "years"


def test_a_place_taken_meanwhile_is_respected(tmp_path: Path) -> None:
    writer = BagWriter(tmp_path / "drive")
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "other.txt").write_text("mine")
    with pytest.raises(BagError):
        writer.close()
    assert [path.name for path in tmp_path.rglob("*")] == ["drive", "other.txt"]


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BagError, match="cannot be made"):
        BagWriter(tmp_path / "file" / "drive")


def test_sqlite_refuses_a_path_that_it_would_misread(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="#"):
        BagWriter(tmp_path / "drive#1", options=BagWriterOptions(storage="sqlite3"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("misuse", "named"),
    [
        pytest.param(lambda w: w.add_topic("/a", "my_msgs/msg/Unknown"), "my_msgs/msg/Unknown", id="unknown_type"),
        pytest.param(lambda w: w.add_topic("/clock", "rosgraph_msgs/msg/Clock"), "there already", id="topic_twice"),
        pytest.param(lambda w: w.write("/other", b"", log_time_ns=0), "no topic /other", id="unknown_topic"),
        pytest.param(lambda w: w.write("/clock", b"", log_time_ns=-1), "-1 ns", id="negative_time"),
        pytest.param(lambda w: w.write("/clock", b"", log_time_ns=2**63), "expected 0 to", id="time_too_large"),
    ],
)
def test_misuse_is_named_and_the_bag_goes_on(tmp_path: Path, misuse: object, named: str) -> None:
    with BagWriter(tmp_path / "drive") as writer:
        writer.add_topic("/clock", "rosgraph_msgs/msg/Clock")
        with pytest.raises(BagError, match=named):
            misuse(writer)
        writer.write("/clock", encode_clock(7), log_time_ns=7)
    assert BagReader(tmp_path / "drive").message_count == 1


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"storage": "rosbag1"}, id="storage"),
        pytest.param({"compression": "lz4"}, id="compression"),
        pytest.param({"storage": "sqlite3", "compression": "chunk"}, id="chunks_in_sqlite3"),
    ],
)
def test_options_name_what_is_allowed(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="BagWriterOptions"):
        BagWriterOptions(**values)


SCRIPT = """
import resource, signal, sys, time
from pathlib import Path
from helpers.tiny_bag import tiny_messages
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.cdr import IMAGE_TYPE
from trt_perception.errors import BagError

# A shell starts background jobs with SIGINT ignored, and what runs in them inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
path, storage, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with BagWriter(path, options=BagWriterOptions(storage=storage)) as writer:
        writer.add_topic("/front/image_raw", IMAGE_TYPE)
        for message in tiny_messages(["front"], count=100_000, height=200, width=300):
            writer.write(message.topic, message.data, log_time_ns=message.log_time_ns)
            print("x", flush=True)
except BagError as error:
    sys.exit(f"BagError: {error}")
except KeyboardInterrupt:
    sys.exit(130)
"""


def start_writer(path: Path, storage: str, limit_bytes: int) -> subprocess.Popen:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'test'}"}
    command = [sys.executable, "-c", SCRIPT, str(path), storage, str(limit_bytes)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, storage: str) -> None:
    # A limit on the size of a file fails writes as a full disk does, without needing one.
    process = start_writer(tmp_path / "drive", storage, 3_000_000)
    _, errors = process.communicate(timeout=60)
    assert errors.startswith("BagError: "), errors
    assert "cannot be written" in errors
    assert process.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "left"), [pytest.param(signal.SIGINT, 0, id="ctrl_c"), pytest.param(signal.SIGKILL, 1, id="kill")]
)
def test_a_stopped_process_leaves_no_bag(tmp_path: Path, number: int, left: int) -> None:
    process = start_writer(tmp_path / "drive", "mcap", 0)
    for _ in range(20):
        assert process.stdout.readline() == "x\n"
    process.send_signal(number)
    while process.poll() is None:
        process.stdout.read(4096)
        time.sleep(0.01)
    process.communicate()
    # What a killed process leaves is marked as partial.
    assert [path.name.split("-")[0] for path in tmp_path.iterdir()] == ["drive.partial"] * left
