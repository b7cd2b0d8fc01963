"""Labels in a table beside the images: every form that people bring, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import FolderDataset, build_dataset, write_png
from sightkit.io.build.folder_file import folder_to_file
from sightkit.preprocessing import Pipeline, SimplePreprocessor
from sightkit.transfer import open_photos

CLASSES = {"a1": "cat", "a2": "dog", "b1": "cat", "b2": "dog"}
ROWS = "a1.png,cat\na2.png,dog\nb1.png,cat\nb2.png,dog\n"


@pytest.fixture
def photos(tmp_path):
    for number, name in enumerate(CLASSES):
        folder = tmp_path / "photos" / "in"
        folder.mkdir(parents=True, exist_ok=True)
        write_png(folder / f"{name}.png", np.full((4, 4, 3), number, np.uint8))
    return tmp_path / "photos"


def labelled(photos, text, *, name="labels.csv", **options):
    path = photos.parent / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    dataset = FolderDataset(photos, labels=path, **options)
    source = dataset()
    found = {
        Path(source.identify(row)).stem: source.class_names[source.labels[row]]
        for row in range(len(source))
    }
    return found, source


def kaggle(row):
    return "".join(f"{row(name, label)}\n" for name, label in CLASSES.items())


@pytest.mark.parametrize(
    "text",
    (
        "id,label\n" + ROWS,
        ROWS,
        "id,breed\n" + kaggle(lambda n, c: f"{n},{c}"),
        "id;breed\n" + kaggle(lambda n, c: f"{n};{c}"),
        "id\tbreed\n" + kaggle(lambda n, c: f"{n}\t{c}"),
        "id|breed\n" + kaggle(lambda n, c: f"{n}|{c}"),
        kaggle(lambda n, c: f"in/{n}.png {c}"),
        "sep=;\nid;breed\n" + kaggle(lambda n, c: f"{n};{c}"),
        '"id","breed"\n' + kaggle(lambda n, c: f'"{n}.png","{c}"'),
        "id, breed\n" + kaggle(lambda n, c: f"{n} ,  {c} "),
        "breed,id\n" + kaggle(lambda n, c: f"{c},{n}"),
        "path,label\n" + kaggle(lambda n, c: f"in/{n}.png,{c}"),
        "path,label\n" + kaggle(lambda n, c: f"./in/{n}.png,{c}"),
        "path,label\n" + kaggle(lambda n, c: f"in\\{n}.png,{c}"),
        "path,label\n" + kaggle(lambda n, c: f"/kaggle/input/x/photos/in/{n}.png,{c}"),
        "path,label\n" + kaggle(lambda n, c: f"C:\\photos\\in\\{n}.PNG,{c}"),
        "path,label\n" + kaggle(lambda n, c: f"images/{n}.jpg,{c}"),
        ",id,label\n" + kaggle(lambda n, c: f"{int(n[1])},{n},{c}"),
        "id,label,age\n" + kaggle(lambda n, c: f"{n},{c},3"),
        "id,path,label\n" + kaggle(lambda n, c: f"{n},in/{n}.png,{c}"),
        "id,cat,dog\n" + kaggle(lambda n, c: f"{n},{int(c == 'cat')},{int(c == 'dog')}"),
        "id,cat,dog\n" + kaggle(lambda n, c: f"{n},{float(c == 'cat')},{float(c == 'dog')}"),
        "id,label\r\n" + ROWS.replace("\n", "\r\n") + "\r\n",
        "id,label\n\n" + ROWS + "\n\n",
        ("id,label\n" + ROWS).encode("utf-8-sig"),
        ("id,label\n" + ROWS).encode("utf-16"),
        kaggle(lambda n, c: json.dumps({"file_name": f"{n}.png", "label": c})),
        kaggle(lambda n, c: json.dumps({"label": [c], "image": n})),
        json.dumps([{"image": n, "label": c} for n, c in CLASSES.items()], indent=1),
        "id,label\n" + ROWS + "a1.png,cat\n",
    ),
)
def test_a_table_of_any_form_gives_the_labels(text, photos):
    found, source = labelled(photos, text)
    assert found == CLASSES
    assert source.lost == 0 and source.left_out == ()


def test_labels_may_hold_what_a_cell_may_hold(photos):
    rows = {"a1": 'red, "dark"', "a2": "épagneul", "b1": 'red, "dark"', "b2": "e\u0301pagneul"}
    text = "id,label\n" + "".join(
        '{},"{}"\n'.format(name, label.replace('"', '""')) for name, label in rows.items()
    )
    found, _ = labelled(photos, text)
    assert set(found.values()) == {'red, "dark"', "épagneul"}


@pytest.mark.parametrize(
    "labels", (("red panda", "panda"), ("grade 1", "grade 2"), ("0", "1"), ("New York", "York"))
)
def test_labels_of_several_words_are_single_labels(labels, photos):
    text = "id,label\n" + "".join(f"{n},{labels[i % 2]}\n" for i, n in enumerate(CLASSES))
    found, _ = labelled(photos, text)
    assert set(found.values()) == set(labels)


@pytest.mark.parametrize(
    ("text", "told"),
    (
        ("id,label\na1,cat|dog\na2,dog\nb1,cat\nb2,dog\n", r"label='cat\|dog'"),
        ("id,label\na1,cat dog\na2,dog\nb1,cat\nb2,dog\n", "label='cat dog'"),
        ('id,label\na1,"cat, dog"\na2,dog\nb1,cat\nb2,dog\n', "label='cat, dog'"),
        ("id,label\na1,\"['x', 'y']\"\na2,dog\nb1,cat\nb2,dog\n", "'x', 'y'"),
        ("id,cat,dog\na1,1,0\na2,1,1\nb1,1,0\nb2,0,1\n", r"labels=\['cat', 'dog'\]"),
        ("id,label\n" + kaggle(lambda n, c: f"{n},{c}") + "a1,dog\n", r"\['cat', 'dog'\]"),
        (kaggle(lambda n, c: json.dumps({"id": n, "label": ["x", "y"]})), "x"),
    ),
)
def test_several_labels_of_an_image_are_refused_by_name(text, told, photos):
    with pytest.raises(SightkitError, match=rf"multi-label.*{told}"):
        labelled(photos, text)


def test_tags_that_are_never_alone_are_several_labels(photos):
    tags = ["haze primary", "clear primary", "clear primary water", "clear road primary"]
    tags += ["clear water", "haze water", "haze road", "haze primary road", "clear road"]
    tags += ["clear haze", "primary road", "road water", "clear haze water"]
    text = "id,tags\n" + "".join(f"{n},{tags[i]}\n" for i, n in enumerate(CLASSES))
    text += "".join(f"x{i},{tag}\n" for i, tag in enumerate(tags))
    with pytest.raises(SightkitError, match="multi-label"):
        labelled(photos, text)


def test_ids_without_a_file_and_files_without_an_id_are_counted(photos):
    text = "id,label\na1,cat\na2,dog\nb1,cat\nb2,\nc1,cat\nin/.d1.png,cat\n\n"
    for name in (".d1.png", ".d2.png"):
        write_png(photos / "in" / name, np.zeros((4, 4, 3), np.uint8))
    write_png(photos / "in" / "b3.png", np.zeros((4, 4, 3), np.uint8))
    write_png(photos / "in" / "a3.png", np.zeros((4, 4, 3), np.uint8))
    (photos / "test").mkdir()
    write_png(photos / "test" / "9.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(SightkitError, match=r"two images at least.*classes='dog \(1\)'"):
        labelled(photos, text)
    _, source = labelled(photos, text + "a3,dog\n")
    assert source.lost == 3  # what a table does not name is none of its images
    assert dict(source.left_out) == {
        "c1": "named in labels.csv, not there",
        "in/.d1.png": "hidden",
        "in/.d2.png": "hidden",
        "in/b2.png": "without a label in labels.csv",
        "in/b3.png": "not named in labels.csv",
        "test/9.png": "not named in labels.csv",
    }
    assert "in/.d2.png" not in dict(source.left_out[: source.lost])


def test_a_table_that_changed_meets_no_file_of_before(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(8):
        image = np.full((4, 4, 3), 20 * number, np.uint8)
        write_png(photos / "in" / f"{'ab'[number % 2]}{number + 3}.png", image)
    names = [path.stem for path in sorted((photos / "in").glob("*.png"))]
    rows = [f"{name},{name[0]}\n" for name in names]
    table = photos.parent / "some.csv"

    def build(rows, **options):
        table.write_text("id,label\n" + "".join(rows))
        chain = Pipeline((SimplePreprocessor(4, 4),))
        shares = {"train": 0.5, "test": 0.5}
        source = FolderDataset(photos, labels=table)
        return folder_to_file(source, (4, 4), preprocessors=chain, fractions=shares, **options)

    file = build(rows)
    assert file.path.name.startswith("some-4-") and file.shape[0] == len(names)
    assert build(rows).path == file.path
    some = build(rows[:-2])  # a run's own pictures, say, are not in it
    assert some.shape[0] == len(names) - 2 and sum(some.left_out.values()) == 2
    for gone in ("z9,a\n", "z8,b\n"):
        with pytest.raises(SightkitError, match=r"1 named in some\.csv, not there"):
            build([*rows, gone])
    assert build([*rows, "z9,a\n"], max_bad=0.2).left_out == {"named in some.csv, not there": 1}


def test_columns_are_chosen_by_name_where_there_is_a_choice(photos):
    text = "id,breed,colour\n" + kaggle(lambda n, c: f"{n},{c},{'ab'[int(n[1]) - 1]}")
    with pytest.raises(SightkitError, match=r"--columns id LABEL.*|.*breed \(2 values\)"):
        labelled(photos, text)
    assert labelled(photos, text, columns=("id", "breed"))[0] == CLASSES
    assert set(labelled(photos, text, columns=("id", "colour"))[0].values()) == {"a", "b"}
    with pytest.raises(SightkitError, match=r"column='race'.*It has id, breed, colour"):
        labelled(photos, text, columns=("id", "race"))
    assert labelled(photos, ROWS, columns=("1", "2"))[0] == CLASSES


@pytest.mark.parametrize(
    ("text", "told"),
    (
        ("", "this file is empty.*bytes=0.*a row for each image"),
        (" \n\n", "this file is empty"),
        (b"\xef\xbb\xbf", "this file is empty"),
        ("# made by hand\na1,cat\na2,dog\n", r"line 1 is a remark.*Delete the lines that begin"),
        ("id,label\n#a1\na2,dog\n", r"line 2 is a remark.*Delete the lines that begin"),
        ('id,label\na1,"cat\na2,dog\nb1,cat\n', "line 2 opens a quote.*Close the quote"),
        ('id;label\na1;cat\na2;"dog\n', "line 3 opens a quote"),
        ('sep=;\nid;label\na1;"cat\n', "line 3 opens a quote"),
        ('a1,"cat\n' + "x,y\n" * 50_000, "line 1 opens a quote"),
        ('a1,"cat"s\n' + ROWS, "line 1 opens a quote"),
        ("id\na1\n", "two at least"),
        ("id,label\na1,cat\na2,dog,x\n", "row 3 has 3 cells"),
        ("id,label\nx,cat\ny,dog\n", "none does.*in/a1.png"),
        (b"id,label\na1,\xe9\n", "UTF-8"),
        ('{"id": "a1"\n', "one object a line.*line 1"),
        ("[1, 2]", "none below its header"),
        ("[]", "none below its header"),
        ("[{}]", "one object a line"),
        (b"\x89PNG\r\n\x1a\n\0\0", "must be text.*holds='PNG'.*CSV UTF-8"),
        (b"PK\3\4 workbook", "must be text.*Excel"),
        (b"\xd0\xcf\x11\xe0 workbook", "must be text.*Excel"),
        (b"\x89HDF\r\n\x1a\n", "must be text.*HDF5"),
        (b"\x1f\x8b\x08", "must be text.*gzip"),
        (b"%PDF-1.4", "must be text.*PDF"),
        (b"a\0,\0b\0", "must be text.*binary"),
        ("[{}, 1]", "one object a line"),
        ("id,label\n", "none below its header. Received.*header='id, label'.*Write each image's"),
        ("id,label\na1,Cat\na2,dog\nb1,cat\nb2,dog\n", "case and blanks.*'Cat', 'cat'"),
        ("id,label\na1,cat\na2,cat\nb1,cat\nb2,cat\n", "two classes"),
        ("one,two,label\na1,a2,cat\na2,a1,dog\nb1,b1,cat\nb2,b2,dog\n", "different ones"),
    ),
)
def test_tables_that_cannot_be_right_are_refused(text, told, photos):
    with pytest.raises(SightkitError, match=told) as refused:
        labelled(photos, text)
    assert "\n" not in str(refused.value) and "Received: " in str(refused.value)


@pytest.mark.parametrize(
    "text",
    (
        "#id,label\n" + ROWS,
        'id,label\na1,"cat"\na2,"dog"\nb1,"cat"\nb2,"dog"',
        'id,note,label\na1,6" tall,cat\na2,it\'s,dog\nb1,"a ""b""",cat\nb2,"two\nlines",dog\n',
        ("id,label\n" + ROWS).encode("utf-16"),
    ),
)
def test_quotes_signs_and_encodings_that_are_right_are_read(text, photos):
    columns = ("id", "label") if "note" in str(text) else None
    assert labelled(photos, text, columns=columns)[0] == CLASSES


