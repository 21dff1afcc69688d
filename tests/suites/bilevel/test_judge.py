"""The judge takes good answers, refuses bad ones in one line, and scores what it solves itself."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.bilevel.small import Coupled, Program, Ridge, Squeezed, problem, quadratic
from tiltyard.errors import InvalidAnswer, NonFiniteAnswer
from tiltyard.suites.bilevel import SUITE, _scores
from tiltyard.suites.bilevel import _reference as references
from tiltyard.suites.bilevel._coupled import UNKNOWN, WORST
from tiltyard.suites.bilevel._judge import BilevelJudge
from tiltyard.suites.bilevel._lower_level import LowerLevel
from tiltyard.suites.bilevel._reference import Reference, computed

sizes = st.integers(1, 8)


def score(judge, **answer):
    return judge.score(judge.accept(answer))


def known(value, x=None):
    return Reference(
        name="known",
        kind="closed form",
        value=value,
        gradient=0.0,
        ways=("formula",),
        provenance="test",
        x=x,
    )


@pytest.fixture
def toy(monkeypatch):
    """Return the judge of the coupled toy in three dimensions, with its known optimum."""
    monkeypatch.setattr(references, "find", lambda _: known(0.15, np.full(3, -0.3)))
    return BilevelJudge(problem(Coupled(), "constrained"))


@pytest.mark.parametrize(
    ("track", "answer", "message"),
    [
        ("stochastic", None, "expected a mapping with x, found NoneType"),
        ("stochastic", np.zeros(3), "expected a mapping with x, found ndarray"),
        ("stochastic", {}, "expected a mapping with x; found no x"),
        ("stochastic", {"x": np.zeros(3), "z": 1}, "expected a mapping with x; found 'z'"),
        ("stochastic", {"hypergradient": np.zeros(3)}, "found 'hypergradient', no x"),
        ("stochastic", {"x": np.zeros(4)}, "x: expected 3 real numbers, found shape (4,)"),
        ("stochastic", {"x": np.zeros((3, 1))}, "x: expected 3 real numbers, found shape (3, 1)"),
        ("stochastic", {"x": [1j, 0, 0]}, "x: expected 3 real numbers, found dtype complex128"),
        ("stochastic", {"x": "abc"}, "x: expected 3 real numbers, found dtype <U3"),
        ("stochastic", {"x": np.zeros(3), "y": None}, "y: expected 4 real numbers"),
        ("constrained", {"x": np.zeros(3)}, "expected a mapping with x and y; found no y"),
        ("library", {"y": np.zeros(4)}, "expected a mapping with x and y; found no x"),
        ("hypergradient", {"x": np.zeros(3)}, "with hypergradient; found 'x', no hypergradient"),
    ],
)
def test_refuses(track, answer, message):
    with pytest.raises(InvalidAnswer) as error:
        BilevelJudge(problem(quadratic(), track)).accept(answer)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, NonFiniteAnswer)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_refuses_what_is_not_finite(bad):
    judge = BilevelJudge(problem(quadratic()))
    with pytest.raises(NonFiniteAnswer, match="x holds NaN or infinity"):
        judge.accept({"x": [0.0, bad, 0.0]})
    with pytest.raises(NonFiniteAnswer, match="y holds NaN or infinity"):
        judge.accept({"x": np.zeros(3), "y": [0.0, bad, 0.0, 0.0]})


def test_takes_tensors_and_copies():
    x = torch.ones(3, dtype=torch.float32, requires_grad=True)
    taken = BilevelJudge(problem(quadratic())).accept({"x": x})
    x.data.zero_()
    assert taken["x"].tolist() == [1, 1, 1]
    assert taken["x"].dtype == np.float64


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), dim_x=sizes, dim_y=sizes)
def test_quadratics_equal_their_computed(seed, dim_x, dim_y):
    model = quadratic(seed, dim_x, dim_y)
    best = computed(model)
    judge = BilevelJudge(problem(model))
    at = score(judge, x=best.x, y=best.y).metrics
    size = max(1.0, abs(best.value))
    assert at["objective"] == pytest.approx(best.value, abs=1e-10 * size)
    assert at["gap"] <= 1e-10
    assert at["gradient"] <= 1e-10 * size
    assert at["lower_gap"] <= 1e-12
    assert at["lower_distance"] <= 1e-10
    start = score(judge, x=model.arrays["x0"]).metrics
    assert start["gap"] == pytest.approx(1.0)
    assert math.isnan(start["lower_distance"])


@pytest.mark.parametrize("track", ["deterministic", "constrained", "hypergradient"])
def test_scores_every_metric(track):
    model = Program() if track == "constrained" else quadratic()
    judge = BilevelJudge(problem(model, track))
    x, y = model.arrays["x0"], model.arrays["y0"]
    answer = {"hypergradient": x} if track == "hypergradient" else {"x": x, "y": y}
    verdict = score(judge, **answer)
    assert set(verdict.metrics) == {metric.name for metric in SUITE.metrics}
    assert verdict.sound
    assert all(
        value if isinstance(value, str) else math.isfinite(value)
        for value in verdict.certificate.values()
    )


def test_phi_does_not_depend_on_y():
    judge = BilevelJudge(problem(quadratic()))
    x = np.ones(3)
    without, bad = score(judge, x=x), score(judge, x=x, y=np.full(4, 100.0))
    assert bad.metrics["objective"] == without.metrics["objective"]
    assert bad.metrics["lower_gap"] > 1.0
    assert bad.metrics["lower_distance"] > 1.0


def test_certifies_the_lower_level():
    model = quadratic()
    certificate = score(BilevelJudge(problem(model)), x=np.ones(3)).certificate
    assert certificate["lower_residual"] <= 1e-10
    assert certificate["lower_solved"] == "yes"
    assert 0.0 <= certificate["lower_error_bound"] <= 1e-8
    assert certificate["linear_residual"] <= 1e-12
    assert certificate["reference"] == computed(model).value
    assert "improves_reference" not in certificate


def test_an_x_outside_its_set_is_unsound():
    judge = BilevelJudge(problem(Ridge(box=(-1.0, 1.0))))
    near, far = score(judge, x=[1.0 + 1e-8]), score(judge, x=[1.5])
    assert near.sound
    assert near.metrics["infeasibility"] == pytest.approx(1e-8)
    assert not far.sound
    assert far.reason == "x is 5.0e-01 away from its set; 1e-06 relative is allowed"
    assert far.metrics["objective"] == score(judge, x=[1.0]).metrics["objective"]


def test_without_a_reference_the_gradient_is_the_gap():
    judge = BilevelJudge(problem(Ridge()))
    start = score(judge, x=[0.0]).metrics
    assert start["gap"] == pytest.approx(1.0)
    assert math.isnan(start["excess"])
    least = score(judge, x=[-6.0]).metrics
    assert least["gap"] == pytest.approx(least["gradient"] / start["gradient"])
    assert judge.reference() == {}


@pytest.mark.parametrize("part", ["x", "y"])
def test_numbers_on_their_way_to_infinity_are_a_divergence(part):
    model = quadratic()
    answer = {"x": model.arrays["x0"], "y": model.arrays["y0"]}
    answer[part] = np.full_like(answer[part], 1e200)
    verdict = score(BilevelJudge(problem(model)), **answer)
    assert verdict.metrics["gap"] == math.inf
    assert verdict.sound


def test_a_better_answer_is_told(monkeypatch):
    model = quadratic()
    best = computed(model)
    monkeypatch.setattr(references, "find", lambda _: known(best.value + 0.5))
    verdict = score(BilevelJudge(problem(model)), x=best.x)
    assert verdict.metrics["gap"] == 0.0
    assert verdict.certificate["improves_reference"] == pytest.approx(0.5)


def test_a_lower_y_than_the_judge_s_is_taken_as_a_start(monkeypatch):
    model = quadratic()
    judge = BilevelJudge(problem(model))
    best = computed(model)
    solve = LowerLevel.solve
    off = torch.full((4,), 7.0, dtype=torch.float64)

    def astray(self, x, start=None, **more):
        found = solve(self, x, start)
        local = found.local if start is not None else self._local(x, off)
        return type(found)(found.x, local, found.scale)

    monkeypatch.setattr(LowerLevel, "solve", astray)
    assert score(judge, x=best.x, y=best.y).metrics["gap"] <= 1e-10
    monkeypatch.setattr(LowerLevel, "solve", lambda self, x, start=None, **_: astray(self, x))
    with pytest.raises(AssertionError, match="below its minimum"):
        score(judge, x=best.x, y=best.y)


def test_held_out_data_is_asked_at_the_judge_s_y():
    model = quadratic()
    best = computed(model)
    seen = []

    def held_out(x, y):
        seen.append((x, y))
        return {"test_error": 0.25}

    judge = BilevelJudge(problem(model, held_out=held_out))
    assert score(judge, x=best.x, y=np.zeros(4)).metrics["test_error"] == 0.25
    assert np.allclose(seen[0][1], best.y)


def test_hypergradient_s_error_is_the_gap():
    judge = BilevelJudge(problem(quadratic(), "hypergradient"))
    exact = judge._at_start.start[1].gradient.numpy()
    assert score(judge, hypergradient=exact).metrics["gap"] == 0.0
    assert score(judge, hypergradient=1.25 * exact).metrics["gap"] == pytest.approx(0.25)
    assert score(judge, hypergradient=np.zeros(3)).metrics["gap"] == 1.0
    assert judge.reference()["value"] == pytest.approx(np.linalg.norm(exact))


def test_the_optimum_of_the_toy_has_no_gap(toy):
    verdict = score(toy, x=np.full(3, -0.3), y=[0.7] * 3 + [-0.4] * 3)
    assert verdict.metrics["gap"] <= 1e-12
    assert verdict.metrics["objective"] == pytest.approx(0.15)
    assert math.isnan(verdict.metrics["lower_distance"])
    assert math.isnan(verdict.metrics["gradient"])
    assert toy.reference()["value"] == 0.15


@pytest.mark.parametrize(
    ("x", "y", "metric"),
    [
        (np.zeros(3), [1.0] * 3 + [-1.0] * 3, "excess"),
        (np.full(3, -0.3), [0.7] * 3 + [-0.4, -0.4, -0.3], "infeasibility"),
        (np.full(3, -0.3), [0.8] * 3 + [-0.5] * 3, "lower_gap"),
    ],
)
def test_the_worst_of_three_is_the_gap(toy, x, y, metric):
    metrics = score(toy, x=x, y=y).metrics
    assert metrics["gap"] == metrics[metric] > 1e-3


def test_infeasible_answers_improve_nothing(toy):
    verdict = score(toy, x=np.full(3, -0.3), y=[0.75] * 3 + [-0.3] * 3)
    assert verdict.metrics["excess"] == 0.0
    assert "improves_reference" not in verdict.certificate


def test_a_better_pair_is_told(monkeypatch):
    monkeypatch.setattr(references, "find", lambda _: known(1.0))
    judge = BilevelJudge(problem(Coupled(), "constrained"))
    verdict = score(judge, x=np.full(3, -0.3), y=[0.7] * 3 + [-0.4] * 3)
    assert verdict.certificate["improves_reference"] == pytest.approx(0.85)


def test_an_infeasible_lower_level_has_a_huge_gap():
    judge = BilevelJudge(problem(Squeezed(), "constrained"))
    verdict = score(judge, x=[0.5], y=[0.75])
    assert verdict.sound
    assert verdict.metrics["gap"] == verdict.metrics["lower_gap"] == WORST
    assert verdict.metrics["infeasibility"] == pytest.approx(0.25)
    assert verdict.certificate["lower_level"] == "infeasible"


def test_nothing_known_leaves_a_gap():
    judge = BilevelJudge(problem(Coupled(), "constrained"))
    verdict = score(judge, x=np.full(3, -0.3), y=[0.7] * 3 + [-0.4] * 3)
    assert verdict.metrics["gap"] == UNKNOWN


def test_a_feasible_y_below_the_judge_s_minimum_is_an_error(monkeypatch):
    judge = BilevelJudge(problem(Squeezed(), "constrained"))
    model = judge._model
    monkeypatch.setattr(model, "y_lower", torch.full((1,), 2.0, dtype=torch.float64))
    found = judge._scorer.solve(torch.full((1,), 3.0, dtype=torch.float64))
    monkeypatch.undo()
    monkeypatch.setattr(judge._scorer, "solve", lambda _: found)
    with pytest.raises(AssertionError, match="below its minimum"):
        score(judge, x=[3.0], y=[1.0])


def test_rounding_is_no_improvement():
    judge = BilevelJudge(problem(quadratic()))
    best = judge._reference
    assert "improves_reference" not in judge._scorer.against(
        best.value - 0.1 * _scores.ROUNDING, _scores.ROUNDING, feasible=True
    )


@pytest.mark.parametrize("track", ["deterministic", "constrained"])
def test_a_verdict_does_not_depend_on_those_before(track):
    model = Program(bent=True) if track == "constrained" else Ridge()
    rng = np.random.default_rng(0)
    shape = model.dim_x, model.dim_y
    answers = [
        {"x": rng.uniform(-1.0, 1.0, shape[0]), "y": rng.standard_normal(shape[1])}
        for _ in range(4)
    ]
    judge = BilevelJudge(problem(model, track))
    together = [score(judge, **answer).metrics for answer in answers]
    for answer, metrics in zip(answers, together, strict=True):
        alone = score(BilevelJudge(problem(model, track)), **answer).metrics
        assert np.array_equal(list(alone.values()), list(metrics.values()), equal_nan=True)
