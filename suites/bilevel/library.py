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

STANDARD = (
    "AnandalinghamWhite1990",
    "Bard1984a",
    "Bard1991Ex2",
    "BialasKarwan1984a",
    "ClarkWesterberg1990b",
    "GlackinEtal2009",
    "HuHuangZhang2009",
    "LiuHart1994",
    "CalamaiVicente1994a",
    "ClarkWesterberg1990a",
    "Colson2002BIPA1",
    "Colson2002BIPA3",
    "Dempe1992b",
    "DempeEtal2012",
    "GumusFloudas2001Ex4",
    "HendersonQuandt1958",
    "HenrionSurowiec2011",
    "LamparielloSagratella2017Ex31",
    "LamparielloSagratella2017Ex35",
    "MacalHurter1997",
    "ShimizuAiyoshi1981Ex1",
    "Yezza1996Ex31",
    "Yezza1996Ex41",
    "KleniatiAdjiman2014Ex3",
    "Mirrlees1999",
    "MitsosBarton2006Ex39",
    "MitsosBarton2006Ex310",
    "MitsosBarton2006Ex311",
    "MitsosBarton2006Ex316",
    "MitsosBarton2006Ex318",
    "MitsosBarton2006Ex321",
    "MitsosBarton2006Ex322",
    "MitsosBarton2006Ex323",
    "PaulaviciusAdjiman2017b",
    "YeZhu2010Ex42",
    "Bard1991Ex1",
    "HatzEtal2013",
    "LamparielloSagratella2017Ex23",
    "SinhaMaloDeb2014TP6",
    "AiyoshiShimizu1984Ex2",
    "DempeFranke2014Ex38",
)
"""Problems whose optimum two ways verify, of every kind of lower level."""

FULL = (
    "Bard1984b",
    "BenAyedBlair1990a",
    "BialasKarwan1984b",
    "ClarkWesterberg1988",
    "HaurieSavardWhite1990",
    "LanWenShihLee2007",
    "MershaDempe2006Ex2",
    "WangJiaoLi2005",
    "Colson2002BIPA2",
    "Colson2002BIPA4",
    "GumusFloudas2001Ex1",
    "LucchettiEtal1987",
    "MorganPatrone2006a",
    "TuyEtal2007",
    "MitsosBarton2006Ex312",
    "MitsosBarton2006Ex313",
    "MitsosBarton2006Ex315",
    "MitsosBarton2006Ex317",
    "MitsosBarton2006Ex319",
    "MitsosBarton2006Ex320",
    "PaulaviciusAdjiman2017a",
    "YeZhu2010Ex43",
    "Outrata1990Ex1d",
    "Outrata1990Ex2b",
    "LamparielloSagratella2017Ex33",
    "AllendeStill2013",
    "BardBook1998",
    "DempeFranke2011Ex41",
    "DempeLohse2011Ex31a",
    "FloudasEtal2013",
    "OutrataCervinka2009",
    "ShimizuAiyoshi1981Ex2",
    "TuyEtal1994",
)
"""More of the same kinds; what is in no tier has a name all the same."""


@problem(
    suite="bilevel",
    track="library",
    tiers={
        "smoke": [{"problem": name} for name in SMOKE],
        "standard": [{"problem": name} for name in (*SMOKE, *STANDARD)],
        "full": [{"problem": name} for name in (*SMOKE, *STANDARD, *FULL)],
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