def test_an_id_of_two_files_is_refused_and_the_way_on_works(photos):
    (photos / "test1").mkdir()
    for name in CLASSES:
        write_png(photos / "test1" / f"{name}.png", np.zeros((4, 4, 3), np.uint8))
    text = "id,label\n" + ROWS
    with pytest.raises(SightkitError, match=r"one file.*in/a1.*--exclude"):
        labelled(photos, text)
    assert labelled(photos, text, exclude=("test1",))[0] == CLASSES
    assert labelled(photos / "in", text)[0] == CLASSES
    assert labelled(photos, "id,label\n" + kaggle(lambda n, c: f"in/{n}.png,{c}"))[0] == CLASSES


def test_an_id_in_another_folder_is_not_taken_for_a_file(photos):
    """Rows of train and of test share file names; only train is there."""
    text = "path,label\n" + kaggle(lambda n, c: f"in/{n}.png,{c}")
    text += kaggle(lambda n, c: f"other/{n}.png,{'dog' if c == 'cat' else 'cat'}")
    found, source = labelled(photos, text)
    assert found == CLASSES and source.lost == 4


def test_a_table_in_the_folder_is_found_by_its_name(photos):
    (photos / "labels.csv").write_text("id,label\n" + ROWS)
    source = FolderDataset(photos, labels=Path("labels.csv"))()
    assert len(source) == 4 and source.left_out == ()
    with pytest.raises(SightkitError, match=r"cannot be read.*nothing\.csv"):
        FolderDataset(photos, labels=Path("nothing.csv"))()


