"""Super-Linear trained from scratch, in small; and the checkpoint that ships."""

from dataclasses import replace

import numpy as np
import pytest

from tiltyard.implementations.forecasting import _super_linear_training as training
from tiltyard.implementations.forecasting._super_linear import SuperLinear
from tiltyard.implementations.forecasting._super_linear_experts import ridge, spectra
from tiltyard.implementations.forecasting._super_linear_mixing import Mixing
from tiltyard.implementations.forecasting._super_linear_series import (
    WINDOW,
    Series,
    normalised,
    real_series,
    real_windows,
    stretched,
)
from tiltyard.implementations.forecasting._super_linear_shape import BLOCK, LOOK_BACK
from tiltyard.implementations.forecasting._super_linear_synthetic import generated_windows
from tiltyard.implementations.forecasting._super_linear_weights import (
    SHIPPED,
    SHIPPED_SHA256,
    file_sha256,
    load,
)

SMALL = training.Recipe(
    periods=(7, 24, 168),
    complementary=2,
    real=20,
    generated=100,
    mixed=1500,
    mixing=Mixing(top_k=3, epochs=4, batch=64),
)


def silent(_line):
    """Take no notice of the progress."""


@pytest.fixture(scope="module")
def small():
    return training.trained(SMALL, seed=1, report=silent)


@pytest.fixture(scope="module")
def shipped():
    return load(SHIPPED, sha256=SHIPPED_SHA256)


def regular(series, noise, seed=11):
    """Return hourly series of day and week that are no windows of the generator in training."""
    rng = np.random.default_rng(seed)
    t = np.arange(LOOK_BACK + BLOCK)
    day = np.cumsum(rng.standard_normal((series, 24)), axis=1)
    day -= np.linspace(0.0, 1.0, 24) * day[:, -1:]
    weekend = np.where((t // 24 + rng.integers(0, 7, (series, 1))) % 7 >= 5, 0.5, 1.0)
    x = day[:, t % 24] * weekend
    x /= x.std(axis=1, keepdims=True)
    return 20.0 + 3.0 * (x + noise * rng.standard_normal(x.shape))


def mean_absolute_error(weights, windows, top_k):
    forecast = SuperLinear(weights, top_k=top_k).forecast(windows[:, :LOOK_BACK], BLOCK)
    return np.abs(forecast - windows[:, LOOK_BACK:]).mean()


def test_the_same_seed_gives_the_same_bytes(tmp_path, monkeypatch):
    recipe = replace(SMALL, real=5, generated=30, mixed=300, mixing=Mixing(epochs=1))
    monkeypatch.setattr(training, "Recipe", lambda: recipe)
    said = []
    hashes = [
        training.train(tmp_path / f"{i}.npz", seed=seed, report=said.append)
        for i, seed in enumerate((3, 3, 4))
    ]
    assert hashes[0] == hashes[1] == file_sha256(tmp_path / "1.npz")
    assert hashes[0] != hashes[2]
    assert "epoch 1" in said[-1]


def test_the_gate_learns(small):
    windows = regular(40, 0.1)
    untrained = replace(
        small,
        gate_weight=np.zeros_like(small.gate_weight),
        gate_bias=np.zeros_like(small.gate_bias),
    )
    everything = len(small.gate_bias)
    learnt = mean_absolute_error(small, windows, SMALL.mixing.top_k)
    assert learnt < 0.9 * mean_absolute_error(untrained, windows, everything)


def test_the_expert_of_a_day_forecasts_a_sine_of_a_day(small):
    x = np.sin(2.0 * np.pi * (np.arange(WINDOW) / 24 + np.linspace(0.0, 1.0, 8)[:, None]))
    window = normalised(x)
    weight = small.expert_weight[1].astype(np.float64)
    made = window[:, :LOOK_BACK] @ weight.T + small.expert_bias[1]
    assert ((made - window[:, LOOK_BACK:]) ** 2).mean() < 1e-2


def test_one_part_changed_leaves_the_draws_of_the_others():
    other = replace(SMALL, real=0, mixing=Mixing(top_k=1))
    windows = [training.mixed_windows(recipe, seed=5)[0] for recipe in (SMALL, other)]
    assert np.array_equal(*windows)


def test_nothing_real_is_needed_and_nothing_generated():
    tiny = replace(SMALL, mixed=300, mixing=Mixing(epochs=1))
    for recipe in (
        replace(tiny, real=0, share=1.0),
        replace(tiny, generated=0, share=0.0, periods=(24, 3600)),
        replace(tiny, complementary=0),
    ):
        weights = training.trained(recipe, seed=0, report=silent)
        assert np.isfinite(weights.expert_weight).all()


def test_ridge_finds_a_linear_rule():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4000, LOOK_BACK))
    windows = np.concatenate([x, x[:, -BLOCK:] + 2.0], axis=1)
    weight, bias = ridge(windows)
    assert np.allclose(bias, 2.0, atol=0.05)
    # The penalty of 1000 shrinks what 4000 windows say by a fifth.
    assert np.allclose(np.diagonal(weight[:, -BLOCK:]), 0.8, atol=0.1)


