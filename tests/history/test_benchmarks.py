"""What is tracked of a suite: names, units, and always lower is better, never infinite."""

import dataclasses
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.toy_store import PLUS, record
from tiltyard.history.benchmarks import Kind, benchmarks_of
from tiltyard.run.record import Status
from tiltyard.suite import Metric


def by_name(suite):
    return {one.name: one for one in benchmarks_of(suite)}


@pytest.fixture
def suite(toy):
    return toy.suite("toy")


def test_names_are_what_asv_takes(toy):
    for suite in toy.suites.values():
        for one in benchmarks_of(suite):
            assert re.fullmatch(r"[a-z0-9_]+\.track_[A-Za-z0-9_]+", one.name)
            assert one.version == str(suite.version)
        names = [one.name for one in benchmarks_of(suite)]
        assert len(set(names)) == len(names)


def test_a_metric_has_the_kind_and_sign_of_its_scale_and_direction(suite):
    metrics = [
        Metric(name="gap", unit="1", better="lower", scale="log", summary=""),
        Metric(name="error", unit="m", better="lower", scale="linear", summary=""),
        Metric(name="auc", unit="1", better="higher", scale="linear", summary=""),
        Metric(name="rate", unit="1/s", better="higher", scale="linear", summary=""),
        Metric(name="speed", unit="1/s", better="higher", scale="log", summary=""),
    ]
    found = by_name(dataclasses.replace(suite, metrics=tuple(metrics)))
    one = record("halve", PLUS, [(0.01, 0.1)])
    point = one.checkpoints[-1]
    metrics = {"gap": 0.1, "error": 3.0, "auc": 0.75, "rate": 9.0, "speed": 20.0}
    one.checkpoints[-1] = dataclasses.replace(point, metrics=metrics)
    assert found["toy.track_log10_gap"].measure(one) == 1  # decade above the target of 1e-2
    assert found["toy.track_error"].measure(one) == 3
    assert found["toy.track_error"].unit == "m"
    assert found["toy.track_one_minus_auc"].measure(one) == 0.25
    assert found["toy.track_negative_rate"].measure(one) == -9
    assert found["toy.track_log10_inverse_speed"].measure(one) == pytest.approx(math.log10(5))
    assert found["toy.track_log10_inverse_speed"].kind is Kind.LOG10


def test_time_is_sustained_and_missed_says_the_rest(suite):
    found = by_name(suite)
    reached = record("halve", PLUS, [(0.01, 0.05), (0.02, 0.5), (0.03, 0.05)])
    assert found["toy.track_seconds_to_1e_1"].measure(reached) == 0.03
    assert found["toy.track_missed_1e_1"].measure(reached) == 0
    assert math.isnan(found["toy.track_seconds_to_1e_2"].measure(reached))
    assert found["toy.track_missed_1e_2"].measure(reached) == 1


def test_a_gap_is_cut_off_at_the_tightest_target(suite):
    floor = by_name(suite)["toy.track_log10_gap"]
    for gap in (1e-2, 1e-9, 0.0, -1e-12):
        assert floor.measure(record("halve", PLUS, [(0.01, gap)])) == 0


@pytest.mark.parametrize("status", [status for status in Status if status.failed])
def test_a_failed_run_has_no_values_and_counts_as_failed_and_missed(suite, status):
    one = record("halve", PLUS, [(0.01, 0.001)], status=status, peak_memory_bytes=7)
    values = {name: b.measure(one) for name, b in by_name(suite).items()}
    assert values.pop("toy.track_failed") == 1
    assert values.pop("toy.track_missed_1e_1") == values.pop("toy.track_missed_1e_2") == 1
    assert all(map(math.isnan, values.values()))


@given(gap=st.floats(allow_nan=True, allow_infinity=True))
def test_never_infinite(gap):
    from tests.report.toy_store import toy_registry

    one = record("halve", PLUS, [(0.01, gap)])
    for benchmark in benchmarks_of(toy_registry().suite("toy")):
        assert not math.isinf(benchmark.measure(one))


@pytest.mark.parametrize(
    ("energy", "joules"),
    [
        (None, math.nan),
        ({"joules": 2.5, "provenance": "measured_counter"}, 2.5),
        ({"joules": 2.5, "provenance": "estimated"}, math.nan),
        ({"joules": None, "provenance": "measured_sampled"}, math.nan),
    ],
)
def test_only_metered_energy_is_tracked(suite, energy, joules):
    one = record("halve", PLUS, [(0.01, 0.001)], energy=energy)
    found = by_name(suite)["toy.track_energy"].measure(one)
    assert found == joules or (math.isnan(found) and math.isnan(joules))
