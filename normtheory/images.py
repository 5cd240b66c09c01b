"""Images with labels, read from what there is: scikit-learn's digits, CIFAR-100's binary archive, IDX files, folders.

Nothing is unpickled, downloaded or unpacked to disk. Pixels are bytes, (images, channels, height, width).
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from normtheory.arrays import InputError

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]

CIFAR_CLASSES, CIFAR_COARSE, CIFAR_SHAPE = 100, 20, (3, 32, 32)
CIFAR_FILES = ("train.bin", "test.bin")
CIFAR_PAGE = "cifar-100-binary.tar.gz of www.cs.toronto.edu/~kriz/cifar.html"
IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
DIGITS_TRAINING = 80  # of each digit; the others, about a hundred, are for tests
UNREADABLE = (OSError, EOFError, zlib.error, tarfile.TarError, ValueError)


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size with the number of their class.

    Attributes
    ----------
    pixels : array of uint8, shape (images, channels, height, width)
    labels : array of int64, shape (images,)
    """

    pixels: Bytes
    labels: Labels

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        if self.pixels.ndim != 4 or not len(self.pixels) or self.pixels.dtype != np.uint8:
            raise InputError(f"images are {self.pixels.dtype} of shape {self.pixels.shape}; give bytes (N, C, H, W)")
        if self.labels.shape != self.pixels.shape[:1]:
            raise InputError(f"{len(self.pixels)} images have {len(self.labels)} labels; give one for each")


class Split(NamedTuple):
    """Images to train on and to test on, and how many classes they have."""

    train: Images
    test: Images
    classes: int


def read_images(path: str | Path | None = None) -> Split:
    """The images at a path: an archive or folder of CIFAR-100's binary version, IDX files, or pictures; none: the digits.

    Parameters
    ----------
    path : path, optional
        `cifar-100-binary.tar.gz` or its folder, with train.bin and test.bin; a folder with `train-images-idx3-ubyte` and its
        siblings, also with .gz; or a folder with train/CLASS/*.png and test/CLASS/*.png (or .jpg), all of one size.

    Raises
    ------
    InputError
        If there is nothing of the kind, or it is truncated, damaged or of other shapes.
    """
    if path is None:
        return digits()
    path = Path(path)
    if path.is_dir():
        if any((path / name).exists() for name in CIFAR_FILES):
            return cifar100(path)
        if any(path.glob("*idx3-ubyte*")):
            return idx(path)
        if (path / "train").is_dir():
            return pictures(path)
        raise InputError(f"{path} holds neither train.bin, train-images-idx3-ubyte nor a folder train; give one that does")
    if not path.exists():
        raise InputError(f"{path}: no such file; give {CIFAR_PAGE}, a folder of IDX files or one of pictures")
    return cifar100(path)


def digest(path: str | Path | None) -> str:
    """What tells the images at a path from others: a hash of their bytes, or for a folder of its files' names and sizes."""
    if path is None:
        return "digits"
    path, found = Path(path), hashlib.sha256()
    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
    for each in sorted(path.rglob("*")):
        if each.is_file():
            found.update(f"{each.relative_to(path)} {each.stat().st_size}\n".encode())
    return found.hexdigest()[:16]


