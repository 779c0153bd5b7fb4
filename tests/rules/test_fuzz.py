"""Whatever is sent or written ends in a value or in a refusal that says why: never in a fault of ours.

Longer, with other seeds: `make fuzz MINUTES=60`.
"""

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from arbitrary import JSON, MANY, arbitrary, types_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from ordering import commands, options
from ordering.commands import Command, fingerprint
from ordering.handlers.door import command_from
from ordering.options import Options, OptionsError
from ordering.pictures import COVER, DISH, LOGO, PictureError, Prepared, prepare
from ordering.refused import Refused
from ordering.restaurant import DEMO, Restaurant, RestaurantError, read

UNIONS = (commands.Diner, commands.Kitchen, commands.Floor, commands.Manage)
FIELDS = sorted({field for union in UNIONS for each in get_args(union) for field in each.__struct_encode_fields__})
TAGS = sorted({each.__struct_config__.tag for union in UNIONS for each in get_args(union)})
NAMES = st.sampled_from([*FIELDS, "do", "modifiers:size", "", "_xsrf"]) | st.text(max_size=8)

# ---- commands


def decoded(sent: dict[str, Any], union: Any, form: bool) -> None:
    """The command is one of ours, whole and to be remembered; or it is refused as malformed."""
    try:
        command = command_from(sent, union, form)
    except Refused as refused:
        assert (refused.word, bool(refused.details["why"])) == ("malformed", True)
        return
    assert isinstance(command, get_args(union))
    assert isinstance(command, Command)
    assert fingerprint(command)


@MANY
@given(st.sampled_from(UNIONS), st.dictionaries(NAMES, JSON), st.sampled_from(TAGS) | JSON)
def test_any_json_is_a_command_or_malformed(union: Any, sent: dict[str, Any], do: Any) -> None:
    decoded({**sent, "do": do}, union, form=False)
    decoded(sent, union, form=False)


@MANY
@given(
    st.sampled_from(UNIONS),
    st.dictionaries(NAMES, st.text() | st.lists(st.text(), min_size=1, max_size=4)),
    st.sampled_from(TAGS) | st.text() | st.lists(st.text(), min_size=1),
)
def test_any_form_is_a_command_or_malformed(union: Any, sent: dict[str, Any], do: Any) -> None:
    decoded({**sent, "do": do}, union, form=True)
    decoded(sent, union, form=True)


KNOWN = {"table": ["t1", "t2"], "line": ["l1"], "item": ["dongpo-pork"], "seen": [0, 7], "back": ["queued"]}


@MANY
@given(st.sampled_from(UNIONS), st.randoms(), st.data())
def test_a_command_with_one_wrong_field_is_a_command_or_malformed(union: Any, rng: Any, data: Any) -> None:
    types = types_of(union)
    right = arbitrary(types[rng.choice(sorted(types))], rng, KNOWN)
    sent = msgspec.json.decode(msgspec.json.encode(right), type=dict[str, Any])
    assert command_from(sent, union, form=False) == right
    wrong = {**sent, rng.choice(sorted(sent)): data.draw(JSON)}
    decoded(wrong, union, form=False)
    as_form = {name: list(map(str, value)) if isinstance(value, list) else str(value) for name, value in wrong.items()}
    decoded({name: value for name, value in as_form.items() if value}, union, form=True)


# ---- files


TEXT = DEMO.read_text("utf-8")
LINES = TEXT.splitlines(keepends=True)
GARBAGE = (
    "nan", "inf", "-inf", "1e999999", "-1e-999999", "9" * 5000, "1" + "0" * 300, "[" * 3000, "{", '"', "''", "true",
    "[]", "{}", "[[1]]", "{ en = 1 }", '{ en = "" }', '"\\u0000"', '"a\\n"', "1979-05-27", "07:32:00", "0.001", "-1",
    "\x00", "\ud800", "[[items]]\n", "[shop]\n", "= 3\n", '"../../etc/passwd"', "0x7fffffffffffffffffff",
)  # fmt: skip


