"""A network of the demo network's shape and names, narrow and small: trunk with residual blocks, pooling pyramid, FPN
with a way back, detection head, segmentation head; optionally a second stream."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.onnx_graph import OnnxGraph

WIDTH = 8


class _Network(OnnxGraph):
    def block(self, source: str, channels: int, name: str, *, kernel: int = 3, stride: int = 1) -> str:
        return self.add(
            "Relu",
            self.conv(source, channels, WIDTH, kernel=kernel, stride=stride, name=f"{name}.conv.Conv"),
            name=f"{name}.relu.Relu",
        )

    def upsample(self, source: str, name: str) -> str:
        scales = self.constant(np.array([1, 1, 2, 2], np.float32), f"{name}.scales")
        return self.add("Resize", source, "", scales, name=f"{name}.Resize", mode="nearest")

    def stream(self, source: str, channels: int, name: str) -> list[str]:
        feature = self.block(source, channels, f"{name}.stem", stride=2)
        features = []
        for stage in range(1, 5):
            feature = self.block(feature, WIDTH, f"{name}.stage{stage}.0", stride=2)
            inner = self.block(feature, WIDTH, f"{name}.stage{stage}.1.reduce", kernel=1)
            inner = self.block(inner, WIDTH, f"{name}.stage{stage}.1.expand")
            feature = self.add("Add", feature, inner, name=f"{name}.stage{stage}.1.Add")
            features.append(feature)
        return features

    def context(self, source: str) -> str:
        levels = [self.block(source, WIDTH, "backbone.context.reduce", kernel=1)]
        for number in range(3):
            name = f"backbone.context.pool_{number}.MaxPool"
            levels.append(self.add("MaxPool", levels[-1], name=name, kernel_shape=[5, 5], pads=[2] * 4))
        joined = self.add("Concat", *levels, name="backbone.context.Concat", axis=1)
        return self.block(joined, 4 * WIDTH, "backbone.context.expand", kernel=1)

    def neck(self, at8: str, at16: str, at32: str) -> list[str]:
        lateral = {
            stride: self.block(feature, WIDTH, f"neck.lateral{stride}", kernel=1)
            for stride, feature in ((32, at32), (16, at16), (8, at8))
        }
        up = self.upsample(lateral[32], "neck.upsample")
        middle = self.block(self.add("Add", lateral[16], up, name="neck.Add"), WIDTH, "neck.top_down16")
        up = self.upsample(middle, "neck.upsample_1")
        fine = self.block(self.add("Add", lateral[8], up, name="neck.Add_1"), WIDTH, "neck.top_down8")
        down = self.block(fine, WIDTH, "neck.down16", stride=2)
        middle = self.block(self.add("Add", middle, down, name="neck.Add_2"), WIDTH, "neck.bottom_up16")
        down = self.block(middle, WIDTH, "neck.down32", stride=2)
        coarse = self.block(self.add("Add", lateral[32], down, name="neck.Add_3"), WIDTH, "neck.bottom_up32")
        return [fine, middle, coarse]

    def detection_head(self, features: list[str]) -> None:
        levels = []
        for stride, feature in zip((8, 16, 32), features, strict=True):
            name = f"det_head.level{stride}"
            where, what = (self.block(feature, WIDTH, f"{name}.{branch}") for branch in ("where", "what"))
            box = self.conv(where, WIDTH, 4, kernel=1, name=f"{name}.box.Conv")
            objectness = self.conv(where, WIDTH, 1, kernel=1, name=f"{name}.objectness.Conv")
            classes = self.conv(what, WIDTH, 3, kernel=1, name=f"{name}.classes.Conv")
            scores = [
                self.add("Sigmoid", logits, name=f"{name}.{word}.Sigmoid")
                for word, logits in (("objectness", objectness), ("classes", classes))
            ]
            cells = self.add("Concat", box, *scores, name=f"{name}.Concat", axis=1)
            shape = self.constant(np.array([1, 8, -1]), f"{name}.shape")
            levels.append(self.add("Reshape", cells, shape, name=f"{name}.Reshape"))
        joined = self.add("Concat", *levels, name="det_head.Concat", axis=2)
        self.add("Transpose", joined, name="detections", perm=[0, 2, 1])

    def segmentation_head(self, at4: str, fine: str) -> None:
        lateral = self.block(at4, WIDTH, "seg_head.lateral", kernel=1)
        up = self.upsample(self.block(fine, WIDTH, "seg_head.coarse"), "seg_head.upsample")
        mixed = self.block(self.add("Add", lateral, up, name="seg_head.Add"), WIDTH, "seg_head.mix")
        self.conv(mixed, WIDTH, 4, kernel=1, name="segmentation")


def make_demo_network_onnx(path: Path, *, size: int = 64, thermal: bool = False, opset: int = 17) -> Path:
    """Inputs `images` [1, 3, s, s] and, with `thermal`, `thermal` [1, 1, s, s]; outputs `detections`, `segmentation`.

    A node's name begins with its region, but for the two last ones, which are named as the outputs.
    """
    graph = _Network(seed=0)
    inputs: dict[str, tuple[int | str, ...]] = {"images": (1, 3, size, size)}
    features = graph.stream("images", 3, "backbone.rgb")
    if thermal:
        inputs["thermal"] = (1, 1, size, size)
        pairs = zip(features, graph.stream("thermal", 1, "backbone.thermal"), strict=True)
        features = [
            graph.block(
                graph.add("Concat", *pair, name=f"backbone.fuse.{number}.Concat", axis=1),
                2 * WIDTH,
                f"backbone.fuse.{number}",
                kernel=1,
            )
            for number, pair in enumerate(pairs)
        ]
    at4, at8, at16, at32 = features
    levels = graph.neck(at8, at16, graph.context(at32))
    graph.detection_head(levels)
    graph.segmentation_head(at4, levels[0])
    cells = sum((size // stride) ** 2 for stride in (8, 16, 32))
    outputs: dict[str, tuple[int | str, ...]] = {
        "detections": (1, cells, 8),
        "segmentation": (1, 4, size // 4, size // 4),
    }
    return graph.save(path, inputs=inputs, outputs=outputs, opset=opset)
