"""Composed bounds of transformers: above what is attained, equal to closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz.merged_norm_composition import merged_norm_composition
from tiltyard.implementations.lipschitz.weight_norm_composition import weight_norm_composition
from tiltyard.suites.lipschitz.attention import Attention
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Conv2d,
    Dense,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

METHODS = (weight_norm_composition, merged_norm_composition)


def _problem(layers, inputs, tokens, radius=1.0):
    return LipschitzProblem(
        network=Network(inputs, tuple(layers)),
        track="transformer",
        norm="max-rms",
        region="tokens",
        radius=radius,
        tokens=tokens,
    )


def _bound(method, problem):
    (answer,) = method.function(problem.on("cpu"), np.random.default_rng(0))
    return float(answer["upper"][0])


def _attention(rng, tokens, d, heads=2, causal=False):
    parts = [rng.standard_normal((heads, 2, d)) for _ in range(3)]
    return Attention(*parts, rng.standard_normal((heads, d, 2)), tokens, 0.5, causal)


def _largest_stretch(problem, rng, pairs=400):
    """Return the largest ratio of norms of differences, of points near and far."""
    n, tokens = problem.network.inputs, problem.tokens

    def norm(x):
        return x.reshape(len(x), tokens, -1).pow(2).mean(dim=2).sqrt().amax(dim=1)

    x = torch.as_tensor(rng.standard_normal((pairs, n)))
    x = x / norm(x)[:, None] * problem.radius
    near = (1 - 1e-3) * x + 1e-4 * torch.as_tensor(rng.standard_normal((pairs, n)))
    near = near / (norm(near) / problem.radius).clamp(min=1.0)[:, None]
    f = problem.network.apply
    ratios = [
        norm(f(x) - f(other)) / norm(x - other).clamp(min=1e-9) for other in (near, x.roll(1, 0))
    ]
    return float(torch.cat(ratios).max())


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), radius=st.sampled_from([0.1, 1.0, 3.0]))
def test_bound_is_above_every_stretch(method, seed, radius):
    rng = np.random.default_rng(seed)
    layers: list[Layer] = [
        Dense(rng.standard_normal((6, 6)), rng.standard_normal(6)),
        Residual((_attention(rng, 3, 2, causal=bool(seed % 2)),), 0.75, 0.25),
        Residual(
            (
                PerToken(Dense(rng.standard_normal((4, 2)), rng.standard_normal(4)), 3),
                Activation("gelu"),
                PerToken(Dense(rng.standard_normal((2, 4)), np.zeros(2)), 3),
            ),
            0.5,
            -0.5,
        ),
        PerToken(Dense(rng.standard_normal((5, 2)), np.zeros(5)), 3),
    ]
    problem = _problem(layers, 6, 3, radius)
    assert _bound(method, problem) >= _largest_stretch(problem, rng)


def test_merging_never_loosens():
    rng = np.random.default_rng(0)
    for _ in range(20):
        problem = _problem([_attention(rng, 3, 4)], 12, 3, rng.uniform(0.1, 2.0))
        plain, merged = (_bound(method, problem) for method in METHODS)
        assert merged <= plain * (1 + 1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_linear_layer_per_token_is_exact(method):
    weight = np.random.default_rng(0).standard_normal((3, 5))
    problem = _problem([PerToken(Dense(weight, np.ones(3)), 2)], 10, 2)
    wanted = np.sqrt(5 / 3) * np.linalg.norm(weight, 2)
    assert _bound(method, problem) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_unit_weights_give_the_published_three(method):
    # Norms of one, scores over the width, tokens of norm one: the paper's 3, hence its factor 1/3.
    eye = np.eye(4)[None]
    problem = _problem([Attention(eye, eye, eye, eye, 3, 0.25)], 12, 3)
    assert _bound(method, problem) == pytest.approx(3.0, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_layer_that_cuts_tokens_is_named(method):
    layer = Conv2d(np.ones((1, 1, 2, 2)), np.zeros(1), (1, 4, 3))
    problem = _problem([layer, Dense(np.ones((4, 6)), np.zeros(4))], 12, 4)
    with pytest.raises(Unsupported, match="12 to 6 entries has no whole tokens"):
        _bound(method, problem)


@pytest.mark.parametrize("method", METHODS)
def test_gelu_is_bounded_by_its_steepest_slope(method):
    # Phi(z) + z phi(z) at z = sqrt 2; a constant cut to seven decimals lies below it.
    z = torch.tensor(2.0, dtype=torch.float64).sqrt().requires_grad_()
    torch.nn.functional.gelu(z).backward()
    problem = _problem([Activation("gelu")], 2, 1)
    assert float(z.grad) <= _bound(method, problem) <= float(z.grad) * (1 + 1e-9)
