"""Reports how far a build is, and stops it where the report fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[str, int, int], None]
"""Called with the phase of the build, the steps done in it, and all its steps."""


def make_progress_monitor(trt: Any, progress: Progress) -> Any:
    """An IProgressMonitor of this module that calls `progress`.

    What `progress` raises, Ctrl-C included, stops the build at its next step and stands in `failure`: TensorRT's C++
    cannot carry it.
    """

    class ProgressMonitor(trt.IProgressMonitor):  # type: ignore[misc]  # its base comes with the module
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.failure: BaseException | None = None
            self._steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = num_steps
            self._report(phase_name, 0)

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._report(phase_name, step + 1)
            return self.failure is None

        def phase_finish(self, phase_name: str) -> None:
            self._report(phase_name, self._steps.get(phase_name, 0))

        def _report(self, phase: str, step: int) -> None:
            steps = self._steps.get(phase, 0)
            try:
                if self.failure is None:
                    progress(phase, min(step, steps), steps)
            except BaseException as error:
                self.failure = error

    return ProgressMonitor()
