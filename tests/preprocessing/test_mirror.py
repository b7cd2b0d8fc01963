"""An image and its mirror image."""

from __future__ import annotations

import numpy as np

from sightkit.preprocessing import ImageToArrayPreprocessor, MirrorPreprocessor, Pipeline


def test_left_and_right_are_exchanged_and_nothing_else(photo):
    both = MirrorPreprocessor()(photo)
    np.testing.assert_array_equal(both[0], photo)
    np.testing.assert_array_equal(both[1], photo[:, ::-1])


def test_steps_after_it_see_two_images(photo):
    chain = Pipeline((MirrorPreprocessor(), ImageToArrayPreprocessor()))
    found = chain.batch(np.stack([photo, photo]))
    assert found.shape == (2, 2, *photo.shape)
    np.testing.assert_array_equal(found[1], chain(photo))
