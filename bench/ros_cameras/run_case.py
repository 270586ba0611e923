"""Runs one case: cameras, node and observer as processes of their own, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.engines.part_file import say
from bench.processes import run as processes
from bench.result_file import ROOT
from bench.ros_cameras.case import RATE_HZ, Case
from bench.ros_cameras.cpu_clock import CpuTimes, cpu_times
from bench.ros_cameras.setting import write_config, write_dds_profile
from trt_perception.ros.dds_profile import dds_environment

START_S = 0.5
"""Until the first image, once all cameras are ready."""
SETTLE_S = 3.0
"""Of images before it is measured: graphs are captured, buffers touched."""
TAIL_S = 1.0
"""Of images after it: what is on its way at the end still arrives."""
CONFIGURE_S = 120.0
READY_S = 90.0
"""For all cameras to find the node."""
END_S = 15.0
"""For a process to end by itself. Fast DDS 3.2 now and then waits for ever in DomainParticipant::set_listener."""
PERCENTILES = (50, 99, 99.9)

Row = dict[str, Any]


def run_case(case: Case, *, engines: Path, picture: Path, seconds: float, null: bool, receivers: str = "auto") -> Row:
    """Measure for so many seconds; the row of the table, and more for those who look for the wall."""
    with tempfile.TemporaryDirectory(prefix="ros_cameras.") as name:
        folder = Path(name)
        profile = write_dds_profile(folder, case.cameras)
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, **dds_environment(os.environ, profile), "PYTHONPATH": path}
        config = write_config(case, engines, folder, null=null, receivers=receivers)
        with _started(case, config, folder, environment, null=null) as (node, observer):
            return _measure(case, node, observer, folder, environment, picture, seconds)


def _measure(
    case: Case,
    node: subprocess.Popen[str],
    observer: subprocess.Popen[str],
    folder: Path,
    environment: dict[str, str],
    picture: Path,
    seconds: float,
) -> Row:
    senders = _start_cameras(case, folder, environment, picture, seconds=SETTLE_S + seconds + TAIL_S)
    try:
        with _deadline(senders, READY_S):
            start = _give_start(case, senders)
        _sleep_until(start + SETTLE_S, node, *senders)
        before, since_ns = cpu_times(node.pid), time.time_ns()
        heard_before = cpu_times(observer.pid)
        _sleep_until(start + SETTLE_S + seconds, node, *senders)
        after, until_ns = cpu_times(node.pid), time.time_ns()
        heard_after = cpu_times(observer.pid)
        with _deadline(senders, TAIL_S + END_S):
            late = sum(_late(sender) for sender in senders)
    finally:
        _end(senders)
    time.sleep(0.5)
    node.send_signal(signal.SIGUSR1)
    _wait_until((folder / "node.npz").exists, "the node did not write its record")
    observer.send_signal(signal.SIGTERM)
    node.send_signal(signal.SIGTERM)
    _end([observer, node])
    sent = [np.load(_stamps(folder, name)) for name in case.names]
    row = account(case, folder, sent, since_ns=since_ns, until_ns=until_ns)
    wall = (until_ns - since_ns) / 1e9
    return {
        **row,
        "seconds": wall,
        "sent_late": late,
        "node_cores": (after.root - before.root) / wall,
        "receiver_cores": (after.children - before.children) / wall,
        "observer_cores": (heard_after.root - heard_before.root) / wall,
        "busiest_threads": _busiest(before, after, wall),
    }


def account(case: Case, folder: Path, sent: list[NDArray[np.int64]], *, since_ns: int, until_ns: int) -> Row:
    """What became of every image with a stamp from `since_ns` to `until_ns`, and how old its result was.

    Args:
        case: The case.
        folder: Holds what node and observer wrote.
        sent: Stamps by camera.
        since_ns: Begin, time of day.
        until_ns: End.
    """
    heard, record = np.load(folder / "observer.npz"), np.load(folder / "node.npz")
    drops = _drops(folder / "drops.jsonl", case, since_ns, until_ns)
    results: dict[str, int] = {}
    ages, lost = [], 0
    for number, (camera, lane) in enumerate((camera, lane) for camera in range(case.cameras) for lane in case.lanes):
        wanted = sent[camera][(sent[camera] >= since_ns) & (sent[camera] < until_ns)]
        mine = heard["topic"] == number
        came = np.isin(wanted, heard["stamp_ns"][mine])
        results[lane.topic] = results.get(lane.topic, 0) + int(came.sum())
        counted = mine & np.isin(heard["stamp_ns"], wanted)
        ages.append((heard["received_ns"] - heard["stamp_ns"])[counted])
        if lane is case.lanes[0]:
            dropped = np.array([stamp for name, stamp, _ in drops if name == case.names[camera]], np.int64)
            lost += int((~came & ~np.isin(wanted, dropped)).sum())
    # The steady clock of the node's record, by way of this process's two clocks.
    offset = time.time_ns() - time.monotonic_ns()
    published = record["published_ns"] + offset
    known = (published >= since_ns) & (published < until_ns) & (record["age_ns"] >= 0)
    counters = json.loads(str(record["counters"]))
    images = sum(int(((one >= since_ns) & (one < until_ns)).sum()) for one in sent)
    reasons = Counter(reason for *_, reason in drops)
    return {
        "case": case.name,
        "title": case.title,
        "cameras": case.cameras,
        "images": images,
        "results": sum(results.values()) // len(case.lanes),
        "results_by_topic": results,
        "dropped": sum(reasons.values()),
        "dropped_by_reason": dict(reasons),
        "lost": lost,
        **_percentiles("publish", record["age_ns"][known]),
        **_percentiles("receipt", np.concatenate(ages)),
        "counters": counters,
        "diagnostics": json.loads(str(heard["said"])),
    }


def _drops(path: Path, case: Case, since_ns: int, until_ns: int) -> list[tuple[str, int, str]]:
    """Camera, stamp and reason of the frames that the node dropped."""
    if not path.exists():
        return []
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        (entry["camera"], entry["stamp_ns"], entry["reason"])
        for entry in entries
        if entry.get("stamp_ns") is not None and since_ns <= entry["stamp_ns"] < until_ns
    ]


def _percentiles(name: str, ages_ns: NDArray[np.int64]) -> Row:
    if ages_ns.size == 0:
        return {f"{name}_p{rank:g}_ms": None for rank in PERCENTILES}
    values = np.percentile(ages_ns / 1e6, PERCENTILES)
    return {f"{name}_p{rank:g}_ms": float(value) for rank, value in zip(PERCENTILES, values, strict=True)}


def _late(sender: subprocess.Popen[str]) -> int:
    """What a camera says last: how many images it sent late."""
    assert sender.stdout is not None
    line = sender.stdout.readline()
    if not line:
        raise RuntimeError(f"{sender.args!r} ended with code {sender.wait()}")
    late: int = json.loads(line)["late"]
    return late


@contextlib.contextmanager
def _deadline(family: Sequence[subprocess.Popen[str]], seconds: float) -> Iterator[None]:
    """Kill them where what is within takes longer: reading from a process that hangs ends then."""

    def kill() -> None:
        for process in family:
            process.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(family: Sequence[subprocess.Popen[str]]) -> None:
    """Give them time to end together, then kill."""
    end = time.monotonic() + END_S
    for process in family:
        if process.stdin is not None:
            process.stdin.close()  # one that still waits for its start ends now
    for process in family:
        try:
            process.wait(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"{process.args!r} does not end: killed")
            process.kill()


def _busiest(before: CpuTimes, after: CpuTimes, wall: float) -> dict[str, float]:
    """Cores that the node's busiest threads take."""
    used = {name: (value - before.threads.get(name, 0.0)) / wall for name, value in after.threads.items()}
    return dict(sorted(used.items(), key=lambda item: -item[1])[:6])


