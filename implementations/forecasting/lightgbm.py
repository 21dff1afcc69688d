"""Boosted trees of lags: LightGBM (Ke et al., 2017) through mlforecast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="https://papers.nips.cc/paper/6907-lightgbm-a-highly-efficient-gradient-boosting-decision-tree",
    tune={"trees": (50, 1000, "log"), "leaves": (7, 127, "log"), "rate": (0.01, 0.3, "log")},
    needs={"lightgbm": "lightgbm>=4.5", "mlforecast": "mlforecast>=1"},
    requires={"track": ("rolling",)},
)
def lightgbm(
    problem: Any,
    rng: Any,
    *,
    trees: int = 100,
    leaves: int = 31,
    rate: float = 0.1,
    rows: int = 200_000,
) -> Iterator[Any]:
    """Fit one model of lags to all series; forecast one step after the other.

    Differences over a season, or values: what forecasts the validation windows better, by the mean
    absolute error relative to each series' seasonal differences. Quantiles are those of the
    validation residuals. The model is then fitted to all of the history. One step takes
    milliseconds, so the long-horizon track's thousands of windows would take hours.

    Args:
        problem: of track rolling.
        rng: seeds LightGBM, which draws nothing by default.
        trees: to boost; LightGBM's default, as those below.
        leaves: of a tree.
        rate: of learning.
        rows: to fit to at the most, the last of each series.
    """
    from tiltyard.implementations.forecasting._lightgbm import chosen

    settings = {
        "n_estimators": trees,
        "num_leaves": leaves,
        "learning_rate": rate,
        "random_state": int(rng.integers(2**31)),
        "n_jobs": 1,
        "deterministic": True,
        "force_row_wise": True,  # else it tries which is faster
        "verbosity": -1,
    }
    length = min(max(1, rows // problem.series), problem.origin)
    with problem.phase("fit"):
        model, spread, difference = chosen(problem, length, settings)

    def forecast(past: Any) -> Any:
        point = model(past)
        return point, spread(point, past)

    made = problem.roll(forecast, parameters=model.parameters)
    made.notes |= {"look-back": length, "seasonal differences": difference}
    yield made
