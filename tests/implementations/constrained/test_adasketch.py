"""AdaSketch-Newton against closed forms and exact solves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.implementations.constrained import _adasketch_kernels as kernels
from tiltyard.implementations.constrained._adasketch_solvers import by_blocks, direct
from tiltyard.implementations.constrained._newton_lagrangian import System
from tiltyard.implementations.constrained._regularity import Regularity
from tiltyard.implementations.constrained.adasketch_newton import adasketch_newton
from tiltyard.implementations.constrained.adasketch_newton_block import adasketch_newton_block
from tiltyard.implementations.constrained.adasketch_newton_direct import adasketch_newton_direct
from tiltyard.implementations.constrained.adasketch_newton_kaczmarz import (
    adasketch_newton_kaczmarz,
)
from tiltyard.suites.constrained.builder import Builder, exp, sin

METHODS = [
    adasketch_newton,
    adasketch_newton_kaczmarz,
    adasketch_newton_block,
    adasketch_newton_direct,
]


def quadratic(n=6):
    """Return min |x - a|^2 / 2 s.t. sum x = 1, with its solution."""
    a = np.linspace(-1.0, 2.0, n)
    b = Builder(np.zeros(n))
    b.minimise(0.5 * (b.x[np.arange(n)] - a) ** 2)
    total = b.x[0]
    for i in range(1, n):
        total = total + b.x[i]
    b.subject_to(total, equal=1.0)
    y = (a.sum() - 1.0) / n
    return b.problem().on("cpu"), a - y, y


def hs7():
    """Return min log(1 + x1^2) - x2 s.t. (1 + x1^2)^2 + x2^2 = 4, without the logarithm's help."""
    b = Builder([2.0, 2.0])
    x = b.x
    b.minimise(exp(x[0] ** 2 * 0.1) - x[1])
    b.subject_to((1.0 + x[0] ** 2) ** 2 + x[1] ** 2, equal=4.0)
    return b.problem().on("cpu")


def chain(n):
    """Return a sparse problem whose reduced Hessian is indefinite at the start."""
    b = Builder(np.full(n, 0.5))
    x, i, k = b.x, np.arange(n), np.arange(n - 1)
    b.minimise((x[i] - 1.0) ** 2)
    b.minimise(-0.6 * x[k] * x[k + 1])
    k = np.arange(0, n - 2, 3)
    b.subject_to(x[k] + 2.0 * x[k + 1] ** 2 - sin(x[k + 2]), equal=2.0)
    return b.problem().on("cpu")


def run(method, problem, seed=0, **parameters):
    """Return the answers of a method, and the reason it gave."""
    answers = []
    search = method.function(problem, np.random.default_rng(seed), **parameters)
    while True:
        try:
            answers.append(next(search))
        except StopIteration as end:
            return answers, end.value


def kkt(problem, answer):
    """Return the two-norm of the KKT residual."""
    model, x, y = problem.model, answer["x"], answer["y"]
    missed = model.constraints(x) - problem.c_lower
    return np.linalg.norm(np.concatenate([model.lagrangian_gradient(x, y), missed]))


