"""How a network's steps are carried out: chosen once, written down, the same for a resume."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._network import flat_layers
from sightkit.training.data_adapter import adapt
from sightkit.training.environment import (
    THREADS,
    accelerators,
    describe_environment,
    processor_flags,
)
from sightkit.training.restore import network_kept

PLAN = "plan.json"
SCHEMA = 1
CANDIDATES = (8, 32)
"""Steps per execution that are tried beside 1."""
SECONDS = 10.0
"""All measuring together takes no longer."""
SLOW_STEP = 0.02
"""Seconds. The overhead of a step is 1 to 2 ms: of one that takes longer, no tenth can be saved."""
GAIN = 0.9
"""A candidate must take less than this share of Keras' own time, else nothing is changed."""
SLOW_FIT = 0.5
"""Seconds. A ``fit`` of one step that takes longer is not timed further."""
STEPS, ROUNDS = 64, 5


@dataclass(frozen=True)
class ExecutionPlan:
    """What changes a training's speed.

    Attributes:
        jit: whether XLA compiles the step: it changes the last bits, so it follows from backend
            and device alone. Never on a CPU with TensorFlow, where convolutions become 2–5 times
            slower; as Keras would everywhere else.
        steps_per_execution: batches that the backend works on before Python is asked again. The
            bits stay the same, so it may be chosen by time.
        threads: the number that sums are split by, as it stands in the environment; None where
            nobody has set it. Scripts set it to the usable cores before Keras is imported.
        seconds_per_step: what was measured, by steps per execution; empty where nothing was.
        chosen_by: ``"rule"``, ``"time"`` or ``"cache"``.
    """

    jit: bool
    steps_per_execution: int = 1
    threads: str | None = None
    seconds_per_step: dict[int, float] = dataclasses.field(default_factory=dict)
    chosen_by: str = "rule"

    def apply(self, network: keras.Model) -> None:
        """Let a compiled network be trained so."""
        network.jit_compile = self.jit
        network.steps_per_execution = self.steps_per_execution
        network.train_function = network.test_function = network.predict_function = None


def plan_execution(
    network: keras.Model,
    data: Any,
    *,
    folder: str | os.PathLike[str],
    measure: bool = True,
    cache: str | os.PathLike[str] | None = None,
) -> ExecutionPlan:
    """Choose how a compiled network is trained, and make it so.

    What a run was begun with stands in its folder and is taken by a resume. Measuring leaves
    weights, optimizer and seeds bit for bit as they were, and takes at most ten seconds; its result
    is kept for the same network, batch and machine.

    Args:
        network: compiled.
        data: training batches by index; the first is used.
        folder: where ``plan.json`` is written: the run's ``checkpoints``, which --overwrite
            deletes.
        measure: whether steps per execution are chosen by time; without it, and where the network
            was compiled with more than 1, they stay what they are.
        cache: folder of what was measured before; ``~/.cache/sightkit/plans`` by default.

    Returns:
        The plan; it has been applied.

    Raises:
        SightkitError: a network that is not compiled, or a plan that is damaged or of a newer
            version.
    """
    if not network.compiled:
        raise SightkitError("The network must be compiled.", "Call network.compile first.")
    path = Path(folder) / PLAN
    plan = _read(path)
    if plan is None:
        jit = jit_rule(network)
        own = network.steps_per_execution
        plan = ExecutionPlan(jit, own, threads=os.environ.get(THREADS))
        if measure and own == 1:  # else the script has chosen
            plan = _measured(plan, network, data, Path(cache) if cache else default_cache())
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, plan)
    plan.apply(network)
    return plan


def jit_rule(network: keras.Model) -> bool:
    """Whether XLA compiles the steps: a function of backend and device, never of time."""
    if keras.backend.backend() == "tensorflow" and not accelerators():
        return False
    return bool(network.jit_compile)  # as Keras has resolved it


def _measured(plan: ExecutionPlan, network: keras.Model, data: Any, cache: Path) -> ExecutionPlan:
    x, y, *rest = data[0]
    precisions = [layer.dtype_policy.name for layer in flat_layers(network)]
    path = cache / f"{measurement_key(network, x, plan.jit, precisions)}.json"
    kept = _kept(path)
    if kept is not None and 1 <= kept.steps_per_execution <= len(data):
        return dataclasses.replace(
            plan,
            steps_per_execution=kept.steps_per_execution,
            seconds_per_step=kept.seconds_per_step,
            chosen_by="cache",
        )
    candidates = [count for count in CANDIDATES if count <= len(data)]
    plan.apply(network)
    with network_kept(network):
        seconds = _time_steps(network, (x, y, *rest), candidates)
    best = min(seconds, key=lambda count: seconds[count])
    if seconds[best] > GAIN * seconds[1]:
        best = 1
    plan = dataclasses.replace(
        plan, steps_per_execution=best, seconds_per_step=seconds, chosen_by="time"
    )
    with contextlib.suppress(OSError):  # without a place to keep it, it is measured again
        cache.mkdir(parents=True, exist_ok=True)
        _write(path, plan)
    return plan


