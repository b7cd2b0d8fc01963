"""Who takes part in a training on several machines, as their launcher has said it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass

from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError
from sightkit._schema import Name, Names, Whole

TF_CONFIG = "TF_CONFIG"
"""Variable of TensorFlow, Kubeflow's TFJob and managed clouds."""
LOST = 75
"""Exit code where another process is gone: try again (EX_TEMPFAIL)."""
PORT = 18620
"""Port of each machine's first process, where the launcher names none; the next ones follow it."""
ROLES = ("chief", "worker")
"""Kinds of processes that train; the chief comes first."""


@dataclass(frozen=True)
class Cluster:
    """The processes of a training.

    Attributes:
        addresses: host and port of each, ``10.0.0.2:18620``.
        rank: which of them this process is, from 0; the first one writes the run folder.
    """

    addresses: tuple[str, ...]
    rank: int

    def __post_init__(self) -> None:
        """Check that each process has an address of its own."""
        twice = sorted({each for each in self.addresses if self.addresses.count(each) > 1})
        if twice:
            raise SightkitError(
                "Each process of a training must have an address of its own.",
                "Give each another port.",
                twice=twice,
            )

    @property
    def size(self) -> int:
        """Number of processes."""
        return len(self.addresses)

    @property
    def tf_config(self) -> str:
        """The value of TF_CONFIG that says the same."""
        task = {"type": "worker", "index": self.rank}
        return json.dumps({"cluster": {"worker": list(self.addresses)}, "task": task})


def find_cluster() -> Cluster | None:
    """Return the processes that TF_CONFIG, Slurm's ``srun`` or SkyPilot names; None for one alone.

    Raises:
        SightkitError: what they say is damaged, or names no such process.
    """
    found = _of_tf_config() or _of_slurm() or _of_skypilot()
    return found if found and found.size > 1 else None


class _Task(TypedDict):
    type: Name
    index: Whole


class _Described(TypedDict):
    cluster: dict[str, Names]
    task: _Task


def _of_tf_config() -> Cluster | None:
    text = os.environ.get(TF_CONFIG, "")
    if not text:
        return None
    try:
        found = _schema.parse(text.encode(), _Described, more=True)
    except ValueError as error:
        raise SightkitError(
            f"TF_CONFIG must be JSON with cluster and task: {error}.",
            'Like {"cluster": {"worker": ["a:18620", "b:18620"]}, "task": {"type": "worker", '
            '"index": 0}}; unset it to train on this machine alone.',
            TF_CONFIG=text,
        ) from error
    jobs, task = found["cluster"], found["task"]
    others = sorted(set(jobs) - set(ROLES))
    if others or task["index"] >= len(jobs.get(task["type"], ())):
        raise SightkitError(
            "TF_CONFIG must name processes that train (chief, worker), and this one among them.",
            "Give its type, and its index among those of that type.",
            task=f"{task['type']} {task['index']}",
            cluster={job: len(addresses) for job, addresses in jobs.items()},
        )
    before = len(jobs.get("chief", ())) if task["type"] == "worker" else 0
    addresses = [address for role in ROLES for address in jobs.get(role, ())]
    return Cluster(tuple(addresses), before + task["index"])


def _of_slurm() -> Cluster | None:
    """Return the tasks of ``srun``, in blocks a machine; the script of ``sbatch`` is no task."""
    names = ("SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE", "SLURM_PROCID")
    nodes, tasks, rank = (os.environ.get(name, "") for name in names)
    if not nodes:
        return None
    counts = [
        int(count)
        for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", tasks)
        for _ in range(int(times or 1))
    ]
    machines = _expanded(nodes)
    if len(counts) != len(machines) or not rank.isdecimal() or int(rank) >= sum(counts):
        raise SightkitError(
            "Slurm's variables must name a machine for each task, and this task among them.",
            "Start each task with srun, or unset them.",
            **{name: os.environ.get(name, "") for name in names},
        )
    addresses = [
        f"{machine}:{PORT + task}"
        for machine, count in zip(machines, counts, strict=True)
        for task in range(count)
    ]
    return Cluster(tuple(addresses), int(rank))


def _expanded(nodes: str) -> list[str]:
    """Return the names of a list as Slurm shortens it: ``node[01-03,7],gpu1``."""
    names = []
    for before, ranges, after in re.findall(r"([^,\[\]]+)(?:\[([\d,-]+)\])?([^,\[\]]*)", nodes):
        for part in ranges.split(",") if ranges else [""]:
            first, _, last = part.partition("-")
            numbers = range(int(first), int(last or first) + 1) if first else [""]
            names += [f"{before}{str(number).zfill(len(first))}{after}" for number in numbers]
    return names


def _of_skypilot() -> Cluster | None:
    addresses = os.environ.get("SKYPILOT_NODE_IPS", "").split()
    if not addresses:
        return None
    rank = os.environ.get("SKYPILOT_NODE_RANK", "")
    if not rank.isdecimal() or int(rank) >= len(addresses):
        raise SightkitError(
            "SKYPILOT_NODE_RANK must be the place of this machine among SKYPILOT_NODE_IPS.",
            "Start the script by SkyPilot's run, or unset both.",
            rank=rank,
            machines=len(addresses),
        )
    return Cluster(tuple(f"{address}:{PORT}" for address in addresses), int(rank))
