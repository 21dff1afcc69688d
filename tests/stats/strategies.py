"""Arrays of costs with ties, missing runs and targets that were not reached."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

COSTS = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 7.0, 250.0, math.inf, math.inf, math.nan])


@st.composite
def cubes(draw, axes=3, *, whole=False):
    """Return costs; with ``whole`` the seeds of a pair are all there or all missing."""
    shape = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    costs = draw(arrays(np.float64, shape, elements=COSTS, fill=st.nothing()))
    if whole:
        gone = draw(arrays(np.bool_, shape[:-1]))
        costs = np.where(np.isnan(costs), 5.0, costs)
        costs[gone] = math.nan
    return costs
