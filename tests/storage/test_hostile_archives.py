"""Archives that are damaged, or made to do harm: a typed error, or the values as they were."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import struct
import sys
import tarfile
import tracemalloc
import types
import zipfile
import zlib

import numpy as np
import pytest
from open_files import Open

from minitf.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.archives import ArchiveDisk, tars, zips
from minitf.storage.archives.disk import DEEPEST
from minitf.storage.archives.listing import LINKS
from minitf.storage.bundle import TensorBundle
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk, names_in, read_whole

VALUES = {"a": np.arange(64, dtype=np.float32), "b": np.zeros(300)}


@pytest.fixture
def source(tmp_path):
    """A directory with a checkpoint."""
    TensorBundle().write(str(tmp_path / "source" / "ckpt"), VALUES)
    return tmp_path / "source"


def zipped(source, path, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as out:
        for name in sorted(os.listdir(source)):
            out.write(source / name, name)
    return f"zip://ckpt::{path}"


def tarred(source, path, how=""):
    with tarfile.open(path, f"w:{how}") as out:
        for name in sorted(os.listdir(source)):
            out.add(source / name, name)
    return f"tar://ckpt::{path}"


def added(path, *members):
    """A tar archive of (TarInfo or name, content)."""
    with tarfile.open(path, "w") as out:
        for info, data in members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            info.size = len(data) or info.size
            out.addfile(info, io.BytesIO(data))
    return lambda name: f"tar://{name}::{path}"


def same(prefix):
    reader = TensorBundle().open(prefix)
    return all(np.array_equal(reader.read(key), value) for key, value in VALUES.items())


PACKINGS = [
    (zipped, (zipfile.ZIP_STORED,)), (zipped, (zipfile.ZIP_DEFLATED,)), (zipped, (zipfile.ZIP_BZIP2,)),
    (zipped, (zipfile.ZIP_LZMA,)), (tarred, ()), (tarred, ("gz",)), (tarred, ("bz2",)), (tarred, ("xz",)),
]  # fmt: skip
NAMES = ["stored", "deflated", "bzip2", "lzma", "tar", "gz", "bz2", "xz"]
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


@pytest.mark.parametrize(("pack", "how"), PACKINGS, ids=NAMES)
def test_every_byte_that_is_damaged(source, tmp_path, pack, how):
    path = tmp_path / "a"
    prefix = pack(source, path, *how)
    good = path.read_bytes()
    assert same(prefix)
    step = max(1, len(good) // 700)
    found = {True: 0, False: 0}
    for at in range(0, len(good), step):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        path.write_bytes(bad)
        try:
            fine = same(prefix)
        except OpError:
            fine = None
        assert fine is not False, at
        found[fine is None] += 1
    assert found[True] > 50


@pytest.mark.parametrize(("pack", "how"), PACKINGS, ids=NAMES)
def test_every_length_to_which_it_is_cut(source, tmp_path, pack, how):
    path = tmp_path / "a"
    prefix = pack(source, path, *how)
    good = path.read_bytes()
    for length in range(0, len(good), max(1, len(good) // 300)):
        path.write_bytes(good[:length])
        try:
            assert pack is tarred  # what is cut off may be the mark of the end, or what fills it up
            assert same(prefix)
        except (DataLossError, NotFoundError, AssertionError) as error:
            if isinstance(error, AssertionError):
                with pytest.raises(DataLossError, match=r"it is no zip archive, or it is damaged"):
                    same(prefix)


@pytest.mark.parametrize("protocol", ["zip", "tar"])
@pytest.mark.parametrize(
    "data", [b"", b"x", b"PK\x05\x06", b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"{}" * 600, bytes(22), b"ustar" * 200]
)
def test_what_is_no_archive(tmp_path, protocol, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataLossError, match=rf"^\S+/a: it is no {protocol} archive, or it is damaged"):
        TensorBundle().open(f"{protocol}://ckpt::{tmp_path}/a")


def test_a_zip_archive_behind_something_else(source, tmp_path):
    path = tmp_path / "a"
    for method in METHODS:
        prefix = zipped(source, path, method)
        path.write_bytes(b"#!/bin/sh\n" * 9 + path.read_bytes())
        assert same(prefix)


# Names -----------------------------------------------------------------------------------------------------------------


def test_names_that_lead_out_are_left_out(source, tmp_path):
    names = ["../up", "/root", "a/../../up", "..", "a/..", "x::memory://y", "./ckpt", "b//c/./d", "", ".", "b", "dir/", "dir"]
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            out.writestr(zipfile.ZipInfo(name), b"" if name.endswith("/") else b"1")
    archive = added(tmp_path / "a.tar", *((name, b"1") for name in names if name and not name.endswith("/")))
    assert names_in(ANYWHERE, f"zip://::{path}") == ["b", "ckpt", "dir"]
    assert names_in(ANYWHERE, archive("")) == ["b", "ckpt", "dir"]
    for at in (lambda name: f"zip://{name}::{path}", archive):
        assert read_whole(ANYWHERE, at("b/c/d")) == b"1"  # a directory counts, where a file has the same name
        assert names_in(ANYWHERE, at("b")) == ["c"]
        for name in ("up", "root", "../up", "/root", "b/c/d/e"):
            with pytest.raises(NotFoundError):
                read_whole(ANYWHERE, at(name))
        with pytest.raises(OpError, match="Is a directory"):
            read_whole(ANYWHERE, at("b"))
        with pytest.raises(NotADirectoryError):
            ANYWHERE.names(at("ckpt"))


def test_the_last_of_several_files_of_one_name_counts(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("a", b"2")
    assert read_whole(ANYWHERE, f"zip://a::{tmp_path}/a.zip") == b"2"
    assert read_whole(ANYWHERE, added(tmp_path / "a.tar", ("a", b"1"), ("a", b"2"))("a")) == b"2"


def test_a_name_that_is_very_deep(tmp_path):
    deep = "a/" * 30_000 + "b"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(deep, b"1")
    tracemalloc.start()
    try:
        assert read_whole(ANYWHERE, f"zip://{deep}::{tmp_path}/a.zip") == b"1"
        assert names_in(ANYWHERE, f"zip://{deep[:-1]}::{tmp_path}/a.zip") == ["b"]
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def test_links_in_tar_archives(tmp_path):
    chain = [link(f"l{n}", f"l{n + 1}") for n in range(LINKS + 5)]
    at = added(
        tmp_path / "a.tar", ("d/a", b"1"), link("d/s", "a"), link("h", "d/a", tarfile.LNKTYPE), link("up", "../a"),
        link("s", "d/s"), link("self", "self"), link("x", "y"), link("y", "x"), link("none", "nothing"), link("dir", "d"),
        link("d/out", "../../d/a"), link("abs", "/d/a"), link("e/s", "../d/./s"), *chain, (f"l{LINKS + 5}", b"2"),
    )  # fmt: skip
    for name in ("d/s", "h", "s", "e/s"):
        assert read_whole(ANYWHERE, at(name)) == b"1"
    assert read_whole(ANYWHERE, at("l5")) == read_whole(ANYWHERE, at("l44")) == b"2"
    for name in ("up", "self", "x", "y", "none", "dir", "abs", "l0", "d/out"):
        with pytest.raises(NotFoundError):
            read_whole(ANYWHERE, at(name))


def test_of_files_and_links_of_one_name_the_last_counts(tmp_path):
    """As when tar unpacks them one after the other; a hard link stays with the file that had the name when it was made."""
    at = added(
        tmp_path / "a.tar", ("a", b"1"), link("b", "z"), link("h", "a", tarfile.LNKTYPE), link("k", "s", tarfile.LNKTYPE),
        ("a", b"2"), ("b", b"3"), ("c", b"4"), link("c", "a"), ("d", b"5"), link("d", "none"), link("e", "c"), link("f", "g"),
        ("f/x", b"6"), link("f", "a"), link("i", "a"), link("i", "b"), link("s", "b"), link("l", "s", tarfile.LNKTYPE),
        link("m", "none", tarfile.LNKTYPE), link("n", "f", tarfile.LNKTYPE), link("o", "../a", tarfile.LNKTYPE),
        link("p", "/a", tarfile.LNKTYPE), link("q", "./a", tarfile.LNKTYPE),
    )  # fmt: skip
    found = {name: read_whole(ANYWHERE, at(name)) for name in ANYWHERE.names(at("")) if name != "f"}
    assert found == {"a": b"2", "b": b"3", "c": b"2", "e": b"2", "h": b"1", "i": b"3", "l": b"3", "q": b"2", "s": b"3"}
    assert ANYWHERE.names(at("f")) == ["x"]
    with tarfile.open(tmp_path / "a.tar") as tar:  # what Python's own module gives, of which the last of a name counts, too
        assert {name: tar.extractfile(name).read() for name in found} == found


def test_directories_without_files(tmp_path):
    info = tarfile.TarInfo("empty/deep")
    info.type = tarfile.DIRTYPE
    at = added(tmp_path / "a.tar", (info, b""), ("empty/deep/.", b""))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("empty/deep/", b"")
    for place in (at, lambda name: f"zip://{name}::{tmp_path}/a.zip"):
        names = [ANYWHERE.names(place(name)) for name in ("", "empty", "empty/deep")]
        assert names == [["empty"], ["deep"], []]


def test_what_is_known_of_a_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr("d/a", b"123")
    disk, archive = ArchiveDisk(Disk(), -1), os.stat(tmp_path / "a.zip")
    for name, mode, size in (("d/a", stat.S_IFREG | 0o444, 3), ("d", stat.S_IFDIR | 0o444, 0)):
        found = disk.stat(f"zip://{name}::{tmp_path}/a.zip")
        assert (found.st_mode, found.st_size, found.st_dev) == (mode, size, archive.st_dev)
        assert (found.st_nlink, found.st_uid, found.st_gid) == (1, 0, 0)
        assert found.st_atime == found.st_ctime == found.st_mtime == archive.st_mtime


# Sizes -----------------------------------------------------------------------------------------------------------------


def patched(path, member, **fields):
    """Changes what the list at the end of a zip archive says of a file."""
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    while data[at + 46 : at + 46 + len(member)] != member:
        at = data.index(b"PK\x01\x02", at + 1)
    for name, value in fields.items():
        where, form = {"system": (5, "<B"), "flags": (8, "<H"), "method": (10, "<H"), "crc": (16, "<L"), "packed": (20, "<L"),
                       "size": (24, "<L"), "attributes": (38, "<L"), "offset": (42, "<L")}[name]  # fmt: skip
        data[at + where : at + where + struct.calcsize(form)] = struct.pack(form, value)
    path.write_bytes(data)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [1, 0xFFFFFFF0])
def test_sizes_that_cannot_be(source, tmp_path, method, size):
    path = tmp_path / "a.zip"
    prefix = zipped(source, path, method)
    patched(path, b"ckpt.index", size=size)
    tracemalloc.start()
    with pytest.raises(DataLossError, match="damaged"):
        TensorBundle().open(prefix)
    assert tracemalloc.get_traced_memory()[1] < 12 << 20  # of which LZMA needs 8
    tracemalloc.stop()


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_file_that_is_less_than_the_archive_tells(source, tmp_path, method):
    path = tmp_path / "a.zip"
    prefix = zipped(source, path, method)
    size = os.path.getsize(source / "ckpt.index")
    patched(path, b"ckpt.index", size=size + 1)
    with pytest.raises(DataLossError, match=r"^zip://ckpt\.index::\S+: "):
        TensorBundle().open(prefix)
    zipped(source, path, method)
    patched(path, b"ckpt.index", crc=1)
    with pytest.raises(DataLossError, match=r"^zip://ckpt\.index::\S+: the archive's checksum of the file does not match"):
        TensorBundle().open(prefix)
    zipped(source, path, method)
    patched(path, b"ckpt.index", packed=20)
    with pytest.raises(DataLossError, match=r"^zip://ckpt\.index::\S+: "):
        TensorBundle().open(prefix)


@pytest.mark.parametrize("method", METHODS[1:])
def test_a_bomb_is_unpacked_as_far_as_somebody_asks(tmp_path, method):
    """What the index of a checkpoint names is read, and memory does not grow with what is behind."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as out, out.open("bomb", "w") as there:
        for _ in range(64):
            there.write(bytes(1 << 19))
    assert path.stat().st_size < 1 << 19
    tracemalloc.start()
    handle = ANYWHERE.open(f"zip://bomb::{path}")
    into = bytearray(10)
    assert ANYWHERE.read(handle, into, 1000) == 10
    opened = ANYWHERE._archives._open[handle]
    assert opened.content._filled < 1 << 20
    assert ANYWHERE.read(handle, into, (1 << 25) - 5) == 5
    assert ANYWHERE.read(handle, into, 1 << 25) == ANYWHERE.read(handle, into, 1 << 60) == 0
    ANYWHERE.close(handle)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20  # of which LZMA needs 8
    tracemalloc.stop()


