from __future__ import annotations

import keras
import pytest

from sightkit._errors import SightkitError
from sightkit.training import fit


class Counter(keras.callbacks.Callback):
    count = 0


@pytest.mark.parametrize(
    "make", (Counter, keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau)
)
def test_a_callback_whose_memory_would_be_lost_is_refused_before_anything_is_done(make):
    callback = make()
    with pytest.raises(SightkitError, match=rf"StatefulCallback|Received: callback={make}"):
        fit(None, None, None, run=None, epochs=1, callbacks=[callback])  # type: ignore[arg-type]