@contextlib.contextmanager
def _started(
    case: Case, config: Path, folder: Path, environment: dict[str, str], *, null: bool
) -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[str]]]:
    """Observer and node, the node active."""
    topics = [f"{camera}/{lane.topic}" for camera in case.names for lane in case.lanes]
    module = [sys.executable, "-m"]
    listen = [*module, "bench.ros_cameras.observer", "--out", str(folder / "observer.npz"), *topics]
    work = [*module, "bench.ros_cameras.node", str(config), "--record", str(folder / "node.npz")]
    work += ["--drop-log", str(folder / "drops.jsonl"), *(["--null"] if null else [])]
    log = folder / "node.log"
    with (
        log.open("w") as told,
        subprocess.Popen(listen, env=environment, stdout=subprocess.PIPE, text=True) as observer,
        subprocess.Popen(work, env=environment, stdout=told, stderr=subprocess.STDOUT, text=True) as node,
    ):
        try:
            _wait_for(log, "active", node)
            yield node, observer
        except BaseException:
            print(log.read_text()[-3000:], file=sys.stderr, flush=True)
            raise
        finally:
            for process in (node, observer):
                process.kill()
    warnings = [line for line in log.read_text().splitlines() if "WARN" in line or "ERROR" in line]
    for line in warnings[:5]:
        say(f"{case.name}: {line}")


def _wait_until(holds: Callable[[], bool], problem: str) -> None:
    end = time.monotonic() + END_S
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"{problem} within {END_S:.0f} s")
        time.sleep(0.05)


def _wait_for(log: Path, word: str, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + CONFIGURE_S
    while not any(line.endswith(word) for line in log.read_text().splitlines()):
        if process.poll() is not None:
            raise RuntimeError(f"the node ended with code {process.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"the node did not become active within {CONFIGURE_S:.0f} s")
        time.sleep(0.1)


def _start_cameras(
    case: Case, folder: Path, environment: dict[str, str], picture: Path, *, seconds: float
) -> list[subprocess.Popen[str]]:
    senders = []
    for name in case.names:
        command = [sys.executable, str(processes.PROCESSES / "camera.py")]
        command += [f"{name}/image_raw" + ("/compressed" if case.jpeg else ""), *(["--jpeg"] if case.jpeg else [])]
        command += ["--rate-hz", str(RATE_HZ), "--count", str(round(seconds * RATE_HZ)), "--picture", str(picture)]
        command += ["--ask", "--stamps", str(_stamps(folder, name))]
        pipe = subprocess.PIPE
        senders.append(subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True))
    return senders


def _give_start(case: Case, senders: list[subprocess.Popen[str]]) -> float:
    """Wait until all are ready, then tell each when to begin; the first one's moment, of the steady clock."""
    for sender in senders:
        assert sender.stdout is not None
        if sender.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{sender.args!r} did not become ready")
    start, period = time.monotonic() + START_S, 1.0 / RATE_HZ
    for index, sender in enumerate(senders):
        phase = 0.0 if case.synchronised else period * index / case.cameras
        assert sender.stdin is not None
        sender.stdin.write(f"{start + phase}\n")
        sender.stdin.flush()
    return start


def _stamps(folder: Path, camera: str) -> Path:
    return folder / f"{camera}.stamps.npy"


def _sleep_until(moment: float, *needed: subprocess.Popen[str]) -> None:
    while (left := moment - time.monotonic()) > 0:
        for process in needed:
            if process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with code {process.returncode}")
        time.sleep(min(0.5, left))
