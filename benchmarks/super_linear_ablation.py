"""What the parts of Super-Linear's training contribute, one factor at a time.

Run it as ``python benchmarks/super_linear_ablation.py [--data-dir DIR] [--seeds 5] [--test]``. Each
row changes one thing about a smaller recipe than the shipped model's (``BASE``), is trained with
several seeds, and is scored on data that no model was trained on: the development hold-outs, which
decisions may be made on, and with ``--test`` the two tests, which none may. DIR holds a user's
copies of vic_electricity.csv (of skforecast-datasets; New York's taxis ship with the package),
ETTh1.csv and M4's Hourly-train.csv and Hourly-test.csv. A Markdown table is printed: the mean over
the seeds, and their standard deviation.

Columns: ``dev MSE`` is the mean squared error of every seventh window of 96 values after 512, over
seasonal naive's; ``dev MAE`` the mean absolute one of the first 48; both geometric means over the
series. ``ETTh1`` is the MSE of every seventh window of the suite's problem of horizon 96; ``M4`` is
the MASE of M4 hourly. It takes about 10 minutes of one core.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from tiltyard.implementations.forecasting import _super_linear_training as training
from tiltyard.implementations.forecasting._super_linear import SuperLinear
from tiltyard.implementations.forecasting._super_linear_mixing import Mixing
from tiltyard.implementations.forecasting._super_linear_shape import PERIODS
from tiltyard.implementations.forecasting._super_linear_weights import Weights
from tiltyard.registry import registry
from tiltyard.suites.forecasting.metrics import seasonal_errors

DAY = 24
HORIZON = 96
LOOK_BACK = 512
SEARCHED = 6 * LOOK_BACK
"""Values of the past, with which the rate is searched."""

STRIDE = 7
"""From one window that is scored to the next."""

BASE = training.Recipe(
    real=30, generated=200, mixed=8_000, mixing=Mixing(epochs=5, expert_rate=1e-3)
)


@dataclass(frozen=True)
class Row:
    """One line of the table: what is changed, and what that becomes."""

    factor: str
    value: str
    recipe: training.Recipe = BASE
    look_back: int = LOOK_BACK
    uniform: bool = False
    scores: dict[str, list[float]] = field(default_factory=dict)


def rows() -> list[Row]:
    """Return the lines of the table; the first one is the base."""
    made = [Row("none (base)", "real and generated, 37 + 12 experts, k = 12, learnt gate")]
    made.append(Row("data", "generated only", replace(BASE, real=0, share=1.0)))
    made.append(Row("data", "real only", replace(BASE, generated=0, share=0.0)))
    made.append(Row("frequency experts", "10", replace(BASE, periods=PERIODS[::4])))
    made.append(Row("frequency experts", "daily only (24)", replace(BASE, periods=(DAY,))))
    made.append(Row("complementary experts", "none", replace(BASE, complementary=0)))
    made.extend(
        Row("top-k", name, replace(BASE, mixing=replace(BASE.mixing, top_k=k)))
        for name, k in (("1", 1), ("4", 4), ("all", 51))
    )
    made.append(Row("gate", "uniform over all experts", uniform=True))
    made.append(Row("scale search", "on (3072 values seen)", look_back=SEARCHED))
    return made


@cache
def experts(periods: tuple[int, ...], real: int, generated: int, seed: int):
    """Return frequency experts, which rows share."""
    recipe = replace(BASE, periods=periods, real=real, generated=generated)
    return training.frequency(recipe, seed=seed, report=lambda _: None)


@cache
def weights_of(recipe: training.Recipe, seed: int) -> Weights:
    """Return the weights of a model, which rows share."""
    given = experts(recipe.periods, recipe.real, recipe.generated, seed)
    return training.trained(recipe, seed=seed, report=lambda _: None, experts=given)


def trained(row: Row, seed: int) -> SuperLinear:
    """Return the model of a row."""
    weights = weights_of(row.recipe, seed)
    if row.uniform:
        gate = np.zeros_like(weights.gate_weight)
        weights = replace(weights, gate_weight=gate, gate_bias=np.zeros_like(weights.gate_bias))
    k = 51 if row.uniform else row.recipe.mixing.top_k
    return SuperLinear(weights, top_k=k, look_back=row.look_back)


def development() -> dict[str, np.ndarray]:
    """Return the hourly hold-out series, (T,) each, as far as they are at hand."""
    taxis = registry().build("forecasting", "nyc-taxi").panel.values[0]
    made = {"taxis": taxis[: len(taxis) // 2 * 2].reshape(-1, 2).mean(axis=1)}
    for folder in os.environ.get("TILTYARD_DATA", "").split(os.pathsep):
        for path in sorted(Path(folder or ".").rglob("vic_electricity.csv")) if folder else ():
            table = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=(1, 2))
            hourly = table[: len(table) // 2 * 2].reshape(-1, 2, 2).mean(axis=1)
            made |= {"Victoria's demand": hourly[:, 0], "its temperature": hourly[:, 1]}
    return made


def windows(values: np.ndarray, first: int, stride: int, before: int):
    """Return the pasts (N, before), NaN where none is, and the futures (N, 96) of a series."""
    padded = np.concatenate([np.full(before, np.nan), values])
    views = np.lib.stride_tricks.sliding_window_view(padded, before + HORIZON)
    views = views[first::stride]
    return views[:, :before], views[:, before:]


def score_development(model: SuperLinear, series: dict[str, np.ndarray], before: int):
    """Return the two development scores; the last 40% of each series are forecast."""
    squared, absolute = [], []
    for values in series.values():
        past, future = windows(values, int(0.6 * len(values)), STRIDE, before)
        errors = model.forecast(past, HORIZON) - future
        naive = np.tile(past[:, -DAY:], HORIZON // DAY) - future
        squared.append((errors**2).mean() / (naive**2).mean())
        half = HORIZON // 2
        absolute.append(np.abs(errors[:, :half]).mean() / np.abs(naive[:, :half]).mean())
    means = [float(np.exp(np.log(scores).mean())) for scores in (squared, absolute)]
    return dict(zip(("dev MSE", "dev MAE"), means, strict=True))


def score_tests(model: SuperLinear, before: int) -> dict[str, float]:
    """Return the scores on ETTh1 and M4 hourly."""
    ett = registry().build("forecasting", "ett-long[data=etth1,horizon=96]")
    errors, count = 0.0, 0
    for values in ett.panel.values:
        last = ett.origin + ett.windows - 1 + HORIZON
        past, future = windows(values[:last], ett.origin, STRIDE, before)
        errors += float(((model.forecast(past, HORIZON) - future) ** 2).sum())
        count += future.size
    m4 = registry().build("forecasting", "m4[frequency=hourly]")
    point = model.forecast(m4.history, m4.horizon)
    future = m4.panel.values[:, m4.origin : m4.origin + m4.horizon]
    scale = seasonal_errors(m4.panel.values, m4.season, np.array([m4.origin])).mean[0]
    mase = np.abs(point - future).mean(axis=1) / scale
    return {"ETTh1": errors / count, "M4": float(mase.mean())}


def _cell(scores: list[float]) -> str:
    spread = f" ± {np.std(scores, ddof=1):.3f}" if len(scores) > 1 else ""
    return f"{np.mean(scores):.3f}{spread}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data-dir", default=os.environ.get("TILTYARD_DATA", ""))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--test", action="store_true", help="score on ETTh1 and M4 hourly, too")
    given = parser.parse_args()
    os.environ["TILTYARD_DATA"] = given.data_dir
    series = development()
    columns = ["dev MSE", "dev MAE", *(["ETTh1", "M4"] if given.test else [])]
    start = time.perf_counter()
    sys.stdout.write(f"Hold-outs: {', '.join(series)}; {given.seeds} seeds.\n\n")
    sys.stdout.write(
        f"| factor | value | {' | '.join(columns)} |\n|---|---|{'---|' * len(columns)}\n"
    )
    for row in rows():
        for seed in range(given.seeds):
            model = trained(row, seed)
            scores = score_development(model, series, row.look_back)
            if given.test:
                scores |= score_tests(model, row.look_back)
            for name, score in scores.items():
                row.scores.setdefault(name, []).append(score)
        cells = " | ".join(_cell(row.scores[name]) for name in columns)
        sys.stdout.write(f"| {row.factor} | {row.value} | {cells} |\n")
        sys.stdout.flush()
    sys.stderr.write(f"{time.perf_counter() - start:.0f} s\n")


if __name__ == "__main__":
    main()
