"""Several processes that train one network, each under Keras' own ``fit``."""

from __future__ import annotations

import keras

from sightkit._errors import SightkitError
from sightkit.training.cluster import find_cluster
from sightkit.training.group import ALONE, Group
from sightkit.training.run_config import Engine

_group = ALONE


def group() -> Group:
    """Return the processes that train together, as ``connect_processes`` has connected them."""
    return _group


def connect_processes(
    engine: Engine, *, compress: bool = False, synchronize: bool = False
) -> Group:
    """Connect the processes that the environment names; call it before anything uses Keras.

    Args:
        engine: ``auto`` for that of Keras' backend where there are other processes; ``none`` for
            this process alone.
        compress: send gradients as bfloat16; on TensorFlow.
        synchronize: let batch normalization take the statistics of all processes' images; on JAX it
            always does.

    Raises:
        SightkitError: an engine that is not the backend's, or no cluster where one was named.
    """
    global _group
    cluster = None if engine == "none" else find_cluster()
    backend = keras.backend.backend()
    if engine not in ("none", "auto", backend):
        raise SightkitError(
            "--distribute must name Keras' backend.",
            f"Give --distribute {backend}, or set KERAS_BACKEND={engine}.",
            distribute=engine,
            backend=backend,
        )
    if cluster is None:
        if engine in ("tensorflow", "jax"):
            raise SightkitError(
                "No other process is named: neither TF_CONFIG nor Slurm's or SkyPilot's variables.",
                "Leave --distribute out; sightkit launch starts several processes on this machine.",
                distribute=engine,
            )
        return _group
    if _group is ALONE and backend == "tensorflow":
        from sightkit.training.tensorflow_group import TensorFlowGroup

        _group = TensorFlowGroup(cluster, compress=compress, synchronize=synchronize)
    elif _group is ALONE:
        from sightkit.training.jax_group import JaxGroup

        _group = JaxGroup(cluster)
    return _group
