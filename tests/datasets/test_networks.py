"""The trained networks read their tables, and the script that made them converts faithfully."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from tiltyard.datasets import _train_networks as script
from tiltyard.datasets.networks import (
    digits_other_networks,
    digits_relu_networks,
    digits_sorting_networks,
    table_networks,
)
from tiltyard.suites.lipschitz._trained import SEEDS, trained

FILES = {
    "digits_relu_networks": digits_relu_networks,
    "digits_other_networks": digits_other_networks,
    "digits_sorting_networks": digits_sorting_networks,
    "table_networks": table_networks,
}
RECIPES = script.files()
NETWORKS = [(file, name) for file, recipes in RECIPES.items() for name in recipes]


def test_the_files_hold_the_networks_of_the_script():
    for file, recipes in RECIPES.items():
        assert {key.partition("/")[0] for key in FILES[file].load()} == set(recipes)


@pytest.mark.parametrize(("file", "name"), NETWORKS, ids=[name for _, name in NETWORKS])
def test_trained_networks_do_what_they_were_trained_for(file, name):
    table = RECIPES[file][name].table
    rows = table.split()[1]
    data = FILES[file].load()
    for seed in SEEDS:
        network, points = trained(name, seed, data)
        np.testing.assert_allclose(points, table.X[rows][: len(points)], rtol=0, atol=1e-12)
        success = script.success(lambda x, f=network: f.apply(x.double()), table)
        assert success > (0.4 if name == "diabetes" else 0.7 if name == "16-8-8-10" else 0.93)


def test_test_rows_are_every_fifth_of_the_tables_in_scikit_learn():
    pixels, _ = load_digits(return_X_y=True)
    _, points = trained("64-32-10", 0, digits_relu_networks.load())
    np.testing.assert_array_equal(points[:20], pixels[:100:5] / 16.0)
    for name, load in (("diabetes", load_diabetes), ("breast-cancer", load_breast_cancer)):
        options = {"scaled": False} if name == "diabetes" else {}
        X, _ = load(return_X_y=True, **options)
        low, high = X.min(axis=0), X.max(axis=0)
        _, points = trained(name, 0, table_networks.load())
        np.testing.assert_allclose(points[:20], ((X - low) / (high - low))[:100:5], atol=1e-12)


@pytest.mark.parametrize("file", FILES)
def test_seeds_give_different_networks(file):
    for key, array in FILES[file].load().items():
        if key.endswith("weight"):
            assert len(np.unique(array.reshape(len(SEEDS), -1), axis=0)) == len(SEEDS)


@pytest.mark.parametrize("name", ["maxmin-orthogonal", "householder-orthogonal"])
def test_orthogonal_networks_are_one_lipschitz(name):
    for seed in SEEDS:
        network, points = trained(name, seed, digits_sorting_networks.load())
        x = torch.as_tensor(points[:20])
        for point in x:
            J = torch.autograd.functional.jacobian(lambda z, f=network: f.apply(z[None])[0], point)
            assert torch.linalg.matrix_norm(J, 2) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("file", "name"), NETWORKS, ids=[name for _, name in NETWORKS])
def test_the_script_converts_modules_faithfully(file, name):
    recipe = RECIPES[file][name]
    torch.manual_seed(0)
    module = recipe.make().double()
    network = script.convert(module, recipe.table.X.shape[1])
    inner = getattr(module, "inner", module)
    x = torch.as_tensor(recipe.table.X[:10])
    torch.testing.assert_close(network.apply(x), inner(x).detach(), rtol=1e-6, atol=1e-6)


def test_a_seed_trains_one_network():
    recipe = script.Recipe(RECIPES["table_networks"]["diabetes"].make, script.diabetes(), epochs=2)
    first, again, other = (script.train(recipe, seed) for seed in (0, 0, 1))
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
