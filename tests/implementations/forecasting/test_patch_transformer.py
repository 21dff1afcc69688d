"""PatchTST's parts: the patches of the paper, and series that do not see each other."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.implementations.forecasting._patch_transformer import (
    PatchTransformer,
    patches,
)

SMALL = {"patch": 4, "stride": 2, "width": 8, "heads": 2, "hidden": 16, "layers": 2}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return PatchTransformer(24, 6, dropout=0.3, **SMALL).eval()


@given(look_back=st.integers(4, 40), length=st.integers(1, 4), stride=st.integers(1, 4))
def test_patches_are_those_of_the_paper(look_back, length, stride):
    past = torch.arange(float(look_back))[None]
    found = patches(past, length, stride)
    # By hand: the last value S times more, then a patch from every S-th value on.
    padded = [*range(look_back), *[look_back - 1] * stride]
    count = (look_back - length) // stride + 2
    wanted = [[padded[stride * i + j] for j in range(length)] for i in range(count)]
    assert found.shape == (1, count, length)
    np.testing.assert_array_equal(found[0], wanted)


def test_published_sizes():
    net = PatchTransformer(
        336, 96, patch=16, stride=8, width=16, heads=4, hidden=128, layers=3, dropout=0.3
    )
    assert net.position.shape == (42, 16)
    layer = 4 * (16 * 16 + 16) + 2 * 16 * 128 + 128 + 16 + 4 * 16
    head = 42 * 16 * 96 + 96
    assert sum(w.numel() for w in net.parameters()) == 17 * 16 + 42 * 16 + 3 * layer + head


def test_attention_equals_its_formula(net):
    layer = net.encoder[0]
    x = torch.randn(3, 5, 8)
    query, key, value = layer.project(x).chunk(3, dim=-1)
    heads = [
        (query[..., part] @ key[..., part].transpose(1, 2) / 2.0).softmax(dim=-1) @ value[..., part]
        for part in (slice(0, 4), slice(4, 8))
    ]
    wanted = layer.merge(torch.cat(heads, dim=-1))
    torch.testing.assert_close(layer._attend(x), wanted)


def test_series_are_forecast_by_themselves(net):
    past = torch.randn(7, 24)
    order = torch.randperm(7)
    with torch.inference_mode():
        torch.testing.assert_close(net(past)[order], net(past[order]))
        torch.testing.assert_close(net(past)[:1], net(past[:1]))
