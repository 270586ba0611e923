"""Put a model's training and evaluation into one record and write its card from it.

python3 -m training.make_card demo_model --training RUN/metrics.json --evaluation evaluation.json
python3 -m training.make_card demo_model   # the card anew from the record that is there
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from training.model_card import model_card

FOLDER = Path(__file__).resolve().parent.parent / "trt_perception" / "demo" / "model"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="the model's name: demo_model or demo_model_rgb_ir")
    parser.add_argument("--training", type=Path, help="metrics.json of training.train")
    parser.add_argument("--evaluation", type=Path, help="the JSON of training.evaluate")
    parser.add_argument("--against", type=Path, help="the same of the one-stream model, for the two-stream variant")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: trt_perception/demo/model")
    arguments = parser.parse_args()
    path = arguments.folder / f"{arguments.name}.json"
    record: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    record["name"] = arguments.name
    if arguments.training is not None:
        record["training"] = json.loads(arguments.training.read_text())["training"]
    for key in ("evaluation", "against"):
        if getattr(arguments, key) is not None:
            record[key] = json.loads(getattr(arguments, key).read_text())
    missing = [key for key in ("training", "evaluation") if key not in record]
    if missing:
        parser.error(f"{path} has no {' and no '.join(missing)}; give --{' and --'.join(missing)}")
    path.write_text(json.dumps(record, indent=1) + "\n")
    path.with_suffix(".md").write_text(model_card(record))
    print(f"wrote {path} and {path.with_suffix('.md').name}")


if __name__ == "__main__":
    main()