def test_pieces_of_what_is_unpacked_are_no_longer_than_one_keeps_in_memory(tmp_path):
    data, disk = bytes(1_000_000), Disk()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(data)
    zipped(tmp_path / "source", tmp_path / "a.zip")
    zipped(tmp_path / "source", tmp_path / "a.bz", zipfile.ZIP_BZIP2)
    zipped(tmp_path / "source", tmp_path / "a.lz", zipfile.ZIP_LZMA)
    tarred(tmp_path / "source", tmp_path / "a.tar", "gz")
    zip_archives = [(kind, zips.list_zip, zips.PIECE) for kind in ("zip", "bz", "lz")]
    for kind, listed, piece in (*zip_archives, ("tar", tars.list_tar, tars.PIECE)):
        handle = disk.open(f"{tmp_path}/a.{kind}")
        pieces = list(listed(FileView(disk, handle), "x").find("a").content(FileView(disk, handle), "x"))
        disk.close(handle)
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= piece


def test_a_piece_that_comes_when_all_that_is_packed_is_taken(tmp_path):
    """zlib has taken the last byte, and still has something to give."""
    path, data = tmp_path / "a.zip", bytes(zips.PIECE + 24)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a", data)
    assert read_whole(ANYWHERE, f"zip://a::{path}") == data


