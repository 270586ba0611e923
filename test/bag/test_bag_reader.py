"""Every form of bag is read in order of time, without copies, in flat memory."""

import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.tiny_bag import LATENCY_NS, PERIOD_NS, START_NS, tiny_image, tiny_messages, write_messages, write_tiny_bag
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter

from trt_perception import BagError, DropReason, EncodedFrame, Frame, FrameError
from trt_perception.bag.bag_files import find_bag_files
from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_writer import BagWriter
from trt_perception.bag.bag_writer_options import BagWriterOptions
from trt_perception.cdr import COMPRESSED_IMAGE_TYPE, IMAGE_TYPE, encode_compressed_image

FORMS = [
    pytest.param(BagWriterOptions(storage=storage, compression=compression), id=f"{storage}-{compression}")
    for storage in ("mcap", "sqlite3")
    for compression in ("none", "chunk", "message", "file")
    if (storage, compression) != ("sqlite3", "chunk")
]
STORAGES = [pytest.param(BagWriterOptions(storage=storage), id=storage) for storage in ("mcap", "sqlite3")]


def identity(messages: object) -> list[tuple[str, int, bytes]]:
    return [(m.topic, m.log_time_ns, bytes(m.data)) for m in messages if m.topic != "/tf_static"]


@pytest.mark.parametrize("options", FORMS)
def test_every_form_gives_back_what_was_written(tmp_path: Path, options: BagWriterOptions) -> None:
    reader = BagReader(write_tiny_bag(tmp_path / "drive", options))
    assert identity(reader.messages()) == identity(tiny_messages())
    assert {topic.name: topic.message_count for topic in reader.topics.values()} == {
        "/front/image_raw": 4,
        "/left/image_raw": 4,
        "/tf_static": 1,
    }
    assert reader.topics["/front/image_raw"].type_name == IMAGE_TYPE
    assert "uint32 step" in reader.topics["/front/image_raw"].definition
    assert reader.message_count == 9
    assert reader.start_ns == START_NS + LATENCY_NS
    assert reader.end_ns == START_NS + 3 * PERIOD_NS + 1_000_000 + LATENCY_NS


@pytest.mark.parametrize("options", FORMS)
def test_a_single_file_is_a_bag(tmp_path: Path, options: BagWriterOptions) -> None:
    path = write_tiny_bag(tmp_path / "drive", options)
    (file,) = [file for file in path.iterdir() if file.name != "metadata.yaml"]
    assert identity(BagReader(str(file)).messages()) == identity(tiny_messages())


@pytest.mark.parametrize("options", FORMS)
def test_a_folder_without_metadata_is_a_bag(tmp_path: Path, options: BagWriterOptions) -> None:
    path = write_tiny_bag(tmp_path / "drive", options)
    (path / "metadata.yaml").unlink()
    assert identity(BagReader(path).messages()) == identity(tiny_messages())


def split_bag(folder: Path, options: BagWriterOptions, *, parts: int, overlap: int = 0) -> Path:
    """A bag in several files of two images a camera each; each file begins `overlap` images before its place."""
    folder.mkdir()
    names = []
    for part in range(parts):
        messages = tiny_messages(first=2 * part - (overlap if part else 0), count=2)
        piece = write_messages(folder.parent / f"drive_{part}", messages, options)
        (file,) = [file for file in piece.iterdir() if file.name != "metadata.yaml"]
        names.append(file.name)
        file.rename(folder / file.name)
        metadata = yaml.safe_load((piece / "metadata.yaml").read_text())
        shutil.rmtree(piece)
    metadata["rosbag2_bagfile_information"]["relative_file_paths"] = names
    (folder / "metadata.yaml").write_text(yaml.safe_dump(metadata))
    return folder


@pytest.mark.parametrize("listed", [pytest.param(True, id="metadata"), pytest.param(False, id="no_metadata")])
@pytest.mark.parametrize("options", FORMS)
def test_split_bags_are_one_stream(tmp_path: Path, options: BagWriterOptions, listed: bool) -> None:
    path = split_bag(tmp_path / "split", options, parts=2)
    if not listed:
        (path / "metadata.yaml").unlink()
    reader = BagReader(path)
    assert identity(reader.messages()) == identity(tiny_messages(count=4))
    assert reader.topics["/front/image_raw"].message_count == 4


def test_files_without_metadata_are_taken_in_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("drive_10.mcap", "drive_2.mcap", "drive_0.mcap", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in find_bag_files(tmp_path).files] == ["drive_0.mcap", "drive_2.mcap", "drive_10.mcap"]


