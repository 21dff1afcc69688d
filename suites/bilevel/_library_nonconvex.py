"""Library problems of one x and one y with a lower level that is not convex."""

from __future__ import annotations

from typing import Any

from tiltyard.suites.bilevel._library import Definition, Formula, exp

MITSOS = "A. Mitsos and P. I. Barton, A test set for bilevel programs, MIT, 2006, example "
UNIT = (-1.0, 1.0)


def _mitsos(  # noqa: PLR0913 - the parts of a definition
    number: str,
    F: Formula,
    f: Formula,
    published: float,
    *,
    x: tuple[float, float] = UNIT,
    y: tuple[float, float] = UNIT,
    start: tuple[float, float] = (0.5, 0.5),
    unique: bool = False,
    **more: Any,
) -> Definition:
    return Definition(
        source=MITSOS + number,
        F=F,
        f=f,
        x=(x,),
        y=(y,),
        start=start,
        published=published,
        unique=unique,
        **{"convexity": "nonconvex", **more},
    )


def _wells(x: Any, y: Any) -> Any:
    """Return a quartic with two wells that x moves (examples 3.21 and 3.22)."""
    slope = 0.08 * x - 0.036 * x**2 + 0.004 * x**3
    bend = 0.4 - 0.16 * x + 0.02 * x**2
    return y**4 + (2.0 / 15.0) * (1.0 - x) * y**3 - bend * y**2 + slope * y


def _two_wells(x: Any, y: Any) -> Any:
    return x * (16.0 * y**4 + 2.0 * y**3 - 8.0 * y**2 - 1.5 * y + 0.5)


