"""The exact CVaR methods agree with each other, with known optima, and on degenerate problems."""

import itertools

import numpy as np
import pytest

from tiltyard import Unsupported
from tiltyard.implementations.cvar._interior_point import centre, gram
from tiltyard.implementations.cvar.clarabel_conic import clarabel_conic
from tiltyard.implementations.cvar.highs_lp import highs_lp
from tiltyard.implementations.cvar.tail_ipm import tail_ipm
from tiltyard.suites.cvar.problem import CVaRProblem

LOSSES = ("abs", "sq", "logistic", "linear", "pinball")
AFFINE = ("abs", "linear", "pinball")


def cvar(losses, p, beta):
    """CVaR by filling the tail's mass 1 - beta from the largest loss down."""
    left, total = 1.0 - beta, 0.0
    for k in np.argsort(-losses):
        take = min(left, p[k])
        total, left = total + take * losses[k], left - take
        if left <= 0:
            break
    return total / (1.0 - beta)


def losses_of(problem, w):
    z = problem.A @ w
    over, under = problem.pinball
    return {
        "abs": lambda: np.abs(z - problem.y),
        "sq": lambda: (z - problem.y) ** 2 / 2,
        "logistic": lambda: np.logaddexp(0.0, -problem.y * z),
        "linear": lambda: z,
        "pinball": lambda: np.maximum(over * (z - problem.y), under * (problem.y - z)),
    }[problem.loss]()


def objective(problem, w):
    return cvar(losses_of(problem, w), problem.p, problem.beta) + problem.mu / 2 * float(w @ w)


def make(loss, *, n=120, scale=1.0, weighted=False, **parameters):
    rng = np.random.default_rng(0)
    d = 4
    A = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    signal = A @ rng.standard_normal(d)
    y = scale * (signal + rng.lognormal(size=n))
    if loss == "logistic":
        # Two wrong labels: without them w would diverge, with many w = 0 would be optimal.
        y = np.sign(signal) * np.where(np.arange(n) < 2, -1.0, 1.0)
    if loss == "linear":
        A = 0.01 * rng.standard_t(4, (n, d)) - 0.02
    p = rng.random(n) ** 3 if weighted else np.ones(n)
    pinball = (1.0, 3.0) if loss == "pinball" else (1.0, 1.0)
    parameters = {"beta": 0.9, "mu": 1e-3} | parameters
    problem = CVaRProblem(A=A, y=y, loss=loss, p=p / p.sum(), pinball=pinball, **parameters)
    return problem.on("cpu")


def answer(method, problem, **parameters):
    *_, (w, alpha) = method.function(problem, np.random.default_rng(0), **parameters)
    assert w.shape == (problem.d,)
    assert w.dtype == np.float64
    if problem.domain == "simplex":
        assert w.min() >= 0
        assert w.sum() == pytest.approx(1.0, abs=1e-9)
    excess = np.maximum(losses_of(problem, w) - alpha, 0.0)
    tail = alpha + float(problem.p @ excess) / (1.0 - problem.beta)
    value = objective(problem, w)
    assert tail + problem.mu / 2 * float(w @ w) == pytest.approx(value, rel=1e-9, abs=1e-9)
    return value


def cases():
    for loss, mu, domain, weighted in itertools.product(
        LOSSES, (0.0, 1e-3), ("free", "simplex"), (False, True)
    ):
        if (loss, mu, domain) != ("linear", 0.0, "free"):
            yield loss, mu, domain, weighted


@pytest.mark.parametrize(("loss", "mu", "domain", "weighted"), list(cases()))
@pytest.mark.parametrize("beta", [0.5, 0.95])
def test_exact_methods_agree(loss, mu, domain, weighted, beta):
    problem = make(loss, beta=beta, mu=mu, domain=domain, weighted=weighted)
    values = [answer(tail_ipm, problem), answer(clarabel_conic, problem)]
    if loss in AFFINE and mu == 0:
        values.append(answer(highs_lp, problem))
    descent = objective(problem, problem.start()[0]) - min(values)
    assert max(values) - min(values) <= 1e-7 * max(descent, abs(min(values)))


@pytest.mark.parametrize(("loss", "optimum"), [("abs", 1.4850480645), ("sq", 1.1142160331)])
@pytest.mark.parametrize("method", [tail_ipm, clarabel_conic])
def test_known_optimum_on_diabetes(method, loss, optimum):
    from sklearn.datasets import load_diabetes

    A, y = load_diabetes(return_X_y=True, scaled=False)
    A = np.column_stack([(A - A.mean(0)) / A.std(0), np.ones(len(A))])
    y = (y - y.mean()) / y.std()
    problem = CVaRProblem(A=A, y=y, loss=loss, beta=0.95, mu=1e-3).on("cpu")
    assert answer(method, problem) == pytest.approx(optimum, abs=2e-9)


