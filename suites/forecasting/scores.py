"""The metrics of the suite, from sums over windows."""

from __future__ import annotations

import numpy as np

from tiltyard.suite import Answer
from tiltyard.suites.forecasting.panel import Array

INTERVAL = 0.8
"""The share of labels that the interval from level .1 to .9 is to hold."""


def scores(answer: Answer, levels: int) -> dict[str, float]:
    """Return the metrics over all windows and series: means over every known label alike.

    ``mase`` leaves out series whose seasonal error is 0 or unknown at that window, as gluonts
    does. ``smape`` is on the scale from 0 to 200: utilsforecast's times 200, gluonts' times 100;
    0 over 0 is 0, as in the former, while the latter leaves it out. ``wql`` is the mean over the
    levels of the quantile loss, doubled, over the labels' absolute sum: the CRPS of GIFT-Eval.
    ``interval_score`` is in units of the seasonal error. NaN stands for what does not apply.

    Args:
        answer: (W, S) each, what ``point_sums`` gives, ``quantile_sums`` where quantiles were
            given, and the mean ``seasonal_error``; and (S,) ``scale``, that of raw values.
        levels: how many quantiles ``quantile`` sums over; 0 where the point alone counts.
    """
    with np.errstate(over="ignore"):
        return _scores(answer, levels)


def by_window(answer: Answer, levels: int) -> dict[str, Array]:
    """Return the metrics of each window alone, (W,) each, from a record's answer.

    Args:
        answer: see ``scores``.
        levels: see ``scores``.
    """
    windows = [
        scores(
            {
                name: table[w : w + 1] if table.ndim == 2 else table
                for name, table in answer.items()
            },
            levels,
        )
        for w in range(len(answer["count"]))
    ]
    return {name: np.array([one[name] for one in windows]) for name in windows[0]}


def _scores(answer: Answer, levels: int) -> dict[str, float]:
    count, absolute, squared = (answer[name] for name in ("count", "absolute", "squared"))
    errors, scale = answer["seasonal_error"], answer["scale"]
    usable = errors > 0.0
    scaled_count = count[usable].sum()

    def scaled(name: str) -> float:
        return _ratio((answer[name][usable] / errors[usable]).sum(), scaled_count)

    total, size = count.sum(), answer["size"].sum()
    made = {
        "mase": scaled("absolute"),
        "smape": _ratio(200.0 * answer["symmetric"].sum(), total),
        "mse": _ratio(squared.sum(), total),
        "mae": _ratio(absolute.sum(), total),
        "mse_raw": _ratio((squared * scale**2).sum(), total),
        "mae_raw": _ratio((absolute * scale).sum(), total),
        "nd": _ratio((absolute * scale).sum(), size),
    }
    made |= dict.fromkeys(("wql", "coverage", "miscalibration", "interval_score"), np.nan)
    if levels and "quantile" in answer:
        made["wql"] = _ratio((answer["quantile"] * scale).sum(), levels * size)
        made["coverage"] = _ratio(answer["inside"].sum(), total)
        made["miscalibration"] = abs(made["coverage"] - INTERVAL)
        made["interval_score"] = scaled("interval")
    elif levels:
        made["wql"] = made["nd"]  # every quantile is the point
    return {name: float(value) for name, value in made.items()}


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0.0 else np.nan
