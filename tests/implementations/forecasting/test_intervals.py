"""Quantiles from residuals cover what they say, and never cross."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.implementations.forecasting._intervals import ResidualQuantiles, context_scales

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def test_ranks_are_those_of_split_conformal_prediction():
    made = ResidualQuantiles(LEVELS).fit(np.arange(1.0, 100.0)[:, None], np.ones(99))
    np.testing.assert_array_equal(made.offsets[:, 0], [10, 20, 30, 40, 50, 60, 70, 80, 90])


@given(st.integers(1, 40), st.integers(0, 1000))
def test_quantiles_never_cross(n, seed):
    rng = np.random.default_rng(seed)
    made = ResidualQuantiles(LEVELS).fit(rng.standard_normal((n, 3)), rng.uniform(0, 2, n))
    quantiles = made(rng.standard_normal((5, 3)), rng.uniform(0, 2, 5))
    assert quantiles.shape == (5, 9, 3)
    assert (np.diff(quantiles, axis=1) >= 0.0).all()


@pytest.mark.parametrize("n", [30, 200])
def test_upper_quantiles_cover_at_least_what_they_say(n):
    rng = np.random.default_rng(0)
    below = np.zeros(9)
    for _ in range(400):
        residuals, scales = rng.standard_t(3, (n + 20, 1)), rng.uniform(0.5, 2.0, n + 20)
        values = residuals * scales[:, None]
        made = ResidualQuantiles(LEVELS).fit(values[:n], scales[:n])
        quantiles = made(np.zeros((20, 1)), scales[n:])
        below += (values[n:, None] <= quantiles).mean(axis=(0, 2)) / 400
    np.testing.assert_allclose(below, LEVELS, atol=1.5 / n + 0.01)
    assert (below[5:] >= np.array(LEVELS[5:]) - 0.01).all()


def test_few_residuals_are_pooled_over_the_steps():
    residuals = np.arange(30.0).reshape(3, 10)
    made = ResidualQuantiles(LEVELS).fit(residuals, np.ones(3))
    assert made.offsets.shape == (9, 1)
    assert made(np.zeros((2, 10)), np.ones(2)).shape == (2, 9, 10)


def test_missing_values_and_constant_contexts_do_not_count():
    residuals = np.tile(np.arange(1.0, 101.0)[:, None], 2)
    residuals[99, 1] = np.nan
    residuals[0] = 1e9
    scales = np.ones(100)
    scales[0] = 0.0
    made = ResidualQuantiles(LEVELS).fit(residuals, scales)
    assert made.offsets.max() < 100.0
    np.testing.assert_array_equal(
        ResidualQuantiles(LEVELS).fit(residuals, 0 * scales)(residuals, scales)[:, 0], residuals
    )


def test_scales_fall_back():
    t = np.arange(12.0)
    x = np.stack([t, np.tile([0.0, 1.0], 6), np.ones(12)])
    np.testing.assert_array_equal(context_scales(x, 4), [4.0, 1.0, 0.0])
    np.testing.assert_array_equal(context_scales(x, 50), [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(context_scales(x[:, :1], 1), 0.0)
