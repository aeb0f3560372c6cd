"""Paths and URLs as text, chained ones among them, whose path stands in the middle."""

import os
import posixpath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.environment import gfile
from minitf.storage.bundle.names import data_path, index_path, split_data_name
from minitf.storage.files import TEMPORARY, temporary_name
from minitf.storage.npz import Npz
from minitf.storage.paths import (
    archived,
    is_url,
    join_path,
    lies_in,
    name_of,
    normal,
    parent_of,
    parts_of,
    path_of,
    relative_to,
    split_path,
    with_ending,
    without_ending,
)
from minitf.storage.v1.names import pattern_of, shard_path, split_shard_name

WHOLE = (  # of these all is path
    "", "a", "/a/b", "a::b/ckpt", "/a::b://c", "s3://b/k", "memory://", "simplecache::s3://b/k", "filecache::memory://a",
    "C:\\a::b", "file:///a::b/c", "local://a::b", "zip://a", "zip::a", "zip::/a/b.zip", "dir::blockcache::memory://x/y", "::",
    "a::", "1x://a::b",
)  # fmt: skip


@pytest.mark.parametrize("path", WHOLE)
def test_most_paths_have_neither_start_nor_tail(path):
    assert parts_of(path) == ("", path, "")
    assert with_ending(path, ".x") == path + ".x"
    assert without_ending(path + ".x", ".x") == path
    assert join_path(path, "n", "m") == os.path.join(path, "n", "m")
    assert normal(path) == os.path.abspath(path)
    assert relative_to("", path or "x") == os.path.relpath(path or "x")
    assert relative_to("/r", path or "x") == os.path.relpath(path or "x", "/r")


@pytest.mark.parametrize(
    "path, pieces",
    [
        ("zip://run/ckpt::s3://b/a.zip", ("zip://", "run/ckpt", "::s3://b/a.zip")),
        ("tar://ckpt::a.tar", ("tar://", "ckpt", "::a.tar")),
        ("zip://::memory://a.zip", ("zip://", "", "::memory://a.zip")),
        ("zip::memory://a.zip", ("zip://", "", "::memory://a.zip")),
        ("tar::simplecache::https://h/a.tar", ("tar://", "", "::simplecache::https://h/a.tar")),
        ("libarchive::s3://b/a.7z", ("libarchive://", "", "::s3://b/a.7z")),
        ("simplecache::zip://run::s3://b/a.zip", ("simplecache::zip://", "run", "::s3://b/a.zip")),
        ("filecache::zip::s3://b/a.zip", ("filecache::zip://", "", "::s3://b/a.zip")),
        ("zip:///run::zip://in.zip::out.zip", ("zip://", "/run", "::zip://in.zip::out.zip")),
        ("dir://run::memory://b", ("dir://", "run", "::memory://b")),
        ("simplecache::file://a::b", ("simplecache::file://", "a", "::b")),
        ("zip://a::", ("zip://", "a", "::")),
    ],
)
def test_the_pieces_of_a_chained_url(path, pieces):
    assert parts_of(path) == pieces
    start, inner, tail = pieces
    assert with_ending(path, "-1") == f"{start}{inner}-1{tail}"
    assert without_ending(with_ending(path, "-1"), "-1") == f"{start}{inner}{tail}"
    assert without_ending(path, tail) == f"{start}{inner}{tail}"
    assert join_path(path, "x", "y") == start + posixpath.join(inner, "x", "y") + tail
    assert join_path(path, "x", "/y") == "/y"
    assert split_path(path) == (f"{start}{posixpath.dirname(inner)}{tail}", posixpath.basename(inner))
    assert parent_of(path) == split_path(path)[0]
    assert name_of(path) == split_path(path)[1]


def test_what_a_path_is():
    assert path_of(b"a") == "a"
    assert (path_of(np.str_("a")), type(path_of(np.str_("a")))) == ("a", str)
    with pytest.raises(TypeError):
        path_of(3)
    assert not is_url("zip::a.zip")
    assert split_path("memory://ckpt") == ("memory://", "ckpt")
    assert split_path("a:/b") == ("a:", "b")
    assert split_path("a:/b://c") == ("a:/b://", "c")


def test_the_root_of_an_archive_is_its_own_parent():
    assert parent_of("zip://ckpt::a.zip") == parent_of("zip://::a.zip") == "zip://::a.zip"
    assert parent_of("zip:///ckpt::a.zip") == parent_of("zip:///::a.zip") == "zip:///::a.zip"


@pytest.mark.parametrize(
    "path, other",
    [
        ("zip://run/./x/../ckpt::a.zip", "zip:///run/ckpt::a.zip"), ("zip://../ckpt::a.zip", "zip:///ckpt::a.zip"),
        ("zip://::a.zip", "zip:///::a.zip"), ("zip:////a//b/::x", "zip:///a/b::x"), ("zip::memory://a", "zip:///::memory://a"),
    ],
)  # fmt: skip
def test_one_way_to_write_it(path, other):
    assert normal(path) == other
    assert normal(other) == other


