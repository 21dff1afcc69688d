"""What is claimed for linear bounds of the Clarke Jacobian (Shi et al. 2022), measured.

The abstract of arXiv:2210.07394 was at hand, and neither its tables nor its networks: the bounds
are those of our implementations, the networks are the suite's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tiltyard.claim import Claim, Finding
from tiltyard.names import Value
from tiltyard.suite import Budget
from tiltyard.suites.lipschitz._effects import (
    INSTANCES,
    INTERVAL,
    RULE,
    SEEDS,
    TIE,
    TIME_RULE,
    TO_THE_END,
    Array,
    Effect,
    Runs,
    finding,
    mean_ratio,
    requests,
    typical,
    worst,
)

CLARKE, BRANCHED = "clarke_bound_propagation", "clarke_branch_and_bound"
INTERVALS = ("recurjac", "fast_lip")

SMALL = dict.fromkeys(("16-8-8-10", "64-32-10", "64-32-32-10"), (0.05, 0.25))
"""Radii by network."""
LOCAL = {**SMALL, "64-100x3-10": (0.01, 0.05)}
BATCHES = 30
"""Of nodes of a problem's 20 regions: what branch and bound may use."""
_FIRST = 21
"""Answers that branch and bound gives before it splits."""

WIDTHS = {2: (128, 256, 512, 1024), 4: (64, 128, 256, 512), 8: (32, 64, 128, 256)}
"""Widths by depth, of random networks."""
REPEATS = (0, 1, 2)
LIMIT = 0.5
"""Seconds for the bound around one point."""


def local(networks: Mapping[str, Sequence[float]]) -> list[str]:
    """Return the names of problems by network, radius and training seed, 20 points each."""
    return [
        f"digits-local-linf[network={network},radius={radius},seed={seed}]"
        for network, radii in networks.items()
        for radius in radii
        for seed in SEEDS
    ]


def _over_trained(over: Array, under: Array) -> Effect:
    """Return the ratio of (network, radius, seed) bounds; trained networks are the pairs."""
    logs = np.log(over / under).mean(axis=1)
    return mean_ratio(np.exp(logs).ravel(), np.ones(logs.size))


def _cases(
    networks: Mapping[str, Sequence[float]],
) -> Iterator[tuple[tuple[int, int], dict[str, Value]]]:
    """Yield where a network and a radius are in an array of problems, and their cells."""
    for i, (network, radii) in enumerate(networks.items()):
        for j, radius in enumerate(radii):
            yield (i, j), {"network": network, "radius": radius}


def _measure_tighter(records: Sequence[Any]) -> Finding:
    runs = Runs.split(records, (CLARKE, *INTERVALS))
    bounds = {method: runs.bound(method).reshape(len(LOCAL), -1, len(SEEDS)) for method in runs.of}
    rows: list[dict[str, Value]] = [
        {
            **case,
            **{f"{method} / lower bound": typical(found[k]) for method, found in bounds.items()},
            **{
                f"{method} / {CLARKE}": str(mean_ratio(bounds[method][k], bounds[CLARKE][k]))
                for method in INTERVALS
            },
        }
        for k, case in _cases(LOCAL)
    ]
    against = {m: _over_trained(bounds[m], bounds[CLARKE]) for m in INTERVALS}
    effect = against["recurjac"]
    return finding(
        worst([one.above(1.0) for one in against.values()]),
        effect,
        "times its bound is RecurJac's",
        rows,
        f"Fast-Lip's is {against['fast_lip']} times its bound. Lower bounds are the largest "
        f"values known at points. {runs.failures()}",
    )


TIGHTER = Claim(
    name="clarke-tighter",
    suite="lipschitz",
    statement="Bound propagation of the Clarke Jacobian is tighter than RecurJac and Fast-Lip.",
    source="arXiv:2210.07394",
    summary="Geometric mean of RecurJac's l_inf bound over Clarke bound propagation's, around 20 "
    "test points of each of 5 trainings of 4 ReLU networks, two radii each; pairs are trained "
    f"networks; {INTERVAL}. Reproduced if the intervals against RecurJac and Fast-Lip are above 1, "
    "not reproduced if one lies at or below it.",
    plan=lambda: requests((CLARKE, *INTERVALS), local(LOCAL), TO_THE_END),
    measure=_measure_tighter,
    module=__name__,
)


def _measure_branching(records: Sequence[Any]) -> Finding:
    runs = Runs.split(records, (BRANCHED, CLARKE))
    bounds = {method: runs.bound(method).reshape(len(SMALL), -1, len(SEEDS)) for method in runs.of}
    seconds = {
        method: runs.seconds(method).reshape(len(SMALL), -1, len(SEEDS)) for method in runs.of
    }
    rows: list[dict[str, Value]] = [
        {
            **case,
            **{f"{method} / lower bound": typical(found[k]) for method, found in bounds.items()},
            "ratio": str(mean_ratio(bounds[CLARKE][k], bounds[BRANCHED][k])),
            **{f"{method}: s": typical(found[k]) for method, found in seconds.items()},
        }
        for k, case in _cases(SMALL)
    ]
    effect = _over_trained(bounds[CLARKE], bounds[BRANCHED])
    left = _over_trained(bounds[BRANCHED], np.ones_like(bounds[BRANCHED]))
    return finding(
        effect.above(1.0),
        effect,
        "times its bound is that without branching",
        rows,
        f"With branching the bound is {left} times the largest value known at a point. "
        f"{runs.failures()}",
    )


