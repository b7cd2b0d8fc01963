"""What belongs together stays in one part: splits, folds and the files that store them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.io import (
    DatasetFile,
    FolderDataset,
    Grouping,
    HDF5DatasetWriter,
    ImageSource,
    LeftOut,
    build_dataset,
    joined,
    require_divisible,
    split,
    write_png,
    write_rows,
)
from sightkit.io.build.partition import partition
from sightkit.preprocessing import Pipeline, SimplePreprocessor
from sightkit.training.search.data import write_folds

THREE = {"train": 0.5, "validation": 0.25, "test": 0.25}
CHAIN = Pipeline((SimplePreprocessor(8, 8),))


@pytest.mark.parametrize(
    ("rule", "names", "expected"),
    (
        ("parent", ["a/p1/1.jpg", "a/p1/2.jpg", "b/p1/1.jpg"], ["a/p1", "a/p1", "b/p1"]),
        ("prefix:[^_]+", ["a/p1_1.jpg", "b/p1_2.jpg", "a/p2_1.jpg"], ["p1", "p1", "p2"]),
        (r"prefix:.*?(\d+)", ["a/p1_1.jpg", "a/q1_2.jpg", "p02.jpg"], ["1", "1", "02"]),
        (r"prefix:[^/]+/(p\d)/", ["a/p1/1.jpg", "b/p1/2.jpg", "b/p2/2.jpg"], ["p1", "p1", "p2"]),
        ("prefix:p(?=1)|.", ["p1.jpg", "p2.jpg", "é.jpg"], ["p", "p", "é"]),
    ),
)
def test_groups_are_read_from_names(rule, names, expected):
    assert Grouping(rule)(names) == expected


@pytest.mark.parametrize(
    "text",
    (
        "image,group\na/1.jpg,x\na/2.jpg,x\nb/1.jpg,y\n",
        "\ufeffimage;group\r\na/1.jpg;x\r\na/2.jpg;x\r\n\r\nb/1.jpg;y\r\n",
        "group\tfile\tage\nx\ta/1\t3\nx\ta/2\t3\ny\tb/1\t4\n",
        'image,age,Group\n"a/1.jpg",3,x\n./a/2.jpg,3, x\nb/1.jpg,"4",y\n',
        "a/1.jpg,x\na/2.jpg,x\nb/1.jpg,y\n",
        '{"file": "a/1.jpg", "group": "x"}\n{"file": "a/2.jpg", "group": "x"}\n'
        '{"file": "b/1.jpg", "group": "y"}\n',
    ),
)
def test_groups_are_read_from_a_table(text, tmp_path):
    (tmp_path / "g.csv").write_text(text, encoding="utf-8")
    assert Grouping(str(tmp_path / "g.csv"))(["a/1.jpg", "b/1.jpg", "a/2.jpg"]) == ["x", "y", "x"]


@pytest.mark.parametrize("key", ("d/e1.jpg", "d/e1", "e1.jpg", "e1"))
def test_an_image_of_a_table_is_named_in_four_ways(key, tmp_path, capsys):
    (tmp_path / "g.csv").write_text(f"image,group\n{key},7\nnone.jpg,8\n")
    assert Grouping(str(tmp_path / "g.csv"))(["d/e1.jpg"]) == ["7"]
    assert "1 lines of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "message"),
    (
        ("prefix:[", "regular expression"),
        ("parents", "or a CSV file that exists"),
        ("", "or a CSV file that exists"),
        ("nothing.csv", "or a CSV file that exists"),
    ),
)
def test_a_rule_that_is_none_is_refused(rule, message):
    with pytest.raises(SightkitError, match=message):
        Grouping(rule)


@pytest.mark.parametrize(
    ("content", "message"),
    (
        (b"", "table of groups"),
        (b"image\na.jpg\n", "table of groups.* as many cells"),
        (b"image,group\na.jpg\n", "as many cells"),
        (b"image,group\n\xff\xfe.jpg,1\n", "table of groups must be UTF-8"),
    ),
)
def test_a_table_that_is_none_is_refused_before_any_work(content, message, tmp_path):
    (tmp_path / "g.csv").write_bytes(content)
    with pytest.raises(SightkitError, match=message):
        Grouping(str(tmp_path / "g.csv"))


@pytest.mark.parametrize(
    ("text", "message"),
    (
        ("image,group\nb.jpg,1\n", "1 of 1 have none"),
        ("image,group\na.jpg,\n", "1 of 1 have none"),
        ("image,patient,age\na.jpg,1,2\n", "is called group"),
        ("image,group\na.jpg,1\na.jpg,2\n", "a.jpg has the groups 1 and 2"),
    ),
)
def test_a_table_that_gives_no_groups_is_refused(text, message, tmp_path):
    (tmp_path / "g.csv").write_text(text)
    with pytest.raises(SightkitError, match=message):
        Grouping(str(tmp_path / "g.csv"))(["a.jpg"])


@pytest.mark.parametrize("rule", ("prefix:p\\d+", "table"))
def test_an_image_without_a_group_is_named(rule, tmp_path):
    if rule == "table":
        (tmp_path / "g.csv").write_text("image,group\np1.jpg,1\n")
        rule = str(tmp_path / "g.csv")
    with pytest.raises(SightkitError, match=r"1 of 2 have none.*scan\.jpg"):
        Grouping(rule)(["p1.jpg", "scan.jpg"])


def test_a_table_counts_by_its_content(tmp_path):
    for name, text in (("a", "image,group\n1,1\n"), ("b", "image,group\n1,1\n"), ("c", "i,g\n1,2")):
        (tmp_path / name).write_text(text)
    first, second, third = (Grouping(str(tmp_path / name)).to_config() for name in "abc")
    assert first == second != third


keys = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=40)


@given(keys)
def test_joined_is_the_closure_of_equal_keys(pairs):
    one, other = zip(*pairs, strict=True)
    found = joined(one, other)
    reach = np.equal.outer(one, one) | np.equal.outer(other, other)
    for _ in range(6):
        reach = reach.astype(int) @ reach.astype(int) > 0
    assert np.array_equal(np.equal.outer(found, found), reach)


@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(1, 8), st.booleans())
def test_groups_are_in_one_split_and_classes_in_all(seed, classes, size, mixed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(8 * classes), rng.integers(1, size + 1, 8 * classes))
    labels = groups % classes
    if mixed:  # some groups of several classes
        change = rng.random(len(labels)) < 0.3
        labels = np.where(change, rng.integers(0, classes, len(labels)), labels)
    order = rng.permutation(len(labels))
    groups, labels = groups[order], labels[order]
    try:
        parts = split(labels, THREE, seed=seed, groups=groups.tolist())
    except SightkitError as error:
        assert mixed and "too few different samples" in str(error)
        return
    where = [set(groups[rows].tolist()) for rows in parts.values()]
    assert sum(map(len, where)) == len(set(groups.tolist()))
    assert all(set(labels[rows].tolist()) == set(labels.tolist()) for rows in parts.values())


def test_groups_of_all_classes_are_divided():
    """Twelve patients with images of both classes: either class alone would be in no group."""
    groups, labels = np.repeat(np.arange(12), 10), np.arange(120) % 2
    parts = split(labels, THREE, seed=1, groups=groups.tolist())
    assert {name: len(rows) for name, rows in parts.items()} == {
        "train": 60,
        "validation": 30,
        "test": 30,
    }


@pytest.mark.parametrize("rare", (0, 1, 2))
def test_a_rare_class_in_groups_of_others_is_in_every_split(rare):
    groups, labels = np.repeat(np.arange(30), 10), np.repeat(np.arange(3), 100)
    labels = np.where(labels == rare, (rare + 1) % 3, labels)
    labels[[5, 115, 225]] = rare
    parts = split(labels, THREE, seed=3, groups=groups.tolist())
    assert all(rare in labels[rows] for rows in parts.values())


def test_a_group_that_is_a_class_is_refused_by_name():
    labels = np.array([0, 0, 0, 1, 1, 1])
    names = ("cat", "dog")
    with pytest.raises(SightkitError, match=r"p9 is all of class dog.*images=3"):
        require_divisible(["p1", "p2", "p3", "p9", "p9", "p9"], labels, names, 3)
    with pytest.raises(SightkitError, match="Class dog has 2 groups, and each of 3 parts"):
        require_divisible(["p1", "p2", "p3", "p9", "p9", "p8"], labels, names, 3)
    require_divisible(["p1", "p2", "p3", "p9", "p7", "p8"], labels, names, 3)


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    """Two classes, six patients each, five frames a patient; labels that mean nothing."""
    root = tmp_path_factory.mktemp("patients")
    rng = np.random.default_rng(0)
    for label in ("benign", "malignant"):
        for patient in range(6):
            folder = root / label / f"patient{patient}"
            folder.mkdir(parents=True)
            scene = rng.integers(0, 200, (8, 8, 3))
            for frame in range(5):
                image = (scene + rng.integers(0, 9, (8, 8, 3))).astype(np.uint8)
                write_png(folder / f"{patient}_{frame}.png", image)
    return root


def build(folder, path, **options):
    options = {"fractions": THREE, "preprocessors": CHAIN, **options}
    return build_dataset(FolderDataset(folder), path, **options)


def patient_of(source):
    return source.rpartition("/")[0]


def test_a_build_keeps_groups_in_one_split_and_stores_them(patients, tmp_path):
    file = build(patients, tmp_path / "a.h5", groups="parent")
    owner = [patient_of(source) for source in file.sources()]
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        one, other = (set(owner[slice(*file.splits[name])]) for name in (first, second))
        assert not one & other
    assert file.groups is not None
    assert len(set(zip(owner, file.groups.tolist(), strict=True))) == 12 == len(set(owner))
    assert build(patients, tmp_path / "a.h5", groups="parent").sha256 == file.sha256
    with pytest.raises(SightkitError, match="groups differ"):
        build(patients, tmp_path / "a.h5")


def test_a_build_without_groups_says_that_there_may_be_some(patients, tmp_path, capsys):
    file = build(patients, tmp_path / "a.h5")
    assert file.groups is None
    assert "12 in all" in (said := capsys.readouterr().err) and "--groups parent" in said


@pytest.mark.parametrize("depth", ("flat", "one folder a class"))
def test_class_folders_are_no_groups(depth, patients, tmp_path, capsys):
    for label in ("benign", "malignant"):
        folder = tmp_path / "photos" / label / ("" if depth == "flat" else "images")
        folder.mkdir(parents=True)
        for image in (patients / label).rglob("*.png"):
            (folder / image.name).write_bytes(image.read_bytes())
    build(tmp_path / "photos", tmp_path / "a.h5")
    assert "--groups" not in capsys.readouterr().err
    with pytest.raises(SightkitError, match="is all of class benign"):
        build(tmp_path / "photos", tmp_path / "b.h5", groups="parent")
    assert not (tmp_path / "b.h5").exists()


def test_copies_join_groups(patients, tmp_path):
    """A frame that two patients share makes one group of them."""
    for image in patients.rglob("*.png"):
        place = tmp_path / "photos" / image.relative_to(patients)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(image.read_bytes())
    shared = (patients / "benign/patient0/0_0.png").read_bytes()
    (tmp_path / "photos/benign/patient5/copy.png").write_bytes(shared)
    for seed in range(4):
        file = build(tmp_path / "photos", tmp_path / f"{seed}.h5", groups="parent", split_seed=seed)
        sources = file.sources()
        places = {
            name
            for name, ends in file.splits.items()
            for source in sources[slice(*ends)]
            if patient_of(source) in ("benign/patient0", "benign/patient5")
        }
        assert len(places) == 1


def test_groups_of_a_fixed_split_leave_the_rest(tmp_path):
    labels = np.arange(40) % 2
    groups = [f"p{row // 4}" for row in range(40)]
    images = ImageSource(
        "made", ("a", "b"), labels, lambda row: np.zeros((2, 2, 1), np.uint8), str,
        fixed=(("test", np.arange(6)),),
    )  # fmt: skip
    row_keys = [bytes([row]) for row in range(40)]
    everything = np.ones(40, bool)
    parts, left_out = partition(
        images, THREE, seed=0, readable=everything, keys=row_keys, groups=groups
    )
    assert left_out == dict.fromkeys((6, 7), "of a group in the source's test split")
    assert sorted(np.concatenate(list(parts.values()))) == [*range(6), *range(8, 40)]
    unreadable = np.arange(40) != 5  # then nothing of p1 but 4 is in the test split
    keys_of_none = [b"" if row in (5, 9) else key for row, key in enumerate(row_keys)]
    unreadable[9] = False
    parts, left_out = partition(
        images, THREE, seed=0, readable=unreadable, keys=keys_of_none, groups=groups
    )
    assert left_out == dict.fromkeys((6, 7), "of a group in the source's test split")


def test_one_group_of_everything_is_refused_whatever_is_fixed():
    images = ImageSource(
        "made", ("a", "b"), np.arange(40) % 2, lambda row: np.zeros((2, 2, 1), np.uint8), str,
        fixed=(("test", np.arange(6)),),
    )  # fmt: skip
    row_keys = [bytes([row]) for row in range(40)]
    with pytest.raises(SightkitError, match="folder is all of class a"):
        partition(
            images, THREE, seed=0, readable=np.ones(40, bool), keys=row_keys, groups=["folder"] * 40
        )


def test_the_folds_of_a_search_keep_groups(patients, tmp_path):
    file = build(patients, tmp_path / "a.h5", groups=r"prefix:[^/]+/[^/]+/")
    for path in write_folds(file.path, tmp_path / "folds", 3, seed=0):
        fold = DatasetFile.open(path)
        assert fold.groups is not None
        train, validation = (fold.groups[slice(*fold.splits[n])] for n in ("train", "validation"))
        assert not set(train.tolist()) & set(validation.tolist())


def test_rows_that_do_not_come_take_their_group_along(tmp_path):
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    with HDF5DatasetWriter(
        (6, 2), tmp_path / "f.h5", class_names=("a",), data_key="features", dtype="float32",
        groups=np.array([5, 5, 6, 6, 7, 7]), resumable=True,
    ) as writer:  # fmt: skip
        writer.add(rows[:3], [0] * 3, ["0", "1", "2"])
        writer.add(rows[4:], [0] * 2, ["4", "5"], left_out=[LeftOut(3, "3", "broken")])
    file = DatasetFile.open(tmp_path / "f.h5")
    assert file.groups is not None and file.groups.tolist() == [5, 5, 6, 7, 7]


def test_rows_of_another_file_take_their_group_along(tmp_path):
    with HDF5DatasetWriter(
        (5, 2, 2, 1), tmp_path / "f.h5", class_names=("a",), groups=np.array([5, 5, 6, 7, 7])
    ) as writer:
        writer.add(np.zeros((5, 2, 2, 1), np.uint8), [0] * 5)
    file = DatasetFile.open(tmp_path / "f.h5")
    write_rows(tmp_path / "g.h5", file, {"train": np.array([4, 0, 0])}, recipe={})
    again = DatasetFile.open(tmp_path / "g.h5")
    assert again.groups is not None and again.groups.tolist() == [7, 5, 5]


@pytest.mark.parametrize("groups", (np.zeros(5, int), np.zeros((6, 1), int), np.zeros(6)))
def test_groups_that_do_not_fit_the_rows_are_refused(groups, tmp_path):
    with pytest.raises(SightkitError, match="a whole number for each row"):
        HDF5DatasetWriter((6, 2), tmp_path / "f.h5", class_names=("a",), groups=groups)
