"""What is claimed for bounds over all inputs, measured on the suite's networks.

Pauli et al. (2024), arXiv:2401.14033: constraints for sorting. Xu & Sivaranjani (2024),
arXiv:2404.04375: ECLipsE. Abstracts were at hand, not the papers' networks: all is measured on
ours, with our code.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tiltyard.claim import Claim, Finding
from tiltyard.names import Value
from tiltyard.suite import Budget
from tiltyard.suites.lipschitz._effects import (
    INTERVAL,
    RULE,
    TO_THE_END,
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

SMALL = (
    "digits-global-l2[network=16-8-8-10]",
    "digits-recurrent[network=plain]",
    *(f"random-global-l2[inputs=16,width=16,depth={depth}]" for depth in (2, 4, 8)),
)
"""Two hidden layers at least: with one, ECLipsE is LipSDP."""
LIPSDP = ("lipsdp_neuron", "lipsdp_barrier")
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


def _measure_layers(records: Sequence[Any], *, time: bool) -> Finding:
    methods = (*LAYERED, *LIPSDP)
    runs = Runs.split(records, methods)
    bounds = {method: runs.bound(method) for method in methods}
    seconds = {method: runs.seconds(method) for method in methods}
    exact = bounds[LIPSDP[0]]
    rows: list[dict[str, Value]] = [
        {
            "problem": pattern,
            **{f"{method}: s": typical(seconds[method][part]) for method in methods},
            **{
                f"{method} / {LIPSDP[0]}": typical(bounds[method][part] / exact[part])
                for method in methods
                if method != LIPSDP[0]
            },
        }
        for pattern, part in _parts(SMALL).items()
    ]
    saved = {(a, b): mean_ratio(seconds[b], seconds[a]) for a in LAYERED for b in LIPSDP}
    looser = {a: mean_ratio(bounds[a], exact) for a in LAYERED}
    trained = slice(0, len(each([p for p in SMALL if p.startswith("digits")])))
    apart = [
        mean_ratio(bounds["eclipse"][p], exact[p]) for p in (trained, slice(trained.stop, None))
    ]
    note = (
        f"Bounds over LipSDP's: eclipse {looser['eclipse']}, trained networks {apart[0]}, random "
        f"ones {apart[1]}; eclipse_fast {looser['eclipse_fast']}. Seconds of LipSDP by Clarabel "
        f"over those of eclipse {saved['eclipse', 'lipsdp_neuron']}, of eclipse_fast "
        f"{saved['eclipse_fast', 'lipsdp_neuron']}; of our barrier method for LipSDP "
        f"{saved['eclipse', 'lipsdp_barrier']} and {saved['eclipse_fast', 'lipsdp_barrier']}. "
        f"{runs.failures()}"
    )
    if time:
        effect = saved["eclipse", LIPSDP[0]]
        unit = "times its seconds are those of LipSDP by Clarabel"
        return finding(effect.above(1.0), effect, unit, rows, note)
    effect = looser["eclipse"]
    return finding(effect.below(CLOSE), effect, "times LipSDP's bound is its bound", rows, note)


def _layered_claim(name: str, statement: str, summary: str, *, time: bool) -> Claim:
    return Claim(
        name=name,
        suite="lipschitz",
        statement=statement,
        source="arXiv:2404.04375",
        summary=f"{summary}, l2, on 2 networks trained on digits, 5 seeds each, and random ones of "
        "width 16 and depth 2, 4 and 8, 3 of each; pairs are problems; "
        + (RULE if time else _CLOSENESS),
        plan=lambda: requests((*LAYERED, *LIPSDP), each(SMALL), Budget(seconds=60)),
        measure=partial(_measure_layers, time=time),
        module=__name__,
    )


_CLOSENESS = (
    f"{INTERVAL}. Reproduced if none of it is above {CLOSE:g}, not reproduced if all of it is."
)
ECLIPSE_TIME = _layered_claim(
    "eclipse-faster",
    "ECLipsE takes much less time than LipSDP.",
    "Geometric mean of LipSDP-Neuron's seconds (Clarabel) over ECLipsE's",
    time=True,
)
ECLIPSE_BOUND = _layered_claim(
    "eclipse-close",
    "ECLipsE's bounds are very close to those of LipSDP.",
    "Geometric mean of ECLipsE's bound over LipSDP-Neuron's",
    time=False,
)
