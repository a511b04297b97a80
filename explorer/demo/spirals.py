"""The task: three interleaved spirals, a tenth of the labels wrong, so that a network can learn too much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLASSES = 3
Points = NDArray[np.float32]
Labels = NDArray[np.int64]


def spirals(count: int, seed: int) -> tuple[Points, Labels]:
    """`count` points, shape (count, 2), and their classes. The same seed gives the same points."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    radius = np.sqrt(rng.random(count))
    angle = 2 * np.pi * (1.75 * radius + labels / CLASSES)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    points += 0.04 * rng.standard_normal((count, 2))
    wrong = rng.random(count) < 0.1
    labels = np.where(wrong, rng.integers(0, CLASSES, count), labels)
    return points.astype(np.float32), labels