def test_headers_of_tar_archives_are_short(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, tars.LONGEST * 64
    (tmp_path / "a").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(DataLossError, match=r"a header of \d+ bytes; the archive is damaged"):
        TensorBundle().open(f"tar://ckpt::{tmp_path}/a")


def test_a_header_in_the_middle_is_not_the_end(source, tmp_path):
    path, prefix = tmp_path / "a", f"tar://ckpt::{tmp_path}/a"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as out:
        for name in sorted(os.listdir(source)):
            out.add(source / name, name)
    assert same(prefix)
    data = bytearray(path.read_bytes())
    at = data.index(b"ckpt.index")
    data[at + 148] ^= 1  # the checksum of the header
    path.write_bytes(data)
    with pytest.raises(DataLossError, match=rf"the archive is damaged from byte {at} on"):
        TensorBundle().open(prefix)


def test_a_header_before_zeros_is_not_the_end(tmp_path):
    at = added(tmp_path / "a", ("a", b"1"), ("b", bytes(512)))
    assert ANYWHERE.names(at("")) == ["a", "b"]
    data = bytearray((tmp_path / "a").read_bytes())
    data[1024 + 148] ^= 1
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataLossError, match="the archive is damaged from byte 1024 on"):
        ANYWHERE.names(at(""))


