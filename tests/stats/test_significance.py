"""Tests of significance against SciPy, published formulas and every assignment of signs."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

from tiltyard.stats import (
    LEVEL,
    Untested,
    friedman,
    groups_of_ties,
    holm,
    pairwise_tests,
    signed_rank,
)

DIFFERENCES = st.integers(-4, 4).map(float)


@given(st.lists(DIFFERENCES, min_size=6, max_size=9))
def test_p_value_counts_every_assignment_of_signs(differences):
    differences = np.array(differences)
    ranks = rankdata(np.abs(differences))[differences != 0]
    sums = [
        sum(itertools.compress(ranks, signs))
        for signs in itertools.product((False, True), repeat=len(ranks))
    ]
    plus = rankdata(np.abs(differences))[differences > 0].sum()
    as_low, as_high = (np.mean(np.less_equal(sums, plus)), np.mean(np.greater_equal(sums, plus)))
    expected = min(1.0, 2 * min(as_low, as_high))
    assert signed_rank(differences).p_value == pytest.approx(expected)


@pytest.mark.parametrize("n", [6, 7, 20, 49, 50, 51, 120])
def test_p_value_is_scipys_without_ties(n):
    for seed in range(5):
        differences = np.random.default_rng(seed).normal(0.2, size=n)
        expected = wilcoxon(differences, zero_method="pratt").pvalue
        assert signed_rank(differences).p_value == pytest.approx(expected)


def test_p_value_with_ties_is_near_the_normal_one():
    differences = np.random.default_rng(0).integers(-5, 7, 50).astype(float)
    expected = wilcoxon(differences, zero_method="pratt", method="asymptotic").pvalue
    assert signed_rank(differences).p_value == pytest.approx(expected, rel=0.05)


@given(st.lists(DIFFERENCES, min_size=1, max_size=9))
def test_rank_biserial_is_the_difference_of_favourable_and_unfavourable_ranks(differences):
    ranks = rankdata([abs(d) for d in differences])
    favourable = sum(r for r, d in zip(ranks, differences, strict=True) if d > 0)
    against = sum(r for r, d in zip(ranks, differences, strict=True) if d < 0)
    both = favourable + against
    found = signed_rank(np.array(differences)).rank_biserial
    assert found == pytest.approx(favourable / both - against / both if both else 0.0)


def test_signed_rank_of_little():
    assert math.isnan(signed_rank(np.array([])).rank_biserial)
    few = signed_rank(np.ones(5))
    assert (math.isnan(few.p_value), few.rank_biserial) == (True, 1.0)
    assert math.isnan(signed_rank(np.zeros(5)).p_value)
    same = signed_rank(np.zeros(6))
    assert (same.p_value, same.rank_biserial) == (1.0, 0.0)
    assert signed_rank(np.ones(6)).p_value == pytest.approx(2 / 2**6)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), max_size=8))
def test_holm_is_its_definition(p_values):
    known = sorted(p for p in p_values if not math.isnan(p))
    stepwise = {
        p: min(1.0, max((len(known) - k) * known[k] for k in range(len(known)) if known[k] <= p))
        for p in known
    }
    for p, found in zip(p_values, holm(np.array(p_values, float)), strict=True):
        assert found == pytest.approx(stepwise.get(p, math.nan), nan_ok=True)


def test_holm_by_hand():
    found = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    np.testing.assert_allclose(found, [0.03, 0.06, 0.06, 0.02])


VALUES = arrays(
    np.float64,
    st.tuples(st.integers(1, 5), st.integers(1, 9)),
    elements=st.one_of(st.integers(0, 8).map(lambda n: n / 8), st.just(math.nan)),
)


@settings(max_examples=50)
@given(VALUES)
def test_pairwise_tests_are_signed_rank_tests_with_holm(values):
    tests = pairwise_tests(values)
    pairs = list(itertools.combinations(range(len(values)), 2))
    expected = []
    for i, j in pairs:
        both = ~np.isnan(values[i]) & ~np.isnan(values[j])
        one = signed_rank(values[i, both] - values[j, both])
        expected.append(one.p_value)
        np.testing.assert_equal(tests.p_values[[i, j], [j, i]], [one.p_value] * 2)
        effects = tests.rank_biserial[[i, j], [j, i]]
        np.testing.assert_equal(effects, [one.rank_biserial, -one.rank_biserial])
    for (i, j), corrected in zip(pairs, holm(np.array(expected, float)), strict=True):
        np.testing.assert_equal(tests.corrected[[i, j], [j, i]], [corrected] * 2)
        assert tests.different(i, j) is tests.different(j, i) is bool(corrected < LEVEL)
    assert np.isnan(np.diag(tests.corrected)).all()


def test_ties_are_found_among_clear_differences():
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 0.1, size=(4, 30))
    levels = np.array([0.9, 0.9, 0.5, 0.1])[:, None]
    tests = pairwise_tests(levels + noise)
    assert tests.groups == ((0, 1), (2,), (3,))
    assert not tests.different(0, 1)
    assert tests.different(1, 2)


def test_nothing_is_different_on_few_problems():
    tests = pairwise_tests(np.array([[1.0] * 5, [0.5] * 5, [0.0] * 5]))
    assert tests.groups == ((0, 1, 2),)
    assert pairwise_tests(np.ones((1, 9))).groups == ((0,),)
    assert pairwise_tests(np.ones((0, 9))).groups == ()
    assert pairwise_tests(np.ones((3, 0))).groups == ((0, 1, 2),)


@given(st.integers(1, 7), st.data())
def test_groups_of_ties_are_the_maximal_sets(count, data):
    different = np.zeros((count, count), bool)
    for i, j in itertools.combinations(range(count), 2):
        different[i, j] = different[j, i] = data.draw(st.booleans())
    tied = [
        set(some)
        for size in range(1, count + 1)
        for some in itertools.combinations(range(count), size)
        if not any(different[i, j] for i, j in itertools.combinations(some, 2))
    ]
    maximal = sorted(tuple(sorted(one)) for one in tied if not any(one < other for other in tied))
    assert list(groups_of_ties(different)) == maximal


@settings(max_examples=30)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(3, 5), st.integers(6, 9)),
        elements=st.integers(0, 5).map(float),
    )
)
def test_friedman_is_scipys_with_nemenyis_formula(values):
    found = friedman(values)
    count, problems = values.shape
    ranks = np.array([rankdata(-column) for column in values.T])
    np.testing.assert_allclose(found.mean_ranks, ranks.mean(axis=0))
    if (values == values[0]).all():
        assert (found.statistic, found.p_value) == (0.0, 1.0)
    else:
        expected = friedmanchisquare(*values)
        assert (found.statistic, found.p_value) == pytest.approx(tuple(expected))
    scale = math.sqrt(count * (count + 1) / (6 * problems))
    for i, j in itertools.combinations(range(count), 2):
        range_ = abs(ranks[:, i].mean() - ranks[:, j].mean()) / scale * math.sqrt(2)
        expected = studentized_range.sf(range_, count, np.inf)
        assert found.nemenyi[i, j] == found.nemenyi[j, i] == pytest.approx(expected)
    assert found.problems == problems


def test_critical_differences_are_demsars():
    """Demsar (2006), table 5a: q at 5 % for 2 to 10 methods; CD = q sqrt(k (k + 1) / 6 N)."""
    table = {3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
    for count, q in table.items():
        values = np.random.default_rng(0).uniform(size=(count, 14))
        expected = q * math.sqrt(count * (count + 1) / (6 * 14))
        assert friedman(values).critical_difference == pytest.approx(expected, rel=3e-4)


def test_friedman_leaves_out_problems_that_someone_misses():
    values = np.random.default_rng(0).uniform(size=(3, 9))
    values[1, 4] = math.nan
    found, whole = friedman(values), friedman(np.delete(values, 4, axis=1))
    assert (found.problems, found.statistic) == (8, whole.statistic)


def test_groups_of_a_critical_difference_diagram():
    levels = np.array([0.9, 0.5, 0.1])[:, None]
    clear = levels + np.random.default_rng(0).uniform(0, 0.01, size=(3, 20))
    found = friedman(clear)
    assert found.mean_ranks.tolist() == [1.0, 2.0, 3.0]
    assert found.groups == ((0,), (1,), (2,))
    same = friedman(np.full((3, 20), 0.5))
    assert (same.p_value, same.groups) == (1.0, ((0, 1, 2),))
    np.testing.assert_allclose(same.nemenyi, 1.0)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((2, 9), "2 implementations; a Friedman test takes 3"),
        ((0, 9), "0 implementations; a Friedman test takes 3"),
        ((3, 5), "5 problems that every implementation takes; a Friedman test takes 6"),
        ((3, 0), "0 problems that every implementation takes; a Friedman test takes 6"),
    ],
)
def test_friedman_says_why_there_is_no_test(shape, reason):
    assert friedman(np.ones(shape)) == Untested(reason, shape[1])
