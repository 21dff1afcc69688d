"""Trajectories and a hanging chain: optimal control with bounds, and inequalities along the way.

Fixed ends are variables with equal bounds, as in SIF. N is SIF's parameter, ``n`` the number of
variables.
"""

from __future__ import annotations

import numpy as np

from tiltyard.suites.constrained._checks import parts
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native(
    "general",
    grids={"standard": [{"n": 130}, {"n": 610}], "full": [{"n": 9_910}, {"n": 99_910}]},
)
def optmass(_rng: np.random.Generator, *, n: int = 130) -> ConstrainedProblem:
    """A particle of unit mass in a plane, driven by a bounded force; n = 6 N + 10.

    M. Gawande and J. C. Dunn, A projected Newton method in a Cartesian product of balls, J. Optim.
    Theory Appl. 59 (1988). In N + 1 steps of 1 / N from position 0 and velocity (0.01, 0), the
    final position is to be far away and the final velocity small: f = 0.335 |v|^2 - |x|^2, with
    forces |F_i|^2 <= 1. Variables: x_1, v_1, F_1, x_2, v_2, F_2 of each time, the last without F.
    """
    steps = parts("optmass", n, per=6, plus=10, least=1)
    x0, lower = np.zeros(n), np.full(n, -np.inf)
    x0[1] = 0.01
    fixed = [0, 1, 3, 4]
    lower[fixed] = x0[fixed]
    b = Builder(x0, lower=lower, upper=np.where(np.isfinite(lower), lower, np.inf))
    last = n - 4
    b.minimise(0.335 * b.x[[last + 1, last + 3]] ** 2 - b.x[[last, last + 2]] ** 2)
    rows = b.rows(4 * (steps + 1), equal=0.0)
    now = 6 * np.arange(steps + 1)
    for axis in range(2):
        position, velocity, force = (b.x[now + 3 * axis + k] for k in range(3))
        end = last + 2 * axis
        after = [b.x[np.append(now[1:] + 3 * axis + k, end + k)] for k in range(2)]
        moved = position + velocity / steps + force / (2.0 * steps**2)
        b.add(rows[2 * axis :: 4], after[0] - moved)
        b.add(rows[2 * axis + 1 :: 4], after[1] - velocity - force / steps)
    b.subject_to(b.x[now + 2] ** 2 + b.x[now + 5] ** 2 - 1.0, upper=0.0)
    return b.problem()


@native(
    "general",
    grids={"standard": [{"n": 102}, {"n": 1_000}], "full": [{"n": 10_000}, {"n": 100_000}]},
)
def reading1(_rng: np.random.Generator, *, n: int = 102) -> ConstrainedProblem:
    """Nonlinear optimal control with bounded state and control; n = 2 N + 2.

    S. Lyle and N. K. Nichols, Numerical methods for optimal control problems with state
    constraints, Numerical Analysis Report 8/91, Reading, 1991: control of tides. Trapezoidal rule
    with h = 1 / N for 2 a x' = u (cos 2 pi t - x) and the integral of -u (x - cos 2 pi t)^2, with
    a = 0.07716; |x| <= 1/2, 0 <= u <= 1, x_0 = 1/4. Variables: x and u of each time.
    """
    steps = parts("reading1", n, per=2, plus=2, least=1)
    h, rate = 1.0 / steps, 0.5 / 0.07716
    lower, upper = np.tile([-0.5, 0.0], steps + 1), np.tile([0.5, 1.0], steps + 1)
    lower[0] = upper[0] = 0.25
    b = Builder(np.zeros(n), lower=lower, upper=upper)
    state, control = b.x[::2], b.x[1::2]
    # SIF's two values of pi have ten and twelve decimals.
    time = np.arange(steps + 1) * h
    weight = np.full(steps + 1, h)
    weight[[0, -1]] /= 2.0
    b.minimise(-weight * control * (state - np.cos(2.0 * 3.141592653589 * time)) ** 2)
    rows = b.rows(steps, equal=0.0)
    pull = -rate * np.cos(2.0 * 3.1415926535 * time)
    now, after = 2 * np.arange(steps), 2 * np.arange(1, steps + 1)
    for at, sign, times in ((now, -1.0, slice(0, -1)), (after, 1.0, slice(1, None))):
        force = b.x[at + 1] * pull[times] + rate * b.x[at] * b.x[at + 1]
        b.add(rows, sign * steps * b.x[at] + force)
    return b.problem()


