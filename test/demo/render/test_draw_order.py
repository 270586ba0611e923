"""Things are drawn back to front, large ones by what they hide rather than by their middle."""

import numpy as np
import pytest
from helpers.tiny_scene import placed

from trt_perception.demo.mesh.mesh_builder import Look, MeshBuilder
from trt_perception.demo.render.draw_order import thing_ranks
from trt_perception.demo.render.face_batch import face_batch
from trt_perception.demo.world.placed import Placed

EYE = np.array([0.0, 0.0, 1.5])


def wall(x: float, y: float, *, length: float, yaw: float = 0.0) -> Placed:
    builder = MeshBuilder()
    builder.begin()
    builder.box((-length / 2.0, -4.0, 0.0), (length / 2.0, 4.0, 9.0), Look(albedo=(0.5, 0.5, 0.5)))
    return Placed(mesh=builder.build(), x=x, y=y, yaw=yaw, backdrop=True)


@pytest.mark.parametrize(
    ("behind", "before"),
    [
        pytest.param(placed(3, 30.0, 0.0), placed(3, 10.0, 0.0), id="far_person_before_near_person"),
        # The cyclist is nearer than the middle of the bus, but beyond its near flank.
        pytest.param(placed(4, 12.0, 6.0), placed(2, 14.0, 3.2), id="cyclist_beyond_the_flank_of_a_bus"),
        pytest.param(placed(2, 14.0, 3.2), placed(3, 16.0, 1.2), id="bus_beyond_a_person_at_its_far_end"),
        pytest.param(wall(40.0, 14.0, length=60.0), placed(0, 50.0, 6.0), id="facade_beyond_a_far_car"),
        pytest.param(placed(0, 45.0, 20.0), wall(25.0, 11.0, length=12.0), id="car_in_a_side_road_behind_a_corner"),
        pytest.param(wall(30.0, 16.0, length=20.0), wall(9.0, 14.5, length=20.0), id="recessed_facade_next_to_another"),
    ],
)
def test_draws_what_lies_behind_first(behind: Placed, before: Placed) -> None:
    for things in ([behind, before], [before, behind]):
        batch = face_batch(things, (0.0, 0.0, 0.0))
        ranks = thing_ranks(batch, EYE, np.ones(2, dtype=bool))
        assert ranks[things.index(behind)] < ranks[things.index(before)]


def test_each_thing_in_view_has_its_own_rank() -> None:
    rng = np.random.default_rng(0)
    things = [
        placed(int(rng.integers(7)), *rng.uniform(-30.0, 30.0, 2), yaw=float(rng.uniform(0, 6))) for _ in range(40)
    ]
    seen = rng.random(40) < 0.8
    ranks = thing_ranks(face_batch(things, (0.0, 0.0, 0.0)), EYE, seen)
    assert sorted(ranks[seen]) == list(range(int(seen.sum())))
