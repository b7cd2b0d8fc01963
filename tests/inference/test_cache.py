"""Compiled networks are kept, found again, and never mistaken for one another."""

from __future__ import annotations

import json
import os

import keras
import numpy as np
import pytest

from sightkit import inference, zoo
from sightkit.inference import compiled_cache, engines
from sightkit.inference.compiled_cache import CompiledCache, identify
from sightkit.inference.openvino_engine import OpenVinoEngine

pytest.importorskip("openvino")


@pytest.fixture
def network(shaken):
    return shaken(zoo.ShallowNet((8, 8, 3), 3))


@pytest.fixture
def conversions(monkeypatch):
    """How often a network was converted."""
    made = []
    export = keras.Model.export

    def counted(self, *arguments, **options):
        made.append(self.name)
        return export(self, *arguments, **options)

    monkeypatch.setattr(keras.Model, "export", counted)
    return made


@pytest.fixture
def ask(images_for):
    def ask(network, cache, precision="float32"):
        images = images_for(network)
        predict = inference.compile(
            network, engine="openvino", precision=precision, cache=cache, examples=images
        )
        answer = predict(images)
        np.testing.assert_allclose(
            answer, network.predict_on_batch(images), atol=1e-5 if precision == "float32" else 0.05
        )
        return answer

    return ask


@pytest.mark.slow
def test_a_second_process_need_not_convert(network, ask, conversions, tmp_path):
    first = ask(network, tmp_path / "cache")
    second = ask(network, tmp_path / "cache")
    assert len(conversions) == 1
    np.testing.assert_array_equal(first, second)
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.faults
def test_other_weights_or_another_precision_are_another_network(
    network, ask, conversions, tmp_path, shaken
):
    ask(network, tmp_path)
    ask(shaken(network, seed=9), tmp_path)
    assert len(conversions) == 2
    ask(network, tmp_path, "bfloat16")
    assert len(conversions) == 3


@pytest.mark.faults
def test_equal_weights_in_another_network_are_another_network(ask, conversions, tmp_path):
    for activation in ("relu", "tanh"):
        x = keras.Input((4,))
        first = keras.layers.Dense(5, activation, name="a", kernel_initializer="ones")(x)
        last = keras.layers.Dense(2, name="b", kernel_initializer="ones")(first)
        ask(keras.Model(x, last, name="m"), tmp_path)
    assert len(conversions) == 2


@pytest.mark.parametrize("what", ["versions", "flags"])
def test_other_versions_and_processors_are_others(network, monkeypatch, tmp_path, what):
    before = CompiledCache(tmp_path, identify(network), openvino="2026.4").path
    version = "2026.4"
    if what == "versions":
        version = "2026.5"
    else:
        monkeypatch.setattr(compiled_cache, "cpu_flags", lambda: ["sse"])
    assert before != CompiledCache(tmp_path, identify(network), openvino=version).path


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["other weights", "flip"])
def test_a_file_that_does_not_match_is_rebuilt_and_never_used(
    damage, network, ask, conversions, tmp_path, shaken
):
    ask(network, tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    if damage == "other weights":  # another network's whole file under this one's name
        other = shaken(zoo.ShallowNet((8, 8, 3), 3), seed=4)
        ask(other, tmp_path / "other")
        (theirs,) = (tmp_path / "other").iterdir()
        bad = theirs.read_bytes()
    else:
        middle = len(content) // 2
        bad = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    path.write_bytes(bad)
    del conversions[:]
    ask(network, tmp_path)
    assert len(conversions) == 1
    ask(network, tmp_path)
    assert len(conversions) == 1  # written anew


@pytest.mark.slow
def test_what_openvino_itself_refuses_is_converted_anew(network, ask, conversions, tmp_path):
    ask(network, tmp_path)
    (path,) = tmp_path.iterdir()
    line, _, _ = path.read_bytes().partition(b"\n")
    content = b"of another build"
    found = {**json.loads(line), "sha256": compiled_cache.hashlib.sha256(content).hexdigest()}
    path.write_bytes(json.dumps(found).encode() + b"\n" + content)
    ask(network, tmp_path)
    assert len(conversions) == 2


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_to_is_warned_of(
    network, ask, conversions, tmp_path, capsys
):
    file = tmp_path / "file"
    file.write_text("in the way")
    ask(network, file / "cache")
    (line,) = capsys.readouterr().err.splitlines()
    assert "in memory alone" in line
    assert len(conversions) == 1 and os.listdir(tmp_path) == ["file"]


@pytest.mark.slow
def test_what_disagrees_with_keras_is_not_saved(network, monkeypatch, tmp_path, capsys):
    answer = OpenVinoEngine._answer
    monkeypatch.setattr(OpenVinoEngine, "_answer", lambda self, x: answer(self, x) + 0.1)
    monkeypatch.setattr(engines, "break_even", lambda network: 1)
    assert inference.compile(network, images=1, cache=tmp_path / "cache").engine == "keras"
    assert not (tmp_path / "cache").exists()
    assert "differs" in capsys.readouterr().err


def test_what_was_used_longest_ago_makes_room(shaken, monkeypatch, tmp_path):
    networks = [shaken(zoo.ShallowNet((8, 8, 3), 3), seed=seed) for seed in range(3)]
    first, second, third = (CompiledCache(tmp_path, identify(network)) for network in networks)
    monkeypatch.setattr(compiled_cache, "MOST_BYTES", 5000)
    for place, when in ((first, 1), (second, 2)):
        place.write(bytes(1500))
        os.utime(place.path, (when, when))
    assert first.read() is not None  # used now, and so the younger one
    third.write(bytes(1500))
    assert (first.path.exists(), second.path.exists(), third.path.exists()) == (True, False, True)
    (tmp_path / "notes.txt").write_bytes(bytes(9000))  # nobody else's files count, or go
    third.write(bytes(9000))
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [third.path.name, "notes.txt"]
    )
