"""ECLipsE and ECLipsE-Fast: closed forms, what they lie between, and that every bound is proved."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.lipschitz.small import chain, linear, problem
from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._eclipse import after, constant, plain, stages
from tiltyard.implementations.lipschitz.eclipse import eclipse
from tiltyard.implementations.lipschitz.eclipse_fast import eclipse_fast
from tiltyard.implementations.lipschitz.lipsdp_barrier import lipsdp_barrier
from tiltyard.suites.lipschitz.layers import Activation, Dense, GroupSort
from tiltyard.suites.lipschitz.network import Network

KINDS = ["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "gelu"]


def bounds(method, network):
    task = problem(network, "l2", "global").on("cpu")
    found = method.function(task, np.random.default_rng(0), **method.parameters)
    return [float(answer["upper"][0]) for answer in found]


def sampled(network, seed):
    """Return the largest spectral norm at random points, near and far."""
    rng = np.random.default_rng(seed)
    x = torch.tensor(
        rng.standard_normal((400, network.inputs)) * 10.0 ** rng.uniform(-1, 1, (400, 1))
    )
    each = torch.func.vmap(torch.func.jacrev(lambda one: network.apply(one[None])[0]))(x)
    return float(np.linalg.norm(each.numpy(), 2, (1, 2)).max())


def closed_form(weights):
    """Return ECLipsE-Fast for slopes from 0 to 1, with the inverses that the paper writes."""
    X = np.eye(weights[0].shape[1])
    for weight in weights[:-1]:
        G = weight @ np.linalg.inv(X) @ weight.T
        t = 2.0 / np.linalg.eigvalsh(G)[-1]
        X = t * np.eye(len(G)) - t**2 / 4.0 * G
    last = weights[-1]
    return np.sqrt(np.linalg.eigvalsh(last @ np.linalg.inv(X) @ last.T)[-1])


@pytest.mark.parametrize("widths", [(4, 6, 3), (6, 4, 4, 2), (3, 8, 8, 8, 5)])
def test_fast_is_its_closed_form(widths):
    network = chain(*widths)
    (found,) = bounds(eclipse_fast, network)
    assert found == pytest.approx(closed_form(network.chain().weights), rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS), depth=st.integers(1, 3))
def test_each_is_above_samples_and_below_the_cruder(seed, kind, depth):
    network = chain(3, *(5,) * depth, 2, activation=kind, seed=seed)
    accurate, (fast,) = bounds(eclipse, network), bounds(eclipse_fast, network)
    assert accurate == sorted(accurate, reverse=True)
    assert sampled(network, seed) <= accurate[-1] * (1 + 1e-9)
    assert accurate[-1] <= fast * (1 + 1e-9)
    steepest = {"sigmoid": 0.25, "gelu": 1.129}.get(kind, 1.0)
    norms = [np.linalg.norm(weight, 2) for weight in network.chain().weights]
    assert fast <= np.prod(norms) * steepest**depth


@pytest.mark.parametrize("kind", KINDS)
def test_of_one_hidden_layer_it_is_lipsdp(kind):
    network = chain(4, 6, 3, activation=kind)
    assert bounds(eclipse, network)[-1] == pytest.approx(
        bounds(lipsdp_barrier, network)[-1], rel=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS))
def test_no_difference_gains_in_the_form_behind_a_layer(seed, kind):
    network = chain(3, 5, 5, 2, activation=kind, seed=seed)
    rng = np.random.default_rng(seed)
    layers, last = stages(network.chain())
    X, x = np.eye(3), rng.standard_normal((200, 3))
    before = (x[:100] - x[100:]) ** 2 @ np.ones(3)
    for layer, dense in zip(layers, network.layers[::2], strict=False):
        t = plain(X, layer)[0] * rng.uniform(0.8, 1.0, len(layer.weight))
        X = after(X, layer, t)
        x = Activation(kind).apply(torch.tensor(x @ layer.weight.T + dense.bias)).numpy()
        d = x[:100] - x[100:]
        now = ((d @ X) * d).sum(axis=1)
        assert (now <= before * (1 + 1e-12) + 1e-12).all()
        before = now
    d = d @ last.T
    assert (np.sqrt((d**2).sum(axis=1)) <= constant(X, last) * np.sqrt(before) + 1e-12).all()


@pytest.mark.parametrize("method", [eclipse, eclipse_fast], ids=lambda m: m.name)
def test_linear_networks_are_exact_and_scaling_scales(method):
    weight = np.random.default_rng(2).standard_normal((3, 5))
    assert bounds(method, linear(weight))[-1] == pytest.approx(np.linalg.norm(weight, 2), rel=1e-9)
    network = chain(4, 6, 6, 3)
    first, *rest = network.layers
    scaled = Network(4, (Dense(1e4 * first.weight, first.bias), *rest))
    assert bounds(method, scaled)[-1] == pytest.approx(1e4 * bounds(method, network)[-1], rel=1e-6)


@pytest.mark.parametrize("method", [eclipse, eclipse_fast], ids=lambda m: m.name)
def test_zero_weights_and_sorting_layers(method):
    network = chain(4, 6, 6, 3)
    first, *rest = network.layers
    silent = Network(4, (Dense(0.0 * first.weight, first.bias), *rest))
    assert bounds(method, silent) == [0.0]
    with pytest.raises(Unsupported, match="groupsort"):
        bounds(method, chain(4, 6, 2, activation=lambda _: GroupSort(2)))
