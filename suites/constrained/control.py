"""Discretised optimal control of ordinary differential equations: DTOC, HAGER and the like.

Fixed initial states are variables with equal bounds, as in SIF, so these problems are general.
Indices below count as in SIF; N is its parameter, ``n`` the number of variables.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tiltyard.suites.constrained._checks import parts
from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, cos, sin
from tiltyard.suites.constrained.model import Array
from tiltyard.suites.constrained.problem import ConstrainedProblem

CONTROLS, STATES = 2, 4
"""Controls and states in each period of DTOC1L and DTOC2: SIF's NX and NY."""


def _sizes(*sizes: int) -> dict[str, list[dict[str, int]]]:
    """Return the grids of a family: the first two sizes for standard, then the rest for full."""
    every = [{"n": n} for n in sizes]
    return {"standard": every[:2], "full": every[2:]}


@native("general", grids=_sizes(58, 598, 5_998, 59_998))
def dtoc1l(_rng: np.random.Generator, *, n: int = 58) -> ConstrainedProblem:
    """Linear system, quartic cost; n = 6 N - 2, SIF's NX = 2 and NY = 4.

    T. F. Coleman and A. Liao, An efficient trust region method for unconstrained discrete-time
    optimal control problems, Cornell CTC93TR144, 1993, problem 1. With b_ji = (j - i) / 6,
    f = sum (x_ti + 1/2)^4 + sum (y_tj + 1/4)^4, y_1 = 0 and, with y_t0 = y_t5 = 0,
    y_{t+1,j} = y_tj / 2 - y_{t,j-1} / 4 + y_{t,j+1} / 4 + sum over i of b_ji x_ti.
    """
    b, x, y, periods = _periods("dtoc1l", n, np.zeros(STATES))
    b.minimise((b.x[x.ravel()] + 0.5) ** 4)
    b.minimise((b.x[y.ravel()] + 0.25) ** 4)
    rows = b.rows((periods - 1) * STATES, equal=0.0).reshape(-1, STATES)
    for j in range(STATES):
        total = 0.5 * b.x[y[:-1, j]] - b.x[y[1:, j]]
        if j > 0:
            total -= 0.25 * b.x[y[:-1, j - 1]]
        if j < STATES - 1:
            total += 0.25 * b.x[y[:-1, j + 1]]
        for i in range(CONTROLS):
            total += (j - i) / (CONTROLS + STATES) * b.x[x[:, i]]
        b.add(rows[:, j], total)
    return b.problem()


@native("general", grids=_sizes(58, 598, 5_998, 59_998))
def dtoc2(_rng: np.random.Generator, *, n: int = 58) -> ConstrainedProblem:
    """Trigonometric system and cost; n = 6 N - 2, SIF's NX = 2 and NY = 4.

    Coleman and Liao (1993), problem 2. With c_ji = (i + j) / 8 and y_1j = j / 8,
    f = sum over t < N of |y_t|^2 (sin(|x_t|^2 / 2)^2 + 1), plus |y_N|^2,
    y_{t+1,j} = sin y_tj + sum over i of c_ji sin x_ti.
    """
    first = np.arange(1.0, STATES + 1.0) / (2.0 * STATES)
    b, x, y, periods = _periods("dtoc2", n, first)
    states = _squares([b.x[column] for column in y[:-1].T])
    controls = _squares([b.x[column] for column in x.T])
    b.minimise(states * (sin(0.5 * controls) ** 2 + 1.0))
    b.minimise(b.x[y[-1]] ** 2)
    rows = b.rows((periods - 1) * STATES, equal=0.0).reshape(-1, STATES)
    for j in range(STATES):
        total = sin(b.x[y[:-1, j]]) - b.x[y[1:, j]]
        for i in range(CONTROLS):
            total += (i + j + 2.0) / (2.0 * STATES) * sin(b.x[x[:, i]])
        b.add(rows[:, j], total)
    return b.problem()


