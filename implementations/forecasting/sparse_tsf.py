"""SparseTSF: cross-period sparse forecasting (Lin, Lin, Wu, Chen & Yang 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2405.00946",
    tune={"lr": (1e-4, 1e-1, "log"), "look_back": (0, 96, 192, 336, 512, 720)},
)
def sparse_tsf(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 720,
    lr: float = 0.02,
    batch_size: int = 1792,
) -> Iterator[Any]:
    """One small linear map, shared by the phases of a season, forecasts each from its own past.

    The period w is the season, or 1 where the look-back has not two of them. Published for ETTh1:
    look-back 720, Adam of step 0.02 that decays by 0.8 after three epochs, batches of 256 windows
    of 7 series, 30 epochs, patience 5.

    Args:
        problem: any.
        rng: seeds the weights and the order of windows.
        look_back: L; 0 takes the one at which the closed form with RevIN's normalisation is best on
            validation.
        lr: Adam's first step.
        batch_size: windows, pooled over series.
    """
    from tiltyard.implementations.forecasting._linear_modules import SparseTsf
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._ridge import windows_for
    from tiltyard.implementations.forecasting._torch_training import Recipe, late_decay, train

    with problem.phase("fit"):
        data = windows_for(problem, look_back, "revin")
        period = problem.season if 2 * problem.season <= data.look_back else 1
        model = train(
            lambda: SparseTsf(data.look_back, problem.horizon, period),
            problem,
            data,
            Recipe(lr=lr, batch_size=batch_size, epochs=30, patience=5, schedule=late_decay),
            rng,
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = data.look_back
    made.notes["period"] = period
    made.notes["epochs"] = model.epochs
    made.notes["validation loss"] = model.loss
    yield made
