"""Six real camera images as a bag, YOLOX-nano on the CPU: the objects that are known to be found."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.tiny_bag import START_NS, write_messages

from trt_perception.bag.bag_reader import BagReader
from trt_perception.bag.bag_topic import BagMessage
from trt_perception.cdr import COMPRESSED_IMAGE_TYPE, decode_detection_array, encode_compressed_image
from trt_perception.cli.main import main
from trt_perception.validate.run_folder import RunFolder

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
MODEL = SHARED / "models" / "yolox_nano_coco.onnx"
IMAGES = SHARED / "data" / "nuscenes6"
CAMERAS = ("CAM_BACK", "CAM_BACK_LEFT", "CAM_BACK_RIGHT", "CAM_FRONT", "CAM_FRONT_LEFT", "CAM_FRONT_RIGHT")

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")
pytestmark = pytest.mark.skipif(
    not (MODEL.is_file() and IMAGES.is_dir()), reason=f"needs {MODEL.name} and nuscenes6 in ../shared"
)


def test_six_pictures_in_a_bag_give_the_known_objects(tmp_path: Path) -> None:
    bag = write_messages(
        tmp_path / "drive",
        iter(
            BagMessage(
                topic=f"/{camera}/image_raw/compressed",
                type_name=COMPRESSED_IMAGE_TYPE,
                log_time_ns=START_NS + number,
                data=encode_compressed_image(
                    (IMAGES / f"{camera}.jpg").read_bytes(), stamp_ns=START_NS, frame_id=camera, format="jpeg"
                ),
            )
            for number, camera in enumerate(CAMERAS)
        ),
    )
    out = tmp_path / "out"
    arguments = ["validate", str(bag), "--model", str(MODEL), "--out", str(out), "--backend", "onnxruntime"]
    assert main([*arguments, "--score", "0.3", "--no-report"]) == 0
    run = RunFolder(out)
    assert run.metrics().ledger.processed == 6
    (front,) = (record for record in run.frames() if record.camera == "CAM_FRONT")
    ((head, found),) = front.detections.items()
    labels = run.header().heads[head].labels
    strong = found.select(found.scores >= 0.3)
    car, truck = strong.class_ids[1], strong.class_ids[0]
    assert strong.class_ids.tolist() == [truck, car, car, car] == [7, 2, 2, 2]
    assert strong.scores.tolist() == pytest.approx([0.75, 0.52, 0.47, 0.43], abs=0.01)
    (message,) = BagReader(out / "detections").messages(["/CAM_FRONT/detections"])
    array = decode_detection_array(message.data)
    assert [detection.results[0].class_id for detection in array.detections] == [labels[7], *[labels[2]] * 3]
    assert (array.stamp_ns, array.frame_id) == (START_NS, "CAM_FRONT")