def _kept(path: Path) -> ExecutionPlan | None:
    """What was measured before; None where the file holds anything else."""
    with contextlib.suppress(
        SightkitError, OSError, TypeError, ValueError, LookupError, AttributeError
    ):
        found = _read(path)
        if found is not None and type(found.steps_per_execution) is int:
            return found
    return None


def _time_steps(
    network: keras.Model, batch: tuple[Any, ...], candidates: Sequence[int]
) -> dict[int, float]:
    """Seconds of a step, Keras' own way and with as many candidates as time allows.

    ``fit`` has costs of its own that are no step's: what counts is a longer one less a short one,
    of each the quickest. The contestants take turns.
    """
    functions: dict[int, Any] = {}

    def fit(count: int, steps: int) -> float:
        network.steps_per_execution = count
        network.train_function = functions.get(count)
        start = time.perf_counter()
        network.fit(adapt(_OneBatch(batch, steps)), shuffle=False, verbose=0)
        functions[count] = network.train_function
        return time.perf_counter() - start

    begin = time.perf_counter()
    fit(1, 1)  # traces and compiles
    short = fit(1, 1)
    step = short if short > SLOW_FIT else (fit(1, 9) - short) / 8
    if step > SLOW_STEP:
        return {1: step}
    for count in candidates:
        start = time.perf_counter()
        fit(count, count)
        tracing = time.perf_counter() - start
        if (
            time.perf_counter() - begin + 4 * tracing > SECONDS / 2
        ):  # the next is four times as long
            break
    shortest = {(count, steps): math.inf for count in functions for steps in (0, STEPS)}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for count, steps in shortest:
            shortest[count, steps] = min(shortest[count, steps], fit(count, count + steps))
        now = time.perf_counter()
        if now - begin + (now - start) > SECONDS:
            break
    return {
        count: max(0.0, shortest[count, STEPS] - shortest[count, 0]) / STEPS for count in functions
    }


class _OneBatch(keras.utils.PyDataset):
    def __init__(self, batch: tuple[Any, ...], count: int) -> None:
        super().__init__()
        self.batch = batch
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.batch


def measurement_key(network: keras.Model, x: np.ndarray, *more: Any) -> str:
    """A name for what is measured: network, optimizer, batch, versions, processor and more.

    Layers count with their configurations, and with what of them is trained; not with their names,
    which Keras counts up, nor with their seeds and precision.
    """
    environment = describe_environment()
    trained = {id(variable) for variable in network.trainable_variables}
    parts = [
        SCHEMA,
        [_described(layer) for layer in flat_layers(network)],
        [[list(weight.shape), id(weight) in trained] for weight in network.weights],
        [list(output.shape) for output in network.outputs],
        type(network.optimizer).__name__,
        [*x.shape, str(x.dtype)],
        [environment[name] for name in ("backend", "versions", "device", "cores", "threads")],
        processor_flags(),
        *more,
    ]
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()


def _described(layer: keras.layers.Layer) -> list[Any]:
    config: Any = {}
    with contextlib.suppress(NotImplementedError):  # a layer of the user's own
        config = layer.get_config()
    return [type(layer).__name__, layer.trainable, _without(config, ("name", "dtype", "seed"))]


def _without(config: Any, names: Collection[str]) -> Any:
    """A configuration without these entries, however deep they lie."""
    if isinstance(config, dict):
        return {name: _without(value, names) for name, value in config.items() if name not in names}
    if isinstance(config, list | tuple):
        return [_without(value, names) for value in config]
    return config


def default_cache() -> Path:
    """The folder of what was measured before: ``~/.cache/sightkit/plans``."""
    return _files.user_cache("plans")


def _write(path: Path, plan: ExecutionPlan) -> None:
    _files.write_json(path, {"schema": SCHEMA, **dataclasses.asdict(plan)})


def _read(path: Path) -> ExecutionPlan | None:
    if not path.is_file():
        return None
    found = _files.read_json(path)
    if not isinstance(found, dict) or not isinstance(schema := found.pop("schema", None), int):
        raise _damaged(path)
    if schema > SCHEMA:
        raise SightkitError(
            "The execution plan was written by a newer version.", "Update sightkit.", path=str(path)
        )
    try:
        seconds = {int(count): value for count, value in found.pop("seconds_per_step").items()}
        plan = ExecutionPlan(**found, seconds_per_step=seconds)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path) from error
    if type(plan.jit) is not bool or type(plan.steps_per_execution) is not int:
        raise _damaged(path)
    return plan


def _damaged(path: Path) -> SightkitError:
    return SightkitError(
        "The execution plan must be as it was written; this file is damaged.",
        "Delete it, and a plan is made anew: where cores and packages are those that the run was "
        "begun with, it is the same.",
        path=str(path),
    )
