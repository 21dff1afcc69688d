"""What is claimed for SPL+ (Meng & Gower 2023), measured on a grid of step sizes.

The paper's abstract (arXiv 2305.17498) is what was at hand. Four methods run the same grid: SGM,
SPL, our scaled SPL+, and, as the control, SGM with the same scaling: what it shares with SPL+ comes
from the scaling, not from the prox-linear model. Widths are taken from reporting seeds; the best
step is chosen on tuning seeds and its gap reported on the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tiltyard.claim import Claim, Finding, Request
from tiltyard.names import Value
from tiltyard.suite import Budget

Array = NDArray[np.float64]

METHODS = ("sgm", "spl", "sgm_scaled", "spl_plus")
STEPS = tuple(float(f"{10.0**half:.3g}") for half in np.arange(-6.0, 6.25, 0.5))
STEP_DECADES = 0.5
LOOSE, TIGHT = 1e-1, 1e-2
TUNING_SEEDS = (0, 1, 2)
REPORTING_SEEDS = (10, 11, 12, 13, 14)
BUDGET = Budget(cost=30_000)
RESAMPLES = 1000

SYNTHETIC = tuple(
    f"{noise}-{loss}" for noise in ("normal", "lognormal", "pareto") for loss in ("abs", "sq")
)
UNIT = (*SYNTHETIC, "diabetes-abs", "diabetes-sq")
TWINS = ("lognormal-abs", "lognormal-sq", "diabetes-abs", "diabetes-sq")


def _requests(problems: Sequence[str]) -> list[Request]:
    """Return the grid of last iterates on the problems."""
    return [
        Request(
            problem=problem,
            implementation=method,
            parameters={"step": step, "average": False},
            seeds=(*TUNING_SEEDS, *REPORTING_SEEDS),
            budget=BUDGET,
        )
        for problem in problems
        for method in METHODS
        for step in STEPS
    ]


def _twin(problem: str) -> str:
    return f"{problem}[scale=100]"


@dataclass(frozen=True, slots=True)
class _Grid:
    """Final gaps, infinite for failed runs, over (problem, method, step, seed)."""

    gaps: Array

    @classmethod
    def of(cls, records: Sequence[Any], problems: int) -> _Grid:
        """Arrange records, which come in the order of their requests."""
        gaps = [math.inf if r.status.failed else r.metrics["gap"] for r in records]
        seeds = len(TUNING_SEEDS) + len(REPORTING_SEEDS)
        return cls(np.array(gaps).reshape(problems, len(METHODS), len(STEPS), seeds))

    @property
    def tuning(self) -> Array:
        return self.gaps[..., : len(TUNING_SEEDS)]

    @property
    def reporting(self) -> Array:
        return self.gaps[..., len(TUNING_SEEDS) :]

    def best(self) -> tuple[NDArray[np.int64], Array]:
        """Return the (problem, method) best step on tuning seeds, and its gap on the others."""
        chosen = np.argmin(np.median(self.tuning, axis=-1), axis=-1)
        medians = np.median(self.reporting, axis=-1)
        return chosen, np.take_along_axis(medians, chosen[..., None], axis=-1)[..., 0]


def width(good: Any) -> Array:
    """Return the decades of the longest run of good steps along the last axis.

    A step stands for its cell of the grid, so one good step is half a decade wide.

    Args:
        good: boolean array, steps along its last axis.
    """
    longest = np.zeros(good.shape[:-1])
    current = np.zeros(good.shape[:-1])
    for index in range(good.shape[-1]):
        current = np.where(good[..., index], current + 1, 0)
        longest = np.maximum(longest, current)
    return STEP_DECADES * longest


def _interval(values: Any, gaps: Array) -> tuple[float, float]:
    """Return the 95 % interval of the mean over problems, by bootstrap over problems and seeds.

    Args:
        values: a function of (problem, method, step, seed) gaps to a number for each problem.
        gaps: of the reporting seeds.
    """
    rng = np.random.default_rng(2305)
    problems, seeds = gaps.shape[0], gaps.shape[-1]
    means = []
    for _ in range(RESAMPLES):
        drawn = gaps[rng.integers(problems, size=problems)]
        means.append(np.mean(values(drawn[..., rng.integers(seeds, size=seeds)])))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _verdict(low: float, high: float) -> Literal["reproduced", "not reproduced", "inconclusive"]:
    if low > 0:
        return "reproduced"
    return "not reproduced" if high <= 0 else "inconclusive"


def _widths(gaps: Array, level: float) -> Array:
    """Return (problem, method) widths of the steps whose median gap is below the level."""
    return width(np.median(gaps, axis=-1) <= level)


def _common_widths(gaps: Array, level: float) -> Array:
    """Return widths of the steps that do on a problem and on its twin, stacked on axis 1."""
    return width((np.median(gaps, axis=-1) <= level).all(axis=1))


def _finding(grid: Array, widths: Any, rows: list[dict[str, Value]], unit: str) -> Finding:
    """Compare SPL+ with SGM, and with the control, at both levels."""

    def gain(other: str, level: float) -> tuple[float, float, float]:
        def over(gaps: Array) -> Array:
            found: Array = widths(gaps, level)
            return found[:, METHODS.index("spl_plus")] - found[:, METHODS.index(other)]

        return (float(np.mean(over(grid))), *_interval(over, grid))

    effect, low, high = gain("sgm", LOOSE)
    others = (("SGM", TIGHT), ("the control", LOOSE), ("the control", TIGHT))
    names = {"SGM": "sgm", "the control": "sgm_scaled"}
    told = []
    for name, level in others:
        value, bottom, top = gain(names[name], level)
        told.append(f"against {name} at {level:g}: {value:+.2f} [{bottom:+.2f}, {top:+.2f}]")
    return Finding(
        verdict=_verdict(low, high),
        effect=effect,
        low=low,
        high=high,
        unit=unit,
        rows=rows,
        note="Further, " + "; ".join(told) + ".",
    )


def _measure_range(records: Sequence[Any]) -> Finding:
    grid = _Grid.of(records, len(UNIT))
    loose, tight = (_widths(grid.reporting, level) for level in (LOOSE, TIGHT))
    worse = (~(grid.reporting <= 1.0)).sum(axis=(2, 3))
    chosen, tuned = grid.best()
    rows: list[dict[str, Value]] = [
        {
            "problem": problem,
            "implementation": method,
            "decades under 0.1": float(loose[i, j]),
            "decades under 0.01": float(tight[i, j]),
            "runs worse than the start": int(worse[i, j]),
            "best step": STEPS[chosen[i, j]],
            "its gap": float(tuned[i, j]),
        }
        for i, problem in enumerate(UNIT)
        for j, method in enumerate(METHODS)
    ]
    return _finding(grid.reporting, _widths, rows, "more decades of steps than SGM under gap 0.1")


def _measure_scaling(records: Sequence[Any]) -> Finding:
    grid = _Grid.of(records, 2 * len(TWINS))
    pairs = np.stack([grid.reporting[: len(TWINS)], grid.reporting[len(TWINS) :]], axis=1)
    loose, tight = (_common_widths(pairs, level) for level in (LOOSE, TIGHT))
    chosen, tuned = grid.best()
    rows: list[dict[str, Value]] = []
    for i, problem in enumerate(TWINS):
        for j, method in enumerate(METHODS):
            here, there = chosen[i, j], chosen[len(TWINS) + i, j]
            rows.append(
                {
                    "problem": problem,
                    "implementation": method,
                    "decades under 0.1 on both": float(loose[i, j]),
                    "decades under 0.01 on both": float(tight[i, j]),
                    "shift of the best step": STEP_DECADES * float(there - here),
                    "best gap": float(tuned[i, j]),
                    "best gap of y x 100": float(tuned[len(TWINS) + i, j]),
                }
            )
    unit = "more decades of steps than SGM that do for y and y x 100 alike"
    return _finding(pairs, _common_widths, rows, unit)


_RULE = (
    "Final gap of the last iterate after 30,000 samples, steps 1e-6 to 1e6, median over 5 "
    "reporting seeds; interval by bootstrap over problems and seeds. Reproduced if the interval is "
    "above zero, not reproduced if none of it is."
)

STEP_RANGE = Claim(
    name="wider-step-range",
    suite="cvar",
    statement="SPL+ admits a wider range of step sizes than SGM.",
    source="arXiv:2305.17498",
    summary=f"Width in decades of the steps that reach a gap of 0.1. {_RULE}",
    plan=lambda: _requests(UNIT),
    measure=_measure_range,
    module=__name__,
)

LOSS_SCALING = Claim(
    name="adapts-to-loss-scaling",
    suite="cvar",
    statement="SPL+ adapts to the scaling of the loss.",
    source="arXiv:2305.17498",
    summary=f"Width in decades of the steps that reach 0.1 on y and on y x 100. {_RULE}",
    plan=lambda: _requests((*TWINS, *map(_twin, TWINS))),
    measure=_measure_scaling,
    module=__name__,
)
