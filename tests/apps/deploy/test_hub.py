"""Bundles to the hub and back: against a local server that speaks its protocol."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from sightkit import training, zoo
from sightkit._errors import SightkitError
from sightkit.apps import deploy
from sightkit.apps.deploy.hub_files import write_safetensors
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

from . import hub_server

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed (extra: hub)")
# huggingface_hub 2.4 uploads by an argument that httpx2 has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
NAME = "me/digits"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return training.save_bundle(
        tmp_path_factory.mktemp("hub") / "bundle",
        zoo.MLP((16, 16, 1), 3, hidden=(32,)),
        preprocessing=Pipeline((SimplePreprocessor(16, 16), ImageToArrayPreprocessor())),
        class_names=["cat", "dog", "panda"],
        canary=np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8),
    )


@pytest.fixture(scope="module", autouse=True)
def _token() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", hub_server.TOKEN)
        yield


@pytest.fixture
def hub() -> Iterator[hub_server.Hub]:
    with hub_server.running() as running:
        yield running


@pytest.fixture(scope="module")
def commits(bundle) -> list[dict[str, bytes]]:
    """An empty commit, and the one of a push."""
    with hub_server.running() as running:
        deploy.push_bundle(bundle, NAME, endpoint=running.url)
        return running.repositories[NAME]


@pytest.fixture
def pushed(hub, commits) -> hub_server.Hub:
    hub.repositories[NAME] = [dict(each) for each in commits]
    return hub


def refused(
    hub: hub_server.Hub, folder: Path, text: str, name: str = NAME, **flags: object
) -> None:
    """Pull, which must fail with a text, and leave nothing."""
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(SightkitError, match=text) as caught:
        deploy.pull_bundle(name, folder, endpoint=hub.url, **flags)
    assert "Received: " in str(caught.value) and str(caught.value).endswith(".")
    assert ".partial" not in str(caught.value)
    assert sorted(folder.parent.rglob("*")) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pulled_bundle_predicts_bit_for_bit(pushed, bundle, tmp_path, rng):
    folder = tmp_path / "new" / "digits"
    commit = deploy.pull_bundle(NAME, folder, endpoint=pushed.url)
    images = [rng.integers(0, 256, (20, 30, 3), np.uint8) for _ in range(3)]
    one, other = training.load_bundle(bundle), training.load_bundle(folder)
    assert one.predict(images).tobytes() == other.predict(images).tobytes()
    assert contents(folder) == contents(bundle)
    assert [*(tmp_path / "new").iterdir()] == [folder] and commit == f"{1:040x}"
    assert not any(name in line for line in pushed.requests for name in ("README", "safetensors"))


def test_a_repository_says_what_the_bundle_holds(pushed, bundle, edit_bundle, tmp_path):
    from huggingface_hub import ModelCard
    from safetensors.numpy import load

    files = pushed.files(NAME)
    assert {*files} == {*(p.name for p in bundle.iterdir()), "README.md", "model.safetensors"}
    tensors = load(files["model.safetensors"])
    network = training.load_bundle(bundle).network
    kernels = [each.numpy() for each in network.weights]
    assert sorted(name.rpartition("/")[2] for name in tensors) == [
        "bias",
        "bias",
        "kernel",
        "kernel",
    ]
    assert {a.tobytes() for a in tensors.values()} == {k.tobytes() for k in kernels}
    data = ModelCard(files["README.md"].decode()).data
    assert data.pipeline_tag == "image-classification" and data.eval_results is None
    measured = {"test": {"rank1": 0.75, "count": 4, "intervals": {"rank1": [0.5, 1.0]}}}
    copy = shutil.copytree(bundle, tmp_path / "copy")
    edit_bundle(copy, lambda found: found.update(metrics=measured, training={"data": "d.h5"}))
    deploy.write_repository(copy, tmp_path / "repository", NAME, licence="mit")
    card = ModelCard((tmp_path / "repository" / "README.md").read_text())
    (result,) = card.data.eval_results
    assert (result.metric_type, result.metric_value) == ("accuracy", 0.75)
    assert (result.dataset_name, result.dataset_split, card.data.license) == ("d.h5", "test", "mit")
    assert "| test | rank1 | 0.75 | 0.5 to 1 |" in card.text


def test_safetensors_hold_the_bits_of_the_weights_or_fail(tmp_path):
    from safetensors.numpy import load_file

    x = keras.Input((3, 4))
    looked = keras.layers.Attention(use_scale=True, name="look")([x, x])
    network = keras.Model(x, keras.layers.Dense(2, name="end")(looked))
    network.save_weights(tmp_path / "model.weights.h5")
    write_safetensors(tmp_path, SimpleNamespace(network=network))
    found = load_file(tmp_path / "model.safetensors")
    shapes = {name: each.shape for name, each in found.items()}
    assert shapes == {"look/scale": (), "end/kernel": (4, 2), "end/bias": (2,)}
    bias = network.get_layer("end").bias
    bias.assign(np.nextafter(bias.numpy(), np.float32(1)))
    with pytest.raises(SightkitError, match="end/bias differs"):
        write_safetensors(tmp_path, SimpleNamespace(network=network))


def test_a_readme_shows_code_that_runs(pushed, bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    deploy.pull_bundle(NAME, "digits", endpoint=pushed.url)
    shutil.copyfile(bundle / "canary.png", "photo.jpg")
    (code,) = re.findall(r"```python\n(.*?)```", pushed.files(NAME)["README.md"].decode(), re.S)
    exec(code, {})
    assert re.match(r"\[\{'[a-z]+': 0\.\d+, ", capsys.readouterr().out)


def test_a_bundle_of_an_app_goes_there_and_back(hub, tmp_path):
    generative = pytest.importorskip("sightkit.apps.generative")
    network = zoo.DCGANGenerator((8, 12, 3), noise=6, filters=(6, 4), hidden=None, kernel=4)
    bundle = generative.save_generator(tmp_path / "bundle", network)
    deploy.push_bundle(bundle, NAME, endpoint=hub.url)
    deploy.pull_bundle(NAME, tmp_path / "pulled", endpoint=hub.url)
    assert contents(tmp_path / "pulled") == contents(bundle)
    assert "pipeline_tag: unconditional-image-generation" in hub.files(NAME)["README.md"].decode()
    assert "model.safetensors" in hub.files(NAME)


@pytest.mark.parametrize("name", ["model.weights.h5", "canary.png"])
def test_other_hashes_are_refused(name, pushed, tmp_path):
    content = bytearray(pushed.files(NAME)[name])
    content[len(content) // 2] ^= 1
    pushed.files(NAME)[name] = bytes(content)
    refused(
        pushed, tmp_path / "out", f"{re.escape(name)} is missing or not the file that was saved"
    )


def test_another_answer_to_the_canary_is_refused(pushed, bundle, edit_bundle, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copytree(bundle, tmp_path / "elsewhere" / "copy")
    edit_bundle(copy, lambda found: found["canary"].reverse())
    with pytest.raises(SightkitError, match="must answer to the canary image"):
        deploy.push_bundle(copy, NAME, endpoint=pushed.url)
    pushed.files(NAME)["bundle.json"] = (copy / "bundle.json").read_bytes()
    refused(pushed, tmp_path / "out", "must answer to the canary image")


def described(hub: hub_server.Hub, change: Callable[[dict], object]) -> None:
    """Change bundle.json in the repository, with a hash that fits."""
    from sightkit.training.bundle_format import digest

    found = json.loads(hub.files(NAME)["bundle.json"])
    found.pop("sha256")
    change(found)
    hub.files(NAME)["bundle.json"] = json.dumps({**found, "sha256": digest(found)}).encode()


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil", "sub/evil.png", "model.py"])
def test_a_file_that_no_bundle_has_is_never_fetched(name, pushed, tmp_path):
    pushed.files(NAME)[name] = b"evil"
    described(pushed, lambda found: found["files"].update({name: "0" * 64}))
    refused(pushed, tmp_path / "out", "and no other file")
    assert not any("evil" in line or ".py" in line for line in pushed.requests)


BAD = {
    "no bundle": (lambda hub: hub.files(NAME).pop("bundle.json"), "missing='bundle.json'"),
    "no json": (lambda hub: hub.files(NAME).update({"bundle.json": b"{"}), "bundle.json"),
    "no weights": (
        lambda hub: hub.files(NAME).pop("model.weights.h5"),
        "missing='model.weights.h5'",
    ),
    "edited": (
        lambda hub: hub.files(NAME).update(
            {"bundle.json": hub.files(NAME)["bundle.json"].replace(b"mlp", b"lenet")}
        ),
        "not as it was written",
    ),
    "unknown kind": (
        lambda hub: described(hub, lambda found: found.update(kind="oracle")),
        "one of the kinds .*Update sightkit",
    ),
    "unknown builder": (
        lambda hub: described(hub, lambda found: found["network"].update(builder="os.system")),
        "os.system",
    ),
    "a giant": (lambda hub: hub.sizes.update({"model.weights.h5": 2**40}), "4,294,967,296 bytes"),
    "a giant description": (lambda hub: hub.sizes.update({"bundle.json": 2**30}), "4,194,304"),
    "private": (lambda hub: hub.private.add(NAME), "no access .*HF_TOKEN"),
    "forbidden": (lambda hub: setattr(hub, "status", 403), "status 403"),
    "no token": (lambda hub: setattr(hub, "status", 401), "status 401"),
    "no hub": (lambda hub: setattr(hub, "status", 200), "did not answer as a hub does"),
    "a broken hub": (lambda hub: setattr(hub, "status", 500), "The hub refused .*500"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_repository_is_refused(case, pushed, tmp_path, monkeypatch):
    change, text = BAD[case]
    change(pushed)
    if case == "private":
        monkeypatch.setenv("HF_TOKEN", "hf_of_another")
    refused(pushed, tmp_path / "out", text)


def test_what_is_not_there_is_refused(pushed, tmp_path):
    refused(pushed, tmp_path / "out", "no access to this repository", "me/nothing")
    refused(pushed, tmp_path / "out", "no such revision", revision="v9")
    with pytest.raises(SightkitError, match="named by its owner"):
        deploy.pull_bundle("../digits", tmp_path / "out")


def test_a_silent_hub_is_refused(tmp_path, hub):
    hub.url = "http://127.0.0.1:1"
    refused(hub, tmp_path / "out", "did not answer as a hub does .*Connect")


def test_a_hub_that_hangs_is_given_up(pushed, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("sightkit.apps.deploy.hub_client.SECONDS", 0.2)
    monkeypatch.setattr("sightkit.apps.deploy.hub_pull.SECONDS", 0.2)
    pushed.delay = 1.0
    refused(pushed, tmp_path / "out", "did not answer as a hub does .*Timeout")
    with pytest.raises(SightkitError, match=r"did not answer as a hub does .*Timeout"):
        deploy.push_bundle(bundle, NAME, endpoint=pushed.url)


def test_a_disk_without_room_is_refused(pushed, tmp_path, monkeypatch):
    full = type("Usage", (), {"free": 10_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    refused(pushed, tmp_path / "out", "The disk is too small for the bundle")


def test_an_older_commit_is_pulled(pushed, tmp_path):
    pushed.repositories[NAME].append({"bundle.json": b"broken"})
    refused(pushed, tmp_path / "out", "bundle.json")
    deploy.pull_bundle(NAME, tmp_path / "out", endpoint=pushed.url, revision=f"{1:040x}")
    training.load_bundle(tmp_path / "out")


def test_an_output_is_replaced_on_request_alone(pushed, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    refused(pushed, folder, "must be new or empty", overwrite=True)
    (folder / "mine.txt").unlink()
    deploy.pull_bundle(NAME, folder, endpoint=pushed.url)
    requests = len(pushed.requests)
    refused(pushed, folder, "--overwrite")
    assert len(pushed.requests) == requests
    deploy.pull_bundle(NAME, folder, endpoint=pushed.url, overwrite=True)


def test_a_push_needs_a_right(hub, bundle, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_another")
    with pytest.raises(SightkitError, match=r"status 401.*HF_TOKEN"):
        deploy.push_bundle(bundle, NAME, endpoint=hub.url)
    assert not hub.repositories


def test_a_push_without_a_token_or_hub_builds_nothing(hub, bundle, monkeypatch, tmp_path):
    monkeypatch.setattr("sightkit.apps.deploy.hub_push._write", None)
    with pytest.raises(SightkitError, match="did not answer"):
        deploy.push_bundle(bundle, NAME, endpoint="http://127.0.0.1:1")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(SightkitError, match=r"A push needs a token.*hf auth login"):
        deploy.push_bundle(bundle, NAME, endpoint=hub.url)
    assert not hub.requests


def test_licenses_are_identifiers_of_the_hub():
    for good in ("mit", "apache-2.0", "cc-by-nc-sa-4.0", "llama3.1", ""):
        deploy.require_repository(NAME, good)
    for bad in ("MIT", "my own", "mit\n", "-", "a/b", "ä"):
        with pytest.raises(SightkitError, match="identifier"):
            deploy.require_repository(NAME, bad)


def test_a_private_push_never_goes_to_a_public_one(hub, bundle):
    deploy.push_bundle(bundle, "me/hidden", private=True, endpoint=hub.url)
    assert hub.private == {"me/hidden"}
    hub.repositories[NAME] = [{}]
    with pytest.raises(SightkitError, match="exists, and is public"):
        deploy.push_bundle(bundle, NAME, private=True, endpoint=hub.url)
    assert hub.repositories[NAME] == [{}]


def test_a_damaged_bundle_is_not_pushed(hub, bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "copy")
    (copy / "canary.png").write_bytes(b"")
    with pytest.raises(SightkitError, match="damaged"):
        deploy.push_bundle(copy, NAME, endpoint=hub.url)
    assert not hub.requests


def test_without_the_extra_it_is_named(bundle, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(SightkitError, match=r'pip install "sightkit\[hub\]"'):
        deploy.push_bundle(bundle, NAME)
    with pytest.raises(SightkitError, match=r'pip install "sightkit\[hub\]"'):
        deploy.pull_bundle(NAME, tmp_path / "out")


@pytest.mark.slow
def test_the_script_pushes_and_pulls(hub, bundle, script, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    about = ("--repository", NAME)
    result = script("deploy/hub", "push", *about, "--bundle", bundle, "--private", cwd=tmp_path)
    assert (result.code, result.stderr) == (0, "")
    result = script("deploy/hub", "pull", *about, "--output", "pulled", cwd=tmp_path)
    assert (result.code, result.stderr) == (0, "")
    assert "commit 0" in result.stdout and {p.name for p in tmp_path.iterdir()} == {"pulled"}
    hub.files(NAME)["model.weights.h5"] += b"\0"
    result = script("deploy/hub", "pull", *about, "--output", "again", cwd=tmp_path)
    assert result.code == 2 and len(result.stderr.splitlines()) == 1
    assert {p.name for p in tmp_path.iterdir()} == {"pulled"}


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("pull", "--repository", "me/x"), "Give --output"),
        (("push", "--repository", "me/x"), "Give --bundle"),
        (("push", "--repository", "x", "--bundle", "b"), "owner"),
        (("push", "--repository", "me/x", "--bundle", "b", "--license", "My Own"), "--license ap"),
        (("pull", "--repository", "me/x", "--private", "--output", "o"), "--private is for push"),
    ],
)
def test_the_script_checks_its_flags_first(flags, text, script):
    result = script("deploy/hub", *flags)
    assert result.code == 2 and text in result.stderr and result.heavy == ""
