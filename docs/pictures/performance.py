"""Makes the plots of docs/performance.md out of docs/results: `python docs/pictures/performance.py`, with matplotlib.

What was not measured has no plot; a plot of it that lies here is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
COLOURS = ("#3b6ea5", "#e08b3e", "#4f9d69", "#b5505a", "#7a6aa8")
STAGES = {"preprocess_ms": "preprocess", "engine_ms": "engine", "decode_ms": "decode", "download_ms": "download"}


def main() -> None:
    """Write one SVG a table."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "performance"  # the same figures make the same file
    mpl.rcParams["font.size"] = 9
    plots: dict[tuple[str, str], tuple[str, Callable[[Any, list[dict[str, Any]]], None]]] = {
        ("pipeline", "stages"): ("stages", plot_stages),
        ("pipeline", "streams"): ("streams", plot_streams),
        ("ros_cameras", "cameras"): ("cameras", plot_cameras),
        ("peers", "peers"): ("peers", plot_peers),
    }
    for (file, table), (name, plot) in plots.items():
        path = HERE / f"performance_{name}.svg"
        rows = rows_of(file, table)
        if not rows:
            path.unlink(missing_ok=True)
            continue
        draw(path, plot, rows)
        print(path)


def rows_of(file: str, table: str) -> list[dict[str, Any]]:
    """A table's rows; none where it was not measured."""
    path = RESULTS / f"{file}.json"
    tables = json.loads(path.read_text())["tables"] if path.exists() else {}
    rows: list[dict[str, Any]] = tables.get(table, {}).get("rows", [])
    return rows


def draw(path: Path, plot: Callable[[Any, list[dict[str, Any]]], None], rows: list[dict[str, Any]]) -> None:
    """One picture, 180 mm wide."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.1, 3.2), layout="constrained")
    plot(axes, rows)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


def plot_stages(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Stacked bars of the stages, the frame as one graph as a mark."""
    names = [row["title"] for row in rows][::-1]
    left = [0.0] * len(rows)
    for (key, label), colour in zip(STAGES.items(), COLOURS, strict=False):
        values = [row[key] for row in rows][::-1]
        axes.barh(names, values, left=left, label=label, color=colour)
        left = [sum(pair) for pair in zip(left, values, strict=True)]
    axes.plot([row["whole_ms"] for row in rows][::-1], names, "k|", markersize=14, label="as one graph")
    axes.set_xlabel("GPU time of a 1080p frame with masks, ms")
    axes.legend(ncols=5, loc="upper center", bbox_to_anchor=(0.4, 1.18), frameon=False)


def plot_streams(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Frames a second over the number of pipelines, by one thread and by a thread each; the engine alone dashed."""
    for title, colour in zip(dict.fromkeys(row["title"] for row in rows), COLOURS, strict=False):
        mine = [row for row in rows if row["title"] == title]
        counts = [row["pipelines"] for row in mine]
        axes.plot(counts, [row["one_thread_per_s"] for row in mine], "o-", color=colour, label=title)
        axes.plot(counts, [row["threads_per_s"] for row in mine], ":", color=colour)
        axes.plot(counts, [row["engine_per_s"] for row in mine], "--", color=colour, linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("pipelines, served by one thread (dotted: by a thread each; dashed: the engine alone)")
    axes.set_ylabel("frames/s, all together")
    axes.legend(frameon=False)


def plot_cameras(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Ages at receipt by case."""
    import numpy as np

    rows = [row for row in rows if row["receipt_p50_ms"] is not None]
    places = np.arange(len(rows))[::-1]
    for index, rank in enumerate(("p50", "p99", "p99.9")):
        values = [row[f"receipt_{rank}_ms"] for row in rows]
        axes.barh(places + 0.27 - 0.27 * index, values, height=0.25, color=COLOURS[index], label=rank)
    axes.axvline(33.0, color="k", linewidth=0.8, linestyle=":")
    axes.set_yticks(places, [row["title"] for row in rows])
    axes.set_xlabel("image stamp to detection received, ms (dotted: 33 ms)")
    axes.legend(frameon=False)


def plot_peers(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Frames a second of every way."""
    names = [f"{row['title'].partition(',')[0]}: {row['way']}, {row['batch']}" for row in rows][::-1]
    ours = [row["way"].startswith("this package") for row in rows][::-1]
    values = [row["per_s"] for row in rows][::-1]
    axes.figure.set_figheight(0.22 * len(rows) + 0.8)
    axes.barh(names, values, color=[COLOURS[0] if mine else COLOURS[1] for mine in ours])
    axes.set_xlabel("frames/s (behind the name: frames at once)")


if __name__ == "__main__":
    main()
