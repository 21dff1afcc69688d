"""Adapter of auto_LiRPA: bounds of Jacobians by backward bound propagation.

Shi, Wang, Zhang, Kolter & Hsieh (2022), arXiv:2210.07394, as their library computes it. It declares
torch below 2.9; with 2.13 it runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import Unsupported, implementation
from tiltyard.suites.lipschitz.problem import LipschitzProblem

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Array = NDArray[np.float64]

SOURCE = "auto_LiRPA @ git+https://github.com/Verified-Intelligence/auto_LiRPA@a050a3d"


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2210.07394",
    needs={"auto_LiRPA": SOURCE},
    requires={
        "norm": ("linf", "partial"),
        "region": ("box",),
        "architecture": ("chain",),
        "activation": ("relu", "tanh", "sigmoid", "none"),
    },
)
def auto_lirpa(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    optimize: bool = False,
) -> Iterator[dict[str, Array]]:
    """Bound the absolute sum of every row of the Jacobian, or its entries, box by box.

    Args:
        problem: one with boxes.
        rng: not used.
        optimize: whether to optimise the bounds of the forward pass (alpha-CROWN).

    Yields:
        ``upper``, ``problem.shape`` float64, after each region.

    Raises:
        Unsupported: the installed auto_LiRPA has no JacobianOP, as those on PyPI.
    """
    bounds = _Bounds(problem, optimize)
    upper = np.full(problem.shape, np.inf)
    for i, (low, high) in enumerate(zip(*problem.box, strict=True)):
        upper[i] = bounds.of(low, high)
        yield {"upper": upper.copy()}


class _Bounds:
    """The library's graph of the problem's Jacobian, built once for all regions."""

    def __init__(self, problem: LipschitzProblem, optimize: bool) -> None:
        import torch

        self._problem, self._optimize = problem, optimize
        with _float64():
            self._mask = torch.zeros(problem.network.outputs, 1)
            self._mask[0, 0] = 1.0
            self._graph = self._build()

    def of(self, low: Array, high: Array) -> Array:
        """Return the bounds on one box: of the norm, or of the partial derivatives."""
        import torch
        from auto_LiRPA import BoundedTensor, PerturbationLpNorm

        with _float64():
            corners = [torch.tensor(corner[None]) for corner in (low, high)]
            around = PerturbationLpNorm(norm=np.inf, x_L=corners[0], x_U=corners[1])
            x = BoundedTensor((corners[0] + corners[1]) / 2.0, around)
            if self._problem.norm == "linf":
                return np.asarray(max(self._sum(x, row) for row in range(len(self._mask))))
            least, most = self._graph.compute_jacobian_bounds((x,), optimize=self._optimize)
            features = list(self._problem.features)
            ends = [most.detach().numpy().ravel(), -least.detach().numpy().ravel()]
            return np.concatenate([end[features] for end in ends])

    def _sum(self, x: Tensor, row: int) -> float:
        self._mask.zero_()  # the graph reads this very tensor
        self._mask[row, 0] = 1.0
        bound = self._graph.compute_jacobian_bounds(
            (x, self._mask), optimize=self._optimize, bound_lower=False
        )
        return float(bound[1].detach())

    def _build(self) -> Any:
        import torch
        from auto_LiRPA import BoundedModule, BoundedTensor
        from auto_LiRPA.utils import logger

        try:
            from auto_LiRPA.jacobian import GradNorm, JacobianOP
        except ImportError:
            raise Unsupported(f"needs auto_LiRPA's JacobianOP: pip install '{SOURCE}'") from None
        logger.setLevel("WARNING")
        network = _module(self._problem)

        class RowSum(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network, self.norm = network, GradNorm(norm=1)

            def forward(self, x: Tensor, mask: Tensor) -> Any:
                return self.norm(JacobianOP.apply(self.network(x).matmul(mask), x))

        class Jacobian(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, x: Tensor) -> Any:
                return JacobianOP.apply(self.network(x), x)

        x = BoundedTensor(torch.zeros(1, self._problem.network.inputs))
        if self._problem.norm == "linf":
            return BoundedModule(RowSum(), (x, self._mask), device="cpu")
        return BoundedModule(Jacobian(), (x,), device="cpu")


def _module(problem: LipschitzProblem) -> Module:
    """Return the problem's chain as a module of torch, in float64."""
    import torch

    plain = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
    chain = problem.chain
    layers: list[Module] = []
    for i, (W, b) in enumerate(zip(chain.weights, chain.biases, strict=True)):
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        linear.weight.data, linear.bias.data = torch.tensor(W), torch.tensor(b)
        layers.append(linear)
        if i < len(chain.activations):
            layers.append(plain[problem.network.activation]())
    return torch.nn.Sequential(*layers)


@contextlib.contextmanager
def _float64() -> Iterator[None]:
    """Let the tensors that auto_LiRPA makes of itself be float64: its default is torch's."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
