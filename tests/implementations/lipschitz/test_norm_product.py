"""The product of operator norms."""

import numpy as np
import pytest

from tests.implementations.lipschitz import nets
from tiltyard.implementations.lipschitz.norm_product import norm_product
from tiltyard.suites.lipschitz.layers import (
    KINDS,
    Activation,
    Dense,
    GroupSort,
    Householder,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network


def _bound(network, norm):
    return nets.last(norm_product, nets.problem(network, np.empty((0, 0)), 0.0, norm, "global"))[0]


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_neuron_attains_its_activations_constant(kind, norm):
    one = Dense(np.eye(1), np.zeros(1))
    network = Network(1, (one, Activation(kind, 0.3), one))
    steepest = np.abs(nets.jacobians(network, np.linspace(-9, 9, 20001)[:, None])).max()
    assert _bound(network, norm) == pytest.approx(steepest, rel=2e-4)
    assert _bound(network, norm) >= steepest


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_no_product_is_below_a_value_at_a_point(norm):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((2, 2))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for middle in (
        GroupSort(2),
        Householder(vectors),
        Residual((nets.dense(rng, 4, 4), Activation("gelu"), nets.dense(rng, 4, 4)), -0.5, 2.0),
    ):
        network = Network(3, (nets.dense(rng, 3, 4), middle, nets.dense(rng, 4, 2)))
        problem = nets.problem(network, np.zeros((1, 3)), 3.0, norm)
        assert _bound(network, norm) >= nets.lower(problem, rng)[0]


def test_a_reflection_is_no_contraction_of_the_largest_entry():
    angle = np.pi / 8.0
    network = Network(2, (Householder(np.array([[np.cos(angle), np.sin(angle)]])),))
    assert _bound(network, "linf") == pytest.approx(np.sqrt(2.0))
    assert _bound(network, "l2") == pytest.approx(1.0)
    problem = nets.problem(network, np.zeros((1, 2)), 1.0)
    assert nets.lower(problem, np.random.default_rng(0))[0] == pytest.approx(np.sqrt(2.0))


def test_successive_linear_layers_count_as_one():
    rng = np.random.default_rng(1)
    first, second = nets.dense(rng, 5, 4), nets.dense(rng, 4, 3)
    matrix = second.weight @ first.weight
    network = Network(5, (first, second))
    assert _bound(network, "l2") == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-9)
    assert _bound(network, "linf") == pytest.approx(np.abs(matrix).sum(axis=1).max(), rel=1e-9)


def test_convolutions_count_as_their_matrices():
    images, matrices = nets.convolution(np.random.default_rng(2))
    for norm in ("l2", "linf"):
        assert _bound(images, norm) == _bound(matrices, norm)