@st.composite
def restaurants(draw: Callable[..., Any]) -> bytes:
    """The demo's file, hurt in a few places."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "value", "insert", "swap", "double"])):
            case "drop":
                del lines[at]
            case "value":
                key, equals, _ = lines[at].partition("=")
                lines[at] = f"{key}{equals} {draw(st.sampled_from(GARBAGE))}\n" if equals else lines[at]
            case "insert":
                lines.insert(at, draw(st.sampled_from(GARBAGE) | st.text(max_size=40)))
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "double":
                lines.insert(at, lines[draw(st.integers(0, len(lines) - 1))])
    written = "".join(lines).encode("utf-8", "surrogatepass")
    return spoilt(draw, written) if draw(st.booleans()) else written


def spoilt(draw: Callable[..., Any], content: bytes) -> bytes:
    """The bytes with some of them others, or missing."""
    content = content[: draw(st.integers(0, len(content)))] if draw(st.integers(0, 3)) == 0 else content
    changed = bytearray(content)
    for at in draw(st.lists(st.integers(0, max(0, len(content) - 1)), max_size=6)) if content else ():
        changed[at : at + 1] = draw(st.binary(max_size=4))
    return bytes(changed)


@MANY
@given(restaurants() | st.binary(max_size=200))
def test_any_restaurant_file_is_a_restaurant_or_says_what_is_wrong(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "restaurant.toml"
        path.write_bytes(content)
        try:
            made = read(path)
        except RestaurantError as error:
            said = str(error)
            assert said.startswith(str(path))
            assert len(said) > len(str(path)) + 8, "it says no more than which file"
            return
    assert isinstance(made, Restaurant)
    assert msgspec.json.decode(msgspec.json.encode(made.menu), type=type(made.menu)).shop == made.menu.shop


VALUES = st.sampled_from(
    ["", "0", "1", "-1", "8000", "65536", "1e9", "nan", "inf", "true", "redis://", "redis://h:p", "redis+cluster://",
     "redis+cluster://a,b:x", "unix://", "unix:///x?db=y", "redis://[::1", "rediss://u:p@h:1/2?db=z", "https://x/y",
     "http://", "%", "é", "None", "9" * 5000, "1:9", "1,2"]
)  # fmt: skip
OPTION = st.sampled_from([option.name for option in options.TABLE] + ["config", "logging", "nothing", ""])
PASSWORDS = st.dictionaries(st.sampled_from([options.MANAGER_PASSWORD, options.STORE_PASSWORD]), st.text(max_size=8))


def chosen(arguments: list[str], environment: dict[str, str]) -> None:
    """Options, or an error that says which is wrong."""
    try:
        assert isinstance(options.read(["run.py", *arguments], environment), Options)
    except OptionsError as error:
        assert str(error)


@MANY
@given(
    st.lists(
        st.builds("--{}={}".format, OPTION, VALUES | st.text("ab0.:/@,=", max_size=12))
        | st.text(max_size=12).filter(lambda text: "help" not in text and text.strip("-")),
        max_size=4,
    ),
    PASSWORDS,
)
def test_any_command_line_is_options_or_says_what_is_wrong(arguments: list[str], environment: dict[str, str]) -> None:
    chosen(arguments, environment)


LITERALS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.binary(max_size=9))


@MANY
@given(
    st.lists(st.builds("{} = {!r}".format, OPTION, LITERALS | VALUES | st.lists(LITERALS, max_size=2)), max_size=4)
    .map("\n".join)
    .map(str.encode)
    | st.binary(max_size=60)
)
def test_any_file_of_options_is_options_or_says_what_is_wrong(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "options.py"
        path.write_bytes(content.replace(b"\r", b""))
        chosen([f"--config={path}"], {})


def _picture(kind: str, mode: str, width: int, height: int, **more: Any) -> bytes:
    written = BytesIO()
    Image.new(mode, (width, height), 0 if mode in "LP1" else "#c04020").save(written, kind, **more)
    return written.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


PICTURES = [
    _picture("PNG", "RGB", 40, 30),
    _picture("PNG", "P", 40, 30, transparency=0),
    _picture("PNG", "RGBA", 9, 300),
    _picture("PNG", "1", 3, 2),
    _picture("JPEG", "RGB", 40, 30, exif=_exif()),
    _picture("JPEG", "L", 40, 30, progressive=True),
    _picture("WEBP", "RGBA", 40, 30),
    _picture("WEBP", "RGB", 40, 30, exif=_exif()),
    _picture("GIF", "P", 40, 30),
    _picture("TIFF", "RGB", 8, 8),
    _picture("BMP", "RGB", 8, 8),
    _picture("PNG", "L", 1, 20_000),
    _picture("PNG", "L", 20_000, 1),
]


@st.composite
def pictures(draw: Callable[..., Any]) -> bytes:
    """A picture, hurt in a few places."""
    return spoilt(draw, draw(st.sampled_from(PICTURES)))


@MANY
@given(pictures(), st.sampled_from([DISH, COVER, LOGO]))
def test_any_picture_is_prepared_or_says_what_is_wrong(content: bytes, shape: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dish.png"
        path.write_bytes(content)
        try:
            assert isinstance(prepare(path, shape), Prepared)
        except PictureError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize("side", [8_000, 30_000, 2**31 - 1])
def test_a_picture_that_would_unpack_to_gigabytes_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    small = bytearray(_picture("PNG", "L", 10, 10))
    small[16:24] = side.to_bytes(4) * 2
    small[29:33] = _crc(bytes(small[12:29]))
    path = tmp_path / "bomb.png"
    path.write_bytes(small)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(PictureError, match=r"million pixels|bomb|exceeds"):
        prepare(path, DISH)


def _crc(chunk: bytes) -> bytes:
    import zlib

    return zlib.crc32(chunk).to_bytes(4)
