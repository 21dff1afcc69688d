"""Branch and bound against an enumeration of cells, linear networks and its own invariances."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tiltyard.implementations.lipschitz._split_bounds import free_bound, ranges
from tiltyard.implementations.lipschitz._split_dual import Dual, optimise
from tiltyard.implementations.lipschitz._split_search import Options, Search
from tiltyard.implementations.lipschitz.clarke_branch_and_bound import clarke_branch_and_bound
from tiltyard.suites.lipschitz.layers import Activation, Dense
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

SHAPES = ((2, 3, 2), (3, 4, 1), (2, 2, 2, 2), (3, 3, 3, 1), (2, 2, 2, 2, 1), (4, 5, 3))


def network(sizes, seed):
    rng = np.random.default_rng(seed)
    layers = []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        layers += [Activation("relu")] * (i > 0)
        weight = rng.standard_normal((outputs, inputs))
        layers.append(Dense(weight, 0.5 * rng.standard_normal(outputs)))
    return Network(sizes[0], tuple(layers))


def problem_of(net, radius=1.0, norm="linf", centers=None, **more):
    if centers is None:
        centers = np.zeros((1, net.inputs))
    return LipschitzProblem(
        network=net,
        track="local-linf",
        norm=norm,
        region="box",
        centers=centers,
        radius=radius,
        **more,
    ).on("cpu")


def answers(problem, **parameters):
    rng = np.random.default_rng(0)
    return [one["upper"] for one in clarke_branch_and_bound.function(problem, rng, **parameters)]


def enumerate_cells(problem, region):
    """The Jacobians of all cells that have an interior, by one linear program for each pattern."""
    chain = problem.chain
    low, high = (corner[region] for corner in problem.box)
    sizes = [len(bias) for bias in chain.biases[:-1]]
    found = []
    for pattern in itertools.product((0.0, 1.0), repeat=sum(sizes)):
        parts = np.split(np.array(pattern), np.cumsum(sizes)[:-1])
        matrix, shift = np.eye(len(low)), np.zeros(len(low))
        rows, offsets = [], []
        for weight, bias, on in zip(chain.weights, chain.biases, parts, strict=False):
            matrix, shift = weight @ matrix, weight @ shift + bias
            rows.append((2 * on - 1)[:, None] * matrix)
            offsets.append((2 * on - 1) * shift)
            matrix, shift = on[:, None] * matrix, on * shift
        A, b = np.vstack(rows), np.concatenate(offsets)
        result = linprog(
            np.append(np.zeros(len(low)), -1.0),
            A_ub=np.column_stack([-A, np.ones(len(A))]),
            b_ub=b,
            bounds=[*zip(low, high, strict=True), (None, 1.0)],
        )
        if result.x[-1] > 1e-8:
            found.append(chain.weights[-1] @ matrix)
    return np.array(found)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(SHAPES), st.integers(0, 10_000), st.sampled_from([0.1, 0.5, 1.0, 2.0]))
def test_bounds_meet_enumeration_of_cells(sizes, seed, radius):
    problem = problem_of(network(sizes, seed), radius)
    exact = np.abs(enumerate_cells(problem, 0)).sum(axis=2).max()
    found = answers(problem, samples=4)
    assert all(upper[0] >= exact * (1 - 1e-9) for upper in found)
    assert found[-1][0] <= exact * (1 + 1e-6) + 1e-9
    assert np.all(np.diff(np.ravel(found)) <= 0)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([(2, 3, 1), (3, 2, 2, 1), (3, 4, 1)]), st.integers(0, 10_000))
def test_partial_derivatives_meet_enumeration_of_cells(sizes, seed):
    features = (1, 0)
    problem = problem_of(network(sizes, seed), 1.0, "partial", features=features)
    slopes = enumerate_cells(problem, 0)[:, 0, list(features)]
    exact = np.concatenate([slopes.max(axis=0), -slopes.min(axis=0)])
    found = answers(problem, samples=4)
    size = np.abs(exact).max()
    assert all((upper[0] >= exact - 1e-9 * size).all() for upper in found)
    np.testing.assert_allclose(found[-1][0], exact, rtol=1e-6, atol=1e-6 * size)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2), st.integers(0, 3))
def test_every_node_bounds_its_cells(seed, depth, splits):
    """At nodes with random splits, all three bounds hold at points that obey the splits."""
    net = network((3, *[4] * (depth + 1), 2), seed)
    problem = problem_of(net)
    rng = np.random.default_rng(seed)
    search = Search(problem, rng, Options(8, 5, 8, 16))
    for _ in search.start():
        pass
    layers = search.objectives.layers
    points = torch.tensor(rng.uniform(-1, 1, (4000, 3)))
    a, signs = points, []
    for weight, bias in zip(layers.weights, layers.biases, strict=True):
        z = a @ weight.T + bias
        signs.append(z)
        a = z.clamp(min=0)
    z = torch.cat(signs, dim=1)
    for node in search.tree.take(2):
        lower, upper, split = node.lower.copy(), node.upper.copy(), node.split.copy()
        unstable = np.flatnonzero((lower < 0) & (upper > 0))
        at = rng.permutation(unstable)[:splits]
        split[at] = rng.choice([-1, 1], len(at))
        lower[split == 1], upper[split == -1] = 0.0, 0.0
        inside = ((z * torch.tensor(split)) >= 0).all(dim=1)
        if not inside.any():
            continue
        state = tuple(torch.tensor(one).unsqueeze(0) for one in (lower, upper, split))
        nodes = search.objectives.nodes(np.array([node.entry]), torch.tensor([node.row]), state)
        bounds = ranges(layers, nodes)
        j = _jacobians(problem, points[inside])[:, node.row]
        value = float(np.abs(j).sum(axis=1).max())
        assert (bounds.y[0].numpy() <= j + 1e-9).all()
        assert (bounds.y[1].numpy() >= j - 1e-9).all()
        assert float(free_bound(layers, nodes, bounds)[0]) >= value * (1 - 1e-9)
        dual = Dual(layers, nodes, bounds)
        best, _ = optimise(dual, torch.tensor([-np.inf], dtype=torch.float64), 30)
        assert float(best[0]) >= value * (1 - 1e-9)


def _jacobians(problem, points):
    return torch.func.vmap(torch.func.jacrev(lambda x: problem.network.apply(x.unsqueeze(0))[0]))(
        points
    ).numpy()


def test_linear_networks_are_exact():
    weight = np.random.default_rng(0).standard_normal((3, 4))
    linear = Network(4, (Dense(weight, np.ones(3)),))
    exact = np.abs(weight).sum(axis=1).max()
    np.testing.assert_allclose(answers(problem_of(linear))[-1], [exact], rtol=1e-12)
    active = Network(
        4, (Dense(np.eye(4), np.full(4, 9.0)), Activation("relu"), Dense(weight, np.ones(3)))
    )
    np.testing.assert_allclose(answers(problem_of(active))[-1], [exact], rtol=1e-6)
    row = Network(4, (Dense(weight[:1], np.ones(1)),))
    upper = answers(problem_of(row, 1.0, "partial", features=(2, 0)))[-1]
    np.testing.assert_allclose(upper[0], np.concatenate([weight[0, [2, 0]], -weight[0, [2, 0]]]))


def test_regions_are_those_of_single_problems():
    net = network((4, 6, 5, 3), 3)
    centers = np.random.default_rng(1).uniform(0, 1, (4, 4))
    together = answers(problem_of(net, 0.4, centers=centers, clip=(0.0, 1.0)))[-1]
    alone = [
        answers(problem_of(net, 0.4, centers=center[None], clip=(0.0, 1.0)))[-1][0]
        for center in centers
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_bounds_grow_with_the_radius_and_scale_with_the_weights():
    net = network((4, 8, 8, 3), 5)
    radii = (0.05, 0.2, 0.5, 1.0)
    uppers = [answers(problem_of(net, radius))[-1][0] for radius in radii]
    assert all(b >= a * (1 - 1e-6) for a, b in itertools.pairwise(uppers))
    last = net.layers[-1]
    scaled = Network(4, (*net.layers[:-1], Dense(-3.0 * last.weight, last.bias)))
    np.testing.assert_allclose(answers(problem_of(scaled, 0.5))[-1], 3 * uppers[2], rtol=1e-6)


@pytest.mark.parametrize("norm", ["linf", "partial"])
def test_work_is_charged_and_bounds_fall(norm):
    features = {"features": (0, 3)} if norm == "partial" else {}
    problem = problem_of(network((6, 16, 16, 1), 2), 1.0, norm, **features)
    found = np.array([upper.max() for upper in itertools.islice(_some(problem), 12)])
    assert found[-1] < found[0]
    assert np.all(np.diff(found) <= 1e-12 * found[:-1])
    assert problem.ledger.oracles["branch"] > 0
    assert problem.ledger.oracles["sample"] > 0


def _some(problem):
    for one in clarke_branch_and_bound.function(problem, np.random.default_rng(0), batch=8):
        yield one["upper"]


def test_a_dead_neuron_and_a_degenerate_cell_do_not_hinder():
    """Neurons that are zero everywhere, or only at a corner of the box, change no slope."""
    weight = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    first = Dense(weight, np.array([0.0, 0.0, 0.0]))
    net = Network(2, (first, Activation("relu"), Dense(np.array([[5.0, 1.0, 2.0]]), np.zeros(1))))
    problem = problem_of(net, 1.0, centers=np.ones((1, 2)))
    assert answers(problem)[-1][0] == pytest.approx(4.0, rel=1e-6)
