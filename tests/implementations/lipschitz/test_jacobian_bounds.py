"""Interval, linear and semidefinite bounds of Clarke Jacobians."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.implementations.lipschitz import nets
from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz import _crown, _sign_refinement
from tiltyard.implementations.lipschitz.clarke_bound_propagation import clarke_bound_propagation
from tiltyard.implementations.lipschitz.clarke_zonotope import clarke_zonotope
from tiltyard.implementations.lipschitz.fast_lip import fast_lip
from tiltyard.implementations.lipschitz.ibp_jacobian import ibp_jacobian
from tiltyard.implementations.lipschitz.norm_product import norm_product
from tiltyard.implementations.lipschitz.recurjac import recurjac
from tiltyard.suites.lipschitz.layers import KINDS, Activation, GroupSort
from tiltyard.suites.lipschitz.network import Network

METHODS = (ibp_jacobian, fast_lip, recurjac, clarke_bound_propagation, clarke_zonotope)
LOOSE_TO_TIGHT = METHODS
OF_ENTRIES = METHODS[:-1]


def _norms(method):
    return [norm for norm in ("linf", "l2", "partial") if norm in method.requires["norm"]]


@pytest.mark.parametrize("kind", KINDS)
@given(
    seed=st.integers(0, 10**6),
    widths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    radius=st.floats(0.01, 2.0),
    region=st.sampled_from(["box", "ball", "global"]),
)
@settings(max_examples=8)
def test_no_bound_is_below_a_value_at_a_point(kind, seed, widths, radius, region):
    rng = np.random.default_rng(seed)
    inputs = int(rng.integers(1, 4))
    for norm in ("linf", "l2", "partial"):
        outputs = 1 if norm == "partial" else 2
        network = nets.chain(rng, [inputs, *widths, outputs], kind, rng.choice([-0.5, 0.2, 1.5]))
        features = tuple(range(inputs)) if norm == "partial" else ()
        centers = rng.standard_normal((2, inputs))
        problem = nets.problem(network, centers, radius, norm, region, features=features)
        least = nets.lower(problem, rng)
        for method in METHODS:
            if norm in _norms(method):
                upper = nets.last(method, problem)
                assert (upper >= least - 1e-9 * np.abs(least) - 1e-12).all(), (method.name, norm)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_residual_blocks_and_tokens(method, kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        network = nets.residual(rng, kind)
        problem = nets.problem(network, rng.standard_normal((3, 3)), 0.2)
        ratio = nets.last(method, problem) / nets.lower(problem, rng)
        assert (ratio >= 1.0 - 1e-9).all()


@given(seed=st.integers(0, 10**6), radius=st.floats(0.01, 1.0))
@settings(max_examples=20)
def test_methods_are_ordered(seed, radius):
    rng = np.random.default_rng(seed)
    network = nets.chain(rng, [3, 6, 6, 5, 2])
    problem = nets.problem(network, rng.standard_normal((3, 3)), radius)
    bounds = [nets.last(method, problem) for method in LOOSE_TO_TIGHT]
    for looser, tighter in pairwise(bounds):
        assert (tighter <= looser * (1.0 + 1e-8)).all()


def test_each_method_is_strictly_better_somewhere():
    rng = np.random.default_rng(0)
    network = nets.chain(rng, [5, 20, 20, 3])
    problem = nets.problem(network, rng.standard_normal((1, 5)), 0.1)
    bounds = [float(nets.last(method, problem)[0]) for method in LOOSE_TO_TIGHT]
    assert bounds == sorted(bounds, reverse=True)
    assert len(set(bounds)) == len(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_linear_networks_are_exact(method):
    rng = np.random.default_rng(0)
    network = Network(4, (nets.dense(rng, 4, 3), nets.dense(rng, 3, 2)))
    matrix = network.layers[1].weight @ network.layers[0].weight
    problem = nets.problem(network, rng.standard_normal((2, 4)), 1.0)
    assert nets.last(method, problem) == pytest.approx(np.abs(matrix).sum(axis=1).max(), rel=1e-9)
    if "l2" in _norms(method):
        problem = nets.problem(network, rng.standard_normal((2, 4)), 1.0, "l2", "ball")
        assert nets.last(method, problem) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_small_regions_of_one_cell_are_exact(method):
    rng = np.random.default_rng(1)
    network = nets.chain(rng, [4, 8, 8, 3])
    problem = nets.problem(network, rng.standard_normal((5, 4)), 1e-9)
    assert nets.last(method, problem) == pytest.approx(nets.lower(problem, rng, 2), rel=1e-9)


@given(seed=st.integers(0, 10**6), factor=st.floats(0.1, 10.0))
@settings(max_examples=10)
def test_scaling_is_equivariant(seed, factor):
    rng = np.random.default_rng(seed)
    network = nets.chain(rng, [3, 5, 5, 2])
    centers = rng.standard_normal((2, 3))
    first = network.layers[0]
    scaled = Network(3, (type(first)(first.weight / factor, first.bias), *network.layers[1:]))
    for method in METHODS:
        one = nets.last(method, nets.problem(network, centers, 0.1))
        other = nets.last(method, nets.problem(scaled, factor * centers, factor * 0.1))
        assert other * factor == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("kind", ["relu", "tanh"])
@pytest.mark.parametrize("method", METHODS[:3])
def test_bounds_grow_with_the_region(method, kind):
    rng = np.random.default_rng(3)
    network = nets.chain(rng, [3, 6, 6, 2], kind)
    centers = rng.standard_normal((4, 3))
    radii = (0.01, 0.03, 0.1, 0.3, 1.0)
    bounds = [nets.last(method, nets.problem(network, centers, radius)) for radius in radii]
    for smaller, larger in pairwise(bounds):
        assert (smaller <= larger * (1.0 + 1e-9)).all()


@pytest.mark.parametrize("method", METHODS)
def test_convolutions_agree_with_their_matrices(method, monkeypatch):
    from tiltyard.implementations.lipschitz import _program

    rng = np.random.default_rng(4)
    for kind in ("relu", "gelu"):
        images, matrices = nets.convolution(rng, kind)
        centers = rng.standard_normal((2, 20))
        wanted = nets.last(method, nets.problem(matrices, centers, 0.1))
        monkeypatch.setattr(_program, "SMALL", 0)
        assert nets.last(method, nets.problem(images, centers, 0.1)) == pytest.approx(wanted)
        monkeypatch.undo()


@pytest.mark.parametrize("method", METHODS)
def test_float32_is_sound_and_near_float64(method):
    rng = np.random.default_rng(5)
    for kind in ("relu", "gelu"):
        network = nets.chain(rng, [4, 12, 12, 3], kind)
        problem = nets.problem(network, rng.standard_normal((6, 4)), 0.05)
        double = nets.last(method, problem)
        single = nets.last(method, problem, dtype="float32")
        assert single == pytest.approx(double, rel=3e-3)
        assert (single >= nets.lower(problem, rng)).all()


@pytest.mark.parametrize("method", METHODS)
def test_parts_give_what_the_whole_gives(method, monkeypatch):
    from tiltyard.implementations.lipschitz import _jacobian_norms

    rng = np.random.default_rng(6)
    network = nets.chain(rng, [4, 9, 9, 3])
    problem = nets.problem(network, rng.standard_normal((4, 4)), 0.2)
    whole = nets.last(method, problem)
    monkeypatch.setattr(_crown, "ENTRIES", 1)
    monkeypatch.setattr(_jacobian_norms, "BATCH", 1)
    monkeypatch.setattr(_sign_refinement, "TABLE", 1)
    assert nets.last(method, problem) == pytest.approx(whole, rel=1e-3)


def test_partial_derivatives_of_a_monotone_network_have_a_sign():
    rng = np.random.default_rng(7)
    network = nets.chain(rng, [3, 6, 6, 1])
    layers = tuple(
        type(layer)(np.abs(layer.weight), layer.bias) if hasattr(layer, "weight") else layer
        for layer in network.layers
    )
    problem = nets.problem(
        Network(3, layers), rng.standard_normal((2, 3)), 0.5, "partial", features=(2, 0)
    )
    for method in OF_ENTRIES:
        assert (nets.last(method, problem)[:, 2:] <= 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_other_layers_are_named(method):
    rng = np.random.default_rng(8)
    layers = (nets.dense(rng, 2, 4), Activation("relu"), GroupSort(2), nets.dense(rng, 4, 1))
    problem = nets.problem(Network(2, layers), np.zeros((1, 2)), 0.1)
    with pytest.raises(Unsupported, match="groupsort"):
        nets.last(method, problem)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10)
def test_spectral_bounds_are_no_larger_than_the_product_of_norms(seed):
    rng = np.random.default_rng(seed)
    network = nets.chain(rng, [4, 8, 3])
    problem = nets.problem(network, np.empty((0, 0)), 0.0, "l2", "global")
    ours = nets.last(clarke_bound_propagation, problem)
    assert (ours <= nets.last(norm_product, problem) * (1.0 + 1e-6)).all()


def test_spectral_bounds_of_residual_blocks_hold():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        network = nets.residual(rng, "gelu")
        for region in ("ball", "global"):
            problem = nets.problem(network, rng.standard_normal((2, 3)), 0.1, "l2", region)
            for method in OF_ENTRIES:
                assert (nets.last(method, problem) >= nets.lower(problem, rng)).all()


def test_a_dead_neuron_counts_as_unknown():
    network = nets.chain(np.random.default_rng(9), [1, 1, 1])
    still = tuple(
        type(layer)(0.0 * layer.weight, 0.0 * layer.bias) if i == 0 else layer
        for i, layer in enumerate(network.layers)
    )
    problem = nets.problem(Network(1, still), np.zeros((1, 1)), 0.1)
    for method in METHODS:
        assert nets.last(method, problem)[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cuda_agrees_with_the_processor(method, dtype):
    rng = np.random.default_rng(10)
    images, _ = nets.convolution(rng)
    for network in (images, nets.residual(rng, "gelu")):
        problem = nets.problem(network, rng.standard_normal((3, network.inputs)), 0.05)
        answers = method.function(problem.on("cuda"), np.random.default_rng(0), dtype=dtype)
        found = list(answers)[-1]["upper"]
        assert found == pytest.approx(nets.last(method, problem, dtype=dtype), rel=3e-3)