PROBLEMS: dict[str, Definition] = {
    "KleniatiAdjiman2014Ex3": Definition(
        source="P.-M. Kleniati and C. S. Adjiman, Journal of Global Optimization 60, 2014, ex. 3",
        F=lambda x, y: x - y,
        f=lambda x, y: 0.5 * x * y**2 - x * y**3,
        convexity="nonconvex",
        unique=False,
        x=(UNIT,),
        y=(UNIT,),
        start=(0.5, 0.5),
        published=-1.0,
    ),
    "Mirrlees1999": Definition(
        source="J. A. Mirrlees, The Review of Economic Studies 66, 1999",
        F=lambda x, y: (x - 2.0) ** 2 + (y - 1.0) ** 2,
        f=lambda x, y: -x * exp(-((y + 1.0) ** 2)) - exp(-((y - 1.0) ** 2)),
        convexity="nonconvex",
        unique=False,
        x=((-float("inf"), float("inf")),),
        y=((-2.0, 2.0),),
        start=(1.0, 1.0),
        published=1.002,
        remark="stationary points of the lower level with F = 0.02 are not global minima of it",
    ),
    "MitsosBarton2006Ex39": _mitsos(
        "3.9",
        F=lambda x, _y: x,
        f=lambda _x, y: y**3,
        G=lambda x, y: (y - x,),
        x=(-10.0, 10.0),
        published=-1.0,
        unique=True,
    ),
    "MitsosBarton2006Ex310": _mitsos(
        "3.10", F=lambda _x, y: y, f=_two_wells, x=(0.1, 1.0), published=0.5, unique=True
    ),
    "MitsosBarton2006Ex311": _mitsos(
        "3.11", F=lambda _x, y: y, f=_two_wells, y=(-0.8, 1.0), published=-0.8
    ),
    "MitsosBarton2006Ex312": _mitsos(
        "3.12",
        F=lambda x, y: 10.0 * y**2 - x + x * y,
        f=lambda x, y: 0.5 * y**4 - x * y**2,
        published=0.0,
    ),
    "MitsosBarton2006Ex313": _mitsos(
        "3.13", F=lambda x, y: x - y, f=lambda x, y: 0.5 * x * y**2 - x**3 * y, published=-1.0
    ),
    "MitsosBarton2006Ex314": _mitsos(
        "3.14",
        F=lambda x, y: (x - 0.25) ** 2 + y**2,
        f=lambda x, y: y**3 / 3.0 - x * y,
        published=0.25,
    ),
    "MitsosBarton2006Ex315": _mitsos(
        "3.15",
        F=lambda x, y: x + y,
        f=lambda x, y: 0.5 * x * y**2 - y**3 / 3.0,
        published=0.0,
    ),
    "MitsosBarton2006Ex316": _mitsos(
        "3.16",
        F=lambda x, y: 2.0 * x + y,
        f=lambda x, y: -0.5 * x * y**2 - 0.25 * y**4,
        published=-2.0,
    ),
    "MitsosBarton2006Ex317": _mitsos(
        "3.17",
        F=lambda x, y: (x + 0.5) ** 2 + 0.5 * y**2,
        f=lambda x, y: 0.5 * x * y**2 + 0.25 * y**4,
        published=0.1875,
    ),
    "MitsosBarton2006Ex318": _mitsos(
        "3.18",
        F=lambda x, y: y**2 - x**2,
        f=lambda x, y: x * y**2 - 0.5 * y**4,
        published=-0.25,
        remark="listed as -0.25; (1, 0) is feasible in both levels and has F = -1",
    ),
    "MitsosBarton2006Ex319": _mitsos(
        "3.19",
        F=lambda x, y: x * y - y + 0.5 * y**2,
        f=lambda x, y: 0.5 * y**4 - x * y**2,
        start=(-1.0, 1.0),
        published=-0.258,
    ),
    "MitsosBarton2006Ex320": _mitsos(
        "3.20",
        F=lambda x, y: (x - 0.25) ** 2 + y**2,
        f=lambda x, y: y**3 / 3.0 - x**2 * y,
        published=0.3125,
    ),
    "MitsosBarton2006Ex321": _mitsos(
        "3.21", F=lambda x, y: (x + 0.6) ** 2 + y**2, f=_wells, published=0.2095
    ),
    "MitsosBarton2006Ex322": _mitsos(
        "3.22",
        F=lambda x, y: (x + 0.6) ** 2 + y**2,
        f=_wells,
        g=lambda x, y: (0.01 * (1.0 + x**2) - y**2,),
        form="nonlinear",
        published=0.2095,
    ),
    "MitsosBarton2006Ex323": _mitsos(
        "3.23",
        F=lambda x, _y: x**2,
        f=lambda _x, y: y,
        g=lambda x, y: (y**2 * (x - 0.5),),
        G=lambda x, y: (1.0 + x - y - 9.0 * x**2,),
        form="nonlinear",
        convexity="convex",
        start=(0.0, 1.0),
        published=0.1757,
        unique=True,
    ),
    "MitsosBarton2006Ex324": _mitsos(
        "3.24",
        F=lambda x, y: x**2 - y,
        f=lambda x, y: ((y - 1.0 - 0.1 * x) ** 2 - 0.5 - 0.5 * x) ** 2,
        x=(0.0, 1.0),
        y=(0.0, 3.0),
        published=-1.755,
    ),
    "PaulaviciusAdjiman2017a": Definition(
        source="R. Paulavicius and C. S. Adjiman, New bounding schemes, 2017, a",
        F=lambda x, y: x**2 + y**2,
        f=lambda x, y: x * y**2 - 0.5 * y**4,
        convexity="nonconvex",
        unique=False,
        x=(UNIT,),
        y=(UNIT,),
        start=(0.5, 0.5),
        published=0.25,
    ),
    "PaulaviciusAdjiman2017b": Definition(
        source="R. Paulavicius and C. S. Adjiman, New bounding schemes, 2017, b",
        F=lambda x, y: x + y,
        f=lambda x, y: 0.5 * x * y**2 - x**3 * y,
        convexity="nonconvex",
        unique=False,
        x=(UNIT,),
        y=(UNIT,),
        start=(0.5, 0.5),
        published=-2.0,
    ),
    "Vogel2012": Definition(
        source="S. Vogel, dissertation, TU Bergakademie Freiberg, 2012",
        F=lambda _x, y: (y + 1.0) ** 2,
        f=lambda _x, y: y**3 - 3.0 * y,
        g=lambda x, y: (x - y,),
        form="linear",
        convexity="nonconvex",
        unique=False,
        x=((-3.0, 2.0),),
        y=((-float("inf"), float("inf")),),
        start=(1.0, 1.0),
        published=1.0,
    ),
    "YeZhu2010Ex42": Definition(
        source="J. J. Ye and D. Zhu, SIAM Journal on Optimization 20, 2010, example 4.2",
        F=lambda x, y: (x - 1.0) ** 2 + y**2,
        f=lambda _x, y: y**3 - 3.0 * y,
        g=lambda x, y: (x - y,),
        form="linear",
        convexity="nonconvex",
        unique=False,
        x=((-3.0, 2.0),),
        y=((-float("inf"), float("inf")),),
        start=(-1.0, -1.0),
        published=1.0,
    ),
    "YeZhu2010Ex43": Definition(
        source="J. J. Ye and D. Zhu, SIAM Journal on Optimization 20, 2010, example 4.3",
        F=lambda x, y: (x - 0.5) ** 2 + (y - 2.0) ** 2,
        f=lambda _x, y: y**3 - 3.0 * y,
        g=lambda x, y: (x - 3.0 - y,),
        form="linear",
        convexity="nonconvex",
        unique=False,
        x=((0.0, 4.0),),
        y=((-float("inf"), float("inf")),),
        start=(-1.0, -1.0),
        published=1.25,
    ),
}
