"""Read files that are damaged or hostile, each in a process of its own with limits, and say how.

    python tests/faults/trials.py

reads requests from stdin, a line of JSON each: ``{"job": "bundle", "path": …, "scratch": …}``, and
answers each with a line: outcome, text, seconds of the processor, megabytes. The parent has
imported Keras and runs no operation, so that a child starts at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from sightkit import _cli, _scripts

_cli.prepare_environment()

import keras  # noqa: E402 - TensorFlow reads its settings when it is imported
import numpy as np  # noqa: E402
import sklearn.linear_model  # noqa: E402, F401 - once, not in every child
import sound  # noqa: E402 - beside this file
from job import Config, train  # noqa: E402

from sightkit import evaluation, experiments, inference, io, preprocessing, transfer  # noqa: E402
from sightkit._errors import Interrupted, SightkitError  # noqa: E402
from sightkit.experiments.ensemble import find_members  # noqa: E402
from sightkit.training import check_bundle  # noqa: E402

for package in (transfer, evaluation, experiments, inference, io):
    for lazy in package.__all__:
        getattr(package, lazy)

MOST_BYTES = 4 * 2**30
"""Of addresses that a child may take beside those that it is born with."""
PHOTO = np.add.outer(np.arange(20) * 9, np.arange(30) * 2)[..., np.newaxis].repeat(3, 2)


def bundle(path: str) -> Any:
    """The answers of a bundle of any kind."""
    loaded = transfer.load(path)
    answers = loaded.predict([PHOTO.astype(np.uint8)])
    if getattr(loaded, "distance", None) is not None:
        loaded.predict_known([PHOTO.astype(np.uint8)], 0.05)
    if np.isfinite(answers).all() and loaded.top(answers, 3):
        return np.round(answers.astype(float), 5).tolist()
    raise ValueError("answers that are no probabilities")


def dataset(path: str) -> Any:
    """All that is read of a dataset file, and that it is found good."""
    file = io.DatasetFile.open(path)
    found = hashlib.sha256(file.read(slice(None)).tobytes())
    columns = (file.class_names, file.sources(), file.splits, file.labels.tolist(), file.shape[1:])
    groups = None if file.groups is None else file.groups.tolist()
    found.update(json.dumps([columns, groups, file.mean.tolist(), file.colour]).encode())
    generator = io.HDF5DatasetGenerator(path, 4, split="train", shuffle=True)
    found.update(generator[0][0].tobytes())
    if file.preprocessing:
        preprocessing.from_config(file.preprocessing)
    repr(file), file.left_out, io.verify(path)
    return found.hexdigest()


def features(path: str) -> Any:
    """The head that is trained on features."""
    rows = transfer.open_features([path])
    rows.require_finite()
    judged = transfer.train_head(rows, transfer.HeadSettings(folds=2, strengths=(1.0,)))
    weights = np.round(judged.fitted.head.weights, 6)
    return hashlib.sha256(weights.tobytes() + repr(rows.class_names).encode()).hexdigest()


def resume(path: str) -> Any:
    """The weights of a run that goes on."""
    folder = Path(path)
    config = Config(output=folder / "run", data=folder / "data.h5", resume=True, epochs=3)
    return train(config, interruption=None, signal_in_validation=0, save_every_batch=False)[
        "weights"
    ]


def begin(path: str) -> Any:
    """A run of two epochs that is stopped in its third."""
    folder = Path(path)
    config = Config(output=folder / "run", data=folder / "data.h5", epochs=3)
    return train(
        config, interruption=(signal.SIGTERM, 11), signal_in_validation=0, save_every_batch=False
    )


def pretrained(path: str) -> Any:
    """The answers of a network trained on ImageNet, from a home of Keras."""
    os.environ["KERAS_HOME"] = path
    keras.config.set_floatx("float32")
    answers = transfer.pretrained("mobilenet_0.25").predict([PHOTO.astype(np.uint8)])
    return np.round(1000 * answers[0, :20].astype(float), 6).tolist()


def ensemble(path: str) -> Any:
    """That the members of an ensemble are in its folder; how many, and of what, it says itself."""
    members, _ = find_members([Path(path)])
    for member in members.values():
        check_bundle(member)
    return all(Path(path) in member.parents for member in members.values())


def compiled(path: str) -> Any:
    """The answers of a bundle by its compiled form."""
    loaded = transfer.load(f"{path}/bundle", cache=f"{path}/cache")
    return np.round(loaded.predict([PHOTO.astype(np.uint8)]).astype(float), 3).tolist()


def archive(path: str) -> Any:
    """That the data set of an archive of dark and bright photos is sound, and nothing beside it."""
    place, script = Path(path), _scripts.load("build_folder")
    beside = {place / "archive", place / "victim", place}
    try:
        script.main(
            script.Config(data=place / "archive", output=place / "x.h5", size=8, max_bad=0.9)
        )
    finally:
        left = {*place.rglob("*"), *place.parent.iterdir(), *Path("/tmp").glob("sightkit-vic*")}
        left = {each for each in left - beside if not each.name.endswith(".lock")}
        assert left <= {place / "x.h5", place / "x.h5.left_out.csv"}, left
        assert (place / "victim").read_bytes() == b"untouched"
    file = io.DatasetFile.open(place / "x.h5")
    assert not io.verify(file.path, workers=1).bad
    bright = file.memmap().mean(axis=(1, 2, 3)) > 110
    labels = [file.class_names[label] for label in file.labels]
    assert {*labels} == {"a", "b"} and len(labels) + sum(file.left_out.values()) >= 12
    return all(bright == (np.array(labels) == "b"))


JOBS = {
    each.__name__: each
    for each in (bundle, dataset, features, resume, begin, pretrained, ensemble, compiled, archive)
} | {
    f"make {name}": getattr(sound, name)
    for name in (
        "network",
        "keras_network",
        "large_network",
        "heads",
        "dataset",
        "features",
        "keras_home",
        "run_data",
        "packed",
    )
}


def memory(name: str) -> int:
    """Kilobytes of this process, by their name in ``/proc``."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def child(request: dict[str, Any]) -> dict[str, Any]:
    scratch = Path(request["scratch"])
    for stream, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(scratch / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
    sys.stdout = sys.stderr = open(2, "w", closefd=False)
    os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(request["limit"])
    born = memory("VmRSS")
    most = memory("VmSize") * 1024 + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    start = os.times()
    outcome = "answered"
    try:
        text: Any = JOBS[request["job"]](request["path"])
    except SightkitError as error:
        outcome, text = "refused", str(error)
    except Interrupted:
        text = "interrupted"
    except BaseException:
        outcome, text = "crashed", "".join(traceback.format_exc().splitlines(True)[-12:])
    end = os.times()
    return {
        "outcome": outcome,
        "text": text,
        "seconds": end.user + end.system - start.user - start.system,
        "megabytes": (memory("VmHWM") - born) / 1024,
    }


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryDirectory(dir=request["scratch"]) as scratch:
            request["scratch"] = scratch
            result = Path(scratch) / "result"
            pid = os.fork()
            if pid == 0:
                try:
                    result.write_text(json.dumps(child(request)))
                finally:
                    os._exit(0)
            _, status = os.waitpid(pid, 0)
            code = os.waitstatus_to_exitcode(status)
            said = (Path(scratch) / "stderr").read_text(errors="replace")
            if result.exists():
                answer = {**json.loads(result.read_text()), "said": said}
            else:
                kind = "hung" if code == -signal.SIGALRM else "killed"
                answer = {"outcome": kind, "text": f"exit {code}", "said": said}
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
