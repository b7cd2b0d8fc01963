"""docs/cluster: each file is read, and its command tried as far as the data that are missing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "cluster"


def command_of(name):
    """Return the words of the training command in a file."""
    text = (FOLDER / name).read_text()
    if name.endswith(".sh"):
        (line,) = re.findall(r"^srun .*?(sightkit (?:.*\\\n)*.*)$", text, re.M)
        return shlex.split(line.replace("\\\n", " "))
    found = pytest.importorskip("yaml").safe_load(text)
    if "run" in found:
        assert found["num_nodes"] > 1
        return shlex.split(found["run"])
    (worker,) = found["spec"]["tfReplicaSpecs"].values()
    assert found["kind"] == "TFJob" and worker["replicas"] > 1
    (container,) = worker["template"]["spec"]["containers"]
    assert container["name"] == "tensorflow"  # the one that the operator gives TF_CONFIG
    return container["command"]


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_the_command_is_one_that_waits_for_its_data_alone(name, script):
    first, experiment, *flags = command_of(name)
    assert first == "sightkit" and "--resume" in flags
    assert {"--distribute", "tensorflow"} <= {*" ".join(flags).replace("=", " ").split()}
    flags = [word.replace("/data/runs", "runs").replace("/shared/runs", "runs") for word in flags]
    result = script(experiment, *flags)
    assert result.code == 2 and "imagenet.shards" in result.stderr, result.stderr
    assert "build_imagenet" in result.stderr
