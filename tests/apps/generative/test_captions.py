"""Captions: scenes, words, search and scores; the network, its bundle and the scripts."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from sightkit import io, zoo
from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.apps.generative.caption_answers import beam_search, bleu, exact_share, shifted
from sightkit.apps.generative.caption_network import Captioner, split_captioner
from sightkit.apps.generative.caption_training import CaptionBatches, sentences_right, word_loss
from sightkit.apps.generative.captions import BEGIN, END, Vocabulary, divide, plain_words
from sightkit.apps.generative.scenes import COLOURS, all_sentences, scene
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

SMALL = {"base": "mobilenet_0.25", "cut": "conv_pw_5_relu", "units": 8, "length": 6}


def test_scenes_show_their_sentence():
    sentences = all_sentences()
    assert len({*sentences}) == len(sentences) == 1740
    for sentence in (
        "a red square is left of a blue circle",
        "a red square is above a blue circle",
    ):
        assert sentence in sentences
        for number in range(5):
            image = scene(sentence, 1, number).astype(int)
            red = np.argwhere((image[..., 0] > 150) & (image[..., 2] < 110))
            blue = np.argwhere((image[..., 2] > 150) & (image[..., 0] < 110))
            axis = 1 if "left" in sentence else 0
            assert red[:, axis].mean() + 20 < blue[:, axis].mean()
    np.testing.assert_array_equal(scene(sentences[0], 3, 4), scene(sentences[0], 3, 4))
    assert not np.array_equal(scene(sentences[0], 3, 4), scene(sentences[0], 3, 5))


def test_divide_shares_no_sentence():
    parts = divide(generative.made_scenes(600, 1))
    told = {split: {s for (s,) in part.sentences} for split, part in parts.items()}
    assert not any(one & other for one, other in itertools.combinations(told.values(), 2))
    assert sum(map(len, parts.values())) == 600 and len(parts["test"]) == 120
    row = parts["test"].sentences[3][0]
    assert row.split()[1] in COLOURS and parts["test"].read(3).shape == (96, 96, 3)
    with pytest.raises(SightkitError, match="sentences"):
        divide(generative.made_scenes(20, 1, all_sentences()[:2]))


def test_vocabulary_encodes_and_decodes():
    words = Vocabulary.of(["a cat sat", "a dog", "a cat"], least=2)
    assert words.words == ("a", "cat") and len(words) == 6
    numbers = words.encode("a dog cat", 6)
    assert numbers.tolist() == [4, 3, 5, END, 0, 0]
    assert words.decode(numbers) == "a ? cat"
    assert words.encode("a a a a", 3).tolist() == [4, 4, END]
    assert shifted(numbers[None]).tolist() == [[BEGIN, 4, 3, 5, END, 0]]
    assert plain_words(" A man's hat,\nred-blue. ") == "a man's hat red blue"


def test_beam_search_finds_the_likeliest(rng):
    """Against all sentences: a first word that looks worse may lead to the better sentence."""
    length, count = 3, 6
    table = rng.normal(0, 2, (count, length, count))  # logits by the word before and the place
    table[:, :, [0, 1]] = -1e9

    def decode(maps, before):
        return np.stack([[table[w, t] for t, w in enumerate(row)] for row in before])

    def score(words):
        total, previous = 0.0, BEGIN
        for place, word in enumerate(words):
            logits = table[previous, place]
            total += logits[word] - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
            previous = word
            if word == END:
                break
        return total

    every = [w for w in itertools.product(range(2, count), repeat=length)]
    best = max(every, key=score)
    (found,) = beam_search(decode, np.zeros((1, 1)), length, beams=40)
    assert score(found) == pytest.approx(score(best))
    (greedy,) = beam_search(decode, np.zeros((1, 1)), length)
    assert greedy[0] == table[BEGIN, 0].argmax() and score(greedy) <= score(best) + 1e-9


def test_bleu_equals_hand_counts():
    assert bleu(["the cat sat on the mat"], [["the cat sat on the mat"]]) == pytest.approx(1)
    # 5 of 6 words, 3 of 5 pairs, 1 of 4 triples … no fours: 0 without smoothing.
    assert bleu(["the cat sat on a mat"], [["the cat lay on the mat"]]) == 0
    answer, reference = "a b c d e f", "a b c d e g h"
    expected = np.exp(1 - 7 / 6) * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25
    assert bleu([answer], [[reference]]) == pytest.approx(expected)
    assert bleu(["the the the the the"], [["the cat"]]) == 0
    assert exact_share(["a", "b"], [["a", "c"], ["c"]]) == 0.5


def test_loss_and_metric_stop_at_the_end(rng):
    words = np.array([[4, 5, END, 0], [5, END, 0, 0]])
    logits = rng.normal(0, 1, (2, 4, 6)).astype(np.float32)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = [-logs[0, [0, 1, 2], [4, 5, 2]].mean(), -logs[1, [0, 1], [5, 2]].mean()]
    np.testing.assert_allclose(np.asarray(word_loss(words, logits)), expected, rtol=1e-5)
    logits[...] = 0
    logits[0, [0, 1, 2], [4, 5, 2]] = 9
    logits[1, [0, 1], [4, 2]] = 9
    assert np.asarray(sentences_right(words, logits)).tolist() == [1, 0]


def test_batches_take_another_sentence_each_epoch():
    pictures = generative.made_scenes(5, 1)
    several = pictures.take([0, 1, 2])
    object.__setattr__(several, "sentences", (("a b",), ("c", "d"), ("e",)))
    words = Vocabulary.of(["a b c d e"])
    batches = CaptionBatches(several, np.zeros((3, 1, 1, 2)), words, 3, 3, shuffle=True, seed=1)
    seen = set()
    for epoch in range(2):
        batches.set_epoch(epoch)
        (_, before), y = batches[0]
        np.testing.assert_array_equal(before, shifted(y))
        seen |= {words.decode(row) for row in y}
    assert seen == {"a b", "c", "d", "e"}


@pytest.fixture
def captioner(rng):
    network = Captioner((32, 32, 3), 9, **SMALL)
    for weight in network.get_layer("logits").weights:
        weight.assign(rng.normal(0, 1, weight.shape))
    chain = Pipeline((SimplePreprocessor(32, 32), ImageToArrayPreprocessor()))
    words = Vocabulary(("a", "b", "c", "d", "e"))
    return generative.PictureCaptioner(network, chain, words, 2)


@pytest.mark.slow
def test_head_and_body_are_the_network(captioner, rng):
    body, head = split_captioner(captioner.network)
    images = rng.random((2, 32, 32, 3)).astype(np.float32)
    before = rng.integers(0, 9, (2, 6)).astype(np.int32)
    whole = captioner.network.predict_on_batch([images, before])
    parts = head.predict_on_batch([body.predict_on_batch(images), before])
    np.testing.assert_allclose(whole, parts, atol=1e-5)
    later = before.copy()
    later[:, 3:] = 1  # words to come must not be seen
    other = captioner.network.predict_on_batch([images, later])
    np.testing.assert_allclose(whole[:, :3], other[:, :3], atol=1e-5)


@pytest.mark.slow
def test_bundle_answers_and_notices_changes(captioner, tmp_path, rng):
    image = rng.integers(0, 256, (50, 40, 3)).astype(np.uint8)
    folder = captioner.save(tmp_path / "bundle", image)
    loaded = generative.load_captioner(folder)
    assert loaded.predict([image, image]) == captioner.predict(image) * 2
    assert zoo.origin(loaded.network)["builder"] == "captioner"
    with pytest.raises(SightkitError, match="beams must be"):
        loaded.predict(image, beams=0)
    io.write_png(folder / "canary.png", image[:, ::-1])
    with pytest.raises(SightkitError, match=r"canary\.png"):
        generative.load_captioner(folder)


def coco(folder, captions, names=12):
    images = folder / "images"
    images.mkdir(exist_ok=True)
    for k in range(names):
        io.write_png(images / f"{k}.png", np.full((8, 8, 3), 9 * k, np.uint8))
    entries = [{"id": k, "file_name": f"{k}.png", "height": 8} for k in range(names)]
    path = folder / "captions.json"
    annotations = [
        {"id": n, "image_id": k, "caption": text} for n, (k, text) in enumerate(captions)
    ]
    path.write_text(json.dumps({"info": {}, "images": entries, "annotations": annotations}))
    return path, images


def test_coco_captions_are_read(tmp_path):
    told = [(k, f"A picture, number {k}.") for k in range(12)] + [(3, "Grey!")]
    pictures = generative.read_coco_captions(*coco(tmp_path, told))
    assert len(pictures) == 12
    row = pictures.sentences.index(("a picture number 3", "grey"))
    assert pictures.read(row)[0, 0, 0] == 27


@pytest.mark.parametrize(
    ("more", "told"),
    [((99, "unknown"), "image 99"), ((3, " ... "), "image 3"), (None, "pictures=2")],
)
def test_faults_of_coco_captions_are_named(more, told, tmp_path):
    captions = [(k, "a b") for k in range(12)] if more else [(0, "a"), (1, "b")]
    path, images = coco(tmp_path, [*captions, *([more] if more else [])])
    with pytest.raises(SightkitError, match=told):
        generative.read_coco_captions(path, images)
    if more and more[0] == 99:
        path, images = coco(tmp_path, captions)
        (images / "4.png").unlink()
        with pytest.raises(SightkitError, match=r"4\.png is missing"):
            generative.read_coco_captions(path, images)


@pytest.mark.faults
def test_smoke_trains_and_captions(script, tmp_path):
    result = script("generative/train_captioner", "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    run = tmp_path / "runs" / "captioner" / "smoke"
    assert (run / "captions.png").is_file() and "word for word" in result.stdout
    assert "captions.png " in result.stdout
    result = script("generative/caption", run / "bundle" / "canary.png", "--bundle", run / "bundle",
                    "--output", "out.json", cwd=tmp_path)  # fmt: skip
    assert result.code == 0, result.stderr
    assert len(json.loads((tmp_path / "out.json").read_text())) == 1


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--scenes", "5"), "--scenes must be at least 20"),
        (("--data", "nowhere.json"), "nowhere.json"),
        (("--base", "lenet"), "No pretrained network"),
        (("--beams", "0"), "--beams"),
        (("--beams", "51"), "--beams must be 1 to 50"),
    ],
)
def test_train_refuses_before_keras(flags, told, script, tmp_path):
    result = script("generative/train_captioner", *flags, cwd=tmp_path)
    assert result.code == 2 and result.heavy == ""
    assert told in result.stderr and len(result.stderr.splitlines()) == 1
