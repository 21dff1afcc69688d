"""A sparsely gated mixture of small nets (Shazeer et al. 2017), trained on the history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:1701.06538",
    tune={
        "look_back": (96, 192, 336, 512),
        "experts": (4, 8, 16),
        "hidden": (16, 64, 256),
        "lr": (1e-4, 1e-2, "log"),
    },
    devices=("cpu", "cuda"),
)
def tiny_moe(
    problem: Any,
    rng: Any,
    *,
    look_back: int = 336,
    experts: int = 8,
    hidden: int = 64,
    top: int = 2,
    balance: float = 0.01,
    lr: float = 1e-3,
    batch_size: int = 128,
    steps: int = 1000,
    passes: int = 20,
) -> Iterator[Any]:
    """Route each window to two of eight perceptrons, router and experts trained together.

    What a mixture is where nothing is known beforehand: experts are nets without a frequency of
    their own, the router is linear in the normalised window instead of its spectrum, and all is
    learnt from the problem's history alone. Routing is Shazeer et al.'s top-k softmax without
    noise, its loss of balance that of Switch transformers (arXiv:2101.03961), with their weight of
    0.01; windows are normalised as by RevIN. Sizes and training are ours: the validation losses on
    ETTh1 of seven others, 16 to 256 hidden units among them, were within 3 %.

    Training is bounded in steps, not in time, so that a seed gives one model on every machine: 1000
    steps of 128 windows take 5 s of one core. See ``patchtst`` for the rest.

    Args:
        problem: any.
        rng: seeds the weights and the order of windows.
        look_back: L, at most.
        experts: with one hidden layer each.
        hidden: width of that layer.
        top: experts for each window, at most ``experts``.
        balance: weight of the load-balancing loss.
        lr: Adam's first step length.
        batch_size: windows, pooled over series.
        steps: of training, at most.
        passes: over the training windows, at most.
    """
    from tiltyard.implementations.forecasting._deep import fitted, shortened
    from tiltyard.implementations.forecasting._pooled import forecaster
    from tiltyard.implementations.forecasting._routed_mixture import RoutedMixture

    with problem.phase("fit"):
        length = shortened(problem, look_back)

        def build() -> RoutedMixture:
            return RoutedMixture(
                length, problem.horizon, experts=experts, hidden=hidden, top=top, balance=balance
            )

        data, model = fitted(
            problem, rng, build, length, lr=lr, batch_size=batch_size, steps=steps, passes=passes
        )
        forecast = forecaster(problem, data, model)
    made = problem.roll(forecast, parameters=model.parameters)
    made.notes["look-back"] = length
    made.notes["validation loss"] = model.loss
    yield made
