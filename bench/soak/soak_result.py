"""docs/results/soak.json: faults, ledger, memory."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from bench.result_file import ResultFile, ResultTable
from bench.soak.process_sample import ProcessSample
from bench.soak.schedule import FAULTS
from bench.soak.soak import SoakOutcome

WARM_UP = 0.2
"""Share of the run that does not count for what must stay flat."""
JUDGED_S = 1200.0
"""A shorter run is still warming up: the middleware takes room for one more image whenever a reader is late first."""
GROWTH_MB = 5.0
MORE_FILES = 2
LOST_SHARE = 0.02
ROWS = 7
"""Moments in the table of memory."""


def soak_result(outcome: SoakOutcome) -> tuple[ResultFile, list[str]]:
    """The result file, and what did not hold."""
    problems = list(outcome.problems())
    growth_mb, files = growth(outcome.samples)
    lost = 1.0 - sum(one.received for one in outcome.accounts) / sum(one.sent_count for one in outcome.accounts)
    unseen = sum(not one.was_seen for one in outcome.episodes)
    not_over = sum(not one.is_over for one in outcome.episodes)
    ledger = [*outcome.errors, *outcome.ledger_problems()]
    count = len(outcome.episodes)
    checks = [
        (not ledger, "the ledger closes: every message sent is one answer, one drop, or was never received"),
        (not unseen, f"seen on diagnostics within their time: {count - unseen} of {count}"),
        (not not_over, f"results again within their time: {count - not_over} of {count}"),
        (
            growth_mb <= GROWTH_MB or outcome.options.seconds < JUDGED_S,
            f"private memory grows by at most {GROWTH_MB:g} MB in the last 80 %, of runs of {JUDGED_S / 60:g} minutes "
            f"and more: {growth_mb:.2f} MB",
        ),
        (files <= MORE_FILES, f"at most {MORE_FILES} more open files at the end than after a fifth: {files:g}"),
        (lost <= LOST_SHARE, f"at most {LOST_SHARE:.0%} of the messages never received: {lost:.2%}"),
    ]
    problems += [text for holds, text in checks[3:] if not holds]
    options = outcome.options
    result = ResultFile(
        name="soak",
        question=(
            f"Six cameras of {options.width} x {options.height} at {options.hz:g} Hz for {options.seconds / 60:g} "
            f"minutes, each with faults of its own in a seeded order (seed {options.seed})."
        ),
        command=(
            f"python -m bench.soak --minutes {options.seconds / 60:g} --hz {options.hz:g} "
            f"--size {options.width} {options.height} --seed {options.seed}"
        ),
        columns={
            "fault": "fault",
            "played": "played",
            "seen": "on diagnostics after at most, s",
            "seen_within": "allowed, s",
            "over": "results again after at most, s",
            "over_within": "allowed, s",
        },
        rows=_fault_rows(outcome),
        goals=[f"{text}; {'held' if holds else 'missed'}" for holds, text in checks],
        tables={"ledger": _ledger(outcome), "memory": _memory(outcome.samples)},
    )
    return result, problems


def growth(samples: Sequence[ProcessSample]) -> tuple[float, float]:
    """Growth of private memory in MB, by the line of least squares, and of open files, by medians."""
    kept = samples[int(len(samples) * WARM_UP) :]
    quarter = max(1, len(kept) // 4)
    files = median(one.files for one in kept[-quarter:]) - median(one.files for one in kept[:quarter])
    if len(kept) < 3:
        return 0.0, files
    at_s = np.array([one.at_s for one in kept])
    slope = float(np.polyfit(at_s, [one.private_mb for one in kept], 1)[0])
    return slope * float(at_s[-1] - at_s[0]), files


def _fault_rows(outcome: SoakOutcome) -> list[dict[str, object]]:
    rows = []
    for fault in FAULTS:
        played = [one for one in outcome.episodes if one.fault == fault.name]
        seen = [one.times.seen_s for one in played if one.times.seen_s is not None]
        over = [one.times.over_s for one in played if one.times.over_s is not None]
        rows.append(
            {
                "fault": fault.name,
                "played": len(played),
                "seen": max(seen) if seen else "",
                "seen_within": "no fault" if fault.seen_within_s is None else fault.seen_within_s,
                "over": max(over) if over else "",
                "over_within": fault.over_within_s,
            }
        )
    return rows


def _ledger(outcome: SoakOutcome) -> ResultTable:
    rows = [
        {
            "camera": one.camera,
            "sent": one.sent_count,
            "answered": len(one.answers),
            "dropped": ", ".join(f"{reason} {count}" for reason, count in sorted(one.dropped.items())),
            "lost": one.sent_count - one.received,
        }
        for one in outcome.accounts
    ]
    return ResultTable(
        question="What became of every message.",
        columns={
            "camera": "camera",
            "sent": "sent",
            "answered": "answered",
            "dropped": "dropped",
            "lost": "never received",
        },
        rows=rows,
        goals=[
            f"drops that the drop log lost while its disk was full, as the node counts them: {outcome.log_lost}",
            f"bad frames that were lost, or replaced unseen, and sent again: "
            f"{sum(len(one.unnoticed) for one in outcome.accounts)}",
            f"longest time between two diagnostics, which come once a second: {outcome.longest_silence_s:.2f} s",
        ],
    )


def _memory(samples: Sequence[ProcessSample]) -> ResultTable:
    moments = np.linspace(0, len(samples) - 1, min(ROWS, len(samples))).round().astype(int)
    return ResultTable(
        question="What the node holds.",
        columns={
            "minutes": "after, min",
            "private_mb": "private memory, MB",
            "resident_mb": "with the senders' shared memory, MB",
            "files": "open files",
            "threads": "threads",
            "cpu": "processor, s",
        },
        rows=[
            {
                "minutes": round(samples[index].at_s / 60, 1),
                "private_mb": samples[index].private_mb,
                "resident_mb": samples[index].resident_mb,
                "files": samples[index].files,
                "threads": samples[index].threads,
                "cpu": samples[index].cpu_s,
            }
            for index in moments
        ],
    )
