"""Ranges of a model's tensors against ONNX Runtime's own calibrators on the same frames."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.onnx_graph import OnnxGraph
from helpers.tiny_onnx import make_yolox_onnx
from onnx import TensorProto

from trt_perception.errors import DeviceError, InputError, ModelError
from trt_perception.precision.activation_tensors import activation_tensors, part_that_makes
from trt_perception.precision.precision_plan import CalibratorMethod, CalibratorOptions
from trt_perception.precision.range_choice import choose_range
from trt_perception.precision.tensor_collector import TensorCollector

calibrate = pytest.importorskip("onnxruntime.quantization.calibrate", reason="ONNX Runtime is not installed")

HALF_BINS = 256


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_yolox_onnx(tmp_path_factory.mktemp("model") / "tiny.onnx", size=64)


def frames(count: int = 5) -> list[dict[str, np.ndarray]]:
    """Less contrast from frame to frame, so that the first one holds most tensors' largest values."""
    random = np.random.default_rng(5)
    first = random.uniform(0, 255, (1, 3, 64, 64))
    noise = random.normal(0, 3, (count, *first.shape))
    made = [(90 + (first - 90) * (1 - 0.15 * i) + i * noise[i]).astype(np.float32) for i in range(count)]
    return [{"images": image} for image in made]


class Reader(calibrate.CalibrationDataReader):
    def __init__(self, items: list[dict[str, np.ndarray]]) -> None:
        self._items = iter(items)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._items, None)


def collected(model: Path, **options: object) -> TensorCollector:
    collector = TensorCollector(model, half_bins=HALF_BINS, threads=1, **options)  # type: ignore[arg-type]
    for index, inputs in enumerate(frames()):
        collector.add(inputs, frame=f"frame {index}")
    return collector


@pytest.mark.parametrize(
    ("method", "extra"),
    [
        ("max", {}),
        ("entropy", {"num_bins": 2 * HALF_BINS, "num_quantized_bins": 255}),
        ("percentile", {"num_bins": HALF_BINS, "percentile": 99.9}),
    ],
    ids=["max", "entropy", "percentile"],
)
def test_every_range_is_that_of_onnxruntimes_calibrator_within_a_bin(
    method: str, extra: dict[str, float], model: Path, tmp_path: Path
) -> None:
    kind = {"max": "MinMax", "entropy": "Entropy", "percentile": "Percentile"}[method]
    calibrator = calibrate.create_calibrator(
        model,
        augmented_model_path=str(tmp_path / "augmented.onnx"),
        calibrate_method=getattr(calibrate.CalibrationMethod, kind),
        extra_options={"symmetric": True, **extra},
    )
    collector = collected(model)
    # Both have the same bins where the first frame holds a tensor's largest value; a doubled limit means other bins.
    calibrator.collect_data(Reader(frames()))
    reference = {name: data.range_value for name, data in calibrator.compute_data().items()}
    options = CalibratorOptions(method=CalibratorMethod(method), percentile=99.9, entropy_counts_zeros=True)
    same_bins = 0
    assert set(collector.histograms) <= set(reference)
    for name, histogram in collector.histograms.items():
        expected = max(abs(float(np.asarray(value).item())) for value in reference[name])
        if histogram.limit == pytest.approx(histogram.absolute_maximum):
            same_bins += 1
            bins = 1.001
        else:
            bins = 2.001 if method == "percentile" else 1.001
            if method == "entropy":
                continue
        assert choose_range(histogram, options) == pytest.approx(expected, abs=bins * histogram.bin_width), name
    assert same_bins >= len(collector.histograms) / 2


def test_groups_change_nothing_but_the_number_of_sessions(model: Path) -> None:
    together, apart = collected(model), collected(model, group_bytes=10_000)
    assert together.group_count == 1
    assert apart.group_count > 3
    assert list(together.histograms) == list(apart.histograms)
    for name, histogram in together.histograms.items():
        assert apart.histograms[name].limit == pytest.approx(histogram.limit, rel=1e-5)
        moved = np.abs(np.cumsum(apart.histograms[name].counts - histogram.counts)).max()
        assert moved <= 1e-3 * histogram.counts.sum()


def test_calibrates_what_convolutions_concatenations_and_residuals_read(model: Path) -> None:
    proto = onnx.load(model)
    made = activation_tensors(proto)
    weights = {tensor.name for tensor in proto.graph.initializer}
    expected = {
        name
        for node in proto.graph.node
        if node.op_type in ("Conv", "Concat", "Add")
        for name in node.input
        if name not in weights
    }
    assert set(made) == expected
    assert len(made) == len(set(made))


