"""LipSDP for sorting networks: known constants, validity of its constraints, the rewriting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.lipschitz.small import chain, linear, mirrors, problem
from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._lipsdp_barrier import central_path
from tiltyard.implementations.lipschitz._lipsdp_certificate import certified
from tiltyard.implementations.lipschitz._sorting_lure import programs, residual_relu, sorting
from tiltyard.implementations.lipschitz.lipsdp_nsr import lipsdp_nsr
from tiltyard.implementations.lipschitz.lipsdp_residual_relu import lipsdp_residual_relu
from tiltyard.suites.lipschitz.layers import Activation, Dense, GroupSort
from tiltyard.suites.lipschitz.network import Network

LAYERS = {
    "maxmin": lambda _: GroupSort(2),
    "sorting": GroupSort,
    "alone": lambda _: GroupSort(1),
    "mirrors": mirrors,
}


def bounds(method, network, norm="l2"):
    task = problem(network, norm, "global").on("cpu")
    found = method.function(task, np.random.default_rng(0), **method.parameters)
    return [float(answer["upper"][0]) for answer in found]


def sampled(network, norm, count=300, seed=0):
    """Return the largest norm of Jacobians at random points."""
    x = torch.tensor(3.0 * np.random.default_rng(seed).standard_normal((count, network.inputs)))
    each = torch.func.vmap(torch.func.jacrev(lambda one: network.apply(one[None])[0]))(x).numpy()
    return float(np.linalg.norm(each, {"l2": 2, "linf": np.inf}[norm], (1, 2)).max())


def product(network):
    return float(np.prod([np.linalg.norm(weight, 2) for weight in network.chain().weights]))


def orthogonal(rng, n):
    return Dense(np.linalg.qr(rng.standard_normal((n, n)))[0], rng.standard_normal(n))


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_sorting_layer_and_orthogonal_networks_have_one(layer, depth):
    rng = np.random.default_rng(depth)
    layers = [part for _ in range(depth) for part in (orthogonal(rng, 6), layer(6))]
    found = bounds(lipsdp_nsr, Network(6, (*layers, layer(6))))
    assert found[-1] == pytest.approx(1.0, abs=1e-8)
    assert min(found) >= 1.0


def test_the_rewriting_of_maxmin_alone_has_the_root_of_two():
    found = bounds(lipsdp_residual_relu, Network(4, (GroupSort(2),)))
    assert found[-1] == pytest.approx(2.0**0.5, abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    layer=st.sampled_from(list(LAYERS)),
    norm=st.sampled_from(["l2", "linf"]),
)
def test_bounds_fall_to_between_samples_and_the_product(seed, layer, norm):
    network = chain(3, 4, 6, 2, activation=LAYERS[layer], seed=seed)
    found = bounds(lipsdp_nsr, network, norm)
    assert found == sorted(found, reverse=True)
    assert found[-1] >= sampled(network, norm, seed=seed) * (1 - 1e-9)
    if norm == "l2":
        assert found[-1] <= product(network) * (1 + 1e-7)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), norm=st.sampled_from(["l2", "linf"]))
def test_it_is_at_most_the_rewriting(seed, norm):
    network = chain(4, 6, 6, 3, activation=LAYERS["maxmin"], seed=seed)
    own, other = (bounds(m, network, norm)[-1] for m in (lipsdp_nsr, lipsdp_residual_relu))
    assert own <= other * (1 + 1e-7)
    assert other >= sampled(network, norm, seed=seed)


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("method", [lipsdp_nsr, lipsdp_residual_relu], ids=lambda m: m.name)
def test_linear_networks_are_exact(method, norm):
    weight = np.random.default_rng(1).standard_normal((3, 5))
    exact = np.linalg.norm(weight, {"l2": 2, "linf": np.inf}[norm])
    assert bounds(method, linear(weight), norm)[-1] == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_scaling_a_weight_scales_the_bound(norm):
    network = chain(4, 6, 6, 3, activation=LAYERS["maxmin"])
    first, *rest = network.layers
    scaled = Network(4, (Dense(100.0 * first.weight, first.bias), *rest))
    plain = bounds(lipsdp_nsr, network, norm)[-1]
    assert bounds(lipsdp_nsr, scaled, norm)[-1] == pytest.approx(100.0 * plain, rel=1e-7)


def test_outputs_of_nothing_have_zero():
    network = chain(4, 6, 2, activation=LAYERS["maxmin"])
    half = network.then(Dense(np.array([[0.0, 0.0], [1.0, 1.0]]), np.ones(2)))
    assert bounds(lipsdp_nsr, half, "linf")[-1] >= sampled(half, "linf")
    silent = network.then(Dense(np.zeros((2, 2)), np.ones(2))).then(GroupSort(2))
    assert bounds(lipsdp_nsr, silent)[-1] == 0.0
    assert bounds(lipsdp_nsr, silent, "linf")[-1] == 0.0


@pytest.mark.parametrize("layer", [GroupSort(2), GroupSort(3), GroupSort(6), mirrors(6)])
def test_what_a_layer_keeps_and_what_it_makes(layer):
    feedback = sorting(layer, 6)
    v = torch.tensor(np.random.default_rng(0).standard_normal((400, 6)))
    z, v = layer.apply(v).numpy(), v.numpy()
    made = z @ feedback.take.T
    np.testing.assert_allclose(z, v @ feedback.keep.T + made @ feedback.made.T, atol=1e-12)
    outer = [d[:200] - d[200:] for d in (v @ feedback.take.T, made)]
    for group in np.unique(feedback.group):
        before, after = (np.linalg.norm(d[:, feedback.group == group], axis=1) for d in outer)
        assert (after <= before + 1e-12).all()


def test_the_rewriting_is_maxmin():
    feedback = residual_relu(GroupSort(2), 6)
    v = np.random.default_rng(0).standard_normal((50, 6))
    made = np.maximum(v @ feedback.take.T, 0.0) @ feedback.made.T
    sorted_ = GroupSort(2).apply(torch.tensor(v)).numpy()
    np.testing.assert_allclose(v @ feedback.keep.T + made, sorted_, atol=1e-12)


def test_its_multipliers_satisfy_the_paper_with_all_its_terms():
    rng = np.random.default_rng(0)
    first, last = (
        w / np.linalg.norm(w, 2) for w in (rng.normal(size=(6, 4)), rng.normal(size=(3, 6)))
    )
    network = Network(4, (Dense(first, np.zeros(6)), GroupSort(3), Dense(last, np.zeros(3))))
    program = programs(network.chain(), "l2", sorting)[0]
    theta = program.first[[0, 2]]
    *_, t = central_path(program.form, program.basis, theta, 1e-8)
    rho = certified(program.form, t) ** 2
    T, ones = np.diag(np.repeat(t[[0, 2]], 3)), np.kron(np.eye(2), np.ones((3, 3)))
    S = P = 1e7 * ones
    constraint = np.block([[T - 2 * S, P + S], [P + S, -T - 2 * P]])
    both = np.block([[first, np.zeros((6, 6))], [np.zeros((6, 4)), np.eye(6)]])
    whole = np.diag(np.repeat([rho * (1 + 1e-5), 0.0], [4, 6])) - both.T @ constraint @ both
    whole[4:, 4:] -= last.T @ last
    assert np.linalg.eigvalsh(whole)[0] >= -1e-7


@pytest.mark.parametrize(
    ("method", "layer", "named"),
    [
        (lipsdp_nsr, lambda _: Activation("relu"), "relu"),
        (lipsdp_residual_relu, lambda _: GroupSort(3), "MaxMin"),
    ],
)
def test_other_layers_are_refused_by_name(method, layer, named):
    with pytest.raises(Unsupported, match=named):
        bounds(method, chain(4, 6, 2, activation=layer))


def paper(weights, group, norm):
    """Return the optimum of the paper's program with all its multipliers, by Clarabel."""
    cp = pytest.importorskip("cvxpy")
    start = np.cumsum([0, *(weight.shape[1] for weight in weights)])
    layers = [np.eye(start[-1])[a:b] for a, b in itertools.pairwise(start)]
    q = cp.Variable(len(layers[0]) if norm == "linf" else 1)
    D = cp.diag(q) if norm == "linf" else q * np.eye(len(layers[0]))
    last = weights[-1] @ layers[-1]
    M = layers[0].T @ D @ layers[0] - last.T @ last
    positive = []
    for weight, before, after in zip(weights, layers, layers[1:], strict=False):
        for rows in np.arange(len(weight)).reshape(-1, group):
            v, z = (weight @ before)[rows], after[rows]
            a, b = v.sum(axis=0)[:, None], z.sum(axis=0)[:, None]
            scale, gamma, nu, tau = (cp.Variable() for _ in range(4))
            positive.append(scale)
            cross = a @ b.T + b @ a.T
            M -= scale * (v.T @ v - z.T @ z) + gamma * (a @ a.T - b @ b.T)
            M -= tau * (cross - 2 * a @ a.T) + nu * (cross - 2 * b @ b.T)
    task = cp.Problem(cp.Minimize(cp.sum(q)), [(M + M.T) / 2 >> 0, *(s >= 0 for s in positive)])
    task.solve(solver=cp.CLARABEL)
    return task.value**0.5


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # an infimum is not attained
@pytest.mark.parametrize("group", [2, 3])
@pytest.mark.parametrize(("norm", "outputs"), [("l2", 3), ("linf", 1)])
def test_it_is_the_optimum_of_the_papers_program(norm, group, outputs):
    network = chain(4, 6, 6, outputs, activation=lambda _: GroupSort(group))
    found = bounds(lipsdp_nsr, network, norm)[-1]
    # The optimum is an infimum over nu: Clarabel stops a little above it.
    assert found == pytest.approx(paper(network.chain().weights, group, norm), rel=1e-3)
