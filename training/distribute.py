"""Several processes that train one network, each under Keras' own ``fit``; one alone by default.

TensorFlow's collective operations average the gradients before the optimizer applies them; nothing
else of a step knows of the others. On JAX ``keras.distribution`` divides the batch, and its
compiler puts the sums in. Only this file names the engines.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from sightkit import zoo
from sightkit._errors import Interrupted, SightkitError
from sightkit._network import flat_layers
from sightkit.training.cluster import LOST, TF_CONFIG, Cluster, find_cluster
from sightkit.training.run_config import Engine

HEARTBEAT_MS = 6_000
"""Time after which a process that says nothing is lost."""
STOP, SAVE = 2, 1
"""What a process can ask the others for after a step."""


class Group:
    """The processes of a training; this class is the one alone, which has nobody to ask.

    Attributes:
        size: number of processes.
        rank: which of them this is, from 0.
        averages: whether each has metrics and batch statistics of its own, to be brought together.
    """

    size, rank = 1, 0
    averages = False

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def sum(self, array: np.ndarray) -> np.ndarray:
        """Return the sum of an array of all processes, float32, float64, int32 or int64."""
        return array

    def gather(self, array: np.ndarray) -> np.ndarray:
        """Return the arrays of all processes, bit by bit, (size, …)."""
        data = array.tobytes()
        rows = np.zeros((self.size, -(-len(data) // 4)), np.int32)
        rows[self.rank] = np.frombuffer(data.ljust(4 * rows.shape[1], b"\0"), np.int32)
        found = [row.tobytes()[: len(data)] for row in self.sum(rows)]
        return np.stack([np.frombuffer(row, array.dtype).reshape(array.shape) for row in found])

    def send(self, data: bytes) -> bytes:
        """Return the bytes that the first process gives."""
        length = int(self.sum(np.array([len(data) * self.is_first]))[0])
        words = np.zeros(-(-length // 4), np.int32)
        if self.is_first:
            words = np.frombuffer(data.ljust(4 * len(words), b"\0"), np.int32)
        return self.sum(words).tobytes()[:length]

    def describe(self, facts: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the facts, JSON, of each process."""
        data = json.dumps(facts).encode()
        longest = int(self.gather(np.array([len(data)])).max())
        rows = self.gather(np.frombuffer(data.ljust(longest), np.uint8))
        return [json.loads(row.tobytes()) for row in rows]

    @contextlib.contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Let the first process pass the block before the others: it builds what all read."""
        if not self.is_first:
            self.sum(np.zeros(1))
        yield
        if self.is_first:
            self.sum(np.zeros(1))

    @contextlib.contextmanager
    def averaging(self, model: keras.Model) -> Iterator[None]:
        """Let the optimizer of a network apply the mean of all processes' gradients."""
        yield

    def before_step(self, request: int, weight: float = 1.0) -> None:
        """Prepare a step.

        Args:
            request: ``STOP``, ``SAVE`` or both, of all.
            weight: of this process's gradients: its share of the batch, times the number of shares.
        """

    def requested(self, request: int) -> int:
        """Return what was asked for, by any process, with the last step; ``request`` of one alone.

        It is ``STOP`` or more where one asked to stop.
        """
        return request


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
        import tensorflow as tf

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
        self._request = tf.Variable(tf.constant(0.0), trainable=False)
        self._weight = tf.Variable(tf.constant(1.0, tf.float64), trainable=False)
        self._heard = tf.Variable(tf.constant(0.0), trainable=False)

    def sum(self, array: np.ndarray) -> np.ndarray:  # noqa: D102
        import tensorflow as tf

        if not array.size:
            return array
        with lost_worker_named(self):
            return self._reduce(tf.constant(array), f"{array.shape} {array.dtype}").numpy()

    def _reduce(self, tensor: Any, about: str) -> Any:
        import tensorflow as tf

        return tf.raw_ops.CollectiveReduceV2(
            input=tensor,
            group_size=self.size,
            group_key=1,
            # Of the same number in all processes, and another for another shape.
            instance_key=zlib.crc32(about.encode()) >> 1,
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
            apply(self._mean(grads), trainable_variables)

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
        import tensorflow as tf

        @tf.custom_gradient
        def summed(local: Any) -> tuple[Any, Callable[[Any], Any]]:
            return self._reduce(local, name), lambda upstream: self._reduce(upstream, f"{name}'")

        return summed(vector)

    def _mean(self, grads: Sequence[Any]) -> list[Any]:
        """Return the means of gradients, which travel as one vector, the request at its end."""
        import tensorflow as tf

        given = [tf.convert_to_tensor(each) for each in grads if each is not None]
        sizes, kind = [each.shape.num_elements() for each in given], given[0].dtype
        vector = tf.concat([tf.reshape(each, [-1]) for each in given], axis=0)
        vector *= tf.cast(self._weight / self.size, kind)
        vector = tf.concat([vector, tf.cast(self._request, kind)[tf.newaxis]], axis=0)
        total = self._reduce(tf.cast(vector, tf.bfloat16 if self.compress else kind), "gradients")
        *means, heard = tf.split(tf.cast(total, kind), [*sizes, 1])
        self._heard.assign(tf.cast(heard[0], tf.float32))
        shaped = iter(
            [tf.reshape(mean, each.shape) for mean, each in zip(means, given, strict=True)]
        )
        return [None if each is None else next(shaped) for each in grads]

    def before_step(self, request: int, weight: float = 1.0) -> None:  # noqa: D102
        for variable, value in ((self._request, float(request)), (self._weight, weight)):
            variable.assign(value)

    def requested(self, request: int) -> int:  # noqa: D102
        return round(float(self._heard.numpy()))


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
        from jax.experimental import multihost_utils

        every = np.asarray(multihost_utils.process_allgather(array))
        return every.reshape(self.size, *array.shape).sum(axis=0, dtype=array.dtype)

    def requested(self, request: int) -> int:  # noqa: D102
        return 0  # a signal is heard when an epoch ends


ALONE = Group()
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
        _group = TensorFlowGroup(cluster, compress=compress, synchronize=synchronize)
    elif _group is ALONE:
        _group = JaxGroup(cluster)
    return _group


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
    import tensorflow as tf

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