def test_what_lies_in_a_directory():
    for directory, path in (
        ("zip://run::a.zip", "zip://run/ckpt::a.zip"), ("zip://run/::a.zip", "zip:///run/x/../ckpt::a.zip"),
        ("zip://::a.zip", "zip://run/ckpt::a.zip"), ("zip::memory://a.zip", "zip://ckpt::memory://a.zip"),
        ("", "ckpt"), ("/", "/ckpt"), ("a::b", "a::b/ckpt"), ("memory://run", "memory://run/ckpt"),
    ):  # fmt: skip
        assert lies_in(directory, path), (directory, path)
        assert normal(join_path(directory, relative_to(directory, path))) == normal(path)
    for directory, path in (
        ("zip://run::a.zip", "zip://run2/ckpt::a.zip"), ("zip://run::a.zip", "zip://run/../ckpt::a.zip"),
        ("zip://run::a.zip", "zip://run::a.zip"), ("zip://run::a.zip", "zip://run/ckpt::b.zip"),
        ("zip://run::a.zip", "tar://run/ckpt::a.zip"), ("zip://run::a.zip", "run/ckpt"), ("zip://run::a.zip", "/run/ckpt"),
        ("zip://run::a.zip", join_path("zip://run::a.zip", "x::s3://other/a.zip")), ("", "zip://ckpt::a.zip"),
        ("memory://run", join_path("memory://run", "x::zip://a")), ("a", "ab/ckpt"), ("a", "a"),
        ("zip://::a.zip", "zip:///::a.zip/b"), ("a", "zip://a/b::a.zip"),
    ):  # fmt: skip
        assert not lies_in(directory, path), (directory, path)
    assert relative_to("zip://run::a.zip", "zip://ckpt::b.zip") == "zip://ckpt::b.zip"
    assert relative_to("run", "zip://run/ckpt::b.zip") == "zip://run/ckpt::b.zip"
    assert relative_to("zip://run::b.zip", "run/ckpt") == "run/ckpt"
    assert relative_to("zip://a/b::b.zip", "zip:///a/c::b.zip") == "../c"


def test_names_of_files_in_an_archive():
    prefix = "zip://run/ckpt-1::s3://b/a.zip"
    assert index_path(prefix) == "zip://run/ckpt-1.index::s3://b/a.zip"
    assert data_path(prefix, 0, 2) == "zip://run/ckpt-1.data-00000-of-00002::s3://b/a.zip"
    assert split_data_name(data_path(prefix, 1, 2)) == (prefix, 1, 2)
    assert split_data_name("zip://x::ckpt.data-00000-of-00001") is None
    assert split_shard_name(shard_path(prefix, 1, 2)) == (prefix, 1, 2)
    assert split_shard_name("zip://x::ckpt-00000-of-00001") is None
    assert pattern_of(prefix, 2) == "zip://run/ckpt-1-?????-of-00002::s3://b/a.zip"
    assert Npz().path(prefix) == Npz().path(Npz().path(prefix)) == "zip://run/ckpt-1.npz::s3://b/a.zip"
    assert Npz().path("zip://run::a.npz") == "zip://run.npz::a.npz"
    assert parts_of(temporary_name(prefix)).path.startswith(f"run/ckpt-1{TEMPORARY}")
    assert gfile.join("zip://a::b.zip", "c") == "zip://a/c::b.zip"


@pytest.mark.parametrize("before", ["", "simplecache::", "filecache::", "blockcache::", "simplecache::filecache::"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_what_is_in_an_archive(before, kind):
    assert archived(f"{before}{kind}://a/b::s3://b/k") == (kind, "a/b", "s3://b/k")
    assert archived(f"{before}{kind}::s3://b/k") == (kind, "", "s3://b/k")
    for path in (f"{before}{kind}://a", f"{kind}::a", f"{before}dir://a::b", f"dir::{before}{kind}://a::b", "a", "libarchive://a::b"):
        assert archived(path) is None


_NAME = st.text("ab.-", min_size=1, max_size=4)


@given(st.lists(_NAME, max_size=3), _NAME, st.sampled_from(["zip://{}::a.zip", "memory://{}", "{}", "dir://{}::s3://b/k"]))
def test_what_is_joined_can_be_split(names, name, form):
    directory = form.format("/".join(names))
    assert split_path(join_path(directory, name)) == (directory, name)
    assert parent_of(with_ending(join_path(directory, name), ".index")) == directory
    assert without_ending(with_ending(directory, ".index"), ".index") == directory


def test_only_slashes_are_taken_off_a_name_in_an_archive():
    assert normal("zip:////?a/b::x.zip") == normal("zip://?a/b::x.zip") == "zip:///?a/b::x.zip"
    assert normal("zip://a/b::x.zip") == "zip:///a/b::x.zip"
