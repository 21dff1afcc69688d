"""The deep forecasters as methods: what they learn, and that a seed is one model."""

from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn

from tiltyard.implementations.forecasting._deep import fitted, shortened
from tiltyard.suites.forecasting import SUITE
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem

FEW = {
    "patchtst": {"look_back": 48, "width": 8, "hidden": 16, "layers": 1, "steps": 60, "lr": 1e-2},
    "tiny_moe": {"look_back": 48, "hidden": 16, "steps": 150, "lr": 1e-2},
}


def task(values, *, track="rolling", horizon=8, season=24, windows=2):
    columns = values.shape[1]
    origin = columns - horizon * windows
    return ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track=track,
        horizon=horizon,
        season=season,
        origin=origin,
        windows=windows,
        stride=horizon,
        train=origin - 2 * horizon,
    )


def waves(series=3, columns=300, period=12):
    t = np.arange(columns)
    rng = np.random.default_rng(0)
    return np.stack([5.0 + np.sin(2 * np.pi * (t / period + rng.uniform())) for _ in range(series)])


def answer(name, problem, *, seed=0, device="cpu", **parameters):
    method = getattr(import_module(f"tiltyard.implementations.forecasting.{name}"), name)
    given = {**method.parameters, **FEW[name], **parameters}
    (made,) = method.function(problem.on(device), np.random.default_rng(seed), **given)
    return made


def score(problem, made):
    judge = SUITE.judge(problem)
    return judge.score(judge.accept(made)).metrics


@pytest.mark.parametrize("name", FEW)
def test_learns_a_wave_of_another_period_than_the_season(name):
    # Seven values are no period of the wave: the seasonal naive forecast of that season is wrong.
    problem = task(waves(), season=7)
    made = answer(name, problem)
    assert score(problem, made)["gap"] < 0.3
    assert made.parameters > 500
    assert made.notes["look-back"] == 48


@pytest.mark.parametrize("name", FEW)
def test_quantiles_on_the_rolling_track_alone(name):
    rolling = answer(name, task(waves()), steps=3)
    assert rolling.quantiles.shape == (2, 3, 9, 8)
    assert (np.diff(rolling.quantiles, axis=2) >= 0).all()
    assert answer(name, task(waves(), track="long-horizon"), steps=3).quantiles is None


@pytest.mark.parametrize("name", FEW)
def test_one_seed_is_one_model(name):
    problem = task(waves(columns=200))
    one, same, other = (answer(name, problem, seed=seed, steps=5) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.point, same.point)
    np.testing.assert_array_equal(one.quantiles, same.quantiles)
    assert not np.array_equal(one.point, other.point)


class _Rolled:
    """Stands for ``problem.roll``: keeps the forecaster."""

    def __init__(self):
        self.notes = {}

    def __call__(self, forecast, **_):
        self.forecast = forecast
        return self


@pytest.mark.parametrize("name", FEW)
def test_series_in_another_order_have_the_same_forecasts(name):
    run = task(waves(series=5), track="long-horizon").on("cpu")
    run.roll = rolled = _Rolled()
    method = getattr(import_module(f"tiltyard.implementations.forecasting.{name}"), name)
    given = {**method.parameters, **FEW[name], "steps": 5}
    next(method.function(run, np.random.default_rng(0), **given))
    order = [3, 0, 4, 1, 2]
    found = rolled.forecast(run.history[order])
    np.testing.assert_allclose(found, rolled.forecast(run.history)[order], atol=1e-5)


@pytest.mark.parametrize("name", FEW)
def test_gaps_late_series_and_short_ones(name):
    values = waves(columns=200)
    values[0, 50:60] = np.nan
    values[1, :190] = np.nan  # begins in the test part's last window
    values[2, :120] = np.nan
    made = answer(name, task(values), steps=3)
    assert np.isfinite(made.point).all()
    assert made.notes["look-back"] < 48


@pytest.mark.parametrize("name", FEW)
def test_a_history_of_little_more_than_a_horizon(name):
    made = answer(name, task(waves(columns=60)), steps=3)
    assert np.isfinite(made.point).all()


class _Shrinks(nn.Module):
    """Forecasts nothing, and asks for a weight of 0."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x):
        self.penalty = self.weight.square()
        return 0.0 * self.weight * x[:, :8]


def test_what_a_module_adds_to_the_loss_counts():
    problem = task(waves(columns=200))
    arguments = {"lr": 0.1, "batch_size": 8, "steps": 10, "passes": 1}
    rng = np.random.default_rng(0)
    _, trained = fitted(problem.on("cpu"), rng, _Shrinks, 24, **arguments)
    # The first epoch is kept, as forecasts do not get better: a step of Adam of 0.1.
    assert float(trained.model.inside.weight.detach()) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(
    ("values", "wanted", "expected"), [(600, 48, 48), (100, 48, 12), (300, 90, 45), (50, 48, 3)]
)
def test_short_series_shorten_the_look_back(values, wanted, expected):
    # Of 100 values, 68 come before validation: three contexts of 12 and a horizon of 8 fit.
    assert shortened(task(waves(columns=values)), wanted) == expected


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", FEW)
def test_the_gpu_learns_it_too(name):
    problem = task(waves(), season=7)
    assert score(problem, answer(name, problem, device="cuda"))["gap"] < 0.3
