"""What the linear forecasters can represent, and that training finds it."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tiltyard.implementations.forecasting._closed_form import Moments
from tiltyard.implementations.forecasting._linear_modules import (
    CycleNet,
    DLinear,
    Fits,
    NLinear,
    RevIN,
    SparseTsf,
)
from tiltyard.implementations.forecasting._torch_training import Batches, Recipe, train
from tiltyard.implementations.forecasting._windows import split
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem

L, H = 8, 3


def problem(values, *, horizon=H, season=4, track="long-horizon"):
    origin = values.shape[1] - 2 * horizon
    return ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track=track,
        horizon=horizon,
        season=season,
        origin=origin,
        windows=2,
        stride=horizon,
        train=origin - 5 * horizon,
    )


def walk(series=2, length=150):
    rng = np.random.default_rng(0)
    t = np.arange(length)
    noise = np.cumsum(0.3 * rng.standard_normal((series, length)), axis=1)
    return noise + np.sin(2 * np.pi * t / 4)


def flat(_epoch):
    return 1.0


@pytest.mark.parametrize(
    ("build", "normalisation"),
    [(lambda: DLinear(L, H, 5), "none"), (lambda: NLinear(L, H), "last")],
)
def test_training_reaches_least_squares(build, normalisation):
    one = problem(walk())
    data = split(one, L)
    normal = Moments(data.train).normalised(normalisation)
    _, W, c = next(normal.path((1e-12,)))
    least = normal.squared_error(W, c) / (len(data.train) * H)
    # Validated on its own training windows: so the best epoch is the one of the least loss.
    data = type(data)(data.train, data.train, data.everything, data.scaling)
    recipe = Recipe(lr=0.03, batch_size=1000, epochs=20, patience=20, schedule=lambda k: 0.8**k)
    trained = train(build, one, data, recipe, np.random.default_rng(0))
    assert least * (1 - 1e-4) <= trained.loss <= least * 1.02


def test_dlinear_is_a_moving_average_and_the_rest():
    x = torch.arange(10.0)[None] ** 2
    module = DLinear(10, 10, 3)
    with torch.no_grad():
        for part in (module.trend, module.rest):
            part.bias.zero_()
            part.weight.zero_()
        module.trend.weight.copy_(torch.eye(10))
    average = module(x)[0].detach()
    padded = np.concatenate([[0.0], np.arange(10.0) ** 2, [81.0]])
    np.testing.assert_allclose(average, np.convolve(padded, np.ones(3) / 3, "valid"), rtol=1e-6)
    with torch.no_grad():
        module.rest.weight.copy_(torch.eye(10))
    torch.testing.assert_close(module(x), x)


def test_fits_continues_a_band_limited_sine():
    length, ahead = 48, 24
    module = Fits(length, ahead, 10)
    with torch.no_grad():
        module.weight.zero_()
        for k in range(10):
            if 3 * k % 2 == 0:
                module.weight[0, k, 3 * k // 2] = 1.0
    t = torch.arange(length + ahead, dtype=torch.float32)
    wave = torch.sin(2 * math.pi * t / 12 + 0.7) + 0.5 * torch.cos(2 * math.pi * t / 24) + 2.0
    torch.testing.assert_close(module(wave[None, :length])[0], wave[length:], atol=1e-5, rtol=0)
    above = torch.sin(2 * math.pi * t / 4)
    assert module(above[None, :length]).abs().max() < 1e-5


def test_sparse_tsf_is_exact_on_a_periodic_series():
    period = 6
    module = SparseTsf(27, 16, period)
    with torch.no_grad():
        module.kernel.zero_()
        module.map.weight.fill_(1.0 / 4)
    rng = np.random.default_rng(0)
    series = torch.from_numpy(np.tile(rng.standard_normal(period), 8)[: 27 + 16]).float()
    torch.testing.assert_close(module(series[None, :27])[0], series[27:], atol=1e-6, rtol=0)


def test_sparse_tsf_smooths_by_convolution():
    x = torch.randn(3, 24, generator=torch.Generator().manual_seed(0))
    module = SparseTsf(24, 6, 6)
    with torch.no_grad():
        module.map.weight.zero_()
        module.map.weight[0, 1] = 1.0
    centred = x - x.mean(dim=1, keepdim=True)
    smooth = nn.functional.conv1d(centred[:, None], module.kernel[None, None], padding=3)[:, 0]
    expected = (centred + smooth)[:, 6:12] + x.mean(dim=1, keepdim=True)
    torch.testing.assert_close(module(x), expected)


def test_cyclenet_learns_an_additive_cycle():
    rng = np.random.default_rng(0)
    cycles = rng.standard_normal((2, 6))
    t = np.arange(240)
    one = problem(np.stack([cycle[t % 6] for cycle in cycles]), season=6)

    class Zero(nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), H)

    data = split(one, 12)
    recipe = Recipe(lr=0.05, batch_size=64, epochs=20, schedule=lambda k: 0.8**k)
    made = train(lambda: CycleNet(2, 6, Zero(), 12, H), one, data, recipe, rng, placed=True)
    np.testing.assert_allclose(made.model.cycles.detach(), cycles, atol=1e-3)
    x = one.history[:, -12:]
    ahead = made(x, np.arange(2), np.full(2, one.origin - 12))
    np.testing.assert_allclose(ahead, one.panel.values[:, one.origin : one.origin + H], atol=1e-3)


def test_revin_of_a_constant_window_is_that_constant():
    module = RevIN(nn.Linear(L, H, bias=False))
    x = torch.full((1, L), 5.0, requires_grad=True)
    made = module(x)
    torch.testing.assert_close(made, torch.full((1, H), 5.0))
    made.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_revin_follows_shift_and_scale():
    module = RevIN(nn.Linear(L, H))
    x = torch.randn(4, L, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module(100 * x + 7), 100 * module(x) + 7, rtol=1e-3, atol=1e-2)


def test_an_epoch_misses_no_window():
    one = problem(walk())
    data = split(one, L)
    batches = Batches(data.train)
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            if self.training:
                seen.append(x[:, 0])
            return super().forward(x)

    recipe = Recipe(lr=1e-3, batch_size=5, epochs=1)
    train(lambda: Spy(L, H), one, data, recipe, np.random.default_rng(0))
    assert len(batches) % 5
    found = torch.cat(seen).sort().values
    expected = batches[torch.arange(len(batches))][0][0][:, 0].sort().values
    torch.testing.assert_close(found, expected)


def test_early_stopping_returns_the_best_epoch():
    one = problem(walk())
    data = split(one, L)
    recipe = Recipe(lr=1.0, batch_size=64, epochs=30, patience=2, schedule=flat)
    made = train(lambda: nn.Linear(L, H), one, data, recipe, np.random.default_rng(1))
    x, y = data.validation.take(slice(None))
    assert ((made(x) - y) ** 2).mean() == pytest.approx(made.loss, rel=1e-4)
    assert made.epochs < 30


def test_a_seed_gives_one_model_and_leaves_torch_alone():
    one = problem(walk())
    data = split(one, L)
    recipe = Recipe(lr=1e-2, batch_size=16, epochs=2, steps=20)
    before = torch.random.get_rng_state()
    models = [
        train(
            lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(L, H)),
            one,
            data,
            recipe,
            np.random.default_rng(seed),
        )
        for seed in (3, 3, 4)
    ]
    weights = [made.model[1].weight for made in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(before, torch.random.get_rng_state())
