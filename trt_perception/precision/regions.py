"""Which part of a network every node belongs to: backbone, neck or head, each with the reason.

The head is what hangs below the last feature maps of several resolutions. On all but one level these are easy to see:
nothing after them changes the resolution. The level where the network ends its way (the coarsest behind a
path-aggregation neck, the finest behind a plain pyramid) has no such mark; there the head begins as many weighted
layers before the output as on the other levels. A head on a single resolution owns what no other head depends on; where
it is the only one, its last weighted layer.

The neck is what comes after the first upsampling, with the branches that exist only to be merged there. The backbone is
the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trt_perception.errors import ModelError
from trt_perception.precision.graph_view import GraphView
from trt_perception.precision.precision_plan import PrecisionPlan, Region, RegionSource, first_match
from trt_perception.precision.scale_levels import WEIGHTED, ScaleLevels, Size

POINTWISE = frozenset(
    {"Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Mul", "HardSwish", "HardSigmoid", "Elu", "Gelu", "Tanh"}
    | {"Softplus", "BatchNormalization", "QuantizeLinear", "DequantizeLinear", "Identity"}
)  # fmt: skip
"""What stands between a convolution and the next layer and belongs to the convolution."""


@dataclass(frozen=True, kw_only=True)
class NodeRegion:
    """Where a node belongs.

    Args:
        region: Its part of the network.
        reason: Why, for people.
    """

    region: Region
    reason: str


def assign_regions(view: GraphView, plan: PrecisionPlan, *, model: str = "model") -> dict[str, NodeRegion]:
    """The region of every node, by name.

    Args:
        view: The cleaned graph.
        plan: Says whether names, the graph or both decide.
        model: Name of the model for errors.

    Raises:
        ModelError: Regions come from names alone and a node fits no pattern; names the first ones.
    """
    named = {} if plan.regions is RegionSource.GRAPH else _by_names(view, plan)
    if plan.regions is RegionSource.NAMES:
        missing = [node.name for node in view.nodes if node.name not in named]
        if missing:
            raise ModelError(
                model,
                f"{len(missing)} of {len(view.nodes)} nodes fit no pattern of the precision plan, "
                f"the first: {', '.join(missing[:3])}",
                "add patterns, or set 'regions: both' to let the graph decide the rest",
            )
        return named
    return {**regions_of_graph(view), **named}


def regions_of_graph(view: GraphView) -> dict[str, NodeRegion]:
    """The region of every node by the shape of the graph alone."""
    levels = ScaleLevels(view)
    heads: dict[int, str] = {}
    groups = _head_groups(view, levels)
    for group, sizes in groups.items():
        heads.update(_head_nodes(view, levels, group, sizes, alone=len(groups) == 1))
    fused = _fusions(view, levels)
    heads = {index: reason for index, reason in heads.items() if index not in fused}
    necks = _neck_nodes(view, levels, {*heads, *fused})
    result = {}
    for index, node in enumerate(view.nodes):
        if index in heads:
            result[node.name] = NodeRegion(region=Region.HEAD, reason=heads[index])
        elif index in necks:
            result[node.name] = NodeRegion(region=Region.NECK, reason=necks[index])
        else:
            reason = fused.get(index, "before the first upsampling and before the heads")
            result[node.name] = NodeRegion(region=Region.BACKBONE, reason=reason)
    return result


def _by_names(view: GraphView, plan: PrecisionPlan) -> dict[str, NodeRegion]:
    result = {}
    for node in view.nodes:
        for region in Region:
            pattern = first_match(node.name, plan.patterns.of(region))
            if pattern is not None:
                result[node.name] = NodeRegion(region=region, reason=f"name fits {pattern!r}")
                break
    return result


def _head_groups(view: GraphView, levels: ScaleLevels) -> dict[frozenset[str], frozenset[Size]]:
    """Outputs that make up one head, with the resolutions they are read from.

    Outputs that read the same several resolutions (boxes and scores) are one head, and so are outputs of one
    resolution each but of the same channels (a head that was exported level by level).
    """
    by_sizes: dict[frozenset[Size], set[str]] = {}
    for output in view.outputs:
        by_sizes.setdefault(levels.last_sizes(output), set()).add(output)
    by_channels: dict[tuple[int, ...], list[frozenset[Size]]] = {}
    for sizes, outputs in by_sizes.items():
        if len(sizes) == 1:
            channels = tuple(sorted((view.shape(name) or (0, 0))[1] for name in outputs))
            by_channels.setdefault(channels, []).append(sizes)
    for parts in by_channels.values():
        if len(parts) > 1:
            merged = set().union(*(by_sizes.pop(sizes) for sizes in parts))
            by_sizes.setdefault(frozenset().union(*parts), set()).update(merged)
    return {frozenset(outputs): sizes for sizes, outputs in by_sizes.items()}


def _head_nodes(
    view: GraphView, levels: ScaleLevels, group: frozenset[str], sizes: frozenset[Size], *, alone: bool
) -> dict[int, str]:
    own = [index for index, reached in enumerate(levels.outputs_reached) if reached <= group]
    name = " and ".join(sorted(group)) if len(group) < 3 else f"{sorted(group)[0]} and {len(group) - 1} more"
    if len(sizes) > 1:
        depth = _level_depth(levels, own)
        last = [index for index in own if _resolution_is_final(levels, index) and levels.depth_after[index] < depth]
        layers = "layer" if depth == 1 else f"{depth} layers"
        return dict.fromkeys(last, f"head of {name}: within the last {layers} of its resolution")
    if not alone and not any(levels.shrinks[index] for index in own):
        return dict.fromkeys(own, f"head of {name}: no other output depends on it")
    last = [index for index in own if levels.depth_after[index] < 1]
    return dict.fromkeys(last, f"head of {name}: the last weighted layer and what follows")


def _resolution_is_final(levels: ScaleLevels, index: int) -> bool:
    size = levels.sizes[index]
    return not levels.later_sizes[index] or levels.later_sizes[index] == {size}


def _level_depth(levels: ScaleLevels, own: list[int]) -> int:
    """Weighted layers of a head's branch: the smallest of all levels, since the unmarked one runs into the neck."""
    depths: dict[Size, int] = {}
    for index in own:
        size = levels.sizes[index]
        if size is not None and _resolution_is_final(levels, index):
            depths[size] = max(depths.get(size, 0), levels.depth_after[index] + 1)
    return min(depths.values(), default=1)


