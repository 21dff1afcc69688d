"""LipSDP: exact on what is known, above every Jacobian, and proved where it says so."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._lipsdp import forms
from tiltyard.implementations.lipschitz._lipsdp_certificate import certified, start
from tiltyard.implementations.lipschitz.lipsdp_barrier import LARGEST, lipsdp_barrier
from tiltyard.implementations.lipschitz.lipsdp_layer import lipsdp_layer
from tiltyard.implementations.lipschitz.lipsdp_neuron import lipsdp_neuron
from tiltyard.suites.lipschitz.layers import Activation, Dense, GroupSort, PerToken, Residual
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

METHODS = (lipsdp_neuron, lipsdp_layer, lipsdp_barrier)


def weights_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in itertools.pairwise(sizes)]


def chain(weights, kind="relu", slope=0.01, bias=0.0):
    layers = [Dense(weights[0], np.full(len(weights[0]), bias))]
    for weight in weights[1:]:
        layers += [Activation(kind, slope), Dense(weight, np.full(len(weight), bias))]
    return Network(weights[0].shape[1], tuple(layers))


def over_all_inputs(network):
    return LipschitzProblem(network=network, track="global-l2", norm="l2", region="global")


def around(network, centers, radius, region="ball"):
    return LipschitzProblem(
        network=network,
        track="local-l2",
        norm="l2",
        region=region,
        centers=np.asarray(centers),
        radius=radius,
    )


def bound(method, problem, **parameters):
    answers = [answer["upper"] for answer in method.function(problem, None, **parameters)]
    assert all(answer.shape == problem.shape for answer in answers)
    for earlier, later in itertools.pairwise(answers):
        assert (later <= earlier).all()
    return answers[-1]


def largest_pattern(weights, slopes=(0.0, 1.0)):
    """Largest norm of W_L D_L-1 ... D_1 W_1 over diagonal D with entries of ``slopes``."""
    best = 0.0
    for pattern in itertools.product(slopes, repeat=sum(len(w) for w in weights[:-1])):
        product, at = weights[0], 0
        for before, weight in itertools.pairwise(weights):
            product = (weight * pattern[at : at + len(before)]) @ product
            at += len(before)
        best = max(best, np.linalg.norm(product, 2))
    return best


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_network_has_its_spectral_norm(method):
    first, second = weights_of([4, 3, 5])
    layers = (Dense(first, np.ones(3)), Dense(second, np.ones(5)))
    for region in (over_all_inputs, lambda net: around(net, np.zeros((2, 4)), 0.5)):
        found = bound(method, region(Network(4, layers)))
        assert found == pytest.approx(np.linalg.norm(second @ first, 2), rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kind", "slope", "steepest"),
    [
        ("relu", 0.01, 1.0),
        ("leaky_relu", 0.3, 1.0),
        ("leaky_relu", 2.5, 2.5),
        ("leaky_relu", -1.5, 1.5),
        ("tanh", 0.01, 1.0),
        ("sigmoid", 0.01, 0.25),
        ("softplus", 0.01, 1.0),
        ("gelu", 0.01, 1.1289041382953),
    ],
)
def test_one_neuron_has_its_steepest_slope(method, kind, slope, steepest):
    weights = [np.array([[3.0, -4.0]]), np.array([[2.0], [0.0]])]
    found = bound(method, over_all_inputs(chain(weights, kind, slope)))
    assert found == pytest.approx(10.0 * steepest, rel=1e-6)
    assert found >= 10.0 * steepest * (1 - 1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_dead_and_unused_neurons_and_zero_networks(method):
    first = np.array([[1.0, 2.0], [0.0, 0.0], [5.0, 1.0]])
    second = np.array([[2.0, 7.0, 0.0]])
    found = bound(method, over_all_inputs(chain([first, second])))
    assert found == pytest.approx(2.0 * np.sqrt(5.0), rel=1e-6)
    assert bound(method, over_all_inputs(chain([first, 0.0 * second]))) == 0.0


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    sizes=st.sampled_from([(2, 3, 1), (3, 2, 2), (1, 4, 2), (2, 2, 3, 2), (3, 2, 2, 2, 1)]),
    scale=st.sampled_from([1e-4, 1.0, 1e5]),
)
def test_bounds_lie_between_every_pattern_and_the_product_of_norms(seed, sizes, scale):
    weights = weights_of(sizes, seed)
    weights[0] = weights[0] * scale
    problem = over_all_inputs(chain(weights))
    lower, product = largest_pattern(weights), np.prod([np.linalg.norm(w, 2) for w in weights])
    neuron, layer, barrier = (bound(method, problem)[0] for method in METHODS)
    assert lower * (1 - 1e-12) <= min(neuron, barrier)
    assert neuron == pytest.approx(barrier, rel=1e-6)
    assert max(neuron, barrier) <= layer * (1 + 1e-7)
    assert layer <= product * (1 + 1e-7)
    assert bound(lipsdp_barrier, problem, multipliers="layer")[0] == pytest.approx(layer, rel=1e-6)


@pytest.mark.parametrize("kind", ["relu", "gelu"])
def test_the_barrier_method_reaches_the_dense_optimum(kind):
    problem = over_all_inputs(chain(weights_of([9, 8, 7, 4]), kind))
    dense = bound(lipsdp_neuron, problem)
    assert bound(lipsdp_barrier, problem) == pytest.approx(dense, rel=1e-6)


def test_bounds_scale_with_the_network():
    first, second = weights_of([5, 6, 3])
    plain = bound(lipsdp_barrier, over_all_inputs(chain([first, second])))
    scaled = bound(lipsdp_barrier, over_all_inputs(chain([first / 3.0, 1e3 * second])))
    assert scaled == pytest.approx(plain * 1e3 / 3.0, rel=1e-6)


def test_the_program_of_the_paper():
    cvxpy = pytest.importorskip("cvxpy")
    first, second, third = weights_of([3, 4, 3, 2])
    t, s, rho = cvxpy.Variable(4), cvxpy.Variable(3), cvxpy.Variable()
    upper, lower = cvxpy.diag(t), cvxpy.diag(s)
    M = cvxpy.bmat(
        [
            [rho * np.eye(3), -first.T @ upper, np.zeros((3, 3))],
            [-upper @ first, 2 * upper, -second.T @ lower],
            [np.zeros((3, 3)), -lower @ second, 2 * lower - third.T @ third],
        ]
    )
    symmetric = (M + M.T) / 2
    program = cvxpy.Problem(cvxpy.Minimize(rho), [symmetric >> 0, t >= 0, s >= 0])
    wanted = np.sqrt(program.solve(solver="CLARABEL"))
    problem = over_all_inputs(chain([first, second, third]))
    for method in (lipsdp_neuron, lipsdp_barrier):
        assert bound(method, problem) == pytest.approx(wanted, rel=1e-6)


def positive_definite(M):
    """Decide in rational arithmetic, by the pivots of Gauss."""
    M = [list(row) for row in M]
    for k, pivot in enumerate(M):
        if pivot[k] <= 0:
            return False
        for row in M[k + 1 :]:
            factor = row[k] / pivot[k]
            for j in range(k, len(M)):
                row[j] -= factor * pivot[j]
    return True


@pytest.mark.parametrize("noise", [0.0, 1e-9, 1e-3])
@pytest.mark.parametrize("seed", range(3))
def test_certificates_hold_in_exact_arithmetic(seed, noise):
    first, second = weights_of([3, 4, 2], seed)
    (form,) = forms(over_all_inputs(chain([first, second])))
    rng = np.random.default_rng(seed)
    multipliers = start(form) * (1 + noise * rng.standard_normal(4))
    rho = Fraction(certified(form, multipliers) / form.unit) ** 2
    T, A, C = (np.vectorize(Fraction)(array) for array in (multipliers, form.A, form.C))
    M = -C.T @ C
    for i in range(3):
        M[i, i] += rho
    for j in range(4):
        y = np.array([Fraction(int(k == 3 + j)) for k in range(7)])
        M = M + T[j] * (np.outer(y, y) - (np.outer(y, A[j]) + np.outer(A[j], y)) / 2)
    assert positive_definite(M)


def test_multipliers_that_prove_nothing():
    (form,) = forms(over_all_inputs(chain(weights_of([3, 4, 2]))))
    good = start(form)
    assert np.isfinite(certified(form, good))
    for bad in (0.4 * good, -good, np.nan * good, 0.0 * good):
        assert certified(form, bad) == np.inf


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("region", ["ball", "box"])
def test_local_bounds_hold_and_grow_to_the_global_one(method, kind, region):
    import torch

    network = chain(weights_of([3, 5, 4, 2], 3), kind, bias=0.1)
    centers = np.array([[0.5, -1.0, 2.0], [0.0, 0.1, 0.0]])
    everywhere = bound(method, over_all_inputs(network))
    found = [bound(method, around(network, centers, r, region)) for r in (1e-3, 0.3, 3.0)]
    rng = np.random.default_rng(0)
    for radius, upper in zip((1e-3, 0.3, 3.0), found, strict=True):
        for center, one in zip(centers, upper, strict=True):
            steps = rng.uniform(-1, 1, (40, 3))
            if region == "ball":
                steps /= np.linalg.norm(steps, axis=1, keepdims=True)
            for x in torch.tensor(center + radius * steps):
                J = torch.func.jacrev(lambda at: network.apply(at[None])[0])(x).numpy()
                assert np.linalg.norm(J, 2) <= one * (1 + 1e-9)
    for smaller, larger in itertools.pairwise([*found, everywhere]):
        assert (smaller <= larger * (1 + 1e-6)).all()


def test_a_region_without_kinks_has_its_jacobian():
    weights = weights_of([3, 5, 4, 2], 3)
    network = chain(weights, bias=0.1)
    x = np.array([0.5, -1.0, 2.0])
    inner, slopes = x, []
    for weight in weights[:-1]:
        inner = weight @ inner + 0.1
        slopes.append(inner > 0)
        inner = np.maximum(inner, 0.0)
    J = (weights[2] * slopes[1]) @ (weights[1] * slopes[0]) @ weights[0]
    found = bound(lipsdp_barrier, around(network, [x], 1e-6))
    assert found == pytest.approx(np.linalg.norm(J, 2), rel=1e-9)


def test_residual_branches_and_tokens():
    inner, outer = weights_of([3, 4, 3], 1)
    branch = (Dense(inner, np.zeros(4)), Activation("relu"), Dense(outer, np.zeros(3)))
    network = Network(3, (Residual(branch, skip=0.5, scale=2.0),))
    lower = max(
        np.linalg.norm(0.5 * np.eye(3) + 2.0 * (outer * pattern) @ inner, 2)
        for pattern in itertools.product((0.0, 1.0), repeat=4)
    )
    limit = 0.5 + 2.0 * np.linalg.norm(outer, 2) * np.linalg.norm(inner, 2)
    for method in METHODS:
        found = bound(method, over_all_inputs(network))[0]
        assert lower * (1 - 1e-12) <= found <= limit * (1 + 1e-7)
    alone = bound(lipsdp_barrier, over_all_inputs(network))
    tokens = Network(6, (PerToken(network.layers[0], 2),))
    assert bound(lipsdp_barrier, over_all_inputs(tokens)) == pytest.approx(alone, rel=1e-6)


def test_what_it_does_not_take():
    sorting = Network(2, (GroupSort(2), Activation("relu")))
    with pytest.raises(Unsupported, match="groupsort"):
        bound(lipsdp_barrier, over_all_inputs(sorting))
    wide = chain([np.ones((LARGEST + 1, 1)), np.ones((1, LARGEST + 1))])
    with pytest.raises(Unsupported, match="LMIs of order"):
        bound(lipsdp_barrier, over_all_inputs(wide))
