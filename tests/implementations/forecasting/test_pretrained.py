"""Adapters of pretrained models, on modules of the same interface that forecast by simple rules."""

import hashlib
import importlib
import sys
import types

import numpy as np
import pytest
import torch

from tests.implementations.forecasting.panels import long_horizon, rolling
from tiltyard.errors import Unsupported
from tiltyard.implementations.forecasting import _pretrained

NAMES = {
    "chronos_bolt": "chronos: pip install 'chronos-forecasting>=2'",
    "timesfm": "timesfm: pip install 'timesfm[torch]>=2'",
    "ttm": "tsfm_public: pip install 'granite-tsfm>=0.3'",
    "moirai": "uni2ts: pip install 'uni2ts>=2' '--no-deps'",
}
SPREAD = np.arange(-4.0, 5.0)


def method(name):
    return getattr(importlib.import_module(f"tiltyard.implementations.forecasting.{name}"), name)


def run(name, problem, seed=0, **parameters):
    seen = problem.on("cpu")
    (answer,) = method(name).function(seen, np.random.default_rng(seed), **parameters)
    assert not answer.fault
    return answer


class Net(torch.nn.Module):
    """Seven parameters."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Parameter(torch.zeros(7))


class Bolt:
    """Repeats the last value; quantiles are it plus -4 ... 4, in the wrong order."""

    def __init__(self):
        self.model, self.seen = Net(), []

    @classmethod
    def from_pretrained(cls, folder, *, device_map, torch_dtype):
        assert device_map == "cpu"
        assert torch_dtype == "float32"
        return cls()

    def predict_quantiles(self, inputs, prediction_length, quantile_levels):
        assert all(one.dtype == torch.float32 and one.isfinite().all() for one in inputs)
        last = torch.stack([one[-1] for one in inputs])[:, None].repeat(1, prediction_length)
        spread = torch.tensor(SPREAD[::-1].copy())[: len(quantile_levels)]
        return last[..., None] + spread, last


class Times:
    """Repeats the last value; of ten outputs the first is none of the quantiles."""

    def __init__(self):
        self.model = Net()
        self.config = None

    @classmethod
    def from_pretrained(cls, folder, *, local_files_only, torch_compile):
        assert local_files_only
        assert not torch_compile
        return cls()

    def compile(self, config):
        self.config = config

    def forecast(self, horizon, inputs):
        n = len(inputs)
        inputs += [np.zeros(3)] * (-len(inputs) % self.config.per_core_batch_size)
        last = np.array([one[-1] for one in inputs], dtype=np.float32)[:, None]
        point = np.repeat(last, horizon, axis=1)
        both = point[..., None] + np.concatenate([[99.0], SPREAD])
        return point[:n], both[:n]


class Mixer(Net):
    """Continues a line by four values at a time."""

    def __init__(self, *, prefix):
        super().__init__()
        self.config = types.SimpleNamespace(context_length=8, resolution_prefix_tuning=prefix)
        self.tokens = []

    def forward(self, past_values, *, return_loss, freq_token=None):
        assert past_values.shape[1:] == (8, 1)
        self.tokens.append(freq_token)
        last = past_values[:, -1:]
        slope = last - past_values[:, -2:-1]
        steps = torch.arange(1.0, 5.0)[None, :, None]
        return types.SimpleNamespace(prediction_outputs=last + slope * steps)


class Sampler(Net):
    """Draws about the last value that is no padding."""

    def __init__(self, **settings):
        super().__init__()
        self.settings = settings

    def forward(self, past_target, past_observed_target, past_is_pad):
        n, s = len(past_target), self.settings
        assert past_target.shape == (n, s["context_length"], 1)
        assert (past_observed_target[..., 0] == ~past_is_pad).all()
        assert (past_target[past_is_pad] == 0).all()
        noise = torch.randn(n, s["num_samples"], s["prediction_length"])
        return past_target[:, -1:, :] + noise


def fake(monkeypatch, name, **names):
    module = types.ModuleType(name)
    vars(module).update(names)
    parts = name.split(".")
    for k in range(1, len(parts)):
        parent = ".".join(parts[:k])
        monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def mixer():
    return Mixer(prefix=False)


@pytest.fixture
def packages(monkeypatch, mixer):
    fake(monkeypatch, "chronos", BaseChronosPipeline=Bolt, ChronosBoltPipeline=Bolt)
    fake(
        monkeypatch,
        "timesfm",
        ForecastConfig=types.SimpleNamespace,
        TimesFM_2p5_200M_torch=Times,
    )
    loader = types.SimpleNamespace(from_pretrained=lambda folder, local_files_only: mixer)
    fake(monkeypatch, "tsfm_public.models.tinytimemixer", TinyTimeMixerForPrediction=loader)
    fake(
        monkeypatch,
        "tsfm_public.toolkit.time_series_preprocessor",
        DEFAULT_FREQUENCY_MAPPING={"oov": 0, "h": 7, "W": 9},
    )
    module = types.SimpleNamespace(from_pretrained=lambda folder, local_files_only: Net())
    fake(monkeypatch, "uni2ts.model.moirai", MoiraiForecast=Sampler, MoiraiModule=module)

    def snapshot_download(name, *, revision, local_files_only):
        assert local_files_only
        raise FileNotFoundError(name)

    fake(monkeypatch, "huggingface_hub", snapshot_download=snapshot_download)


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    return str(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_without_the_package_the_reason_says_what_to_install(name):
    if not method(name).missing():
        pytest.skip("it is here")
    assert method(name).unsupported(rolling(), "cpu") == f"needs {NAMES[name]}"


@pytest.mark.parametrize("name", NAMES)
def test_without_weights_the_reason_says_what_is_needed(packages, name):
    with pytest.raises(Unsupported, match="needs weights = a folder, or a model in Hugging Face's"):
        run(name, rolling())


def test_weights_that_are_not_here_are_not_downloaded(packages):
    with pytest.raises(Unsupported, match="hf download some/model --revision small"):
        run("ttm", rolling(), weights="some/model@small")


@pytest.mark.parametrize("name", ["chronos_bolt", "timesfm"])
@pytest.mark.parametrize("batch", [2, 64])
def test_points_and_quantiles_in_their_places(packages, weights, name, batch):
    problem = rolling()
    answer = run(name, problem, weights=weights, batch=batch)
    last = np.array([[7.0], [3.0], [0.0], [11.0], [11.0]])
    np.testing.assert_array_equal(answer.point[0], np.repeat(last, 6, axis=1))
    spread = np.broadcast_to(SPREAD[:, None], (9, 6))
    np.testing.assert_array_equal(answer.quantiles[0], last[..., None] + spread)
    assert answer.parameters == 7
    digest = hashlib.sha256(hashlib.sha256(b"weights").digest()).hexdigest()[:16]
    assert answer.notes["weights"] == digest


@pytest.mark.parametrize("name", NAMES)
def test_without_levels_the_point_alone(packages, weights, name):
    answer = run(name, long_horizon(), weights=weights)
    assert answer.point.shape == (5, 2, 4)
    assert np.isfinite(answer.point).all()
    assert answer.quantiles is None


def test_another_chronos_is_refused(packages, weights, monkeypatch):
    monkeypatch.setattr(sys.modules["chronos"], "ChronosBoltPipeline", type("Other", (), {}))
    with pytest.raises(Unsupported, match="is a Bolt, no Chronos-Bolt"):
        run("chronos_bolt", rolling(), weights=weights)


def test_timesfm_refuses_a_horizon_beyond_its_quantiles(packages, weights):
    with pytest.raises(Unsupported, match="at most 1024 steps, not 1025"):
        run("timesfm", rolling(horizon=1025), weights=weights)


def test_ttm_continues_its_forecast_in_the_values_units(packages, weights, mixer):
    answer = run("ttm", rolling(), weights=weights)
    np.testing.assert_allclose(answer.point[0, 4], np.arange(12.0, 18.0), rtol=1e-5)
    np.testing.assert_allclose(answer.point[0, 1], 3.0)
    assert answer.quantiles is None
    assert answer.notes["look-back"] == 8
    assert mixer.tokens == [None, None]


@pytest.mark.parametrize(("frequency", "token"), [("h", 7), ("W-SUN", 9), ("MS", 0)])
def test_ttm_tells_a_model_that_asks_the_frequency(packages, weights, mixer, frequency, token):
    mixer.config.resolution_prefix_tuning = True
    run("ttm", rolling(frequency=frequency), weights=weights)
    assert mixer.tokens[0].tolist() == [token] * 5


def test_moirai_draws_from_rng_alone(packages, weights):
    state = torch.random.get_rng_state()
    one = run("moirai", rolling(), weights=weights, look_back=10, samples=200, batch=2)
    two = run("moirai", rolling(), weights=weights, look_back=10, samples=200, batch=2)
    other = run("moirai", rolling(), seed=1, weights=weights, look_back=10, samples=200)
    assert torch.equal(state, torch.random.get_rng_state())
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    assert (one.quantiles != other.quantiles).any()
    assert (np.diff(one.quantiles, axis=2) > 0).all()
    np.testing.assert_array_equal(one.point, one.quantiles[:, :, 4])
    np.testing.assert_allclose(one.point[0, 3], 11.0, atol=0.5)


def test_contexts_begin_with_the_series():
    nan = np.nan
    past = np.array([[nan, 1.0, nan, 3.0], [nan] * 4, [1.0, 2.0, 3.0, nan]])
    made = _pretrained.contexts(past, 3)
    assert [one.tolist() for one in made] == [[1.0, 1.0, 3.0], [0.0], [2.0, 3.0, 3.0]]
