"""Bundle adjustment of one point in six photographs, and the same in second order about the start.

Point and cameras are of the Ladybug set of Agarwal, Snavely, Seitz and Szeliski, Bundle Adjustment
in the Large (2010), doi:10.1007/978-3-642-15552-9_3; CUTEst's BA-L1 and BA-L1SP by Gould (2016).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, cos, sin, sqrt
from tiltyard.suites.constrained.problem import ConstrainedProblem

_POINT = [-0.6120001572, 0.57175904776, -1.847081276]

_CAMERAS = np.array(
    [
        [
            0.01574151594, -0.0127909362, -0.0044008498, -0.0340938396, -0.107513871,
            1.1202240291, -3.177064e-7, 5.882049e-13, 399.75152639,
        ],
        [
            0.01597732412, -0.0252244646, -0.0094001416, -0.0085667661, -0.1218804907,
            0.7190133075, -3.780477e-7, 9.307431e-13, 402.01753386,
        ],
        [
            0.01484625118, -0.0210628994, -0.001166948, -0.0249509707, -0.1139847055,
            0.92166020737, -3.295265e-7, 6.732885e-13, 400.40175368,
        ],
        [
            0.01991666998, -1.22433082, 0.0119988756, -1.411897512, -0.1148065151,
            0.44915582738, 5.95875e-8, -2.48391e-13, 407.03024568,
        ],
        [
            0.02082242153, -1.238434791, 0.01389314763, -1.049686225, -0.1299513286,
            0.33798380231, 4.5673127e-8, -1.79243e-13, 405.91764962,
        ],
        [
            0.01658816461, -1.247226838, 0.01846788123, -0.8617315756, -0.1321089362,
            0.28256800868, 4.7465711e-8, -1.50881e-13, 404.73590637,
        ],
    ]
)  # fmt: skip
"""For each photograph: rotation vector, translation, two radial distortions, focal length."""

_SEEN = np.array(
    [
        [-332.65, 262.09], [-199.76, 166.7], [-253.06, 202.27],
        [58.13, 271.89], [238.22, 237.37], [317.55, 221.15],
    ]
)  # fmt: skip
"""Where each photograph shows the point."""


@native("equality")
def ba_l1(rng: Generator) -> ConstrainedProblem:
    """CUTEst's BA-L1: Rodrigues' rotation, projection, distortion; as CUTEst computes them.

    CUTEst's second coordinate of the rotation has the axis's first component in its last term
    where Rodrigues' formula has the second; published results on BA-L1 are on that function.
    """
    b = Builder(np.r_[_POINT, _CAMERAS.ravel()])
    first = 3 + 9 * np.arange(6)
    turn = [b.x[first + k] for k in range(3)]
    shift = [b.x[first + k] for k in range(3, 6)]
    near, far, focus = (b.x[first + k] for k in range(6, 9))
    px, py, pz = b.x[0], b.x[1], b.x[2]
    angle = sqrt(turn[0] ** 2 + turn[1] ** 2 + turn[2] ** 2)
    kx, ky, kz = (one / angle for one in turn)
    along = (kx * px + ky * py + kz * pz) * (1.0 - cos(angle))
    rx = cos(angle) * px + sin(angle) * (ky * pz - kz * py) + along * kx + shift[0]
    ry = cos(angle) * py + sin(angle) * (kz * px - kx * pz) + along * kx + shift[1]
    rz = cos(angle) * pz + sin(angle) * (kx * py - ky * px) + along * kz + shift[2]
    u, v = -rx / rz, -ry / rz
    square = u**2 + v**2
    scale = focus * (1.0 + near * square + far * square**2)
    rows = b.rows(12, equal=0.0)
    b.add(rows[0::2], scale * u - _SEEN[:, 0])
    b.add(rows[1::2], scale * v - _SEEN[:, 1])
    return b.problem()


_SLOPES = np.array([
    [
        545.11792729, -5.058282413, -478.0666573, -283.5120115, -1296.338862, -320.6033515,
        551.17734728, 0.00020463888, -471.0948965, -409.2809619, -490.2705298, -0.8547064923,
    ],
    [
        2.44930593, 556.94489983, 368.0324789, 1234.7454956, 227.79935236, -347.0888335,
        0.00020463888, 551.17743945, 376.80482466, 327.36300527, 392.14243755, 0.68363621076,
    ],
    [
        350.08946365, 0.39982371752, -186.7535887, -107.0193513, -758.7948959, -207.8248083,
        354.69032045, 5.7520864e-05, -177.8608216, -87.5738398, -38.04282609, -0.5014538225,
    ],
    [
        0.52655531437, 356.88663624, 145.9511661, 740.42840621, 92.188824988, -222.1616016,
        5.7520864e-05, 354.69033883, 151.71150127, 74.698624396, 32.449722244, 0.42772945465,
    ],
    [
        424.98400393, -3.679913168, -285.9919818, -168.2771917, -958.0774748, -249.6325723,
        430.9113597, 9.5401875e-05, -277.0049802, -176.6544282, -121.2420785, -0.6428351473,
    ],
    [
        4.2853403082, 434.04620563, 218.70892251, 921.07415044, 136.05794576, -271.6835835,
        9.5401875e-05, 430.9113995, 225.18412985, 143.60670941, 98.560653819, 0.52257642872,
    ],
    [
        257.01763205, -10.17665712, -485.335462, -144.7289642, -770.5881534, -272.9493307,
        543.87077184, 1.1685922e-06, 76.920229468, 2.0869983072, 0.07566110172, 0.14143107787,
    ],
    [
        70.320803231, 179.34148777, 15.269871971, 620.43380046, 194.45316484, -289.1623446,
        1.1685922e-06, 543.8707716, 69.331903641, 1.8811119849, 0.06819699123, 0.12747863508,
    ],
    [
        422.1912571, -8.291703599, -366.5398322, -32.98148952, -1001.73529, -309.2254094,
        484.30591161, 2.2083578e-06, 279.48782165, 79.76578597, 27.161405788, 0.57708943686,
    ],
    [
        44.828047187, 152.76507038, 6.0272627364, 536.26711278, 204.18278149, -250.6380806,
        2.2083578e-06, 484.30589721, 41.892546625, 11.956127062, 4.0712344877, 0.08650017735,
    ],
    [
        480.66081245, -9.700408082, -321.955117, 5.7198974673, -1082.833992, -318.8938606,
        458.16637265, 2.2305592e-06, 353.36608051, 187.06511552, 112.10170813, 0.77126151439,
    ],
    [
        35.371625137, 141.48851847, 3.9687026816, 499.62967221, 205.63088192, -232.6571585,
        2.2305592e-06, 458.16634697, 30.465184316, 16.127674776, 9.6647623772, 0.06649371711,
    ],
])  # fmt: skip
"""Of BA-L1SP: each row's coefficients of the point, then of its own camera."""

_RESIDUALS = np.array([
    -9.020224572, 11.19461848, -1.83322914, 5.254740578, -4.332320525, 6.970518658,
    -0.5632735813, -220.0023398, -3.969211949, -202.2580513, -5.392772211, -194.2376052,
])  # fmt: skip


@native("equality")
def ba_l1sp(rng: Generator) -> ConstrainedProblem:
    """CUTEst's BA-L1SP: a_i'x + sum over j <= k of a_ij x_j x_k (halved for j = k) for each row."""
    b = Builder(np.zeros(57))
    for row, (slopes, residual) in enumerate(zip(_SLOPES, _RESIDUALS, strict=True)):
        own = 3 + 9 * (row // 2)
        seen = np.r_[0:3, own : own + 9]
        one = b.rows(1, equal=0.0)
        b.add(one, residual)
        b.add(one, slopes * (b.x[seen] + 0.5 * b.x[seen] ** 2))
        for slope, j in zip(slopes, seen, strict=True):
            if j < 56:
                b.add(one, slope * (b.x[j] * b.x[j + 1 :]))
    return b.problem()
