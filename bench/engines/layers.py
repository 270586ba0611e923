"""Which layers of the split compute in what, and where FP16 and the split spend their time."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from bench.engines.engine_maker import EngineMaker
from bench.engines.networks import NETWORKS, Network
from bench.engines.part_file import say, write_part
from trt_perception.errors import PerceptionError


def measure_layers(work: Path, maker: EngineMaker, *, profiled: str, batch: int, out: Path) -> None:
    """Write the part `layers`: the split of every network, and the profile of one at FP16 and as split."""
    rows = []
    for name in NETWORKS:
        for precision in ("split", "fp16"):
            network = Network(name, work)
            if not network.engine(precision).exists() or (precision == "fp16" and name != profiled):
                continue
            try:
                found = maker.layers(network, precision, profile_batch=batch if name == profiled else None)
            except PerceptionError as error:
                say(f"{name}_{precision}: {error}")
                continue
            rows.append({"network": name, "precision": precision, **asdict(found)})
            say(f"{name}_{precision}: {len(found.copies)} copies, {len(found.unexplained)} of them unexplained")
    write_part(out, "layers", maker.identity(), {"profiled": profiled, "batch": batch, "rows": rows})
