"""The judge takes good answers, refuses bad ones in one line, and reports certified gaps."""

import math

import numpy as np
import pytest

from tiltyard.errors import InvalidAnswer, NonFiniteAnswer
from tiltyard.suites.cvar import SUITE
from tiltyard.suites.cvar._risk import Instance
from tiltyard.suites.cvar.judge import CVaRJudge
from tiltyard.suites.cvar.problem import CVaRProblem
from tiltyard.suites.cvar.reference import reference


@pytest.fixture
def problem(small):
    return small("sq")


@pytest.fixture
def judge(problem):
    return CVaRJudge(problem)


def score(judge, w, alpha=0.0):
    return judge.score(judge.accept((np.asarray(w, dtype=float), alpha)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "expected a pair (w, alpha), found NoneType"),
        (np.zeros(3), "expected a pair (w, alpha), found ndarray"),
        ((np.zeros(3),), "found tuple of length 1"),
        ((np.zeros(3), 0.0, 1), "found tuple of length 3"),
        ((np.zeros(4), 0.0), "w: expected 3 real numbers, found shape (4,)"),
        ((np.zeros((3, 1)), 0.0), "w: expected 3 real numbers, found shape (3, 1)"),
        ((1.0, 0.0), "w: expected 3 real numbers, found shape ()"),
        ((np.zeros(3), np.zeros(1)), "alpha: expected one real number, found shape (1,)"),
        ((np.zeros(3, dtype=complex), 0.0), "w: expected 3 real numbers, found dtype complex128"),
        ((np.zeros(3), 1j), "alpha: expected one real number, found dtype complex128"),
        ((np.array([None] * 3), 0.0), "found dtype object"),
        ((np.zeros(3, dtype=bool), 0.0), "found dtype bool"),
        ((["a", "b", "c"], 0.0), "found dtype <U1"),
        (([[1.0], [1.0, 2.0], 3.0], 0.0), "w: expected 3 real numbers, found list"),
        ((np.zeros(3), None), "alpha: expected one real number, found dtype object"),
        ((np.zeros(3), 10**400), "alpha: expected one real number, found dtype object"),
    ],
)
def test_refuses(judge, answer, message):
    with pytest.raises(InvalidAnswer) as error:
        judge.accept(answer)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, NonFiniteAnswer)


@pytest.mark.parametrize(
    ("w", "alpha"),
    [([0, np.nan, 0], 0.0), ([0, np.inf, 0], 0.0), ([0, 0, 0], np.nan), ([0, 0, 0], -np.inf)],
)
def test_refuses_what_is_not_finite(judge, w, alpha):
    with pytest.raises(NonFiniteAnswer, match="holds NaN or infinity"):
        judge.accept((np.array(w), alpha))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int8, np.uint64, np.longdouble])
def test_casts_real_arrays(judge, kind):
    answer = judge.accept((np.ones(3, dtype=kind), kind(2)))
    assert answer["w"].dtype == answer["alpha"].dtype == np.float64
    assert answer["w"].tolist() == [1, 1, 1]


def test_takes_tensors(judge):
    torch = pytest.importorskip("torch")
    w = torch.ones(3, dtype=torch.bfloat16, requires_grad=True)
    assert judge.accept((w, torch.tensor(2)))["w"].tolist() == [1, 1, 1]
    with pytest.raises(InvalidAnswer, match="complex64"):
        judge.accept((torch.ones(3, dtype=torch.complex64), 0.0))


def test_copies(judge):
    w = np.ones(3)
    answer = judge.accept((w, 0.0))
    w[:] = 5.0
    assert answer["w"].tolist() == [1, 1, 1]


def test_gap_is_one_at_the_start_and_zero_at_the_optimum(problem, judge):
    w, alpha = problem.start()
    assert score(judge, w, alpha).metrics["gap"] == 1.0
    found = reference(Instance.of(problem))
    best = score(judge, found.w, 0.0)
    assert best.metrics["gap"] <= 1e-12
    assert best.metrics["objective"] == found.value
    assert best.sound


def test_metrics_are_those_of_the_suite(judge):
    assert set(score(judge, np.zeros(3)).metrics) == {metric.name for metric in SUITE.metrics}


