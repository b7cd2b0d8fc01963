"""Heads against scikit-learn's: the same C, the same predictions, the same optimum."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sightkit._errors import SightkitError
from sightkit.transfer.heads.fitting import fit_head
from sightkit.transfer.heads.stored_rows import StoredRows, mixed_parts
from sightkit.transfer.heads.trees import TreesHead

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)


def photos(count, dimensions, classes, seed=0):
    """Features like a network's: positive, of unequal scale, classes that overlap."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % classes)
    centres = rng.normal(size=(classes, dimensions))
    features = np.maximum(0.6 * centres[labels] + 2 * rng.normal(size=(count, dimensions)), 0)
    features *= rng.uniform(0.01, 5, dimensions)
    return features.astype(np.float32), labels.astype(np.int64)


def names(classes):
    return [f"class {k}" for k in range(classes)]


class InMemoryFile:
    """A feature file that counts how much of it is read at once."""

    def __init__(self, values):
        self.values = values
        self.most = 0

    @property
    def shape(self):
        return self.values.shape

    def take(self, rows):
        self.most = max(self.most, len(rows))
        return self.values[rows].copy()


@pytest.mark.parametrize("classes", (2, 3, pytest.param(7, marks=pytest.mark.slow)))
@pytest.mark.parametrize("dimensions", (20, 300))
def test_the_same_c_and_predictions_as_the_plain_grid(classes, dimensions):
    """With fewer samples (150) than dimensions too, where the search is in the samples' span."""
    features, labels = photos(250, dimensions, classes)
    train, test = slice(0, 150), slice(150, None)
    found = fit_head(
        "logistic", features[train], labels[train], names(classes), strengths=STRENGTHS
    )
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000, tol=1e-6)),
        {"logisticregression__C": STRENGTHS},
        cv=StratifiedKFold(3),
    ).fit(features[train].astype(np.float64), labels[train])
    scores = dict(zip(STRENGTHS, grid.cv_results_["mean_test_score"], strict=True))
    assert found.chosen == grid.best_params_["logisticregression__C"]
    assert found.accuracies[found.chosen] == pytest.approx(scores[found.chosen])
    ours = found.head.predict_proba(features[test])
    theirs = grid.predict_proba(features[test].astype(np.float64))
    assert np.abs(ours - theirs).max() < 5e-3
    assert np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


def sparse(size):
    """Features that few photos have at all, so that in some folds none has them."""

    def change(features, labels):
        rng = np.random.default_rng(0)
        folds = [rows for _, rows in StratifiedKFold(3).split(labels, labels)]
        more = np.zeros((len(features), 40), np.float32)
        for column in range(40):
            more[rng.choice(folds[column % 3], 2), column] = size * rng.random(2)
        return np.concatenate([features, more], axis=1)

    return change


def outlier(features, labels):
    features[0, 0] = 1e4 * features[:, 0].std()
    return features


def dead_in_two_folds(features, labels):
    (_, fold), *_ = StratifiedKFold(3).split(labels, labels)
    kept = features[fold, 0]
    features[:, 0] = 0
    features[fold, 0] = kept
    return features


def heavy_tails(features, labels):
    return np.exp(features / features.std(axis=0))


HARD = {
    "sparse and tiny": sparse(1e-4),
    "sparse": sparse(1.0),
    "sparse and large": sparse(100.0),
    "an outlier": outlier,
    "dead in two folds": dead_in_two_folds,
    "heavy tails": heavy_tails,
    "huge": lambda features, labels: features * np.float32(1e20),
    "minute": lambda features, labels: features * np.float32(1e-25),
}