BRANCHING = Claim(
    name="branching-tighter-still",
    suite="lipschitz",
    statement="Branch and bound makes the bounds of the Clarke Jacobian tighter still.",
    source="arXiv:2210.07394",
    summary="Geometric mean of Clarke bound propagation's l_inf bound over that of branch and "
    f"bound after at most {BATCHES} batches of nodes, around 20 test points of each of "
    f"5 trainings of 3 ReLU networks, radii 0.05 and 0.25; pairs are trained networks; {RULE}",
    plan=lambda: requests(
        (BRANCHED, CLARKE),
        local(SMALL),
        {BRANCHED: Budget(iterations=_FIRST + BATCHES), CLARKE: TO_THE_END},
    ),
    measure=_measure_branching,
    module=__name__,
)


def reach(widths: Sequence[int], seconds: Array, limit: float = LIMIT) -> float:
    """Return the largest width within the limit, between two widths by a power law.

    At least the first width and at most the last.

    Args:
        widths: increasing.
        seconds: for each of them, positive; infinite where a run failed.
        limit: seconds.
    """
    beyond = seconds > limit
    if not beyond.any():
        return float(widths[-1])
    k = int(np.argmax(beyond))
    if k == 0:
        return float(widths[0])
    share = np.log(limit / seconds[k - 1]) / np.log(seconds[k] / seconds[k - 1])
    return float(widths[k - 1] * (widths[k] / widths[k - 1]) ** share)


def _random_boxes() -> list[str]:
    return [
        f"random-local-linf[width={width},depth={depth},points=1,instance={instance}]"
        for depth, widths in WIDTHS.items()
        for instance in INSTANCES
        for width in widths
    ]


def _reached(seconds: Array) -> Array:
    """Return the reach of (depth, instance, width) seconds by depth and instance."""
    times = np.nan_to_num(seconds, nan=np.inf)
    return np.array(
        [
            [reach(widths, one) for one in found]
            for widths, found in zip(WIDTHS.values(), times, strict=True)
        ]
    )


def _measure_scaling(records: Sequence[Any]) -> Finding:
    methods = (CLARKE, "recurjac")
    runs = Runs.split(records, methods, seeds=len(REPEATS))
    shape = (len(WIDTHS), len(INSTANCES), -1)
    seconds = {method: runs.seconds(method).reshape(shape) for method in methods}
    bounds = {method: runs.bound(method).reshape(shape) for method in methods}
    looser = bounds["recurjac"] / bounds[CLARKE]
    reached = {method: _reached(seconds[method]) for method in methods}
    rows: list[dict[str, Value]] = [
        {
            "depth": depth,
            "width": width,
            **{f"{method}: s": typical(seconds[method][k, :, i]) for method in methods},
            **{
                f"{method}: width in {LIMIT:g} s": typical(reached[method][k]) for method in methods
            },
            "ratio of bounds": typical(looser[k, :, i]),
        }
        for k, (depth, widths) in enumerate(WIDTHS.items())
        for i, width in enumerate(widths)
    ]
    effect = mean_ratio(reached[CLARKE].ravel(), reached["recurjac"].ravel())
    slower = mean_ratio(seconds["recurjac"][..., -1].ravel(), seconds[CLARKE][..., -1].ravel())
    growing = "; ".join(
        f"depth {depth}: {typical(looser[k, :, 0]):.3g} to {typical(looser[k, :, -1]):.3g}"
        for k, depth in enumerate(WIDTHS)
    )
    note = (
        f"On the widest networks RecurJac takes {slower} times its seconds. Our RecurJac is the "
        "same program with other lines, so that times say little; the paper compares with the "
        "program of RecurJac's authors, which is not here. What grows is how much looser "
        f"RecurJac is, narrowest to widest: {growing}. {runs.failures()}"
    )
    unit = f"times RecurJac's largest width in {LIMIT:g} s"
    return finding(effect.above(TIE), effect, unit, rows, note)


SCALING = Claim(
    name="clarke-scales-further",
    suite="lipschitz",
    statement="Bound propagation of the Clarke Jacobian scales to larger networks than RecurJac.",
    source="arXiv:2210.07394",
    summary=f"The largest width whose l_inf bound around one point takes {LIMIT:g} s at most, "
    "interpolated between powers of two, of random ReLU networks of depth 2, 4 and 8, 3 of each; "
    "seconds are the least of three runs'. Geometric mean of its width over RecurJac's; pairs are "
    f"series of widths; {TIME_RULE}",
    plan=lambda: requests((CLARKE, "recurjac"), _random_boxes(), Budget(seconds=10), seeds=REPEATS),
    measure=_measure_scaling,
    module=__name__,
)
