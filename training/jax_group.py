"""Processes that ``jax.distributed`` connects.

``keras.distribution`` divides the batch, and JAX's compiler puts the sums in.
"""

from __future__ import annotations

import keras
import numpy as np
from jax.experimental import multihost_utils

from sightkit.training.cluster import Cluster
from sightkit.training.group import Group


class JaxGroup(Group):
    """Processes that ``jax.distributed`` connects; each step sees the global batch.

    Args:
        cluster: of this process.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.size, self.rank = cluster.size, cluster.rank
        addresses = ",".join(cluster.addresses)
        keras.distribution.initialize(addresses, cluster.size, cluster.rank)
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )

    def sum(self, array: np.ndarray) -> np.ndarray:  # noqa: D102
        every = np.asarray(multihost_utils.process_allgather(array))
        return every.reshape(self.size, *array.shape).sum(axis=0, dtype=array.dtype)

    def requested(self, request: int) -> int:  # noqa: D102
        return 0  # a signal is heard when an epoch ends
