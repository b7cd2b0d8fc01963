"""Galleries of photos: opened from a folder or a file, searched, and drawn on a sheet."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from sightkit import evaluation, io
from sightkit._errors import SightkitError
from sightkit.apps.explain.gallery import drawn_rows, labels_of, open_gallery
from sightkit.apps.explain.neighbour_sheet import draw_neighbours
from sightkit.apps.explain.neighbours import nearest
from sightkit.apps.explain.retrieval import Answer, Retrieval
from sightkit.apps.explain.retrieval_report import own_answers, photo_answers
from sightkit.io import read_image

NETWORK = {"model": "minivggnet", "random": True}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Photos of a temple and of a flower, and their features."""
    place = tmp_path_factory.mktemp("gallery")
    (place / "photos").mkdir()
    io.write_sample_photos(place / "photos")
    open_gallery(place / "photos", place, **NETWORK)
    return place


@pytest.fixture(scope="module")
def features(place):
    return open_gallery(place / "features.h5", place)


def one(place):
    return evaluation.PhotoFolder([place / "photos/china/3.png"])


def test_a_feature_file_is_opened_as_it_is(place, features):
    assert features.shape[0] == 24 and labels_of(features) is not None
    again = open_gallery(place / "features.h5", place, **NETWORK)
    assert again.files[0].sha256 == features.files[0].sha256


def test_a_feature_file_of_another_network_is_refused(place):
    with pytest.raises(SightkitError, match=r"network of features.h5 differs in .*Leave --model"):
        open_gallery(place / "features.h5", place, model="shallownet", random=True)


def test_the_number_of_photos_is_checked_before_the_work(place, tmp_path):
    def check(photos):
        raise SightkitError("Too few.", photos=photos)

    for data in (place / "photos", place / "features.h5"):
        with pytest.raises(SightkitError, match="photos=24"):
            open_gallery(data, tmp_path, **NETWORK, check=check)
    assert not [*tmp_path.iterdir()]


def test_a_gallery_of_photos_without_classes_has_no_labels(place, tmp_path):
    (tmp_path / "flat").mkdir()
    for number in range(4):
        shutil.copy(place / f"photos/china/{number}.png", tmp_path / "flat")
    features = open_gallery(tmp_path / "flat", tmp_path, **NETWORK)
    assert labels_of(features) is None
    retrieval = Retrieval(features, 2)
    answers, result = own_answers(retrieval, 3)
    assert result == {"photos": 4, "k": 2} and len(answers) == 3
    assert answers[0].class_name == "" and answers[0].precision is None
    with pytest.raises(SightkitError, match=r"two classes at least.*--metric=cosine"):
        Retrieval(features, 2, learned=True)


def test_a_gallery_of_one_photo_is_refused(place, tmp_path):
    (tmp_path / "flat").mkdir()
    shutil.copy(place / "photos/china/0.png", tmp_path / "flat")
    with pytest.raises(SightkitError, match="two photos at least"):
        Retrieval(open_gallery(tmp_path / "flat", tmp_path, **NETWORK), 1)


def test_k_larger_than_the_gallery_is_refused(features):
    with pytest.raises(SightkitError, match=r"at most 24.*Received: k=25"):
        Retrieval(features, 25)


def test_search_finds_the_most_similar_and_not_the_photo_itself(place, features):
    retrieval = Retrieval(features, 3)
    (answer,) = retrieval.search(one(place), pictures=1)
    assert answer.class_name == "china" and answer.image.shape == (224, 224, 3)
    row = features.sources().index("china/3.png")
    own = retrieval.own()
    assert [each.name for each in answer.neighbours] == [
        features.sources()[near] for near in own.rows[row]
    ]
    similarities = [each.similarity for each in answer.neighbours]
    assert similarities == pytest.approx(own.similarities[row], abs=1e-5)
    assert similarities == sorted(similarities, reverse=True)
    assert "china/3.png" not in {each.name for each in answer.neighbours}
    image = answer.neighbours[0].image
    assert image is not None and image.shape == (224, 224, 3)
    assert retrieval.search(one(place))[0].neighbours[0].image is None  # no pictures were wanted


