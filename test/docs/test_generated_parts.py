"""The generated parts of the docs and the schemas are what the code and the results give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_docs_and_schemas_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "tools/render_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
