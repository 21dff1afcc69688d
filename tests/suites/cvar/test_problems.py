"""Problem families build what their names say, the same one every time."""

import subprocess
import sys

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.suites.cvar import SUITE
from tiltyard.suites.cvar._risk import Instance


def families(found):
    return found.families_of("cvar")


def test_tiers(found):
    sizes = {
        tier: sum(len(family.names(tier)) for family in families(found)) for tier in SUITE.tiers
    }
    assert 6 <= sizes["smoke"] <= 8
    assert 36 <= sizes["standard"] <= 48
    names = [name for family in families(found) for name in family.names("standard")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_tier_builds(found, build, tier):
    for family in families(found):
        for name in family.names(tier):
            problem = build(name)
            instance = Instance.of(problem)
            assert np.isfinite(instance.objective(instance.start())), name
            assert problem.held_out is not None, name
            assert problem.held_out[0].shape[1] == problem.d, name


def test_full_tier_is_large(found):
    for family in families(found):
        for name in family.names("full"):
            assert "n=100000," in name or "n=1000000," in name


def summary(problem):
    """Return the sums of a problem's arrays; BLAS may differ in the last digits."""
    return [float(np.abs(problem.A).sum()), float(np.abs(problem.y).sum())]


PINNED = {
    "normal-abs": [9029.029004238413, 959.2128161443966],
    "lognormal-abs": [8933.011424870085, 1353.0745565472948],
    "pareto-sq": [9083.154417683063, 1180.2420706765956],
    "lognormal-logistic": [52858.78228658505, 1000.0],
    "portfolio": [271.866349390358, 0.0],
    "newsvendor": [1000.0, 114213.0162786562],
    "diabetes-abs": [3264.541769628777, 302.6356149102004],
    "breast-cancer-logistic": [10732.06175886246, 456.0],
}


@pytest.mark.parametrize("name", PINNED)
def test_pinned_data(build, name):
    assert summary(build(name)) == pytest.approx(PINNED[name], rel=1e-10)


def test_the_same_name_is_the_same_problem(build):
    first, second = build("pareto-logistic[n=50]"), build("pareto-logistic[n=50]")
    assert (first.A == second.A).all()
    assert (first.held_out[0] == second.held_out[0]).all()
    other = build("pareto-logistic[n=50,instance=1]")
    assert not (first.A[:, :-1] == other.A[:, :-1]).any()


def test_levels_and_twins_share_their_data(build):
    one = build("lognormal-sq[n=50]")
    other = build("lognormal-sq[n=50,beta=0.5,scale=100.0,mu=0.0]")
    assert (one.A == other.A).all()
    assert other.y == pytest.approx(100 * one.y)
    assert one.mu == build("lognormal-sq[n=50,scale=100.0]").mu
    assert build("lognormal-abs[n=50,scale=100.0]").mu == pytest.approx(1e-5)


def test_start_is_not_the_minimiser(build):
    """The worst margins have a positive mean at some w, so the gap has something to measure."""
    from tiltyard.suites.cvar.reference import reference

    for noise in ("normal", "lognormal", "pareto"):
        instance = Instance.of(build(f"{noise}-logistic[beta=0.99]"))
        assert reference(instance).value < 0.95 * instance.objective(instance.start())


def test_real_data_is_standardised_by_its_own_rows(build):
    problem = build("diabetes-sq")
    assert problem.n + len(problem.held_out[1]) == 442
    assert problem.A[:, :-1].mean(axis=0) == pytest.approx(np.zeros(10), abs=1e-12)
    assert problem.A[:, :-1].std(axis=0) == pytest.approx(np.ones(10))
    assert problem.y.std() == pytest.approx(1.0)
    assert (problem.A[:, -1] == 1).all()
    assert set(build("breast-cancer-logistic").y) == {-1.0, 1.0}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("normal-logistic[mu=0]", "needs mu > 0"),
        ("breast-cancer-logistic[mu=0]", "needs mu > 0"),
        ("normal-abs[beta=1]", "beta must be at least 0 and below 1, not 1.0"),
        ("normal-abs[mu=-1]", "mu must not be negative, as -1.0 is"),
        ("normal-abs[n=0]", "n must be positive, not 0"),
        ("normal-abs[scale=0]", "scale must be positive"),
        ("newsvendor[under=-1]", "under must be positive"),
        ("diabetes-abs[held_out=1]", "held_out must be at least 0 and below 1"),
    ],
)
def test_impossible_parameters_are_refused(build, name, message):
    with pytest.raises(TiltyardError) as error:
        build(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_users_returns_become_a_portfolio(build, tmp_path):
    file = tmp_path / "returns.csv"
    file.write_text("date,A,B\n" + "".join(f"2024-01-{i:02},0.0{i},-0.01\n" for i in range(1, 10)))
    problem = build(f"portfolio-csv[csv={file},beta=0.9]")
    assert problem.facts["domain"] == "simplex"
    assert problem.A.shape == (8, 2)
    assert problem.A[0].tolist() == [-0.01, 0.01]
    assert problem.held_out[0].tolist() == [[-0.09, 0.01]]


def test_portfolio_without_a_file_says_what_to_give(build):
    with pytest.raises(TiltyardError, match="csv=FILE"):
        build("portfolio-csv")


def test_suite_imports_no_numerics():
    code = (
        "import sys, tiltyard.suites.cvar; "
        "sys.exit(any(m in sys.modules for m in ('numpy', 'scipy', 'clarabel', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
