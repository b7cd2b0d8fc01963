"""Keras' own callbacks in a training that can be resumed exactly: taken, or refused with ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.callbacks import StatefulCallback

STATELESS = (
    keras.callbacks.LambdaCallback,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.TensorBoard,
    keras.callbacks.TerminateOnNaN,
)
MEMORY: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
}
"""Callbacks of Keras to all that they remember, beside weights."""
OURS = {
    keras.callbacks.ModelCheckpoint: "Leave it out: the best weights and the newest state are in "
    "the run folder's checkpoints; callbacks.EpochCheckpoint(folder, every=5) saves further ones.",
    keras.callbacks.CSVLogger: "Leave it out: history.csv in the run folder is the same.",
    keras.callbacks.BackupAndRestore: "Leave it out: a run goes on where it was stopped.",
    keras.callbacks.History: "Leave it out: fit returns the rows.",
    keras.callbacks.ProgbarLogger: "Leave it out: a line is printed for each epoch.",
}


class Memory(StatefulCallback):
    """What a callback of Keras remembers, in every checkpoint; comes after it in the list.

    The best weights are not in it: ``training.fit`` ends with those of the lowest validation loss.

    Args:
        callback: of a type in ``MEMORY``.
    """

    def __init__(self, callback: Any) -> None:
        super().__init__()
        self.callback = callback
        self._restored: dict[str, Any] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore what Keras' callback has just set to zero."""
        for name, value in self._restored.items():
            setattr(self.callback, name, value)

    def get_state(self) -> dict[str, Any]:
        """Return it as text of JSON, which may hold infinity."""
        kind = type(self.callback)
        memory = {name: getattr(self.callback, name) for name in MEMORY[kind]}
        return {"callback": kind.__name__, "memory": json.dumps(memory, default=float)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Keep it until the training begins.

        Raises:
            SightkitError: the state of another callback.
        """
        if state["callback"] != type(self.callback).__name__:
            raise SightkitError(
                "A run is resumed with its own callbacks.",
                "Give those, or another --output.",
                then=state["callback"],
                now=type(self.callback).__name__,
            )
        self._restored = json.loads(state["memory"])


def resumable(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Return callbacks whose state can be saved, those of Keras with their ``Memory``.

    Exact types are compared: a subclass may have a state where its base has none.

    Raises:
        SightkitError: one that a resume would start anew.
    """
    if not isinstance(callbacks, list | tuple):
        raise SightkitError(
            "callbacks must be a list.", "Write callbacks=[…].", callbacks=type(callbacks).__name__
        )
    found: list[keras.callbacks.Callback] = []
    for callback in callbacks:
        if type(callback) in MEMORY:
            found += [callback, Memory(callback)]
        elif isinstance(callback, StatefulCallback) or type(callback) in STATELESS:
            found.append(callback)
        else:
            raise SightkitError(
                "A callback's state must be saved with the weights, else a resumed run differs.",
                OURS.get(type(callback))
                or "Derive it from sightkit.callbacks.StatefulCallback: get_state returns its "
                "state ({} for none), set_state restores it.",
                callback=type(callback).__name__,
            )
    return found