@pytest.mark.parametrize("options", STORAGES)
def test_files_that_overlap_in_time_are_merged(tmp_path: Path, options: BagWriterOptions) -> None:
    reader = BagReader(split_bag(tmp_path / "split", options, parts=3, overlap=1))
    times = [message.log_time_ns for message in reader.messages(["/front/image_raw"])]
    steps = [(time_ns - START_NS - LATENCY_NS) // PERIOD_NS for time_ns in times]
    assert steps == [0, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("options", STORAGES)
def test_a_span_of_time_is_read(tmp_path: Path, options: BagWriterOptions) -> None:
    reader = BagReader(split_bag(tmp_path / "split", options, parts=5))
    start_ns, stop_ns = START_NS + 3 * PERIOD_NS + LATENCY_NS, START_NS + 7 * PERIOD_NS + LATENCY_NS
    times = [m.log_time_ns for m in reader.messages(["/front/image_raw"], start_ns=start_ns, stop_ns=stop_ns)]
    assert times == [START_NS + index * PERIOD_NS + LATENCY_NS for index in (3, 4, 5, 6)]
    images = reader.images({"front": "/front/image_raw"}, start_ns=stop_ns)
    assert len(list(images)) == 3


@pytest.mark.parametrize("options", STORAGES)
def test_two_readings_do_not_disturb_each_other(tmp_path: Path, options: BagWriterOptions) -> None:
    reader = BagReader(write_tiny_bag(tmp_path / "drive", options))
    pairs = list(zip(reader.messages(), reader.messages(), strict=True))
    assert len(pairs) == 9
    assert all(a.log_time_ns == b.log_time_ns and a.data == b.data for a, b in pairs)


@pytest.mark.parametrize("options", FORMS)
def test_reading_leaves_no_file_open(tmp_path: Path, options: BagWriterOptions) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    reader = BagReader(write_tiny_bag(tmp_path / "drive", options))
    before = open_files()
    messages = reader.messages()
    next(messages)
    messages.close()  # given up half-way
    list(reader.messages())
    assert open_files() == before


class TestImages:
    """Images of a bag as frames."""

    def test_come_in_order_with_camera_stamp_and_pixels(self, tmp_path: Path) -> None:
        images = list(BagReader(write_tiny_bag(tmp_path / "drive")).images())
        assert [image.camera for image in images] == ["front", "left"] * 4
        frame = images[-1].frame()
        assert isinstance(frame, Frame)
        assert frame.stamp_ns == images[-1].stamp_ns == START_NS + 3 * PERIOD_NS + 1_000_000
        assert (frame.camera, frame.frame_id, frame.width, frame.height) == ("left", "left_optical", 8, 6)
        np.testing.assert_array_equal(frame.data.reshape(6, 8, 3), tiny_image(3))

    @pytest.mark.parametrize("options", FORMS)
    def test_pixels_are_a_view_of_the_message(self, tmp_path: Path, options: BagWriterOptions) -> None:
        image = next(BagReader(write_tiny_bag(tmp_path / "drive", options)).images())
        assert np.shares_memory(image.frame().data, np.frombuffer(image.message.data, np.uint8))

    def test_compressed_images_are_encoded_frames(self, tmp_path: Path) -> None:
        with BagWriter(tmp_path / "drive") as writer:
            writer.add_topic("/front/image_raw/compressed", COMPRESSED_IMAGE_TYPE)
            data = encode_compressed_image(b"file", stamp_ns=5, frame_id="f", format="jpeg")
            writer.write("/front/image_raw/compressed", data, log_time_ns=9)
        (image,) = BagReader(tmp_path / "drive").images()
        frame = image.frame()
        assert isinstance(frame, EncodedFrame)
        assert (frame.camera, frame.stamp_ns, frame.data.tobytes()) == ("front", 5, b"file")

    def test_one_topic_may_serve_two_cameras(self, tmp_path: Path) -> None:
        reader = BagReader(write_tiny_bag(tmp_path / "drive"))
        images = list(reader.images({"a": "/front/image_raw", "b": "/front/image_raw"}))
        assert [image.camera for image in images] == ["a", "b"] * 4

    def test_a_damaged_message_has_its_reason_and_the_next_is_read(self, tmp_path: Path) -> None:
        with BagWriter(tmp_path / "drive") as writer:
            writer.add_topic("/front/image_raw", IMAGE_TYPE)
            good = next(tiny_messages()).data
            for time_ns, data in enumerate((good, good[:40], b"\0\1", good)):
                writer.write("/front/image_raw", data, log_time_ns=time_ns)
        images = list(BagReader(tmp_path / "drive").images())
        assert [image.stamp_ns for image in images] == [START_NS, START_NS, None, START_NS]
        for image in images[1:3]:
            with pytest.raises(FrameError) as caught:
                image.frame()
            assert caught.value.reason is DropReason.MALFORMED
        assert images[3].frame().stamp_ns == START_NS

    def test_a_topic_that_is_not_there_is_named_with_those_that_are(self, tmp_path: Path) -> None:
        reader = BagReader(write_tiny_bag(tmp_path / "drive"))
        with pytest.raises(BagError, match="no topic /back/image_raw; its topics: /front/image_raw, /left/image_raw"):
            reader.images({"back": "/back/image_raw"})

    def test_a_topic_of_another_type_is_named(self, tmp_path: Path) -> None:
        reader = BagReader(write_tiny_bag(tmp_path / "drive"))
        with pytest.raises(BagError, match="/tf_static holds tf2_msgs/msg/TFMessage"):
            reader.images({"front": "/tf_static"})

    def test_a_bag_without_images_says_what_it_has(self, tmp_path: Path) -> None:
        reader = BagReader(write_messages(tmp_path / "drive", iter(())))
        assert (reader.message_count, reader.start_ns, reader.end_ns) == (0, None, None)
        assert list(reader.messages()) == []
        with pytest.raises(BagError, match=r"no topic of images.*/tf_static \(tf2_msgs"):
            reader.images()


def mcap_file(
    path: Path, times_ns: list[int], *, type_name: str = IMAGE_TYPE, encoding: str = "cdr", **options: object
) -> Path:
    """A file as another recorder might write it, through the mcap package."""
    with path.open("wb") as file:
        writer = McapWriter(file, **options)
        writer.start(profile="ros2")
        schema = writer.register_schema(type_name, "ros2msg", b"std_msgs/Header header")
        channel = writer.register_channel("/front/image_raw", encoding, schema)
        data = next(tiny_messages()).data
        for time_ns in times_ns:
            writer.add_message(channel, time_ns, data, publish_time=time_ns)
        writer.finish()
    return path


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"compression": CompressionType.LZ4}, id="lz4"),
        pytest.param({"compression": CompressionType.ZSTD}, id="zstd"),
        pytest.param({"compression": CompressionType.NONE}, id="uncompressed"),
        pytest.param({"use_chunking": False}, id="without_chunks"),
        pytest.param({"index_types": IndexType.NONE}, id="without_index"),
        pytest.param({"use_statistics": False, "compression": CompressionType.LZ4}, id="without_statistics"),
    ],
)
def test_files_of_other_writers(tmp_path: Path, options: dict) -> None:
    path = mcap_file(tmp_path / "other.mcap", [5, 6, 7], **options)
    assert [(m.log_time_ns, m.data) for m in BagReader(path).messages()] == [
        (time_ns, next(tiny_messages()).data) for time_ns in (5, 6, 7)
    ]


