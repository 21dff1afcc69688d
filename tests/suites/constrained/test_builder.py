"""What the builder makes of a problem as written, of values outside domains, and of misuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.suites.constrained.agreement import jacobian
from tiltyard.suites.constrained.builder import Builder, absolute, arctan2, dot, exp, log, sin, sqrt


def hs71():
    b = Builder([1.0, 5.0, 5.0, 1.0], lower=1.0, upper=5.0)
    x = b.x
    b.minimise(x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2])
    b.subject_to(x[0] * x[1] * x[2] * x[3], lower=25.0)
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2, equal=40.0)
    return b.problem()


def test_bounds_and_facts_are_as_written():
    problem = hs71()
    np.testing.assert_array_equal(problem.x0, [1.0, 5.0, 5.0, 1.0])
    np.testing.assert_array_equal(problem.lower, np.ones(4))
    np.testing.assert_array_equal(problem.upper, np.full(4, 5.0))
    np.testing.assert_array_equal(problem.c_lower, [25.0, 40.0])
    np.testing.assert_array_equal(problem.c_upper, [np.inf, 40.0])
    np.testing.assert_array_equal(problem.y0, np.zeros(2))
    assert problem.facts["track"] == "general"
    assert (problem.facts["equations"], problem.facts["inequalities"]) == (1, 1)
    assert problem.has_objective


def test_values_at_the_published_solution():
    # Hock and Schittkowski (1981), problem 71.
    x = np.array([1.0, 4.7429994, 3.8211503, 1.3794082])
    model = hs71().model
    assert model.objective(x) == pytest.approx(17.0140173, rel=1e-6)
    np.testing.assert_allclose(model.constraints(x), [25.0, 40.0], rtol=1e-6)


def test_a_system_has_no_objective():
    b = Builder([0.0])
    b.subject_to(b.x[0] - 1.0, equal=0.0)
    problem = b.problem()
    assert not problem.has_objective
    assert problem.model.objective(problem.x0) == 0.0
    assert problem.facts["track"] == "equality"


def test_a_problem_without_constraints():
    b = Builder([2.0, 3.0])
    b.minimise(b.x[0] ** 2)
    problem = b.problem()
    assert problem.m == 0
    np.testing.assert_array_equal(problem.model.gradient(problem.x0), [4.0, 0.0])
    np.testing.assert_array_equal(
        problem.model.lagrangian_gradient(problem.x0, np.zeros(0)), [4.0, 0.0]
    )


@given(st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_rows_collect_what_is_added(rows):
    b = Builder(np.arange(1.0, 4.0))
    b.rows(4, lower=0.0, upper=[1.0, 2.0, 3.0, 4.0])
    b.add(rows, b.x[:] ** 2)
    b.add(rows[0], 10.0)
    expected = np.bincount(rows, [1.0, 4.0, 9.0], 4)
    expected[rows[0]] += 10.0
    np.testing.assert_array_equal(b.problem().model.constraints(np.arange(1.0, 4.0)), expected)


def test_elements_go_one_to_many_and_many_to_one():
    b = Builder([1.0, 2.0, 3.0])
    b.rows(3, equal=0.0)
    b.add([0, 2], b.x[1])
    b.add(1, b.x[:])
    model = b.problem().model
    np.testing.assert_array_equal(model.constraints(np.array([1.0, 2.0, 3.0])), [2.0, 6.0, 2.0])
    expected = [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]
    np.testing.assert_array_equal(jacobian(model, np.zeros(3)), expected)


def test_variables_are_indexed_like_an_array():
    b = Builder(np.arange(5.0))
    b.minimise(b.x[-1] + 10.0 * b.x[1:3] + 100.0 * b.x[np.array([True, False, True, False, False])])
    assert b.problem().model.objective(np.arange(5.0)) == 2 * 4.0 + 10.0 * 3.0 + 100.0 * 2.0
    assert len(b.x) == 5


def test_dot_is_the_sum_of_products():
    b = Builder([2.0, 3.0])
    b.minimise(dot([10.0, 1.0], [b.x[0], b.x[1]]))
    assert b.problem().model.objective(np.array([2.0, 3.0])) == 23.0
    with pytest.raises(ValueError, match="a sum of no expressions"):
        dot([], [])
    with pytest.raises(ValueError, match="shorter"):
        dot([1.0, 2.0], [b.x[0]])


OUTSIDE = (
    (log, -1.0, np.nan),
    (log, 0.0, -np.inf),
    (sqrt, -1.0, np.nan),
    (lambda x: 1.0 / x, 0.0, np.inf),
    (lambda x: x**0.67, -1.0, np.nan),
    (lambda x: x**-1.5, 0.0, np.inf),
    (exp, 1e4, np.inf),
    (lambda x: x**4, 1e200, np.inf),
    (sin, np.inf, np.nan),
    (lambda x: arctan2(x, x), np.nan, np.nan),
    (lambda x: exp(x) - exp(x + 1.0), 1e4, np.nan),
)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("case", range(len(OUTSIDE)))
def test_values_outside_a_domain_are_nan_or_infinite(case, several):
    function, at, expected = OUTSIDE[case]
    b = Builder([1.0, 1.0])
    b.minimise(function(b.x[0]))
    b.subject_to(function(b.x[:] if several else b.x[0]), lower=0.0)
    problem = b.problem()
    model, x = problem.model, np.array([at, at])
    np.testing.assert_equal(model.objective(x), expected)
    np.testing.assert_equal(model.constraints(x), np.full(problem.m, expected))
    for values in (
        model.gradient(x),
        model.jacobian_values(x),
        model.hessian_values(x, np.ones(problem.m)),
        model.lagrangian_gradient(x, np.ones(problem.m)),
    ):
        assert values.dtype == np.float64
    assert isinstance(model.objective(x), float)


def test_the_slope_of_a_kink_is_zero():
    b = Builder([0.0, 3.0])
    b.minimise(absolute(b.x[0]) + absolute(b.x[1]))
    model = b.problem().model
    np.testing.assert_array_equal(model.gradient(np.array([0.0, -3.0])), [0.0, -1.0])
    np.testing.assert_array_equal(
        model.lagrangian_gradient(np.array([0.0, -3.0]), np.zeros(0)), [0.0, -1.0]
    )
    assert not len(model.hessian_structure)


def test_arrays_of_a_problem_are_read_only():
    problem = hs71()
    with pytest.raises(ValueError, match="read-only"):
        problem.x0[0] = 7.0


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (([[1.0]],), {}, r"x0 is a vector, not of shape \(1, 1\)"),
        (([],), {}, r"x0 is a vector, not of shape \(0,\)"),
        (([0.0, 0.0],), {"lower": [0.0, 0.0, 0.0]}, r"one number or 2, not .* \(3,\)"),
        (([0.0],), {"lower": 2.0, "upper": 1.0}, "a lower bound is above the upper one"),
        (([0.0],), {"upper": np.nan}, "a lower bound is above the upper one"),
    ],
)
def test_starts_and_bounds_that_are_none(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        Builder(*arguments, **keywords)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({}, "takes equal, or lower and upper, or one of them"),
        ({"equal": 0.0, "lower": 0.0}, "takes equal, or lower and upper, or one of them"),
        ({"lower": [0.0, -np.inf]}, "takes equal, or lower and upper, or one of them"),
        ({"equal": np.inf}, "takes equal, or lower and upper, or one of them"),
        ({"lower": 1.0, "upper": 0.0}, "a lower bound is above the upper one"),
        ({"lower": np.nan}, "a lower bound is above the upper one"),
        ({"upper": [1.0, 2.0, 3.0]}, r"one number or 2, not .* \(3,\)"),
    ],
)
def test_constraints_that_are_none(keywords, message):
    b = Builder([0.0, 0.0])
    with pytest.raises(ValueError, match=message):
        b.subject_to(b.x[:], **keywords)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 1, 2], "2 elements do not go to 3 rows"),
        ([], "2 elements do not go to 0 rows"),
        ([0, 2], "rows are 0 to 1, not 0 to 2"),
        ([-1, 0], "rows are 0 to 1, not -1 to 0"),
    ],
)
def test_rows_that_are_none(rows, message):
    b = Builder([0.0, 0.0])
    b.rows(2, lower=0.0)
    with pytest.raises(ValueError, match=message):
        b.add(rows, b.x[:])


def test_other_misuse():
    b = Builder([0.0, 0.0])
    with pytest.raises(IndexError):
        b.x[2]
    with pytest.raises(ValueError, match="no variable is chosen"):
        b.x[2:]
    with pytest.raises(ValueError, match="an array without elements"):
        b.x[0] + np.zeros(0)
    with pytest.raises(TypeError):
        b.x[0] ** b.x[1]
    b.subject_to(b.x[0], equal=0.0)
    b.multipliers([1.0, 2.0])
    with pytest.raises(ValueError, match=r"one number or 1, not .* \(2,\)"):
        b.problem()