def digits() -> Split:
    """The 1797 handwritten digits of 8 x 8 pixels that come with scikit-learn; a fixed draw of 80 of each is to train on.

    Raises
    ------
    InputError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError("the digits come with scikit-learn; pip install 'normtheory[data]'") from error
    found = load_digits()
    pixels = np.rint(found.images * (255 / 16)).astype(np.uint8)[:, None]
    labels = found.target.astype(np.int64)
    order = np.random.default_rng(np.random.SeedSequence(0)).permutation(len(labels))
    chosen = np.concatenate([order[labels[order] == label][:DIGITS_TRAINING] for label in range(10)])
    taken = np.isin(order, chosen)
    chosen, rest = order[taken], order[~taken]
    return Split(Images(pixels[chosen], labels[chosen]), Images(pixels[rest], labels[rest]), 10)


def cifar100(path: str | Path) -> Split:
    """CIFAR-100 from its official binary archive, or the folder that it unpacks to.

    Raises
    ------
    InputError
        If it is the archive of pickles, or truncated, damaged or none.
    """
    path = Path(path)
    raw = {name: _file(path / name) for name in CIFAR_FILES} if path.is_dir() else _members(path)
    train, test = (_records(raw[name], f"{name} of {path}") for name in CIFAR_FILES)
    return Split(train, test, CIFAR_CLASSES)


def _members(path: Path) -> dict[str, bytes]:
    """The two files of the archive."""
    try:
        with tarfile.open(path) as archive:
            names = archive.getnames()
            found = {}
            for name in CIFAR_FILES:
                inside = [each for each in names if Path(each).name == name]
                member = archive.extractfile(inside[0]) if inside else None
                if member is None:
                    pickled = "the archive of Python objects, which are not loaded" if _pickled(names) else f"no {name} in it"
                    raise InputError(f"{path}: {pickled}; give {CIFAR_PAGE}")
                found[name] = member.read()
            return found
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(f"{path}: truncated, or no archive; download {CIFAR_PAGE} again") from error


def _pickled(names: list[str]) -> bool:
    return any(Path(each).name in ("train", "meta") for each in names)


def _records(raw: bytes, name: str) -> Images:
    """Records of a coarse label, a fine label and the pixels; the official files hold equally many images of each class."""
    size = 2 + int(np.prod(CIFAR_SHAPE))
    if not raw or len(raw) % size:
        raise InputError(
            f"{name}: {len(raw)} bytes are no whole number of records of {size}; the file is truncated, or another"
        )
    records = np.frombuffer(raw, np.uint8).reshape(-1, size)
    coarse, fine = records[:, 0], records[:, 1].astype(np.int64)
    if coarse.max() >= CIFAR_COARSE or fine.max() >= CIFAR_CLASSES:
        raise InputError(
            f"{name}: labels up to {coarse.max()} and {fine.max()}; CIFAR-100's binary version has 20 and 100 classes"
        )
    counts = np.bincount(fine, minlength=CIFAR_CLASSES)
    if counts.min() != counts.max():
        raise InputError(
            f"{name}: classes of {counts.min()} to {counts.max()} images, not of equally many; the file is truncated"
        )
    return Images(records[:, 2:].reshape(-1, *CIFAR_SHAPE), fine)


def idx(path: str | Path) -> Split:
    """Images and labels in IDX files, as of MNIST and its kin, packed by gzip or not.

    Raises
    ------
    InputError
        If a file is missing, truncated or of another kind.
    """
    parts = []
    for images, labels in IDX_FILES.values():
        pixels, numbers = _idx_file(Path(path), images, 3), _idx_file(Path(path), labels, 1)
        if len(pixels) != len(numbers):
            raise InputError(
                f"{path}: {images} has {len(pixels)} images, {labels} {len(numbers)} labels; give files of one set"
            )
        parts.append(Images(pixels[:, None], numbers.astype(np.int64)))
    return Split(parts[0], parts[1], int(max(part.labels.max() for part in parts)) + 1)


def _idx_file(path: Path, name: str, axes: int) -> Bytes:
    """An array of bytes: a magic number, the length of each axis, and the entries."""
    file = next((each for each in (path / name, path / f"{name}.gz") if each.exists()), path / name)
    raw, start = _file(file), 4 + 4 * axes
    if raw[:4] != bytes((0, 0, 8, axes)) or len(raw) < start:
        raise InputError(f"{file} does not begin as an IDX file of bytes with {axes} axes; give the file of that name")
    shape = tuple(int(length) for length in np.frombuffer(raw[4:start], ">u4"))
    if len(raw) - start != int(np.prod(shape)):
        raise InputError(f"{file} holds {len(raw) - start} bytes for an array of shape {shape}; it is truncated, get it again")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def _file(path: Path) -> bytes:
    """The bytes of a file, unpacked."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give a folder that holds it") from None
    except UNREADABLE as error:
        raise InputError(f"{path}: truncated or not readable; get it again") from error


def pictures(path: str | Path) -> Split:
    """Pictures in folders train/CLASS and test/CLASS, as colours, all of one size.

    Raises
    ------
    InputError
        If a folder is missing or empty, its classes differ, or a picture is damaged or of another size.
    """
    path = Path(path)
    folders = {part: path / part for part in ("train", "test")}
    names = {part: sorted(each.name for each in folder.glob("*") if each.is_dir()) for part, folder in folders.items()}
    if not names["train"] or names["train"] != names["test"]:
        differ = sorted(set(names["train"]) ^ set(names["test"]))
        what = f"differ in {differ[0]}" if differ else "are empty"
        raise InputError(f"{path}: the folders train and test {what}; give both a folder for each class")
    shape: list[tuple[int, ...]] = []
    train, test = (_pictures(folders[part], names[part], shape) for part in ("train", "test"))
    return Split(train, test, len(names["train"]))


def _pictures(folder: Path, classes: list[str], shape: list[tuple[int, ...]]) -> Images:
    pixels, labels = [], []
    for label, name in enumerate(classes):
        files = sorted(each for each in (folder / name).iterdir() if each.suffix.lower() in PICTURES)
        if not files:
            raise InputError(f"{folder / name} holds no pictures; give {', '.join(PICTURES)}")
        for file in files:
            found = _picture(file)
            shape.append(found.shape)
            if found.shape != shape[0]:
                size, first = (f"{each[2]} x {each[1]}" for each in (found.shape, shape[0]))
                raise InputError(f"{file} is of {size} pixels, others of {first}; resize all to one size")
            pixels.append(found)
            labels.append(label)
    return Images(np.stack(pixels), np.array(labels, np.int64))


def _picture(file: Path) -> Bytes:
    image = _pillow()
    try:
        with image.open(file) as opened:
            return np.ascontiguousarray(np.asarray(opened.convert("RGB"), np.uint8).transpose(2, 0, 1))
    except (*UNREADABLE, SyntaxError) as error:
        raise InputError(f"{file}: damaged, or no picture; remove it") from error


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError("pictures are read by Pillow; pip install 'normtheory[data]'") from error
    return Image
