"""The method super_linear on problems, with weights of a user's own."""

from pathlib import Path

import numpy as np
import pytest

from tests.implementations.forecasting.super_linear_models import (
    EXPERTS,
    random_series,
    random_weights,
)
from tiltyard.download import file_sha256
from tiltyard.errors import TiltyardError
from tiltyard.implementations.forecasting._super_linear_weights import save
from tiltyard.implementations.forecasting.super_linear import super_linear
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem


def problem(track="rolling", horizon=24):
    values = random_series(np.random.default_rng(3), 3, 900)
    values[1, :500] = np.nan
    return ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track=track,
        horizon=horizon,
        season=24,
        origin=840,
        windows=2,
        stride=horizon,
        train=800,
    ).on("cpu")


def answer(one, **parameters):
    return next(super_linear.function(one, np.random.default_rng(0), **parameters))


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "own.npz"
    save(path, random_weights())
    return str(path)


def test_rolling(weights):
    made = answer(problem(), weights=weights)
    assert np.isfinite(made.point).all()
    assert (np.diff(made.quantiles, axis=2) >= 0.0).all()
    assert made.parameters == random_weights().parameters


def test_long_horizon(weights):
    made = answer(problem("long-horizon", 20), weights=weights)
    assert np.isfinite(made.point).all()
    assert made.quantiles is None


def test_without_a_gate_all_experts_weigh_the_same(weights):
    notes = answer(problem(), weights=weights, gate="uniform", look_back=512).notes
    shares = [value for name, value in notes.items() if name.startswith("expert ")]
    np.testing.assert_allclose(shares, 1.0 / (EXPERTS + 2))
    with pytest.raises(TiltyardError, match="gate 'none'"):
        answer(problem(), weights=weights, gate="none")


def test_notes_are_the_mean_weights_of_the_experts(weights):
    notes = answer(problem(), weights=weights, top_k=2).notes
    shares = {name: share for name, share in notes.items() if name.startswith("expert ")}
    assert len(shares) == EXPERTS + 2
    assert set(shares) >= {
        "expert mean",
        "expert naive",
        "expert period 24",
        "expert complementary 1",
    }
    assert sum(shares.values()) == pytest.approx(1.0)


def test_notes_tell_which_weights_were_used(weights):
    assert answer(problem(), weights=weights).notes["weights"] == file_sha256(Path(weights))


def test_backtests_do_not_count_as_choices_of_the_gate(weights):
    """Quantiles need forecasts of the history, the point forecast alone does not."""
    both = [answer(problem(track, 24), weights=weights) for track in ("rolling", "long-horizon")]
    assert both[0].notes == both[1].notes


def test_missing_weights_are_told_in_one_line(tmp_path):
    with pytest.raises(TiltyardError, match=r"weights .*nowhere\.npz: no such file"):
        answer(problem(), weights=str(tmp_path / "nowhere.npz"))


def test_look_back(weights):
    assert answer(problem(), weights=weights, look_back=512).notes["look-back"] == 512
    assert answer(problem(), weights=weights, look_back=3072).notes["look-back"] == 3072
    assert answer(problem(), weights=weights).notes["look-back"] == 512  # no series has 1024 values
    assert answer(problem("long-horizon"), weights=weights).notes["look-back"] == 512
