"""Archives are unpacked whole or not at all, and write nothing outside of their folder."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.io import ArchiveLimits, extract_archive
from sightkit.io.sources import unpacking
from sightkit.io.sources.archives import is_archive, unpacked

FILES = {
    "set/a/1.jpg": b"one",
    "set/a/" + "long" * 40 + ".jpg": b"two",
    "set/b/ünï %d {}.jpg": b"\x00" * 70_000,
    "set/empty.txt": b"",
}


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def member(name, data=b"x", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar(*members, form=tarfile.PAX_FORMAT):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as file:
        for info, data in members:
            file.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return stream.getvalue()


def link_in_zip(name, target):
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return zipped((info, target))


def plain(form=tarfile.PAX_FORMAT):
    return tar(
        member("./set", b"", type=tarfile.DIRTYPE),
        *(member(f"./{name}", data) for name, data in FILES.items()),
        form=form,
    )


GOOD = {
    "zip": zipped(*FILES.items()),
    "stored zip": zipped(*FILES.items(), compression=zipfile.ZIP_STORED),
    "tar": plain(),
    "gnu tar": plain(tarfile.GNU_FORMAT),
    "tar.gz": gzip.compress(plain()),
    "two gzip members": gzip.compress(plain()[:1000]) + gzip.compress(plain()[1000:]),
    "tar.bz2": bz2.compress(plain()),
    "tar.xz": lzma.compress(plain()),
}


@pytest.mark.parametrize("kind", GOOD)
def test_an_archive_is_unpacked_whatever_its_name(kind, tmp_path):
    (tmp_path / "archive.bin").write_bytes(GOOD[kind])
    assert is_archive(tmp_path / "archive.bin")
    folder = extract_archive(tmp_path / "archive.bin", tmp_path / "new" / "out")
    assert content(folder) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def refused(data, folder, told="archive", **limits):
    """The archive is refused in one line, and nothing of it is left anywhere."""
    inside = folder / "inside"
    inside.mkdir()
    (folder / "victim").write_bytes(b"untouched")
    (inside / "archive").write_bytes(data)
    with pytest.raises(SightkitError, match=told) as error:
        extract_archive(inside / "archive", inside / "out", limits=ArchiveLimits(**limits))
    assert "\n" not in str(error.value)
    assert [path.name for path in inside.iterdir()] == ["archive"]
    assert sorted(path.name for path in folder.iterdir()) == ["inside", "victim"]
    assert (folder / "victim").read_bytes() == b"untouched"
    return str(error.value)


OUTSIDE = (
    "../victim",
    "a/../../victim",
    "/tmp/sightkit-victim",
    "//tmp/v",
    "C:/v",
    "a\\..\\v",
    "..",
)


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize(
    "pack", (lambda name: zipped((name, b"x")), lambda name: tar(member(name)))
)
def test_names_that_lead_out_are_refused(pack, name, tmp_path):
    told = refused(pack(name), tmp_path, "absolute|out of the folder|backslash")
    assert "unpack it yourself" in told
    assert not os.path.exists("/tmp/sightkit-victim")


@pytest.mark.parametrize(
    "kind",
    (
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        b"Z",
    ),
)
def test_tar_members_that_are_no_files_are_refused(kind, tmp_path):
    info = member("link", b"", type=kind, linkname="../victim")
    refused(tar(info, member("link/x")), tmp_path, "a link, a device or sparse.*member='link'")


def test_a_sparse_member_is_refused(tmp_path):
    headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x"}
    headers["GNU.sparse.realsize"] = str(2**50)
    refused(
        tar(member("x", b"1\n0\n1\n".ljust(512, b"\0"), pax_headers=headers)), tmp_path, "or sparse"
    )


@pytest.mark.parametrize("mode", (0o120777, 0o020666, 0o060666, 0o010644, 0o140755))
def test_zip_members_that_are_no_files_are_refused(mode, tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = mode << 16
    refused(zipped((info, "../victim"), ("link/x", b"x")), tmp_path, "a link or a device")


def test_rights_and_owners_of_an_archive_are_not_taken(tmp_path):
    (tmp_path / "a").write_bytes(tar(member("x", mode=0o6777, uid=12345)))
    place = extract_archive(tmp_path / "a", tmp_path / "out") / "x"
    assert place.stat().st_mode & 0o7111 == 0
    assert place.stat().st_uid == os.getuid()


ZEROS = bytes(5_000_000)


@pytest.mark.parametrize(
    "data",
    (
        zipped(("bomb", ZEROS)),
        gzip.compress(tar(member("bomb", ZEROS))),
        bz2.compress(tar(member("bomb", ZEROS))),
        lzma.compress(tar(member("bomb", ZEROS))),
        zipped(*((f"{i}", ZEROS[:100_000]) for i in range(50))),
        gzip.compress(tar(member("small")) + ZEROS),  # behind the end
    ),
)
def test_bombs_are_stopped_while_they_come_out(data, tmp_path):
    refused(data, tmp_path, "1,000,000 bytes come out", ratio=10, free_bytes=1_000_000)


def test_a_ratio_of_photos_is_no_bomb_and_a_total_is_a_total(tmp_path):
    noise = os.urandom(300_000)
    (tmp_path / "a").write_bytes(tar(member("photo", noise)))
    limits = ArchiveLimits(ratio=1.5, free_bytes=0)
    assert content(extract_archive(tmp_path / "a", tmp_path / "out", limits=limits))
    (tmp_path / "x").mkdir()
    refused(tar(member("photo", noise)), tmp_path / "x", "come out of it", total_bytes=299_999)


def test_overlapping_members_of_a_zip_are_stopped(tmp_path):
    """Many entries of the directory that name one and the same data, as in the best known bomb."""
    data = zipped(("a", os.urandom(1000)))
    end = data.rindex(b"PK\x05\x06")
    (start,) = struct.unpack("<I", data[end + 16 : end + 20])
    entry, tail = data[start:end], bytearray(data[end:])
    entries = entry * 2000
    tail[8:12] = struct.pack("<HH", 2000, 2000)
    tail[12:16] = struct.pack("<I", len(entries))
    refused(data[:start] + entries + bytes(tail), tmp_path, "one name|come out|cannot be read")


def test_a_lie_about_the_size_is_found(tmp_path):
    data = bytearray(zipped(("a", b"x" * 1000)))
    real = struct.pack("<I", 1000)
    for position in (data.index(real), data.rindex(real)):
        data[position : position + 4] = struct.pack("<I", 10)
    refused(bytes(data), tmp_path, "cannot be read completely")


@pytest.mark.parametrize("pack", (zipped, lambda *pairs: tar(*(member(*pair) for pair in pairs))))
def test_too_many_members_and_members_of_one_name_are_refused(pack, tmp_path):
    for name in "xyz":
        (tmp_path / name).mkdir()
    refused(pack(*((str(i), b"") for i in range(6))), tmp_path / "x", "more than 5", members=5)
    with pytest.warns(UserWarning, match="Duplicate") if pack is zipped else _nothing():
        twice = pack(("a", b"1"), ("a", b"2"))
    refused(twice, tmp_path / "y", "two members have one name")
    refused(pack(("a", b"1"), ("a/b", b"2")), tmp_path / "z", "two members have one name")


def _nothing():
    import contextlib

    return contextlib.nullcontext()


@pytest.mark.parametrize("name", ("x" * 300, "/".join("a" * 100)))
def test_names_that_no_disk_takes_are_refused(name, tmp_path):
    refused(tar(member(name)), tmp_path, "cannot be made|too deep")


def test_a_long_header_is_not_taken_into_memory(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**32
    refused(gzip.compress(info.tobuf() + bytes(2**21)), tmp_path, "header of more than")


def test_a_negative_size_does_not_turn_in_circles(tmp_path):
    first = bytearray(tar(member("a"), member("b")))
    # A size in base 256, negative: the second header points back to the first.
    first[1024 + 124 : 1024 + 136] = (-1536 + 2**96).to_bytes(12, "big")
    first[1024 + 148 : 1024 + 156] = b" " * 8
    first[1024 + 148 : 1024 + 156] = b"%06o\0 " % sum(first[1024:1536])
    refused(bytes(first), tmp_path, "impossible size|cut off")  # newer tarfiles see it themselves


def test_tarfile_is_never_led_backward_or_far_ahead(tmp_path):
    (tmp_path / "archive").write_bytes(GOOD["tar"])
    job = unpacking.Unpacking(tmp_path / "archive", tmp_path, ArchiveLimits(total_bytes=10_000))
    bounded = unpacking.Bounded(io.BytesIO(GOOD["tar"]), job)
    assert bounded.seek(1024) == 1024
    for position in (1023, 0, -1, 2**22):
        with pytest.raises(SightkitError, match="impossible size"):
            bounded.seek(position)


@pytest.mark.parametrize("kind", GOOD)
def test_a_cut_archive_is_never_taken_for_a_whole_one(kind, tmp_path):
    data = GOOD[kind]
    size = len(data.rstrip(b"\0"))  # a tar ends in zeros, of which the first block counts
    for number, part in enumerate((0.999, 0.9, 0.5, 0.1)):
        (tmp_path / str(number)).mkdir()
        refused(data[: int(part * size)], tmp_path / str(number))


def test_a_tar_cut_between_two_members_is_refused(tmp_path):
    whole = tar(member("a"), member("b"), form=tarfile.GNU_FORMAT)
    for number, length in enumerate((1024, 1030, 2048)):
        (tmp_path / str(number)).mkdir()
        refused(whole[:length], tmp_path / str(number), "cut off or damaged")


def test_a_flipped_bit_is_found_where_the_form_has_check_sums(tmp_path):
    for kind in ("zip", "tar.gz", "tar.bz2", "tar.xz"):
        data = bytearray(GOOD[kind])
        data[len(data) // 2] ^= 1
        (tmp_path / kind).mkdir()
        refused(bytes(data), tmp_path / kind)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(GOOD)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_whatever_is_damaged_the_answer_is_a_folder_or_our_error(kind, changes, tmp_path):
    import shutil

    data = bytearray(GOOD[kind])
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    (tmp_path / "archive").write_bytes(data)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    try:
        extract_archive(tmp_path / "archive", tmp_path / "out")
    except SightkitError:
        assert [path.name for path in tmp_path.iterdir()] == ["archive"]
    else:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out"]


@pytest.mark.parametrize(
    "data", (b"", b"text", b"\xff\xd8\xff", bytes(10_240), b"PK", b"PK\x03\x04")
)
def test_what_is_no_archive_is_refused(data, tmp_path):
    refused(data, tmp_path)
    assert not is_archive(tmp_path)
    assert not is_archive(tmp_path / "missing")


def test_an_encrypted_zip_is_refused(tmp_path):
    data = bytearray(zipped(("a", b"x")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(bytes(data), tmp_path, "password|encrypted")


def test_a_folder_that_exists_is_not_written_into(tmp_path):
    (tmp_path / "archive").write_bytes(GOOD["zip"])
    (tmp_path / "out").symlink_to("nowhere")
    with pytest.raises(SightkitError, match="new folder only"):
        extract_archive(tmp_path / "archive", tmp_path / "out")


KILLED = """
import sys
from sightkit.io import extract_archive
extract_archive(sys.argv[1], sys.argv[2])
"""


@pytest.mark.parametrize("point", ("archive.member", "archive.member:3", "archive.unpacked"))
def test_a_killed_unpacking_leaves_no_folder_for_the_next_one(point, tmp_path):
    (tmp_path / "archive").write_bytes(GOOD["tar.gz"])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "archive"), str(tmp_path / "out")],
        env={**os.environ, "SIGHTKIT_CRASH_AT": point},
        check=False,
    )
    assert killed.returncode == 137
    assert not (tmp_path / "out").exists()
    assert content(extract_archive(tmp_path / "archive", tmp_path / "out")) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "out"]


FULL = """
import resource, sys
from sightkit.io import extract_archive
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    extract_archive(sys.argv[1], sys.argv[2])
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_is_named(tmp_path):
    (tmp_path / "archive").write_bytes(GOOD["zip"])
    full = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "archive"), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert full.stdout.startswith("SightkitError")
    assert "bytes are free" in full.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_data_is_unpacked_beside_the_output_and_removed_again(tmp_path):
    (tmp_path / "set.zip").write_bytes(GOOD["zip"])
    output = tmp_path / "new" / "data.h5"
    with unpacked(tmp_path / "set.zip", beside=output) as folder:
        assert folder.parent == output.parent
        assert content(folder) == FILES
        with (
            pytest.raises(SightkitError, match="Only one process"),
            unpacked(tmp_path / "set.zip", beside=output),
        ):
            pass
        assert content(folder) == FILES
    assert list(output.parent.iterdir()) == []
    with pytest.raises(ZeroDivisionError), unpacked(tmp_path / "set.zip", beside=output):
        raise ZeroDivisionError
    assert list(output.parent.iterdir()) == []
    with unpacked(tmp_path, beside=output) as folder:
        assert folder == tmp_path
    with pytest.raises(SightkitError, match="Check --data"), unpacked(tmp_path / "no", output):
        pass
