"""Linear bounds of activations and of what enters them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.implementations.lipschitz import nets
from tiltyard.implementations.lipschitz._crown import image, preactivations
from tiltyard.implementations.lipschitz._program import compile_network, pointwise, reverse
from tiltyard.implementations.lipschitz._regions import region_of
from tiltyard.implementations.lipschitz._scalar import lines, slopes
from tiltyard.suites.lipschitz.layers import KINDS, Activation

DOUBLE = torch.zeros(1, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
@given(
    lower=st.floats(-60.0, 60.0), width=st.floats(0.0, 60.0), slope=st.sampled_from([-0.5, 0.1, 2])
)
@settings(max_examples=60)
def test_lines_slopes_and_images_hold(kind, lower, width, slope):
    activation = Activation(kind, slope)
    ends = torch.tensor([[lower], [lower + width]], dtype=torch.float64)
    z = torch.linspace(lower, lower + width, 401, dtype=torch.float64).requires_grad_()
    values = activation.apply(z)
    (inside,) = torch.autograd.grad(values.sum(), z)
    z, values = z.detach(), values.detach()
    found = lines(activation, *ends)
    tolerance = 1e-9
    assert (found.lower_slope * z + found.lower <= values + tolerance).all()
    assert (found.upper_slope * z + found.upper >= values - tolerance).all()
    low, high = image(activation, *ends)
    assert (low <= values + tolerance).all()
    assert (values - tolerance <= high).all()
    low, high = slopes(activation, *ends)
    assert (low <= inside + tolerance).all()
    assert (inside - tolerance <= high).all()


def test_lines_of_a_relu_are_the_chord_and_the_nearer_of_two_slopes():
    ends = torch.tensor([-1.0, -3.0]).double(), torch.tensor([3.0, 1.0]).double()
    found = lines(Activation("relu"), *ends)
    assert found.upper_slope.tolist() == [0.75, 0.25]
    assert found.upper.tolist() == [0.75, 0.75]
    assert found.lower_slope.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("region", ["box", "ball"])
@pytest.mark.parametrize("kind", KINDS)
def test_preactivations_hold_what_enters(kind, region):
    rng = np.random.default_rng(0)
    for network in (nets.chain(rng, [3, 6, 6, 5, 2], kind), nets.residual(rng, kind)):
        problem = nets.problem(network, rng.standard_normal((2, 3)), 0.4, region=region)
        program, sizes = compile_network(network, DOUBLE)
        seen = _entering(network, nets.samples(problem, rng, 300))
        widths = []
        for linear in (False, True):
            found = preactivations(program, region_of(problem, torch.float64), linear=linear)
            assert len(found) == len(sizes.activations) == len(seen)
            for index, values in enumerate(seen):
                lower, upper = (end.numpy()[:, None] for end in found[index])
                assert (lower <= values + 1e-10).all()
                assert (values <= upper + 1e-10).all()
            widths.append(sum(float((upper - lower).sum()) for lower, upper in found.values()))
        assert widths[1] < widths[0]


def test_preactivations_of_the_first_layer_are_exact():
    rng = np.random.default_rng(1)
    network = nets.chain(rng, [3, 4, 2])
    problem = nets.problem(network, np.zeros((1, 3)), 0.5, region="ball")
    program, _ = compile_network(network, DOUBLE)
    lower, upper = preactivations(program, region_of(problem, torch.float64), linear=True)[0]
    reach = 0.5 * np.linalg.norm(network.layers[0].weight, axis=1)
    assert upper[0].numpy() == pytest.approx(network.layers[0].bias + reach)
    assert lower[0].numpy() == pytest.approx(network.layers[0].bias - reach)


def test_the_reversed_program_is_the_backward_pass():
    rng = np.random.default_rng(2)
    images, _ = nets.convolution(rng)
    program, sizes = compile_network(images, DOUBLE)
    backward = reverse(program)
    assert [one.index for one in pointwise(backward)] == [1, 0]
    assert sizes.inputs == 20
    v = torch.tensor(rng.standard_normal((3, backward[0].inputs)))
    x = torch.tensor(rng.standard_normal((3, backward[0].outputs)))
    forward = backward[0].reversed().forward(x)
    assert torch.allclose((forward * v).sum(), (backward[0].forward(v) * x).sum())


def _entering(network, points):
    """Return what enters every activation at points (k, count, n), in order."""
    seen = []
    original = Activation.apply

    def record(self, x):
        seen.append(x)
        return original(self, x)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Activation, "apply", record)
        network.apply(torch.tensor(points.reshape(-1, network.inputs)))
    return [one.reshape(*points.shape[:2], -1).numpy() for one in seen]