def test_memory_that_is_not_there_is_an_error_of_its_kind(tmp_path):
    class Huge(Disk):
        def size(self, handle):
            return 1 << 62

    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(ResourceExhaustedError, match=rf"^read: {tmp_path}/a: there is no memory for its {1 << 62} bytes"):
        read_whole(Huge(), f"{tmp_path}/a")


# Kinds -----------------------------------------------------------------------------------------------------------------


def test_kinds_that_cannot_be_read(source, tmp_path):
    path = tmp_path / "a.zip"
    prefix = zipped(source, path)
    for fields, said in (
        ({"flags": 1}, "encrypted"), ({"method": 97}, "packed with method 97, none of 0, 8, 12, 14 and 93"),
    ):  # fmt: skip
        zipped(source, path)
        patched(path, b"ckpt.index", **fields)
        assert ANYWHERE.stat(f"zip://ckpt.index::{path}").st_size > 0
        with pytest.raises(UnimplementedError, match=rf"^zip://ckpt\.index::\S+: in the archive the file is {said}, .* Unpack"):
            TensorBundle().open(prefix)
    (tmp_path / "a.tar").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(99))
    with pytest.raises(UnimplementedError, match="packed with zstd"):
        TensorBundle().open(f"tar://ckpt::{tmp_path}/a.tar")


def test_what_would_be_a_link_on_another_system_is_a_file(source, tmp_path):
    prefix = zipped(source, tmp_path / "a.zip")
    patched(tmp_path / "a.zip", b"ckpt.index", system=0, attributes=0o120777 << 16)
    assert same(prefix)


