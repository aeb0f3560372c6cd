"""Files at URLs; what files on the local disk do is compared with TensorFlow in tests/interop/names_of_programs.txt."""

import uuid

import pytest

import minitf as tf
import minitf.compat.v1 as v1

g = tf.io.gfile


@pytest.fixture
def url():
    return f"memory://gfile-{uuid.uuid4().hex}"


def put(path, content):
    with g.GFile(path, "wb") as file:
        file.write(content)
    return path


def test_a_file_at_a_url_is_read_in_pieces(url):
    put(f"{url}/a.txt", b"one\ntwo\nthre")
    with g.GFile(f"{url}/a.txt") as file:
        assert [file.size(), file.read(2), file.readline(), file.tell()] == [12, "on", "e\n", 4]
        file.seek(-4, 2)
        assert list(file) == ["thre"]
        file.seek(0)
        assert file.readlines() == ["one\n", "two\n", "thre"]
        assert file.seekable()
        with pytest.raises(tf.errors.OutOfRangeError, match="cannot seek to 13"):
            file.seek(13)


def test_a_file_at_a_url_goes_out_when_it_is_closed(url):
    file = g.GFile(f"{url}/a", "w")
    assert not g.exists(f"{url}/a")
    file.write("new")
    file.flush()
    assert file.tell() == 3
    assert not g.exists(f"{url}/a")
    file.close()
    with g.GFile(f"{url}/a", "a") as more, g.GFile(f"{url}/a") as old:
        more.write("er")
        assert old.read() == "new"
    with g.GFile(f"{url}/a") as file:
        assert file.read() == "newer"
    with g.GFile(f"{url}/b", "a") as first:
        first.write(b"x")
    assert g.listdir(url) == ["a", "b"]


def test_directories_at_urls(url):
    put(f"{url}/a.txt", b"1")
    g.makedirs(f"{url}/x/y")
    put(f"{url}/x/y/b.txt", b"22")
    assert [g.isdir(f"{url}/x"), g.isdir(f"{url}/a.txt"), g.exists(f"{url}/no")] == [True, False, False]
    assert g.glob(f"{url}/*/*/*.txt") == [f"{url}/x/y/b.txt"]
    assert g.glob([f"{url}/*.txt", f"{url}/no"]) == [f"{url}/a.txt"]
    assert [(d.removeprefix(url), i, f) for d, i, f in g.walk(url)] == [
        ("", ["x"], ["a.txt"]), ("/x", ["y"], []), ("/x/y", [], ["b.txt"]),
    ]  # fmt: skip
    assert g.stat(f"{url}/x/y/b.txt").length == 2
    assert g.stat(f"{url}/x").is_directory
    with pytest.raises(tf.errors.NotFoundError):
        g.listdir(f"{url}/no")
    g.rmtree(f"{url}/x")
    assert g.listdir(url) == ["a.txt"]


def test_copies_and_renames_between_here_and_there(url, tmp_path):
    put(f"{url}/a", b"abc")
    g.copy(f"{url}/a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"abc"
    g.rename(tmp_path / "b", f"{url}/c")
    assert not (tmp_path / "b").exists()
    g.rename(f"{url}/c", f"{url}/d")
    assert g.listdir(url) == ["a", "d"]
    with pytest.raises(tf.errors.AlreadyExistsError, match="overwrite=True replaces it"):
        g.rename(f"{url}/a", f"{url}/d")
    with pytest.raises(tf.errors.NotFoundError):
        g.rename(f"{url}/no", f"{url}/e")
    g.remove(f"{url}/a")
    with pytest.raises(tf.errors.NotFoundError):
        g.remove(f"{url}/a")


def test_an_unknown_protocol_says_so():
    with pytest.raises(tf.errors.InvalidArgumentError, match="nonsense"):
        g.exists("nonsense://a/b")


def test_a_directory_that_cannot_be_listed_is_told_and_left_out(tmp_path):
    told = []
    assert list(g.walk(tmp_path / "no", onerror=told.append)) == []
    assert [type(error) for error in told] == [tf.errors.NotFoundError]
    assert list(g.walk(tmp_path / "no")) == []


def test_a_link_to_a_directory_is_deleted_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").touch()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    g.rmtree(tmp_path / "link")
    assert g.listdir(tmp_path) == ["there"]
    assert g.listdir(tmp_path / "there") == ["a"]


def test_a_file_has_no_directory_of_its_name(tmp_path):
    put(tmp_path / "f", b"")
    (tmp_path / "f").touch()
    with pytest.raises(tf.errors.AlreadyExistsError):
        v1.gfile.MkDir(tmp_path / "f")
