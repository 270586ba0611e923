"""Judges a finished run, and writes its report for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trt_perception.errors import GateError, InputError
from trt_perception.options.write_atomically import write_atomically
from trt_perception.validate.frame_pictures import frame_pictures
from trt_perception.validate.gate_options import load_gates
from trt_perception.validate.gate_outcome import GateStatus
from trt_perception.validate.make_report import make_report
from trt_perception.validate.page import load_jinja2
from trt_perception.validate.report import Report
from trt_perception.validate.report_page import render_report
from trt_perception.validate.run_folder import REPORT_HTML, REPORT_JSON, RunFolder
from trt_perception.validate.validate_run import plan_bags

PICTURES = 12


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of the gates.

    Args:
        passed: Whether no gate failed.
        lines: What to tell the user beside the figures of the run.
        failures: The gates that failed, in words.
    """

    passed: bool
    lines: tuple[str, ...]
    failures: tuple[str, ...]

    def require(self, run: Path) -> None:
        """Let what does not hold be an error.

        Raises:
            GateError: A gate failed; names all of them.
        """
        if not self.passed:
            raise GateError(
                f"{run}: {len(self.failures)} {'gate' if len(self.failures) == 1 else 'gates'} did not hold: "
                f"{'; '.join(self.failures)}; look at {run / REPORT_HTML}"
            )


def check_judging(*, baseline: Path | None = None, gates: Path | None = None) -> None:
    """See that baseline and gates can be used, and a page be made: before a run, not after hours of it.

    Raises:
        InputError: The baseline is no finished run, or the gates cannot be used.
        MissingError: Jinja2 is not installed.
    """
    load_jinja2()
    load_gates(gates)
    if baseline is not None:
        RunFolder(baseline).metrics()


def judge_run(
    out: Path,
    *,
    bags: Sequence[Path] = (),
    baseline: Path | None = None,
    gates: Path | None = None,
    pictures: int = PICTURES,
) -> Verdict:
    """Write report.html and report.json into the folder of a finished run.

    Args:
        out: The folder.
        bags: Where the pictures of the worst frames are read. Default: the page has none.
        baseline: Folder of the run that it is compared with. Default: none.
        gates: What must hold, YAML. Default: config/gates/default.yaml.
        pictures: Most pictures of the worst frames.

    Raises:
        InputError: A run is not finished or damaged, the gates cannot be used, or the report cannot be written.
        MissingError: Jinja2 is not installed, or pycocotools where there is truth.
    """
    run = RunFolder(out)
    before = RunFolder(baseline) if baseline is not None else None
    report, worst = make_report(run, load_gates(gates), baseline=before, worst=pictures)
    paths = {plan.name: plan.path for plan in plan_bags(bags)} if bags else {}
    topics = {(bag.name, name): camera.topic for bag in run.header().bags for name, camera in bag.cameras.items()}
    page = render_report(report, frame_pictures(worst, paths, topics))
    content = json.dumps(report.to_plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write_atomically(out / REPORT_JSON, content.encode())
        write_atomically(out / REPORT_HTML, page.encode())
    except OSError as error:
        raise InputError(f"{out}: the report cannot be written: {error.strerror or error}; free space") from error
    failures = tuple(str(outcome) for outcome in report.failed_gates)
    return Verdict(passed=report.passed, lines=tuple(_lines(report, out)), failures=failures)


def _lines(report: Report, out: Path) -> Iterator[str]:
    if report.drift is not None:
        yield f"compared with the baseline over {report.drift.frames} frames, {report.drift.unpaired} not in both"
    for warning in (*report.metrics.warnings, *(report.drift.warnings if report.drift else ())):
        yield f"warning: {warning}"
    counts = {status: sum(outcome.status is status for outcome in report.gates) for status in GateStatus}
    yield (
        f"gates {report.gates_name}: {counts[GateStatus.HELD]} held, {counts[GateStatus.FAILED]} failed, "
        f"{counts[GateStatus.NOT_APPLICABLE]} not applicable"
    )
    yield f"written: {out / REPORT_HTML}, {out / REPORT_JSON}"
