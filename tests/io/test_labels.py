from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.io import class_weights, decode_labels, encode_labels, one_hot
from sightkit.io.labels import are_shares


@pytest.mark.slow
@given(st.lists(st.text(max_size=5), min_size=1))
def test_names_become_indices_into_a_sorted_list_and_come_back(names):
    labels, class_names = encode_labels(names)
    assert labels.dtype == np.int64
    assert list(class_names) == sorted(set(names))
    assert decode_labels(labels, class_names) == names


def test_the_list_of_the_training_set_is_kept():
    labels, class_names = encode_labels(["b", "a"], ("c", "b", "a"))
    assert (labels.tolist(), class_names) == ([1, 2], ("c", "b", "a"))


@pytest.mark.parametrize(
    ("names", "class_names", "told"),
    ((["a", "lion"], ("a", "b"), "unknown='lion'"), (["a"], ("a", "b", "a"), "twice")),
)
def test_unknown_and_duplicate_names_are_refused(names, class_names, told):
    with pytest.raises(SightkitError, match=told):
        encode_labels(names, class_names)


def test_one_hot_equals_keras_with_two_columns_for_two_classes():
    import keras

    labels = np.array([1, 0, 2, 2])
    rows = one_hot(labels, 4)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, keras.utils.to_categorical(labels, 4))
    assert one_hot([0, 1], 2).shape == (2, 2)
    assert one_hot([], 3).shape == (0, 3)


@pytest.mark.parametrize("labels", ([-1], [3], [0.5], [[0, 1]], ["a"]))
def test_what_is_no_label_is_refused(labels):
    for use in (lambda: one_hot(labels, 3), lambda: decode_labels(labels, ("a", "b", "c"))):
        with pytest.raises(SightkitError, match=r"[Ll]abels must"):
            use()


@given(st.lists(st.integers(0, 4), min_size=1))
def test_class_weights_are_those_of_scikit_learn(values):
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.concatenate([np.arange(5), values])  # each class is there
    expected = compute_class_weight("balanced", classes=np.arange(5), y=labels)
    weights = class_weights(labels)
    assert list(weights) == list(range(5))
    assert all(type(weight) is float for weight in weights.values())
    np.testing.assert_allclose(list(weights.values()), expected)
    assert sum(weights[label] for label in labels.tolist()) == pytest.approx(len(labels))


def test_a_class_without_samples_has_no_weight():
    with pytest.raises(SightkitError, match=r"without=\[1, 3\]"):
        class_weights([0, 2], 4)
    with pytest.raises(SightkitError, match="at least one label"):
        class_weights([])


@pytest.mark.parametrize(
    ("rows", "are"),
    (
        ([[1, 0], [0, 1]], True),
        ([[0.3, 0.7]], True),
        (np.array([[0.3331, 0.3331, 0.3331]], np.float16), True),
        ([[1, 1], [0, 1]], False),
        ([[1.5, -0.5]], False),
        ([[0, 0]], False),
        ([[np.nan, 1]], False),
    ),
)
def test_shares_are_from_0_and_sum_to_1(rows, are):
    assert are_shares(np.asarray(rows)) is are
