"""What notebooks show of our objects: self-contained, escaped, bounded, and never an error."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import keras
import numpy as np
import pytest

from sightkit import evaluation, inference, io, training, transfer, zoo
from sightkit._display import MOST_ROWS
from sightkit.callbacks import History
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor
from sightkit.training.bundle_format import CANARY

HOSTILE = "<script>alert(1)</script>&\"'$x\udce9"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;&#x27;$x"
ROWS = [
    {
        "epoch": float(epoch),
        "loss": 1 / epoch,
        "val_loss": abs(epoch - 3) + 0.5,
        "accuracy": 0.5,
        "best_epoch": min(epoch, 3.0),
    }
    for epoch in range(1, 6)
]


class Elements(HTMLParser):
    """Counts elements; raises where one is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.found.append(tag)
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def answers(classes: int, *, count: int = 60) -> evaluation.Evaluation:
    """Answers that are right, save those to the last class, which are wrong."""
    labels = np.arange(max(count, classes)) % classes
    probabilities = np.full((len(labels), classes), 0.1 / classes, np.float32)
    probabilities[np.arange(len(labels)), labels % (classes - 1)] = 0.9
    names = tuple(f"{HOSTILE} {k}" for k in range(classes))
    return evaluation.Evaluation(probabilities, labels, names)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> training.Bundle:
    folder = tmp_path_factory.mktemp("bundle")
    network = zoo.MLP((8, 8, 3), 3, hidden=(4,))
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    measures = evaluation.metrics_report(answers(3)) | {"rank1": 0.625}
    training.save_bundle(
        folder / "bundle",
        network,
        preprocessing=Pipeline((SimplePreprocessor(8, 8), ImageToArrayPreprocessor())),
        class_names=("<b>cat</b>", "dog", "panda"),
        canary=image,
        metrics={"validation": measures},
    )
    return training.load_bundle(folder / "bundle")


def shown(thing: object) -> str:
    """The HTML of a thing, checked as all of them are."""
    html = thing._repr_html_()
    html.encode()
    found = Elements(html).found
    assert {"script", "link", "iframe"}.isdisjoint(found)
    assert all(source.startswith("data:image/png;base64,") for source in sources(html))
    assert not re.search(r"https?:|url\(", html)
    assert len(html) < 200_000
    return html


def sources(html: str) -> list[str]:
    return re.findall(r'src="([^"]*)"', html)


def test_evaluation_shows_measures_classes_and_confusion():
    html = shown(answers(3))
    assert html.count(ESCAPED) == 3 and "\\udce9" in html
    assert len(sources(html)) == 1
    assert "66.67 %" in html and "54.06–77.27 %" in html  # Wilson's of 40 in 60
    assert html.index(f"{ESCAPED}\\udce9 0") < html.index(f"{ESCAPED}\\udce9 2")


def test_evaluation_shows_the_worst_of_many_classes():
    html = shown(answers(1000))
    assert html.count(ESCAPED) == 12 and not sources(html)
    assert "The worst 12 of 1,000 classes" in html
    worst = re.search(r'<th scope="row">(.*?)</th><td>–</td><td>0.000', html[html.index("f1") :])
    assert worst and worst[1].endswith(" 999")


def test_description_shows_layers_totals_and_warnings():
    description = zoo.describe(zoo.LeNet((28, 28, 1), 10))
    html = shown(description)
    assert html.count('<th scope="row">') == len(description) + 1
    assert "1,256,080" in html and "Warning" not in html
    long = zoo.describe(zoo.MiniGoogLeNet((32, 32, 3), 10))
    assert len(long) > MOST_ROWS
    html = shown(long)
    assert html.count('<th scope="row">') == MOST_ROWS + 2
    assert f"… {len(long) - MOST_ROWS} more" in html and "is no integer" in html


