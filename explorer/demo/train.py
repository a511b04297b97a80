"""Train a small network on spirals, recorded: `python -m explorer.demo.train`. Copy it, it is an example.

All that makes this a recorded training is in `main`: open a run, restore, log, save. Everything that decides
what comes next is in the checkpoint (weights, both Adam moments, the random state, the step), so a training
resumed from step N writes the very same bytes as one that was never stopped.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # another number of threads adds in another order

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from explorer.demo.network import BETAS, AdamW, Tensors, gradients, loss_of, lr_at, new_network
from explorer.demo.spirals import CLASSES, spirals
from explorer.demo.tensors import from_safetensors, to_safetensors
from explorer.errors import ExplorerError
from explorer.recorder import Restored, Run

CONFIG: dict[str, Any] = {
    "model_type": "spiral-mlp",
    "hidden": [96, 96],
    "lr": 0.02,
    "weight_decay": 0.0,
    "batch_size": 128,
    "steps": 500,
    "save_every": 50,
    "train_points": 400,
    "seed": 7,
}
LOG_EVERY = 5


def main(bucket: str, pace_s: float) -> None:
    with Run(config=CONFIG, bucket=bucket) as run:
        config = run.config
        rng = np.random.default_rng(config["seed"])
        network = new_network([2, *config["hidden"], CLASSES], rng)
        optimizer = AdamW(network)
        start = 0
        restored = run.restore()
        if restored:
            network, optimizer, told = load(restored)
            if seed_of(restored) == config["seed"]:
                rng = told  # a fork with another seed goes on with dice of its own
            start = restored.step
            print(f"restored {restored.node}{', prefetched' if restored.prefetched else ''}", flush=True)
            if start >= config["steps"]:
                print(f"nothing is left to train: step {start} of {config['steps']}; steps=… goes further")
        points, labels = spirals(config["train_points"], seed=1)
        held_out = spirals(1000, seed=2)

        losses: list[float] = []
        for step in range(start + 1, config["steps"] + 1):
            batch = rng.integers(0, len(points), config["batch_size"])
            loss, gradient = gradients(network, points[batch], labels[batch])
            lr = lr_at(step, lr=config["lr"], steps=config["steps"])
            optimizer.step(network, gradient, number=step, lr=lr, weight_decay=config["weight_decay"])

            losses.append(loss)
            if step % LOG_EVERY == 0:
                val_loss, val_accuracy = loss_of(network, *held_out)
                mean = sum(losses) / len(losses)
                run.log(step=step, loss=mean, val_loss=val_loss, val_accuracy=val_accuracy, lr=lr)
                losses.clear()
            if step % config["save_every"] == 0 or step == config["steps"] or run.should_stop:
                saved = run.save(step, checkpoint(step, lr, config, network, optimizer, rng))
                print(f"step {step:>6}  loss {loss:.4f}  {saved.node or 'waits for the store'}", flush=True)
            if run.should_stop:
                break
            if pace_s:
                time.sleep(pace_s)  # slow enough to be watched


def checkpoint(
    step: int, lr: float, config: dict[str, Any], network: Tensors, optimizer: AdamW, rng: np.random.Generator
) -> dict[str, bytes]:
    """The files of a checkpoint, by name."""
    state = {
        "step": step,
        "epoch": step * config["batch_size"] // config["train_points"],
        "samples": step * config["batch_size"],
        "lr": lr,
        "optimizer": {
            "name": "AdamW",
            "betas": BETAS,
            "lr": config["lr"],
            "weight_decay": config["weight_decay"],
        },
        "rng": json.loads(json.dumps(rng.bit_generator.state), parse_int=str),  # 128 bits fit no JSON number
    }
    return {
        "model.safetensors": to_safetensors(network),
        "optimizer.safetensors": to_safetensors(optimizer.state),
        "config.json": json.dumps(config, indent=1).encode(),
        "training_state.json": json.dumps(state, indent=1).encode(),
    }


def load(restored: Restored) -> tuple[Tensors, AdamW, np.random.Generator]:
    """What `checkpoint` wrote."""
    network = from_safetensors(restored.path("model.safetensors"))
    optimizer = AdamW(network, from_safetensors(restored.path("optimizer.safetensors")))
    told = json.loads(restored.path("training_state.json").read_text())["rng"]
    rng = np.random.default_rng()
    inner = {name: int(value) for name, value in told["state"].items()}
    rng.bit_generator.state = told | {
        "state": inner,
        "has_uint32": int(told["has_uint32"]),
        "uinteger": int(told["uinteger"]),
    }
    return network, optimizer, rng


def seed_of(restored: Restored) -> object:
    """The seed that the checkpoint was trained with."""
    return json.loads(restored.path("config.json").read_text())["seed"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train a small network on three spirals.")
    parser.add_argument("--bucket", default="spiral-base", help="where to write, unless a launcher says it")
    pace = float(os.environ.get("EXPLORER_DEMO_PACE", "0.05"))
    parser.add_argument("--pace", type=float, default=pace, help="seconds to rest after a step")
    args = parser.parse_args()
    try:
        main(args.bucket, args.pace)
    except ExplorerError as error:
        sys.exit(f"error: {error}\nhint: {error.hint}")
