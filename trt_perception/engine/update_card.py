"""What was measured of an engine goes into its manifest and its card."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from trt_perception.engine.engine_card import render_card, renew_results
from trt_perception.engine.engine_files import EngineFiles, write_manifest
from trt_perception.engine.engine_lock import engine_lock
from trt_perception.engine.engine_results import AccuracyResult, LatencyResult
from trt_perception.engine.manifest import read_manifest
from trt_perception.errors import EngineError


def update_card(engine: Path, *, accuracy: AccuracyResult | None = None, latency: LatencyResult | None = None) -> bool:
    """Keep results; what is not given stays as it is. All else in the card stays, too.

    Args:
        engine: The engine, of which `front.engine.json` and `front.engine.md` are replaced, each as a whole.
        accuracy: Beside FP32.
        latency: Speed and memory.

    Returns:
        Whether a signature was removed, since it covers the manifest: sign the engine again.

    Raises:
        EngineError: There is no manifest, it is damaged, or the files cannot be written.
    """
    files = EngineFiles(engine)
    with engine_lock(engine):
        manifest = read_manifest(engine)
        manifest = dataclasses.replace(
            manifest, accuracy=accuracy or manifest.accuracy, latency=latency or manifest.latency
        )
        was_signed = files.signature.exists()
        try:
            card = renew_results(files.card.read_text(encoding="utf-8"), manifest)
        except FileNotFoundError:
            card = render_card(manifest)
        except (OSError, UnicodeDecodeError) as error:
            raise EngineError(files.card, f"cannot be read ({error})", f"delete {files.card.name}") from error
        write_manifest(engine, manifest, card)
    return was_signed