def _periods(family: str, n: int, first: Array) -> tuple[Builder, Any, Any, int]:
    """Return a builder, the numbers of controls (N - 1, 2) and states (N, 4), and N."""
    periods = parts(family, n, per=CONTROLS + STATES, plus=-CONTROLS, least=2)
    x, y = np.split(np.arange(n), [CONTROLS * (periods - 1)])
    y = y.reshape(-1, STATES)
    x0 = np.zeros(n)
    x0[y[0]] = first
    return _fixed(x0, y[0]), x.reshape(-1, CONTROLS), y, periods


@native("general", grids=_sizes(149, 899, 8_999, 89_999))
def dtoc4(_rng: np.random.Generator, *, n: int = 149) -> ConstrainedProblem:
    """Cubic system with two states, quadratic cost; n = 3 N - 1.

    Coleman and Liao (1993), problem 4, after Di Pillo, Grippo and Lampariello (1983). With
    h = 5 / N, y_1 = (0, 1): f = h (sum of x_t^2 + trapezoidal sum of |y_t|^2),
    y_{t+1,1} = y_t1 + h (y_t1 (1 - y_t2^2) - y_t2 + x_t), y_{t+1,2} = y_t2 + h y_t1.
    """
    periods = parts("dtoc4", n, per=3, plus=-1, least=2)
    h = 5.0 / periods
    first, second = (np.arange(periods - 1 + k, n, 2) for k in range(2))
    x0 = np.zeros(n)
    x0[second[0]] = 1.0
    b = _fixed(x0, [first[0], second[0]])
    weight = np.full(periods, h)
    weight[[0, -1]] /= 2.0
    control = b.x[: periods - 1]
    b.minimise(h * control**2)
    b.minimise(weight * (b.x[first] ** 2 + b.x[second] ** 2))
    one, two = b.x[first[:-1]], b.x[second[:-1]]
    rows = b.rows(2 * (periods - 1), equal=0.0)
    slope = one - two**2 * one - two + control
    b.add(rows[::2], one - b.x[first[1:]] + h * slope)
    b.add(rows[1::2], two - b.x[second[1:]] + h * one)
    return b.problem()


@native("general", grids=_sizes(99, 999, 9_999, 99_999))
def dtoc5(_rng: np.random.Generator, *, n: int = 99) -> ConstrainedProblem:
    """Quadratic system and cost; n = 2 N - 1.

    Coleman and Liao (1993), problem 5. With h = 1 / N and y_1 = 1,
    f = h sum over t < N of x_t^2 + y_t^2, y_{t+1} = y_t + h (y_t^2 - x_t).
    """
    periods = parts("dtoc5", n, per=2, plus=-1, least=2)
    h, first = 1.0 / periods, periods - 1
    x0 = np.zeros(n)
    x0[first] = 1.0
    b = _fixed(x0, [first])
    control, state, after = b.x[:first], b.x[first:-1], b.x[first + 1 :]
    b.minimise(h * (control**2 + state**2))
    b.subject_to(state - after + h * (state**2 - control), equal=0.0)
    return b.problem()


@native("general", grids=_sizes(101, 999, 9_999, 99_999))
def hager1(_rng: np.random.Generator, *, n: int = 101) -> ConstrainedProblem:
    """Linear system, x_0 = 1, cost x_N^2 / 2 + h / 2 |u|^2; n = 2 N + 1, h = 1 / N.

    W. W. Hager, Multiplier methods for nonlinear optimal control, SIAM J. Numer. Anal. 27 (1990),
    problem 1; (x_i - x_{i-1}) / h = (x_i + x_{i-1}) / 2 + u_i.
    """
    b, state, control, h = _hager("hager1", n, 0.5)
    b.minimise(0.5 * b.x[len(state) - 1] ** 2)
    b.minimise(h / 2.0 * b.x[control] ** 2)
    return b.problem()


