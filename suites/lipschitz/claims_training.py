"""What is claimed for training with bounded constants, measured on the suite's networks.

Newhouse et al. (2025), arXiv:2507.13338: transformers of bounded norms. Wang, Yu & Wu (2024),
arXiv:2401.07494: input-convex recurrent networks. Abstracts were at hand; the networks are small
ones of our own training, by ``tiltyard.datasets._train_sequences``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from tiltyard.claim import Claim, Finding
from tiltyard.names import Value
from tiltyard.suites.lipschitz._effects import (
    INTERVAL,
    RULE,
    SEEDS,
    TO_THE_END,
    Array,
    Runs,
    each,
    finding,
    mean,
    mean_ratio,
    requests,
    typical,
    worst,
)

EQUAL = 0.01
"""How much lower an accuracy may be that is called the same."""
SAME_BOUND = 1e-3
"""By which share bounds may differ that are called the same: weights are float32."""

RECURRENT = ("input-convex", "plain")
BARRIER = "lipsdp_barrier"


def _transformers(constraint: str) -> list[str]:
    return each([f"digits-transformer[network={o}-{constraint}]" for o in ("muon", "adamw")])


def accuracies(networks: Sequence[str]) -> Array:
    """Return (networks, 5) accuracies on test rows of sequence networks, by training seed."""
    from tiltyard.datasets.networks import sequence_networks

    data = sequence_networks.load()
    return np.array([data[f"{network}/accuracy"] for network in networks])


def _measure_muon(records: Sequence[Any], *, constraint: str) -> Finding:
    runs = Runs.split(records, ("weight_norm_composition",))
    method = next(iter(runs.of))
    bound = runs.bound(method, "bound").reshape(2, -1)
    gap = runs.bound(method).reshape(2, -1)
    accuracy = accuracies([f"transformer-{o}-{constraint}" for o in ("muon", "adamw")])
    rows: list[dict[str, Value]] = [
        {
            "network": f"{optimiser}-{constraint}",
            "seed": seed,
            "accuracy": float(accuracy[k, seed]),
            "certified": float(bound[k, seed]),
            "certified / measured": float(gap[k, seed]),
        }
        for k, optimiser in enumerate(("muon", "adamw"))
        for seed in SEEDS
    ]
    gained, lower = mean(accuracy[0] - accuracy[1]), mean_ratio(bound[1], bound[0])
    note = (
        f"AdamW's certified bound is {lower} times Muon's; the difference in accuracy "
        f"is {gained}. "
        f"Certificates are {typical(gap[0]):.3g} (Muon) and {typical(gap[1]):.3g} (AdamW) times "
        "the largest value measured at a point: they compare weights, and say little of how much "
        f"the networks change. One setting for each optimiser, not the trade-off "
        f"between bound and accuracy that the paper is about. {runs.failures()}"
    )
    if constraint == "cap":
        verdict = worst([gained.above(0.0), lower.above(1.0 - SAME_BOUND)])
        unit = "more accuracy with Muon than with AdamW, at bounds capped alike"
        return finding(verdict, gained, unit, rows, note)
    verdict = lower.above(1.0)
    if verdict == "reproduced" and gained.above(-EQUAL) != "reproduced":
        verdict = "inconclusive"
    return finding(verdict, lower, "times Muon's bound is AdamW's", rows, note)


def _muon_claim(constraint: str, name: str, words: str, summary: str) -> Claim:
    return Claim(
        name=name,
        suite="lipschitz",
        statement=f"Switching from AdamW to Muon improves {words}: equal performance at a lower "
        "Lipschitz bound.",
        source="arXiv:2507.13338",
        summary=f"Transformers of two blocks that read digits, 5 training seeds, which are the "
        f"pairs; bounds by composing the norms of weights; {INTERVAL}. {summary}",
        plan=lambda: requests(("weight_norm_composition",), _transformers(constraint), TO_THE_END),
        measure=partial(_measure_muon, constraint=constraint),
        module=__name__,
    )


MUON_DECAY = _muon_claim(
    "decay",
    "muon-weight-decay",
    "weight decay",
    f"Reproduced if the ratio of bounds is above 1 and the difference in accuracy above -{EQUAL:g}"
    ", not reproduced if no ratio of the interval is. With a lower accuracy there is no network to "
    "compare with: inconclusive.",
)
MUON_CAP = _muon_claim(
    "cap",
    "muon-spectral-cap",
    "a cap on singular values",
    "The cap fixes the bound, so Muon is better if it is more accurate at the same bound: "
    f"reproduced if the difference in accuracy is above 0 and the ratio of bounds above "
    f"{1 - SAME_BOUND:g}, not reproduced if none of one interval is.",
)


def _measure_recurrent(records: Sequence[Any]) -> Finding:
    runs = Runs.split(records, (BARRIER, "norm_product"))
    bound = {m: runs.bound(m, "bound").reshape(2, -1) for m in runs.of}
    gap = runs.bound(BARRIER).reshape(2, -1)
    accuracy = accuracies([f"recurrent-{network}" for network in RECURRENT])
    rows: list[dict[str, Value]] = [
        {
            "network": network,
            "seed": seed,
            "accuracy": float(accuracy[k, seed]),
            "certified": float(bound[BARRIER][k, seed]),
            "certified / measured": float(gap[k, seed]),
            "product of norms": float(bound["norm_product"][k, seed]),
        }
        for k, network in enumerate(RECURRENT)
        for seed in SEEDS
    ]
    effect = mean_ratio(bound[BARRIER][1], bound[BARRIER][0])
    measured = bound[BARRIER] / gap
    note = (
        f"The convex networks are less accurate: {accuracy[0].mean():.3f} against "
        f"{accuracy[1].mean():.3f}, so part of the ratio is what they do not learn. Of measured "
        f"values the ratio is {mean_ratio(measured[1], measured[0])}. Bounds by LipSDP on the "
        f"unrolled network. {runs.failures()}"
    )
    return finding(effect.above(1.0), effect, "times its bound is a plain one's", rows, note)


CONVEX = Claim(
    name="convex-recurrent-smaller",
    suite="lipschitz",
    statement="An input-convex Lipschitz recurrent network is less sensitive than a plain one.",
    source="arXiv:2401.07494",
    summary="Geometric mean of the certified l2 constant of a plain recurrent network over that of "
    "an input-convex Lipschitz one, 16 units both, trained on digits, 5 seeds, which are the "
    f"pairs; bounds by LipSDP; {RULE}",
    plan=lambda: requests(
        (BARRIER, "norm_product"),
        each([f"digits-recurrent[network={network}]" for network in RECURRENT]),
        TO_THE_END,
    ),
    measure=_measure_recurrent,
    module=__name__,
)
