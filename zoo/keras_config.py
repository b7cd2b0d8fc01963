"""The JSON of a Keras network: checked against an allow-list before anything is built.

Keras' own reader imports whatever module a configuration names, and ``safe_mode`` refuses Lambda
alone. So a configuration is rewritten here, value by value, as one that names classes of the
lists below and holds plain values otherwise; only the rewritten one is given to Keras. No Keras
here: a bundle is checked before Keras starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightkit._errors import SightkitError

LAYERS = frozenset(
    """
    Activation ELU LeakyReLU PReLU ReLU Softmax
    AdditiveAttention Attention GroupQueryAttention MultiHeadAttention
    Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D
    DepthwiseConv2D SeparableConv1D SeparableConv2D
    Dense EinsumDense Embedding Identity InputLayer Masking
    Add Average Concatenate Dot Maximum Minimum Multiply Subtract
    BatchNormalization GroupNormalization LayerNormalization RMSNormalization SpectralNormalization
    UnitNormalization
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D
    AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D MaxPooling1D MaxPooling2D MaxPooling3D
    AutoContrast CenterCrop Equalization RandomBrightness RandomColorDegeneration RandomColorJitter
    RandomContrast RandomCrop RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue
    RandomInvert RandomPerspective RandomPosterization RandomRotation RandomSaturation
    RandomSharpness RandomShear RandomTranslation RandomZoom Resizing Solarization
    Normalization Rescaling
    ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise SpatialDropout1D
    SpatialDropout2D SpatialDropout3D
    Cropping1D Cropping2D Cropping3D Flatten Permute RepeatVector Reshape UpSampling1D UpSampling2D
    UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN SimpleRNN
    SimpleRNNCell StackedRNNCells TimeDistributed
    """.split()
)
ARGUMENTS = {
    "keras.initializers": frozenset(
        "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform "
        "Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros".split()
    ),
    "keras.regularizers": frozenset("L1 L2 L1L2 OrthogonalRegularizer".split()),
    "keras.constraints": frozenset("MaxNorm MinMaxNorm NonNeg UnitNorm".split()),
    "keras.random": frozenset({"SeedGenerator"}),
}
"""Classes that are arguments of layers, by their module."""
ALIASES = {
    "OrthogonalInitializer": "Orthogonal",
    "IdentityInitializer": "Identity",
    "Functional": "Model",
    "sightkit>BatchNormalization": "BatchNormalization",  # in .h5, without a module
}
NETWORKS = frozenset({"Model", "Sequential"})
OPERATIONS = {"keras.src.ops.numpy": frozenset("Add Divide Multiply Subtract TrueDivide".split())}
"""Written as x + y: read where Keras wrote it, and replaced by layers in what is stored."""
ENGINES = ("keras", "keras.models", "keras.src.models.", "keras.src.engine.", "keras.engine.")
"""Modules that networks were ever said to be of."""
SAME: dict[tuple[Any, Any], str] = {
    ("sightkit.zoo.batch_normalization", "sightkit>BatchNormalization"): "keras.layers"
}
"""Ours are the same mathematics and weights, see ``zoo.BatchNormalization``."""
NAMED = ("module", "registered_name", "name")
KEYS = {"module", "class_name", "config", "registered_name", "name", "inbound_nodes"}
MERGED = {"lora_rank", "lora_alpha"}
"""Keras writes merged weights."""
DROPPED = {"build_config", "compile_config", "shared_object_id"}
KERNEL = {f"kernel_{what}" for what in ("initializer", "regularizer", "constraint")}
GONE = {
    "DepthwiseConv2D": {"groups"},
    "SeparableConv2D": {"groups", *KERNEL},
    "Conv2DTranspose": {"groups"},
    **{name: {"time_major"} for name in ("LSTM", "GRU", "SimpleRNN")},
}
"""Arguments that Keras 2 wrote and Keras 3 no longer takes; they changed nothing."""
MOST_VALUES, MOST_DEPTH, MOST_LAYERS, MOST_TEXT = 500_000, 40, 5_000, 1_000
WAY = (
    "Put layers of keras.layers in its place, and give the new network the weights: "
    "new.set_weights(old.get_weights())."
)


def checked_config(
    description: Any, *, nested: bool = False, network: bool = True
) -> dict[str, Any]:
    """Return a network's description as one that names layers of ``keras.layers`` and no others.

    Floating-point precisions become float32, and all that belongs to building, compiling and
    sharing between networks is left out.

    Args:
        description: JSON: class_name, config, and what else Keras writes of a network.
        nested: whether networks may be layers, as in files that Keras wrote.
        network: False for the description of one layer.

    Raises:
        SightkitError: a class that is not on the list (it is named), or a description that is
            damaged, too large or too deep.
    """
    found = _Reader(nested).entry(description, "network", 0)
    if network != (found["class_name"] in NETWORKS):
        raise _damaged("it must be of a network", class_name=found["class_name"])
    return found


class _Reader:
    """Rewrites values, and counts them."""

    def __init__(self, nested: bool) -> None:
        self.nested = nested
        self.values = self.layers = 0

    def value(self, value: Any, key: str, depth: int) -> Any:
        """Rewrite any value; ``key`` is the argument that it is of."""
        self.values += 1
        if self.values > MOST_VALUES or depth > MOST_DEPTH:
            raise _damaged("it is too large or too deep", values=self.values, depth=depth)
        if isinstance(value, Mapping):
            if "class_name" in value:
                return self.entry(value, key, depth)
            return {self.text(k): self.value(v, k, depth + 1) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each, key, depth + 1) for each in value]
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, (bool, int, float)):
            if isinstance(value, bool) or value is None or abs(value) < 2**62:
                return value
            raise _damaged("its numbers must be finite", key=key)
        raise _damaged("it must be plain JSON", key=key, type=type(value).__name__)

    def text(self, text: Any) -> str:
        """Check a name: those of registered objects hold a >."""
        if not isinstance(text, str) or len(text) > MOST_TEXT:
            raise _damaged("names must be short texts", type=type(text).__name__)
        if ">" in text:
            raise refused("function or class that was registered", text)
        return text

    def entry(self, entry: Any, key: str, depth: int) -> Any:
        """Rewrite the description of an object: layer, network, argument of a layer."""
        if not isinstance(entry, Mapping) or not isinstance(entry.get("class_name"), str):
            raise _damaged("an object must have a class_name", key=key)
        if not all(isinstance(entry.get(each), str | None) for each in NAMED):
            raise _damaged("an object's names must be texts", key=key)
        name, config = str(entry["class_name"]), entry.get("config")
        special = _special(name, entry)
        if special is not None:
            return self.value(special, key, depth + 1)
        if name == "__keras_tensor__":
            self.layers += 1
            return {"class_name": name, "config": self.value(config, key, depth + 1)}
        name = ALIASES.get(name, name)
        if not isinstance(config, Mapping) or not set(entry) <= KEYS | DROPPED:
            raise _damaged("an object must have a config", class_name=name)
        module = self.module(name, entry, key, depth)
        found = {
            "module": module,
            "class_name": name,
            "config": self.config(name, module, config, depth),
            "registered_name": None,
        }
        for part in ("name", "inbound_nodes"):
            if part in entry:
                found[part] = self.value(entry[part], part, depth + 1)
        return found

    def module(self, name: str, entry: Mapping[str, Any], key: str, depth: int) -> str:
        """Return the module of a class that is on the lists; count layers."""
        module, registered = entry.get("module"), entry.get("registered_name")
        given = module
        if (module, registered) in SAME:
            module, registered = SAME[module, registered], None
        kind = key.rpartition("_")[2]
        if module is None:  # a legacy file: the argument tells
            module = f"keras.{kind}s" if f"keras.{kind}s" in ARGUMENTS else "keras.layers"
            module = "keras" if name in NETWORKS else module
            if set(entry.get("config") or {}) <= {"name"}:  # a layer has more
                module = next((m for m in OPERATIONS if name in OPERATIONS[m]), module)
        if name in NETWORKS and str(module).startswith(ENGINES):
            module = "keras"
            if depth and not self.nested:
                raise _damaged("no layer may be a network", layer=entry.get("name"))
        allowed = ARGUMENTS | {"keras.layers": LAYERS, "keras": NETWORKS}
        if self.nested:
            allowed |= OPERATIONS
        plain = registered in (None, name, entry["class_name"])
        if name not in allowed.get(module, ()) or not plain:
            shown = f"{given}.{name}" if given else name
            shown = shown if registered in (None, name) else registered
            if not depth:
                raise refused_network(str(shown))
            layer = entry.get("name") or entry["config"].get("name")
            raise refused(f"layer {layer!r}" if layer else key, str(shown))
        self.layers += module == "keras.layers"
        if self.layers > MOST_LAYERS:
            raise _damaged("it has too many layers", most=MOST_LAYERS)
        return module

    def config(self, name: str, module: str, config: Mapping[str, Any], depth: int) -> Any:
        """Rewrite the arguments of an object."""
        found = {
            self.text(key): self.value(value, key, depth + 1)
            for key, value in config.items()
            if key not in MERGED | GONE.get(name, set()) | {"dtype", "batch_input_shape"}
        }
        if module != "keras.layers":
            return found
        shape = self.value(config.get("batch_input_shape"), "batch_shape", depth)
        found["dtype"] = "float32"
        if name == "InputLayer":
            shape = shape or found.get("batch_shape")
            if not isinstance(shape, list) or not shape:
                raise _damaged("an input must have a shape", shape=shape)
            found["batch_shape"] = [None, *shape[1:]]
        elif isinstance(found.get("axis"), list) and len(found["axis"]) == 1:
            found["axis"] = found["axis"][0]
        return found


def _special(name: str, entry: Mapping[str, Any]) -> Any:
    """Return the plain value of an object that stands for one; None for others."""
    config = entry.get("config")
    if name == "function":
        module, registered = entry.get("module"), entry.get("registered_name")
        known = module in ("builtins", "keras.activations") and registered in (None, config)
        if not known or not isinstance(config, str):
            own = ">" in str(registered)
            raise refused("function", str(registered) if own else f"{module}.{config}")
        return config
    if name in ("__tuple__", "TensorShape"):
        items = entry.get("items")
        return items if isinstance(items, list) else []
    if name == "DTypePolicy":
        return "float32"
    return None


def refused(place: str, name: str) -> SightkitError:
    """Return the error for a layer or function that is not on the lists."""
    return SightkitError(
        "A network is stored as layers of keras.layers, without Lambda, custom layers and "
        "functions.",
        WAY,
        **{"found": name, "in": place},
    )


def refused_network(name: str) -> SightkitError:
    """Return the error for a network whose layers are known to its own code alone."""
    return SightkitError(
        "A network is stored by its layers, and those of a subclassed one are known to its own "
        "code alone.",
        "In Python give the network that they make to training.save_bundle: "
        "x = keras.Input(shape); keras.Model(x, network.call(x)).",
        network=name,
    )


def _damaged(reason: str, **received: object) -> SightkitError:
    return SightkitError(
        f"The description of the network cannot be used: {reason}.",
        "Save the network again, or a smaller one.",
        **received,
    )
