"""What BOAT wants: models that hold a vector, losses that it imports by name, settings."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn

from tiltyard.implementations.bilevel._autograd import differentiable_lower, differentiable_upper
from tiltyard.suites.bilevel.problem import BilevelProblem


class Vector(nn.Module):
    """A model with one parameter and no input."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(start.clone())

    def forward(self) -> Tensor:
        """Return the parameter."""
        return self.value


def lower_loss(
    feed: dict[str, Any], x: Vector, y: Vector, params: list[Tensor] | None = None
) -> Any:
    """Return f; BOAT gives y's values in ``params`` where they are not the model's."""
    return differentiable_lower(feed["problem"], x(), y() if params is None else params[0])


def upper_loss(
    feed: dict[str, Any], x: Vector, y: Vector, params: list[Tensor] | None = None
) -> Any:
    """Return F."""
    return differentiable_upper(feed["problem"], x(), y() if params is None else params[0])


def settings(operation: str, inner: int, linear: int) -> dict[str, Any]:
    """Return BOAT's configuration but for models and optimisers; what is not used is off."""
    return {
        "fo_op": None,
        "gm_op": ["NGD"],
        "na_op": [operation],
        "lower_iters": inner,
        "device": "cpu",
        "loss_log_path": os.devnull,
        "accumulate_grad": False,
        "copy_last_param": True,
        "return_grad": False,
        "GDA": {"alpha_init": 0.0, "alpha_decay": 0.0},
        "RGT": {"truncate_iter": 0},
        "CG": {"tolerance": 1e-10, "k": linear},
        "NS": {"tolerance": 1e-10, "k": linear},
    }


class Solver:
    """BOAT on one problem: Adam on x, gradient descent of step 1 / L on y.

    Attributes:
        x: the model of x.
        y: the model of y.
    """

    def __init__(self, problem: BilevelProblem, configuration: dict[str, Any], step: float) -> None:
        import boat_torch

        self._problem = problem
        start_x, start_y = problem.start()
        self.x, self.y = Vector(start_x), Vector(start_y)
        self._descent = torch.optim.SGD(self.y.parameters(), lr=self._length())
        parts = {
            "lower_level_model": self.y,
            "upper_level_model": self.x,
            "lower_level_var": list(self.y.parameters()),
            "upper_level_var": list(self.x.parameters()),
            "lower_level_opt": self._descent,
            "upper_level_opt": torch.optim.Adam(self.x.parameters(), lr=step),
        }
        losses = {
            "lower_level_loss": {"function": f"{__name__}.lower_loss"},
            "upper_level_loss": {"function": f"{__name__}.upper_loss"},
        }
        self._boat = boat_torch.Problem({**configuration, **parts}, losses)
        self._boat.build_ll_solver().build_ul_solver()

    def iterate(self, k: int) -> None:
        """Let BOAT solve the lower level and take a step of x, which is then projected."""
        self._descent.param_groups[0]["lr"] = self._length()
        feed = {"problem": self._problem}
        self._boat.run_iter(feed, feed, k)
        # It keeps every loss and writes all of them at each iteration.
        self._boat.loss_history.clear()
        with torch.no_grad():
            self.x.value.copy_(self._problem.project_x(self.x.value))

    def _length(self) -> float:
        return 1.0 / self._problem.curvature(self.x.value.detach())[1]
