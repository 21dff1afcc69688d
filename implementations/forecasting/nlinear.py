"""NLinear: a linear map of differences to the last value (Zeng, Chen, Zhang & Xu 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2205.13504",
    tune={"lr": (1e-5, 1e-2, "log"), "look_back": (0, 96, 192, 336, 512, 720)},
)
def nlinear(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 0,
    lr: float = 5e-3,
    batch_size: int = 224,
) -> Iterator[Any]:
    """The last value is subtracted, and added to the forecast of a linear map trained by Adam.

    Published: look-back 336, Adam of step 5e-3 halved each epoch, batches of 32 windows of ETT's 7
    series, 10 epochs, patience 3. Only the look-back is not: see ``look_back``.

    Args:
        problem: any.
        rng: seeds the weights and the order of windows.
        look_back: L; 0 takes the one at which the closed form with the same normalisation is best
            on validation.
        lr: Adam's first step.
        batch_size: windows, pooled over series.
    """
    from tiltyard.implementations.forecasting._linear_modules import NLinear
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._ridge import windows_for
    from tiltyard.implementations.forecasting._torch_training import Recipe, train

    with problem.phase("fit"):
        data = windows_for(problem, look_back, "last")
        model = train(
            lambda: NLinear(data.look_back, problem.horizon),
            problem,
            data,
            Recipe(lr=lr, batch_size=batch_size),
            rng,
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = data.look_back
    made.notes["epochs"] = model.epochs
    made.notes["validation loss"] = model.loss
    yield made
