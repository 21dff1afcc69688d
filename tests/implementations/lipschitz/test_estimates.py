"""The estimates: witnesses inside their regions that attain them, linear networks, known maxima."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.lipschitz.small import chain, linear, problem, various
from tiltyard.implementations.lipschitz._estimate_ascent import rounded, spectral, token_norms
from tiltyard.implementations.lipschitz._estimate_extreme import end_point
from tiltyard.implementations.lipschitz._estimate_points import Points
from tiltyard.implementations.lipschitz.clever import clever
from tiltyard.implementations.lipschitz.eclipse_fast import eclipse_fast
from tiltyard.implementations.lipschitz.pga_lower import pga_lower
from tiltyard.implementations.lipschitz.sampled_lower import sampled_lower
from tiltyard.implementations.lipschitz.seqlip import seqlip
from tiltyard.suites.lipschitz.judge import LipschitzJudge
from tiltyard.suites.lipschitz.layers import Dense
from tiltyard.suites.lipschitz.network import Network

SEARCHES = [sampled_lower, pga_lower]
PROBLEMS = various()


def answers(method, task, count=6, seed=0, **given_):
    found = method.function(
        task.on("cpu"), np.random.default_rng(seed), **{**method.parameters, **given_}
    )
    return list(itertools.islice(found, count))


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("method", SEARCHES, ids=lambda m: m.name)
def test_the_judge_finds_the_estimate_at_its_witness(method, name):
    judge = LipschitzJudge(PROBLEMS[name])
    for answer in answers(method, PROBLEMS[name], batch=64)[::5]:
        verdict = judge.score(judge.accept(answer))
        assert verdict.sound, verdict.reason


@pytest.mark.parametrize("method", SEARCHES, ids=lambda m: m.name)
def test_estimates_rise(method):
    values = [answer["estimate"] for answer in answers(method, PROBLEMS["gelu"], 30, batch=32)]
    assert (np.diff(values, axis=0) >= 0.0).all()
    assert (values[-1] > values[0]).any()


@pytest.mark.parametrize("name", PROBLEMS)
def test_drawn_and_projected_points_are_inside(name):
    task = PROBLEMS[name]
    points, rng = Points(task), np.random.default_rng(0)
    region = torch.arange(task.regions).repeat_interleave(50)
    far = torch.tensor(rng.standard_normal((len(region), task.network.inputs)) * 5.0)
    for x in (points.draw(region, rng), points.project(far, region)):
        lower, upper = (end[region] for end in task.box)
        assert (lower <= x.numpy()).all()
        assert (x.numpy() <= upper).all()
        if task.region == "ball":
            away = np.linalg.norm(x.numpy() - task.centers[region], axis=1)
            assert (away <= task.radius).all()
        if task.region == "tokens":
            sizes = x.numpy().reshape(len(x), task.tokens, -1)
            assert (np.sqrt((sizes**2).mean(axis=2)) <= task.radius).all()


@pytest.mark.parametrize(
    ("method", "norm", "region"),
    [
        *(
            (m, norm, region)
            for m in SEARCHES
            for norm in ("l2", "linf")
            for region in ("box", "ball")
        ),
        *((m, "l2", "global") for m in (*SEARCHES, seqlip)),
        (clever, "linf", "box"),
        (clever, "l2", "ball"),
    ],
)
def test_linear_networks_are_exact(method, norm, region):
    weight = np.random.default_rng(1).standard_normal((3, 5))
    exact = np.linalg.norm(weight, {"l2": 2, "linf": np.inf}[norm])
    found = answers(method, problem(linear(weight), norm, region), 1)[0]["estimate"]
    np.testing.assert_allclose(found, exact, rtol=1e-9)


def test_climbing_finds_the_steepest_point_of_a_smooth_neuron():
    # |f'| is largest, 1, where w x + b = 0: x = 0.4 inside the box.
    network = Network(
        1,
        (
            Dense(np.array([[5.0]]), np.array([-2.0])),
            *chain(1, 1, 1, activation="tanh").layers[1:2],
            Dense(np.array([[0.2]]), np.zeros(1)),
        ),
    )
    task = problem(network, "l2", "box", centers=np.zeros((1, 1)), radius=0.5)
    found = answers(pga_lower, task, 40)[-1]
    assert found["estimate"][0] == pytest.approx(1.0, rel=1e-6)
    assert found["witness"][0, 0] == pytest.approx(0.4, abs=1e-3)


@pytest.mark.parametrize("name", ["box", "maxmin", "mirrors", "residual", "convolution"])
def test_rounded_kinks_vanish_with_their_width(name):
    network = PROBLEMS[name].network
    x = torch.tensor(np.random.default_rng(0).standard_normal((20, network.inputs)))
    exact = network.apply(x)
    off = [(rounded(network.layers, x, width) - exact).abs().max() for width in (0.1, 1e-9)]
    assert off[0] > 1e-4
    assert off[1] < 1e-7


@given(seed=st.integers(0, 10**6), m=st.integers(1, 5), n=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_spectral_norms_and_their_vectors(seed, m, n):
    J = np.random.default_rng(seed).standard_normal((3, m, n))
    values, u, v = (part.numpy() for part in spectral(torch.tensor(J)))
    np.testing.assert_allclose(values, np.linalg.norm(J, 2, (1, 2)), rtol=1e-9)
    np.testing.assert_allclose(np.einsum("bm,bmn,bn->b", u, J, v), values, rtol=1e-6)


def test_the_norm_of_one_token_is_spectral():
    J = torch.tensor(np.random.default_rng(0).standard_normal((4, 3, 3)))
    found = token_norms(J, 1).numpy()[:, 0]
    exact = np.linalg.norm(J.numpy(), 2, (1, 2))
    assert (found <= exact * (1 + 1e-12)).all()
    assert (found >= 0.9 * exact).all()


@pytest.mark.parametrize(("shape", "end"), [(2.0, 3.0), (5.0, -1.0)])
def test_the_end_of_a_weibull_sample(shape, end):
    maxima = end - 0.5 * np.random.default_rng(0).weibull(shape, 2000)
    found = end_point(maxima)
    assert found >= maxima.max()
    assert found == pytest.approx(end, abs=0.1)


def test_equal_maxima_are_their_own_end():
    assert end_point(np.full(7, 2.5)) == 2.5


def test_clever_is_near_what_climbing_finds():
    task = problem(chain(3, 5, 2, activation="tanh"), "l2", "box")
    found = answers(clever, task, batches=40, samples=64)[-1]["estimate"]
    best = answers(pga_lower, task, 60)[-1]["estimate"]
    assert (found > 0.95 * best).all()
    assert (found < 1.3 * best).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["relu", "gelu", "leaky_relu"]))
def test_seqlip_by_search_is_at_most_seqlip_by_trying_all(seed, kind):
    network = chain(3, 6, 5, 2, activation=kind, seed=seed)
    task = problem(network, "l2", "global")
    (whole,) = answers(seqlip, task, 99)
    searched = answers(seqlip, task, 99, exact=0)
    assert searched[-1]["estimate"] <= whole["estimate"] * (1 + 1e-9)
    assert searched[-1]["estimate"] >= 0.9 * whole["estimate"]
    # The exact maximum is a bound, as is ECLipsE-Fast's.
    lower = answers(sampled_lower, task, 2)[-1]["estimate"]
    assert (lower <= whole["estimate"] * (1 + 1e-9)).all()
    assert (lower <= answers(eclipse_fast, task)[0]["upper"]).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["box", "ball", "maxmin", "mirrors", "partial", "transformer"])
@pytest.mark.parametrize("method", SEARCHES, ids=lambda m: m.name)
def test_the_gpu_finds_the_same(method, name):
    found = []
    for device in ("cpu", "cuda"):
        task = PROBLEMS[name].on(device)
        run = method.function(task, np.random.default_rng(0), **{**method.parameters, "batch": 64})
        found.append(next(run)["estimate"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8)
