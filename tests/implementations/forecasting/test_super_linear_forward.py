"""Super-Linear's forward pass equals its formulas, written out term by term."""

import numpy as np
import pytest

from tests.implementations.forecasting import super_linear_models as slow
from tiltyard.implementations.forecasting._super_linear import SuperLinear
from tiltyard.implementations.forecasting._super_linear_gate import Gate, top

CLOSE = {"rtol": 1e-9, "atol": 1e-8}


@pytest.fixture(scope="module")
def weights():
    return slow.random_weights()


@pytest.fixture(scope="module")
def model(weights):
    return SuperLinear(weights, top_k=3, dtype=np.float64)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def test_full_model_has_2540703_parameters():
    from tiltyard.implementations.forecasting import _super_linear_shape as shape

    count = len(shape.PERIODS) + shape.COMPLEMENTARY
    full = slow.random_weights(experts=count, periods=shape.PERIODS)
    assert count == 49
    assert full.parameters == 2_540_703
    assert len(full.names) == 51
    assert full.names[:3] == ("mean", "naive", "period 4")
    assert full.names[-1] == "complementary 11"


def test_gate_is_linear_in_the_periodogram(weights, rng):
    x = slow.random_series(rng, 3, 512)
    x[2] = (-1.0) ** np.arange(512)  # all its energy is where the 2500 frequencies end
    found = Gate(weights, np.float64).logits(x - x.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(found, [slow.logits(weights, row) for row in x], rtol=1e-9)


def test_gate_weighs_the_k_largest(rng):
    logits = rng.standard_normal((5, 9))
    chosen, shares = top(logits, 4)
    for row, places, share in zip(logits, chosen, shares, strict=True):
        assert sorted(places) == sorted(np.argsort(-row)[:4])
        powers = np.exp(row[places])
        np.testing.assert_allclose(share, powers / powers.sum())
    assert top(logits, 99)[1].shape == (5, 9)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_block(weights, rng, k):
    x = slow.random_series(rng, 4, 512)
    x[3] = 0.0  # the gate sees no energy
    model = SuperLinear(weights, top_k=k, dtype=np.float64)
    np.testing.assert_allclose(model.block(x), [slow.block(weights, row, k) for row in x], **CLOSE)
    np.testing.assert_allclose(model.gate(x), [slow.gate(weights, row, k) for row in x], atol=1e-9)


def test_single_precision_is_close(weights, rng):
    x = slow.random_series(rng, 4, 512)
    found = SuperLinear(weights, top_k=3).block(x)
    exact = SuperLinear(weights, top_k=3, dtype=np.float64).block(x)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-5)


def test_experts_that_are_not_chosen_are_not_computed(rng):
    weights = slow.random_weights()
    weights.gate_weight[:] = 0.0
    weights.gate_bias[:] = [-9.0, 2.0, 1.0, -9.0, 0.0, -9.0, -9.0, -9.0]
    x = slow.random_series(rng, 4, 512)
    before = SuperLinear(weights, top_k=3).block(x)
    weights.expert_weight[[1, 3, 4, 5]] = np.nan  # 0 times NaN would be NaN
    np.testing.assert_array_equal(SuperLinear(weights, top_k=3).block(x), before)


def test_later_changes_of_weights_do_not_reach_a_model(rng):
    weights = slow.random_weights()
    model = SuperLinear(weights)
    x = slow.random_series(rng, 1, 512)
    before = model.block(x)
    weights.expert_weight[:] *= 2.0
    np.testing.assert_array_equal(model.block(x), before)
    assert not np.allclose(SuperLinear(weights).block(x), before)


@pytest.mark.parametrize("horizon", [1, 96, 97, 300])
def test_horizons_of_several_blocks(weights, model, rng, horizon):
    x = slow.random_series(rng, 2, 512)
    expected = [slow.blocks(weights, row, horizon, 3) for row in x]
    np.testing.assert_allclose(model.forecast(x, horizon), expected, **CLOSE)


def test_no_block_is_computed_that_is_not_asked_for(model, rng, monkeypatch):
    calls = []
    experts = model._experts
    monkeypatch.setattr(model, "_experts", lambda *a: calls.append(len(a[0])) or experts(*a))
    model.forecast(slow.random_series(rng, 2, 512), 192)
    assert calls == [2, 2]