def test_small_gaps_are_resolved(problem, judge):
    """Near the optimum the gap grows with the square of the step, down to 1e-12."""
    w = reference(Instance.of(problem)).w
    direction = np.array([1.0, -1.0, 0.5])
    gaps = [score(judge, w + step * direction).metrics["gap"] for step in (1e-2, 1e-4, 1e-6)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-5


def test_var_excess_vanishes_at_the_value_at_risk(problem, judge):
    w = np.array([0.1, 0.2, 0.3])
    losses = np.sort(0.5 * (problem.A @ w - problem.y) ** 2)
    at_risk = losses[math.ceil(0.9 * len(losses)) - 1]
    assert score(judge, w, at_risk).metrics["var_excess"] == pytest.approx(0.0, abs=1e-14)
    assert score(judge, w, at_risk + 1.0).metrics["var_excess"] > 1e-3
    assert score(judge, w, -1e6).metrics["var_excess"] > 1e3


@pytest.mark.parametrize("loss", ["abs", "sq", "logistic", "pinball"])
def test_overflow_is_an_infinite_gap(small, loss):
    judge = CVaRJudge(small(loss))
    verdict = score(judge, np.full(3, 1e300), 1e308)
    assert verdict.metrics["gap"] == math.inf
    assert not any(math.isnan(v) for k, v in verdict.metrics.items() if k != "test_cvar")
    assert score(judge, np.array([1.7e308, -1.7e308, 1.7e308]), -1e308).metrics["gap"] == math.inf


def test_simplex_answers_are_projected(small):
    problem = small("linear", domain="simplex", mu=0.0)
    judge = CVaRJudge(problem)
    inside = score(judge, [0.2, 0.3, 0.5])
    assert inside.metrics["infeasibility"] == pytest.approx(0.0, abs=1e-15)
    near = score(judge, [0.2, 0.3, 0.5 + 1e-8])
    assert near.sound
    assert near.metrics["objective"] == pytest.approx(inside.metrics["objective"], rel=1e-6)
    far = score(judge, [0.0, 0.0, 0.0])
    assert not far.sound
    assert "away from the simplex" in far.reason
    assert far.metrics["infeasibility"] == pytest.approx(1 / math.sqrt(3))
    assert score(judge, [-1e308, 1e308, 0.0]).metrics["infeasibility"] == math.inf


def test_held_out_rows_are_the_judges_alone(build):
    problem = build("normal-abs[n=200,d=3]")
    A, y = problem.held_out
    assert A.shape == (200, 4)
    assert problem.on("cpu").held_out is None
    w = np.ones(4)
    losses = np.sort(np.abs(A @ w - y))
    verdict = score(CVaRJudge(problem), w)
    assert verdict.metrics["test_cvar"] == pytest.approx(losses[-10:].mean())
    assert math.isnan(score(CVaRJudge(problem.on("cpu")), w).metrics["test_cvar"])


def test_wrong_reference_is_not_hidden(problem, judge, monkeypatch):
    found = judge._reference
    monkeypatch.setitem(
        judge.__dict__, "_reference", type(found)(**{**vars(found), "lower_bound": 1e3})
    )
    with pytest.raises(AssertionError, match="below the certified bound"):
        score(judge, found.w)


def test_reference_is_told(judge):
    told = judge.reference()
    assert told["lower_bound"] <= told["value"] * (1 + 1e-12)
    assert told["relative_gap"] <= 1e-12
    assert told["resolution"] <= 1e-12
    assert "clarabel" in told["solver"]


def test_weights_enter_the_objective():
    problem = CVaRProblem(
        A=np.eye(2),
        y=np.array([1.0, 2.0]),
        loss="abs",
        beta=0.0,
        mu=0.1,
        p=np.array([0.9, 0.1]),
    )
    assert score(CVaRJudge(problem), [0.0, 0.0]).metrics["cvar"] == pytest.approx(1.1)


def test_miniature(build, small):
    whole = build("lognormal-abs")
    tiny = SUITE.miniature(whole)
    assert (tiny.n, tiny.d, tiny.facts["loss"]) == (32, 11, "abs")
    assert tiny.held_out is None
    assert tiny.facts["weighted"] is False
    weighted = SUITE.miniature(small("abs", weighted=True))
    assert weighted.p.sum() == pytest.approx(1.0)
    assert weighted.facts["weighted"] is True
