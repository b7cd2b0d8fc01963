"""The search for a linear head's optimum: its parts against plain NumPy and SciPy."""

import numpy as np
import pytest
from scipy.optimize import minimize
from threadpoolctl import threadpool_info

from sightkit.transfer.heads import solver as solver_module
from sightkit.transfer.heads.fold_scaling import FoldScaling
from sightkit.transfer.heads.lbfgs import minimise
from sightkit.transfer.heads.losses import Softmax
from sightkit.transfer.heads.rows import Matrix
from sightkit.transfer.heads.solver import Solver, one_scipy_thread
from sightkit.transfer.heads.spectrum import Spectrum


def samples(count=60, dimensions=90):
    """Standardized samples with a few strong directions, and labels of three classes."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(count, 5)) @ rng.normal(size=(5, dimensions)) * 2
    values += rng.normal(size=values.shape)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    return values.astype(np.float32), np.arange(count) % 3


def test_several_functions_find_their_own_least_points():
    rng = np.random.default_rng(0)
    scales = rng.uniform(0.3, 3, (4, 7))
    least = rng.normal(size=(4, 7))

    def evaluate(which, points):
        off = points - least[which]
        gradients = scales[which] * off + off**3
        values = (scales[which] * off**2 / 2 + off**4 / 4).sum(axis=1) + 1
        return values, gradients.astype(np.float32), (gradients**2).sum(axis=1) < 1e-9

    found = minimise(evaluate, np.zeros((4, 7), np.float32))
    assert np.abs(found - least).max() < 1e-3


def test_a_function_that_cannot_fall_any_more_ends():
    """As one does whose gradient is nothing but rounding."""
    passes = []

    def evaluate(which, points):
        passes.append(len(which))
        return np.ones(len(which)), np.ones_like(points), np.zeros(len(which), bool)

    assert np.abs(minimise(evaluate, np.zeros((2, 3), np.float32))).max() < 0.01
    assert len(passes) < 20


def test_a_function_that_bends_far_more_than_was_thought_is_still_brought_down():
    def evaluate(which, points):
        values = 1 + 5e4 * np.square(points.astype(np.float64) - 1).sum(axis=1)
        gradients = (1e5 * (points - 1)).astype(np.float32)
        return values, gradients, values < 1 + 1e-4

    assert np.abs(minimise(evaluate, np.zeros((2, 3), np.float32)) - 1).max() < 1e-3


@pytest.mark.parametrize("shape", ((60, 90), (90, 20), (5, 90)))
def test_the_root_of_the_spectrum_is_undone_by_its_inverse(shape):
    values, _ = samples(*shape)
    spectrum = Spectrum.of(Matrix(values))
    root = spectrum.root(np.array([0.0, 0.1, 5.0]))
    weights = np.random.default_rng(1).normal(size=(3, 2, shape[1])).astype(np.float32)
    assert np.allclose(root.solve(root.times(weights)), weights, atol=1e-4)
    assert np.allclose(root.times(weights)[0], weights[0], atol=1e-6)
    gram = values.T.astype(np.float64) @ values
    found = spectrum.vectors.T @ gram @ spectrum.vectors
    assert np.allclose(found, np.diag(spectrum.values), atol=2e-3 * spectrum.values[0])
    assert spectrum.values[0] == pytest.approx(np.linalg.eigvalsh(gram)[-1], rel=1e-3)
    assert np.trace(gram) == pytest.approx(
        spectrum.values.sum() + spectrum.rest * max(min(shape) - len(spectrum.values), 0),
        rel=1e-4,
    )


@pytest.mark.parametrize("groups", (1, 3))
def test_problems_with_other_cs_folds_and_scalings_reach_the_optimum(groups, monkeypatch):
    values, labels = samples()
    rng = np.random.default_rng(2)
    mask = (rng.random((60, 2)) < 0.7).astype(np.float32)
    mean = rng.normal(size=(2, 90)).astype(np.float32) / 4
    factor = (2 ** rng.uniform(-1, 1, (2, 90))).astype(np.float32)
    factor[0, 7] = 0
    solver = Solver(Matrix(values), Softmax(labels, 3), mask, FoldScaling(mean, factor))
    strengths, folds = np.array([0.01, 0.01, 1.0]), np.array([0, 1, 1])
    if groups > 1:
        monkeypatch.setattr(solver_module, "MOST_BYTES", 1)
    found = solver.solve(strengths, folds, solver.begin(folds), gap=1e-6)
    for problem, (strength, fold) in enumerate(zip(strengths, folds, strict=True)):
        own = (values.astype(np.float64) - mean[fold]) * factor[fold]

        def objective(x, strength=strength, fold=fold, own=own):
            weights, intercepts = x[:270].reshape(3, 90), x[270:]
            scores = own @ weights.T + intercepts
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            shares /= shares.sum(axis=1, keepdims=True)
            loss = -(mask[:, fold] * np.log(shares[np.arange(60), labels])).sum()
            slopes = mask[:, fold, None] * (shares - np.eye(3)[labels]) * strength
            gradient = weights + slopes.T @ own
            value = (weights**2).sum() / 2 + strength * loss
            return value, np.concatenate([gradient.ravel(), slopes.sum(axis=0)])

        truth = minimize(objective, np.zeros(273), jac=True, tol=1e-12).x
        ours = found.weights[problem]
        wanted = truth[:270].reshape(3, 90)
        assert np.abs(ours - wanted).max() < 3e-3 * np.abs(wanted).max()
        scores = solver.scores(found, folds)[:, problem]
        off = scores - own @ wanted.T - truth[270:]
        off -= off.mean(axis=1, keepdims=True)  # what all classes share changes nothing
        assert np.abs(off).max() < 0.02 * np.ptp(scores)


def test_scipy_has_one_thread_inside_and_its_own_again_outside():
    def threads():
        return {
            library["filepath"]: library["num_threads"]
            for library in threadpool_info()
            if library["user_api"] == "blas"
        }

    before = threads()
    with one_scipy_thread():
        inside = threads()
    assert threads() == before
    own = [path for path in inside if "scipy.libs" in path]
    assert all(inside[path] == 1 for path in own)
    assert all(inside[path] == before[path] for path in before if path not in own)
