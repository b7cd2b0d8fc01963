"""Keras' own callbacks in a training that can be resumed exactly: taken, or refused with ours."""

from __future__ import annotations

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


class ResumedCallback(StatefulCallback):
    """A callback of Keras whose memory is part of every checkpoint.

    The best weights are not: ``training.fit`` ends with those of the lowest validation loss.

    Args:
        callback: of a type in ``MEMORY``.
    """

    def __init__(self, callback: Any) -> None:
        super().__init__()
        self.callback = callback
        self._restored: dict[str, Any] | None = None

    def set_model(self, model: keras.Model) -> None:
        """Hand the network on."""
        super().set_model(model)
        self.callback.set_model(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Let Keras set its callback to zero, then remember what the checkpoint holds."""
        self.callback.on_train_begin(logs)
        for name, value in (self._restored or {}).items():
            setattr(self.callback, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Hand it on."""
        self.callback.on_epoch_end(epoch, logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Hand it on."""
        self.callback.on_train_end(logs)

    def get_state(self) -> dict[str, Any]:
        """What the callback remembers; numbers as text, because JSON has no NaN."""
        state = {name: getattr(self.callback, name) for name in MEMORY[type(self.callback)]}
        texts = {
            name: None if value is None else repr(float(value)) for name, value in state.items()
        }
        return {"callback": type(self.callback).__name__, **texts}

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
        whole = {"wait", "best_epoch", "stopped_epoch", "cooldown_counter"}
        self._restored = {
            name: text if text is None else int(float(text)) if name in whole else float(text)
            for name, text in state.items()
            if name != "callback"
        }


def resumable(callbacks: Sequence[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """Return callbacks whose state can be saved, those of Keras wrapped.

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
            found.append(ResumedCallback(callback))
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
