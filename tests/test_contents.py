"""Contents: files of folders, known by their names, sizes and bytes as far as that is cheap."""

from robustpose.contents import MOST_FILES, hash_names_and_sizes, hash_some_files


def write(folder, **files):
    paths = []
    for name, content in files.items():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    return paths


def test_names_and_sizes_tell_folders_apart_without_reading(tmp_path):
    write(tmp_path, a=b"11", b=b"222")
    before = hash_names_and_sizes(tmp_path, ["a", "b"])
    write(tmp_path, a=b"33")
    assert hash_names_and_sizes(tmp_path, ["a", "b"]) == before
    write(tmp_path, a=b"3")
    assert len({before, hash_names_and_sizes(tmp_path, ["a", "b"]), hash_names_and_sizes(tmp_path, ["a"])}) == 3


def test_bytes_of_a_small_folder_are_all_read_and_of_a_large_one_some(tmp_path, monkeypatch):
    paths = write(tmp_path, a=b"11", b=b"22", c=b"33")
    before = hash_some_files(paths)
    write(tmp_path, b=b"44")
    assert hash_some_files(paths) != before
    assert hash_some_files([]) == hash_some_files([])
    read = []
    monkeypatch.setattr("robustpose.contents.hash_file", lambda path: read.append(path) or "")
    for n_files in (MOST_FILES, MOST_FILES + 1, 10 * MOST_FILES):
        read.clear()
        hash_some_files([tmp_path / str(number) for number in range(n_files)])
        assert MOST_FILES / 2 < len(read) <= MOST_FILES
        assert n_files - int(read[-1].name) <= n_files / len(read)