QUICK = {"sparse and large", "an outlier", "dead in two folds", "minute"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=name, marks=[] if name in QUICK else pytest.mark.slow)
        for name, change in HARD.items()
    ],
)
def test_hard_features_get_the_plain_grids_c_and_predictions(change):
    """Also where a feature is constant among a fold's training photos, and with few photos."""
    features, labels = photos(113, 26, 3, seed=24)
    features = change(features, labels)
    strengths = (1e-4, *STRENGTHS)
    found = fit_head("logistic", features.copy(), labels, names(3), strengths=strengths)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=20_000, tol=1e-8)),
        {"logisticregression__C": strengths},
        cv=StratifiedKFold(3),
    ).fit(features.astype(np.float64), labels)
    scores = dict(zip(strengths, grid.cv_results_["mean_test_score"], strict=True))
    assert found.chosen == grid.best_params_["logisticregression__C"]
    assert all(abs(found.accuracies[c] - scores[c]) < 1.5 / 113 for c in strengths)
    ours = found.head.predict_proba(features)
    theirs = grid.predict_proba(features.astype(np.float64))
    assert np.abs(ours - theirs).max() < 5e-3
    assert np.array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


def test_one_class_is_refused():
    with pytest.raises(SightkitError, match="two classes"):
        fit_head("logistic", np.ones((6, 2), np.float32), np.zeros(6, np.int64), ["one"], folds=2)


@pytest.mark.parametrize("multiclass", ("ovr", "ovo"))
def test_one_vs_rest_and_one_vs_one_are_scikit_learns(multiclass):
    features, labels = photos(240, 25, 4)
    found = fit_head(
        "logistic", features[:160], labels[:160], names(4), multiclass=multiclass, strengths=(0.1,)
    )
    several = OneVsRestClassifier if multiclass == "ovr" else OneVsOneClassifier
    plain = make_pipeline(
        StandardScaler(), several(LogisticRegression(C=0.1, tol=1e-6, max_iter=5000))
    ).fit(features[:160], labels[:160])
    ours = found.head.predict_proba(features[160:])
    assert np.array_equal(ours.argmax(axis=1), plain.predict(features[160:]))
    if multiclass == "ovr":
        assert np.abs(ours - plain.predict_proba(features[160:])).max() < 5e-3
    assert np.allclose(ours.sum(axis=1), 1, atol=1e-5)


def test_two_classes_are_one_column_and_softmax_is_two():
    features, labels = photos(120, 15, 2)
    one = fit_head("logistic", features, labels, names(2), strengths=(0.1,)).head
    two = fit_head("softmax", features, labels, names(2), strengths=(0.1,)).head
    assert one.weights.shape == (15, 1)
    assert two.weights.shape == (15, 2)
    assert np.allclose(two.weights.sum(axis=1), 0, atol=1e-3)
    scores = features @ one.weights + one.intercepts
    assert np.allclose(one.predict_proba(features)[:, 1], expit(scores[:, 0]), atol=1e-5)


@pytest.mark.parametrize("strength", (0.01, 1.0))
@pytest.mark.parametrize("dimensions", (20, 300))
def test_squared_hinge_minimises_its_objective(dimensions, strength):
    """No neighbour is better: scikit-learn's 1,000 steps ended 1 % above the optimum of C = 1."""
    features, labels = photos(120, dimensions, 3)
    head = fit_head("squared_svm", features, labels, names(3), strengths=(strength,)).head
    scale = features.std(axis=0, dtype=np.float64)
    assert isinstance(head.temperature, float) and head.temperature > 0

    def value(weights, intercepts):
        margins = np.where(labels[:, None] == np.arange(3), 1, -1) * (
            features.astype(np.float64) @ weights + intercepts
        )
        hinge = np.square(np.maximum(0, 1 - margins)).sum()
        return 0.5 * np.square(weights * scale[:, None]).sum() + strength * hinge

    best = value(head.weights, head.intercepts)
    rng = np.random.default_rng(0)
    for size in (1e-2, 1e-3):
        for _ in range(20):
            moved = head.weights * (1 + size * rng.normal(size=head.weights.shape))
            shifted = head.intercepts + size * rng.normal(size=3)
            assert value(moved, shifted) > best * (1 - 1e-5)


