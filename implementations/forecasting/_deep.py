"""How the deep forecasters are trained: within a number of steps, whatever the machine's speed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from torch import nn

from tiltyard.implementations.forecasting._linear_modules import RevIN
from tiltyard.implementations.forecasting._torch_training import Recipe, Trained, train
from tiltyard.implementations.forecasting._windows import Split, split
from tiltyard.suites.forecasting.problem import ForecastProblem

_CONTEXTS = 3
"""Before the validation columns, so that training windows are not all of the same values."""

_EVALUATIONS = 10
"""Of the validation windows during training."""

_BATCHES = 24
"""Of a pass, at least: ``train`` makes smaller ones of few windows."""

_VALIDATION = 4096
"""Windows of an evaluation."""


def shortened(problem: ForecastProblem, wanted: int, least: int = 2) -> int:
    """Return the look-back, halved until half of the series have three contexts and a horizon.

    Args:
        problem: with its history.
        wanted: L, at most.
        least: values of a context, at least.
    """
    known = ~np.isnan(problem.history[:, : problem.train])
    lengths = np.where(known.any(axis=1), problem.train - known.argmax(axis=1), 0)
    room = (float(np.median(lengths)) - problem.horizon) / _CONTEXTS
    length = wanted
    while length > max(room, least):
        length //= 2
    return max(length, least)


def fitted(
    problem: ForecastProblem,
    rng: np.random.Generator,
    build: Callable[[], nn.Module],
    look_back: int,
    *,
    lr: float,
    batch_size: int,
    steps: int,
    passes: int,
) -> tuple[Split, Trained]:
    """Train a module inside ``RevIN`` on the windows before validation.

    Returns:
        The windows, and the model with the weights that did best on the validation windows.
    """
    data = split(problem, look_back)
    most = min(steps, passes * max(_BATCHES, math.ceil(len(data.train) / batch_size)))
    interval = math.ceil(most / _EVALUATIONS)
    recipe = Recipe(
        lr=lr,
        batch_size=batch_size,
        epochs=_EVALUATIONS,
        patience=_EVALUATIONS,
        schedule=lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / _EVALUATIONS)),
        steps=most,
        interval=interval,
        validation=_VALIDATION,
    )
    return data, train(lambda: RevIN(build()), problem, data, recipe, rng)