@native("general", grids=_sizes(101, 999, 9_999, 99_999))
def hager2(_rng: np.random.Generator, *, n: int = 101) -> ConstrainedProblem:
    """``hager1``'s form with slope (x_i + x_{i-1}) / 4 + u_i and a cost of the whole state.

    Hager (1990), problem 2: f = sum of h / 6 (x_{i-1}^2 + x_{i-1} x_i + x_i^2) + h / 4 u_i^2.
    """
    b, state, control, h = _hager("hager2", n, 0.25)
    before, after = b.x[state[:-1]], b.x[state[1:]]
    b.minimise(h / 6.0 * (before**2 + before * after + after**2) + h / 4.0 * b.x[control] ** 2)
    return b.problem()


@native("general", grids=_sizes(101, 999, 9_999, 99_999))
def hager3(_rng: np.random.Generator, *, n: int = 101) -> ConstrainedProblem:
    """``hager2``'s system with a cost that couples state and control.

    Hager (1990), problem 3: f = sum of h / 8 (5/8 (x_{i-1}^2 + x_{i-1} x_i + x_i^2)
    + (x_{i-1} + x_i) u_i) + h / 4 u_i^2.
    """
    b, state, control, h = _hager("hager3", n, 0.25)
    before, after, u = b.x[state[:-1]], b.x[state[1:]], b.x[control]
    coupled = 0.625 * (before**2 + before * after + after**2) + (before + after) * u
    b.minimise(h / 8.0 * coupled + h / 4.0 * u**2)
    return b.problem()


def _hager(family: str, n: int, rate: float) -> tuple[Builder, Any, Any, float]:
    """Return a builder with the system, the numbers of states and controls, and h."""
    steps = parts(family, n, per=2, plus=1, least=1)
    x0 = np.zeros(n)
    x0[0] = 1.0
    b = _fixed(x0, [0])
    state, control = np.split(np.arange(n), [steps + 1])
    before, after = b.x[state[:-1]], b.x[state[1:]]
    slope = steps * (after - before)
    b.subject_to(slope - rate * (after + before) - b.x[control], equal=0.0)
    return b, state, control, 1.0 / steps


@native("general", grids=_sizes(153, 903, 9_903, 99_903))
def clnlbeam(_rng: np.random.Generator, *, n: int = 153) -> ConstrainedProblem:
    """Clamped nonlinear beam; n = 3 N + 3, SIF's NI = N and ALPHA = 350.

    H. Maurer and H. D. Mittelman, The non-linear beam via optimal control with bounded state
    variables, Optimal Control Appl. Methods 12 (1991). Angles t, deflections x and controls u at
    N + 1 points, trapezoidal rule for x' = sin t, t' = u and the integral of u^2 + 350 cos t;
    |x| <= 0.05, |t| <= 1, both zero at the ends.
    """
    steps = parts("clnlbeam", n, per=3, plus=3, least=2)
    h, points = 1.0 / steps, steps + 1
    wave = 0.05 * np.cos(np.arange(points) * h)
    limits = np.repeat([1.0, 0.05, np.inf], points)
    limits[[0, steps, points, points + steps]] = 0.0
    b = Builder(np.concatenate([wave, wave, np.zeros(points)]), lower=-limits, upper=limits)
    x = b.x
    weight = np.full(points, h)
    weight[[0, -1]] /= 2.0
    b.minimise(weight * (x[2 * points :] ** 2 + 350.0 * cos(x[:points])))
    now, after = np.arange(steps), np.arange(1, points)
    rows = b.rows(2 * steps, equal=0.0)
    rise = sin(x[after]) + sin(x[now])
    b.add(rows[::2], x[points + after] - x[points + now] - h / 2.0 * rise)
    turn = x[2 * points + after] + x[2 * points + now]
    b.add(rows[1::2], x[after] - x[now] - h / 2.0 * turn)
    return b.problem()


def _fixed(x0: Array, entries: Any) -> Builder:
    """Return a builder whose variables are free, but for some that stay where they start."""
    lower, upper = np.full(len(x0), -np.inf), np.full(len(x0), np.inf)
    lower[entries] = upper[entries] = x0[entries]
    return Builder(x0, lower=lower, upper=upper)


def _squares(nodes: list[Node]) -> Any:
    return sum((node**2 for node in nodes[1:]), nodes[0] ** 2)
