"""Ray runs the blocks: the same bytes as one process, also where a worker is killed in the middle."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from helpers.cluster_pipelines import OtherPipeline, StoppingPipeline
from helpers.paired_bag import MS, PairPipeline, shots, write_shots
from helpers.paired_bag import SCORE as PAIR_SCORE
from helpers.tiny_bag import START_NS
from helpers.validation_bag import SCORE, TinyPipeline, scene_messages, write_scene_bag

from trt_perception import DeviceError, InputError, MissingError
from trt_perception.bag.bag_reader import BagReader
from trt_perception.validate import bag_plan
from trt_perception.validate.cluster_options import ClusterOptions
from trt_perception.validate.run_folder import DETECTIONS, RunFolder
from trt_perception.validate.validate_run import validate_run
from trt_perception.validate.validation_options import ValidationOptions

pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
pytest.importorskip("pycocotools", reason="needs pycocotools")
pytest.importorskip("ray", reason="needs Ray")

FRAMES_PER_SEGMENT = 4
TWO_WORKERS = ValidationOptions(score=SCORE, cluster=ClusterOptions(workers=2, retries=1))


@pytest.fixture
def workers_know_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's workers are processes of their own: pytest's search path is not theirs."""
    folders = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_plan, "FRAMES_PER_SEGMENT", FRAMES_PER_SEGMENT)


@pytest.fixture
def bags(tmp_path: Path) -> list[Path]:
    scenes = (("rain", 0), ("fog", 40))
    return [write_scene_bag(tmp_path / name, scene_messages(count=16, first=first)) for name, first in scenes]


@dataclass
class Killer:
    """Kills the process that a file names, each time it names another one.

    Args:
        note: The file.
        killed: Process and its parent.
    """

    note: Path
    killed: list[tuple[int, int]] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._watch, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(0.05):
            text = self.note.read_text() if self.note.exists() else ""
            if not text.endswith("\n"):
                continue
            process, parent = map(int, text.split())
            if (process, parent) not in self.killed:
                self.killed.append((process, parent))
                os.kill(process, signal.SIGKILL)


def files_of(out: Path) -> dict[str, bytes]:
    """Everything that a run left, but the times."""
    paths = (path for path in out.rglob("*") if path.is_file() and path.name != "timings.json")
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def ray_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("trt_ray_*"))


@pytest.mark.usefixtures("workers_know_helpers")
def test_a_killed_worker_changes_no_byte_and_nothing_of_ray_is_left(tmp_path: Path, bags: list[Path]) -> None:
    pipeline = TinyPipeline(tmp_path)
    validate_run(bags, pipeline, tmp_path / "one", options=ValidationOptions(score=SCORE))
    stopping = StoppingPipeline(pipeline, at_inference=FRAMES_PER_SEGMENT + 2, note=tmp_path / "note")
    killer, folders = Killer(stopping.note), ray_folders()
    handler, environment = signal.getsignal(signal.SIGTERM), dict(os.environ)
    with killer.at_work():
        validate_run(bags, stopping, tmp_path / "cluster", options=TWO_WORKERS)
    ((worker, raylet),) = killer.killed
    assert files_of(tmp_path / "cluster") == files_of(tmp_path / "one")
    assert {"metrics.json", "frames.jsonl"} < files_of(tmp_path / "cluster").keys()
    assert BagReader(tmp_path / "cluster" / DETECTIONS).message_count > 0
    assert RunFolder(tmp_path / "cluster").timings()["processes"] == 2
    assert not is_alive(worker)
    assert not is_alive(raylet)
    assert ray_folders() <= folders
    assert signal.getsignal(signal.SIGTERM) == handler
    assert dict(os.environ) == environment


@pytest.mark.usefixtures("workers_know_helpers")
def test_a_block_that_kills_every_worker_is_told_and_the_run_can_go_on(tmp_path: Path, bags: list[Path]) -> None:
    pipeline = TinyPipeline(tmp_path)
    stopping = StoppingPipeline(pipeline, at_inference=FRAMES_PER_SEGMENT + 2, note=tmp_path / "note", only_once=False)
    killer = Killer(stopping.note)
    with killer.at_work(), pytest.raises(DeviceError, match="the worker died again and again"):
        validate_run(bags, stopping, tmp_path / "out", options=TWO_WORKERS)
    assert len(killer.killed) >= 2
    validate_run(bags, pipeline, tmp_path / "out", options=ValidationOptions(score=SCORE))
    timings = RunFolder(tmp_path / "out").timings()
    assert timings["frames"] == 64
    assert timings["frames_of_earlier_runs"] > 0


@pytest.mark.usefixtures("workers_know_helpers")
def test_paired_frames_come_with_the_tasks(tmp_path: Path) -> None:
    stamps = [START_NS + index * 100 * MS for index in range(40)]
    warm = [stamp + MS for number, stamp in enumerate(stamps) if number % 7]
    taken = shots("front", stamps) + shots("front_thermal", warm, first=100, latency_ns=400 * MS)
    bag, pipeline = write_shots(tmp_path / "bag", taken, truth=stamps), PairPipeline(tmp_path)
    alone = ValidationOptions(score=PAIR_SCORE)
    metrics = validate_run([bag], pipeline, tmp_path / "one", options=alone)
    validate_run([bag], pipeline, tmp_path / "cluster", options=replace(TWO_WORKERS, score=PAIR_SCORE))
    assert files_of(tmp_path / "cluster") == files_of(tmp_path / "one")
    assert metrics.ledger.skipped == {"unpaired": 6}
    assert RunFolder(tmp_path / "cluster").timings()["processes"] == 2


def test_what_the_nodes_lack_is_named(tmp_path: Path, bags: list[Path]) -> None:
    with pytest.raises(MissingError, match="No module named 'helpers'"):
        validate_run(bags, TinyPipeline(tmp_path), tmp_path / "out", options=TWO_WORKERS)


@pytest.mark.usefixtures("workers_know_helpers")
def test_a_node_with_another_model_is_refused(tmp_path: Path, bags: list[Path]) -> None:
    pipeline = OtherPipeline(TinyPipeline(tmp_path), TinyPipeline(tmp_path, seed=1))
    with pytest.raises(InputError, match="a node of the cluster has another model"):
        validate_run(bags, pipeline, tmp_path / "out", options=TWO_WORKERS)


@pytest.mark.usefixtures("workers_know_helpers")
def test_a_node_with_another_bag_is_refused(tmp_path: Path, bags: list[Path]) -> None:
    def replace_bag(done: int, total: int) -> None:
        """Called before the first task."""
        shutil.rmtree(bags[0])
        write_scene_bag(bags[0], scene_messages(count=15))

    with pytest.raises(InputError, match="a node of the cluster has another bag there"):
        validate_run(bags[:1], TinyPipeline(tmp_path), tmp_path / "out", options=TWO_WORKERS, progress=replace_bag)
