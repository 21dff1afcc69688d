"""The adapters of other libraries against exact values; skipped where those are not installed."""

import itertools

import numpy as np
import pytest

from tiltyard.implementations.lipschitz.activation_enumeration import activation_enumeration
from tiltyard.implementations.lipschitz.auto_lirpa import auto_lirpa
from tiltyard.implementations.lipschitz.eclipse_nn import eclipse_nn
from tiltyard.suites.lipschitz.layers import Activation, Dense
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem


def problem(widths, *, norm="linf", region="box", kind="relu", radius=0.1, features=()):
    rng = np.random.default_rng(0)
    layers = []
    for inputs, outputs in itertools.pairwise(widths):
        W, b = rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs)
        layers += [Dense(W, b), Activation(kind)]
    made = LipschitzProblem(
        network=Network(widths[0], tuple(layers[:-1])),
        track="local-linf",
        norm=norm,
        region=region,
        radius=0.0 if region == "global" else radius,
        centers=np.empty((0, 0)) if region == "global" else rng.random((3, widths[0])),
        features=features,
    )
    return made.on("cpu")


def final(method, posed):
    *_, last = method.function(posed, np.random.default_rng(0))
    return last["upper"]


def test_each_says_what_to_install():
    for method, posed in (
        (auto_lirpa, problem((3, 4, 2))),
        (eclipse_nn, problem((3, 4, 2), norm="l2", region="ball")),
    ):
        why = method.unsupported(posed, "cpu")
        assert not why or "pip install" in why


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("radius", [1e-6, 0.05, 0.3])
def test_auto_lirpa_bounds_rows(radius):
    pytest.importorskip("auto_LiRPA.jacobian", exc_type=ImportError)
    posed = problem((3, 5, 4, 3), radius=radius)
    exact = final(activation_enumeration, posed)
    found = final(auto_lirpa, posed)
    assert (found >= exact * (1.0 - 1e-12)).all()
    assert found.dtype == np.float64
    if radius < 1e-3:  # no neuron changes its sign
        assert found == pytest.approx(exact, rel=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_auto_lirpa_bounds_partial_derivatives():
    pytest.importorskip("auto_LiRPA.jacobian", exc_type=ImportError)
    posed = problem((3, 5, 4, 1), norm="partial", features=(2, 0))
    exact = final(activation_enumeration, posed)
    found = final(auto_lirpa, posed)
    assert found.shape == exact.shape
    assert (found >= exact - 1e-12).all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("region", ["global", "ball"])
def test_eclipse_nn(region):
    pytest.importorskip("eclipse_nn", exc_type=ImportError)
    posed = problem((3, 5, 4, 3), norm="l2", region=region)
    exact = final(activation_enumeration, posed)
    found = final(eclipse_nn, posed)
    assert (found >= exact * (1.0 - 1e-6)).all()
    product = np.prod([np.linalg.norm(W, 2) for W in posed.chain.weights])
    assert (found <= product * (1.0 + 1e-6)).all()
