"""Processes that TensorFlow's collective operations connect.

They average the gradients before the optimizer applies them; nothing else of a step knows of the
others.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from sightkit import zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit._network import flat_layers
from sightkit.training.cluster import LOST, TF_CONFIG, Cluster
from sightkit.training.group import Group

HEARTBEAT_MS = 6_000
"""Time after which a process that says nothing is lost."""


class TensorFlowGroup(Group):
    """Processes that TensorFlow's collective runtime connects.

    Args:
        cluster: of this process.
        compress: send gradients as bfloat16, half the bytes.
        synchronize: let batch normalization take the statistics of all processes' images.
    """

    averages = True

    def __init__(
        self, cluster: Cluster, *, compress: bool = False, synchronize: bool = False
    ) -> None:
        self.size, self.rank, self.addresses = cluster.size, cluster.rank, cluster.addresses
        self.compress, self.synchronize = compress, synchronize
        os.environ[TF_CONFIG] = cluster.tf_config
        _listen_to_heartbeats(cluster)
        try:  # it starts the server; nothing else of it is used
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (tf.errors.OpError, RuntimeError) as error:
            reason = str(error).splitlines()[0][:200]
            raise SightkitError(
                f"The processes of a training must reach each other: {reason}.",
                "Give each process its own rank, and an address whose port is free.",
                rank=self.rank,
                addresses=self.addresses,
            ) from error
        self._next = 0, 1.0
        self._request = tf.Variable(tf.constant(0.0), trainable=False)
        self._weight = tf.Variable(tf.constant(1.0, tf.float64), trainable=False)
        self._heard = tf.Variable(tf.constant(0.0), trainable=False)

    def sum(self, array: np.ndarray) -> np.ndarray:  # noqa: D102
        if not array.size:
            return array
        with lost_worker_named(self):
            return self._reduce(tf.constant(array)).numpy()

    def _reduce(self, tensor: Any, name: str = "") -> Any:
        return tf.raw_ops.CollectiveReduceV2(
            input=tensor,
            group_size=self.size,
            group_key=1,
            # Of the same number in all processes, and another for another shape.
            instance_key=zlib.crc32(f"{name} {tensor.shape} {tensor.dtype}".encode()) >> 1,
            ordering_token=[],
            merge_op="Add",
            final_op="Id",
            communication_hint="auto",
            timeout_seconds=0.0,
        )

    @contextlib.contextmanager
    def averaging(self, model: keras.Model) -> Iterator[None]:  # noqa: D102
        optimizer, apply = model.optimizer, model.optimizer.apply

        def apply_mean(grads: Sequence[Any], trainable_variables: Any = None) -> None:
            shapes = [variable.shape for variable in trainable_variables or trained]
            apply(self._mean(grads, shapes), trainable_variables)

        trained = model.trainable_variables

        normalizing = [
            layer
            for layer in flat_layers(model)
            if self.synchronize and isinstance(layer, zoo.BatchNormalization)
        ]
        for layer in normalizing:
            layer.sum_over_processes = self._sum_with_gradient
        optimizer.apply = apply_mean
        model.train_function = None
        try:
            with lost_worker_named(self):
                yield
        finally:
            del optimizer.apply
            for layer in normalizing:
                layer.sum_over_processes = None
            model.train_function = None  # it holds the operation that waits for the others

    def _sum_with_gradient(self, vector: Any, name: str) -> Any:
        @tf.custom_gradient
        def summed(local: Any) -> tuple[Any, Callable[[Any], Any]]:
            return self._reduce(local, name), lambda upstream: self._reduce(upstream, f"{name}'")

        return summed(vector)

    def _mean(self, grads: Sequence[Any], shapes: Sequence[Any]) -> list[Any]:
        """Return the means of gradients, which travel as one vector, the request at its end."""
        places = [index for index, each in enumerate(grads) if each is not None]
        sizes = [math.prod(shapes[index]) for index in places]
        flat = [tf.reshape(grads[at], [size]) for at, size in zip(places, sizes, strict=True)]
        vector, kind = tf.concat(flat, axis=0), flat[0].dtype
        vector *= tf.cast(self._weight / self.size, kind)
        vector = tf.concat([vector, tf.cast(self._request, kind)[tf.newaxis]], axis=0)
        total = self._reduce(tf.cast(vector, tf.bfloat16 if self.compress else kind), "gradients")
        *means, heard = tf.split(tf.cast(total, kind), [*sizes, 1])
        self._heard.assign(tf.cast(heard[0], tf.float32))
        found: list[Any] = [None] * len(grads)
        for index, mean in zip(places, means, strict=True):
            found[index] = tf.reshape(mean, shapes[index])
        return found

    def before_step(self, request: int, weight: float = 1.0) -> None:  # noqa: D102
        if (request, weight) != self._next:
            self._next = request, weight
            self._request.assign(float(request))
            self._weight.assign(weight)

    def requested(self, request: int) -> int:  # noqa: D102
        return round(float(self._heard.numpy()))


def _listen_to_heartbeats(cluster: Cluster) -> None:
    """Let TensorFlow notice within seconds that a process is gone."""
    from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
    from tensorflow.python.eager import context

    jobs = [coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=cluster.size)]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader="/job:worker/replica:0/task:0",
        heartbeat_timeout_in_ms=HEARTBEAT_MS,
        coordinated_jobs=jobs,
    )


@contextlib.contextmanager
def lost_worker_named(of: TensorFlowGroup) -> Iterator[None]:
    """Turn TensorFlow's error where a process is gone into one line."""
    gone = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError)
    try:
        yield
    except (*gone, tf.errors.InternalError, tf.errors.DeadlineExceededError) as error:
        tasks = re.findall(r"/job:worker/(?:replica:\d+/)?task:(\d+)", error.message)
        others = sorted({int(task) for task in tasks} - {of.rank})
        who = f"{others[0]} ({of.addresses[others[0]]})" if others else "another"
        raise Interrupted(
            f"Process {who} of {of.size} is gone. Start all again with --resume to go on.", LOST
        ) from error
