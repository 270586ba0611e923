"""Several runs on one page."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.html_page import check_stands_alone
from helpers.validation_records import Found, make_record, make_run

from trt_perception.cli.main import main
from trt_perception.errors import InputError
from trt_perception.validate.compare_runs import write_comparison
from trt_perception.validate.comparison import comparison_tables, differences
from trt_perception.validate.judge_run import judge_run
from trt_perception.validate.report import read_report

pytest.importorskip("jinja2", reason="needs Jinja2")
pytest.importorskip("pycocotools", reason="needs pycocotools")

CAR = [10.0, 10.0, 60.0, 50.0]
TRUCK = [100.0, 20.0, 220.0, 140.0]
TRUTH = [(CAR, "car"), (TRUCK, "truck")]
BOTH: Found = [(CAR, 0.9, 0), (TRUCK, 0.8, 1)]
HOSTILE = "<script>x</script>"


def judged(folder: Path, found: Found = BOTH, *, count: int = 4, **more: object) -> Path:
    records = [make_record(index, found, TRUTH, camera=HOSTILE, road=(90, 10, 0)) for index in range(count)]
    judge_run(make_run(folder, records, **more).path)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A good run, one that misses the trucks, and one without times."""
    folder = tmp_path_factory.mktemp("runs")
    return [
        judged(folder / "fp32", model="net"),
        judged(folder / "int8", [(CAR, 0.9, 0)], model=HOSTILE),
        judged(folder / "merged", model="net", timings=False),
    ]


def test_the_page_has_every_run_and_figure_and_stands_alone(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    write_comparison([runs[0], runs[1] / "report.json", runs[2]], out)
    page = check_stands_alone(out.read_text("utf-8"))
    for words in ("1. fp32", "2. int8", "3. merged", "mAP50:95, %", "50 ", "100 ★", "class truck, AP50 %", "41.50",
                  "mean IoU, %", "onnxruntime 1.20.1", HOSTILE):  # fmt: skip
        assert words in page.text
    assert len(page.named("svg")) == 4  # p99, mAP50, mAP50:95, mean IoU


def test_the_best_value_is_marked_only_where_values_differ(runs: list[Path]) -> None:
    tables = {table.title: table for table in comparison_tables([read_report(run) for run in runs])}
    rows = {row.figure: row for table in tables.values() for row in table.rows}
    assert rows["mAP50, %"].values == pytest.approx((100.0, 50.0, 100.0))
    assert rows["mAP50, %"].best == {0, 2}
    assert rows["missed"].values == (0, 4, 0)
    assert rows["missed"].best == {0, 2}
    assert rows["class car, AP50 %"].best == frozenset()
    assert rows["p99 of a frame, ms"].values == (41.5, 41.5, None)
    assert rows["p99 of a frame, ms"].best == frozenset()
    assert rows["frames"].best == frozenset()


def test_says_what_keeps_figures_from_being_compared(runs: list[Path], tmp_path: Path) -> None:
    reports = [read_report(run) for run in runs]
    assert list(differences(reports)) == []
    other = judged(tmp_path / "other", count=3, truth="coco", score=0.4)
    assert list(differences([*reports, read_report(other)])) == [
        "run 4 is of other bags than run 1",
        "the truth of run 4 is from coco, that of run 1 from topics",
        "run 4 has other thresholds than run 1",
    ]


def test_the_command_writes_the_page_and_replaces_none_unasked(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    command = ["validate", "--compare", *map(str, runs), "--out", str(out)]
    assert main(command) == 0
    out.write_text("mine")
    assert main(command) == 2
    assert out.read_text() == "mine"
    assert main([*command, "--overwrite"]) == 0
    assert main([*command, "--model", "x.onnx"]) == 2


def test_one_report_is_nothing_to_compare(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two reports or more, got 1"):
        write_comparison(runs[:1], tmp_path / "page.html")
    with pytest.raises(InputError, match=r"expected the report\.json"):
        write_comparison([runs[0], runs[1] / "metrics.json"], tmp_path / "page.html")
