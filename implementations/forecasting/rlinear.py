"""RLinear: a linear map inside reversible instance normalisation (Li, Qi, Li & Xu 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2305.10721",
    tune={
        "lr": (1e-5, 1e-2, "log"),
        "dropout": (0.0, 0.5, "linear"),
        "look_back": (0, 96, 192, 336, 512, 720),
    },
)
def rlinear(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 0,
    dropout: float = 0.1,
    lr: float = 5e-3,
    batch_size: int = 896,
) -> Iterator[Any]:
    """Each context gets mean 0 and variance 1; a linear map, trained by Adam; then back.

    Published: look-back 336, dropout 0.1 on the normalised context, Adam of step 5e-3 halved each
    epoch, batches of 128 windows of ETT's 7 series, 15 epochs, patience 10. Other than published
    are the look-back, see ``look_back``, and that RevIN has no affine weights for each series.

    Args:
        problem: any.
        rng: seeds the weights, dropout and the order of windows.
        look_back: L; 0 takes the one at which the closed form with the same normalisation is best
            on validation.
        dropout: of normalised values.
        lr: Adam's first step.
        batch_size: windows, pooled over series.
    """
    from torch import nn

    from tiltyard.implementations.forecasting._linear_modules import RevIN
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._ridge import windows_for
    from tiltyard.implementations.forecasting._torch_training import Recipe, train

    with problem.phase("fit"):
        data = windows_for(problem, look_back, "revin")
        model = train(
            lambda: RevIN(
                nn.Sequential(nn.Dropout(dropout), nn.Linear(data.look_back, problem.horizon))
            ),
            problem,
            data,
            Recipe(lr=lr, batch_size=batch_size, epochs=15, patience=10),
            rng,
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = data.look_back
    made.notes["epochs"] = model.epochs
    made.notes["validation loss"] = model.loss
    yield made
