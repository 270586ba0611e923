"""The command line of benches that measure kernels alone."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from kernel_device import GpuDevice, KernelDevice, RehearsalDevice
from result_file import ResultFile, machine_facts

from trt_perception.errors import DeviceError, MissingError

Case = TypeVar("Case")
Row = dict[str, Any]
UNMEASURED = ("us", "cpu_us", "kernels")
"""What means nothing in a rehearsal."""


def run_kernel_bench(
    doc: str | None,
    *,
    name: str,
    cases: Iterable[Case],
    measure: Callable[[Case, KernelDevice], Row],
    result_of: Callable[[list[Row], Mapping[str, str]], ResultFile],
) -> int:
    """Measure every case on the GPU and write the result; without a GPU say so and end well.

    Args:
        doc: What `--help` shows.
        name: Of the bench.
        cases: What is measured.
        measure: One row of one case; `is_equal` in it says whether the reference agrees.
        result_of: The result of all rows, with what the figures depend on.

    Returns:
        1 where a row is not equal to the reference.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rehearse", action="store_true", help="run on the CPU, measure nothing")
    if parser.parse_args().rehearse:
        with tempfile.TemporaryDirectory() as folder:
            return _told(cases, measure, RehearsalDevice(Path(folder)), hidden=UNMEASURED)[0]
    try:
        device = GpuDevice()
    except (DeviceError, MissingError) as error:
        print(f"{name}: not measured, it needs a GPU: {error}")
        return 0
    code, rows = _told(cases, measure, device)
    from trt_perception.engine.gpu_identity import current_gpu

    gpu = current_gpu(0)
    print(result_of(rows, {**machine_facts(), "gpu": gpu.name, "driver": gpu.driver}).write())
    return code


def _told(
    cases: Iterable[Case],
    measure: Callable[[Case, KernelDevice], Row],
    device: KernelDevice,
    hidden: tuple[str, ...] = (),
) -> tuple[int, list[Row]]:
    rows = []
    for case in cases:
        rows.append(measure(case, device))
        print({key: value for key, value in rows[-1].items() if key not in hidden}, flush=True)
    return int(not all(row.get("is_equal", True) for row in rows)), rows