def test_spectra_sum_to_one_and_peak_at_the_period():
    x = np.sin(2.0 * np.pi * np.arange(LOOK_BACK) / 20.0)[None, :]
    made = spectra(x)
    assert made.shape == (1, 2500)
    assert made.sum() == pytest.approx(1.0, rel=1e-5)
    assert abs(int(made.argmax()) - 250) <= 2


@pytest.mark.parametrize("day", [12, 48])
def test_resampling_keeps_the_level_and_the_day(day):
    t = np.arange(24 * 40)
    made = Series(5.0 + np.sin(2.0 * np.pi * t / 24), 24).at(day)
    assert len(made) == day * 40
    assert made[:-day].mean() == pytest.approx(5.0, abs=0.02)
    assert np.allclose(made[day : 2 * day], made[2 * day : 3 * day], atol=1e-9)


def test_real_windows_are_of_series_that_are_long_and_fine_enough():
    long, short = Series(np.arange(2000.0), 24), Series(np.arange(100.0), 24)
    rng = np.random.default_rng(0)
    assert real_windows([long, short], 24, 7, rng).shape == (7, WINDOW)
    assert len(real_windows([long], 24 * 7, 7, rng)) == 0
    assert len(real_series()) == 58


def test_stretched_windows_keep_every_value_and_the_end():
    windows = np.random.default_rng(0).standard_normal((2, WINDOW))
    made = stretched(windows, 4)
    assert made.shape == windows.shape
    assert np.allclose(made[:, ::-4], windows[:, ::-1][:, : WINDOW // 4])


def test_odd_windows_are_left_out():
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((3, WINDOW))
    windows[0, :LOOK_BACK] = 4.0
    windows[1, LOOK_BACK + 5] = 100.0
    made = normalised(windows)
    assert len(made) == 1
    assert made[0, :LOOK_BACK].mean() == pytest.approx(0.0, abs=1e-12)


def test_generated_windows_repeat():
    x = generated_windows(np.full(300, 24), np.random.default_rng(0))
    assert np.isfinite(x).all()
    z = normalised(x)
    season = np.abs(z[:, 24:] - z[:, :-24]).mean()
    assert season < 0.8 * np.abs(z[:, 36:] - z[:, :-36]).mean()


def test_the_shipped_model(shipped):
    assert shipped.parameters == 2_540_703
    assert len(shipped.names) == 51
    assert shipped.residual_quantiles.shape == (9, BLOCK)
    assert (np.diff(shipped.residual_quantiles, axis=0) > 0.0).all()


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_the_shipped_model_beats_the_season_before(shipped, noise):
    windows = regular(50, noise)
    naive = np.tile(windows[:, LOOK_BACK - 24 : LOOK_BACK], 4) - windows[:, LOOK_BACK:]
    assert mean_absolute_error(shipped, windows, 12) < 0.9 * np.abs(naive).mean()
