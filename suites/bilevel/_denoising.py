"""Denoising of images as a lower level: a least-squares fit with smoothed absolute values.

f = |u - noisy|^2 / 2 + sum of w sqrt(z^2 + s^2) with z a linear image of u, and with w, s and
perhaps the linear map depending on x. F is the mean over images of |u - clean|^2 / 2.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d
from torch.nn.grad import conv2d_weight

from tiltyard.suites.bilevel.model import Array, Model, Pair

BOX = (-8.0, 0.0)
"""Of logarithms of weights and of smoothings."""

LARGEST = 2.0
"""Of the entries of filters."""

FEW = 6
"""Rows and columns of a miniature's image, more than those of its filters."""


class Denoising(Model):
    """The parts that do not depend on the linear map. f(x, .) is strongly convex, mu is 1.

    Args:
        clean: (images, rows, columns) float64.
        noisy: the same images with noise.
        x0: (dim_x,) start; that of u is zero, as in MAID's experiments.
        x_lower: (dim_x,) or a number, lower bounds of x.
        x_upper: (dim_x,) or a number, upper bounds of x.
    """

    if TYPE_CHECKING:
        clean: Tensor
        noisy: Tensor

    def __init__(
        self,
        clean: Array,
        noisy: Array,
        x0: Array,
        x_lower: Array | float = BOX[0],
        x_upper: Array | float = BOX[1],
    ) -> None:
        data = {"clean": clean.ravel(), "noisy": noisy.ravel()}
        self.shape = clean.shape
        super().__init__(x0, np.zeros(clean.size), x_lower=x_lower, x_upper=x_upper, data=data)

    def _few(self, size: int) -> tuple[Array, Array]:
        """Return the first image's corner of that size, clean and noisy."""
        clean, noisy = (
            self.arrays[name].reshape(self.shape)[:1, :size, :size] for name in ("clean", "noisy")
        )
        return clean, noisy

    @abstractmethod
    def _analyse(self, x: Tensor, u: Tensor) -> Tensor:
        """Return z, the linear image of u (dim_y,)."""

    @abstractmethod
    def _synthesise(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the adjoint's image of z, (dim_y,)."""

    @abstractmethod
    def _scales(self, x: Tensor) -> Pair:
        """Return w and s^2, which broadcast to z."""

    @abstractmethod
    def _gather(self, in_w: Tensor, in_s: Tensor) -> Tensor:
        """Return the gradient in x from those in log w and log s of every entry of z."""

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x, rows
        value: Tensor = (y - self.clean).square().sum() * (0.5 / self.shape[0])
        return value

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del y, rows
        return torch.zeros_like(x)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x, rows
        slope: Tensor = (y - self.clean) / self.shape[0]
        return slope

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.upper_gradient_x(x, y, rows), self.upper_gradient_y(x, y, rows)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        smooth = (self._analyse(x, y).square() + square).sqrt()
        value: Tensor = 0.5 * (y - self.noisy).square().sum() + (w * smooth).sum()
        return value

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        smooth = (self._analyse(x, y).square() + square).sqrt()
        return self._gather(w * smooth, w * square / smooth)

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        z = self._analyse(x, y)
        return y - self.noisy + self._synthesise(x, w * z / (z.square() + square).sqrt())

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.lower_gradient_x(x, y, rows), self.lower_gradient_y(x, y, rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        smooth = (self._analyse(x, y).square() + square).sqrt()
        return v + self._synthesise(x, w * square / smooth**3 * self._analyse(x, v))

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        z = self._analyse(x, y)
        smooth = (z.square() + square).sqrt()
        along = w * z / smooth * self._analyse(x, v)
        return self._gather(along, -along * square / smooth.square())


class TotalVariation(Denoising):
    """x = (log w, log s) of the differences of neighbours in rows and in columns."""

    def miniature(self) -> TotalVariation:
        return TotalVariation(*self._few(FEW), self.arrays["x0"])

    def _analyse(self, x: Tensor, u: Tensor) -> Tensor:
        del x
        image = u.view(self.shape)
        down, right = image.diff(dim=1), image.diff(dim=2)
        return torch.cat((down.flatten(), right.flatten()))

    def _synthesise(self, x: Tensor, z: Tensor) -> Tensor:
        del x
        images, rows, columns = self.shape
        at = images * (rows - 1) * columns
        down = z[:at].view(images, rows - 1, columns)
        right = z[at:].view(images, rows, columns - 1)
        u = z.new_zeros(self.shape)
        u[:, 1:] += down
        u[:, :-1] -= down
        u[:, :, 1:] += right
        u[:, :, :-1] -= right
        return u.flatten()

    def _scales(self, x: Tensor) -> Pair:
        return x[0].exp(), (2.0 * x[1]).exp()

    def _gather(self, in_w: Tensor, in_s: Tensor) -> Tensor:
        return torch.stack((in_w.sum(), in_s.sum()))

    def curvature(self, x: Tensor) -> tuple[float, float]:
        # Differences in a row have a norm below 2, those in both directions one below sqrt(8).
        return 1.0, 1.0 + 8.0 * float((x[0] - x[1]).exp())


class FieldOfExperts(Denoising):
    """Filters learned with their weights and smoothings; z are the images' valid correlations.

    x = (log of a weight of all, log weights of the filters, logs of their smoothings, filters):
    (1 + 2 filters + filters size^2,). w is the product of the weights.

    Args:
        clean: (images, rows, columns).
        noisy: the same images with noise.
        x0: of that size.
        filters: how many there are.
        size: rows and columns of each.
    """

    def __init__(self, clean: Array, noisy: Array, x0: Array, filters: int, size: int) -> None:
        self._filters, self._size = filters, size
        scalars = 1 + 2 * filters
        lower, upper = np.full(len(x0), -LARGEST), np.full(len(x0), LARGEST)
        lower[:scalars], upper[:scalars] = BOX
        super().__init__(clean, noisy, x0, lower, upper)

    def miniature(self) -> FieldOfExperts:
        few = self._few(self._size + FEW)
        return FieldOfExperts(*few, self.arrays["x0"], self._filters, self._size)

    def _kernels(self, x: Tensor) -> Tensor:
        return x[1 + 2 * self._filters :].view(self._filters, 1, self._size, self._size)

    def _images(self, u: Tensor) -> Tensor:
        return u.view(self.shape)[:, None]

    def _analyse(self, x: Tensor, u: Tensor) -> Tensor:
        return conv2d(self._images(u), self._kernels(x))

    def _synthesise(self, x: Tensor, z: Tensor) -> Tensor:
        return conv_transpose2d(z, self._kernels(x)).flatten()

    def _scales(self, x: Tensor) -> Pair:
        weights = x[1 : 1 + self._filters] + x[0]
        smoothings = x[1 + self._filters : 1 + 2 * self._filters]
        return weights.exp()[:, None, None], (2.0 * smoothings).exp()[:, None, None]

    def _gather(self, in_w: Tensor, in_s: Tensor) -> Tensor:
        weights, smoothings = in_w.sum(dim=(0, 2, 3)), in_s.sum(dim=(0, 2, 3))
        return torch.cat((weights.sum()[None], weights, smoothings))

    def _in_kernels(self, x: Tensor, u: Tensor, slope: Tensor) -> Tensor:
        """Return the gradient of <slope, z> in the filters, flat."""
        kernels = self._kernels(x)
        gradient: Tensor = conv2d_weight(  # type: ignore[no-untyped-call]  # torch has no types here
            self._images(u), kernels.shape, slope
        )
        return gradient.flatten()

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        z = self._analyse(x, y)
        smooth = (z.square() + square).sqrt()
        scalars = self._gather(w * smooth, w * square / smooth)
        return torch.cat((scalars, self._in_kernels(x, y, w * z / smooth)))

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, square = self._scales(x)
        z = self._analyse(x, y)
        smooth, along = (z.square() + square).sqrt(), self._analyse(x, v)
        slope, bend = w * z / smooth, w * square / smooth**3 * along
        scalars = self._gather(slope * along, -z * bend)
        kernels = self._in_kernels(x, y, bend) + self._in_kernels(x, v, slope)
        return torch.cat((scalars, kernels))

    def curvature(self, x: Tensor) -> tuple[float, float]:
        # Valid correlations are some of those on the torus, which the Fourier transform makes
        # diagonal.
        w, square = self._scales(x)
        spectra = torch.fft.rfft2(self._kernels(x)[:, 0], s=self.shape[1:]).abs().square()
        return 1.0, 1.0 + float((w / square.sqrt() * spectra).sum(dim=0).max())
