"""Which problems each tier of the cvar suite holds."""

from __future__ import annotations

from collections.abc import Mapping

from tiltyard.names import Value

Grid = tuple[Mapping[str, Value], ...]

# Regressions: the default, its twin in other units, a long one with few tail rows and no
# regularisation, and a wide one.
_TWIN: Grid = ({"scale": 100.0},)
_LONG: Grid = ({"n": 10_000, "beta": 0.99, "mu": 0.0},)
_WIDE: Grid = ({"n": 10_000, "d": 100, "beta": 0.9},)
_REGRESSION: Grid = ({}, *_TWIN, *_LONG, *_WIDE)
_CLASSIFICATION: Grid = ({}, {"n": 10_000, "beta": 0.99}, *_WIDE)
_HUNDRED_THOUSAND: Grid = ({"n": 100_000}, {"n": 100_000, "d": 100})
_MILLION: Grid = ({"n": 1_000_000}, {"n": 1_000_000, "d": 100})

TIERS: Mapping[str, Mapping[str, Grid]] = {
    "normal-abs": {"standard": _REGRESSION},
    "normal-sq": {"standard": _REGRESSION, "full": _HUNDRED_THOUSAND},
    "normal-logistic": {"standard": _CLASSIFICATION, "full": _HUNDRED_THOUSAND},
    "lognormal-abs": {
        "smoke": ({},),
        "standard": _REGRESSION,
        "full": (*_HUNDRED_THOUSAND, *_MILLION),
    },
    "lognormal-sq": {"standard": _REGRESSION},
    "lognormal-logistic": {"standard": _CLASSIFICATION},
    "pareto-abs": {"standard": _REGRESSION},
    "pareto-sq": {
        "smoke": ({},),
        "standard": _REGRESSION,
        "full": (*_HUNDRED_THOUSAND, *_MILLION),
    },
    "pareto-logistic": {"standard": _CLASSIFICATION},
    "diabetes-abs": {"standard": ({}, *_TWIN)},
    "diabetes-sq": {"smoke": ({}, *_TWIN), "standard": ({}, *_TWIN)},
    "breast-cancer-logistic": {"smoke": ({},), "standard": ({}, {"beta": 0.9})},
    "portfolio": {
        "smoke": ({},),
        "standard": (
            {},
            {"n": 10_000, "d": 100, "beta": 0.99},
            {"n": 10_000, "d": 100, "beta": 0.9, "mu": 0.01},
        ),
        "full": _HUNDRED_THOUSAND,
    },
    "newsvendor": {"smoke": ({},), "standard": ({}, {"n": 10_000, "beta": 0.9})},
}
"""For each family and tier, the parameters that differ from their defaults."""
