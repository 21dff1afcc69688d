"""The routed mixture's parts: k experts a window, their weights, the balancing loss."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.implementations.forecasting._routed_mixture import RoutedMixture, imbalance


@pytest.fixture
def net():
    torch.manual_seed(0)
    return RoutedMixture(12, 5, experts=8, hidden=4, top=2)


def test_each_window_has_its_top_two(net):
    logits, chosen, weights = net.route(torch.randn(50, 12))
    assert chosen.shape == weights.shape == (50, 2)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(50))
    for one, pair, weight in zip(logits, chosen, weights, strict=True):
        assert set(pair.tolist()) == set(one.argsort(descending=True)[:2].tolist())
        # A softmax over the two alone is the full one, renormalised.
        full = one.softmax(dim=0)[pair]
        torch.testing.assert_close(weight, full / full.sum())


def test_forecast_is_the_weighted_sum_of_the_chosen(net):
    past = torch.randn(9, 12)
    _, chosen, weights = net.route(past)
    wanted = torch.stack(
        [
            sum(w * net.experts[e](x) for w, e in zip(ws, es.tolist(), strict=True))
            for x, es, ws in zip(past, chosen, weights, strict=True)
        ]
    )
    torch.testing.assert_close(net(past), wanted)


def test_only_chosen_experts_work(net):
    asked = {}
    for i, expert in enumerate(net.experts):
        expert.register_forward_hook(lambda _, rows, __, i=i: asked.update({i: len(rows[0])}))
    past = torch.randn(3, 12)
    net(past)
    _, chosen, _ = net.route(past)
    wanted = {int(e): int((chosen == e).sum()) for e in chosen.unique()}
    assert asked == wanted
    assert sum(asked.values()) == 6


def test_balance_by_hand():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, -1.0]])
    chosen = torch.tensor([[0, 2], [1, 0]])
    e = np.exp(logits.numpy())
    probability = (e / e.sum(axis=1, keepdims=True)).mean(axis=0)
    share = np.array([2, 1, 1]) / 4
    assert float(imbalance(logits, chosen)) == pytest.approx(3 * (share * probability).sum())


def test_penalty_is_the_weighted_imbalance(net):
    past = torch.randn(9, 12)
    net(past)
    logits, chosen, _ = net.route(past)
    torch.testing.assert_close(net.penalty, 0.01 * imbalance(logits, chosen))


@given(experts=st.integers(2, 9))
def test_balance_of_equal_and_of_single_choice(experts):
    chosen = torch.arange(experts)[:, None]
    assert float(imbalance(torch.zeros(experts, experts), chosen)) == pytest.approx(1.0)
    alone = torch.full((experts, experts), -1e4)
    alone[:, 0] = 0.0
    assert float(imbalance(alone, torch.zeros_like(chosen))) == pytest.approx(experts)


def test_a_step_of_the_router_balances(net):
    window = torch.randn(64, 12)
    optimizer = torch.optim.SGD(net.router.parameters(), lr=0.1)
    before = imbalance(*net.route(window)[:2])
    before.backward()
    optimizer.step()
    assert imbalance(*net.route(window)[:2]) < before