def test_description_escapes_the_names_of_layers():
    images = keras.Input((4, 4, 1))
    outputs = keras.layers.Flatten(name="a<b>&c")(images)
    assert "a&lt;b&gt;&amp;c" in shown(zoo.describe(keras.Model(images, outputs)))


def test_range_test_shows_curve_and_suggestion():
    rates, losses = (1e-3, 1e-2, 1e-1), (2.0, 1.0, 5.0)
    html = shown(training.RangeTest(rates, losses, losses, 0.0012))
    assert "Suggested learning rate: 0.0012" in html and len(sources(html)) == 1
    for losses in ((2.0, 2.0, 2.0), ()):
        html = shown(training.RangeTest(rates[: len(losses)], losses, losses, None))
        assert f"No rate made the loss fall, in {len(losses)} steps." in html
        assert len(sources(html)) == bool(losses)


def test_history_is_a_list_that_shows_its_best_epoch():
    history = History(ROWS)
    assert history == ROWS and history.best == ROWS[2] and history[-1] == ROWS[-1]
    html = shown(history)
    assert "best: 3 of 5" in html and "last: 5 of 5" in html and len(sources(html)) == 1


def test_history_without_a_validation_loss_has_no_best_epoch():
    rows = [{key: x for key, x in row.items() if key[:4] not in ("val_", "best")} for row in ROWS]
    assert History(rows).best is None
    assert "no epoch is the best" in shown(History(rows))


def test_bundle_shows_network_chain_canary_and_measures(bundle):
    html = shown(bundle)
    assert "&lt;b&gt;cat&lt;/b&gt;" in html and "<b>" not in html
    assert "mlp" in html and "SimplePreprocessor(width=8, height=8" in html
    assert "validation" in html and "0.625" in html
    (picture,) = sources(html)
    assert len(picture) < 120_000  # 160 pixels of noise, of a canary of 400
    assert "network" not in vars(bundle)  # a glance builds nothing


def test_bundle_shows_no_canary_but_its_own(bundle, tmp_path):
    folder = shutil.copytree(bundle.folder, tmp_path / "copy")
    copy = training.load_bundle(folder)
    assert sources(shown(copy))
    io.write_png(folder / CANARY, np.zeros((4, 4, 3), np.uint8))
    assert not sources(shown(copy))
    shutil.rmtree(folder)
    assert not sources(shown(copy))


def test_bundle_of_no_folder_is_shown():
    network = zoo.MLP((4, 4, 1), 2, hidden=(2,))
    chain = Pipeline((ImageToArrayPreprocessor(),))
    description = {"network": zoo.origin(network)}
    html = shown(
        training.Bundle(lambda: network, inference.compile(network), chain, ("a", "b"), description)
    )
    assert "mlp" in html and not sources(html)


def test_networks_with_a_head_are_shown(tmp_path):
    (tmp_path / "photos").mkdir()
    io.write_sample_photos(tmp_path / "photos")
    network = transfer.open_network("shallownet", random=True)
    photos = transfer.open_photos(tmp_path / "photos")
    features = transfer.extract_features(network, photos, tmp_path / "features.h5")
    head = transfer.train_head(features, transfer.HeadSettings())
    transfer.save_feature_classifier(
        tmp_path / "bundle",
        transfer.networks_of(features),
        features,
        head.fitted.head,
        metrics=head.metrics,
        settings={},
    )
    html = shown(transfer.load(tmp_path / "bundle"))
    assert "shallownet at " in html and "china, flower" in html and "LogisticRegression" not in html
    assert len(sources(html)) == 1 and '<th scope="row">test</th>' in html


@pytest.mark.parametrize(
    "broken",
    (
        History([]),
        History([{"loss": 1.0}]),
        training.RangeTest((1.0,), (1.0,), (), 0.1),
        evaluation.Evaluation(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), ("a", "b")),
    ),
    ids=("no epoch", "no number", "no smoothed loss", "no answer"),
)
def test_what_cannot_be_shown_is_no_error(broken):
    assert broken._repr_html_() is None and repr(broken)
