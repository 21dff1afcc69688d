"""What is claimed for bounds over all inputs, measured on the suite's networks.

Pauli et al. (2024), arXiv:2401.14033: constraints for sorting. Xu & Sivaranjani (2024),
arXiv:2404.04375: ECLipsE. Abstracts were at hand, not the papers' networks: all is measured on
ours, with our code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tiltyard.claim import Claim, Finding
from tiltyard.names import Value
from tiltyard.suite import Budget
from tiltyard.suites.lipschitz._effects import (
    INTERVAL,
    RULE,
    TIE,
    TIME_RULE,
    TO_THE_END,
    Array,
    Runs,
    each,
    finding,
    mean_ratio,
    requests,
    typical,
)

SORTING = (
    *(
        f"digits-sorting[network={network},norm={norm}]"
        for network in ("maxmin", "maxmin-orthogonal")
        for norm in ("l2", "linf")
    ),
    *(f"random-sorting[norm=l2,width=32,depth={depth}]" for depth in (1, 2, 4)),
)
SORTERS = ("lipsdp_nsr", "lipsdp_residual_relu")

RANDOM = tuple(f"random-global-l2[inputs=16,width=16,depth={depth}]" for depth in (2, 4, 8))
SMALL = ("digits-global-l2[network=16-8-8-10]", "digits-recurrent[network=plain]", *RANDOM)
"""Where Clarabel takes seconds. With one hidden layer ECLipsE is LipSDP: these have more."""
TRAINED = tuple(
    f"digits-global-l2[network={network}]"
    for network in ("16-8-8-10", "64-32-32-10", "64-64-64-10")
)
NEURON, BARRIER = "lipsdp_neuron", "lipsdp_barrier"
LAYERED = ("eclipse", "eclipse_fast")
CLOSE = 1.1
"""What times LipSDP's a bound may be that is called close to it."""


def _parts(patterns: Sequence[str]) -> dict[str, slice]:
    """Return where each pattern's problems are in ``each``."""
    parts, at = {}, 0
    for pattern in patterns:
        count = len(each([pattern]))
        parts[pattern] = slice(at, at + count)
        at += count
    return parts


def _measure_sorting(records: Sequence[Any]) -> Finding:
    runs = Runs.split(records, SORTERS)
    bounds = {method: runs.bound(method) for method in SORTERS}
    nsr, relu = (bounds[method] for method in SORTERS)
    rows: list[dict[str, Value]] = [
        {
            "problem": pattern,
            **{f"{method} / lower bound": typical(bounds[method][part]) for method in SORTERS},
            "ratio": str(mean_ratio(relu[part], nsr[part])),
        }
        for pattern, part in _parts(SORTING).items()
    ]
    effect = mean_ratio(relu, nsr)
    note = f"Lower bounds are the largest values known at points. {runs.failures()}"
    unit = "times its bound is that with residual ReLUs"
    return finding(effect.above(1.0), effect, unit, rows, note)


NSR = Claim(
    name="sorting-constraints-tighter",
    suite="lipschitz",
    statement="LipSDP-NSR is tighter than LipSDP on the same network rewritten with ReLUs.",
    source="arXiv:2401.14033",
    summary="Geometric mean of the bound with MaxMin written as residual ReLUs over LipSDP-NSR's, "
    "l2 and l_inf, of MaxMin networks: 2 trained on digits, 5 seeds each, 3 random, 3 of each; "
    f"pairs are problems; {RULE}",
    plan=lambda: requests(SORTERS, each(SORTING), TO_THE_END),
    measure=_measure_sorting,
    module=__name__,
)


def _rows(
    patterns: Sequence[str], bounds: Mapping[str, Array], seconds: Mapping[str, Array], exact: str
) -> list[dict[str, Value]]:
    """Return each pattern's seconds, and bounds over those of the method ``exact``."""
    return [
        {
            "problem": pattern,
            **{f"{method}: s": typical(found[part]) for method, found in seconds.items()},
            **{
                f"{method} / {exact}": typical(found[part] / bounds[exact][part])
                for method, found in bounds.items()
                if method != exact
            },
        }
        for pattern, part in _parts(patterns).items()
    ]


def _measure_time(records: Sequence[Any]) -> Finding:
    methods = (*LAYERED, NEURON, BARRIER)
    runs = Runs.split(records, methods)
    bounds = {method: runs.bound(method) for method in methods}
    seconds = {method: runs.seconds(method) for method in methods}
    saved = {(a, b): mean_ratio(seconds[b], seconds[a]) for a in LAYERED for b in (NEURON, BARRIER)}
    effect = saved["eclipse", NEURON]
    note = (
        f"Of ECLipsE-Fast: {saved['eclipse_fast', NEURON]}. Against our barrier method for the "
        f"same program: {saved['eclipse', BARRIER]} and {saved['eclipse_fast', BARRIER]}, so most "
        f"of it is Clarabel's. {runs.failures()}"
    )
    return finding(
        effect.above(TIE),
        effect,
        "times its seconds are those of LipSDP by Clarabel",
        _rows(SMALL, bounds, seconds, NEURON),
        note,
    )


def _measure_closeness(records: Sequence[Any]) -> Finding:
    methods = (*LAYERED, BARRIER)
    runs = Runs.split(records, methods)
    bounds = {method: runs.bound(method) for method in methods}
    seconds = {method: runs.seconds(method) for method in methods}
    looser = {method: bounds[method] / bounds[BARRIER] for method in LAYERED}
    one = np.ones_like(bounds[BARRIER])
    effect = mean_ratio(looser["eclipse"], one)
    count = len(each(TRAINED))
    apart = [
        mean_ratio(found, np.ones_like(found)) for found in np.split(looser["eclipse"], [count])
    ]
    note = (
        f"Trained networks {trained}, random ones {drawn}. ECLipsE-Fast's bound is "
        f"{mean_ratio(looser['eclipse_fast'], one)} times LipSDP's. {runs.failures()}"
    )
    return finding(
        effect.below(CLOSE),
        effect,
        "times LipSDP's bound is its bound",
        _rows((*TRAINED, *RANDOM), bounds, seconds, BARRIER),
        note,
    )


ECLIPSE_TIME = Claim(
    name="eclipse-faster",
    suite="lipschitz",
    statement="ECLipsE takes much less time than LipSDP.",
    source="arXiv:2404.04375",
    summary="Geometric mean of the seconds of LipSDP-Neuron by Clarabel over ECLipsE's, l2, on a "
    "network and a recurrent network trained on digits, 5 seeds each, and random ones of width 16 "
    f"and depth 2, 4 and 8, 3 of each; pairs are problems; {TIME_RULE}",
    plan=lambda: requests((*LAYERED, NEURON, BARRIER), each(SMALL), Budget(seconds=60)),
    measure=_measure_time,
    module=__name__,
)
ECLIPSE_BOUND = Claim(
    name="eclipse-close",
    suite="lipschitz",
    statement="ECLipsE's bounds are very close to those of LipSDP.",
    source="arXiv:2404.04375",
    summary="Geometric mean of ECLipsE's bound over that of LipSDP (neuron, by the barrier "
    "method), l2, on 3 networks trained on digits, 5 seeds each, and random ones of width 16 and "
    f"depth 2, 4 and 8, 3 of each; pairs are problems; {INTERVAL}. Reproduced if none of it is "
    f"above {CLOSE:g}, not reproduced if all of it is.",
    plan=lambda: requests((*LAYERED, BARRIER), each((*TRAINED, *RANDOM)), Budget(seconds=60)),
    measure=_measure_closeness,
    module=__name__,
)
