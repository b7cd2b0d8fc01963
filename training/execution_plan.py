"""The execution of a network's steps: chosen once, stored, the same for a resume."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
from typing_extensions import TypedDict

from sightkit import _files, _schema
from sightkit._network import flat_layers, require_compiled
from sightkit._schema import Count
from sightkit.training.data_adapter import adapt
from sightkit.training.environment import accelerators
from sightkit.training.measurements import cached_seconds, measurement_key
from sightkit.training.restore import set_steps_per_execution

PLAN = "plan.json"
SCHEMA = 2
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
    """Settings that change a training's speed.

    Attributes:
        jit: whether XLA compiles the step: it changes the last bits, so it follows from backend
            and device alone. Never on a CPU with TensorFlow, where convolutions become 2–5 times
            slower; as Keras would everywhere else.
        steps_per_execution: batches that the backend runs between two calls from Python. The
            bits stay the same, so it may be chosen by time.
        seconds_per_step: what was measured, by steps per execution; empty where nothing was.
    """

    jit: bool
    steps_per_execution: int = 1
    seconds_per_step: dict[int, float] = dataclasses.field(default_factory=dict)

    def apply(self, network: keras.Model) -> None:
        """Set them in a compiled network."""
        network.jit_compile = self.jit
        set_steps_per_execution(network, self.steps_per_execution)


def plan_execution(
    network: keras.Model,
    data: Any,
    *,
    folder: str | os.PathLike[str],
    measure: bool = True,
    cache: str | os.PathLike[str] | None = None,
) -> ExecutionPlan:
    """Choose how a compiled network is trained, and make it so.

    The plan that a run was begun with is in its folder and is taken by a resume. Measuring leaves
    weights, optimizer and seeds bit for bit as they were, and takes at most ten seconds; its result
    is cached for the same network, batch and machine.

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
    require_compiled(network)
    path = Path(folder) / PLAN
    if path.is_file():
        plan = _read_plan(path)
    else:
        plan = ExecutionPlan(jit_rule(network), network.steps_per_execution)
        if measure and plan.steps_per_execution == 1:  # else the script has chosen
            plan = _choose_steps(plan, network, data, cache)
        path.parent.mkdir(parents=True, exist_ok=True)
        _files.write_json(path, {"schema": SCHEMA, **dataclasses.asdict(plan)})
    plan.apply(network)
    return plan


def jit_rule(network: keras.Model) -> bool:
    """Return whether XLA compiles the steps: a function of backend and device, never of time."""
    if keras.backend.backend() == "tensorflow" and not accelerators():
        return False
    return bool(network.jit_compile)  # as Keras has resolved it


def _choose_steps(
    plan: ExecutionPlan, network: keras.Model, data: Any, cache: str | os.PathLike[str] | None
) -> ExecutionPlan:
    """Choose the steps per execution by time, measured now or before."""
    batch = data[0]
    candidates = [count for count in CANDIDATES if count <= len(data)]
    plan.apply(network)
    precisions = [layer.dtype_policy.name for layer in flat_layers(network)]
    key = measurement_key(network, batch[0], plan.jit, precisions)
    measure = functools.partial(_time_steps, network, batch, candidates)
    found = cached_seconds(network, key, measure, required=("1",), folder=cache) or {}
    seconds = {count: found[str(count)] for count in (1, *candidates) if str(count) in found}
    best = min(seconds, key=lambda count: seconds[count])
    if seconds[best] > GAIN * seconds[1]:
        best = 1
    return dataclasses.replace(plan, steps_per_execution=best, seconds_per_step=seconds)


def _time_steps(
    network: keras.Model, batch: tuple[Any, ...], candidates: Sequence[int]
) -> dict[int, float]:
    """Return seconds of a step, Keras' own way and with as many candidates as time allows.

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
        spent = time.perf_counter() - begin
        if spent + 4 * tracing > SECONDS / 2:  # the next is four times as long
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


class _StoredPlan(TypedDict):
    schema: Literal[2]
    jit: bool
    steps_per_execution: Count
    seconds_per_step: dict[Count, float]


def _read_plan(path: Path) -> ExecutionPlan:
    found: dict[str, Any] = dict(
        _schema.read(
            path,
            _StoredPlan,
            "Delete it, and a plan is made anew: where cores and packages are those that the run "
            "was begun with, it is the same.",
        )
    )
    del found["schema"]
    return ExecutionPlan(**found)