@pytest.mark.parametrize("multiclass", ("ovr", "ovo"))
def test_the_hinge_svm_is_liblinears(multiclass):
    features, labels = photos(200, 12, 4)
    found = fit_head(
        "svm", features[:150], labels[:150], names(4), multiclass=multiclass, strengths=(0.01,)
    )
    svm = LinearSVC(C=0.01, loss="hinge", max_iter=20_000, random_state=0)
    plain = make_pipeline(StandardScaler(), svm if multiclass == "ovr" else OneVsOneClassifier(svm))
    plain.fit(features[:150].astype(np.float64), labels[:150])
    ours = found.head.predict_proba(features[150:]).argmax(axis=1)
    assert (ours == plain.predict(features[150:])).mean() > 0.97


def test_neighbours_are_scikit_learns():
    features, labels = photos(200, 12, 3)
    found = fit_head("knn", features[:150], labels[:150], names(3))
    plain = make_pipeline(StandardScaler(), KNeighborsClassifier(int(found.chosen)))
    plain.fit(features[:150].astype(np.float64), labels[:150])
    ours = found.head.predict_proba(features[150:])
    assert np.allclose(ours, plain.predict_proba(features[150:].astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize(
    "estimator",
    (
        RandomForestClassifier(20, random_state=0),
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=20, random_state=0),
    ),
)
@pytest.mark.parametrize("classes", (2, 4))
def test_trees_as_arrays_answer_as_scikit_learns_do(estimator, classes):
    features, labels = photos(200, 12, classes)
    estimator.fit(features[:150], labels[:150])
    ours = TreesHead.of(estimator).predict_proba(features[150:])
    assert np.allclose(ours, estimator.predict_proba(features[150:]), atol=1e-6)


@pytest.mark.parametrize(
    "head", (pytest.param("random_forest", marks=pytest.mark.slow), "adaboost")
)
def test_forests_are_evaluated_without_a_choice(head):
    features, labels = photos(90, 8, 3)
    found = fit_head(head, features, labels, names(3))
    assert found.chosen is None and 0.34 < found.facts["accuracy"] <= 1
    assert found.held_out.shape == (90, 3)


LINEAR = (
    ("logistic", "multinomial"),
    ("logistic", "ovr"),
    ("softmax", "multinomial"),
    ("svm", "ovr"),
    ("squared_svm", "ovo"),
)


@pytest.mark.parametrize(("kind", "multiclass"), LINEAR)
@pytest.mark.parametrize("dimensions", (15, pytest.param(200, marks=pytest.mark.slow)))
def test_a_head_fitted_on_parts_is_about_as_good(kind, multiclass, dimensions, monkeypatch):
    features, labels = photos(1000, dimensions, 3)
    monkeypatch.setattr("sightkit.transfer.heads.stored_rows.BLOCK_BYTES", 4 * dimensions * 40)
    file = InMemoryFile(features)
    taken, truth = np.arange(600), labels[:600]
    options = {"class_names": names(3), "multiclass": multiclass, "strengths": (1e-3, 1e-2)}
    parts = fit_head(kind, StoredRows(file, taken, 3), truth, **options)
    held = fit_head(kind, features[:600], truth, **options)
    assert file.most == 200  # rows of one part
    rank1 = [(fit.head.predict(features[600:]) == labels[600:]).mean() for fit in (parts, held)]
    assert 0.5 < rank1[1] < 0.999 and rank1[0] > rank1[1] - 0.05
    assert max(abs(parts.accuracies[c] - held.accuracies[c]) for c in (1e-3, 1e-2)) < 0.05


def test_one_part_is_all_rows_and_gives_the_same_head():
    features, labels = photos(150, 20, 3)
    stored = StoredRows(InMemoryFile(features), np.arange(30, 150), 1)
    ours = fit_head("logistic", stored, labels[30:], names(3))
    held = fit_head("logistic", features[30:], labels[30:], names(3))
    assert np.array_equal(ours.head.weights, held.head.weights)
    assert ours.accuracies == held.accuracies


def test_a_class_with_fewer_rows_than_parts_is_in_all_of_them():
    features, labels = photos(120, 6, 2)
    labels[[3, 50, 90]] = 2
    found = fit_head(
        "logistic", StoredRows(InMemoryFile(features), np.arange(120), 4), labels, names(3)
    )
    assert found.head.weights.shape == (6, 3) and np.isfinite(found.head.weights).all()
    parts = mixed_parts(labels, np.arange(120), 4)
    assert all({3, 50, 90} <= set(part.tolist()) for part in parts)
    assert sum(len(part) for part in parts) == 117 + 4 * 3


def test_a_head_that_needs_all_features_at_once_says_so():
    features, labels = photos(60, 5, 3)
    with pytest.raises(SightkitError, match=r"exceed the memory.*squared_svm"):
        fit_head("knn", StoredRows(InMemoryFile(features), np.arange(60), 2), labels, names(3))


def test_standardization_is_that_of_the_training_photos_alone():
    """A feature whose scale in the held-out fold is another one shows whose scale was taken."""
    features, labels = photos(150, 20, 3)
    held = [test for _, test in StratifiedKFold(3).split(labels, labels)]
    features[held[0], :10] *= 30
    found = fit_head("logistic", features, labels, names(3), strengths=(0.1,))
    scores = []
    for rows in held:
        train = np.setdiff1d(np.arange(150), rows)
        plain = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=5000, tol=1e-7))
        plain.fit(features[train].astype(np.float64), labels[train])
        scores.append(plain.score(features[rows], labels[rows]))
    assert found.accuracies[0.1] == pytest.approx(np.mean(scores), abs=0.011)


