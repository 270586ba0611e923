"""What a case needs on disk: the config, and a DDS profile that fits /dev/shm."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import yaml

from bench.ros_cameras.case import Case, Lane
from trt_perception.ros.dds_profile import PROFILE
from trt_perception.share_folder import share_file

MOST_SEGMENT_MIB = 64
LEAST_SEGMENT_MIB = 20
"""Room for three raw images."""
SHARE_OF_SHM = 0.7
"""The rest is for the node's own segments and rings."""


def write_config(case: Case, engines: Path, folder: Path, *, null: bool, receivers: str) -> Path:
    """The node's config for one case; with `null` the models are the demo's ONNX, which nobody runs."""
    models = {lane.engine: {"name": lane.engine, "spec": _spec(lane, engines, null=null)} for lane in case.lanes}
    transport = "compressed" if case.jpeg else "raw"
    config = {
        "backend": "onnxruntime" if null else "tensorrt",
        "ingest": {"receivers": int(receivers) if receivers.isdecimal() else receivers},
        "cameras": [
            {"name": name, "transport": transport, "device": index % case.gpus} for index, name in enumerate(case.names)
        ],
        "models": list(models.values()),
        "pipelines": [
            {"name": lane.pipeline, "model": lane.engine, "namespace": lane.topic.rpartition("/")[0]}
            for lane in case.lanes
        ],
    }
    path = folder / "perception.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def _spec(lane: Lane, engines: Path, *, null: bool) -> str:
    from bench.engines.networks import DEMO

    return str(DEMO if null else (engines / f"{lane.engine}.engine").absolute())


def write_dds_profile(folder: Path, senders: int) -> Path:
    """The package's profile, with segments as large as /dev/shm allows for so many senders of images.

    Raises:
        SystemExit: It does not hold three images of each.
    """
    free = shutil.disk_usage("/dev/shm").free * SHARE_OF_SHM / 2**20
    each = min(MOST_SEGMENT_MIB, int(free / (senders + 2)))
    if each < LEAST_SEGMENT_MIB:
        raise SystemExit(f"/dev/shm: {senders} senders need {LEAST_SEGMENT_MIB} MiB each, {free:.0f} MiB can be had")
    text = share_file(PROFILE).read_text()
    path = folder / "fastdds.xml"
    path.write_text(re.sub(r"(<segment_size>)\d+(</segment_size>)", rf"\g<1>{each * 2**20}\g<2>", text))
    return path


def describe_host() -> dict[str, str]:
    """What decides how many cameras a host can take, besides the GPU."""
    import resource

    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return {
        "shm_mib": str(shutil.disk_usage("/dev/shm").total // 2**20),
        "locked_memory": "unlimited" if locked == resource.RLIM_INFINITY else f"{locked // 1024} KiB",
        "cores": str(os.cpu_count()),
    }
