"""FITS: interpolation in the complex frequency domain (Xu, Zeng & Xu 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2307.03756",
    tune={
        "lr": (1e-5, 1e-2, "log"),
        "harmonics": (2, 4, 6, 8, 10, 12),
        "look_back": (0, 96, 192, 336, 512, 720),
    },
)
def fits(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 0,
    harmonics: int = 6,
    lr: float = 5e-4,
    batch_size: int = 448,
) -> Iterator[Any]:
    """A complex linear map takes the low frequencies of L values to those of L + H.

    Frequencies are kept up to the ``harmonics``-th harmonic of the season, and ten more. Published
    for ETTh1: look-back 360, 6 harmonics, Adam of step 5e-4, batches of 64 windows of 7 series,
    patience 20. Ours: the look-back, see ``look_back``; the step's decay, by 0.8 after three
    epochs, at most 30 epochs and patience 5; and a loss of the H values to forecast alone.

    Args:
        problem: any.
        rng: seeds the weights and the order of windows.
        look_back: L; 0 takes the one at which the closed form with RevIN's normalisation is best on
            validation.
        harmonics: of the season, that pass.
        lr: Adam's first step.
        batch_size: windows, pooled over series.
    """
    from tiltyard.implementations.forecasting._linear_modules import Fits, RevIN
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._ridge import windows_for
    from tiltyard.implementations.forecasting._torch_training import Recipe, late_decay, train

    with problem.phase("fit"):
        data = windows_for(problem, look_back, "revin")
        cut = data.look_back * harmonics // problem.season + 10
        model = train(
            lambda: RevIN(Fits(data.look_back, problem.horizon, cut)),
            problem,
            data,
            Recipe(lr=lr, batch_size=batch_size, epochs=30, patience=5, schedule=late_decay),
            rng,
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = data.look_back
    made.notes["frequencies"] = min(cut, data.look_back // 2 + 1)
    made.notes["epochs"] = model.epochs
    made.notes["validation loss"] = model.loss
    yield made
