"""The exact methods agree with brute force, with closed forms and with each other."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tiltyard import Unsupported
from tiltyard.implementations.lipschitz._exact_enumeration import Enumeration
from tiltyard.implementations.lipschitz._exact_region import Region
from tiltyard.implementations.lipschitz.activation_enumeration import activation_enumeration
from tiltyard.implementations.lipschitz.milp import milp
from tiltyard.suites.lipschitz.layers import Activation, Dense
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

METHODS = (activation_enumeration, milp)
SHAPES = ((2, 2, 1), (2, 3, 2), (3, 2, 2, 2), (2, 3, 3, 2), (1, 4, 1), (2, 2, 2, 2, 1))


def network(widths, draw, kind="relu", slope=0.25):
    """Draw (weight, bias) of each layer by ``draw(shape)``."""
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [Dense(draw((outputs, inputs)), draw(outputs)), Activation(kind, slope)]
    return Network(widths[0], tuple(layers[:-1]))


def gaussian(seed):
    return np.random.default_rng(seed).standard_normal


def eighths(seed):
    """Weights with many zeros, repeats and hyperplanes that meet."""
    return lambda shape: (
        np.random.default_rng([seed, *np.atleast_1d(shape)]).integers(-3, 4, shape) / 8
    )


def problem(net, norm="linf", region="box", radius=0.5, centers=None, **more):
    if region == "global":
        centers, radius = np.empty((0, 0)), 0.0
    elif centers is None:
        centers = np.linspace(-0.3, 0.4, net.inputs)[None]
    made = LipschitzProblem(
        network=net,
        track="local-linf",
        norm=norm,
        region=region,
        radius=radius,
        centers=centers,
        **more,
    )
    return made.on("cpu")


def answers(method, posed, **parameters):
    found = method.function(posed, np.random.default_rng(0), **parameters)
    return [answer["upper"] for answer in found]


def final(method, posed, **parameters):
    return answers(method, posed, **parameters)[-1]


def value(J, posed):
    if posed.norm == "linf":
        return np.array([np.abs(J).sum(axis=1).max()])
    if posed.norm == "l2":
        return np.array([np.linalg.norm(J, 2)])
    return np.concatenate([J[0, list(posed.features)], -J[0, list(posed.features)]])


def brute_force(posed, at=0):
    """Try all patterns of all neurons; one linear program says whether a cell has an interior."""
    chain, n = posed.chain, posed.network.inputs
    low, high = (corner[at] for corner in posed.box)
    best = np.full(posed.shape[1] if posed.norm == "partial" else 1, -np.inf)
    widths = [len(b) for b in chain.biases[:-1]]
    for bits in itertools.product((-1.0, 1.0), repeat=sum(widths)):
        signs = np.split(np.array(bits), np.cumsum(widths)[:-1])
        J, offset, rows, sides = np.eye(n), np.zeros(n), [], []
        for W, b, layer, s in zip(
            chain.weights, chain.biases, chain.activations, signs, strict=False
        ):
            J, offset = W @ J, W @ offset + b
            # An input that is zero everywhere on the cell demands nothing.
            used = (np.abs(J).max(axis=1) > 1e-12) | (np.abs(offset) > 1e-12)
            rows.append((s[:, None] * J)[used])
            sides.append((s * offset)[used])
            below = 0.0 if layer.kind == "relu" else layer.slope
            d = np.where(s > 0, 1.0, below)
            J, offset = d[:, None] * J, d * offset
        A = np.vstack(rows)
        found = linprog(
            np.append(np.zeros(n), -1.0),
            A_ub=np.column_stack([-A, np.ones(len(A))]),
            b_ub=np.concatenate(sides),
            bounds=[*zip(low, high, strict=True), (-1.0, 1.0)],
        )
        if found.status == 0 and found.x[-1] > 1e-7:
            best = np.maximum(best, value(chain.weights[-1] @ J, posed))
    return best


def sampled(posed, count=2000):
    """The largest value at random points, which may lie on no boundary."""
    rng = np.random.default_rng(0)
    low, high = (np.maximum(np.minimum(corner[0], 9.0), -9.0) for corner in posed.box)
    best = -np.inf
    for x in rng.uniform(low, high, (count, len(low))):
        if posed.region == "ball" and np.linalg.norm(x - posed.centers[0]) > posed.radius:
            continue
        best = np.maximum(best, value(jacobian(posed, x), posed))
    return best


def jacobian(posed, x):
    chain = posed.chain
    z, J = chain.weights[0] @ x + chain.biases[0], chain.weights[0]
    for W, b, layer in zip(chain.weights[1:], chain.biases[1:], chain.activations, strict=True):
        d = np.where(z > 0, 1.0, 0.0 if layer.kind == "relu" else layer.slope)
        z, J = W @ (d * z) + b, W @ (d[:, None] * J)
    return J


cases = given(
    seed=st.integers(0, 10**6),
    widths=st.sampled_from(SHAPES),
    kind=st.sampled_from(("relu", "leaky_relu")),
    radius=st.sampled_from((0.2, 0.7, 3.0)),
)


@settings(max_examples=10, deadline=None)
@cases
def test_both_agree_with_brute_force(seed, widths, kind, radius):
    posed = problem(network(widths, gaussian(seed), kind), radius=radius)
    exact = brute_force(posed)
    for method in METHODS:
        assert final(method, posed) == pytest.approx(exact, rel=3e-7, abs=1e-9)


@settings(max_examples=10, deadline=None)
@cases
def test_enumeration_agrees_where_hyperplanes_meet(seed, widths, kind, radius):
    posed = problem(network(widths, eighths(seed), kind), radius=radius)
    exact = brute_force(posed)
    assert final(activation_enumeration, posed) == pytest.approx(exact, rel=1e-9, abs=1e-12)
    assert (final(milp, posed) >= exact * (1.0 - 1e-6)).all()


@settings(max_examples=10, deadline=None)
@cases
def test_spectral_norms_agree_with_brute_force(seed, widths, kind, radius):
    posed = problem(network(widths, gaussian(seed), kind), "l2", radius=radius)
    assert final(activation_enumeration, posed) == pytest.approx(brute_force(posed), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), widths=st.sampled_from(((2, 3, 1), (3, 2, 2, 1))))
def test_partial_derivatives_agree_with_brute_force(seed, widths):
    posed = problem(network(widths, gaussian(seed)), "partial", features=(1, 0))
    for method in METHODS:
        found = final(method, posed)
        assert found.shape == (1, 4)
        assert found[0] == pytest.approx(brute_force(posed), rel=3e-7, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), norm=st.sampled_from(("linf", "l2")))
def test_global_agrees_with_brute_force(seed, norm):
    posed = problem(network((2, 3, 2, 2), gaussian(seed)), norm, "global")
    assert final(activation_enumeration, posed) == pytest.approx(brute_force(posed), rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), angle=st.floats(0.0, 6.0))
def test_balls(seed, angle):
    net = network((2, 4, 2, 2), gaussian(seed))
    posed = problem(net, "l2", "ball")
    exact = final(activation_enumeration, posed)
    assert sampled(posed) <= exact * (1.0 + 1e-12)
    assert exact <= final(activation_enumeration, problem(net, "l2")) * (1.0 + 1e-12)
    # Turning inputs and ball turns nothing that the norm sees.
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    first = Dense(net.layers[0].weight @ turn.T, net.layers[0].bias)
    turned = problem(
        Network(2, (first, *net.layers[1:])), "l2", "ball", centers=posed.centers @ turn.T
    )
    assert final(activation_enumeration, turned) == pytest.approx(exact, rel=1e-9)


def test_a_ball_in_one_dimension_is_a_box():
    net = network((1, 5, 4, 1), gaussian(3))
    ball = final(activation_enumeration, problem(net, "l2", "ball"))
    assert ball == pytest.approx(final(activation_enumeration, problem(net, "l2")), rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_linear_networks(method):
    W = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -3.0]])
    net = Network(3, (Dense(W, np.ones(2)),))
    centers = np.zeros((2, 3))
    assert final(method, problem(net, centers=centers)) == pytest.approx([6.0, 6.0])
    row = Network(3, (Dense(W[:1], np.ones(1)),))
    found = final(method, problem(row, "partial", centers=centers, features=(1, 2)))
    assert found == pytest.approx(np.tile([-2.0, 0.5, 2.0, -0.5], (2, 1)))
    if method is activation_enumeration:
        for region in ("ball", "global"):
            assert final(method, problem(net, "l2", region)) == pytest.approx(np.linalg.norm(W, 2))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("bias", "kind", "share"),
    [
        (0.5, "relu", 1.0),  # always on
        (-0.5, "relu", 0.0),  # always off
        (-0.29, "relu", 1.0),  # on in a corner: |w| radius = 0.3
        (-0.31, "relu", 0.0),
        (-0.31, "leaky_relu", 0.25),
    ],
)
def test_one_neuron(method, bias, kind, share):
    net = Network(
        2,
        (
            Dense(np.array([[1.0, -2.0]]), np.array([bias])),
            Activation(kind, 0.25),
            Dense(np.array([[2.0], [-3.0]]), np.zeros(2)),
        ),
    )
    found = final(method, problem(net, radius=0.1, centers=np.zeros((1, 2))))
    assert found == pytest.approx([9.0 * share], rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_scaling(method, factor):
    """HiGHS's absolute tolerances must not show in networks with small or large weights."""
    net = network((4, 5, 4, 3), gaussian(0))
    plain = final(method, problem(net))
    outer = Dense(factor * net.layers[-1].weight, net.layers[-1].bias)
    larger = Network(4, (*net.layers[:-1], outer))
    assert final(method, problem(larger)) == pytest.approx(factor * plain, rel=3e-7)
    inner = Network(4, (Dense(net.layers[0].weight / factor, net.layers[0].bias), *net.layers[1:]))
    centers = factor * np.linspace(-0.3, 0.4, 4)[None]
    wide = problem(inner, radius=0.5 * factor, centers=centers)
    assert final(method, wide) == pytest.approx(plain / factor, rel=3e-7)


