"""Quantiles from past errors: what they are of, and that they hold what they promise."""

import numpy as np
import pytest

from tiltyard.implementations.forecasting._super_linear_quantiles import PastErrors

LEVELS = np.arange(1, 10) / 10
NONE = np.empty((0, 0))


def zero(horizon):
    """Return a forecaster that says 0."""
    return lambda past: np.zeros((len(past), horizon))


@pytest.fixture
def rng():
    return np.random.default_rng(2)


def weighted_quantile_loss(actual, quantiles):
    errors = actual[:, None] - quantiles
    levels = LEVELS[:, None]
    return np.maximum(levels * errors, (levels - 1.0) * errors).mean()


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_they_are_those_of_the_errors(rng, scale):
    """Errors of series of different size are one sample, each relative to its series' size."""
    sizes = scale * np.array([1.0, 10.0, 100.0])[np.arange(300) % 3, None]
    values = sizes * rng.standard_normal((300, 1024))
    point, quantiles = PastErrors(zero(12), values, LEVELS, NONE)(values)
    assert point.shape == (300, 12)
    assert quantiles.shape == (300, 9, 12)
    actual = sizes * rng.standard_normal((300, 12))
    below = (actual[:, None] <= quantiles).mean(axis=(0, 2))
    np.testing.assert_allclose(below, LEVELS, atol=0.03)
    loss = weighted_quantile_loss(actual, quantiles)
    assert loss < 0.85 * weighted_quantile_loss(actual, np.zeros((300, 9, 12)))


def test_errors_that_grow_with_the_step_widen_them(rng):
    steps = rng.standard_normal((200, 1200)).cumsum(axis=1)

    def last(past):
        return np.repeat(past[:, -1:], 48, axis=1)

    _, quantiles = PastErrors(last, steps, LEVELS, NONE)(steps)
    width = (quantiles[:, -1] - quantiles[:, 0]).mean(axis=0)
    assert 4.0 < width[-1] / width[0] < 10.0  # sqrt(48) is 6.9


def test_skewed_errors_make_skewed_quantiles(rng):
    values = rng.exponential(size=(100, 800))
    _, quantiles = PastErrors(zero(6), values, LEVELS, NONE)(values)
    assert (quantiles[:, 0] > 0.0).all()


def test_they_never_cross(rng):
    values = rng.standard_normal((5, 700)).cumsum(axis=1)
    values[1, :600] = np.nan
    values[2, 650:] = np.nan
    values[3] = 4.0
    _, quantiles = PastErrors(zero(24), values, LEVELS, NONE)(values)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0.0).all()


def test_order_of_series_is_theirs(rng):
    values = rng.standard_normal((6, 700))
    order = rng.permutation(6)
    _, straight = PastErrors(zero(5), values, LEVELS, NONE)(values)
    _, permuted = PastErrors(zero(5), values[order], LEVELS, NONE)(values[order])
    np.testing.assert_allclose(permuted, straight[order])


def test_what_came_true_replaces_the_oldest_errors(rng):
    """After eight windows of tenfold noise, none of the calm history is left in them."""
    values = np.concatenate(
        [rng.standard_normal((50, 800)), 10.0 * rng.standard_normal((50, 96))], axis=1
    )
    errors = PastErrors(zero(12), values[:, :800], LEVELS, NONE)
    widths = []
    for origin in range(800, 897, 12):
        _, quantiles = errors(values[:, :origin])
        widths.append((quantiles[:, -1] - quantiles[:, 0]).mean())
    assert widths[0] == pytest.approx(2 * 1.28, rel=0.1)
    assert widths[-1] == pytest.approx(20 * 1.28, rel=0.5)
    assert np.all(np.diff(widths) > 0.0)


def test_nothing_of_the_future_is_in_them(rng):
    values = rng.standard_normal((3, 900))
    other = values.copy()
    other[:, 820:] = 1e6
    made = []
    for series in (values, other):
        errors = PastErrors(zero(10), series[:, :810], LEVELS, NONE)
        made.append([errors(series[:, :origin])[1] for origin in (810, 820)])
    np.testing.assert_array_equal(made[0], made[1])


@pytest.mark.parametrize("length", [1, 2, 3])
def test_without_backtests_they_are_the_shipped_ones(length):
    profile = np.linspace(-2.0, 2.0, 9)[:, None] * np.array([1.0, 2.0])
    past = np.arange(2.0 * length).reshape(2, length)
    _, quantiles = PastErrors(zero(5), past, LEVELS, profile)(past)
    spread = past.std(axis=1)[:, None, None]
    np.testing.assert_allclose(quantiles, spread * profile[:, [0, 1, 1, 1, 1]])
    _, normal = PastErrors(zero(5), past, LEVELS, NONE)(past)
    np.testing.assert_allclose(normal[:, 8, 0], 1.2815515655446004 * past.std(axis=1))


def test_constant_series_are_certain():
    past = np.full((2, 700), 3.0)
    point, quantiles = PastErrors(lambda p: p[:, -5:], past, LEVELS, NONE)(past)
    np.testing.assert_array_equal(quantiles, np.broadcast_to(point[:, None], (2, 9, 5)))


def test_size_is_the_mean_error_in_deviations(rng):
    values = np.array([[1.0], [100.0]]) * rng.standard_normal((2, 2000))
    errors = PastErrors(zero(100), values, LEVELS, NONE)
    assert errors.size() == pytest.approx(np.sqrt(2 / np.pi), rel=0.05)
    assert PastErrors(zero(5), values[:, :1], LEVELS, NONE).size() == np.inf
