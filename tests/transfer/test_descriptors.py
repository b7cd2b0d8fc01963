"""Features made by hand, against what their papers define."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sightkit import transfer
from sightkit._errors import SightkitError
from sightkit.io import write_png
from sightkit.transfer.approximate_neighbours import index_cost

RNG = np.random.default_rng(1)
PHOTOS = [RNG.integers(0, 256, (40 + n, 60, 3), np.uint8) for n in range(6)]
DESCRIPTORS = (
    (transfer.Pixels(8), 192),
    (transfer.ColourHistogram(4), 64),
    (transfer.HOG(32), 324),
    (transfer.LocalBinaryPatterns(32), 944),
    (transfer.VisualWords(5, side=32), 5),
)
every = pytest.mark.parametrize(("descriptor", "dimensions"), DESCRIPTORS)


@every
def test_each_photo_is_a_row_of_finite_numbers(descriptor, dimensions, tmp_path):
    write_png(tmp_path / "photo.png", PHOTOS[0])
    found = clone(descriptor).fit(PHOTOS)
    rows = found.transform(PHOTOS)
    assert rows.shape == (6, dimensions) == (6, found.n_features_out_)
    assert rows.dtype == np.float32 and np.isfinite(rows).all()
    assert len(found.get_feature_names_out()) == dimensions
    np.testing.assert_array_equal(found.transform([tmp_path / "photo.png"]), rows[:1])
    grey = [photo[:, :, :1] for photo in PHOTOS]
    assert np.isfinite(clone(descriptor).fit(grey).transform(grey)).all()


@every
def test_what_is_no_photo_is_named(descriptor, dimensions, tmp_path):
    (tmp_path / "no.jpg").write_bytes(b"text")
    with pytest.raises(SightkitError, match=r"no\.jpg"):
        clone(descriptor).fit(PHOTOS).transform([tmp_path / "no.jpg"])


def test_colours_count_and_places_do_not():
    half = np.zeros((20, 20, 3), np.uint8)
    half[:10] = (255, 0, 0)
    found = transfer.ColourHistogram(8).fit_transform([half, half[::-1], half[:, ::-1]])
    assert sorted(found[0][found[0] > 0]) == [0.5, 0.5]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_patterns_are_those_of_the_definition():
    """Counted pixel by pixel; 58 patterns change at most twice around."""
    side = 16
    image = RNG.integers(0, 256, (side, side, 1), np.uint8)
    found = transfer.LocalBinaryPatterns(side).fit_transform([image])[0].reshape(16, 59)
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)
    others = 0
    around = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
    for y in range(4, 8):
        for x in range(4, 8):
            bits = [image[y + dy, x + dx, 0] >= image[y, x, 0] for dy, dx in around]
            others += sum(bits[n] != bits[n - 1] for n in range(8)) > 2
    assert found[5, 58] == pytest.approx(others / 16)


def test_patterns_do_not_see_brightness():
    grey = [photo[:, :, :1] // 2 for photo in PHOTOS]
    found = transfer.LocalBinaryPatterns(32).fit(grey)
    brighter = found.transform([each + 50 for each in grey])
    np.testing.assert_array_equal(found.transform(grey), brighter)


def test_a_pipeline_learns_stripes():
    """Across from along: nothing but directions tells the two apart."""
    photos = []
    for number in range(40):
        image = np.zeros((32, 32, 3), np.uint8)
        image[RNG.integers(4) :: 8] = 200
        photos.append(image if number % 2 else image.transpose(1, 0, 2))
    labels = np.arange(40) % 2
    for descriptor in (transfer.HOG(32), transfer.VisualWords(8, side=32)):
        model = make_pipeline(descriptor, LogisticRegression())
        assert model.fit(photos[:20], labels[:20]).score(photos[20:], labels[20:]) == 1


@pytest.mark.parametrize("metric", ["manhattan", "euclidean"])
def test_an_index_finds_most_of_the_nearest(metric):
    samples = RNG.random((400, 20), np.float32)
    cost = index_cost(samples, samples[:50], 1, metric)
    assert 0.9 < cost.found <= 1  # each is its own nearest
    assert cost.megabytes > 0 and cost.sample_megabytes == samples.nbytes / 2**20
    assert "finds" in str(cost)