@pytest.mark.parametrize("method", METHODS)
def test_what_stands_between_a_header_and_its_file(tmp_path, method):
    data = np.random.default_rng(0).bytes(300_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as out, out.open("a", "w", force_zip64=True) as there:
        there.write(data)
    assert read_whole(ANYWHERE, f"zip://a::{tmp_path}/a.zip") == data


def test_a_header_that_is_cut(tmp_path):
    """The comment of an archive begins like a file, and ends before the file does."""
    for comment in (b"PK\x03\x04", b"PK\x03\x04" + bytes(25)):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
            out.writestr("a", b"1")
            out.comment = comment
        offset = (tmp_path / "a.zip").stat().st_size - len(comment)
        patched(tmp_path / "a.zip", b"a", offset=offset)
        with pytest.raises(DataLossError, match=rf"^zip://a::\S+: the archive has no file at byte {offset}; it is damaged"):
            read_whole(ANYWHERE, f"zip://a::{tmp_path}/a.zip")


def test_a_file_that_cannot_be_opened_leaves_its_archive_closed(source, tmp_path):
    path, outer = tmp_path / "a.zip", Open()
    zipped(source, path)
    patched(path, b"ckpt.index", flags=1)
    disk = ArchiveDisk(outer, -1)
    with pytest.raises(UnimplementedError, match="encrypted"):
        disk.open(f"zip://ckpt.index::{path}")
    assert outer.paths == {}
    disk.close(disk.open(f"zip://ckpt.data-00000-of-00001::{path}"))
    assert outer.paths == {}


def test_files_with_holes(tmp_path):
    info = tarfile.TarInfo("ckpt.index")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,5", "GNU.sparse.size": "99"}
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as out:
        info.size = 5
        out.addfile(info, io.BytesIO(b"12345"))
    with pytest.raises(UnimplementedError, match="has holes"):
        TensorBundle().open(f"tar://ckpt::{path}")


def test_offsets_that_lead_elsewhere(source, tmp_path):
    path = tmp_path / "a.zip"
    prefix = zipped(source, path)
    for offset in (1, 0xFFFFFFF0):
        zipped(source, path)
        patched(path, b"ckpt.index", offset=offset)
        with pytest.raises(DataLossError, match=f"the archive has no file at byte {offset}"):
            TensorBundle().open(prefix)


def test_an_error_in_reading_the_archive_stays_what_it_is(source, tmp_path, monkeypatch):
    for prefix in (zipped(source, tmp_path / "a.zip"), tarred(source, tmp_path / "a.gz", "gz")):
        with monkeypatch.context() as patched:
            patched.setattr(Disk, "read", lambda *arguments: (_ for _ in ()).throw(PermissionError(13, "no")))
            with pytest.raises(OpError, match="no") as caught:
                TensorBundle().open(prefix)
            assert not isinstance(caught.value, DataLossError)
        assert same(prefix)
    assert not ANYWHERE._archives._open


def test_data_behind_the_end_of_what_is_packed(tmp_path):
    """The archive tells more of a file than what comes out, and the other way round: nothing is invented."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a", b"12345" * 100)
    for size, crc, more in ((499, zlib.crc32((b"12345" * 100)[:499]), "or more "), (501, 0, "")):
        patched(path, b"a", size=size, crc=crc)
        with pytest.raises(DataLossError, match=f"500 bytes {more}came out of the archive, which tells of {size}; it is"):
            read_whole(ANYWHERE, f"zip://a::{path}")
        patched(path, b"a", size=500, crc=zlib.crc32(b"12345" * 100))
        assert read_whole(ANYWHERE, f"zip://a::{path}") == b"12345" * 100


def test_a_chain_of_many_links(tmp_path):
    path = tmp_path / "0.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a", b"1")
    for number in range(DEEPEST):
        with zipfile.ZipFile(tmp_path / f"{number + 1}.zip", "w") as out:
            out.write(path, "a")
        path = tmp_path / f"{number + 1}.zip"
    assert read_whole(ANYWHERE, "zip://a::" * (DEEPEST + 1) + str(path)) == b"1"
    for links in (DEEPEST + 2, 3000):
        with pytest.raises(InvalidArgumentError, match=f"more than {DEEPEST} links"):
            read_whole(ANYWHERE, "zip://a::" * links + str(path))
    with pytest.raises(InvalidArgumentError, match="zip:// names no archive"):
        TensorBundle().open("zip://a::zip://")


# bzip2, LZMA, zstd -------------------------------------------------------------------------------------------------------


def lzma_archive(path, change=lambda data, at: None, data=b"12345" * 1000):
    """A zip archive of one file packed with LZMA; ``change`` is given its bytes, and where those of LZMA begin."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as out:
        out.writestr("a", data)
    found = bytearray(path.read_bytes())
    change(found, 30 + len("a"))
    path.write_bytes(found)
    return f"zip://a::{path}"


def test_what_claims_much_is_counted_before_somebody_believes_it(tmp_path):
    """More than deflate could make of as many bytes may well be true for bzip2 and LZMA."""
    data = bytes(40_000_000)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        path = tmp_path / f"{method}.zip"
        with zipfile.ZipFile(path, "w", method) as out:
            out.writestr("a", data)
        assert path.stat().st_size * zips.MOST < len(data)
        assert read_whole(ANYWHERE, f"zip://a::{path}") == data
        patched(path, b"a", size=len(data) + 1)
        tracemalloc.start()
        try:
            with pytest.raises(DataLossError, match="40000000 bytes came out of the archive, which tells of 40000001"):
                ANYWHERE.open(f"zip://a::{path}")
            assert tracemalloc.get_traced_memory()[1] < 16 << 20
        finally:
            tracemalloc.stop()
    assert not ANYWHERE._archives._open


def test_lzma_with_and_without_a_mark_at_its_end(tmp_path):
    path, wanted = tmp_path / "a.zip", np.random.default_rng(0).bytes(3000)
    at = lzma_archive(path, data=wanted)
    packed = zipfile.ZipFile(path).getinfo("a").compress_size
    patched(path, b"a", flags=0)
    assert read_whole(ANYWHERE, at) == wanted  # it ends where the archive says that it does
    for flags, fewer, fine in ((0, 4, True), (0, 30, False), (2, 30, False)):
        lzma_archive(path, data=wanted)
        patched(path, b"a", flags=flags, packed=packed - fewer)
        if fine:
            assert read_whole(ANYWHERE, at) == wanted
        else:
            with pytest.raises(DataLossError, match="the file ends too early in the archive"):
                read_whole(ANYWHERE, at)
    for data in (b"", b"x"):
        assert read_whole(ANYWHERE, lzma_archive(path, data=data)) == data


@pytest.mark.parametrize(
    ("where", "new", "error", "said"),
    [
        (2, b"\6", DataLossError, "what stands before its bytes is none of LZMA"),
        (3, b"\1", DataLossError, "what stands before its bytes is none of LZMA"),
        (4, bytes([225]), DataLossError, "what stands before its bytes is none of LZMA"),
        (4, bytes([44]), DataLossError, "the archive is damaged: "),
        (5, ((1 << 26) + 1).to_bytes(4, "little"), UnimplementedError, "to unpack the file takes 67108865 bytes of memory"),
        (5, b"\xff" * 4, UnimplementedError, "to unpack the file takes 4294967295 bytes of memory"),
        (9, b"\1", DataLossError, "it cannot be unpacked, or it is damaged"),
    ],
)
def test_what_stands_before_lzma(tmp_path, where, new, error, said):
    def change(data, at):
        data[at + where : at + where + len(new)] = new

    with pytest.raises(error, match=rf"^zip://a::\S+: {said}"):
        read_whole(ANYWHERE, lzma_archive(tmp_path / "a.zip", change))


@pytest.mark.parametrize(("lc", "lp", "pb"), [(0, 0, 0), (0, 0, 1), (4, 0, 4), (0, 4, 1), (1, 3, 0), (2, 1, 3)])
def test_lzma_that_looks_at_other_bits(tmp_path, lc, lp, pb):
    """Others than Python's zipfile choose how many bits of what stands before, and of the place, a byte is foretold from."""
    path, wanted = tmp_path / "a.zip", np.random.default_rng(1).integers(0, 5, 3000).tobytes()
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": lc, "lp": lp, "pb": pb}]
    packed = lzma.compress(wanted, lzma.FORMAT_RAW, filters=filters)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a", b"\x09\x04\5\0" + bytes([(pb * 5 + lp) * 9 + lc]) + (1 << 16).to_bytes(4, "little") + packed)
    patched(path, b"a", method=zipfile.ZIP_LZMA, size=len(wanted), crc=zlib.crc32(wanted), flags=2)
    assert read_whole(ANYWHERE, f"zip://a::{path}") == wanted


def test_dictionaries_of_lzma_up_to_64_mib(tmp_path):
    def change(data, at):
        data[at + 5 : at + 9] = (1 << 26).to_bytes(4, "little")

    assert read_whole(ANYWHERE, lzma_archive(tmp_path / "a.zip", change)) == b"12345" * 1000


def test_lzma_that_is_too_short_for_its_header(tmp_path):
    at = lzma_archive(tmp_path / "a.zip")
    patched(tmp_path / "a.zip", b"a", packed=8, size=5)
    with pytest.raises(DataLossError, match="what stands before its bytes is none of LZMA"):
        read_whole(ANYWHERE, at)


def test_zstd_where_python_has_it(source, tmp_path):
    path = tmp_path / "a.zip"
    try:
        import compression.zstd
    except ImportError:
        prefix = zipped(source, path)
        patched(path, b"ckpt.index", method=93)
        with pytest.raises(UnimplementedError, match="packed with zstd, which Python has from 3.14 on"):
            TensorBundle().open(prefix)
        return
    assert compression.zstd
    assert same(zipped(source, path, 93))


def test_zstd_is_asked_for_with_a_bound(source, tmp_path, monkeypatch):
    """Whoever packed may ask for 64 MiB of memory and no more: parameter 100 of zstd is the logarithm of its window."""
    asked = []

    class ZstdDecompressor:
        """Packs nothing; keeps what it was asked for."""

        def __init__(self, options):
            asked.append(options)
            self.eof, self.needs_input = False, True

        def decompress(self, data, max_length):
            self.eof = True
            return data

    module = types.ModuleType("compression.zstd")
    module.ZstdDecompressor = ZstdDecompressor
    monkeypatch.setitem(sys.modules, "compression", types.ModuleType("compression"))
    monkeypatch.setitem(sys.modules, "compression.zstd", module)
    prefix = zipped(source, tmp_path / "a.zip", zipfile.ZIP_STORED)
    patched(tmp_path / "a.zip", b"ckpt.index", method=93)
    assert same(prefix)
    assert {tuple(options.items()) for options in asked} == {((100, 26),)}


# Links in zip archives ---------------------------------------------------------------------------------------------------


def linked(path, *members, method=zipfile.ZIP_STORED):
    """A zip archive of (name, content, True for a symbolic link)."""
    with zipfile.ZipFile(path, "w", method) as out:
        for name, content, is_link in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.compress_type = 3, method
            info.external_attr = (stat.S_IFLNK if is_link else stat.S_IFREG) << 16 | 0o777 << 16
            out.writestr(info, content)
    return lambda name: f"zip://{name}::{path}"


@pytest.mark.parametrize("method", METHODS)
def test_links_in_zip_archives(tmp_path, method):
    at = linked(
        tmp_path / "a.zip", ("s", b"d/s", True), ("d/s", b"a", True), ("d/a", b"1", False), ("up", b"../d/a", True),
        ("e/s", b"../d/./s", True), ("self", b"self", True), ("none", b"nothing", True), ("dir", b"d", True),
        ("abs", b"/d/a", True), ("long", b"d/" * 2048 + b"../a", True), ("\xe9", "\xe9".encode(), True), ("n", b"", True),
        ("odd", b"\xff", True), method=method,
    )  # fmt: skip
    for name in ("s", "d/s", "e/s"):
        assert read_whole(ANYWHERE, at(name)) == b"1"
        assert ANYWHERE.stat(at(name)).st_size == 1
    for name in ("up", "self", "none", "dir", "abs", "long", "\xe9", "n", "odd"):
        with pytest.raises(NotFoundError):
            read_whole(ANYWHERE, at(name))
    assert ANYWHERE.names(at("")) == ["s", "d", "e"]


def test_a_checkpoint_behind_links(source, tmp_path):
    files = [(f"step-1/{name}", (source / name).read_bytes(), False) for name in sorted(os.listdir(source))]
    links = [(f"latest.{name.removeprefix('ckpt.')}", f"step-1/{name}".encode(), True) for name in sorted(os.listdir(source))]
    linked(tmp_path / "a.zip", *links, *files, method=zipfile.ZIP_DEFLATED)
    assert same(f"zip://latest::{tmp_path}/a.zip")


@pytest.mark.parametrize("method", METHODS)
def test_a_link_that_is_damaged_is_told_when_somebody_wants_it(tmp_path, method):
    path = tmp_path / "a.zip"
    at = linked(path, ("l", b"there", True), ("there", b"1", False), method=method)
    patched(path, b"l", crc=1)
    with pytest.raises(DataLossError, match=r"^zip://l::\S+: the archive's checksum of the file does not match"):
        read_whole(ANYWHERE, at("l"))
    assert read_whole(ANYWHERE, at("there")) == b"1"
    patched(path, b"l", flags=1)
    with pytest.raises(UnimplementedError, match="encrypted"):
        read_whole(ANYWHERE, at("l"))
    assert read_whole(ANYWHERE, at("there")) == b"1"


def test_targets_of_links_have_4096_bytes_at_most(tmp_path):
    longest = b"./" * 2046 + b"d/ab"
    at = linked(
        tmp_path / "a.zip", ("l", longest, True), ("m", longest + b"c", True), ("d/ab", b"1", False), ("d/abc", b"2", False)
    )
    assert len(longest) == 4096
    assert read_whole(ANYWHERE, at("l")) == b"1"
    with pytest.raises(NotFoundError):
        read_whole(ANYWHERE, at("m"))


def test_a_link_that_claims_more_bytes_than_there_are(tmp_path):
    path = tmp_path / "a.zip"
    at = linked(path, ("l", b"there", True), ("there", b"1", False))
    patched(path, b"l", size=4000, packed=4000)
    with pytest.raises(DataLossError, match=r"^zip://l::\S+: \d+ bytes came out of the archive, which tells of 4000"):
        read_whole(ANYWHERE, at("l"))


def test_links_whose_packed_bytes_end_without_a_mark(tmp_path):
    """LZMA may do without; of deflate it is missed."""
    path = tmp_path / "a.zip"
    at = linked(path, ("l", b"there", True), ("there", b"1", False), method=zipfile.ZIP_LZMA)
    patched(path, b"l", flags=0, packed=zipfile.ZipFile(path).getinfo("l").compress_size - 4)
    assert read_whole(ANYWHERE, at("l")) == b"1"
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(b"there") + deflate.flush(zlib.Z_SYNC_FLUSH)
    at = linked(path, ("l", packed, True), ("there", b"1", False))
    patched(path, b"l", method=zipfile.ZIP_DEFLATED, size=5, crc=zlib.crc32(b"there"))
    with pytest.raises(DataLossError, match=r"^zip://l::\S+: the file ends too early in the archive"):
        read_whole(ANYWHERE, at("l"))


@pytest.mark.parametrize("method", METHODS)
def test_much_comes_out_of_what_is_read_at_once(tmp_path, method):
    """So bytes that were read before are left when the next pieces are asked for, and more of them are there to be read."""
    some = np.random.default_rng(2).bytes(100_000)
    wanted = b"".join(part for _ in range(4) for part in (some, bytes(2_000_000)))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as out:
        out.writestr("a", wanted + some)
    assert read_whole(ANYWHERE, f"zip://a::{tmp_path}/a.zip") == wanted + some


def test_a_link_whose_archive_cannot_be_read(tmp_path):
    class Failing(Disk):
        """Cannot read what stands at the beginning."""

        def read(self, handle, into, offset):
            if offset < 30:
                raise PermissionError(13, "no")
            return super().read(handle, into, offset)

    path, disk = tmp_path / "a.zip", Failing()
    linked(path, ("l", b"there", True), ("there", bytes(100_000), False))
    with pytest.raises(PermissionError):
        ArchiveDisk(disk, -1).open(f"zip://there::{path}")


def test_a_tar_archive_of_very_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tars, "MEMBERS", 3)
    good = added(tmp_path / "a.tar", *((name, b"1") for name in "abc"))
    assert sorted(ANYWHERE.names(good(""))) == ["a", "b", "c"]
    bad = added(tmp_path / "b.tar", *((name, b"1") for name in "abcd"))
    with pytest.raises(DataLossError, match=r"b\.tar: there are more than 3 files in it"):
        ANYWHERE.names(bad(""))