def test_messages_logged_out_of_order_come_in_order(tmp_path: Path) -> None:
    path = mcap_file(tmp_path / "other.mcap", [50, 10, 40, 10, 30], chunk_size=300)
    assert [message.log_time_ns for message in BagReader(path).messages()] == [10, 10, 30, 40, 50]


def test_two_publishers_of_a_topic_are_one_topic(tmp_path: Path) -> None:
    path = tmp_path / "other.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros2")
        schema = writer.register_schema(IMAGE_TYPE, "ros2msg", b"std_msgs/Header header")
        for time_ns in (1, 2, 3):
            channel = writer.register_channel("/front/image_raw", "cdr", schema)
            writer.add_message(channel, time_ns, b"\0\1\0\0", publish_time=time_ns)
        writer.finish()
    reader = BagReader(path)
    assert reader.topics["/front/image_raw"].message_count == reader.message_count == 3
    assert [message.log_time_ns for message in reader.messages()] == [1, 2, 3]


def test_video_packets_are_refused_by_name(tmp_path: Path) -> None:
    path = mcap_file(tmp_path / "v.mcap", [1], type_name="foxglove_msgs/msg/CompressedVideo")
    with pytest.raises(BagError, match="/front/image_raw hold video packets"):
        BagReader(path).images()


def test_another_serialization_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="'json', only 'cdr'"):
        BagReader(mcap_file(tmp_path / "v.mcap", [1], encoding="json"))


@pytest.mark.parametrize("options", STORAGES)
def test_memory_stays_flat(tmp_path: Path, options: BagWriterOptions) -> None:
    height, width, count = 200, 300, 300  # 54 MB of pixels
    messages = tiny_messages(["front"], count=count, height=height, width=width)
    reader = BagReader(write_messages(tmp_path / "drive", messages, options))
    assert sum(file.stat().st_size for file in reader.path.iterdir()) > 50_000_000
    tracemalloc.start()
    try:
        seen = 0
        for image in reader.images():
            assert int(image.frame().data[-1]) == seen % 256
            seen += 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == count
    assert peak < 6_000_000  # a chunk of 1 MB, in the library once as read, once in messages
