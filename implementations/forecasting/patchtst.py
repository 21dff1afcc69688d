"""PatchTST: a small transformer over patches (Nie, Nguyen, Sinthong & Kalagnanam, ICLR 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2211.14730",
    tune={
        "look_back": (96, 192, 336, 512),
        "dropout": (0.0, 0.5, "linear"),
        "lr": (1e-4, 1e-2, "log"),
    },
    devices=("cpu", "cuda"),
)
def patchtst(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 336,
    patch: int = 16,
    stride: int = 8,
    width: int = 16,
    heads: int = 4,
    hidden: int = 128,
    layers: int = 3,
    dropout: float = 0.3,
    lr: float = 1e-3,
    batch_size: int = 32,
    steps: int = 2000,
    passes: int = 3,
) -> Iterator[Any]:
    """Encode the patches of each series by itself, with weights that all series share.

    Sizes, look-back, normalisation of each window and mean squared error are those published for
    ETTh1 and ETTh2 (PatchTST/42). Training is ours: the published one, 100 passes at a step length
    of 1e-4, takes an hour on one core. Here the number of steps is bounded, not the time, so that
    a seed gives one model on every machine: 2000 steps of 32 windows take 40 s of one core, and
    forecasts of all windows of ETTh1-96 13 s, of the 120 s of a standard run. The step length
    falls to 0 along half a cosine; the weights that did best on the validation windows are kept.
    Batch and first step length are the best of seven on the validation windows of ETTh1 and of the
    generated daily cycle.

    Where series are too short for three contexts and a horizon before the validation columns, the
    look-back is halved until they are not.

    Args:
        problem: any.
        rng: seeds the weights, dropout and the order of windows.
        look_back: L, at most.
        patch: values of a patch.
        stride: from one patch to the next.
        width: of the embedding; ``heads`` divide it.
        heads: of the attention.
        hidden: of the feed-forward nets.
        layers: of the encoder.
        dropout: share of activations.
        lr: Adam's first step length.
        batch_size: windows, pooled over series.
        steps: of training, at most.
        passes: over the training windows, at most.
    """
    from tiltyard.implementations.forecasting._deep import fitted, shortened
    from tiltyard.implementations.forecasting._patch_transformer import PatchTransformer
    from tiltyard.implementations.forecasting._pooled import forecaster

    with problem.phase("fit"):
        length = shortened(problem, look_back, patch)

        def build() -> PatchTransformer:
            return PatchTransformer(
                length,
                problem.horizon,
                patch=patch,
                stride=stride,
                width=width,
                heads=heads,
                hidden=hidden,
                layers=layers,
                dropout=dropout,
            )

        data, model = fitted(
            problem,
            rng,
            build,
            length,
            lr=lr,
            batch_size=batch_size,
            steps=steps,
            passes=passes,
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = length
    made.notes["validation loss"] = model.loss
    yield made