@pytest.mark.timeout(60)
def test_a_packed_archive_that_would_never_end(tmp_path):
    """Of some kilobytes come gigabytes; that takes a processor minutes."""
    info = tarfile.TarInfo("a")
    info.size = 1 << 36
    path = tmp_path / "a.tar.bz2"
    path.write_bytes(bz2.compress(info.tobuf()) + bz2.compress(bytes(1 << 24)) * (1 << 12))
    with pytest.raises(DataLossError, match=rf"a\.tar\.bz2: its {path.stat().st_size} bytes unpack to more than 1073741824\."):
        ANYWHERE.names(f"tar://::{path}")


@pytest.mark.parametrize("how", ["", "gz"])
def test_how_much_may_come_out_of_an_archive(tmp_path, monkeypatch, how):
    monkeypatch.setattr(tars, "ROOM", 0)
    monkeypatch.setattr(tars, "TIMES", 2)
    with tarfile.open(tmp_path / "a.tar", f"w:{how}") as out:
        for name in "ab":
            info = tarfile.TarInfo(name)
            info.size = 100_000
            out.addfile(info, io.BytesIO(bytes(100_000)))
    at = f"tar://::{tmp_path / 'a.tar'}"
    if not how:
        assert sorted(ANYWHERE.names(at)) == ["a", "b"]
        return
    size = (tmp_path / "a.tar").stat().st_size
    with pytest.raises(DataLossError, match=f"its {size} bytes unpack to more than {2 * size}"):
        ANYWHERE.names(at)
    monkeypatch.setattr(tars, "ROOM", 2 * (512 + 100_352))
    assert sorted(ANYWHERE.names(at)) == ["a", "b"]
    monkeypatch.setattr(tars, "ROOM", 2 * (512 + 100_352) - 1)
    (tmp_path / "a.tar").touch()
    with pytest.raises(DataLossError, match="unpack to more than"):
        ANYWHERE.names(at)