@pytest.mark.parametrize("method", METHODS)
def test_growth_with_the_radius(method):
    net = network((3, 5, 4, 2), gaussian(5))
    found = [final(method, problem(net, radius=radius))[0] for radius in (0.05, 0.2, 0.8, 3.0)]
    assert found == sorted(found)
    assert found[0] < found[-1]


@pytest.mark.parametrize(
    ("method", "parameters"),
    [(activation_enumeration, {"nodes": 1}), (milp, {"nodes": 1, "seconds": 0.05})],
)
def test_bounds_at_any_time(method, parameters):
    net = network((6, 9, 9, 3), gaussian(2))
    posed = problem(net, radius=0.4, centers=gaussian(1)((2, 6)))
    exact = final(activation_enumeration, posed)
    running = method.function(posed, np.random.default_rng(0), **parameters)
    found = [answer["upper"] for answer in itertools.islice(running, 5)]
    assert found[0][0] < np.inf
    assert found[0][1] == np.inf
    for before, after in itertools.pairwise(found):
        assert (after <= before).all()
    assert (found[-1] >= exact * (1.0 - 1e-12)).all()
    assert found[1][0] > exact[0] * (1.0 + 1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_several_boxes_clipped(method):
    centers = np.array([[0.1, 0.5, 0.9], [0.5, 0.5, 0.5]])
    net = network((3, 3, 3, 2), gaussian(8))
    posed = problem(net, radius=0.3, centers=centers, clip=(0.0, 1.0))
    expected = [brute_force(posed, at)[0] for at in range(2)]
    assert final(method, posed) == pytest.approx(expected, rel=3e-7)


@pytest.mark.parametrize("method", METHODS)
def test_what_they_do_not_take(method):
    steep = problem(network((2, 2, 1), gaussian(0), "leaky_relu", slope=1.5))
    with pytest.raises(Unsupported, match=r"slopes from 0 to 1.* 1\.5"):
        final(method, steep)
    smooth = problem(network((2, 2, 1), gaussian(0), "tanh"))
    assert "tanh" in method.unsupported(smooth, "cpu")
    with pytest.raises(Unsupported, match="tanh"):
        final(method, smooth)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 9), ball=st.booleans())
