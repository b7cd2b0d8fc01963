"""metrics.json and report.html of a made-up run."""

from __future__ import annotations

import base64
import csv
import json
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from sightkit import _files, _run_files
from sightkit._errors import SightkitError
from sightkit.callbacks.curves import draw_curves
from sightkit.evaluation import Evaluation, Samples, metrics_report, report_run, write_report
from sightkit.evaluation.html import unbroken
from sightkit.evaluation.report import _few_photos, _one_answer
from sightkit.io import HDF5DatasetGenerator

VOID = {"meta", "img", "br", "link", "input", "hr"}
EVIL = '<script>alert("x")</script>'


class Page(HTMLParser):
    """Checks that tags are balanced; keeps addresses, scripts and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.tags, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def page_of(folder):
    """The report, with the spaces and dashes at which a line may not end as plain ones."""
    text = (folder / _run_files.REPORT).read_text(encoding="utf-8")
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


class Data:
    """Made-up test images: sample k is brightness k."""

    def __init__(self, names, count=40):
        self.class_names = names
        self.labels = np.arange(count) % len(names)

    def __len__(self):
        return -(-len(self.labels) // 16)

    def __getitem__(self, index):
        rows = np.arange(len(self.labels))[16 * index : 16 * index + 16]
        return rows.astype("float32")[:, None], self.labels[rows]

    def images(self, rows):
        shade = np.arange(len(self.labels), dtype=np.uint8)[rows]
        return np.broadcast_to(shade[:, None, None, None], (len(shade), 8, 8, 1))


def answering(classes, wrong=()):
    def predictor(images):
        rows = images[:, 0].astype(int)
        said = np.array([(row + (row in wrong)) % classes for row in rows])
        return (np.eye(classes)[said] * 0.9 + 0.1 / classes).astype("float32")

    return predictor


@pytest.fixture
def report(tmp_path):
    def write(names=("a", "b", "c"), wrong=(3, 5), smoke=False, **facts):
        rows = [{"epoch": 1.0, "loss": 1.0, "val_loss": 1.2}, {"epoch": 2.0, "loss": 0.5}]
        draw_curves(rows, tmp_path / _run_files.CURVES)
        _files.write_json(
            tmp_path / _run_files.ENVIRONMENT,
            {
                "command": "python scripts/x.py --output 'a & b' --name '<i>'",
                "versions": {"k": "3"},
            },
        )
        config = {"experiment": "train_x", "seed": 1, "smoke": smoke}
        _files.write_json(tmp_path / _run_files.CONFIG, config)
        data = Data(names)
        facts = {"parameters": 1234, "weights_sha256": "ab" * 32, "seed": 1, **facts}
        metrics = report_run(tmp_path, answering(len(names), wrong), {"test": data}, facts)
        return metrics, page_of(tmp_path)

    return write


def test_metrics_json_holds_what_is_returned(report, tmp_path, capsys):
    metrics, _ = report()
    assert json.loads((tmp_path / _run_files.METRICS).read_text()) == metrics
    numbers = metrics["test"]
    assert (numbers["rank1"], numbers["rank5"], numbers["count"]) == (38 / 40, None, 40)
    assert numbers["majority_baseline"] == 14 / 40
    assert numbers["balanced_accuracy"] == pytest.approx((13 / 14 + 1 + 12 / 13) / 3)
    low, high = numbers["intervals"]["rank1"]
    assert 0.8 < low < 38 / 40 < high <= 1
    assert 0 <= numbers["calibration"]["ece"] < 0.2
    assert (metrics["parameters"], metrics["seed"]) == (1234, 1)
    printed = capsys.readouterr().out
    assert "95.00 %" in printed
    assert "precision" in printed


def test_report_is_one_well_formed_page_with_command_and_metrics(report):
    _, text = report()
    page = Page(text)
    assert "python scripts/x.py --output 'a & b' --name '<i>'" in page.text
    assert "95.00 %" in page.text
    assert "1,234" in page.text
    assert {"html", "title", "main", "h1", "table"} <= set(page.tags)
    assert 'name="viewport"' in text


def test_the_report_needs_nothing_else(report):
    _, text = report()
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "script" not in page.tags
    assert "link" not in page.tags
    for reference in ("http://", "https://", "@import", "url("):
        assert reference not in text
    for address in page.addresses:
        data = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR) is not None


def test_names_are_shown_as_text(report):
    _, text = report(names=(EVIL, '" onerror="x', "c & <b>"), experiment=EVIL)
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL in page.text
    assert "c & <b>" in page.text
    assert " onerror=" not in text.replace("&quot; onerror=", "")


def test_the_worst_mistakes_are_shown_the_most_expensive_first(report):
    _, text = report(wrong=(3, 5, 7))
    assert "3 of 40 test images were classified wrongly" in text
    assert text.count("<figure>") == 3
    _, text = report(wrong=range(40))
    assert text.count("<figure>") == 24
    assert "the 24 most expensive are shown" in text


def test_no_mistakes_are_said_too(report, tmp_path):
    report(wrong=(3,))
    assert (tmp_path / _run_files.MISTAKES).is_file()
    _, text = report(wrong=())
    assert "Every test image was classified correctly." in text
    Page(text)
    assert not (tmp_path / _run_files.MISTAKES).exists()


def test_intervals_and_calibration_are_in_the_report(report, tmp_path):
    _, text = report()
    page = Page(text)
    for said in ("balanced accuracy", "always the largest class", "35.00 %", "1,000 replicates"):
        assert said in page.text
    assert "Expected calibration error" in page.text
    assert cv2.imread(str(tmp_path / _run_files.RELIABILITY)) is not None


@pytest.mark.slow
@pytest.mark.parametrize("classes", (2, 30, 60))
def test_any_number_of_classes_gives_a_report(classes, report, tmp_path, capsys):
    metrics, text = report(names=tuple(f"class {index}" for index in range(classes)))
    _, per_class = text.split("<h2>Per class</h2>")
    assert per_class.count("<tr>") == classes + 1
    assert (metrics["test"]["rank5"] is None) == (classes <= 5)
    assert cv2.imread(str(tmp_path / _run_files.CONFUSION)) is not None
    assert ("more in report.html" in capsys.readouterr().out) == (classes > 50)


def test_a_folder_without_a_runs_files_gets_a_report(tmp_path):
    report_run(tmp_path, answering(3), {"test": Data(("a", "b", "c"))}, {})
    Page(page_of(tmp_path))


def test_the_diagnosis_is_printed_and_shown(tmp_path, capsys):
    """All right in training (by the history), a third wrong on 300 images of validation."""
    history = "epoch,loss,accuracy,val_loss,learning_rate,best_epoch\n"
    history += "".join(f"{e},{2 / e},{0.999},{2 / e + 1},0.1,{e}\n" for e in range(1, 9))
    (tmp_path / _run_files.HISTORY).write_text(history + "9,0.2,0.99,,0.1,8\n", encoding="utf-8")
    data = Data(("a", "b", "c"), 240)
    predictor = answering(3, range(0, 240, 3))
    report_run(
        tmp_path,
        predictor,
        {"validation": data, "test": data},
        {},
        floor=0.001,
        floor_source="<two> annotators",
    )
    printed = capsys.readouterr().out
    assert "Diagnosis: Variance: 33.2 points (95 %: " in printed
    assert "Try next: more training data" in printed
    assert "0.10 % (<two> annotators)" in printed
    text = page_of(tmp_path)
    page = Page(text)
    assert "Diagnosis" in page.text
    assert 'class="verdict large"' in text
    assert "33.33 % on validation, at most 0.10 % on training" in page.text
    assert "0.10 % (<two> annotators)" in page.text
    assert "overfitting to validation: undecided" in page.text


def test_a_floor_is_a_guess_unless_its_source_is_told(report, capsys):
    _, text = report()
    assert "which is a guess" in text
    assert "guess" not in capsys.readouterr().out  # with a test split alone nothing is compared


def test_a_network_that_diverged_is_told_in_one_line(tmp_path):
    def diverged(images):
        return np.full((len(images), 3), np.nan, np.float32)

    with pytest.raises(SightkitError):
        report_run(tmp_path, diverged, {"test": Data(("a", "b", "c"))}, {})


@pytest.mark.parametrize("split", ("validation", "test"))
def test_shuffled_data_is_refused_before_anything_is_evaluated(split, tmp_path, write_dataset):
    """The report would show other images than those that were mistaken."""
    path = write_dataset()

    def never(images):
        raise AssertionError("evaluated")

    data = {
        name: HDF5DatasetGenerator(path, 4, split=name, shuffle=name == split)
        for name in ("validation", "test")
    }
    with pytest.raises(SightkitError, match=r"Received: shuffle=True.*shuffle=False"):
        report_run(tmp_path, never, data, {})
    assert not (tmp_path / _run_files.METRICS).exists()


def test_labels_in_another_order_than_the_images_are_refused(tmp_path):
    """Data of another make may be shuffled without saying so."""

    class Mixed(Data):
        def __getitem__(self, index):
            images, labels = super().__getitem__(index)
            return images[::-1], labels[::-1]

    with pytest.raises(SightkitError, match="stored order"):
        report_run(tmp_path, answering(3), {"test": Mixed(("a", "b", "c"))}, {})


@pytest.mark.parametrize("smoke", (True, False))
def test_a_smoke_run_is_marked(smoke, report, capsys):
    _, text = report(smoke=smoke)
    assert ("these numbers mean nothing" in Page(text).text) == smoke
    assert ("these numbers mean nothing" in capsys.readouterr().out) == smoke


@pytest.mark.parametrize("penalty", (0.0, 0.25))
def test_losses_with_and_without_a_penalty_are_told_apart(penalty, report):
    _, text = report(penalty=penalty)
    assert ("the penalty on large weights too (0.25 at the end)" in Page(text).text) == bool(
        penalty
    )


def test_a_measure_that_is_not_defined_is_a_dash(tmp_path, capsys):
    """No image of class c: it has no recall."""
    data = Data(("a", "b", "c"))
    data.labels = data.labels % 2
    report_run(tmp_path, lambda images: answering(3)(images)[:, [0, 1, 2]], {"test": data}, {})
    printed = capsys.readouterr().out
    assert "nan" not in printed
    assert "–" in printed


def test_pictures_do_not_glare_on_a_dark_page(report):
    _, text = report()
    _, _, dark = text.rpartition("prefers-color-scheme: dark")
    assert "img.wide { filter: brightness(" in dark


@pytest.mark.parametrize("named", (True, False))
@pytest.mark.parametrize("pixels", ("all", "some", "none"))
def test_mistakes_have_their_file_and_picture_where_they_are_known(named, pixels, tmp_path):
    predicted = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.7, 0.3]], np.float32)
    test = Evaluation(predicted, np.array([0, 1, 1, 1]), ("cat", "dog"))
    names = ("cat/1.jpg", "dog/<2>.jpg", "dog/3.jpg", "dog/4.jpg")

    def images(rows):
        return [np.zeros((4, 4, 3), np.uint8) if pixels == "all" or row == 1 else None
                for row in rows]  # fmt: skip

    samples = Samples(
        (lambda rows: [names[row] for row in rows]) if named else None,
        None if pixels == "none" else images,
    )
    for name in ("mistakes.png", "mistakes.csv"):
        (tmp_path / name).write_bytes(b"of an earlier evaluation")
    write_report(tmp_path, test, samples, {"test": metrics_report(test)})
    page = page_of(tmp_path)
    Page(page)
    assert ("dog/&lt;2&gt;.jpg" in page) == named and "cat/1.jpg" not in page
    assert page.count("<figure>") == 2
    assert page.count("<figure><img") == {"all": 2, "some": 1, "none": 0}[pixels]
    assert (tmp_path / "mistakes.png").exists() == (pixels != "none")
    assert (tmp_path / "mistakes.csv").exists() == named
    if named:
        with (tmp_path / "mistakes.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["name"], row["true"], row["predicted"]) for row in rows] == [
            ("dog/<2>.jpg", "dog", "cat"),
            ("dog/4.jpg", "dog", "cat"),
        ]
        assert float(rows[0]["probability"]) == pytest.approx(0.8)


def test_all_mistakes_are_in_the_table_the_page_shows_the_worst(report, tmp_path, monkeypatch):
    monkeypatch.setattr(Data, "sources", lambda self, rows: [f"{row}.png" for row in rows],
                        raising=False)  # fmt: skip
    _, text = report(wrong=range(40))
    assert text.count(".png</code>") == 24
    assert "All are listed in mistakes.csv." in Page(text).text
    lines = (tmp_path / "mistakes.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 41


def test_the_mistakes_of_a_dataset_file_have_its_sources(tmp_path, write_dataset):
    path = write_dataset(train=4, test=6)
    data = HDF5DatasetGenerator(path, 4, split="test")
    assert data.sources(np.array([1, 5])) == list(data.file.sources()[5:10:4])

    def predictor(images):
        return np.eye(3, dtype=np.float32)[np.zeros(len(images), int)]

    report_run(tmp_path, predictor, {"test": data}, {})
    rows = (tmp_path / "mistakes.csv").read_text(encoding="utf-8").splitlines()[1:]
    wrong = [source for source, label in zip(data.sources(slice(None)), data.labels, strict=True)
             if label]  # fmt: skip
    assert sorted(row.split(",")[0] for row in rows) == sorted(wrong)


class Photos(Data):
    """Coloured squares, or such of equal channels."""

    def __init__(self, count, size=32, channels=3, *, coloured=True):
        super().__init__(("a", "b", "c"), count)
        self.shape, self.coloured = (size, size, channels), coloured

    def images(self, rows):
        shade = np.zeros((len(rows), *self.shape), np.uint8)
        shade[..., 0] += 90 * self.coloured
        return shade


@pytest.mark.parametrize(
    ("train", "few"),
    (
        (Photos(300), 300),
        (Photos(5_999), 5_999),
        (Photos(6_000), 0),
        (Photos(300, 16), 0),
        (Photos(300, channels=1, coloured=False), 0),
        (Photos(300, coloured=False), 0),
        (None, 0),
    ),
)
def test_few_photos_are_coloured_and_less_than_thousands_a_class(train, few):
    assert _few_photos(train) == few


@pytest.mark.parametrize("pretrained", (False, True))
def test_features_are_proposed_for_few_photos_from_scratch(pretrained, tmp_path, capsys):
    data = {"train": Photos(300), "test": Photos(90)}
    report_run(tmp_path, answering(3, range(0, 300, 3)), data, {}, pretrained=pretrained)
    assert ("scripts/extract_features.py" in capsys.readouterr().out) != pretrained
    text = page_of(tmp_path)
    assert ("features of a pretrained network" in text) != pretrained


@pytest.mark.parametrize(
    ("counts", "found"),
    (
        (((90, 0), (28, 2)), "Nearly always one answer: no, the largest class, for 98.33 %."),
        (((0, 10), (1, 9)), "Nearly always one answer: yes, the largest class, for 95.00 %."),
        (((1, 29), (0, 10)), "Nearly always one answer: yes for 97.50 %."),
        (((90, 0), (20, 10)), ""),
        (((970, 2), (20, 8)), ""),
        (((80, 20), (30, 0)), ""),
        (((100, 0), (0, 0)), ""),
    ),
)
def test_one_answer_is_that_of_nearly_all_images_of_each_class(counts, found):
    pairs = [(t, p) for t, row in enumerate(counts) for p, n in enumerate(row) for _ in range(n)]
    labels, answers = map(np.array, zip(*pairs, strict=True))
    assert _one_answer(Evaluation(np.eye(2)[answers], labels, ("no", "yes"))) == found


@pytest.mark.parametrize(
    ("text", "joined"),
    (
        ("<p>97.50 % of 3,000 images</p>", "<p>97.50_% of 3,000_images</p>"),
        ("<dd>1.2–3.4 %</dd>", "<dd>1.2–|3.4_%</dd>"),
        ("<p>(95 %: +1.2 to +3.4)</p>", "<p>(95_%: +1.2_to +3.4)</p>"),
        ("<th>rank-1 of well-known</th>", "<th>rank-|1 of well-known</th>"),
        ("<p>5 <b>points</b></p>", "<p>5 <b>points</b></p>"),
        ("<style>a { margin: 0 1px; }</style>",) * 2,
        ("<pre>--size 32 160\n--top 3 x</pre>",) * 2,
        ("<code>IMG 12 b.jpg</code>",) * 2,
        ('<img alt="3 dogs">',) * 2,
    ),
)
def test_numbers_stay_with_their_unit(text, joined):
    assert (
        unbroken(text).replace("\N{NO-BREAK SPACE}", "_").replace("\N{WORD JOINER}", "|") == joined
    )
