"""Checkpoints by columns hold what the points hold."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tiltyard.run.checkpoint import Checkpoints

NAMES = st.sampled_from(["gap", "objective", "bound"])
POINTS = st.lists(
    st.fixed_dictionaries(
        {
            "iteration": st.integers(0, 10**9),
            "seconds": st.floats(0, 1e6),
            "oracles": st.dictionaries(NAMES, st.integers(0, 10**9), max_size=2),
            "metrics": st.dictionaries(NAMES, st.none() | st.floats(-1e300, 1e300), max_size=2),
        }
    ),
    max_size=5,
)


@given(POINTS)
def test_columns_hold_every_point(points):
    stored = Checkpoints(points)
    assert len(stored) == len(points)
    names = {name for point in points for name in point["metrics"]}
    for found, point in zip(stored, points, strict=True):
        assert (found.iteration, found.seconds) == (point["iteration"], point["seconds"])
        assert found.oracles == point["oracles"]
        assert found.metrics.keys() == names
        for name in names:
            value = point["metrics"].get(name)
            known = found.metrics[name]
            assert math.isnan(known) if value is None else known == value


@given(POINTS)
def test_the_final_metrics_are_the_last_points(points):
    stored = Checkpoints(points)
    assert str(stored.final) == str(dict(stored[-1].metrics) if points else {})
