"""Who takes part in a training: what launchers set, and what they set wrongly."""

from __future__ import annotations

import json

import pytest

from sightkit._errors import SightkitError
from sightkit.training.cluster import PORT, Cluster, find_cluster

PREFIXES = ("TF_CONFIG", "SLURM_", "SKYPILOT_")
SLURM = {
    "SLURM_STEP_NODELIST": "node[01-02],login",
    "SLURM_STEP_TASKS_PER_NODE": "2,1(x2)",
    "SLURM_PROCID": "2",
}


@pytest.fixture
def variables(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)

    def set_all(given):
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    return set_all


def described(index, kind="worker", **cluster):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    "given",
    (
        {},
        {"TF_CONFIG": ""},
        described(0, worker=["a:1"]),
        {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"},  # the script of sbatch itself
        {"SLURM_STEP_NODELIST": "a", "SLURM_STEP_TASKS_PER_NODE": "1", "SLURM_PROCID": "0"},
        {"SKYPILOT_NODE_IPS": "10.0.0.1\n", "SKYPILOT_NODE_RANK": "0"},
    ),
)
def test_one_alone_is_no_cluster(given, variables):
    variables(given)
    assert find_cluster() is None


def test_workers_of_tf_config(variables):
    variables(described(1, worker=["a:1", "b:2"]))
    assert find_cluster() == Cluster(("a:1", "b:2"), 1)


@pytest.mark.parametrize(("kind", "index", "rank"), (("chief", 0, 0), ("worker", 1, 2)))
def test_a_chief_comes_first(kind, index, rank, variables):
    variables(described(index, kind, worker=["a:1", "b:2"], chief=["c:3"]))
    assert find_cluster() == Cluster(("c:3", "a:1", "b:2"), rank)


def test_kubeflow_says_more_than_is_needed(variables):
    given = json.loads(described(0, worker=["a:1", "b:2"])["TF_CONFIG"])
    variables({"TF_CONFIG": json.dumps({**given, "environment": "cloud"})})
    assert find_cluster().size == 2


def test_a_cluster_says_itself_as_tf_config(variables):
    made = Cluster(("a:1", "b:2", "c:3"), 2)
    variables({"TF_CONFIG": made.tf_config})
    assert find_cluster() == made


def test_tasks_of_slurm(variables):
    variables(SLURM)
    names = (f"node01:{PORT}", f"node01:{PORT + 1}", f"node02:{PORT}", f"login:{PORT}")
    assert find_cluster() == Cluster(names, 2)


@pytest.mark.parametrize(
    ("nodes", "names"),
    (
        ("a", ["a"]),
        ("a,b-2", ["a", "b-2"]),
        ("gpu[8-11]", ["gpu8", "gpu9", "gpu10", "gpu11"]),
        ("n[001,003-004]-ib,x", ["n001-ib", "n003-ib", "n004-ib", "x"]),
    ),
)
def test_lists_of_slurm(nodes, names, variables):
    tasks = f"1(x{len(names)})"
    variables({**SLURM, "SLURM_STEP_NODELIST": nodes, "SLURM_STEP_TASKS_PER_NODE": tasks})
    variables({"SLURM_PROCID": "0"})
    found = find_cluster()
    assert (found.addresses if found else ("a:18620",)) == tuple(f"{name}:{PORT}" for name in names)


def test_machines_of_skypilot(variables):
    variables({"SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2\n", "SKYPILOT_NODE_RANK": "1"})
    assert find_cluster() == Cluster((f"10.0.0.1:{PORT}", f"10.0.0.2:{PORT}"), 1)


@pytest.mark.parametrize(
    ("given", "rule"),
    (
        ({"TF_CONFIG": "{"}, "must be JSON"),
        ({"TF_CONFIG": "[]"}, "must be JSON"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:2"]}}'}, "must be JSON"),
        (described(-1, worker=["a:1", "b:2"]), "must be JSON"),
        (described(2, worker=["a:1", "b:2"]), "this one among them"),
        (described(0, "chief", worker=["a:1", "b:2"]), "this one among them"),
        (described(0, "ps", worker=["a:1", "b:2"], ps=["c:3"]), "must name processes that train"),
        (described(0, worker=["a:1", "a:1"]), "an address of its own"),
        ({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "2"}, "a machine for each task"),
        ({**SLURM, "SLURM_PROCID": "4"}, "this task among them"),
        ({"SKYPILOT_NODE_IPS": "a\nb"}, "SKYPILOT_NODE_RANK must be the place"),
        ({"SKYPILOT_NODE_IPS": "a\nb", "SKYPILOT_NODE_RANK": "2"}, "must be the place"),
    ),
)
def test_what_names_no_process_is_refused(given, rule, variables):
    variables(given)
    with pytest.raises(SightkitError, match=rule):
        find_cluster()
