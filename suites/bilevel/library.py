"""Small bilevel problems of the literature, with the names that they have in BOLIB.

S. Zhou, A. B. Zemkoho and A. Tin, BOLIB: bilevel optimization library of test problems, in
Bilevel Optimization, Springer 2020, collected them. The formulas are those of the papers that each
entry names; bounds of x and y are boxes here, and every constraint is <= 0. Optima are our own:
those listed with the collection are wrong for some, which the references' provenance tells.
"""

from __future__ import annotations

import numpy as np

from tiltyard.errors import unknown
from tiltyard.family import problem
from tiltyard.suites.bilevel.problem import BilevelProblem

SMOKE = (
    "Bard1988Ex1",
    "BenAyedBlair1990b",
    "DeSilva1978",
    "LamparielloSagratella2017Ex32",
    "MitsosBarton2006Ex314",
    "Outrata1990Ex2a",
)
"""Two to four variables; lower levels linear, convex, without constraints, and not convex."""

STANDARD = ("AnandalinghamWhite1990",)


@problem(
    suite="bilevel",
    track="library",
    tiers={
        "smoke": [{"problem": name} for name in SMOKE],
        "standard": [{"problem": name} for name in (*SMOKE, *STANDARD)],
    },
)
def library(
    rng: np.random.Generator,  # noqa: ARG001 - nothing is drawn
    *,
    problem: str = "Bard1988Ex1",
) -> BilevelProblem:
    """A small problem of the literature, of one or two x and up to two y.

    Upper-level constraints G and constraints g of the lower level are nonlinear in some, and some
    lower levels are not convex or have several solutions, of which the upper level takes the best.

    Raises:
        TiltyardError: there is no problem of that name.
    """
    from tiltyard.suites.bilevel._library import LibraryModel
    from tiltyard.suites.bilevel._library_index import DEFINITIONS

    if problem not in DEFINITIONS:
        raise unknown("library problem", problem, tuple(DEFINITIONS))
    return BilevelProblem(model=LibraryModel(DEFINITIONS[problem]), track="library")
