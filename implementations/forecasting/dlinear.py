"""DLinear: linear maps of a trend and of what it leaves (Zeng, Chen, Zhang & Xu 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2205.13504",
    tune={"lr": (1e-5, 1e-2, "log"), "look_back": (0, 96, 192, 336, 512, 720)},
)
def dlinear(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 0,
    kernel: int = 25,
    lr: float = 1e-4,
    batch_size: int = 56,
) -> Iterator[Any]:
    """Moving average and remainder of the context, a linear map of each, trained by Adam.

    Published: look-back 336, kernel 25, Adam of step 1e-4 halved each epoch, batches of 8 windows
    of ETT's 7 series, 10 epochs, patience 3. Only the look-back is not: see ``look_back``.

    Args:
        problem: any.
        rng: seeds the weights and the order of windows.
        look_back: L; 0 takes the one at which the closed form without normalisation is best on
            validation.
        kernel: of the moving average.
        lr: Adam's first step.
        batch_size: windows, pooled over series.
    """
    from tiltyard.implementations.forecasting._linear_modules import DLinear
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._ridge import windows_for
    from tiltyard.implementations.forecasting._torch_training import Recipe, train

    with problem.phase("fit"):
        data = windows_for(problem, look_back, "none")
        model = train(
            lambda: DLinear(data.look_back, problem.horizon, kernel),
            problem,
            data,
            Recipe(lr=lr, batch_size=batch_size, small_steps=256),
            rng,
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = data.look_back
    made.notes["epochs"] = model.epochs
    made.notes["validation loss"] = model.loss
    yield made
