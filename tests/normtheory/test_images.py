"""Readers of images: synthetic archives are read as they were written, and what is wrong with one is said in a line."""

import gzip

import numpy as np
import pytest
from archives import archive, records

from normtheory.arrays import InputError
from normtheory.images import Images, digest, read_images

RNG = np.random.default_rng(0)


def idx_file(array):
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def idx_folder(path, images=12, labels=12, packed=True):
    for part in ("train", "t10k"):
        files = {
            f"{part}-images-idx3-ubyte": RNG.integers(0, 256, (images, 6, 5), np.uint8),
            f"{part}-labels-idx1-ubyte": np.arange(labels, dtype=np.uint8) % 3,
        }
        for name, array in files.items():
            raw = idx_file(array)
            (path / f"{name}.gz").write_bytes(gzip.compress(raw)) if packed else (path / name).write_bytes(raw)
    return path


def test_the_binary_archive_is_read_as_it_was_written(tmp_path):
    train, test = records(3), records(1, seed=1)
    found = read_images(archive(tmp_path / "cifar.tar.gz", train_bin=train.tobytes(), test_bin=test.tobytes()))
    assert (found.classes, found.train.pixels.shape, found.test.pixels.shape) == (100, (300, 3, 32, 32), (100, 3, 32, 32))
    assert (found.train.labels == train[:, 1]).all()
    assert (found.train.pixels[7, 1, 2, 3] == train[7, 2 + 1024 + 2 * 32 + 3]).all()  # channel, row, column
    (tmp_path / "train.bin").write_bytes(train.tobytes())
    (tmp_path / "test.bin").write_bytes(test.tobytes())
    assert (read_images(tmp_path).test.labels == test[:, 1]).all()


def test_digits_are_split_by_a_fixed_draw():
    pytest.importorskip("sklearn")
    found, again = read_images(), read_images()
    assert np.bincount(found.train.labels).tolist() == [80] * 10
    assert len(found.train.labels) + len(found.test.labels) == 1797
    assert (found.train.pixels == again.train.pixels).all()
    assert (found.train.pixels.max(), found.train.pixels.shape[1:]) == (255, (1, 8, 8))


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_packed_or_not(tmp_path, packed):
    found = read_images(idx_folder(tmp_path, packed=packed))
    assert (found.classes, found.train.pixels.shape) == (3, (12, 1, 6, 5))
    assert found.test.labels.tolist() == [0, 1, 2] * 4


def test_pictures_are_read_by_class(tmp_path):
    image = pytest.importorskip("PIL.Image")
    picture = RNG.integers(0, 256, (4, 6, 3), np.uint8)
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            image.fromarray(picture).save(tmp_path / part / name / "a.png")
    found = read_images(tmp_path)
    assert (found.classes, found.train.labels.tolist()) == (2, [0, 1])
    assert (found.train.pixels[0] == picture.transpose(2, 0, 1)).all()
    image.fromarray(picture[:3]).save(tmp_path / "test" / "dog" / "b.png")
    with pytest.raises(InputError, match=r"b.png is of 6 x 3 pixels, others of 6 x 4; resize"):
        read_images(tmp_path)
    (tmp_path / "test" / "dog" / "b.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"b.png: damaged, or no picture"):
        read_images(tmp_path)


def wrong(name, path):
    """Something that is wrong with images, at a path."""
    good = records().tobytes()
    bad = {
        "missing": lambda: path / "nowhere",
        "text": lambda: text(path / "a.tar.gz"),
        "truncated archive": lambda: cut(archive(path / "a.tar.gz", train_bin=good, test_bin=good)),
        "pickles": lambda: archive(path / "a.tar.gz", train=b"x", test=b"x", meta=b"x"),
        "no test file": lambda: archive(path / "a.tar.gz", train_bin=good),
        "half a record": lambda: archive(path / "a.tar.gz", train_bin=good[:-10], test_bin=good),
        "lacks records": lambda: archive(path / "a.tar.gz", train_bin=good[: -3074 * 5], test_bin=good),
        "CIFAR-10": lambda: archive(path / "a.tar.gz", train_bin=b"\xff" * 3074, test_bin=good),
        "an empty folder": lambda: path,
        "no test pictures": lambda: folders(path),
        "lacks labels": lambda: idx_folder(path, labels=11),
        "another magic": lambda: changed(idx_folder(path, packed=False), lambda raw: b"\0\0\x0d\3" + raw[4:]),
        "truncated idx": lambda: changed(idx_folder(path, packed=False), lambda raw: raw[:-1]),
        "idx without a header": lambda: changed(idx_folder(path, packed=False), lambda raw: raw[:6]),
        "truncated gzip": lambda: cut(idx_folder(path) / "train-images-idx3-ubyte.gz").parent,
    }
    return bad[name]()


def text(path):
    path.write_text("no archive")
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def folders(path):
    (path / "train" / "cat").mkdir(parents=True)
    return path


def changed(path, change):
    file = path / "train-images-idx3-ubyte"
    file.write_bytes(change(file.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "no such file; give cifar-100-binary.tar.gz"),
        ("text", "truncated, or no archive"),
        ("truncated archive", "truncated, or no archive"),
        ("pickles", "the archive of Python objects, which are not loaded; give cifar-100-binary.tar.gz"),
        ("no test file", "no test.bin in it"),
        ("half a record", "614790 bytes are no whole number of records of 3074"),
        ("lacks records", "not of equally many; the file is truncated"),
        ("CIFAR-10", "labels up to 255 and 255"),
        ("an empty folder", "holds neither train.bin, train-images-idx3-ubyte nor a folder train"),
        ("no test pictures", "the folders train and test differ in cat"),
        ("lacks labels", "has 12 images, train-labels-idx1-ubyte 11 labels"),
        ("another magic", "does not begin as an IDX file of bytes with 3 axes"),
        ("truncated idx", "holds 359 bytes for an array of shape (12, 6, 5); it is truncated"),
        ("idx without a header", "does not begin as an IDX file"),
        ("truncated gzip", "truncated or not readable"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path, name, message):
    path = wrong(name, tmp_path)
    with pytest.raises(InputError) as error:
        read_images(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_digests_tell_images_apart(tmp_path):
    first = archive(tmp_path / "a.tar.gz", train_bin=records().tobytes(), test_bin=b"")
    second = archive(tmp_path / "b.tar.gz", train_bin=records(seed=1).tobytes(), test_bin=b"")
    assert len({digest(None), digest(first), digest(second), digest(tmp_path)}) == 4


def test_images_of_another_shape_are_refused():
    with pytest.raises(InputError, match="give bytes"):
        Images(np.zeros((2, 8, 8), np.uint8), np.zeros(2, np.int64))
    with pytest.raises(InputError, match="2 images have 3 labels"):
        Images(np.zeros((2, 1, 8, 8), np.uint8), np.zeros(3, np.int64))
