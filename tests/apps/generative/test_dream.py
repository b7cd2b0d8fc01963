from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.generative import Backbone, Dreamer, DreamSettings, zoom
from sightkit.apps.generative.dream import octave_sizes, tiles
from sightkit.apps.generative.picture_flags import made_up_network

QUICK = DreamSettings(octaves=2, steps=5, jitter=4)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return Backbone(made_up_network(), ["block2_conv1"])


def waves(height: int, width: int, period: float = 9) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    shades = np.stack([rows + columns, rows - columns, columns], axis=-1) / period
    return (127 + 60 * np.sin(shades)).astype(np.uint8)


def test_a_dream_climbs_in_every_octave(backbone):
    steps = []
    found = Dreamer(backbone, [1.0]).dream(waves(64, 80), QUICK, steps.append)
    assert found.shape == (64, 80, 3) and found.dtype == np.uint8
    assert [(each.octave, each.step) for each in steps] == [
        (o, s) for o in (0, 1) for s in range(5)
    ]
    losses = np.array([each.loss for each in steps]).reshape(2, 5)
    assert losses[0, 0] == pytest.approx(1, abs=0.1) and (losses[:, -1] > losses[:, 0]).all()


def test_a_negative_weight_drives_away(backbone):
    steps = []
    Dreamer(backbone, [-1.0]).dream(waves(64, 80), QUICK, steps.append)
    assert steps[0].loss < 0 and steps[4].loss > steps[0].loss


def test_the_same_seed_gives_the_same_dream(backbone):
    dreamer, picture = Dreamer(backbone, [1.0]), waves(48, 64)
    first = dreamer.dream(picture, QUICK)
    np.testing.assert_array_equal(first, dreamer.dream(picture, QUICK))
    other = dreamer.dream(picture, DreamSettings(octaves=2, steps=5, jitter=4, seed=1))
    assert (first != other).any()


def test_details_that_a_small_octave_lost_come_back(backbone):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    gentle = DreamSettings(octaves=3, steps=1, rate=0.01)
    found = Dreamer(backbone, [1.0]).dream(picture, gentle).astype(int)
    assert np.abs(found - picture).max() <= 1


def test_a_guide_leads_to_what_it_shows(backbone):
    guide, picture = waves(64, 64, period=2), waves(64, 80)
    steps = []
    guided = Dreamer(backbone, [1.0], guide).dream(picture, QUICK, steps.append)
    assert steps[4].loss > steps[0].loss
    assert (guided != Dreamer(backbone, [1.0]).dream(picture, QUICK)).any()


def test_large_pictures_are_seen_in_tiles_of_one_size(backbone):
    dreamer, seen = Dreamer(backbone, [1.0]), set()
    climb = dreamer._climb

    def watched(part, *arguments):
        seen.add(part.shape)
        return climb(part, *arguments)

    dreamer._climb = watched
    found = dreamer.dream(waves(150, 100), DreamSettings(octaves=1, steps=2, tile=64))
    assert seen == {(64, 64, 3)} and found.shape == (150, 100, 3)


def test_tiles_cover_every_pixel():
    for size in ((64, 64), (65, 200), (10, 130)):
        covered = np.zeros(size, int)
        for rows, columns in tiles(*size, 64):
            covered[rows, columns] += 1
        assert covered.min() == 1


def test_octaves_that_are_too_small_are_left_out():
    settings = DreamSettings(octaves=4, octave_scale=2)
    assert octave_sizes((100, 130), settings) == [(50, 65), (100, 130)]
    assert octave_sizes((40, 60), settings) == [(40, 60)]


def test_a_tiny_picture_is_refused(backbone):
    with pytest.raises(SightkitError, match=r"32 pixels.*--size 512"):
        Dreamer(backbone, [1.0]).dream(waves(20, 90))


def test_a_loss_that_is_no_number_stops_the_dream(backbone):
    with pytest.raises(SightkitError, match="loss=nan"):
        Dreamer(backbone, [np.nan]).dream(waves(48, 64), QUICK)


def test_a_flight_goes_on_from_its_last_frame(backbone):
    frames = [*zoom(Dreamer(backbone, [1.0]), waves(48, 64), QUICK, 3)]
    assert len(frames) == 3 and {each.shape for each in frames} == {(48, 64, 3)}
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()