def test_a_query_of_no_known_class_has_no_precision(place, features, tmp_path):
    shutil.copy(place / "photos/flower/7.png", tmp_path / "mine.png")
    found, result = photo_answers(
        Retrieval(features, 4), evaluation.PhotoFolder([tmp_path / "mine.png"]), 8
    )
    assert found[0].class_name == "" and result["precision"] is None
    (near,) = result["neighbours"].values()
    assert len(near) == 4 and set(near[0]) == {"name", "class", "similarity"}


def test_a_query_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "no.png").write_text("no image")
    with pytest.raises(SightkitError, match=r"no\.png"):
        evaluation.PhotoFolder([tmp_path / "no.png"])


def test_a_learned_metric_is_measured_on_photos_that_it_has_not_seen(features, capsys):
    retrieval = Retrieval(features, 3, learned=True)
    _, result = own_answers(retrieval, 4)
    said = capsys.readouterr().out
    assert 0 <= result["precision"] <= 1 and set(result["per_class"]) == {"china", "flower"}
    assert result["precision_cosine"] == pytest.approx(
        retrieval.own(learned=False).precision(features.labels, features.labels).mean()
    )
    assert "precision@3" in said and "the plain cosine's" in said
    found = retrieval.own()
    assert not (found.rows == np.arange(24)[:, None]).any()


def test_labels_without_sense_gain_nothing(place, tmp_path):
    """A metric that saw its queries' labels would find them again: here it cannot."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir()
    for number in range(40):
        noise = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
        io.write_png(tmp_path / "photos" / "ab"[number % 2] / f"{number}.png", noise)
    features = open_gallery(tmp_path / "photos", tmp_path, **NETWORK)
    retrieval = Retrieval(features, 3, learned=True)
    assert retrieval.own().precision(features.labels, features.labels).mean() < 0.7
    seen = retrieval.metric(retrieval.values)
    found = nearest(seen, seen, 3, same=(np.arange(40), np.arange(40)))
    assert found.precision(retrieval.labels, retrieval.labels).mean() > 0.7


def test_drawn_rows_reports_what_is_left_out(features, capsys):
    assert drawn_rows(features, 24).tolist() == list(range(24))
    rows = drawn_rows(features, 10)
    assert len(rows) == 10 and sorted(set(rows)) == rows.tolist()
    assert "10 of 24 photos, drawn at random" in capsys.readouterr().err


def test_draw_neighbours_draws_a_row_a_query(features, tmp_path):
    retrieval = Retrieval(features, 3)
    answers = retrieval.answers(retrieval.own(), [0, 5])
    draw_neighbours(answers, tmp_path / "two.png", title="two")
    draw_neighbours([*answers, *answers], tmp_path / "four.png")
    two, four = (read_image(tmp_path / name) for name in ("two.png", "four.png"))
    assert two.shape[1] == four.shape[1] and four.shape[0] > 1.8 * two.shape[0]
    green = (two[..., 1].astype(int) - two[..., 0] > 60) & (two[..., 2] < 90)
    assert green.sum() > 500  # the frames of neighbours of the query's class


def test_rows_of_different_lengths_are_refused(features, tmp_path):
    answers = Retrieval(features, 3).answers(Retrieval(features, 3).own(), [0])
    shorter = Answer("x", "", None, answers[0].neighbours[:2])
    with pytest.raises(SightkitError, match=r"Received: lengths=\[3, 4\]"):
        draw_neighbours([*answers, shorter], tmp_path / "x.png")
    with pytest.raises(SightkitError, match="a row of photos at least"):
        draw_neighbours([], tmp_path / "x.png")
