"""Windows never reach into the future, and none is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import Unsupported
from tiltyard.implementations.forecasting import _windows
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem


def problem(values, *, horizon=3, season=4, track="long-horizon", train=None, windows=2):
    """Return a problem on a panel, (S, T), whose last 2 horizons are for testing."""
    origin = values.shape[1] - windows * horizon
    return ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track=track,
        horizon=horizon,
        season=season,
        origin=origin,
        windows=windows,
        stride=horizon,
        train=origin - 10 if train is None else train,
    )


@pytest.mark.parametrize("look_back", [1, 5, 8])
def test_every_window_of_the_protocol_is_there(look_back):
    one = problem(np.arange(100.0).reshape(2, 50))
    made = _windows.split(one, look_back)
    assert len(made.train) == 2 * (one.train - look_back - 3 + 1)
    assert len(made.validation) == 2 * (one.origin - one.train - 3 + 1)
    x, y = made.train.take(slice(None))
    np.testing.assert_array_equal(np.diff(x, axis=1), 1.0)
    np.testing.assert_array_equal(y[:, 0], x[:, -1] + 1)
    assert y[: len(y) // 2].max() == one.train - 1
    x, y = made.validation.take(slice(None))
    assert y.min() == one.train
    np.testing.assert_array_equal(y[:, 0], x[:, -1] + 1)


def test_blocks_hold_each_window_once():
    made = _windows.split(problem(np.arange(100.0).reshape(2, 50)), 5)
    blocks = list(made.train.blocks(7))
    x, y = made.train.take(slice(None))
    np.testing.assert_array_equal(np.concatenate([block[0] for block in blocks]), x)
    np.testing.assert_array_equal(np.concatenate([block[1] for block in blocks]), y)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 30),
    st.lists(st.integers(0, 38), min_size=1, max_size=4),
    st.lists(st.integers(0, 43), max_size=20),
    st.sampled_from(["rolling", "long-horizon"]),
)
def test_windows_hold_values_of_the_past_alone(look_back, heads, gaps, track):
    values = np.tile(np.arange(50.0), (len(heads), 1))
    for series, head in enumerate(heads):
        values[series, :head] = np.nan
    values[:, gaps] = np.nan
    values[:, 44:] = 1e9  # the test windows
    one = problem(values, track=track)
    if np.isnan(one.history).all(axis=1).any():
        return
    try:
        made = _windows.split(one, look_back)
    except Unsupported:
        return
    for windows in (made.train, made.validation, made.everything):
        assert len(windows)
        x, y = windows.take(slice(None))
        both = np.concatenate([x, y], axis=1)
        assert np.isfinite(both).all()
        location, scale = made.scaling.location, made.scaling.scale
        raw = location[windows.rows, None] + scale[windows.rows, None] * both
        assert raw.max() < 44


def test_look_backs_shrink_with_the_series():
    rng = np.random.default_rng(0)
    assert _windows.look_backs(problem(rng.standard_normal((1, 2000)))) == [96, 192, 336, 512, 720]
    short = _windows.look_backs(problem(rng.standard_normal((1, 60))), (336,))
    assert short
    assert max(short) <= 60 - 2 * 3 - 10 - 3
    assert _windows.look_backs(problem(rng.standard_normal((1, 17)))) == [4, 8]


def test_a_series_shorter_than_the_horizon_is_refused():
    values = np.random.default_rng(0).standard_normal((1, 8))
    with pytest.raises(Unsupported, match="no series has the 4 values"):
        _windows.split(problem(values, train=2, windows=2), 1)


def test_cap_keeps_the_ends():
    made = _windows.split(problem(np.arange(1000.0).reshape(1, -1)), 5, most=10)
    assert len(made.train) == 10
    assert made.train.starts[0] == 5
