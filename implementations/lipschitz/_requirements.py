"""Facts of problems that several methods ask for."""

from tiltyard.suites.lipschitz.layers import KINDS

ELEMENTWISE = {
    "region": ("global", "box", "ball"),
    "architecture": ("chain", "residual"),
    "activation": (*KINDS, "none", "mixed"),
}
"""Networks of linear, elementwise and residual layers, on regions without tokens."""