def test_other_labels_are_another_data_set(photos):
    configs = []
    for text in ("id,label\n" + ROWS, "id,label\n" + kaggle(lambda n, c: f"{n},{n[0]}")):
        (photos.parent / "labels.csv").write_text(text)
        configs.append(FolderDataset(photos, labels=photos.parent / "labels.csv").to_config())
    assert configs[0]["sha256"] != configs[1]["sha256"]
    assert configs[0]["layout"] == "table"


SIX = {**CLASSES, "c1": "cat", "c2": "dog"}


@pytest.fixture
def six(photos):
    for number, name in enumerate(("c1", "c2"), 4):
        write_png(photos / "in" / f"{name}.png", np.full((4, 4, 3), number, np.uint8))
    return photos


def with_splits(a, b, c, more=""):
    split = {"a": a, "b": b, "c": c}
    rows = (f"{name},{label},{split[name[0]]}\n" for name, label in SIX.items())
    return f"id,label,fold\n{''.join(rows)}{more}"


NAMED = ("id", "label", "fold")


@pytest.mark.parametrize(
    ("splits", "fixed"),
    (
        (("train", "Training", "TEST"), {"train": "ab", "test": "c"}),
        (("train", "train", "calibration"), {"train": "ab", "calibration": "c"}),
        (("dev", "train", "train"), {"train": "bc", "validation": "a"}),
        (("train", "train", "train"), {}),
    ),
)
def test_a_column_of_splits_is_read_where_it_is_named(splits, fixed, six):
    found, source = labelled(six, with_splits(*splits), columns=NAMED)
    named = {
        name: {Path(source.identify(row)).stem[0] for row in rows} for name, rows in source.fixed
    }
    assert found == SIX and named == {name: set(folders) for name, folders in fixed.items()}
    assert labelled(six, with_splits(*splits), columns=NAMED[:2])[1].fixed == ()