def test_cells_are_found_or_refuted(seed, count, ball):
    rng = np.random.default_rng(seed)
    rows, offsets = rng.standard_normal((count, 4)), rng.standard_normal(count)
    region = Region(rng.standard_normal(4), np.full(4, 0.6), ball=ball)
    cell = region.interior(rows, offsets)
    if cell.nonempty:
        assert cell.point is not None
        step = cell.point - region.center
        assert (rows @ step + offsets > 0).all()
        assert (np.linalg.norm(step) if ball else np.abs(step).max()) <= 0.6 * (1 + 1e-12)
    else:
        steps = rng.uniform(-0.6, 0.6, (2000, 4))
        inside = np.linalg.norm(steps, axis=1) <= 0.6 if ball else np.ones(2000, bool)
        assert not ((steps[inside] @ rows.T + offsets > 0).all(axis=1)).any()


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    norm=st.sampled_from(("linf", "l2", "partial")),
    region=st.sampled_from(("box", "ball", "global")),
)
def test_witnesses_attain_the_maximum(seed, norm, region):
    net = network((3, 5, 4, 1), gaussian(seed))
    posed = problem(net, norm, region, features=(0, 2) if norm == "partial" else ())
    enumeration = Enumeration(posed, 50)
    for _ in enumeration.rounds():
        pass
    points = enumeration.witness()
    assert points.shape == (*enumeration.upper.shape, 3)
    for i, point in enumerate(points[0]):
        found = value(jacobian(posed, point), posed)[i]
        assert found == pytest.approx(enumeration.upper[0, i], rel=1e-9, abs=1e-12)


def test_a_touching_cell_is_empty():
    region = Region(np.zeros(2), np.ones(2))
    rows = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert not region.interior(rows, np.zeros(2)).nonempty
    assert not region.interior(rows[:1], np.array([-1.0])).nonempty
    assert region.interior(rows[:1], np.array([-0.999])).nonempty
