"""SciPy's L-BFGS-B on the lower level, by counted oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem

Array = NDArray[np.float64]


def lbfgs(problem: BilevelProblem, x: Tensor, y: Tensor, tolerance: float) -> Tensor:
    """Return y with |f_y(x, y)| <= tolerance, or where L-BFGS can no longer improve."""

    def both(point: Array) -> tuple[float, Array]:
        at = torch.from_numpy(point.copy()).to(y.device)
        return problem.lower(x, at), problem.lower_gradient_y(x, at).cpu().numpy()

    options: Any = {
        "gtol": tolerance / np.sqrt(len(y)),
        "ftol": 0.0,
        "maxiter": 100_000,
        "maxfun": 1_000_000,
    }
    found: Any = minimize(both, y.cpu().numpy(), jac=True, method="L-BFGS-B", options=options)
    return torch.from_numpy(np.array(found.x)).to(y.device)
