"""What the authors of AdaSketch-Newton got on their 47 CUTEst problems.

Read from the result files of their repository, IlgeeHong/AdaSketch-Newton, folder CUTEst/Solution:
outer iterations, and the two-norm of (grad f + J'y, c) at the end. Runs stopped at 1e-4 or after
10,000 iterations; None where a method did not get there.
"""

from __future__ import annotations

from typing import NamedTuple

Run = tuple[int, float] | None
"""Outer iterations and the final KKT residual."""


class Published(NamedTuple):
    """One problem: its size, and the runs of four methods.

    Attributes:
        n: variables.
        m: equations.
        gaussian: AdaSketch-Newton with Gaussian vectors.
        kaczmarz: AdaSketch-Newton with randomized Kaczmarz steps.
        adaptive: the adaptive GMRES-SQP.
        l1: the GMRES-SQP that is not adaptive.
    """

    n: int
    m: int
    gaussian: Run
    kaczmarz: Run
    adaptive: Run
    l1: Run


PUBLISHED = {
    "hs6": Published(2, 1, (9, 4.6e-11), (9, 5.2e-11), (9, 1.9e-05), (91, 9.4e-05)),
    "bt5": Published(3, 2, (5, 2.7e-06), (5, 2.7e-06), (5, 4.7e-05), (38, 9.7e-05)),
    "bt9": Published(4, 2, (12, 1.4e-06), (10, 2.7e-05), (10, 1.1e-05), (22, 2.0e-05)),
    "hs28": Published(3, 1, (1, 1.1e-10), (1, 1.1e-10), (5, 3.1e-05), (36, 7.7e-05)),
    "bt10": Published(2, 2, (7, 1.5e-08), (7, 1.5e-08), (7, 4.8e-05), (613, 9.9e-05)),
    "himmelba": Published(2, 2, (1, 8.4e-09), (1, 0.0e00), (4, 8.8e-05), (8, 8.8e-05)),
    "bt12": Published(5, 3, (5, 6.3e-08), (9, 7.6e-05), (5, 6.5e-06), (117, 9.4e-05)),
    "hs40": Published(4, 3, (3, 4.3e-06), (3, 4.3e-06), (5, 3.3e-05), (38, 8.9e-05)),
    "bt3": Published(5, 3, (1, 5.8e-10), (1, 5.9e-10), (4, 1.3e-05), (29, 8.0e-05)),
    "bt6": Published(5, 2, (9, 2.1e-07), (8, 1.8e-06), (10, 3.1e-05), (183, 9.1e-05)),
    "bt11": Published(5, 3, (7, 3.3e-09), (7, 3.3e-09), (8, 1.6e-05), (27, 8.1e-05)),
    "hs7": Published(2, 1, (10, 5.6e-07), (10, 5.6e-07), (7, 9.0e-06), (10, 4.7e-05)),
    "genhs28": Published(10, 8, (1, 4.6e-11), (1, 4.5e-11), (6, 2.8e-05), (97, 9.0e-05)),
    "hs51": Published(5, 3, (1, 2.7e-11), (1, 2.7e-11), (5, 2.8e-05), (43, 9.7e-05)),
    "sinvalne": Published(2, 2, (16, 4.5e-12), (16, 3.4e-12), (11, 1.1e-05), (3533, 1.0e-04)),
    "booth": Published(2, 2, (1, 8.9e-09), (1, 8.9e-09), (3, 8.4e-05), (6, 8.4e-05)),
    "hs52": Published(5, 3, (2, 2.3e-16), (1, 1.9e-12), (3, 4.6e-05), (14, 2.8e-05)),
    "hs47": Published(5, 3, (14, 9.2e-05), (15, 4.4e-05), (14, 5.3e-05), (112, 9.4e-05)),
    "waysea1ne": Published(2, 2, (7, 2.7e-08), (7, 2.7e-08), (9, 7.1e-05), (550, 9.9e-05)),
    "hs48": Published(5, 2, (1, 3.7e-10), (1, 4.2e-10), (5, 7.8e-05), (26, 7.8e-05)),
    "hs50": Published(5, 3, (8, 3.1e-06), (8, 4.5e-06), (11, 2.2e-05), (78, 9.5e-05)),
    "rsnbrne": Published(2, 2, (11, 3.4e-11), (11, 3.6e-11), (12, 5.2e-06), (4461, 1.0e-04)),
    "cubene": Published(2, 2, (4, 2.6e-11), (4, 2.4e-11), (11, 1.9e-05), None),
    "hs77": Published(5, 2, (8, 3.3e-05), (8, 3.9e-05), (9, 2.3e-05), (179, 9.1e-05)),
    "mwright": Published(5, 3, (6, 1.0e-05), (7, 3.7e-10), (8, 2.2e-07), (136, 9.5e-05)),
    "zangwil3": Published(3, 3, (1, 1.9e-07), (1, 2.0e-07), (6, 1.2e-05), (11, 4.9e-05)),
    "trigon1ne": Published(10, 10, (4, 3.7e-08), (4, 3.7e-08), (6, 1.5e-05), (132, 9.7e-05)),
    "ba-l1sp": Published(57, 12, (4, 9.0e-05), (4, 9.0e-05), (8, 1.4e-05), (67, 8.5e-05)),
    "hs78": Published(5, 3, (4, 1.9e-09), (4, 1.9e-09), (6, 2.0e-05), (48, 8.9e-05)),
    "hs56": Published(7, 4, (5, 6.7e-07), (5, 6.7e-07), (5, 9.7e-05), (74, 9.6e-05)),
    "helixne": Published(3, 3, (8, 8.0e-05), (8, 8.0e-05), (10, 1.5e-05), (1255, 1.0e-04)),
    "hs42": Published(4, 2, (4, 7.4e-05), (4, 7.4e-05), (5, 1.7e-06), (9, 3.1e-05)),
    "hs79": Published(5, 3, (4, 1.1e-08), (4, 1.1e-08), (6, 4.2e-05), (72, 8.9e-05)),
    "orthregb": Published(27, 6, (42, 8.4e-05), (42, 8.4e-05), (44, 8.6e-05), (100, 9.6e-05)),
    "hs100lnp": Published(7, 2, (9, 6.9e-09), (8, 1.3e-05), (9, 4.9e-05), (131, 9.9e-05)),
    "gottfr": Published(2, 2, None, None, (4, 8.4e-05), (12, 6.2e-05)),
    "himmelbe": Published(3, 3, (2, 1.4e-10), (2, 1.1e-10), (5, 1.1e-05), (36, 9.8e-05)),
    "morebvne": Published(10, 10, (2, 1.5e-07), (2, 1.5e-07), (3, 6.3e-05), (1232, 1.0e-04)),
    "waysea2ne": Published(2, 2, (10, 7.9e-06), (10, 7.9e-06), (13, 6.2e-06), (873, 1.0e-04)),
    "denschncne": Published(2, 2, (7, 2.7e-08), (7, 2.7e-08), (7, 1.5e-05), (52, 8.5e-05)),
    "denschnfne": Published(2, 2, (4, 2.1e-06), (4, 2.1e-06), (6, 2.3e-05), (11, 3.1e-05)),
    "himmelbc": Published(2, 2, (5, 1.7e-08), (5, 1.7e-08), (6, 2.5e-05), (14, 7.5e-05)),
    "price4ne": Published(2, 2, None, None, (7, 1.8e-05), (97, 9.8e-05)),
    "inteqne": Published(12, 12, (2, 3.7e-07), (2, 3.7e-07), (2, 5.6e-05), (5, 2.2e-05)),
    "ba-l1": Published(57, 12, (4, 2.1e-06), (4, 2.1e-06), (7, 2.9e-05), (43, 9.3e-05)),
    "mancinone": Published(100, 100, (4, 1.4e-08), (4, 1.4e-08), (6, 9.1e-05), (8, 9.1e-05)),
    "bt2": Published(3, 1, (12, 7.7e-07), (11, 7.1e-06), (15, 4.0e-05), (44, 7.2e-05)),
}
