"""Random networks and values of their Jacobians at points, shared by tests of bounds."""

import numpy as np
import torch

from tiltyard.suites.lipschitz.layers import Activation, Conv2d, Dense, PerToken, Residual
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem


def dense(rng, inputs, outputs):
    """Return a random layer."""
    weight = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
    return Dense(weight, 0.3 * rng.standard_normal(outputs))


def chain(rng, sizes, kind="relu", slope=0.01):
    """Return a random network of these sizes."""
    layers = []
    for i in range(len(sizes) - 1):
        layers += [dense(rng, sizes[i], sizes[i + 1]), Activation(kind, slope)]
    return Network(sizes[0], tuple(layers[:-1]))


def residual(rng, kind="relu"):
    """Return a network with a residual block, one inside it, and one over tokens."""
    inner = Residual((Activation(kind), dense(rng, 4, 4)), skip=-0.5)
    block = Residual((dense(rng, 4, 4), inner, Activation(kind), dense(rng, 4, 4)), 0.7, -0.3)
    tokens = PerToken(Residual((dense(rng, 2, 2), Activation(kind))), 2)
    return Network(3, (dense(rng, 3, 4), block, Activation(kind), tokens, dense(rng, 4, 2)))


def convolution(rng, kind="relu"):
    """Return a small convolutional network, and the same with dense layers."""
    first = Conv2d(rng.standard_normal((2, 1, 2, 2)), rng.standard_normal(2), (1, 5, 4), 2, 1)
    second = Conv2d(rng.standard_normal((3, 2, 2, 2)), rng.standard_normal(3), first.output_shape)
    last = dense(rng, second.size(first.size(20)), 2)
    act = Activation(kind)
    return (
        Network(20, (first, act, second, act, last)),
        Network(20, (first.dense, act, second.dense, act, last)),
    )


def problem(network, centers, radius, norm="linf", region="box", **options):
    """Return a problem around some points."""
    track = "monotonicity" if norm == "partial" else "local-linf"
    if region == "global":
        centers, radius = np.empty((0, 0)), 0.0
    return LipschitzProblem(
        network=network,
        track=track,
        norm=norm,
        region=region,
        centers=centers,
        radius=radius,
        **options,
    )


def samples(problem, rng, count):
    """Return points of every region, (k, count, n), many of them at its edge."""
    n = problem.network.inputs
    if problem.region == "ball":
        steps = rng.standard_normal((problem.regions, count, n))
        steps /= np.linalg.norm(steps, axis=2, keepdims=True)
        return problem.centers[:, None] + problem.radius * rng.random((count, 1)) * steps
    lower, upper = problem.box
    if problem.region == "global":
        return 5.0 * rng.standard_normal((1, count, n))
    shares = np.clip(rng.uniform(-0.3, 1.3, (problem.regions, count, n)), 0.0, 1.0)
    return lower[:, None] + (upper - lower)[:, None] * shares


def jacobians(network, points):
    """Return the Jacobians at points (..., n), (..., m, n), by reverse differentiation."""
    x = torch.tensor(points.reshape(-1, network.inputs), requires_grad=True)
    values = network.apply(x).sum(dim=0)
    rows = [torch.autograd.grad(value, x, retain_graph=True)[0] for value in values]
    return torch.stack(rows, dim=1).numpy().reshape(*points.shape[:-1], -1, network.inputs)


def lower(problem, rng, count=400):
    """Return the largest values of the problem's quantity at points of its regions."""
    found = jacobians(problem.network, samples(problem, rng, count))
    if problem.norm == "partial":
        entries = found[:, :, 0, list(problem.features)]
        return np.concatenate([entries.max(axis=1), -entries.min(axis=1)], axis=1)
    if problem.norm == "l2":
        return np.linalg.norm(found, 2, axis=(2, 3)).max(axis=1)
    return np.abs(found).sum(axis=3).max(axis=(1, 2))


def last(method, problem, **parameters):
    """Return a method's last upper bounds, every one checked for falling."""
    before = np.full(problem.shape, np.inf)
    rng = np.random.default_rng(0)
    for answer in method.function(problem.on("cpu"), rng, **parameters):
        assert answer["upper"].shape == problem.shape
        assert (answer["upper"] <= before).all()
        before = answer["upper"]
    return before
