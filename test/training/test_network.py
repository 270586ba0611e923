"""The network's ONNX: names, layout, and what the package makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the demo network is made with torch")
onnx = pytest.importorskip("onnx", reason="the export writes ONNX")
onnxruntime = pytest.importorskip("onnxruntime", reason="the reference that runs the ONNX")

from training.export import export_onnx  # noqa: E402
from training.fold import folded  # noqa: E402
from training.make_sizes import SIZES, gigaflops, random_network  # noqa: E402
from training.network.network import Network  # noqa: E402
from training.variant import network_options  # noqa: E402
from trt_perception.model.embedded_spec import SPEC_KEY, embedded_spec  # noqa: E402

REGIONS = ("backbone.", "neck.", "det_head.", "seg_head.")
MAX_BYTES = 8_000_000


@pytest.fixture(scope="module", params=["rgb", "rgb_ir"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    torch.manual_seed(0)
    network = Network(network_options(request.param)).eval()
    path = tmp_path_factory.mktemp(request.param) / "demo_model.onnx"
    export_onnx(network, path, dynamic_batch=True)
    return network, path


def _inputs(path: Path, batch: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    inputs = onnx.load(path).graph.input
    shapes = {value.name: [size.dim_value for size in value.type.tensor_type.shape.dim[1:]] for value in inputs}
    return {name: random.random((batch, *shape), np.float32) for name, shape in shapes.items()}


def test_every_node_and_weight_names_its_region(exported: tuple[Any, Path]) -> None:
    graph = onnx.load(exported[1]).graph
    names = [node.name for node in graph.node] + [weight.name for weight in graph.initializer]
    assert [name for name in names if not name.startswith(REGIONS)] == []


def test_operators_are_plain(exported: tuple[Any, Path]) -> None:
    operators = {node.op_type for node in onnx.load(exported[1]).graph.node}
    assert operators == {"Conv", "Relu", "Add", "Concat", "MaxPool", "Resize", "Reshape", "Sigmoid", "Transpose"}


def test_file_is_small(exported: tuple[Any, Path]) -> None:
    assert exported[1].stat().st_size <= MAX_BYTES


def test_runtime_gives_the_networks_outputs_at_any_batch(exported: tuple[Any, Path]) -> None:
    network, path = exported
    inputs = _inputs(path, 2)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    detections, segmentation = session.run(["detections", "segmentation"], inputs)
    assert detections.shape == (2, 10710, 12)
    assert segmentation.shape == (2, 3, 136, 240)
    with torch.no_grad():
        expected = network(*(torch.from_numpy(array) for array in inputs.values()))
    np.testing.assert_allclose(detections, expected[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(segmentation, expected[1].numpy(), atol=1e-4)


def test_scores_are_sigmoided_and_boxes_are_not_decoded(exported: tuple[Any, Path]) -> None:
    network, path = exported
    tensors = [torch.from_numpy(array) for array in _inputs(path, 1).values()]
    with torch.no_grad():
        cells, _ = network(*tensors)
        raw, _ = network.logits(*tensors)
    np.testing.assert_allclose(cells[..., :4].numpy(), raw[..., :4].numpy(), atol=1e-5)
    np.testing.assert_allclose(cells[..., 4:].numpy(), 1 / (1 + np.exp(-raw[..., 4:].numpy())), atol=1e-5)


def test_metadata_describes_inputs_and_heads(exported: tuple[Any, Path]) -> None:
    model = onnx.load(exported[1])
    spec = embedded_spec({item.key: item.value for item in model.metadata_props if item.key == SPEC_KEY})
    assert spec is not None
    assert [item.name for item in spec.inputs] == [value.name for value in model.graph.input]
    assert {output for head in spec.heads for output in head.outputs} == {value.name for value in model.graph.output}
    assert [head.kind.value for head in spec.heads] == ["yolox", "semantic_logits"]


def test_folding_changes_nothing() -> None:
    torch.manual_seed(1)
    network = random_network(network_options("rgb"), seed=3)
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        for ours, expected in zip(folded(network)(image), network(image), strict=True):
            torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_size_family_grows_and_has_no_equal_weights() -> None:
    small, medium = (random_network(SIZES[size], seed=0) for size in ("S", "M"))
    assert 1.5 < gigaflops(small) < 2.5
    assert 8.0 < gigaflops(medium) < 12.0
    weights = [tensor.numpy().tobytes() for tensor in folded(small).state_dict().values()]
    assert len(set(weights)) == len(weights)


def test_random_activations_neither_die_nor_explode() -> None:
    network = random_network(SIZES["S"], seed=0)
    spreads: list[float] = []
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(lambda _, __, output: spreads.append(float(output.std())))
    with torch.no_grad():
        network(torch.rand(1, 3, 544, 960))
    assert min(spreads) > 0.2
    assert max(spreads) < 2.0
