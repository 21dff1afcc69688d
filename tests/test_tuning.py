"""Random configurations, and which runs are of them."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tiltyard.run.record import Record, Status
from tiltyard.tuning import MOST, configuration_key, draw, draws, leading_draws, separate

TUNE = {
    "rate": (1e-4, 1e2, "log"),
    "share": (-1.0, 3.0, "linear"),
    "size": (2, 200, "log"),
    "kind": ("a", "b", "c"),
    "on": (True, False),
}
DEFAULTS = {"rate": 0.1, "share": 0.5, "size": 10, "kind": "a", "on": True, "fixed": 7}


@pytest.fixture
def wide(toy):
    """Return an implementation with a parameter of each kind."""
    return dataclasses.replace(
        toy.implementation("toy", "halve"), name="wide", parameters=DEFAULTS, tune=TUNE
    )


def test_a_configuration_is_the_same_everywhere(toy):
    # From this release on: boards of different machines compare the same configurations.
    halve = toy.implementation("toy", "halve")
    assert draws(halve, 3) == [{"factor": 0.850451}, {"factor": 0.833732}, {"factor": 0.19978}]


def test_more_configurations_extend_fewer(wide):
    ten = draws(wide, 10)
    assert [draws(wide, k) for k in range(10)] == [ten[:k] for k in range(10)]
    assert ten == [draw(wide, index) for index in range(10)]
    assert len({configuration_key(wide, one) for one in ten}) == 10


def test_a_configuration_depends_on_the_name_and_not_on_the_order_of_declaration(wide):
    turned = dataclasses.replace(wide, tune=dict(reversed(TUNE.items())))
    assert draws(turned, 5) == draws(wide, 5)
    assert draws(dataclasses.replace(wide, name="other"), 5) != draws(wide, 5)


@given(index=st.integers(0, 10**6))
def test_values_are_of_their_space_and_type(toy, index):
    wide = dataclasses.replace(
        toy.implementation("toy", "halve"), name="wide", parameters=DEFAULTS, tune=TUNE
    )
    drawn = draw(wide, index)
    assert list(drawn) == list(DEFAULTS)
    assert {key: type(value) for key, value in drawn.items()} == {
        key: type(value) for key, value in DEFAULTS.items()
    }
    assert 1e-4 <= drawn["rate"] <= 1e2
    assert -1.0 <= drawn["share"] <= 3.0
    assert 2 <= drawn["size"] <= 200
    assert drawn["kind"] in TUNE["kind"]
    assert drawn["fixed"] == 7


@given(
    low=st.floats(1e-6, 1e6),
    factor=st.floats(1.000001, 1e6),
    axis=st.sampled_from(("log", "linear")),
    index=st.integers(0, 50),
)
def test_rounding_never_leaves_the_range(toy, low, factor, axis, index):
    halve = toy.implementation("toy", "halve")
    narrow = dataclasses.replace(halve, tune={"factor": (low, low * factor, axis)})
    assert low <= draw(narrow, index)["factor"] <= low * factor


def test_integers_stay_inside_a_range_with_broken_ends(toy):
    halve = toy.implementation("toy", "halve")
    broken = dataclasses.replace(halve, parameters={"size": 2}, tune={"size": (1.4, 3.6, "linear")})
    assert {one["size"] for one in draws(broken, 200)} == {2, 3}


def test_distributions_are_as_declared(wide):
    found = draws(wide, 1000)
    logs = [math.log10(one["rate"]) for one in found]
    assert stats.kstest(logs, "uniform", args=(-4, 6)).pvalue > 0.01
    assert stats.kstest([one["share"] for one in found], "uniform", args=(-1, 4)).pvalue > 0.01
    sizes = np.log([one["size"] for one in found])
    assert np.mean(sizes) == pytest.approx((math.log(2) + math.log(200)) / 2, abs=0.15)
    for key in ("kind", "on"):
        counts = Counter(one[key] for one in found)
        assert len(counts) == len(TUNE[key])
        assert stats.chisquare(list(counts.values())).pvalue > 0.01
    # Parameters are drawn independently of each other.
    assert abs(stats.pearsonr(logs, [one["share"] for one in found]).statistic) < 0.1


def test_nothing_to_tune_draws_nothing(toy):
    assert draws(toy.implementation("toy", "noisy"), 5) == []


@pytest.fixture
def run(spec):
    """Return a function that makes a record of halve at some factor."""

    def make(**parameters):
        return Record(spec=spec("halve", **parameters), status=Status.SOLVED)

    return make


def test_only_leading_draws_with_the_defaults_count_as_drawn(toy, run):
    halve = toy.implementation("toy", "halve")
    default, own = run(), run(factor=0.25)
    first, second, third, fourth = (run(**one) for one in draws(halve, 4))
    assert separate(toy, [own, first, default, second]) == ([own, default], [first, second])
    assert separate(toy, [default, own]) == ([default, own], [])
    # A setting that somebody copied is their own: the draws before it, or the defaults, lack runs.
    assert separate(toy, [default, first, third]) == ([default, third], [first])
    assert separate(toy, [default, second, third, fourth])[1] == []
    assert separate(toy, [first, second])[1] == []


def test_parameters_that_a_record_lacks_are_at_their_defaults(toy, run):
    halve = toy.implementation("toy", "halve")
    old = run()
    old.spec = dataclasses.replace(old.spec, parameters={})
    first = run(**draw(halve, 0))
    assert separate(toy, [old, first]) == ([old], [first])


def test_records_of_an_implementation_that_is_gone_are_nobodys_draws(toy, run):
    gone = run(factor=0.3)
    gone.spec = dataclasses.replace(gone.spec, implementation="gone")
    assert separate(toy, [gone]) == ([gone], [])


def test_a_finite_space_ends(toy):
    halve = toy.implementation("toy", "halve")
    finite = dataclasses.replace(halve, parameters={"on": True}, tune={"on": (True, False)})
    made = dict.fromkeys([frozenset({("on", True)}), frozenset({("on", False)})])
    assert len(leading_draws(finite, made)) == MOST
