"""Readers of whole captchas: networks, training, resume, bundle, scripts."""

from __future__ import annotations

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest

from sightkit import _scripts, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.apps import captcha
from sightkit.apps.captcha.text_bundle import METHODS
from sightkit.experiments import ledger
from sightkit.io import read_image, write_png

ALPHABET = "2468"
SIZE = (24, 72)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("captchas")
    texts = captcha.random_texts(60, alphabet=ALPHABET)
    captcha.write_captchas(folder, texts, size=SIZE, named_by_text=True)
    return folder


@pytest.fixture(scope="module")
def script():
    return _scripts.load("captcha/train_captcha_text")


def reader_of(method, seed=1):
    keras.utils.set_random_seed(seed)
    sizes = {"filters": (4, 8, 8)}
    shape = (*SIZE, 1)
    network = (
        captcha.CaptchaCTC(shape, 4, **sizes)
        if method == "ctc"
        else captcha.CaptchaHeads(shape, 4, 4, **sizes)
    )
    chain = captcha.reading_chain(SIZE)
    return captcha.TextReader(network, chain, ALPHABET, (4,), 0.0, {})


@pytest.fixture(params=("ctc", "heads"))
def bundle(request, folder, tmp_path):
    reader = dataclasses.replace(reader_of(request.param), threshold=0.5)
    pictures = [read_image(path) for path in sorted(folder.iterdir())[:4]]
    return captcha.save_text_reader(tmp_path / "bundle", reader, canaries=pictures)


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    (
        ("captcha_heads", {"classes": 32, "length": 4}, (None, 4, 32)),
        ("captcha_ctc", {"classes": 32}, (None, 18, 33)),
    ),
)
def test_networks_are_entries_of_the_zoo(name, arguments, shape):
    (published,) = zoo.entry(name).published
    network = zoo.build(name, input_shape=(24, 72, 1), **arguments)
    assert (network.count_params(), network.output_shape) == (published[1], shape)
    assert zoo.origin(zoo.rebuild(zoo.origin(network))) == zoo.origin(network)
    assert network.layers[-1].name == "predictions"
    x = np.random.default_rng(0).random((2, 24, 72, 1), dtype=np.float32)
    np.testing.assert_allclose(network.predict(x, verbose=0).sum(-1), 1, rtol=1e-5)


@pytest.mark.slow
def test_a_bundle_answers_as_the_reader_that_was_saved(bundle, folder):
    loaded = captcha.load_text_reader(bundle)
    assert (loaded.alphabet, loaded.lengths, loaded.threshold) == (ALPHABET, (4,), 0.5)
    paths = sorted(folder.iterdir())[:5]
    expected = reader_of(METHODS[loaded.description["network"]["builder"]]).predict(paths)
    found = loaded.predict(paths, threshold=0)
    assert [answer.text for answer in found] == [answer.text for answer in expected]
    np.testing.assert_allclose(
        [a.confidence for a in found], [a.confidence for a in expected], 1e-4
    )
    assert loaded.predict(paths)[0] == found[0]._replace(text=None)  # untrained: not sure
    assert loaded.predict([]) == []
    large = np.full((50, 200, 3), 255, np.uint8)
    assert len(loaded.predict(large)) == 1


def more_characters(found):
    found["class_names"].append("A")
    found["canary"].append(0.0)


@pytest.mark.slow
@pytest.mark.parametrize("bundle", ["ctc"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.update(kind="thing"),
        lambda found: found.update(kind="detector"),
        more_characters,
        lambda found: found.update(class_names=["22", *found["class_names"][1:]]),
        lambda found: found.update(class_names="2468"),
        lambda found: found.update(canary=[0.25] * 4),
        lambda found: found.update(lengths=["4"]),
        lambda found: found.update(threshold=2.0),
        lambda found: found.update(weights_sha256="0" * 64),
        lambda found: found["network"].update(builder="lenet"),
        lambda found: found["network"].update(arguments={}),
        lambda found: found.update(preprocessing={}),
        lambda found: found["preprocessing"]["steps"].pop(),
    ],
)
def test_a_changed_description_is_noticed(bundle, change, edit_bundle):
    edit_bundle(bundle, change)
    with pytest.raises(SightkitError):
        captcha.load_text_reader(bundle)


@pytest.mark.parametrize("bundle", ["ctc"], indirect=True)
def test_a_changed_file_is_noticed(bundle, edit_bundle):
    network = captcha.load_text_reader(bundle).network
    picture = (bundle / "canary.png").read_bytes()
    write_png(bundle / "canary.png", captcha.draw_captcha("8", np.random.default_rng(5), size=SIZE))
    with pytest.raises(SightkitError, match="not the file that was saved"):
        captcha.load_text_reader(bundle)
    edit_bundle(bundle)
    with pytest.raises(SightkitError, match="answer to the canary"):
        captcha.load_text_reader(bundle)
    (bundle / "canary.png").write_bytes(picture)
    zoo.rebuild(zoo.origin(network)).save_weights(bundle / "model.weights.h5")
    edit_bundle(bundle)
    with pytest.raises(SightkitError, match="not the weights"):
        captcha.load_text_reader(bundle)


