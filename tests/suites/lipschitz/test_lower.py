"""The judge's own lower bounds: never above the truth, and at it where that is easy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.lipschitz.small import (
    chain,
    convolution,
    linear,
    mirrors,
    problem,
    residual,
    transformer,
    various,
)
from tiltyard.suites.lipschitz._ascent import soften
from tiltyard.suites.lipschitz._lower import lower_bounds
from tiltyard.suites.lipschitz._regions import Regions
from tiltyard.suites.lipschitz._values import Values, jacobians
from tiltyard.suites.lipschitz.layers import Activation, Dense, GroupSort
from tiltyard.suites.lipschitz.network import Network

FEW = 2e8
"""Operations of a short search."""


def brute_force(task):
    """Return the largest l_inf norm over a grid of one hidden layer's cells, (k,)."""
    first, _, last = task.network.layers
    grid = np.linspace(0.0, 1.0, 201)
    share = np.array(list(itertools.product(grid, repeat=task.network.inputs)))
    found = []
    for low, high in zip(*task.box, strict=True):
        points = low + share * (high - low)
        active = np.unique(points @ first.weight.T + first.bias > 0.0, axis=0)
        jacobian = np.einsum("ij,kj,jl->kil", last.weight, active, first.weight)
        found.append(np.abs(jacobian).sum(axis=2).max())
    return np.array(found)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_linear_networks_are_exact(norm):
    weight = np.random.default_rng(0).standard_normal((3, 4))
    for region in ("box", "ball", "global", "tokens"):
        values, points = lower_bounds(problem(linear(weight), norm, region), 0, FEW)
        order = np.inf if norm == "linf" else 2
        np.testing.assert_allclose(values, np.linalg.norm(weight, order), rtol=1e-12)
        assert points.shape == (*values.shape, 4)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), hidden=st.integers(1, 4), bias=st.floats(-0.5, 0.5))
def test_the_search_finds_the_best_of_a_grid(seed, hidden, bias):
    network = chain(2, hidden, 2, seed=seed)
    first = network.layers[0]
    layers = (Dense(first.weight, first.bias + bias), *network.layers[1:])
    task = problem(Network(2, layers))
    values, _ = lower_bounds(task, seed)
    assert (values[:, 0] >= brute_force(task) * (1.0 - 1e-9)).all()


@pytest.mark.parametrize("name", various())
def test_points_lie_inside_and_attain_their_values(name):
    task = various()[name]
    values, points = lower_bounds(task, 0, FEW)
    k, parts = values.shape
    owner = np.repeat(np.arange(k), parts)
    flat = points.reshape(k * parts, -1)
    assert Regions(task).contains(flat, owner).all()
    assert Values(task).smooth(torch.tensor(flat)).all()
    again = Values(task).at(flat, 8, 60)[np.arange(k * parts), np.tile(np.arange(parts), k)]
    np.testing.assert_allclose(again, values.ravel(), rtol=1e-9)
    centers = Regions(task).centers()
    assert (values >= Values(task).attained(centers, np.arange(k))[0] * (1.0 - 1e-12)).all()


def test_the_same_seed_finds_the_same():
    task = various()["ball"]
    first, second = (lower_bounds(task, 5, FEW) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_values_grow_with_the_radius():
    task = {radius: problem(chain(4, 8, 3), radius=radius) for radius in (0.01, 1.0)}
    small, large = (lower_bounds(task[radius], 0)[0] for radius in (0.01, 1.0))
    assert (large >= small * (1.0 - 1e-9)).all()


@pytest.mark.parametrize(
    "network",
    [
        chain(4, 6, 3),
        chain(4, 6, 3, activation="gelu"),
        chain(4, 6, 2, activation=lambda _: GroupSort(3)),
        chain(4, 6, 2, activation=mirrors),
        residual(),
        convolution(),
        transformer(),
    ],
)
def test_jacobians_are_those_of_finite_differences(network):
    x = torch.tensor(np.random.default_rng(1).uniform(-0.5, 0.5, (3, network.inputs)))
    made = jacobians(network, x)
    h = 1e-6
    steps = h * torch.eye(network.inputs, dtype=torch.float64)
    for point, jacobian in zip(x, made, strict=True):
        change = (network.apply(point + steps) - network.apply(point - steps)) / (2.0 * h)
        torch.testing.assert_close(jacobian, change.T, rtol=1e-5, atol=1e-7)


def test_max_rms_of_one_token_is_the_scaled_spectral_norm():
    weight = np.random.default_rng(2).standard_normal((2, 8))
    one = problem(linear(weight), "max-rms", "tokens", radius=1.0)
    values, _ = lower_bounds(one, 0, FEW)
    assert values[0, 0] == pytest.approx(2.0 * np.linalg.norm(weight, 2), rel=1e-9)


def test_max_rms_of_many_tokens_adds_them():
    # Every output token is the sum of all input tokens: worst where all agree.
    task = problem(
        linear(np.kron(np.ones((3, 3)), np.eye(2))), "max-rms", "tokens", radius=1.0, tokens=3
    )
    assert lower_bounds(task, 0, FEW)[0][0, 0] == pytest.approx(3.0, rel=1e-9)


def test_neurons_that_are_always_zero_hide_nothing():
    network = chain(3, 6, 2)
    first, relu, last = network.layers
    weight, bias = np.array(first.weight), np.array(first.bias)
    weight[2], bias[2] = 0.0, 0.0
    dead = Network(3, (Dense(weight, bias), relu, last))
    without = np.delete(np.arange(6), 2)
    alive = Network(
        3,
        (
            Dense(weight[without], bias[without]),
            relu,
            Dense(last.weight[:, without], last.bias),
        ),
    )
    one, other = (lower_bounds(problem(given), 0)[0] for given in (dead, alive))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize(
    "layer", [Activation("relu"), Activation("leaky_relu", 0.2), GroupSort(2), mirrors(6)]
)
def test_softened_layers_approach_the_layer(layer):
    x = torch.tensor(np.random.default_rng(3).standard_normal((50, 6)))
    (soft,) = soften((layer,), 1e-3)
    torch.testing.assert_close(soft.apply(x), layer.apply(x), rtol=0.0, atol=5e-3)
    (blunt,) = soften((layer,), 1.0)
    assert not torch.allclose(blunt.apply(x), layer.apply(x), atol=5e-2)


@pytest.mark.parametrize("region", ["box", "ball", "tokens"])
def test_points_of_regions(region):
    task = problem(linear(np.eye(4)), "l2", region, tokens=2 if region == "tokens" else 1)
    regions, rng = Regions(task), np.random.default_rng(0)
    owner = np.repeat(np.arange(task.regions), 100)
    for points in (regions.inside(owner, rng), regions.extreme(owner, rng)):
        assert regions.contains(points, owner).all()
        np.testing.assert_allclose(regions.project(points, owner), points, rtol=1e-12)
    outside = regions.extreme(owner, rng)
    outside += 1e-3 * (outside - regions.centers()[owner])
    assert not regions.contains(outside, owner).any()
    assert regions.contains(regions.project(outside, owner), owner).all()