@pytest.mark.parametrize(
    ("splits", "refused"),
    (
        (("train", "train", "test"), True),
        (("Train", "holdout", "Valid"), True),
        (("train", "bus", "car"), False),
        (("test", "test", "dev"), False),
        (("1", "2", "3"), False),
    ),
)
def test_a_column_of_splits_is_not_passed_over(splits, refused, six):
    text = with_splits(*splits)
    if not refused:
        assert labelled(six, text)[0] == SIX
        return
    with pytest.raises(SightkitError, match="divides the images") as error:
        labelled(six, text)
    steps = re.findall(r"id label(?: \w+)? to", str(error.value))
    assert [tuple(step.split()[:-1]) for step in steps] == [NAMED, NAMED[:2]]


def test_splits_of_a_table_are_those_of_file_and_features(six, tmp_path):
    table = six.parent / "labels.csv"

    def built():
        return build_dataset(
            FolderDataset(six, labels=table, columns=NAMED),
            tmp_path / "a.h5",
            preprocessors=Pipeline((SimplePreprocessor(4, 4),)),
            fractions={"train": 0.5, "calibration": 0.5},
        )

    table.write_text(with_splits("train", "train", "calibration"))
    assert built().splits == {"train": (0, 4), "calibration": (4, 6)}
    photos = open_photos(six, labels=table, columns=NAMED)
    assert photos.splits == {"train": 4, "calibration": 2}
    table.write_text(with_splits("calibration", "train", "train"))
    with pytest.raises(SightkitError, match="no longer"):
        built()


