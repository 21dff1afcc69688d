"""The judge of the lipschitz suite: known values, unsound claims and answers that are none."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.lipschitz.small import linear, problem, various
from tiltyard.errors import InvalidAnswer, NonFiniteAnswer
from tiltyard.suites.lipschitz import SUITE
from tiltyard.suites.lipschitz.judge import CAP, LipschitzJudge
from tiltyard.suites.lipschitz.layers import Activation, Dense, GroupSort, Residual
from tiltyard.suites.lipschitz.network import Network

WEIGHT = np.array([[1.0, -2.0], [3.0, 0.5]])
NORMS = {"linf": 3.5, "l2": np.linalg.norm(WEIGHT, 2)}


def judged(task, answer):
    judge = LipschitzJudge(task)
    return judge.score(judge.accept(answer))


def ramp():
    """Return f(x) = relu(x): slope 0 or 1."""
    one = Dense(np.ones((1, 1)), np.zeros(1))
    return Network(1, (one, Activation("relu"), one))


def nothing():
    """Return relu(-x) + (x - relu(x)), which is 0, though differentiation gives 1 at 0."""
    split = Dense(np.array([[-1.0], [1.0]]), np.zeros(2))
    join = Dense(np.array([[1.0, -1.0]]), np.zeros(1))
    return Network(1, (Residual((split, Activation("relu"), join)),))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("region", ["box", "ball", "global"])
def test_the_exact_bound_of_a_linear_network_has_no_gap(norm, region):
    task = problem(linear(WEIGHT), norm, region)
    verdict = judged(task, {"upper": np.full(task.shape, NORMS[norm])})
    assert verdict.sound
    assert verdict.kind == "certified"
    assert verdict.metrics["gap"] == pytest.approx(0.0, abs=1e-12)
    assert verdict.metrics["bound"] == pytest.approx(NORMS[norm])
    assert math.isnan(verdict.metrics["undecided"])
    assert set(verdict.metrics) == {metric.name for metric in SUITE.metrics}


def test_ratios_are_averaged_over_regions():
    task = problem(linear(WEIGHT))
    metrics = judged(task, {"upper": np.array([3.5, 14.0])}).metrics
    assert metrics["gap"] == pytest.approx(1.0)  # sqrt(1 * 4) - 1
    assert metrics["lower_ratio"] == pytest.approx(2.0)
    assert metrics["worst_ratio"] == pytest.approx(4.0)
    assert metrics["median_ratio"] == pytest.approx(2.0)
    assert math.isnan(metrics["exact_ratio"])


def test_a_bound_below_a_known_value_is_unsound():
    task = problem(linear(WEIGHT))
    verdict = judged(task, {"upper": np.array([4.0, 3.5 * (1.0 - 1e-5)])})
    assert not verdict.sound
    assert "region 1" in verdict.reason
    assert "3.499965" in verdict.reason
    assert verdict.certificate["witness_value"] == pytest.approx(3.5)
    assert len(verdict.certificate["witness"].split()) == 2
    assert judged(task, {"upper": np.array([4.0, 3.5 * (1.0 - 1e-7)])}).sound


def test_an_unsound_bound_of_a_network_is_found():
    task = problem(ramp(), centers=np.array([[0.0], [2.0]]))
    assert judged(task, np.array([1.0, 1.0])).sound
    assert not judged(task, np.array([0.5, 1.0])).sound


def test_partial_answers_count_with_the_cap():
    task = problem(linear(WEIGHT))
    half = judged(task, {"upper": np.array([3.5, np.inf])})
    none = judged(task, {"upper": np.array([np.inf, np.inf])})
    assert half.sound
    assert none.sound
    assert half.metrics["gap"] == pytest.approx(CAP**0.5)
    assert none.metrics["gap"] == pytest.approx(CAP)
    assert math.isnan(half.metrics["bound"])


@pytest.mark.parametrize("network", [linear([[0.0, 0.0]]), linear(WEIGHT * 0.0)])
def test_a_network_that_is_constant_has_the_value_zero(network):
    task = problem(network)
    assert judged(task, np.zeros(2)).metrics["gap"] == 0.0
    assert judged(task, np.full(2, 1e-3)).metrics["gap"] > 1.0
    assert not judged(task, np.full(2, -1.0)).sound


def test_what_differentiation_returns_on_a_kink_accuses_nobody():
    task = problem(nothing(), centers=np.zeros((1, 1)))
    verdict = judged(task, np.zeros(1))
    assert verdict.sound
    assert verdict.metrics["gap"] == 0.0
    claimed = judged(task, {"estimate": np.ones(1), "witness": np.zeros((1, 1))})
    assert not claimed.sound
    assert "region 0: the estimate 1 is above 0" in claimed.reason


def test_a_tie_of_a_sort_is_a_kink():
    # |x_1 - x_2| of equal rows is 0: with weights (1, -1) on sorted copies of one number.
    same = Dense(np.ones((2, 1)), np.zeros(2))
    task = problem(
        Network(1, (same, GroupSort(2), Dense(np.array([[-1.0, 1.0]]), np.zeros(1)))),
        centers=np.zeros((1, 1)),
    )
    assert judged(task, np.zeros(1)).sound


def test_estimates_are_off_above_and_below():
    task = problem(linear(WEIGHT))
    low = judged(task, {"estimate": np.full(2, 1.75)})
    high = judged(task, {"estimate": np.full(2, 7.0)})
    assert low.kind == high.kind == "estimate"
    assert low.metrics["gap"] == pytest.approx(1.0)
    assert high.metrics["gap"] == pytest.approx(1.0)
    mixed = judged(task, {"estimate": np.array([1.75, 7.0])})
    assert mixed.metrics["gap"] == pytest.approx(1.0)


def test_a_witness_replaces_the_estimate():
    task = problem(ramp(), centers=np.array([[0.0], [2.0]]))
    at = np.array([[0.2], [2.1]])
    verdict = judged(task, {"estimate": np.array([0.5, 1.0]), "witness": at})
    assert verdict.sound
    assert verdict.metrics["gap"] == pytest.approx(0.0)
    above = judged(task, {"estimate": np.array([1.0, 1.1]), "witness": at})
    assert not above.sound
    assert "region 1: the estimate 1.1 is above 1, the value at its witness" in above.reason


@pytest.mark.parametrize(
    ("region", "at"), [("box", [0.5 + 1e-6, 0.0]), ("ball", [0.4, 0.4]), ("tokens", [0.8, 0.0])]
)
def test_a_witness_outside_its_region_is_unsound(region, at):
    norm = "l2" if region == "ball" else "linf"
    given = {} if region == "tokens" else {"centers": np.zeros((1, 2))}
    task = problem(linear(WEIGHT), norm, region, **given)
    inside = judged(task, {"estimate": [NORMS[norm]], "witness": np.zeros((1, 2))})
    assert inside.sound
    verdict = judged(task, {"estimate": [NORMS[norm]], "witness": [at]})
    assert not verdict.sound
    assert "region 0: its witness lies outside" in verdict.reason


def test_signs_of_partial_derivatives():
    # f = relu(x_1) - x_2 + x_3 / 10: slopes [0, 1], -1 and 0.1.
    up = Dense(np.vstack([np.eye(3), [0.0, -1.0, 0.0]]), np.zeros(4))
    down = Dense(np.array([[1.0, -1.0, 0.1, 1.0]]), np.zeros(1))
    network = Network(3, (up, Activation("relu"), down))
    task = problem(network, "partial", features=(1, 0), centers=np.zeros((1, 3)))
    exact = np.array([[-1.0, 1.0, 1.0, 0.0]])
    verdict = judged(task, {"upper": exact})
    assert verdict.sound, verdict.reason
    assert verdict.metrics["gap"] == 0.0
    assert verdict.metrics["undecided"] == 0.5
    loose = judged(task, {"upper": exact + 1.5})
    assert loose.metrics["gap"] == 1.0
    assert loose.metrics["undecided"] == 1.0
    wrong = judged(task, {"upper": exact - [[0.0, 0.0, 0.0, 0.1]]})
    assert not wrong.sound
    assert "region 0, -d/dx_0" in wrong.reason
    guess = judged(task, {"estimate": exact})
    assert guess.metrics["gap"] == 0.0
    assert judged(task, {"estimate": exact * 0.0}).metrics["gap"] == 0.25


BAD = {
    "nothing": ({}, "nothing"),
    "both": ({"upper": [1.0, 1.0], "estimate": [1.0, 1.0]}, "'estimate', 'upper'"),
    "witness alone": ({"witness": np.zeros((2, 2))}, "'witness'"),
    "shape": ({"upper": np.ones(3)}, r"shape \(2,\), found shape \(3,\)"),
    "scalar": (1.0, r"found shape \(\)"),
    "text": ({"upper": ["a", "b"]}, "dtype"),
    "complex": ({"upper": np.ones(2) * 1j}, "complex128"),
    "ragged": ({"upper": [[1.0], [1.0, 2.0]]}, "found list"),
    "witness shape": ({"estimate": np.ones(2), "witness": np.ones(2)}, r"witness.*\(2, 2\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_answer_is_refused(name):
    answer, complaint = BAD[name]
    with pytest.raises(InvalidAnswer, match=complaint):
        LipschitzJudge(problem(linear(WEIGHT))).accept(answer)


@pytest.mark.parametrize(
    "answer",
    [
        {"upper": [1.0, math.nan]},
        {"upper": [1.0, -math.inf]},
        {"estimate": [1.0, math.inf]},
        {"estimate": [1.0, 1.0], "witness": np.full((2, 2), math.nan)},
    ],
)
def test_numbers_that_are_not_finite_are_refused(answer):
    with pytest.raises(NonFiniteAnswer):
        LipschitzJudge(problem(linear(WEIGHT))).accept(answer)


def test_tensors_are_copied():
    judge = LipschitzJudge(problem(linear(WEIGHT)))
    given = torch.full((2,), 4.0, dtype=torch.float64, requires_grad=True)
    assert judge.accept({"upper": given})["upper"].tolist() == [4.0, 4.0]
    array = np.full(2, 4.0)
    assert not np.shares_memory(judge.accept(array)["upper"], array)


@pytest.mark.parametrize("name", various())
def test_every_kind_of_problem_is_judged(name):
    task = various()[name]
    judge = LipschitzJudge(task)
    told = judge.reference()
    assert told["kind"] == "lower bound"
    assert np.isfinite(told["value"])
    generous = judge.accept({"upper": np.full(task.shape, 1e4)})
    first, second = judge.score(generous), LipschitzJudge(task).score(generous)
    assert first.sound
    assert first == second
    assert not judge.score(judge.accept(np.full(task.shape, -1e4))).sound


@pytest.mark.parametrize("name", various())
def test_the_example_is_sound(name):
    task = various()[name]
    body = "def method(problem, rng):\n"
    lines = inspect.cleandoc(SUITE.example).splitlines()
    space = {"np": np}
    exec(body + "\n".join(f"    {line}" for line in lines), space)  # noqa: S102 - the suite's text
    for answer in space["method"](task, None):
        assert judged(task, answer).sound


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    factor=st.floats(1e-6, 1e6),
    norm=st.sampled_from(["linf", "l2"]),
    share=st.sampled_from([0.5, 1.0 - 1e-5, 1.0, 1.5, 100.0]),
)
def test_verdicts_scale_with_the_network(seed, factor, norm, share):
    weight = np.random.default_rng(seed).standard_normal((2, 3))
    order = np.inf if norm == "linf" else 2
    value = share * np.linalg.norm(weight, order)
    one = judged(problem(linear(weight), norm), np.full(2, value))
    other = judged(problem(linear(factor * weight), norm), np.full(2, factor * value))
    assert one.sound == other.sound == (share >= 1.0)
    assert other.metrics["gap"] == pytest.approx(one.metrics["gap"], rel=1e-6, abs=1e-9)
