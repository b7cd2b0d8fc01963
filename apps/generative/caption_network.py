"""A captioner: a pretrained network's maps, and an LSTM that looks at them word by word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from sightkit._errors import SightkitError
from sightkit.apps.generative import captioner_entry  # noqa: F401 - registered needs it
from sightkit.zoo.arguments import drop_rates, positive
from sightkit.zoo.registry import registered
from sightkit.zoo.surgery import body_of

FIRST_HEAD_LAYER = "head_places"
"""What is before it, is the base's; what learns, begins with it."""


class PlaceEmbedding(layers.Layer):
    """Add a learned vector to each place of a map: attention can look for places, too."""

    def build(self, input_shape: Sequence[int]) -> None:
        """Make the vectors, (1, places, channels)."""
        self.vectors = self.add_weight(
            shape=(1, *input_shape[1:]), initializer="random_normal", name="vectors"
        )

    def call(self, inputs: Any) -> Any:
        """Return float (N, places, channels)."""
        return inputs + ops.cast(self.vectors, inputs.dtype)


@registered
def Captioner(
    input_shape: Sequence[int],
    words: int,
    *,
    length: int = 12,
    base: str = "mobilenetv2_0.35",
    base_arguments: Mapping[str, Any] | None = None,
    cut: str | None = "block_13_expand_relu",
    units: int = 192,
    dropout: float = 0.2,
    name: str = "captioner",
) -> keras.Model:
    """A base, cut; each word is chosen by the words before it and by where they make it look.

    ============== ================================================ =================
    layer          kind                                             output for 96x96x3
    ============== ================================================ =================
    (base's)       MobileNetV2-0.35 up to stride 16                 6x6x192
    head_places    dense for each place, learned places added       36x192
    head_state     all places: dense, the LSTM's first state        192
    head_words     embedding of the words before                    length x 192
    head_lstm      LSTM                                             length x 192
    head_look      attention of each state over the places          length x 192
    logits         state and what was looked at: dense              length x words
    ============== ================================================ =================

    Args:
        input_shape: (height, width, channels) of pictures, as the base takes them.
        words: size of the vocabulary, its marks included.
        length: words of a sentence at most, its end included.
        base: name of a classifier of the zoo.
        base_arguments, cut: see ``zoo.Surgery``.
        units: of the LSTM and of all that it is joined with.
        dropout: share dropped of words, of the first state and before ``logits``.
        name: name of the model.

    Returns:
        Uncompiled model of two inputs: float32 (N, H, W, C), and int (N, length) of the words
        before each place; to float32 (N, length, words), logits.

    Raises:
        SightkitError: no such base or layer, one without maps, or an argument out of range.

    Reference:
        Vinyals et al., "Show and tell", 2015, and Xu et al., "Show, attend and tell", 2015 (soft
        attention). Differs on purpose: dot-product attention after the LSTM (Luong et al. 2015), so
        that a sentence is one pass while it is trained.
    """
    positive(words=words, length=length, units=units)
    (rate,) = drop_rates(dropout, 1)
    body = body_of(base, input_shape, base_arguments, cut)
    if len(body.output.shape) != 4:
        raise SightkitError(
            "A captioner needs feature maps with height and width.",
            "Name a layer that has them: cut=…",
            shape=body.output.shape,
        )
    height, width, channels = body.output.shape[1:]
    before = keras.Input((length,), dtype="int32", name="words_before")
    flat = layers.Reshape((height * width, channels), name=FIRST_HEAD_LAYER)(body.output)
    places = layers.Dense(units, activation="relu", name="head_reduced")(flat)
    places = PlaceEmbedding(name="head_place_embedding")(places)
    state = layers.Dense(units // 4, activation="relu", name="head_summary")(places)
    state = layers.Dropout(rate, name="head_state_dropout")(layers.Flatten()(state))
    state = layers.Dense(units, activation="tanh", name="head_state")(state)
    x = layers.Embedding(words, units, name="head_words")(before)
    x = layers.Dropout(rate, name="head_words_dropout")(x)
    lstm = layers.LSTM(units, return_sequences=True, name="head_lstm")
    x = lstm(x, initial_state=[state, state])
    query = layers.Dense(units, name="head_query")(x)
    looked = layers.Attention(use_scale=True, name="head_look")([query, places])
    x = layers.Concatenate(name="head_joined")([x, looked])
    x = layers.Dense(units, activation="relu", name="head_hidden")(x)
    x = layers.Dropout(rate, name="head_dropout")(x)
    logits = layers.Dense(words, name="logits", dtype="float32")(x)
    return keras.Model([body.inputs[0], before], logits, name=name)


def split_captioner(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Return the part from picture to maps, which stays as it is, and the part that learns.

    They share the network's layers.
    """
    features = network.get_layer(FIRST_HEAD_LAYER).input
    body = keras.Model(network.inputs[0], features, name="body")
    learning = keras.Model([features, network.inputs[1]], network.output, name="learning")
    return body, learning
