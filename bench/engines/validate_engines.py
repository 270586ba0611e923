"""What `trt-perception validate` says of engines, and how fast it is beside the pipeline alone, on a GPU.

    python -m bench.engines.validate_engines BAG REFERENCE.engine ENGINE... [--processes 1 4]

The verb is run as a user runs it, a process each time: the reference first, then itself and every other engine against
it with the default gates, each twice to compare the bytes of metrics.json and of the detections. The pipeline alone is
what its own stages took in the same run; with several processes there is no such figure. `--backend onnxruntime`
rehearses with models in place of engines.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.result_file import RESULTS, ROOT, ResultFile, machine_facts
from trt_perception.engine.gpu_identity import current_gpu
from trt_perception.engine.tensorrt_module import identify, load_tensorrt

COLUMNS = {
    "engine": "engine",
    "against": "against",
    "processes": "processes",
    "frames": "frames",
    "map50": "mAP50",
    "map50_95": "mAP50:95",
    "miou": "mIoU",
    "passed": "gates",
    "equal": "twice the same bytes",
    "alone": "pipeline, frames/s",
    "validate": "validate, frames/s",
    "ratio": "ratio",
}


def validate(bag: Path, model: Path, out: Path, extra: Sequence[str]) -> int:
    """Run the verb; its exit code. 0 and 1 are judgements, anything else ends the bench."""
    command = [sys.executable, "-m", "trt_perception.cli.main", "validate", str(bag), "--model", str(model)]
    done = subprocess.run(
        [*command, "--out", str(out), "--overwrite", *extra], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode not in (0, 1):
        sys.exit(f"validate {model.name}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.returncode


def digest(out: Path) -> str:
    """One hash of everything that must be the same each time."""
    files = [out / "metrics.json", *sorted(path for path in (out / "detections").rglob("*") if path.is_file())]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def row(bag: Path, model: Path, reference: Path | None, processes: int, backend: str, folder: Path) -> dict[str, Any]:
    """One engine twice; the second run's times, since files and caches are warm then."""
    extra = ["--backend", backend, "--processes", str(processes)]
    if reference is not None:
        extra += ["--baseline", str(folder / "reference")]
    out = folder / "reference" if reference is None else folder / "out"
    digests = []
    for _ in range(2):
        code = validate(bag, model, out, extra)
        digests.append(digest(out))
    metrics = json.loads((out / "metrics.json").read_text())
    times = json.loads((out / "timings.json").read_text())
    found, masks = metrics["detection"]["detection"]["all"], metrics["masks"]
    alone = 1000.0 / times["stages_ms"]["all"]["total"]["mean"] if processes == 1 else None
    return {
        "engine": model.stem,
        "against": reference.stem if reference else "-",
        "processes": processes,
        "frames": metrics["ledger"]["frames"],
        "map50": found["map50"],
        "map50_95": found["map50_95"],
        "miou": next(iter(masks.values()))["all"]["miou"] if masks else None,
        "passed": "passed" if code == 0 else "failed",
        "equal": "yes" if len(set(digests)) == 1 else "NO",
        "alone": alone,
        "validate": times["frames_per_s"],
        "ratio": times["frames_per_s"] / alone if alone else None,
    }


def facts(backend: str) -> dict[str, str]:
    """What the figures depend on, the GPU included."""
    if backend != "tensorrt":
        return machine_facts()
    gpu, tensorrt = current_gpu(0), identify(load_tensorrt("tensorrt"))
    return {**machine_facts(), "gpu": gpu.name, "driver": str(gpu.driver), "tensorrt": str(tensorrt)}


def main() -> int:
    """Measure, print, write NAME.json; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bag", type=Path)
    parser.add_argument("engines", type=Path, nargs="+", help="the reference first")
    parser.add_argument("--processes", type=int, nargs="+", default=[1])
    parser.add_argument("--backend", default="tensorrt")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    reference, *others = arguments.engines
    rows = []
    with tempfile.TemporaryDirectory() as name:
        runs = [(reference, None), *((engine, reference) for engine in (reference, *others))]
        for processes in arguments.processes:
            for engine, against in runs:
                rows.append(row(arguments.bag, engine, against, processes, arguments.backend, Path(name)))
                print(rows[-1], flush=True)
    clean = all(found["passed"] == "passed" and found["equal"] == "yes" for found in rows)
    result = ResultFile(
        name="validate_engines",
        question="What `validate` says of engines on a drawn drive with truth, and how fast it is beside the pipeline.",
        command=" ".join(["python -m bench.engines.validate_engines", *sys.argv[1:]]),
        columns=COLUMNS,
        rows=rows,
        goals=[f"every engine passes the default gates, twice the same bytes: {'held' if clean else 'missed'}"],
        machine=facts(arguments.backend),
    )
    print(f"{result.write(arguments.results)}: {'; '.join(result.goals)}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
