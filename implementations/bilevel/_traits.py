"""Requirements that several bilevel methods share, as facts of problems."""

from __future__ import annotations

OPTIMISE: dict[str, tuple[str | int | bool, ...]] = {
    "track": ("deterministic", "stochastic", "constrained", "library")
}
"""Any track where points are wanted, not hypergradients."""

UNCONSTRAINED: dict[str, tuple[str | int | bool, ...]] = {
    **OPTIMISE,
    "constraints": ("none",),
    "lower_set": ("free",),
    "upper_constraints": (0,),
}
"""No constraints but a set X of its own for x."""

STRONGLY_CONVEX: dict[str, tuple[str | int | bool, ...]] = {
    **UNCONSTRAINED,
    "lower_convexity": ("strong",),
}
"""What implicit differentiation needs: y*(x) is one point, and its equation is regular."""

HYPERGRADIENT: dict[str, tuple[str | int | bool, ...]] = {
    **STRONGLY_CONVEX,
    "track": ("hypergradient",),
}
"""What a hypergradient at one point needs."""

SETS_ONLY: dict[str, tuple[str | int | bool, ...]] = {
    **OPTIMISE,
    "constraints": ("none",),
    "upper_constraints": (0,),
}
"""No constraints but sets X and Y of their own, which are projected onto."""

PROXIMAL_LAGRANGIAN: dict[str, tuple[str | int | bool, ...]] = {
    **OPTIMISE,
    "lower_convexity": ("strong", "convex"),
    "constraints": ("none", "linear", "convex"),
    "upper_constraints": (0,),
    "joint_projection": (True,),
}
"""What LV-HBA needs: a convex lower level, and the projection onto all constraints at once."""
