"""Exporters' metadata: what is read, and that no text whatever raises."""

from __future__ import annotations

import pytest
from helpers.tiny_onnx import ultralytics_metadata
from hypothesis import given
from hypothesis import strategies as st

from trt_perception.model.exporter_facts import ExporterFacts, exporter_facts


def test_reads_ultralytics() -> None:
    facts = exporter_facts(ultralytics_metadata(classes=2, size=(384, 640)))
    assert facts == ExporterFacts(
        exporter="Ultralytics", task="detect", labels=("thing_0", "thing_1"), image_size=(384, 640)
    )
    assert str(facts) == "Ultralytics metadata says task=detect, 2 names"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({}, {"exporter": ""}, id="nothing"),
        pytest.param({"names": "{}"}, {"exporter": ""}, id="foreign"),
        pytest.param(
            {"stride": "32", "names": "['a', 'b']"}, {"exporter": "YOLOv5", "labels": ("a", "b")}, id="yolov5"
        ),
        pytest.param(ultralytics_metadata(end2end="True"), {"end_to_end": True}, id="end_to_end"),
        pytest.param(ultralytics_metadata(end2end="False"), {"end_to_end": False}, id="not_end_to_end"),
        pytest.param(ultralytics_metadata(args="{'nms': True}"), {"end_to_end": True}, id="nms_inside"),
        pytest.param(ultralytics_metadata(names='{"0": "a"}'), {"labels": ("a",)}, id="json"),
        pytest.param(ultralytics_metadata(names="{1: 'b', 0: 'a'}"), {"labels": ("a", "b")}, id="any_order"),
        pytest.param(ultralytics_metadata(imgsz="640"), {"image_size": (640, 640)}, id="one_size"),
        pytest.param(
            ultralytics_metadata(names="{0: 'a', 2: 'b'}"), {"labels": (), "unreadable": ("names",)}, id="gap"
        ),
        pytest.param(ultralytics_metadata(names="5"), {"labels": (), "unreadable": ("names",)}, id="no_names"),
        pytest.param(
            ultralytics_metadata(names="{1e999: 'a'}"), {"labels": (), "unreadable": ("names",)}, id="infinite_number"
        ),
        pytest.param(ultralytics_metadata(names="exit()"), {"labels": (), "unreadable": ("names",)}, id="code"),
        pytest.param(ultralytics_metadata(args="["), {"unreadable": ("args",)}, id="broken_arguments"),
        pytest.param(ultralytics_metadata(names="[" * 5000), {"unreadable": ("names",)}, id="deep"),
    ],
)
def test_reads(metadata: dict[str, str], expected: dict[str, object]) -> None:
    facts = exporter_facts(metadata)
    assert {name: getattr(facts, name) for name in expected} == expected


_VALUES = st.text(max_size=20) | st.sampled_from(
    ["{0: 'a'}", "{True: 1}", "[[640]]", "{'nms': 1}", "9" * 5000, "{0.5: 1}", "1e999"]
)


@given(
    st.fixed_dictionaries(
        {"author": st.just("Ultralytics")},
        optional=dict.fromkeys(["task", "names", "imgsz", "args", "end2end", "head"], _VALUES),
    )
)
def test_no_text_raises(metadata: dict[str, str]) -> None:
    facts = exporter_facts(metadata)
    assert all(isinstance(label, str) for label in facts.labels)
    assert str(facts).startswith(facts.exporter)
