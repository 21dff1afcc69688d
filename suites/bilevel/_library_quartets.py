"""Library problems of two x and two y that are neither linear nor Outrata's."""

from __future__ import annotations

from typing import Any

from tiltyard.suites.bilevel._library import FREE, POSITIVE, Definition

FIFTY = (0.0, 50.0)
TWENTY = (-10.0, 20.0)
UNIT = (-1.0, 1.0)


def _income(x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return 2.0 * x1 + 2.0 * x2 - 3.0 * y1 - 3.0 * y2 - 60.0


def _shortfall(x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return (y1 - x1 + 20.0) ** 2 + (y2 - x2 + 20.0) ** 2


def _separate(x1: Any, x2: Any, y1: Any, y2: Any) -> tuple[Any, ...]:
    return 2.0 * y1 - x1 + 10.0, 2.0 * y2 - x2 + 10.0


def _shared(x1: Any, x2: Any, y1: Any, y2: Any) -> tuple[Any, ...]:
    return (x1 + x2 + y1 - 2.0 * y2 - 40.0,)


def _all(x1: Any, x2: Any, y1: Any, y2: Any) -> tuple[Any, ...]:
    return _shared(x1, x2, y1, y2) + _separate(x1, x2, y1, y2)


def _near(x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return (x1 - y1) ** 2 + (x2 - y2) ** 2


def _bard(x1: Any, x2: Any, y1: Any, y2: Any) -> tuple[Any, ...]:
    return (
        2.0 * x1 - x1**2 - x2**2 + 2.0 * y1 - y2 - 3.0,
        4.0 * y2 - x2 - 3.0 * y1 + 4.0,
    )


def _ratio(x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return (x1 + y1) * (x2 + y2) / (1.0 + x1 * y1 + x2 * y2)


PROBLEMS: dict[str, Definition] = {
    "AiyoshiShimizu1984Ex2": Definition(
        source="E. Aiyoshi and K. Shimizu, IEEE Transactions on Automatic Control 29, 1984, ex. 2",
        F=_income,
        f=_shortfall,
        g=_separate,
        G=_shared,
        form="linear",
        x=(FIFTY, FIFTY),
        y=(TWENTY, TWENTY),
        start=(10.0, 10.0, 20.0, 20.0),
        published=5.0,
        remark="listed as 5; x = (0, 30), y = (-10, 10) is feasible in both levels and has F = 0",
    ),
    "AllendeStill2013": Definition(
        source="G. B. Allende and G. Still, Mathematical Programming 138, 2013",
        F=lambda x1, x2, y1, y2: (x1 - 1.0) ** 2 + (x2 - 1.0) ** 2 + y1**2 + y2**2,
        f=lambda x1, x2, y1, y2: y1**2 + y2**2 - 2.0 * x1 * y1 - 2.0 * x2 * y2,
        g=lambda _x1, _x2, y1, y2: ((y1 - 1.0) ** 2 - 0.25, (y2 - 1.0) ** 2 - 0.25),
        G=lambda _x1, _x2, y1, y2: (-y1, -y2),
        form="convex",
        x=((0.0, 2.0), POSITIVE),
        y=(FREE, FREE),
        start=(0.0, 0.0, 0.0, 0.0),
        published=1.0,
    ),
    "Bard1988Ex3": Definition(
        source="J. F. Bard, Mathematical Programming 40, 1988, example 3",
        F=lambda x1, x2, y1, y2: y2**2 - x1**2 - 3.0 * x2 - 4.0 * y1,
        f=lambda x1, _x2, y1, y2: 2.0 * x1**2 + y1**2 - 5.0 * y2,
        g=_bard,
        G=lambda x1, x2, _y1, _y2: (x1**2 + 2.0 * x2 - 4.0,),
        form="convex",
        convexity="convex",
        x=(POSITIVE, POSITIVE),
        y=(POSITIVE, POSITIVE),
        start=(0.0, 2.0, 4.0, 1.0),
        published=-12.68,
    ),
    "BardBook1998": Definition(
        source="J. F. Bard, Practical Bilevel Optimization, 1998",
        F=_shortfall,
        f=_income,
        g=_all,
        form="linear",
        convexity="convex",
        x=(FIFTY, FIFTY),
        y=(TWENTY, TWENTY),
        start=(1.0, 1.0, 1.0, 1.0),
        published=0.0,
    ),
    "DeSilva1978": Definition(
        source="A. H. de Silva, dissertation, George Washington University, 1978",
        F=lambda x1, x2, y1, y2: (x1 - 1.0) ** 2 + (x2 - 1.0) ** 2 + y1**2 + y2**2 - 2.0,
        f=_near,
        x=(FREE, FREE),
        y=((0.5, 1.5), (0.5, 1.5)),
        start=(0.0, 0.0, 1.0, 1.0),
        published=-1.0,
    ),
    "DempeFranke2011Ex41": Definition(
        source="S. Dempe and S. Franke, report, TU Bergakademie Freiberg, 2011, example 4.1",
        F=lambda x1, _x2, y1, y2: x1 + y1**2 + y2**2,
        f=lambda x1, x2, y1, y2: x1 * y1 + x2 * y2,
        g=lambda _x1, _x2, y1, y2: (y2 - 2.0 * y1,),
        form="linear",
        convexity="convex",
        unique=False,
        x=(UNIT, (-1.0, -1.0)),
        y=((-float("inf"), 2.0), (0.0, 2.0)),
        start=(1.0, 1.0, 1.0, 1.0),
        published=5.0,
    ),
    "DempeFranke2014Ex38": Definition(
        source="S. Dempe and S. Franke, report, TU Bergakademie Freiberg, 2014, example 3.8",
        F=lambda x1, x2, y1, y2: 2.0 * x1 + x2 + 2.0 * y1 - y2,
        f=lambda x1, x2, y1, y2: x1 * y1 + x2 * y2,
        g=lambda _x1, _x2, y1, y2: (y2 - 2.0 * y1,),
        form="linear",
        convexity="convex",
        unique=False,
        x=(UNIT, (-1.0, -0.75)),
        y=((-float("inf"), 2.0), (0.0, 2.0)),
        start=(1.0, 1.0, 1.0, 1.0),
        published=-1.0,
    ),
    "DempeLohse2011Ex31a": Definition(
        source="S. Dempe and S. Lohse, report, TU Bergakademie Freiberg, 2011, example 3.1",
        F=lambda x1, x2, y1, y2: (x1 - 0.5) ** 2 + (x2 - 0.5) ** 2 - 3.0 * y1 - 3.0 * y2,
        f=lambda x1, x2, y1, y2: x1 * y1 + x2 * y2,
        g=lambda _x1, _x2, y1, y2: (y1 + y2 - 2.0, y2 - y1),
        form="linear",
        convexity="convex",
        unique=False,
        x=(FREE, FREE),
        y=(POSITIVE, POSITIVE),
        start=(1.0, 1.0, 1.0, 1.0),
        published=-5.5,
        remark="listed as -5.5; x = (0, 0.5), y = (2, 0) is feasible in both levels, F = -5.75",
    ),
    "FalkLiu1995": Definition(
        source="J. E. Falk and J. Liu, Mathematical Programming 70, 1995",
        F=lambda x1, x2, y1, y2: (x1 - 1.5) ** 2 + (x2 - 1.5) ** 2 + y1**2 + y2**2 - 4.5,
        f=_near,
        x=(FREE, FREE),
        y=((0.5, 1.5), (0.5, 1.5)),
        start=(0.0, 0.0, 1.0, 1.0),
        published=-2.1962,
        remark="listed as -2.1962; x = y = (0.75, 0.75) is feasible in both levels, F = -2.25",
    ),
    "FloudasEtal2013": Definition(
        source="C. A. Floudas and others, Handbook of Test Problems, 1999 (2013), chapter 9",
        F=_income,
        f=_shortfall,
        g=_all,
        form="linear",
        x=(FIFTY, FIFTY),
        y=(TWENTY, TWENTY),
        start=(10.0, 10.0, 20.0, 20.0),
        published=0.0,
    ),
    "OutrataCervinka2009": Definition(
        source="J. V. Outrata and M. Cervinka, Control and Cybernetics 38, 2009",
        F=lambda x1, x2, _y1, y2: -2.0 * x1 - 0.5 * x2 - y2,
        f=lambda x1, x2, y1, y2: (1.0 + x1) * y1 + (x2 - 1.0) * y2 + 0.5 * (y1**2 + y2**2),
        g=lambda _x1, _x2, y1, y2: (y2 - y1, y1 + y2),
        form="linear",
        x=((-float("inf"), 0.0), FREE),
        y=(FREE, (-float("inf"), 0.0)),
        start=(1.0, 1.0, 1.0, 1.0),
        published=0.0,
    ),
    "ShimizuAiyoshi1981Ex2": Definition(
        source="K. Shimizu and E. Aiyoshi, IEEE Transactions on Automatic Control 26, 1981, ex. 2",
        F=lambda x1, x2, y1, y2: (x1 - 30.0) ** 2 + (x2 - 20.0) ** 2 - 20.0 * y1 + 20.0 * y2,
        f=_near,
        G=lambda x1, x2, _y1, _y2: (30.0 - x1 - 2.0 * x2, x1 + x2 - 25.0),
        x=(FREE, (-float("inf"), 15.0)),
        y=((0.0, 10.0), (0.0, 10.0)),
        start=(1.0, 1.0, 1.0, 1.0),
        published=225.0,
    ),
    "SinhaMaloDeb2014TP3": Definition(
        source="A. Sinha, P. Malo and K. Deb, IEEE CEC 2014, test problem 3",
        F=lambda x1, x2, y1, y2: y2**2 - x1**2 - 3.0 * x2**2 - 4.0 * y1,
        f=lambda x1, _x2, y1, y2: 2.0 * x1**2 + y1**2 - 5.0 * y2,
        g=_bard,
        G=lambda x1, x2, _y1, _y2: (x1**2 + 2.0 * x2 - 4.0,),
        form="convex",
        convexity="convex",
        x=(POSITIVE, POSITIVE),
        y=(POSITIVE, POSITIVE),
        start=(1.0, 1.0, 1.0, 1.0),
        published=-18.679,
    ),
    "SinhaMaloDeb2014TP7": Definition(
        source="A. Sinha, P. Malo and K. Deb, IEEE CEC 2014, test problem 7",
        F=lambda x1, x2, y1, y2: -_ratio(x1, x2, y1, y2),
        f=_ratio,
        g=lambda x1, x2, y1, y2: (y1 - x1, y2 - x2),
        G=lambda x1, x2, _y1, _y2: (x1**2 + x2**2 - 100.0, x1 - x2),
        form="linear",
        convexity="nonconvex",
        unique=False,
        x=(POSITIVE, POSITIVE),
        y=(POSITIVE, POSITIVE),
        start=(1.0, 1.0, 0.0, 1.0),
        published=-1.961,
    ),
    "TuyEtal1994": Definition(
        source="H. Tuy, A. Migdalas and P. Vaerbrand, Journal of Global Optimization 4, 1994",
        F=lambda x1, x2, y1, y2: 3.0 * x1 + 2.0 * x2 + y1 + y2,
        f=lambda _x1, _x2, y1, y2: 4.0 * y1 + y2,
        g=lambda x1, x2, y1, y2: (15.0 - 3.0 * x1 - 5.0 * x2 - 6.0 * y1 - 2.0 * y2,),
        G=lambda x1, x2, y1, y2: (x1 + x2 + y1 + y2 - 4.0,),
        form="linear",
        convexity="convex",
        x=(POSITIVE, POSITIVE),
        y=(POSITIVE, POSITIVE),
        start=(1.0, 1.0, 1.0, 1.0),
        published=6.0,
    ),
}