@pytest.mark.parametrize("dimensions", (20, 300))
def test_constant_features_change_nothing(dimensions):
    features, labels = photos(150, dimensions, 3)
    with_constants = np.concatenate([features, np.full((150, 3), 0.1, np.float32)], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = fit_head("logistic", with_constants, labels, names(3)).head
    plain = fit_head("logistic", features, labels, names(3)).head
    assert np.abs(ours.weights[-3:]).max() < 1e-4
    difference = ours.predict_proba(with_constants) - plain.predict_proba(features)
    assert np.abs(difference).max() < 5e-3


def test_a_class_with_fewer_photos_than_folds_is_named():
    features, labels = photos(60, 5, 3)
    labels[labels == 2] = 1
    labels[7] = 2
    with pytest.raises(SightkitError, match=r"3 training photos.*too_few=\{'class 2': 1\}"):
        fit_head("logistic", features, labels, names(3))


@pytest.mark.parametrize(
    ("arguments", "told"),
    (
        ({"kind": "perceptron"}, "A head is one of logistic"),
        ({"kind": "softmax", "multiclass": "ovr"}, "multinomial"),
        ({"kind": "svm", "multiclass": "multinomial"}, "ovr or ovo"),
        ({"kind": "logistic", "strengths": (0.0, 1.0)}, "above 0"),
    ),
)
def test_what_no_head_can_be_is_refused(arguments, told):
    features, labels = photos(30, 5, 3)
    options = {"values": features, "labels": labels, "class_names": names(3), **arguments}
    with pytest.raises(SightkitError, match=told):
        fit_head(**options)


def test_adaboost_refuses_features_that_say_nothing():
    with pytest.raises(SightkitError, match=r"better than chance.*Choose another --head"):
        fit_head("adaboost", np.ones((60, 8), np.float32), np.arange(60) % 2, names(2))


def test_calibrated_heads_are_calibrated_and_predict_the_same():
    """The smallest of equally good Cs leaves a head that is hardly sure of anything."""
    features, labels = photos(240, 30, 3)
    features[np.arange(240), labels] += 40 * features[:, :3].std()
    plain, sure = (
        fit_head(
            "logistic", features[:120], labels[:120], names(3), strengths=(1e-3,), calibrated=flag
        ).head.predict_proba(features[120:])
        for flag in (False, True)
    )
    rows = np.arange(120)
    assert np.array_equal(plain.argmax(axis=1), sure.argmax(axis=1))
    assert plain.max(axis=1).mean() < 0.6 < 0.9 < sure.max(axis=1).mean() < 0.999
    losses = [-np.log(each[rows, labels[120:]]).mean() for each in (plain, sure)]
    assert losses[1] < losses[0] / 3
