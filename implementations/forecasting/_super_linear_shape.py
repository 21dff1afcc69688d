"""The sizes of the full Super-Linear model."""

from __future__ import annotations

LOOK_BACK = 512
"""Values that an expert sees."""

BLOCK = 96
"""Values that an expert forecasts."""

SPECTRUM = 5000
"""Points of the Fourier transform; the gate sees the first half."""

PERIODS = (
    *(4, 6, 7, 8, 12, 14, 16, 21, 24, 28, 30, 32, 36, 42, 48, 52, 56, 60, 72, 84, 90, 96, 120),
    *(144, 168, 180, 224, 252, 288, 336, 365, 504, 672, 1008, 1440, 2016, 3600),
)
"""Periods of the 37 frequency experts."""

COMPLEMENTARY = 12
"""Complementary experts."""
