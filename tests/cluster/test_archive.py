"""What workers get of a test's files, what they do not, and what they refuse."""

import hashlib
import io
import json
import os
import socket
import stat
import zipfile
from pathlib import Path

import pytest

from gregaria.cluster import cargo
from gregaria.cluster.archive import Archive, differences, fingerprints, listing, pack, unpack
from gregaria.cluster.locust_files import for_locust, from_locust
from gregaria.errors import CommandError


def write(folder: Path, *names: str, content: str = "x") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def names_of(archive: Archive) -> list[str]:
    return [name for name, _ in archive.names]


def sealed(members: dict[str | zipfile.ZipInfo, bytes], locustfiles: object = ("a.py",)) -> tuple[bytes, str]:
    """An archive that says of itself whatever a test wants it to."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(".gregaria.json", json.dumps({"locustfiles": locustfiles}))
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue(), hashlib.sha256(packed.getvalue()).hexdigest()


# -- packing -----------------------------------------------------------------------------------------------------------


def test_a_locustfile_comes_with_the_modules_and_data_under_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "test", "locustfile.py", "tasks/pay.py", "data/people.csv")
    archive = pack([tmp_path / "test" / "locustfile.py"])
    assert names_of(archive) == ["data/people.csv", "locustfile.py", "tasks/pay.py"]
    assert archive.locustfiles == ("locustfile.py",)
    assert archive.sha256 == hashlib.sha256(archive.data).hexdigest()
    (there,) = unpack(archive.data, archive.sha256, tmp_path / "worker")
    assert there == tmp_path / "worker" / "locustfile.py"
    assert (tmp_path / "worker" / "data" / "people.csv").read_text() == "x"


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "one", "b.py", "a.py")
    write(tmp_path / "two", "a.py", "b.py")
    os.utime(tmp_path / "two" / "a.py", (1, 1))
    (tmp_path / "two" / "b.py").chmod(0o700)
    assert pack([tmp_path / "one" / "a.py"]).data == pack([tmp_path / "two" / "a.py"]).data


def test_what_is_hidden_secret_or_installed_stays_at_home_and_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a.py", ".hidden", ".git/config", ".env", ".env.local", "server.pem", "tls/Server.KEY", "id_rsa")
    write(
        tmp_path,
        "cluster.secret",
        "id_rsa.pub",
        "credentials.json",
        "x.p12",
        "x.pfx",
        "__pycache__/a.pyc",
        "b.pyc",
        "node_modules/x/y.js",
    )
    write(tmp_path, "environment/pyvenv.cfg", "environment/lib/z.py", "lib/site-packages/z.py", "run.log", "data.csv")
    archive = pack([tmp_path / "a.py"])
    assert names_of(archive) == ["a.py", "data.csv"]
    told = dict(archive.left_out)
    assert told["environment/"] == "a virtual environment"
    assert told["run.log"] == "a log"
    assert told[".env"] == told["cluster.secret"] == told["tls/Server.KEY"] == "may hold secrets"
    assert set(told) == {
        ".hidden", ".git/", ".env", ".env.local", "server.pem", "tls/Server.KEY", "id_rsa", "id_rsa.pub",
        "credentials.json", "x.p12", "x.pfx", "__pycache__/", "b.pyc", "node_modules/", "environment/",
        "lib/site-packages/", "cluster.secret", "run.log",
    }  # fmt: skip


def test_the_secret_of_the_cluster_stays_at_home_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "words.txt", "data.csv")
    (tmp_path / "link.txt").symlink_to("words.txt")
    archive = pack([tmp_path / "a.py"], tmp_path / "words.txt")
    assert names_of(archive) == ["a.py", "data.csv"]
    assert dict(archive.left_out) == dict.fromkeys(("words.txt", "link.txt"), "the secret of the cluster")


def test_a_locustfile_goes_along_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, "credentials_test.py", "b.py")
    archive = pack([tmp_path / "credentials_test.py"])
    assert archive.locustfiles == ("credentials_test.py",)
    assert names_of(archive) == ["b.py", "credentials_test.py"]
    assert archive.left_out == ()


def test_links_inside_the_folder_become_files_and_those_that_lead_out_stay(tmp_path: Path) -> None:
    write(tmp_path / "test", "a.py", "shared/data.csv", ".env")
    write(tmp_path / "test", "shared/data.csv", content="rows")
    write(tmp_path, "secret.txt")
    links = {
        "link.csv": "shared/data.csv",
        "again": "shared",
        "out.txt": tmp_path / "secret.txt",
        "out": tmp_path,
        "settings.txt": ".env",
        "nowhere": "is-not-there",
        "circle": "circle",
        "shared/up": tmp_path / "test",
    }
    for name, target in links.items():
        (tmp_path / "test" / name).symlink_to(target)
    archive = pack([tmp_path / "test" / "a.py"])
    assert names_of(archive) == ["a.py", "again/data.csv", "link.csv", "shared/data.csv"]
    told = dict(archive.left_out)
    assert told["out.txt"] == told["out/"] == "a link that leads out of the folder"
    assert told["settings.txt"] == "a link to .env: may hold secrets"
    assert told["shared/up/"] == "a link to a folder that it lies in"
    assert {"nowhere", "circle"} <= set(told)
    unpack(archive.data, archive.sha256, tmp_path / "worker")
    assert (tmp_path / "worker" / "link.csv").read_text() == "rows"
    assert not (tmp_path / "worker" / "link.csv").is_symlink()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs sockets with a path")
def test_sockets_pipes_and_names_that_not_every_system_allows_stay_at_home(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "what?.csv")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(tmp_path / "socket"))
        archive = pack([tmp_path / "a.py"])
    assert names_of(archive) == ["a.py"]
    assert dict(archive.left_out) == {
        "pipe": "no regular file",
        "socket": "no regular file",
        "what?.csv": "not every system allows that name",
    }


def test_a_file_beside_the_locustfile_lists_what_to_leave_out(tmp_path: Path) -> None:
    write(
        tmp_path, "a.py", "results/1.csv", "deep/results/2.csv", "x.bin", "deep/y.bin", "data/1.csv", "data/deep/2.csv"
    )
    write(tmp_path, "build", "top/all/the/way.txt")
    (tmp_path / ".gregariaignore").write_text(
        "# what runs write\nresults/\n\n*.bin\n/data/*.csv\nbuild/\ntop/**/way.txt\n"
    )
    archive = pack([tmp_path / "a.py"])
    assert names_of(archive) == ["a.py", "build", "data/deep/2.csv"]
    assert dict(archive.left_out)["results/"] == "named in .gregariaignore"


def test_a_pattern_that_would_mean_something_else_is_refused_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    (tmp_path / ".gregariaignore").write_text("*.bin\n!keep.bin\n")
    with pytest.raises(CommandError, match=r"\.gregariaignore:2: '!keep\.bin'"):
        pack([tmp_path / "a.py"])


def test_locustfiles_of_several_folders_keep_their_places_and_nothing_else_comes_along(tmp_path: Path) -> None:
    write(tmp_path, "shop/test.py", "shop/tasks.py", "bank/test.py", "bank/tasks.py", "other/private.txt", "top.txt")
    archive = pack([tmp_path / "shop" / "test.py", tmp_path / "bank" / "test.py"])
    assert names_of(archive) == ["bank/tasks.py", "bank/test.py", "shop/tasks.py", "shop/test.py"]
    assert archive.locustfiles == ("shop/test.py", "bank/test.py")
    paths = unpack(archive.data, archive.sha256, tmp_path / "worker")
    assert paths == [tmp_path / "worker" / "shop" / "test.py", tmp_path / "worker" / "bank" / "test.py"]


def test_a_folder_inside_another_ones_is_packed_once(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "below/b.py", "data.csv")
    archive = pack([tmp_path / "below" / "b.py", tmp_path / "a.py"])
    assert names_of(archive) == ["a.py", "below/b.py", "data.csv"]
    assert archive.locustfiles == ("below/b.py", "a.py")


def test_of_the_home_folder_only_the_locustfile_itself_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    write(tmp_path, "a.py", "letters/private.txt", "shop/b.py", "shop/data.csv")
    archive = pack([tmp_path / "a.py"])
    assert names_of(archive) == ["a.py"]
    assert "give it one of its own" in archive.left_out[0][1]
    assert names_of(pack([tmp_path / "a.py", tmp_path / "shop" / "b.py"])) == ["a.py", "shop/b.py", "shop/data.csv"]


def test_too_large_a_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    with open(tmp_path / "video.mp4", "wb") as file:
        file.truncate(cargo.LARGEST_FILE_BYTES + 1)
    with pytest.raises(CommandError, match=r"video\.mp4 \(8\.0 MiB\).*\.gregariaignore"):
        pack([tmp_path / "a.py"])
    (tmp_path / ".gregariaignore").write_text("*.mp4")
    assert names_of(pack([tmp_path / "a.py"])) == ["a.py"]


def test_too_much_together_names_the_largest(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    for number in range(5):
        with open(tmp_path / f"{number}.bin", "wb") as file:
            file.truncate(7 * 1024 * 1024)
    with pytest.raises(CommandError, match=r"35\.0 MiB.*at most 32\.0 MiB.*0\.bin"):
        pack([tmp_path / "a.py"])


def test_too_many_files_are_told_of_and_not_all_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", *(f"{number}.txt" for number in range(10)))
    monkeypatch.setattr(cargo, "MOST_FILES", 10)
    with pytest.raises(CommandError, match=r"more than 10 files under .*\.gregariaignore"):
        pack([tmp_path / "a.py"])


def test_a_file_that_may_not_be_read_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", "locked.csv")
    # The tests may run as root, who may read everything.
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("locked.csv") and may(path, mode))
    archive = pack([tmp_path / "a.py"])
    assert dict(archive.left_out) == {"locked.csv": "cannot be read (Permission denied)"}


def test_a_locustfile_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there is no .*gone\.py"):
        pack([tmp_path / "gone.py"])


def test_what_is_given_away_is_listed(tmp_path: Path) -> None:
    write(tmp_path, "a.py", ".env", *(f"{number:02}.csv" for number in range(30)))
    lines = listing(pack([tmp_path / "a.py"]))
    assert lines[:2] == ["Workers get 31 files, 31 bytes:", "  00.csv (1 bytes)"]
    assert "  and 11 more" in lines
    assert lines[-2:] == ["Not given to workers:", "  .env (may hold secrets)"]


# -- unpacking ---------------------------------------------------------------------------------------------------------


def test_an_archive_that_was_changed_on_its_way_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    archive = pack([tmp_path / "a.py"])
    with pytest.raises(ValueError, match="checksum"):
        unpack(archive.data + b"x", archive.sha256, tmp_path / "worker")
    assert not (tmp_path / "worker").exists()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up.py",
        "a/../../up.py",
        "a//b",
        "./a",
        "C:\\a",
        "a\\..\\b",
        "dir/",
        "a\nb",
        "..",
        "x" * 1001,
        " a",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "worker"
    with pytest.raises(ValueError, match="no name below a folder"):
        unpack(*sealed({"a.py": b"", name: b"x"}), folder)
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_a_zero_byte_is_refused(tmp_path: Path) -> None:
    data, _ = sealed({"a.py": b"", "b.py#txt": b""})
    data = data.replace(b"b.py#txt", b"b.py\0txt")
    with pytest.raises(ValueError, match="archive"):
        unpack(data, hashlib.sha256(data).hexdigest(), tmp_path / "worker")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_links_and_devices_are_refused(kind: int, tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    with pytest.raises(ValueError, match="a link or something else"):
        unpack(*sealed({"a.py": b"", entry: b"/etc/passwd"}), tmp_path / "worker")
    assert not (tmp_path / "worker").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        unpack(*sealed({zipfile.ZipInfo("a.py"): b"1", zipfile.ZipInfo("a.py"): b"2"}), tmp_path / "worker")


def test_a_file_that_is_a_folder_too_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "worker"
    with pytest.raises(ValueError, match="cannot be unpacked"):
        unpack(*sealed({"a.py": b"", "b/c.py": b"", "b": b""}), folder)
    assert not folder.exists()


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    large = bytes(cargo.LARGEST_FILE_BYTES + 1)
    with pytest.raises(ValueError, match=r"'b\.bin' in the archive is larger"):
        unpack(*sealed({"a.py": b"", "b.bin": large}), tmp_path / "worker")
    many = {f"{number}.bin": bytes(7 * 1024 * 1024) for number in range(5)}
    with pytest.raises(ValueError, match=r"'4\.bin' in the archive is larger"):
        unpack(*sealed({"a.py": b"", **many}), tmp_path / "worker")
    assert not (tmp_path / "worker").exists()


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    size = 9 * 1024 * 1024
    data, _ = sealed({"a.py": b"", "b.bin": bytes(size)})
    lying = data.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != data
    with pytest.raises(ValueError, match="archive"):
        unpack(lying, hashlib.sha256(lying).hexdigest(), tmp_path / "worker")


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    data, _ = sealed({"a.py": b"", "0.bin": bytes(1024 * 1024)})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        end = archive.start_dir
    directory, closing = data[end:-22], data[-22:]
    start = directory.rindex(b"PK\x01\x02")
    copies = b"".join(directory[start:].replace(b"0.bin", f"{number}.bin".encode()) for number in range(1, 9))
    closing = (
        closing[:8]
        + (11).to_bytes(2, "little") * 2
        + (len(directory) + len(copies)).to_bytes(4, "little")
        + closing[16:]
    )
    bomb = data[:end] + directory + copies + closing
    with pytest.raises(ValueError, match="archive"):
        unpack(bomb, hashlib.sha256(bomb).hexdigest(), tmp_path / "worker")
    assert not (tmp_path / "worker").exists()


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    members: dict[str | zipfile.ZipInfo, bytes] = {f"{number}.py": b"" for number in range(cargo.MOST_FILES + 1)}
    with pytest.raises(ValueError, match="more than 5,000"):
        unpack(*sealed(members, ["0.py"]), tmp_path / "worker")


@pytest.mark.parametrize("locustfiles", [[], ["b.py"], ["../a.py"], "a.py", [1], None, {"a.py": 1}])
def test_an_archive_must_name_locustfiles_that_it_holds(locustfiles: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="locustfile"):
        unpack(*sealed({"a.py": b""}, locustfiles), tmp_path / "worker")


@pytest.mark.parametrize("data", [b"", b"PK", b"no archive at all" * 10])
def test_what_is_no_archive_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="archive cannot be read"):
        unpack(data, hashlib.sha256(data).hexdigest(), tmp_path / "worker")


def test_every_damage_of_an_archive_is_a_value_error_and_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "test", "a.py", "b/c.csv")
    data = pack([tmp_path / "test" / "a.py"]).data
    for place in range(len(data)):
        damaged = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        folder = tmp_path / f"worker-{place}"
        try:
            unpack(damaged, hashlib.sha256(damaged).hexdigest(), folder)
        except ValueError:
            assert not folder.exists()


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, "test/a.py", "worker/mine.txt")
    archive = pack([tmp_path / "test" / "a.py"])
    with pytest.raises(ValueError, match="is not empty"):
        unpack(archive.data, archive.sha256, tmp_path / "worker")
    assert os.listdir(tmp_path / "worker") == ["mine.txt"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    write(tmp_path, "test/a.py")
    (tmp_path / "worker").mkdir()
    archive = pack([tmp_path / "test" / "a.py"])
    assert unpack(archive.data, archive.sha256, tmp_path / "worker") == [tmp_path / "worker" / "a.py"]


# -- files of a worker's own -------------------------------------------------------------------------------------------


def test_a_worker_is_told_in_what_its_files_differ(tmp_path: Path) -> None:
    for node in ("master", "worker"):
        write(tmp_path / node, "a.py", "tasks/pay.py")
    here, there = (fingerprints([tmp_path / node / "a.py"]) for node in ("worker", "master"))
    assert differences(here, there) == []
    write(tmp_path / "worker", "tasks/pay.py", content="other")
    write(tmp_path / "worker", "old.py")
    write(tmp_path / "master", "data.csv")
    here, there = (fingerprints([tmp_path / node / "a.py"]) for node in ("worker", "master"))
    assert differences(here, there) == ["data.csv is missing here", "old.py is only here", "tasks/pay.py differs"]


def test_fingerprints_are_of_what_is_packed(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "b.csv", ".env")
    assert list(fingerprints([tmp_path / "a.py"])) == names_of(pack([tmp_path / "a.py"]))


# -- Locust's nodes ----------------------------------------------------------------------------------------------------


def test_a_worker_of_locust_gets_texts_and_last_names_and_one_of_ours_reads_them(tmp_path: Path) -> None:
    write(tmp_path, "one/a.py", "two/b.py", content="# é")
    answer = for_locust([tmp_path / "one" / "a.py", tmp_path / "two" / "b.py"])
    assert answer == {"locustfiles": [{"filename": "a.py", "contents": "# é"}, {"filename": "b.py", "contents": "# é"}]}
    answer["locustfiles"].append("https://example.com/c.py")
    folder = tmp_path / "worker"
    folder.mkdir()
    paths, urls = from_locust(answer, folder)
    assert paths == [folder / "a.py", folder / "b.py"]
    assert (folder / "a.py").read_text("utf-8") == "# é"
    assert urls == ["https://example.com/c.py"]


def test_two_files_of_one_name_are_an_error_that_a_worker_of_locust_can_show(tmp_path: Path) -> None:
    write(tmp_path, "one/a.py", "two/a.py")
    assert "rename one" in for_locust([tmp_path / "one" / "a.py", tmp_path / "two" / "a.py"])["error"]
    assert "cannot read" in for_locust([tmp_path / "gone.py"])["error"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "no locustfiles"),
        ({}, "no locustfiles"),
        ({"error": "none given"}, "none given"),
        ({"locustfiles": []}, "no locustfiles"),
        ({"locustfiles": [1]}, "no locustfile"),
        ({"locustfiles": [{"filename": "a.py"}]}, "no locustfile"),
        ({"locustfiles": [{"filename": "../a.py", "contents": ""}]}, "no name of a Python file"),
        ({"locustfiles": [{"filename": "a.sh", "contents": ""}]}, "no name of a Python file"),
        ({"locustfiles": ["file:///etc/passwd"]}, "no URL"),
        ({"locustfiles": [{"filename": "a.py", "contents": ""}] * 2}, "same name"),
        ({"locustfiles": [{"filename": "a.py", "contents": "\ud800"}]}, "no text"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_leaves_nothing(answer: object, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        from_locust(answer, tmp_path)
    assert list(tmp_path.iterdir()) == []