def test_other_scripts_name_what_reads_it(bundle):
    for load in (training.load_bundle, transfer.load, training.check_bundle):
        with pytest.raises(SightkitError, match=r"a reader of captchas.*read_captcha\.py"):
            load(bundle)


@pytest.mark.slow
def test_read_captcha_prints_texts_and_refuses(bundle, folder, tmp_path, capsys):
    read = _scripts.load("captcha/read_captcha")
    files = tuple(sorted(folder.iterdir())[:3])
    output = tmp_path / "answers.json"
    found = read.main(read.Config(files, bundle, output=output))
    assert [answer["text"] for answer in found.values()] == [None] * 3
    assert capsys.readouterr().out.count("no answer") == 3
    assert json.loads(output.read_text()) == found
    found = read.main(read.Config(files, bundle, threshold=0.0))
    assert all(isinstance(answer["text"], str) for answer in found.values())
    assert "no answer" not in capsys.readouterr().out


@pytest.mark.slow
def test_evaluate_captcha_takes_a_reader_of_whole_texts(bundle, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evaluate = _scripts.load("captcha/evaluate_captcha")
    labels, texts = tmp_path / "labels.csv", [path.stem for path in sorted(folder.iterdir())[:5]]
    labels.write_text("file,text\n" + "".join(f"{text}.png,{text}\n" for text in texts))
    output = tmp_path / "texts.json"
    flags = {"bundle": bundle, "captchas": folder, "labels": labels, "output": output}
    found = evaluate.main(evaluate.Config(**flags))
    right = sum(
        answer.text == text
        for answer, text in zip(
            captcha.load_text_reader(bundle).predict(
                [folder / f"{text}.png" for text in texts], threshold=0
            ),
            texts,
            strict=True,
        )
    )
    assert (found["captchas"], found["right"]) == (5, right)
    (row,) = ledger.read(ledger.LOCAL)
    assert (row["test_images"], row["metrics"]["accuracy"]) == (5, found["accuracy"])


@pytest.mark.faults
@pytest.mark.parametrize("method", ("ctc", "heads"))
def test_a_killed_training_resumes_to_the_same_weights(method, script, folder, tmp_path):
    class Stop(Exception):
        pass

    def stop(batch, logs=None):
        seen.append(batch)
        if len(seen) == 27:  # within the second epoch
            raise Stop

    seen: list[int] = []
    config = script.Config(data=folder, output=tmp_path / "a", epochs=3, method=method)
    straight = script.main(config)
    broken = dataclasses.replace(config, output=tmp_path / "b")
    with pytest.raises(Stop):
        script.main(broken, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    resumed = script.main(dataclasses.replace(broken, resume=True))
    for name in ("weights_sha256", "train", "validation", "test"):
        assert resumed[name] == straight[name]
    reader = captcha.load_text_reader(tmp_path / "b" / "bundle")
    assert reader.description["metrics"]["test"] == straight["test"]


@pytest.mark.faults
def test_drawn_captchas_are_read(script, folder, tmp_path):
    found = script.main(script.Config(data=folder, output=tmp_path / "run", epochs=12))
    assert found["test"]["texts_right"] > 0.5
    assert found["test"]["refusal"]["answered"] > 0
    reader = captcha.load_text_reader(tmp_path / "run" / "bundle")
    parts = captcha.divide(captcha.read_text_folder(folder))
    answers = reader.predict(parts["test"].paths, threshold=0)
    right, _ = captcha.text_columns(parts["test"], answers)
    assert right.mean() == found["test"]["texts_right"]


def test_heads_refuse_texts_of_several_lengths(script, folder, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(folder, mixed)
    captcha.write_captchas(mixed, ["246", "864"], size=SIZE, named_by_text=True)
    with pytest.raises(SightkitError, match="one length"):
        script.main(script.Config(data=mixed, output=tmp_path / "run", method="heads"))


def test_ctc_refuses_a_picture_too_narrow_for_the_text(script, folder, tmp_path):
    with pytest.raises(SightkitError, match="width of at least 28 pixels"):
        script.main(script.Config(data=folder, output=tmp_path / "run", size=(24, 24)))


@pytest.mark.parametrize(
    "flags",
    (
        {"epochs": 0},
        {"batch_size": 0},
        {"seed": -1},
        {"learning_rate": 0.0},
        {"size": (24,)},
        {"size": (4, 72)},
        {"resume": True, "overwrite": True},
    ),
)
def test_flags_out_of_range_are_refused(flags, script):
    with pytest.raises(SightkitError):
        script.Config(**flags)