def test_a_block_may_not_vary_more_than_its_window(rng):
    weights = slow.random_weights()
    weights.expert_weight[:] *= 5.0
    forecast = SuperLinear(weights).forecast(slow.random_series(rng, 3, 512), 960)
    assert np.abs(forecast[:, 96:]).max() < 10.0 * np.abs(forecast[:, :96]).max()


@pytest.mark.parametrize("length", [16, 100, 256, 300, 479])
def test_short_series(weights, model, rng, length):
    x = slow.random_series(rng, 2, length)
    expected = [slow.short(weights, row, 7, 3) for row in x]
    np.testing.assert_allclose(model.forecast(x, 7), expected, **CLOSE)


@pytest.mark.parametrize("length", [480, 511])
def test_series_that_lack_little_are_preceded_by_their_first_value(model, rng, length):
    x = slow.random_series(rng, 2, length)
    whole = np.pad(x, ((0, 0), (512 - length, 0)), mode="edge")
    np.testing.assert_array_equal(model.forecast(x, 7), model.forecast(whole, 7))


def test_long_series_are_seen_at_the_rate_where_the_gate_is_surest(weights, rng):
    t = np.arange(3072)
    waves = [np.sin(2 * np.pi * t / period) for period in (4.5, 13, 60, 900)]
    x = 5.0 + np.array(waves) + 0.01 * rng.standard_normal((4, 3072))
    scales = [slow.best_scale(weights, row) for row in x]
    assert len(set(scales)) > 2
    expected = [slow.long(weights, r, 50, 3, scale) for r, scale in zip(x, scales, strict=True)]
    model = SuperLinear(weights, top_k=3, look_back=3072, dtype=np.float64)
    np.testing.assert_allclose(model.forecast(x, 50), expected, **CLOSE)
    shorter = x[3:, -1100:]
    expected = slow.long(weights, shorter[0], 50, 3, slow.best_scale(weights, shorter[0]))
    np.testing.assert_allclose(model.forecast(shorter, 50)[0], expected, **CLOSE)


def test_series_that_begin_at_different_times_are_forecast_as_if_alone(weights, rng):
    model = SuperLinear(weights, top_k=3, look_back=3072, dtype=np.float64)
    x = slow.random_series(rng, 6, 3500)
    for row, known in zip(x, (1, 40, 300, 512, 1500, 3500), strict=True):
        row[: 3500 - known] = np.nan
    alone = [model.forecast(row[~np.isnan(row)][None], 30)[0] for row in x]
    np.testing.assert_allclose(model.forecast(x, 30), alone, **CLOSE)


def test_order_of_series_is_theirs(model, rng):
    x = slow.random_series(rng, 5, 600)
    order = rng.permutation(5)
    np.testing.assert_allclose(model.forecast(x[order], 100), model.forecast(x, 100)[order])


def test_gaps_take_the_value_before_them(model, rng):
    x = slow.random_series(rng, 2, 600)
    gaps = x.copy()
    gaps[0, 580:] = np.nan
    gaps[1, 300:303] = np.nan
    x[0, 580:], x[1, 300:303] = x[0, 579], x[1, 299]
    np.testing.assert_array_equal(model.forecast(gaps, 20), model.forecast(x, 20))


def test_series_that_has_ended_long_ago_goes_on_at_its_last_value(model):
    past = np.full((2, 1200), 3.0)
    past[0, 300:] = np.nan
    np.testing.assert_allclose(model.forecast(past, 30), 3.0, atol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 15, 400, 512, 900])
def test_constant_series_stay(length):
    model = SuperLinear(slow.random_weights(bias=0.0), look_back=3072)
    np.testing.assert_allclose(model.forecast(np.full((2, length), 7.0), 100), 7.0)


def test_mean_weights_are_those_of_first_blocks(weights, model, rng):
    x = slow.random_series(rng, 3, 512)
    model.forecast(x, 10)
    model.forget()
    model.forecast(x[:2], 200)
    model.forecast(x[2:], 10)
    np.testing.assert_allclose(model.mean_gate, np.mean([slow.gate(weights, r, 3) for r in x], 0))
