"""Which samples preflight looks at."""

from __future__ import annotations

import numpy as np

from sightkit.io import HDF5DatasetGenerator
from sightkit.training.checks.report import FAILED, PASSED, WARNED, Line, Preflight
from sightkit.training.checks.samples import class_indices, read, some


def test_batches_are_spread_over_the_epoch_and_the_epoch_stays(write_dataset):
    path = write_dataset(train=400, validation=10)
    data = HDF5DatasetGenerator(path, 4, shuffle=False)
    found = read(data)
    assert found is not None
    assert len(found.images) == 48  # twelve of a hundred batches
    assert set(found.images[[0, -1], -1, -1, 0]) == {0, 399 % 256}
    assert found.complete
    assert len(found.all_labels) == 400
    assert found.class_names == ("class 0", "class 1", "class 2")
    assert (data._epoch, len(data)) == (-1, 100)


def test_samples_are_different_and_of_all_classes():
    images = np.arange(60, dtype="float32").reshape(60, 1)
    images[1:10] = images[0]  # copies
    labels = np.repeat([0, 1, 2], (40, 15, 5))
    chosen = some(read((images, labels)), 9)
    assert sorted(chosen[1].tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(np.unique(chosen[0])) == 9
    assert len(some(read((images, labels)), 100)[0]) == 51


def test_arrays_are_read_too_and_iterators_are_not():
    found = read((np.zeros((3000, 2)), np.zeros(3000)))
    assert len(found.images) == 1024
    assert read(iter([(np.zeros(1), np.zeros(1))])) is None
    assert read([{"x": 1}]) is None


def test_classes_of_any_form_of_label():
    assert class_indices(np.array([2, 0])) == [2, 0]
    assert class_indices(np.array([[1], [0]])) == [1, 0]
    assert class_indices(np.array([[0.1, 0.9], [0.7, 0.3]])) == [1, 0]
    assert class_indices(np.zeros((3, 4, 4))) == [0, 0, 0]


def test_the_report_knows_its_lines():
    lines = (
        Line(PASSED, "well", name="a"),
        Line(WARNED, "word " * 40, "do", "b"),
        Line(FAILED, "ill", "heal", "c"),
    )
    result = Preflight(lines, (("d", "no file"),), 1.25)
    assert result.failed
    assert not Preflight(lines[:2]).failed
    assert "b" in result
    assert "d" not in result
    text = str(result).splitlines()
    assert text[0] == "Preflight: 1 passed, 1 warned, 1 failed, 1 not made (1.2 s)."
    assert text[1] == "  passed    a  well"
    assert text[-1] == "  not made  d  no file"
    assert max(map(len, text)) <= 100