@pytest.mark.parametrize("method", [tail_ipm, clarabel_conic, highs_lp])
def test_newsvendor_by_hand(method):
    # One constant feature: the least CVaR of |w - y| at a level that leaves one scenario is the
    # largest distance to the middle of the range.
    y = np.array([0.0, 1.0, 2.0, 10.0])
    problem = CVaRProblem(A=np.ones((4, 1)), y=y, loss="abs", beta=0.75, mu=0.0).on("cpu")
    assert answer(method, problem) == pytest.approx(5.0, abs=1e-8)


@pytest.mark.parametrize("method", [tail_ipm, clarabel_conic, highs_lp])
def test_median_by_hand(method):
    y = np.array([0.0, 1.0, 2.0, 10.0, 12.0])
    problem = CVaRProblem(A=np.ones((5, 1)), y=y, loss="abs", beta=0.0, mu=0.0).on("cpu")
    assert answer(method, problem) == pytest.approx(21 / 5, abs=1e-8)


@pytest.mark.parametrize("loss", ["abs", "sq", "logistic", "pinball"])
@pytest.mark.parametrize("beta", [0.999, 0.0])
def test_extreme_levels(loss, beta):
    problem = make(loss, beta=beta)
    value, other = answer(tail_ipm, problem), answer(clarabel_conic, problem)
    assert value <= other + 1e-7 * abs(other)


@pytest.mark.parametrize("loss", ["abs", "sq", "logistic", "pinball"])
def test_ties_duplicated_columns_and_unused_scenarios(loss):
    problem = make(loss, n=40)
    A = np.tile(np.column_stack([problem.A, problem.A[:, :1], np.zeros(40)]), (5, 1))
    p = np.tile(np.arange(40.0), 5)
    twin = CVaRProblem(A=A, y=np.tile(problem.y, 5), p=p / p.sum(), loss=loss, beta=0.9, mu=0.0).on(
        "cpu"
    )
    plain = CVaRProblem(
        A=problem.A, y=problem.y, p=p[:40] / p[:40].sum(), loss=loss, beta=0.9, mu=0.0
    ).on("cpu")
    assert answer(tail_ipm, twin) == pytest.approx(answer(tail_ipm, plain), rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("loss", ["abs", "sq"])
def test_constant_losses(loss):
    n = 50
    problem = CVaRProblem(A=np.zeros((n, 2)), y=np.ones(n), loss=loss, beta=0.9, mu=0.0)
    assert answer(tail_ipm, problem.on("cpu")) == pytest.approx(1.0 if loss == "abs" else 0.5)
    fitted = CVaRProblem(A=np.eye(n, 3), y=np.zeros(n), loss=loss, beta=0.9, mu=0.0)
    assert answer(tail_ipm, fitted.on("cpu")) == 0.0


@pytest.mark.parametrize(("loss", "power"), [("abs", 1), ("sq", 2), ("pinball", 1)])
def test_rescaled_targets_rescale_the_optimum(loss, power):
    value = answer(tail_ipm, make(loss, n=400, mu=0.0))
    scaled = answer(tail_ipm, make(loss, n=400, mu=0.0, scale=100.0))
    assert scaled == pytest.approx(100.0**power * value, rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_samples_and_working_sets_change_nothing(loss):
    problem = make(loss, n=6000, beta=0.9)
    with_samples = answer(tail_ipm, problem, sample=5.0)
    assert with_samples == pytest.approx(answer(tail_ipm, problem, sample=1e6), rel=1e-9, abs=1e-12)


def test_refusals_say_why():
    rng = np.random.default_rng(0)
    with pytest.raises(Unsupported, match="mu = 0"):
        next(highs_lp.function(make("abs"), rng))
    with pytest.raises(Unsupported, match="linear"):
        next(tail_ipm.function(make("linear", mu=0.0), rng))
    assert "loss" in highs_lp.unsupported(make("sq"), "cpu")


def test_oracle_calls_are_charged():
    problem = make("abs", mu=0.0)
    for method in (tail_ipm, clarabel_conic, highs_lp):
        fresh = problem.on("cpu")
        answer(method, fresh)
        assert fresh.ledger.oracles["sample"] >= problem.n


def test_centre_is_central_far_from_the_kink():
    excess = np.array([-1e9, -1.0, 0.0, 1e-12, 1.0, 1e9])
    s, u, q, complement = centre(excess, 1e-3)
    np.testing.assert_allclose(s * q, 1e-3)
    np.testing.assert_allclose(u * complement, 1e-3)
    np.testing.assert_allclose(q + complement, 1.0)
    np.testing.assert_allclose(s - u, excess, atol=1e-15, rtol=1e-12)


def test_gram_in_blocks():
    rng = np.random.default_rng(0)
    X, weight = rng.standard_normal((11, 3)), rng.random(11)
    np.testing.assert_allclose(gram(X, weight, rows=4), X.T @ np.diag(weight) @ X, atol=1e-12)
