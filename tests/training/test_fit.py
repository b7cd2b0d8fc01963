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
def test_a_callback_without_saved_state_is_refused_before_work(make):
    callback = make()
    with pytest.raises(SightkitError, match=rf"StatefulCallback|Received: callback={make}"):
        fit(None, None, None, run=None, epochs=1, callbacks=[callback])  # type: ignore[arg-type]