def test_leaves_constants_of_the_graph_out(tmp_path: Path) -> None:
    graph = OnnxGraph()
    fixed = graph.add("Neg", graph.constant(np.ones((1, 3, 8, 8), np.float32)))
    graph.add("Add", "x", fixed, name="sum")
    path = graph.save(tmp_path / "a.onnx", inputs={"x": (1, 3, 8, 8)}, outputs={"sum": (1, 3, 8, 8)}, opset=17)
    assert activation_tensors(onnx.load(path)) == ("x",)
    collector = TensorCollector(path)
    assert collector.group_count == 0
    collector.add({"x": np.arange(192, dtype=np.float32).reshape(1, 3, 8, 8)}, frame="f")
    assert collector.histograms["x"].maximum == 191.0


def test_leaves_integers_out_and_refuses_them_when_asked_for(tmp_path: Path) -> None:
    graph = OnnxGraph()
    whole = graph.add("Cast", "x", to=TensorProto.INT32)
    graph.add("Add", whole, whole, name="sum")
    graph.add("Concat", "x", "x", axis=0, name="both")
    path = graph.save(
        tmp_path / "a.onnx",
        inputs={"x": (1, 4)},
        outputs={"sum": (1, 4), "both": (2, 4)},
        output_types={"sum": TensorProto.INT32},
        opset=17,
    )
    assert list(TensorCollector(path).histograms) == ["x"]
    with pytest.raises(ModelError, match=r"'sum': expected floating values, got tensor\(int32\)"):
        TensorCollector(path, tensors=["sum"])
    assert list(TensorCollector(path, tensors=["both"]).histograms) == ["both"]


def test_a_part_needs_only_what_makes_its_tensors(model: Path) -> None:
    proto = onnx.load(model)
    part = part_that_makes(proto, ["backbone.0"])
    assert [node.op_type for node in part.graph.node] == ["Mul", "Conv"]
    assert len(part.graph.initializer) == 3
    assert len(proto.graph.node) > 10


def test_a_part_keeps_what_an_inner_graph_reads_from_outside(tmp_path: Path) -> None:
    def branch(name: str, source: str) -> onnx.GraphProto:
        node = onnx.helper.make_node("Identity", [source], [name])
        out = onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
        return onnx.helper.make_graph([node], name, [], [out])

    graph = OnnxGraph()
    doubled = graph.add("Add", "x", "x", name="doubled")
    mean = graph.add("ReduceMean", "x", keepdims=0)
    condition = graph.add("Greater", mean, graph.constant(np.float32(0)))
    chosen = graph.add("If", condition, then_branch=branch("t", doubled), else_branch=branch("e", "x"), name="chosen")
    graph.add("Concat", chosen, chosen, axis=0, name="out")
    path = graph.save(tmp_path / "a.onnx", inputs={"x": (1, 4)}, outputs={"out": (2, 4)}, opset=17)
    collector = TensorCollector(path)
    assert set(collector.histograms) == {"x", "chosen"}
    collector.add({"x": np.array([[1, 2, 3, 4]], np.float32)}, frame="f")
    assert collector.histograms["chosen"].maximum == 8.0


def test_names_tensor_and_frame_of_a_value_that_is_no_number(model: Path) -> None:
    collector = TensorCollector(model)
    image = np.full((1, 3, 64, 64), np.nan, np.float32)
    with pytest.raises(InputError, match=r"tensor 'mul_0': .*NaN or infinity in front at 7"):
        collector.add({"images": image}, frame="front at 7")


@pytest.mark.parametrize(
    "kind",
    ["absent", "no_onnx", "unknown_tensor"],
)
def test_names_a_model_that_cannot_be_used(kind: str, model: Path, tmp_path: Path) -> None:
    path = model if kind == "unknown_tensor" else tmp_path / "other.onnx"
    if kind == "no_onnx":
        path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=path.name):
        TensorCollector(path, tensors=["nowhere"] if kind == "unknown_tensor" else None)


def test_names_the_frame_that_does_not_fit_the_model(model: Path) -> None:
    collector = TensorCollector(model)
    with pytest.raises(DeviceError, match="ONNX Runtime failed on frame 3"):
        collector.add({"images": np.ones((1, 3, 32, 32, 1), np.float32)}, frame="frame 3")


def test_memory_does_not_grow_with_the_frames(model: Path) -> None:
    collector = TensorCollector(model, threads=1)
    random = np.random.default_rng(9)
    in_use = []
    tracemalloc.start()
    try:
        for index in range(200):
            image = random.uniform(0, 128 + index, (1, 3, 64, 64)).astype(np.float32)  # ranges double on the way
            collector.add({"images": image}, frame=str(index))
            in_use.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(in_use[100:]) - max(in_use[10:100]) < 20_000
