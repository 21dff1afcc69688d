"""CycleNet: a learnt cycle of each series beside a simple map (Lin, Lin, Hu, Wu et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2409.18479",
    tune={
        "lr": (1e-4, 1e-1, "log"),
        "backbone": ("linear", "mlp"),
        "look_back": (0, 96, 192, 336, 512, 720),
    },
)
def cyclenet(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 0,
    backbone: str = "linear",
    width: int = 512,
    lr: float = 5e-3,
    batch_size: int = 1792,
) -> Iterator[Any]:
    """A cycle of one season for each series, and a map of what it leaves, trained together by Adam.

    Inside RevIN without affine weights, as published. Published for ETTh1: a linear map or an MLP
    of width 512, Adam of step 5e-3 that decays by 0.8 after three epochs, batches of 256 windows of
    7 series, 30 epochs, patience 5, look-back 96, 336 or 720.

    Args:
        problem: any.
        rng: seeds the weights and the order of windows.
        look_back: L; 0 takes the one at which the closed form with RevIN's normalisation is best on
            validation.
        backbone: ``linear`` or ``mlp``.
        width: of the MLP's hidden layer.
        lr: Adam's first step.
        batch_size: windows, pooled over series.
    """
    from torch import nn

    from tiltyard.implementations.forecasting._linear_modules import CycleNet, RevIN
    from tiltyard.implementations.forecasting._pooled import placed_forecaster
    from tiltyard.implementations.forecasting._ridge import windows_for
    from tiltyard.implementations.forecasting._torch_training import Recipe, late_decay, train

    with problem.phase("fit"):
        data = windows_for(problem, look_back, "revin")
        L, H = data.look_back, problem.horizon

        def build() -> nn.Module:
            inside: nn.Module = nn.Linear(L, H)
            if backbone == "mlp":
                inside = nn.Sequential(nn.Linear(L, width), nn.ReLU(), nn.Linear(width, H))
            return RevIN(CycleNet(problem.series, problem.season, inside, L, H))

        recipe = Recipe(lr=lr, batch_size=batch_size, epochs=30, patience=5, schedule=late_decay)
        model = train(build, problem, data, recipe, rng, placed=True)
        forecast = placed_forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = L
    made.notes["epochs"] = model.epochs
    made.notes["validation loss"] = model.loss
    yield made
