"""Train the demo model on one GPU, or a little on a CPU.

python3 -m training.train --data DATA/train --held-out DATA/held_out --output OUT --seconds 400
python3 -m training.train ... --variant rgb_ir
python3 -m training.train ... --seconds 400 --budget 800; python3 -m training.train ... --budget 800 --resume OUT
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from training.dataset import load_dataset, shard_paths
from training.export import export_onnx
from training.trainer import Trainer, TrainerOptions
from training.validation import Validator
from training.variant import VARIANTS, network_options


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    result = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--data", type=Path, required=True, help="dataset to learn from")
    result.add_argument("--held-out", type=Path, required=True, help="dataset of other seeds, to validate on")
    result.add_argument("--output", type=Path, required=True, help="folder of checkpoint, ONNX, metrics")
    result.add_argument("--variant", choices=VARIANTS, default="rgb", help="default: rgb")
    result.add_argument("--seconds", type=float, default=400.0, help="training time of this run (default: 400)")
    result.add_argument("--budget", type=float, help="training time of all runs together (default: --seconds)")
    result.add_argument("--resume", type=Path, help="folder of an earlier run's checkpoint")
    result.add_argument("--batch", type=int, default=32, help="pictures a step (default: 32)")
    result.add_argument("--rate", type=float, default=2e-3, help="highest learning rate (default: 0.002)")
    result.add_argument("--seed", type=int, default=1, help="weights and augmentation (default: 1)")
    result.add_argument("--limit", type=int, default=600, help="held-out pictures at the end (default: 600)")
    result.add_argument("--compile", action="store_true", help="use torch.compile")
    result.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cuda or cpu")
    return result


def main() -> None:
    """The command line."""
    arguments = parser().parse_args()
    device = torch.device(arguments.device)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    arguments.output.mkdir(parents=True, exist_ok=True)
    options = TrainerOptions(
        output=arguments.output,
        seconds=arguments.seconds,
        budget_s=arguments.budget or arguments.seconds,
        batch=arguments.batch,
        rate=arguments.rate,
        seed=arguments.seed,
        compile_network=arguments.compile,
    )
    network = network_options(arguments.variant)
    started = time.monotonic()
    data = load_dataset(arguments.data, device, with_thermal=network.thermal_widths is not None)
    print(f"{len(data)} pictures loaded in {time.monotonic() - started:.0f} s", flush=True)
    short = Validator(arguments.held_out, device, limit=min(120, arguments.limit))
    trainer = Trainer(network, options, device, arguments.resume)
    trainer.train(data, short)
    trainer.save()
    export(trainer, arguments.output / f"demo_model{'' if arguments.variant == 'rgb' else '_rgb_ir'}.onnx")
    metrics = trainer.validate(Validator(arguments.held_out, device, limit=arguments.limit))
    metrics["training"] = {
        "command": command(arguments),
        "variant": arguments.variant,
        "pictures": len(data),
        "drives": len(shard_paths(arguments.data)),
        "first_drive": shard_paths(arguments.data)[0].stem,
        "last_drive": shard_paths(arguments.data)[-1].stem,
        "steps": trainer.step,
        "batch": options.batch,
        "epochs": round(trainer.step * options.batch / len(data), 1),
        "seconds": round(trainer.spent_s),
        "skipped_steps": trainer.skipped,
        "seed": options.seed,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "torch": torch.__version__,
        "history": trainer.history,
    }
    (arguments.output / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")


def command(arguments: argparse.Namespace) -> str:
    """What was run, for the card; folders by their role, since their names belong to the machine."""
    parts = ["python3 -m training.train --data DATA/train --held-out DATA/held_out --output RUN"]
    values = {name: getattr(arguments, name) for name in ("variant", "seconds", "budget", "batch", "rate", "seed")}
    parts += [f"--{name} {value}" for name, value in values.items() if value is not None]
    parts += ["--compile"] * arguments.compile + ["--resume RUN"] * (arguments.resume is not None)
    return " ".join(parts)


def export(trainer: Trainer, path: Path) -> None:
    """Write the ONNX; where the onnx package is missing, say how to make it later from the checkpoint."""
    try:
        export_onnx(trainer.average.network, path)
    except ImportError as error:
        print(f"no ONNX written ({error}); elsewhere: python3 -m training.export CHECKPOINT {path.name}", flush=True)


if __name__ == "__main__":
    main()
