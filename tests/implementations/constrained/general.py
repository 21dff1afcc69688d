"""Problems that general solvers of nonlinear programs are tested on."""

import numpy as np

from tiltyard.suites.constrained.builder import Builder, exp, log


def finish(method, problem, limit=2000, **parameters):
    """Return the last answer of a run and the reason it ended with."""
    run = method.function(problem.on("cpu"), np.random.default_rng(0), **parameters)
    answer = None
    for _ in range(limit):
        try:
            answer = next(run)
        except StopIteration as end:
            return answer, end.value
    return answer, "the test's limit"


def hs71():
    b = Builder([1.0, 5.0, 5.0, 1.0], lower=1.0, upper=5.0)
    x = b.x
    b.minimise(x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2])
    b.subject_to(x[0] * x[1] * x[2] * x[3], lower=25.0)
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2, equal=40.0)
    return b.problem()


def hs7():
    b = Builder([2.0, 2.0])
    x = b.x
    b.minimise(log(1.0 + x[0] ** 2) - x[1])
    b.subject_to((1.0 + x[0] ** 2) ** 2 + x[1] ** 2, equal=4.0)
    return b.problem()


def hs43():
    b = Builder(np.zeros(4))
    x = b.x
    b.minimise(
        x[0] ** 2 + x[1] ** 2 + 2.0 * x[2] ** 2 + x[3] ** 2
        - 5.0 * x[0] - 5.0 * x[1] - 21.0 * x[2] + 7.0 * x[3]
    )  # fmt: skip
    squares = x[0] ** 2 + x[1] ** 2 + x[2] ** 2
    b.subject_to(squares + x[3] ** 2 + x[0] - x[1] + x[2] - x[3], upper=8.0)
    b.subject_to(
        x[0] ** 2 + 2.0 * x[1] ** 2 + x[2] ** 2 + 2.0 * x[3] ** 2 - x[0] - x[3], upper=10.0
    )
    b.subject_to(squares + x[0] ** 2 + 2.0 * x[0] - x[1] - x[3], upper=5.0)
    return b.problem()


def hs65():
    b = Builder([-5.0, 5.0, 0.0], lower=[-4.5, -4.5, -5.0], upper=[4.5, 4.5, 5.0])
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[0] + x[1] - 10.0) ** 2 / 9.0 + (x[2] - 5.0) ** 2)
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2, upper=48.0)
    return b.problem()


OPTIMA = {"hs7": (hs7, -(3.0**0.5)), "hs43": (hs43, -44.0), "hs65": (hs65, 0.9535288567),
          "hs71": (hs71, 17.0140172891563)}  # fmt: skip


def convex_qp(n, m, seed):
    """Return min x'Qx/2 + q'x, A x in [-1, 1] but for two equations, |x| <= 1; and Q, q, A."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, n)) / n**0.5
    Q, q, A = root @ root.T, rng.standard_normal(n), rng.standard_normal((m, n))
    lower = np.where(np.arange(m) < 2, 0.1, -1.0)
    upper = np.where(np.arange(m) < 2, 0.1, 1.0)
    b = Builder(np.zeros(n), lower=-1.0, upper=1.0)
    x = b.x
    for i in range(n):
        b.minimise(0.5 * Q[i, i] * x[i] ** 2 + q[i] * x[i])
        for j in range(i):
            b.minimise(Q[i, j] * x[i] * x[j])
    for i in range(m):
        row = A[i, 0] * x[0]
        for j in range(1, n):
            row = row + A[i, j] * x[j]
        b.subject_to(row, lower=lower[i], upper=upper[i])
    return b.problem(), (Q, q, A, lower, upper)


def projection(n):
    """Return min |x - a|^2 / 2 s.t. sum of neighbours' pairs = 0, sparse for n >= 200; and x*."""
    a = np.cos(np.arange(n))
    b = Builder(np.zeros(n))
    i = np.arange(0, n - 1, 2)
    b.minimise(0.5 * (b.x[np.arange(n)] - a) ** 2)
    b.subject_to(b.x[i] + b.x[i + 1], equal=0.0)
    x = a.copy()
    middle = 0.5 * (a[i] + a[i + 1])
    x[i] -= middle
    x[i + 1] -= middle
    return b.problem(), x


def infeasible():
    b = Builder([1.0, 1.0])
    b.minimise(b.x[0] ** 2 + b.x[1])
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2, equal=-1.0)
    return b.problem()


def unbounded():
    b = Builder([1.0, 1.0])
    b.minimise(-1.0 * b.x[0] + b.x[1] ** 2)
    b.subject_to(b.x[0] - b.x[1] ** 2, lower=0.0)
    return b.problem()


def not_finite():
    b = Builder([-1.0, 1.0])
    b.minimise(log(b.x[0]) + b.x[1])
    b.subject_to(b.x[0] + b.x[1], equal=1.0)
    return b.problem()


def fixed():
    """Return a problem whose second variable is fixed at 2, and its solution."""
    b = Builder([0.0, 2.0, 0.0], lower=[-np.inf, 2.0, 0.0], upper=[np.inf, 2.0, np.inf])
    x = b.x
    b.minimise((x[0] - 2.0 * x[1]) ** 2 + (x[2] + 1.0) ** 2)
    b.subject_to(x[0] * x[1] + x[2], equal=2.0)
    return b.problem(), np.array([1.0, 2.0, 0.0])


def dependent():
    """Return a problem with a row twice, and its solution."""
    b = Builder([3.0, -1.0])
    x = b.x
    b.minimise(x[0] ** 2 + 2.0 * x[1] ** 2)
    b.subject_to(x[0] + x[1], equal=3.0)
    b.subject_to(2.0 * x[0] + 2.0 * x[1], equal=6.0)
    return b.problem(), np.array([2.0, 1.0])


def without_rows():
    """Return Rosenbrock's function with a bound, and its solution."""
    b = Builder([-1.2, 1.0], upper=[0.5, np.inf])
    x = b.x
    b.minimise(100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2)
    return b.problem(), np.array([0.5, 0.25])


def single():
    """Return min exp(x) - 2 x, whose minimum is at log 2."""
    b = Builder([3.0])
    b.minimise(exp(b.x[0]) - 2.0 * b.x[0])
    return b.problem(), np.array([np.log(2.0)])


SOLVED = {"fixed": fixed, "dependent": dependent, "without_rows": without_rows, "single": single}
