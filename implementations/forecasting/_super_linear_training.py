"""Trains Super-Linear from scratch: frequency experts first, then the gate with the others.

The order is the published one (Nochumsohn et al. 2025): experts are trained for themselves, on data
resampled to their frequencies, and are frozen; then the gate learns to mix them. Data, closed form,
loss and schedule are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import threadpoolctl
import torch
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._super_linear_experts import (
    complementary_experts,
    frequency_experts,
)
from tiltyard.implementations.forecasting._super_linear_mixing import Mixing, mix
from tiltyard.implementations.forecasting._super_linear_series import (
    changed,
    normalised,
    real_series,
    real_windows,
    stretched,
)
from tiltyard.implementations.forecasting._super_linear_shape import (
    COMPLEMENTARY,
    LOOK_BACK,
    PERIODS,
    SPECTRUM,
)
from tiltyard.implementations.forecasting._super_linear_synthetic import generated_windows
from tiltyard.implementations.forecasting._super_linear_weights import Weights, save

Array = NDArray[np.float64]
Experts = tuple[Array, Array]
Report = Callable[[str], None]

RATES = (7, 12, 14, *(8 * (24,)), 30, *(3 * (48,)), 72, *(2 * (96,)), 144, 168)
"""Values in a day at which the gate sees real series; most are hourly."""

STRETCHES = (1, 1, 1, 1, 2, 3, 4, 6, 8)
"""How many times the rate generated windows are interpolated to, as short series are."""

COMMON = 0.5
"""The share of generated windows whose period is one of ``RATES``."""

CHANGED = 0.08
"""The share of windows whose level and amplitude were others until some moment."""

_LONGEST_SEASON = 400
"""A longer one cannot be seen to repeat within a window."""

_SMALLEST_CHANGE = 0.02
"""From season to season, in deviations: no window counts for more than one that changes by it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained.

    Attributes:
        periods: of the frequency experts.
        complementary: experts that are trained with the gate.
        real: windows of each real series that each frequency expert sees; 0 for none.
        generated: windows that are generated for each frequency expert.
        mixed: windows that the gate sees.
        share: of them that are generated.
        mixing: of the gate.
    """

    periods: tuple[int, ...] = PERIODS
    complementary: int = COMPLEMENTARY
    real: int = 150
    generated: int = 1000
    mixed: int = 50_000
    share: float = 0.3
    mixing: Mixing = field(default_factory=Mixing)


def train(out: Path, *, seed: int, report: Report) -> str:
    """Train the full model and write it, in float16; return the SHA-256 of the file.

    The same seed gives the same bytes, on the same machine with the same libraries.

    Args:
        out: the .npz file to write.
        seed: decides windows, batches and the gate's noise.
        report: takes a line about the progress.
    """
    return save(out, trained(Recipe(), seed=seed, report=report))


def trained(
    recipe: Recipe, *, seed: int, report: Report, experts: Experts | None = None
) -> Weights:
    """Return the weights of a model that is trained on one core.

    Args:
        recipe: what it learns from, and how.
        seed: see ``train``.
        report: see ``train``.
        experts: what ``frequency`` returned for the same recipe and seed, to save that time.
    """
    with one_thread():
        weight, bias = experts or frequency(recipe, seed=seed, report=report)
        windows, counts = mixed_windows(recipe, seed=seed)
        drawn = _random(seed, "gate")
        if recipe.complementary:
            more, levels = complementary_experts(windows, recipe.complementary, drawn)
            weight, bias = np.concatenate([weight, more]), np.concatenate([bias, levels])
        gates = 2 + len(weight)
        weights = Weights(
            periods=np.array(recipe.periods, np.int64),
            expert_weight=weight.astype(np.float32),
            expert_bias=bias.astype(np.float32),
            gate_weight=np.zeros((gates, SPECTRUM // 2), np.float32),
            gate_bias=np.zeros(gates, np.float32),
        )
        report(f"gate: {len(windows)} windows, {recipe.mixing.epochs} epochs")
        batches = int(drawn.integers(2**31))
        return mix(weights, windows, counts, recipe.mixing, seed=batches, report=report)


def frequency(recipe: Recipe, *, seed: int, report: Report) -> Experts:
    """Return the frequency experts, before there is a gate: the first half of the training."""
    report(f"experts: {len(recipe.periods)} of a period each, in closed form")
    with one_thread():
        return frequency_experts(
            recipe.periods,
            real_series() if recipe.real else [],
            _random(seed, "experts"),
            real=recipe.real,
            generated=recipe.generated,
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Let NumPy and torch use one thread: sums of several need not be the same ones twice."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def _random(seed: int, what: Literal["experts", "windows", "gate"]) -> np.random.Generator:
    """Return a stream of its own for a part, so that a change of one leaves the others alone."""
    return np.random.default_rng([seed, ("experts", "windows", "gate").index(what)])


def mixed_windows(recipe: Recipe, *, seed: int) -> tuple[Array, Array]:
    """Return normalised windows (N, 608) in random order, and how much each counts, (N,).

    A window counts the more, the less its inputs change from one season to the next: an error that
    is small beside noise is large beside a regular cycle, and MASE measures it so.

    Args:
        recipe: how many, and the share of generated ones.
        seed: draws windows.
    """
    rng = _random(seed, "windows")
    made, counts = [], []

    def add(windows: Array, season: int) -> None:
        some = rng.uniform(size=len(windows)) < CHANGED
        windows[some] = changed(windows[some], rng)
        made.append(normalised(windows))
        counts.append(_counts(made[-1][:, :LOOK_BACK], season))

    generated = round(recipe.mixed * recipe.share)
    if generated < recipe.mixed:
        series = real_series()
        each = -(-(recipe.mixed - generated) // (len(RATES) * len(series)))
        for day in RATES:
            add(real_windows(series, day, each, rng), day)
    periods, finer = rng.choice(recipe.periods, generated), rng.choice(STRETCHES, generated)
    common = rng.uniform(size=generated) < COMMON
    periods[common] = rng.choice(RATES, common.sum())
    finer[common] = 1
    for period, factor in np.unique(np.stack([periods, finer], axis=1), axis=0):
        count = int(((periods == period) & (finer == factor)).sum())
        coarse = generated_windows(np.full(count, period), rng)
        add(stretched(coarse, int(factor)), int(period * factor))
    order = rng.permutation(sum(map(len, made)))
    return np.concatenate(made)[order], np.concatenate(counts)[order]


def _counts(x: Array, season: int) -> Array:
    if season > _LONGEST_SEASON:
        return np.ones(len(x))
    change = np.abs(x[:, season:] - x[:, :-season]).mean(axis=1)
    made: Array = 1.0 / np.maximum(change, _SMALLEST_CHANGE)
    return made
