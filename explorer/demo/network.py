"""A multilayer perceptron and AdamW by hand in numpy, float32: the same start gives the same bits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from explorer.demo.spirals import Labels, Points
from explorer.demo.tensors import Array

Tensors = dict[str, Array]
BETAS = (0.9, 0.99)


def new_network(sizes: Sequence[int], rng: np.random.Generator) -> Tensors:
    """Layers of the given widths, He-initialised: `layers.0.weight` (in, out), `layers.0.bias` (out,), …"""
    tensors: Tensors = {}
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        scale = math.sqrt(2 / fan_in)
        tensors[f"layers.{index}.weight"] = (rng.standard_normal((fan_in, fan_out)) * scale).astype(
            np.float32
        )
        tensors[f"layers.{index}.bias"] = np.zeros(fan_out, np.float32)
    return tensors


def loss_of(network: Tensors, points: Points, labels: Labels) -> tuple[float, float]:
    """Mean cross-entropy in nats, and the share that is classified right."""
    probabilities = _softmax(_forward(network, points)[-1])
    right = probabilities.argmax(axis=1) == labels
    return _cross_entropy(probabilities, labels), float(right.mean())


def gradients(network: Tensors, points: Points, labels: Labels) -> tuple[float, Tensors]:
    """The loss of a batch and its gradient by tensor name."""
    activations = _forward(network, points)
    probabilities = _softmax(activations[-1])
    delta = probabilities.copy()
    delta[np.arange(len(labels)), labels] -= 1
    delta /= len(labels)
    found: Tensors = {}
    for index in reversed(range(len(network) // 2)):
        found[f"layers.{index}.weight"] = activations[index].T @ delta
        found[f"layers.{index}.bias"] = delta.sum(axis=0)
        if index:
            delta = (delta @ network[f"layers.{index}.weight"].T) * (activations[index] > 0)
    return _cross_entropy(probabilities, labels), found


class AdamW:
    """Adam with decoupled weight decay on the weights; `state` is what a checkpoint must keep."""

    def __init__(self, network: Tensors, state: Mapping[str, Array] | None = None) -> None:
        fresh = {f"{kind}.{name}": np.zeros_like(t) for kind in ("m", "v") for name, t in network.items()}
        self.state: Tensors = dict(state) if state else fresh

    def step(
        self, network: Tensors, gradient: Tensors, *, number: int, lr: float, weight_decay: float
    ) -> None:
        """Update the network in place; `number` counts from 1."""
        first, second = BETAS
        for name, g in gradient.items():
            m = self.state[f"m.{name}"] = (
                np.float32(first) * self.state[f"m.{name}"] + np.float32(1 - first) * g
            )
            v = self.state[f"v.{name}"] = (
                np.float32(second) * self.state[f"v.{name}"] + np.float32(1 - second) * g * g
            )
            update = (m / np.float32(1 - first**number)) / (
                np.sqrt(v / np.float32(1 - second**number)) + np.float32(1e-8)
            )
            if name.endswith("weight"):
                update = update + np.float32(weight_decay) * network[name]
            network[name] = (network[name] - np.float32(lr) * update).astype(np.float32, copy=False)


def lr_at(step: int, *, lr: float, steps: int, warmup: int = 20) -> float:
    """Linear warm-up, then a cosine down to a tenth at `steps`. A function of the step alone: resuming
    with another `lr` scales what is left of it."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
    return lr * min(1.0, step / warmup) * (0.1 + 0.9 * cosine)


def _forward(network: Tensors, points: Points) -> list[Array]:
    """Activations from the input to the logits."""
    activations: list[Array] = [points]
    last = len(network) // 2 - 1
    for index in range(last + 1):
        z = activations[-1] @ network[f"layers.{index}.weight"] + network[f"layers.{index}.bias"]
        activations.append(z if index == last else np.maximum(z, 0))
    return activations


def _softmax(logits: Array) -> Array:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    total: Array = exponents / exponents.sum(axis=1, keepdims=True)
    return total


def _cross_entropy(probabilities: Array, labels: Labels) -> float:
    chosen = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(chosen + np.float32(1e-12)).mean())
