"""A shop's pictures, made fit for phones: re-encoded as WebP in a few widths, without what a camera wrote into them."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ordering.menu import Picture

if TYPE_CHECKING:  # only an empty shop needs it, and a start should not wait for it
    from PIL import Image

FILE_LARGEST = 20 * 1024 * 1024  # bytes
PIXELS_MOST = 50_000_000  # of the original: a decoded pixel takes 4 bytes
QUALITY = 78


class PictureError(Exception):
    """A picture can't be used; the text says which and why."""


class Shape(NamedTuple):
    """How a kind of picture is cut: height for a width of one (None: as it is), and the widths that pages ask for."""

    ratio: float | None
    widths: tuple[int, ...]


DISH = Shape(1, (184, 368, 736))  # a card's 92 px on dense screens, a sheet's whole width
COVER = Shape(0.4, (480, 960, 1600))
LOGO = Shape(None, (192,))


class Prepared(NamedTuple):
    """The picture as a value, and its files by name."""

    picture: Picture
    files: dict[str, bytes]


def prepare(path: Path, shape: Shape) -> Prepared:
    """The picture in this file, cut from its middle.

    Raises:
        PictureError
    """
    try:
        if path.stat().st_size > FILE_LARGEST:
            raise PictureError(f"{path} is larger than {FILE_LARGEST // 1024**2} MB")
        return _prepared(path, path.read_bytes(), shape)
    except PictureError:
        raise
    except OSError as error:
        from PIL import UnidentifiedImageError

        why = "is no picture that can be read" if isinstance(error, UnidentifiedImageError) else error.strerror or error
        raise PictureError(f"{path}: {why}") from error
    except Exception as error:  # Pillow's decoders fail in every way that there is
        raise PictureError(f"{path}: {str(error) or type(error).__name__}") from error


def _prepared(path: Path, original: bytes, shape: Shape) -> Prepared:
    from PIL import Image, ImageOps

    with Image.open(BytesIO(original)) as opened:
        if opened.width * opened.height > PIXELS_MOST:
            raise PictureError(f"{path} has more than {PIXELS_MOST // 1_000_000} million pixels")
        image = ImageOps.exif_transpose(opened).convert("RGBA" if _transparent(opened) else "RGB")
    if shape.ratio:
        width = min(image.width, round(image.height / shape.ratio))
        image = ImageOps.fit(image, (width, max(1, round(width * shape.ratio))))
    widths = tuple(dict.fromkeys(min(width, image.width) for width in shape.widths))
    name = hashlib.sha256(original + repr((shape, QUALITY)).encode()).hexdigest()[:16]
    files = {f"{name}-{width}": _encoded(image, width) for width in widths}
    height = max(1, round(image.height * widths[-1] / image.width))
    return Prepared(Picture(name, widths[-1], height, widths), files)


def _encoded(image: "Image.Image", width: int) -> bytes:
    from PIL import Image

    smaller = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    written = BytesIO()
    smaller.save(written, "WEBP", quality=QUALITY)
    return written.getvalue()


def _transparent(image: "Image.Image") -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