def test_an_image_without_a_split_is_lost(six):
    write_png(six / "in" / "d1.png", np.zeros((4, 4, 3), np.uint8))
    text = with_splits("train", "train", "dev", more="d1,cat,\n")
    _, source = labelled(six, text, columns=NAMED)
    assert source.lost == 1 and source.left_out[0] == ("in/d1.png", "without a split in labels.csv")


@pytest.mark.parametrize(
    ("text", "columns", "told"),
    (
        (with_splits("train", "train", "test"), ("id", "label", "split"), "names.*'split'"),
        (with_splits("train", "train", "test"), ("id",), "Give --columns ID LABEL, or --columns"),
        (with_splits("train", "train", "test"), (*NAMED, "x"), "must name the column of ids"),
        (with_splits("1", "1", "0"), NAMED, "must be train.*'0, 1'"),
        (with_splits("train", "train", "test", "a1,cat,test\n"), NAMED, "in one split.*a1"),
        (with_splits("train", "dev", "test"), NAMED, "two images at least"),
    ),
)
def test_columns_of_splits_that_cannot_be_right_are_refused(text, columns, told, six):
    with pytest.raises(SightkitError, match=told.replace("--columns ID", "(--)?columns ID")):
        labelled(six, text, columns=columns)


@pytest.mark.parametrize("row", (lambda n: n, lambda n: f"in/{n}.png", lambda n: f"/x/{n}.png"))
@pytest.mark.parametrize("exclude", ("in/c1.pn?", "*c?.png", "old"))
def test_rows_of_excluded_files_are_not_lost(row, exclude, six):
    if exclude == "old":
        (six / "old").mkdir()
        for name in ("c1", "c2"):
            (six / "in" / f"{name}.png").rename(six / "old" / f"{name}.png")
    text = "id,label\n" + "".join(f"{row(name)},{label}\n" for name, label in SIX.items())
    found, source = labelled(six, text + f"{row('gone')},cat\n", exclude=(exclude,))
    assert [name for name, _ in source.left_out[: source.lost]] == [row("gone")]
    assert set(found) < set(SIX)
