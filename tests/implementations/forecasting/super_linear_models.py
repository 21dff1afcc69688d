"""Super-Linear models with random weights, and their formulas one window and one term at a time."""

import math

import numpy as np

from tiltyard.implementations.forecasting._super_linear_weights import Weights

PERIODS = (4, 12, 24, 168)
COMPLEMENTARY = 2
EXPERTS = len(PERIODS) + COMPLEMENTARY

_TURNS = np.exp(-2j * np.pi * np.arange(5000) / 5000)


def random_weights(seed=0, *, experts=EXPERTS, periods=PERIODS, bias=1.0):
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.standard_normal(shape).astype(np.float32)

    return Weights(
        periods=np.array(periods),
        expert_weight=draw(experts, 96, 512) / np.float32(20.0),
        expert_bias=draw(experts, 96) * np.float32(bias),
        gate_weight=draw(experts + 2, 2500) * np.float32(30.0),
        gate_bias=draw(experts + 2),
    )


def random_series(rng, series, length):
    t = np.arange(length)
    waves = [
        rng.uniform(0.5, 2.0) * np.sin(2 * np.pi * (t / rng.uniform(5, 200) + rng.uniform()))
        for _ in range(series)
    ]
    return 50.0 + 3.0 * np.array(waves) + 0.3 * rng.standard_normal((series, length))


def periodogram(x):
    """Return the normalised periodogram of one series by the definition of the Fourier sum."""
    x = np.array(x) - sum(x) / len(x)
    turns = _TURNS[np.outer(np.arange(2500), np.arange(len(x))) % 5000]
    power = np.abs(turns @ x / math.sqrt(5000)) ** 2
    return power / (power.sum() or 1.0)


def logits(weights, x):
    power = periodogram(x)
    return [
        float(np.dot(row.astype(np.float64), power)) + float(bias)
        for row, bias in zip(weights.gate_weight, weights.gate_bias, strict=True)
    ]


def gate(weights, x, k):
    """Return every expert's weight: the softmax over the k largest outputs, 0 for the others."""
    outputs = logits(weights, x)
    chosen = sorted(range(len(outputs)), key=lambda i: -outputs[i])[:k]
    total = sum(math.exp(outputs[i]) for i in chosen)
    return [math.exp(outputs[i]) / total if i in chosen else 0.0 for i in range(len(outputs))]


def block(weights, x, k):
    """Return the next 96 values of one window: all experts are computed, then weighted."""
    mean = sum(x) / len(x)
    spread = math.sqrt(sum((value - mean) ** 2 for value in x) / (len(x) - 1)) + 1e-5
    normal = np.array([(value - mean) / spread for value in x])
    shares = gate(weights, x, k)
    made = []
    for step in range(96):
        outputs = [normal.mean(), normal[-1]]
        for matrix, bias in zip(weights.expert_weight, weights.expert_bias, strict=True):
            outputs.append(
                float(np.dot(matrix[step].astype(np.float64), normal)) + float(bias[step])
            )
        total = sum(share * output for share, output in zip(shares, outputs, strict=True))
        made.append(total * spread + mean)
    return made


def blocks(weights, x, horizon, k):
    """Return ``horizon`` values, fed back in blocks that may not vary more than their window."""
    x = list(x)
    made = block(weights, x, k)
    while len(made) < horizon:
        window = (x + made)[-512:]
        new = np.array(block(weights, window, k))
        if np.std(new, ddof=1) > np.std(window, ddof=1):
            shrink = np.std(window, ddof=1) / (np.std(new, ddof=1) + 1e-8)
            new = (new - new.mean()) * shrink + new.mean()
        made += list(new)
    return made[:horizon]


def at(values, place):
    """Return the value at a place between two entries, that of the nearer end outside them."""
    place = min(max(place, 0.0), len(values) - 1.0)
    low = min(int(place), len(values) - 2)
    return values[low] + (place - low) * (values[low + 1] - values[low])


def short(weights, x, horizon, k):
    """Return the forecast of a series of less than 512 values, by way of a higher rate."""
    factor = math.ceil(512 / len(x))
    fine = [at(x, (i + 0.5) / factor - 0.5) for i in range(len(x) * factor)]
    ahead = blocks(weights, fine[-512:], horizon * factor, k)
    return [at(ahead, (i + 0.5) * factor - 0.5) for i in range(horizon)]


def best_scale(weights, x):
    """Return the rate at which the gate's entropy, plus what is lost, is lowest."""
    power = periodogram(x)
    frequencies = np.linspace(0.0, 0.5, 2500)
    passed = frequencies[next(i for i, total in enumerate(np.cumsum(power)) if total > 0.8)]
    largest = int(0.25 / passed) if passed else 1
    best, score = 1, _entropy(logits(weights, x[-512:]))
    for scale in (2, 4, 6):
        if len(x) < 512 * scale or scale > largest:
            continue
        thin = [x[len(x) - 1 - scale * i] for i in range(512)][::-1]
        lost = sum(power[frequencies > 0.5 / scale])
        own = _entropy(logits(weights, thin)) + 2.0 * lost
        if own < score:
            best, score = scale, own
    return best


def long(weights, x, horizon, k, scale):
    """Return the forecast of a series of more than 512 values, at ``best_scale``."""
    thin = [x[len(x) - 1 - scale * i] for i in range(512)][::-1]
    ahead = [x[-1], *blocks(weights, thin, math.ceil(horizon / scale), k)]
    return [at(ahead, (i + 1) / scale) for i in range(horizon)]


def _entropy(outputs):
    powers = [math.exp(output) for output in outputs]
    shares = [power / sum(powers) for power in powers]
    return -sum(share * math.log(share + 1e-10) for share in shares)
