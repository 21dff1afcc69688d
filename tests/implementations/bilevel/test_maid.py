"""MAID: bounds that bind, accuracies, ends with reasons. HOAG: schedules and steps."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.implementations.bilevel.test_implicit import answers, slope
from tests.suites.bilevel.small import Ridge, problem, quadratic
from tiltyard.implementations.bilevel._certified import Certified, Constants, error_bound
from tiltyard.implementations.bilevel._hoag import AdaptiveStep, Approximation, accuracies
from tiltyard.implementations.bilevel._maid import LineSearch, stationary
from tiltyard.implementations.bilevel.hoag import hoag
from tiltyard.implementations.bilevel.maid import maid


def phi(model, x):
    on = model.on("cpu")
    y = torch.linalg.solve(on.mean_A, -(x @ on.mean_C + on.mean_a))
    return float(on.upper(x, y, None)), y


def ending(given):
    """Return the last answer, and the reason of the end."""
    last = None
    while True:
        try:
            last = next(given)
        except StopIteration as end:
            return last, end.value


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.floats(1e-8, 10.0),
    st.floats(1e-8, 10.0),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_the_bound_binds_where_constants_are_exact(seed, eps, delta, dim_x, dim_y):
    model = quadratic(seed, dim_x, dim_y)
    on = model.on("cpu")
    A, C, E = (getattr(on, f"mean_{name}") for name in "ACE")
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal(dim_x))
    rng = np.random.default_rng(seed + 1)

    def away(size):
        d = torch.from_numpy(rng.standard_normal(dim_y))
        return d * (size / d.norm())

    y = phi(model, x)[1] + away(eps)
    F_y = on.upper_gradient_y(x, y, None)
    q = torch.linalg.solve(A, F_y + away(delta))
    z = on.upper_gradient_x(x, y, None) - C @ q
    exact = Constants(
        mu=float(torch.linalg.eigvalsh(A)[0]),
        cross=float(torch.linalg.matrix_norm(C, 2)),
        upper=float(torch.linalg.matrix_norm(E, 2)),
        upper_x=0.0,
        inverse=0.0,
        cross_slope=0.0,
    )
    error = float((z - slope(model)(x)).norm())
    assert error <= error_bound(exact, float(F_y.norm()), eps, delta) * (1.0 + 1e-9) + 1e-12


def test_the_bound_by_hand():
    c = Constants(mu=2.0, cross=3.0, upper=5.0, upper_x=7.0, inverse=11.0, cross_slope=13.0)
    assert error_bound(c, 4.0, 0.1, 0.0) == pytest.approx(0.1 * (7.5 + 132.0 + 26.0 + 7.0) + 0.325)
    assert error_bound(c, 4.0, 0.0, 0.2) == pytest.approx(0.3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-7, 1.0))
@example(456, 2.0**-23)
def test_values_and_distances_are_proven(seed, eps):
    model = quadratic(seed)
    seen = problem(model).on("cpu")
    x, y = seen.start()
    certified = Certified(seen, 2000)
    point = certified.point(x, y, eps)
    value, exact = phi(model, x)
    # The bound is tight on quadratics; y and the exact solution are rounded to float64.
    assert float((point.y - exact).norm()) <= point.eps + 1e-13
    assert point.eps <= eps * (1.0 + 1e-9)
    for _ in range(30):
        # Goes on with the power iteration for |J|; probes along one direction see part of L_F.
        point.constants = None
        certified.differentiate(point, eps)
    assert float((point.z - slope(model)(x)).norm()) <= 1.5 * point.omega
    point.lipschitz = float(torch.linalg.matrix_norm(model.on("cpu").mean_E, 2))
    assert abs(point.value - value) <= point.spread * (1.0 + 1e-9) + 1e-12


def test_a_finer_point_keeps_its_constants():
    seen = problem(quadratic()).on("cpu")
    certified = Certified(seen, 2000)
    point = certified.point(*seen.start(), 0.1)
    certified.differentiate(point, 0.1)
    assert certified.refine(point, 1.0) is point
    finer = certified.refine(point, 1e-6)
    assert finer.eps <= 1e-6
    assert finer.constants is point.constants


def test_every_step_is_a_decrease_of_phi():
    model = quadratic(4)
    seen = problem(model).on("cpu")
    values = [phi(model, a["x"])[0] for a in itertools.islice(answers(maid, seen), 60)]
    assert all(after < before + 1e-12 for before, after in itertools.pairwise(values))
    assert values[-1] < values[0]


def test_fixed_accuracy_ends_with_a_reason():
    seen = problem(quadratic()).on("cpu")
    given = answers(maid, seen, adaptive=False, accuracy=10.0)
    assert "no sufficient decrease" in ending(given)[1]


def test_adaptive_accuracy_ends_at_the_limit_of_float64():
    model = quadratic()
    last, reason = ending(answers(maid, problem(model).on("cpu")))
    assert "accuracy" in reason
    assert float(slope(model)(last["x"]).norm()) < 1e-8


def test_a_stationary_point_is_no_step():
    seen = problem(quadratic()).on("cpu")
    certified = Certified(seen, 100)
    point = certified.point(*seen.start(), 1e-3)
    point.z = 0.0 * point.x
    assert LineSearch(seen, certified, shrink=0.5, decrease=1e-4)(point, 1.0, 5, 1e-3) is None
    assert stationary(point, 1e-30)
    assert not stationary(point, 1e-3)


@pytest.mark.parametrize("step", [1e-4, 1.0, 1e3])
@pytest.mark.parametrize("accuracy", [1e-6, 1.0])
def test_any_first_step_and_accuracy_will_do(step, accuracy):
    model = quadratic(1)
    seen = problem(model).on("cpu")
    gradient = slope(model)
    given = answers(maid, seen, step=step, accuracy=accuracy)
    assert any(float(gradient(a["x"]).norm()) < 1e-4 for a in itertools.islice(given, 400))


def test_failed_trials_are_charged():
    seen = problem(quadratic()).on("cpu")
    list(itertools.islice(answers(maid, seen, step=1e6, accuracy=1e-6, backtracks=60), 2))
    assert seen.ledger.oracles["F"] > 10


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("geometric", [1.0, 0.5, 0.25]),
        ("quadratic", [1.0, 1 / 4, 1 / 9]),
        ("cubic", [1.0, 1 / 8, 1 / 27]),
        ("constant", [1.0, 1.0, 1.0]),
    ],
)
def test_schedules(schedule, expected):
    assert list(itertools.islice(accuracies(schedule, 1.0, 0.5), 3)) == pytest.approx(expected)


def test_an_unknown_schedule_is_named():
    with pytest.raises(ValueError, match="'linear' is none of geometric, constant"):
        list(itertools.islice(answers(hoag, problem(quadratic()).on("cpu"), schedule="linear"), 2))


def test_hoag_undoes_a_step_that_grows():
    seen = problem(quadratic()).on("cpu")

    def at(x, value, gradient):
        vector = torch.full((3,), x, dtype=torch.float64)
        return Approximation(vector, vector, value, torch.full_like(vector, gradient), 1e-9)

    step = AdaptiveStep(seen)
    # The first step is sqrt(3) long: 1 in each of three entries.
    torch.testing.assert_close(step(at(0.0, 1.0, 2.0)), torch.full((3,), -1.0).double())
    torch.testing.assert_close(step(at(-1.0, 1.3, -9.0)), torch.full((3,), -0.5).double())
    assert float(step.kept.x[0]) == 0.0
    assert step.caution == 0.5
    # By 4.1 lower, of the 3 that 1/M promises: it is kept, and M falls to 0.95 of itself.
    following = step(at(-0.5, -3.1, 1.0))
    torch.testing.assert_close(following, torch.full((3,), -0.5 - 1.0 / 3.8).double())


def test_hoag_charges_what_it_asks():
    seen = problem(Ridge()).on("cpu")
    list(itertools.islice(answers(hoag, seen), 4))
    told = {name: calls // seen.n_lower for name, calls in seen.ledger.oracles.items()}
    assert {name: told[name] for name in ("F", "F_x", "F_y", "cross")} == dict.fromkeys(
        ("F", "F_x", "F_y", "cross"), 3
    )