def _fusions(view: GraphView, levels: ScaleLevels) -> dict[int, str]:
    """Where feature maps of different inputs (camera and thermal) are joined, with the layer that mixes them."""
    sources: list[frozenset[str]] = []
    result: dict[int, str] = {}
    for index, node in enumerate(view.nodes):
        reached = [
            sources[view.maker[tensor]] if tensor in view.maker else frozenset({tensor})
            for tensor in view.data_inputs(index)
        ]
        sources.append(frozenset().union(*reached))
        if _is_feature_map(view, levels, index) and all(len(part) < len(sources[index]) for part in reached):
            result[index] = "joins the streams of several inputs"
            if node.op_type == "Concat":
                result.update(dict.fromkeys(_mixing_block(view, index), "mixes the streams of several inputs"))
    return result


def _is_feature_map(view: GraphView, levels: ScaleLevels, index: int) -> bool:
    """Whether a node makes a feature map of feature maps of its own size; a vector that scales boxes is none."""
    size = levels.sizes[index]
    return size is not None and all(levels.sizes[maker] == size for maker in view.before(index))


def _mixing_block(view: GraphView, index: int) -> list[int]:
    """The weighted layer after a node, with its activation."""
    block: list[int] = []
    for reader in view.after(index):
        if view.nodes[reader].op_type in WEIGHTED:
            block += [reader, *_activations(view, reader)]
    return block


def _activations(view: GraphView, index: int) -> list[int]:
    found: list[int] = []
    waiting = [index]
    while waiting:
        for reader in view.after(waiting.pop()):
            own = {index, *found}
            if view.nodes[reader].op_type in POINTWISE and reader not in own:
                found.append(reader)
                waiting.append(reader)
    return found


def _neck_nodes(view: GraphView, levels: ScaleLevels, taken: set[int]) -> dict[int, str]:
    free = [index for index in range(len(view.nodes)) if index not in taken]
    below = levels.below_enlarging
    if not any(below[index] for index in free):
        return {}
    result = {index: "after an upsampling" for index in free if below[index]}
    laterals = _laterals(view, levels, result)
    trunk = _trunk(view, levels, [index for index in free if not below[index] and index not in laterals])
    for index in free:
        if index in laterals:
            result[index] = "narrows the coarsest features for the upsampling"
        elif not below[index] and index not in trunk:
            result[index] = "a side branch that is merged after an upsampling"
    return result


def _trunk(view: GraphView, levels: ScaleLevels, candidates: list[int]) -> set[int]:
    """The coarsest feature maps before any upsampling, and all that they depend on."""
    areas = {index: size[0] * size[1] for index in candidates if (size := levels.sizes[index]) is not None}
    coarsest = min(areas.values(), default=0)
    trunk: set[int] = set()
    waiting = [index for index, area in areas.items() if area == coarsest]
    while waiting:
        index = waiting.pop()
        if index not in trunk:
            trunk.add(index)
            waiting.extend(view.before(index))
    return trunk


def _laterals(view: GraphView, levels: ScaleLevels, neck: Mapping[int, str]) -> set[int]:
    """1x1 convolutions, with their activations, right before an upsampling.

    One that mixes a Concat ends a block of the trunk (a pooling pyramid, a cross-stage block) and stays there.
    """
    result: set[int] = set()
    for index in neck:
        if not levels.enlarges[index]:
            continue
        chain: list[int] = []
        waiting = [maker for maker in view.before(index) if not levels.below_enlarging[maker]]
        while waiting:
            maker = waiting.pop()
            if view.nodes[maker].op_type in POINTWISE and maker not in chain:
                chain.append(maker)
                waiting.extend(view.before(maker))
            elif _is_narrowing(view, maker):
                result.update([*chain, maker])
    return result


def _is_narrowing(view: GraphView, index: int) -> bool:
    node = view.nodes[index]
    weights = view.shape(node.input[1]) if node.op_type == "Conv" else None
    if weights is None or len(weights) != 4 or weights[2:] != (1, 1):
        return False
    return all(view.nodes[maker].op_type != "Concat" for maker in view.before(index))