@native(
    "general",
    grids={"standard": [{"n": 99}], "full": [{"n": 501}, {"n": 4_998}]},
)
def catenary(_rng: np.random.Generator, *, n: int = 99) -> ConstrainedProblem:
    """A hanging chain of N beams of unit length, 500 kg in all, with SIF's slip; n = 3 N + 3.

    K. Veselic, De forma catenarum in campo gravitatis pendentium, Zagreb, 1987; N is SIF's N + 1.
    The left end is fixed at the origin, the right one at x = 0.6 N; f is the potential energy.
    Beam i has (x_i - x_{i-1})^2 + (y_i - y_{i-1})^2 + (x_i - z_{i-1})^2 = 1: CUTEst calls the x_i
    in its last term, where z_i belongs, erroneous but interesting, and keeps it.
    """
    rods = parts("catenary", n, per=3, plus=3, least=2)
    x0, lower = np.zeros(n), np.full(n, -np.inf)
    x0[3::3] = 0.6
    lower[:3], lower[-3] = 0.0, 0.6 * rods
    b = Builder(x0, lower=lower, upper=np.where(np.isfinite(lower), lower, np.inf))
    weight = np.full(rods + 1, 9.81 * 500.0 / rods)
    weight[[0, -1]] /= 2.0
    b.minimise(weight * b.x[1::3])
    x, y, before = b.x[3::3], b.x[4::3], 3 * np.arange(rods)
    flat = (x - b.x[before]) ** 2 + (x - b.x[before + 2]) ** 2
    b.subject_to(flat + (y - b.x[before + 1]) ** 2 - 1.0, equal=0.0)
    return b.problem()


@native(
    "general",
    grids={"standard": [{"n": 110}, {"n": 1_000}], "full": [{"n": 10_000}, {"n": 100_000}]},
)
def ubh5(_rng: np.random.Generator, *, n: int = 110) -> ConstrainedProblem:
    """Time 1000 to bring a vehicle in space to rest at the origin with least energy; n = 10 N + 10.

    J. T. Betts and W. P. Huffman, Sparse nonlinear programming test problems (release 1.0), Boeing,
    1993; SIF's N. Trapezoidal rule with N steps for y_1..3' = y_4..6, y_4..6' = u, y_7' = |u|^2,
    |u_i| <= 1; f is the last y_7. Starts at (1000, 1000, 1000) with velocity (-10, 10, -10).
    Variables: y_1 at all times, y_2, ..., u_3.
    """
    steps = parts("ubh5", n, per=10, plus=10, least=1)
    points, half = steps + 1, 500.0 / steps
    limits = np.repeat([np.inf, 1.0], [7 * points, 3 * points])
    lower, upper = -limits, limits.copy()
    y = np.arange(7 * points).reshape(7, points)
    u = 7 * points + np.arange(3 * points).reshape(3, points)
    lower[y[:, 0]] = upper[y[:, 0]] = [1000.0, 1000.0, 1000.0, -10.0, 10.0, -10.0, 0.0]
    lower[y[:6, -1]] = upper[y[:6, -1]] = 0.0
    b = Builder(np.zeros(n), lower=lower, upper=upper)
    x = b.x
    b.minimise(x[int(y[6, -1])])
    for state, slope in zip(y[:6], np.concatenate([y[3:6], u]), strict=True):
        change = x[state[1:]] - x[state[:-1]]
        b.subject_to(change - half * (x[slope[1:]] + x[slope[:-1]]), equal=0.0)
    first, second, third = (x[one[1:]] ** 2 + x[one[:-1]] ** 2 for one in u)
    change = x[y[6, 1:]] - x[y[6, :-1]]
    b.subject_to(change - half * (first + second + third), equal=0.0)
    return b.problem()
