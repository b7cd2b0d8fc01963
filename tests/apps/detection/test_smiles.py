"""Smiles in pictures, videos and a camera that is not there; results that are complete."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection import Detections, Frames, SmileDetector, detect_live, live
from sightkit.apps.detection.live import write_sample_face
from sightkit.io import read_image

NAME = "detection/smiles"


class Classifier:
    """Smiles are bright; counts what it is given."""

    class_names = ("negatives", "positives")

    def predict(self, images):
        share = np.array([image.mean() / 255 for image in images], np.float32).reshape(-1)
        return np.stack([1 - share, share], axis=1)


def corner(image):
    """A "face" in the upper left quarter of each picture."""
    height, width = image.shape[:2]
    box = np.array([[0, 0, width / 2, height / 2]], np.float32)
    return Detections(box, np.ones(1), np.zeros(1, np.int64), ("face",))


def nothing(image):
    return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64), ("face",))


@pytest.fixture
def film(tmp_path):
    """Ten frames, 64x48, ten a second: five dark, five bright."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for shade in [40] * 5 + [220] * 5:
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    return path


def test_faces_are_classified_as_they_are_cut():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :30] = 255
    found = SmileDetector(corner, Classifier())(image)
    assert found.names() == ["smiling"] and found.scores[0] == 1
    assert found.boxes.tolist() == [[0, 0, 30, 20]]
    assert len(SmileDetector(nothing, Classifier())(image)) == 0


def test_a_classifier_of_other_things_is_refused():
    classifier = Classifier()
    classifier.class_names = ("a", "b", "c")
    with pytest.raises(SightkitError, match="two classes"):
        SmileDetector(corner, classifier)


def test_a_video_is_drawn_frame_by_frame(film, tmp_path):
    found = SmileDetector(corner, Classifier())
    result = detect_live(found, Frames(film), tmp_path / "out" / "film.avi")
    assert result == {"frames": 10, "detections": {"not smiling": 5, "smiling": 5}}
    written = Frames(tmp_path / "out" / "film.avi")
    frames = [*written]
    assert len(frames) == 10 and written.rate == 10 and frames[0].shape == (48, 64, 3)
    assert frames[0].std() > 10  # what was one shade has a box in it
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.avi"]


def test_control_c_ends_with_a_complete_video(film, tmp_path):
    seen = []

    def stopped(image):
        seen.append(1)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return corner(image)

    result = detect_live(stopped, Frames(film), tmp_path / "cut.avi")
    assert result["frames"] == 3
    assert len([*Frames(tmp_path / "cut.avi")]) == 3


def test_an_error_leaves_no_video_and_lets_the_source_go(film, tmp_path):
    def broken(image):
        raise SightkitError("No.")

    with pytest.raises(SightkitError, match="No"):
        detect_live(broken, Frames(film), tmp_path / "cut.avi")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.avi"]


def test_a_window_ends_with_q(film, monkeypatch):
    pressed = iter([-1, -1, ord("q")])
    shown = []
    monkeypatch.setattr(live.cv2, "imshow", lambda title, frame: shown.append(frame))
    monkeypatch.setattr(live.cv2, "waitKey", lambda delay: next(pressed))
    monkeypatch.setattr(live.cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(live.cv2, "destroyAllWindows", lambda: shown.append("closed"))
    assert detect_live(nothing, Frames(film), None)["frames"] == 3
    assert len(shown) == 4 and shown[-1] == "closed"


def test_screens_are_known_by_the_environment(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not live.has_screen()


def test_what_is_no_video_is_one_error(tmp_path, capfd):
    (tmp_path / "x.mp4").write_bytes(b"no video")
    with pytest.raises(SightkitError, match=r"No frame.*x\.mp4"):
        Frames(tmp_path / "x.mp4")
    with pytest.raises(SightkitError, match="must be a file"):
        Frames(tmp_path / "y.mp4")
    with pytest.raises(SightkitError, match="camera='99'"):
        Frames(99)
    assert capfd.readouterr().err == ""


def test_the_script_finds_a_face_and_never_replaces_unasked(script, tmp_path):
    result = script(NAME, "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    found = json.loads((tmp_path / "smiles" / "grace_hopper.json").read_text())
    (face,) = found["detections"]
    assert face["label"] in ("smiling", "not smiling") and face["score"] >= 0.5
    photo = write_sample_face(tmp_path)
    x0, y0, x1, y1 = face["box"]
    assert x0 < 260 < x1 and y0 < 170 < y1, read_image(photo).shape