def system(N, seed, half=0):
    """Return a random indefinite system, a block of size ``half`` zeroed, and its solution."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((N, N)))[0]
    A = Q @ np.diag(rng.choice([-1.0, 1.0], N) * rng.uniform(1.0, 4.0, N)) @ Q.T
    A = 0.5 * (A + A.T)
    if half:
        A[-half:, -half:] = 0.0
    b = rng.standard_normal(N)
    return System(A=A, B=A, b=b, z=np.zeros(N), r=-b), np.linalg.solve(A, b)


def test_direct_solves_a_quadratic_in_one_step():
    problem, x, y = quadratic()
    answers, reason = run(adasketch_newton_direct, problem)
    assert reason is None
    assert len({tuple(answer["x"]) for answer in answers}) == 2
    np.testing.assert_allclose(answers[-1]["x"], x, atol=1e-13)
    np.testing.assert_allclose(answers[-1]["y"], [y], atol=1e-13)
    assert problem.ledger.oracles["H"] == problem.ledger.oracles["linear_solve"] == 1


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_finds_the_closed_form_and_a_stationary_point(method):
    problem, x, _ = quadratic()
    answers, _ = run(method, problem)
    np.testing.assert_allclose(answers[-1]["x"], x, atol=1e-9)
    problem = hs7()
    answers, _ = run(method, problem, tolerance=1e-9)
    assert kkt(problem, answers[-1]) <= 1e-9
    np.testing.assert_allclose(answers[-1]["x"], [0.0, np.sqrt(3.0)], atol=1e-6)
    assert problem.ledger.oracles["flop"] > 0


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_same_seed_same_iterates(method):
    first, second, other = (run(method, hs7(), seed)[0] for seed in (3, 3, 4))
    assert all(np.array_equal(a["x"], b["x"]) for a, b in zip(first, second, strict=True))
    if method is not adasketch_newton_direct:
        assert not np.array_equal(first[1]["x"], other[1]["x"])


@pytest.mark.parametrize("steps", [kernels.gaussian_steps, kernels.kaczmarz_steps])
@given(st.integers(2, 8), st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_row_steps_converge_to_the_exact_solution(steps, N, seed):
    newton, exact = system(N, seed)
    stop = 1e-9 * np.linalg.norm(newton.b)
    taken = steps(newton.linear(), np.random.default_rng(seed), stop, 2_000_000)
    assert taken < 2_000_000
    assert np.linalg.norm(newton.r) <= stop
    np.testing.assert_allclose(newton.r, newton.A @ newton.z - newton.b, atol=1e-12)
    np.testing.assert_allclose(newton.z, exact, atol=1e-8 * np.linalg.norm(exact))


def test_steps_stop_at_the_cap_and_a_kaczmarz_step_meets_its_equation():
    newton, _ = system(5, 1)
    assert kernels.kaczmarz_steps(newton.linear(), np.random.default_rng(0), 0.0, 1) == 1
    assert np.abs(newton.r).min() <= 1e-14
    assert kernels.gaussian_steps(newton.linear(), np.random.default_rng(0), 0.0, 7) == 7


@pytest.mark.parametrize(("N", "block"), [(1, 4), (7, 3), (40, 8)])
def test_blocks_fill_the_space_once(N, block):
    problem, *_ = quadratic()
    newton, exact = system(N, 5, half=N // 3)
    solve = by_blocks(problem, np.random.default_rng(2), 100, block=block)
    for _ in solve(newton, 1e-9 * np.linalg.norm(newton.b)):
        pass
    np.testing.assert_allclose(newton.z, exact, atol=1e-7 * np.linalg.norm(exact))
    width = min(block, (N + 1) // 2)
    assert problem.ledger.oracles["sketch_step"] <= 2 * -(-N // width)


def test_solves_meet_the_adaptive_rule(monkeypatch):
    from tiltyard.implementations.constrained import _adasketch

    asked = []
    rule = _adasketch._Accuracy.target

    def watched(self, delta):
        asked.append((self, delta))
        return rule(self, delta)

    monkeypatch.setattr(_adasketch._Accuracy, "target", watched)
    systems = []
    build = _adasketch.newton_system
    monkeypatch.setattr(
        _adasketch, "newton_system", lambda *a: systems.append(build(*a)) or systems[-1]
    )
    b = Builder([1.0, 0.5])
    b.minimise((b.x[0] - 1.0) ** 2 + (b.x[1] - 2.0) ** 2)
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2, equal=2.0)
    run(adasketch_newton, b.problem().on("cpu"), tolerance=1e-4)
    assert len(systems) > 1
    for accuracy, delta in asked:
        newton = next(one for one in systems if np.linalg.norm(one.b) == accuracy.b)
        least = np.sum(newton.A[2:, :2] ** 2)
        psi = 20 * max(np.sum(newton.B**2), 1.0) / (min(least, 1.0) * 0.1)
        assert accuracy.weight == pytest.approx(psi * np.linalg.norm(newton.A))
        assert np.linalg.norm(newton.r) * accuracy.weight <= delta * accuracy.b * (1 + 1e-12)
        assert delta >= 1e-6


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_ends_singular_and_not_finite(method):
    b = Builder([0.0, 0.0])
    b.minimise(b.x[0] ** 2 + b.x[1])
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2, equal=1.0)
    answers, reason = run(method, b.problem().on("cpu"))
    assert len(answers) == 1
    assert reason == "singular: smallest eigenvalue of J J' is 0, 0.01 is needed"
    b = Builder([np.nan, 0.0])
    b.minimise(b.x[0] ** 2 + b.x[1])
    b.subject_to(b.x[0] + b.x[1], equal=1.0)
    answers, reason = run(method, b.problem().on("cpu"))
    assert len(answers) == 1
    assert reason.startswith("not finite")


@pytest.mark.parametrize("method", [adasketch_newton_block, adasketch_newton_direct])
def test_sparse_and_dense_agree(method):
    sparse = chain(210)
    assert sparse.facts["sparse"]
    dense = chain(210)
    dense.facts = {**dense.facts, "sparse": False}
    (*_, one), reason = run(method, sparse)
    (*_, other), _ = run(method, dense)
    assert reason is None
    assert kkt(sparse, one) <= 1e-9
    np.testing.assert_allclose(one["x"], other["x"], atol=1e-7)


@pytest.mark.parametrize("m", [1, 5, 60])
@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_regularity_sparse_and_dense(m, shift):
    from scipy.sparse import csr_array

    problem, *_ = quadratic()
    rng = np.random.default_rng(m)
    n = 90
    J = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.2) + 2 * np.eye(m, n)
    H = np.diag(rng.uniform(0.0, 4.0, n))
    null = np.linalg.svd(J)[2][m:].T
    H += (shift - np.linalg.eigvalsh(null.T @ H @ null)[0]) * np.eye(n)
    least = np.linalg.eigvalsh(J @ J.T)[0]
    for J_, H_ in ((J, H), (csr_array(J), csr_array(H))):
        regularity = Regularity(problem, rng, J_)
        assert regularity.least == pytest.approx(least, rel=1e-2)
        assert regularity.convex(H_) == (shift > 0)


def test_direct_is_charged_for_its_factorization():
    problem, *_ = quadratic()
    newton, exact = system(12, 3)
    for _ in direct(problem)(newton, 0.0):
        pass
    np.testing.assert_allclose(newton.z, exact, rtol=1e-10)
    assert problem.ledger.oracles["linear_solve"] == 1
    assert problem.ledger.oracles["flop"] == 2 * 12**3 // 3 + 8 * 144
