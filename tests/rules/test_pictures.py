"""A shop's pictures, made fit for phones."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ordering import pictures
from ordering.pictures import COVER, DISH, LOGO, PictureError, Shape, prepare


def _file(folder: Path, width: int, height: int, mode: str = "RGB", name: str = "a.png", **more: object) -> Path:
    path = folder / name
    Image.new(mode, (width, height), "#c0402080" if mode == "RGBA" else "#c04020").save(path, **more)
    return path


def _sizes(files: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    return {name: Image.open(BytesIO(file)).size for name, file in files.items()}


def test_a_dish_is_cut_square_in_the_widths_that_pages_ask_for(tmp_path: Path) -> None:
    made = prepare(_file(tmp_path, 1600, 900), DISH)
    assert made.picture.widths == DISH.widths
    assert set(_sizes(made.files).values()) == {(width, width) for width in DISH.widths}
    assert (made.picture.width, made.picture.height) == (DISH.widths[-1], DISH.widths[-1])


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    made = prepare(_file(tmp_path, 300, 300), DISH)
    assert made.picture.widths == (184, 300)


def test_a_logo_keeps_its_shape_and_its_transparency(tmp_path: Path) -> None:
    made = prepare(_file(tmp_path, 400, 100, "RGBA"), LOGO)
    [file] = made.files.values()
    image = Image.open(BytesIO(file))
    assert (image.size, image.mode) == ((192, 48), "RGBA")


def test_what_a_camera_wrote_is_gone_and_its_turn_is_carried_out(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x8825] = {1: "N", 2: (30.0, 15.0, 0.0)}  # where it was taken
    path = _file(tmp_path, 400, 200, name="a.jpg", exif=exif)
    made = prepare(path, Shape(None, (800,)))
    [file] = made.files.values()
    image = Image.open(BytesIO(file))
    assert image.size == (200, 400)
    assert not image.getexif()


def test_another_file_has_another_name_and_the_same_the_same(tmp_path: Path) -> None:
    one = prepare(_file(tmp_path, 300, 300), DISH).picture.id
    assert prepare(_file(tmp_path, 300, 300, name="b.png"), DISH).picture.id == one
    assert prepare(_file(tmp_path, 300, 301), DISH).picture.id != one
    assert prepare(tmp_path / "b.png", COVER).picture.id != one


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([DISH, COVER, LOGO]))
def test_any_size_becomes_files_of_the_sizes_that_it_says(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, shape: Shape
) -> None:
    made = prepare(_file(tmp_path_factory.mktemp("any"), width, height), shape)
    sizes = _sizes(made.files)
    assert set(sizes) == {f"{made.picture.id}-{each}" for each in made.picture.widths}
    assert sizes[f"{made.picture.id}-{made.picture.width}"] == (made.picture.width, made.picture.height)
    assert list(made.picture.widths) == sorted(set(made.picture.widths))


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    text = tmp_path / "menu.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(_file(tmp_path, 900, 900).read_bytes()[:200])
    for path in (text, cut, tmp_path / "missing.png", tmp_path):
        with pytest.raises(PictureError) as error:
            prepare(path, DISH)
        assert str(path) in str(error.value)


def test_what_is_too_large_is_said_with_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "PIXELS_MOST", 1_000_000)
    with pytest.raises(PictureError, match="1 million pixels"):
        prepare(_file(tmp_path, 1001, 1000), DISH)
    monkeypatch.setattr(pictures, "FILE_LARGEST", 0)
    with pytest.raises(PictureError, match="larger than"):
        prepare(_file(tmp_path, 10, 10), DISH)
