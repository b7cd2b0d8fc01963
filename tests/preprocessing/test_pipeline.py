from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    Augment,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
    from_config,
)


def test_the_steps_are_taken_in_order(photo):
    to_grey, shrink = GrayscalePreprocessor(), SimplePreprocessor(16, 12)
    chain = Pipeline((to_grey, shrink, ImageToArrayPreprocessor()))
    expected = ImageToArrayPreprocessor()(shrink(to_grey(photo)))
    assert np.array_equal(chain(photo), expected)


def test_another_order_is_another_chain(photo):
    first, second = SimplePreprocessor(5, 5), SimplePreprocessor(8, 8)
    assert Pipeline((first, second))(photo).shape == (8, 8, 3)
    assert Pipeline((second, first))(photo).shape == (5, 5, 3)
    assert Pipeline((first, second)) != Pipeline((second, first))


def test_no_steps_change_nothing(photo):
    assert np.array_equal(Pipeline()(photo), photo)
    assert np.array_equal(Pipeline().batch(photo[np.newaxis]), photo[np.newaxis])


def test_any_iterable_gives_the_steps_once():
    chain = Pipeline(step for step in (GrayscalePreprocessor(), SimplePreprocessor(2, 2)))
    assert len(chain.steps) == 2
    assert isinstance(chain.steps, tuple)


def test_a_chain_may_hold_a_chain(photo):
    nested = Pipeline((Pipeline((GrayscalePreprocessor(),)), SimplePreprocessor(6, 6)))
    again = from_config(nested.to_config())
    assert again == nested
    assert np.array_equal(again(photo), nested(photo))


@pytest.mark.parametrize("step", (Augment(), Augment(rotation=5), np.negative, None, "Pipeline"))
def test_a_random_step_and_what_is_no_preprocessor_are_refused(step):
    with pytest.raises(SightkitError, match="augment="):
        Pipeline((GrayscalePreprocessor(), step))


def test_the_steps_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Pipeline().steps = (GrayscalePreprocessor(),)


def test_a_config_of_a_chain_with_a_random_step_is_refused():
    config = {"name": "Pipeline", "steps": [Augment().to_config()]}
    with pytest.raises(SightkitError, match="random"):
        from_config(config)


@pytest.mark.parametrize("fields", ({}, {"step": []}, {"steps": [], "nonsense": 1}))
def test_a_config_without_steps_or_with_unknown_fields_is_refused(fields):
    with pytest.raises(SightkitError):
        from_config({"name": "Pipeline", **fields})
