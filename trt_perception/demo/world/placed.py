"""A mesh at its place, and what it is if it is an object with ground truth."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.demo.mesh.mesh import Mesh


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """One thing of the world at one instant.

    Args:
        mesh: Its shape.
        x: World position in m.
        y: World position in m.
        yaw: Direction of its x axis in the world, radians.
        backdrop: A building or a long fence: drawn behind everything that it does not hide.
        class_id: Index into CLASS_NAMES, -1 for scenery.
        track_id: Number of the object in the drive, -1 for scenery.
        size: Length, width and height in m; zeros for scenery.
        powered: A vehicle with its lights on when it is dark, and a warm engine.
    """

    mesh: Mesh
    x: float
    y: float
    yaw: float
    backdrop: bool = False
    class_id: int = -1
    track_id: int = -1
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    powered: bool = False
