"""Whatever is given: the right thing, or a sentence. Hypothesis invents the cases."""

import io
import json
import tempfile
import tomllib
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.colours import matched_colour
from helpers.fast import pyramid
from helpers.images import (
    DATA,
    KNOWN_OF_EACH,
    _read_manifest,
    load,
    noise,
    read_settings,
    save,
    to_pil,
)
from helpers.losses import content_loss, gram, style_loss
from helpers.recipes import RECIPES, Recipe, _read, paint
from helpers.show import film, heat, show
from helpers.transfer import optimise
from tests.planted.values import as_toml

settings.register_profile("ours", max_examples=40, deadline=None, derandomize=True, database=None)
settings.load_profile("ours")

IMAGE = noise(torch.zeros(1, 3, 20, 24))
ALT = "A picture that a test invented, of any colours."
letters = st.text(st.characters(blacklist_categories=[]), max_size=20)  # half letters as well
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | letters,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3),
    max_leaves=6,
)
anything = json_values | st.just(float("nan")) | st.just(float("inf")) | st.just(())


def has_a_sentence(error):
    """Ten letters or more, on one line, of words."""
    sentence = str(error)
    return len(sentence) > 10 and " " in sentence and "\n" not in sentence


# ---- settings and names of files -----------------------------------------------------------------


@given(st.dictionaries(letters, json_values, max_size=4), st.sampled_from([".png", ".jpg"]))
def test_settings_come_back_as_they_were(chosen, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = save(IMAGE, Path(folder, "a" + ending), chosen)
        assert read_settings(path) == json.loads(json.dumps(chosen))


@given(letters, st.sampled_from([".png", ".jpg", ".JPEG", "", ".tiff"]))
def test_a_file_of_any_name_is_written_whole_or_not_at_all(name, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name.replace("/", "_").replace("\\", "_") + ending)
        try:
            assert load(save(IMAGE, path, {"n": 1}), None).shape == IMAGE.shape
            assert read_settings(path) == {"n": 1}
        except (ValueError, OSError) as error:
            assert has_a_sentence(error)
            assert list(Path(folder).iterdir()) == []


# ---- files of pictures ---------------------------------------------------------------------------


@cache
def file_of(kind):
    buffer = io.BytesIO()
    to_pil(IMAGE).save(buffer, kind)
    return buffer.getvalue()


@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP", "PPM"]), st.data())
@settings(max_examples=150)
def test_a_damaged_file_is_a_picture_or_a_sentence(kind, data):
    content = bytearray(file_of(kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    try:
        image = load(bytes(content[:end]), None)
    except ValueError as error:
        assert str(error).startswith("the given bytes ")
    else:
        assert image.shape[:2] == (1, 3)
        assert min(image.shape[2:]) >= 16
        assert image.dtype == torch.float32
        assert 0 <= image.min() <= image.max() <= 1


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_a_sentence(content):
    with pytest.raises(ValueError, match="^the given bytes "):
        load(content)


# ---- tensors -------------------------------------------------------------------------------------

KINDS_OF_NUMBERS = (
    torch.float32,
    torch.float64,
    torch.bfloat16,
    torch.uint8,
    torch.int64,
    torch.bool,
)
shapes = st.lists(st.sampled_from([0, 1, 2, 3, 5, 17]), max_size=5) | st.just([1, 3, 17, 20])
tensors = st.builds(
    lambda shape, kind: torch.ones(shape).to(kind), shapes, st.sampled_from(KINDS_OF_NUMBERS)
)
TAKE_AN_IMAGE = {
    "to_pil": to_pil,
    "show": lambda x: show(x, alt=ALT),
    "optimise": lambda x: optimise(x, lambda image: image.square().sum(), 1),
    "pyramid": pyramid,
    "matched_colour": lambda x: matched_colour(x, IMAGE),
    "the style of matched_colour": lambda x: matched_colour(IMAGE, x),
}


def is_image(x):
    is_batch_of_one = x.ndim == 4 and tuple(x.shape[:2]) == (1, 3) and x.numel() > 0
    return is_batch_of_one and x.is_floating_point()


@pytest.mark.parametrize("name", TAKE_AN_IMAGE)
@given(x=tensors)
def test_what_takes_an_image_takes_images_alone(name, x):
    try:
        TAKE_AN_IMAGE[name](x)
        assert is_image(x)
    except ValueError as error:
        assert not is_image(x)
        assert "expected a float image" in str(error)


@given(x=tensors)
def test_the_network_takes_float_images_alone(narrow, x):
    try:
        narrow(x, "relu1_1")
        assert x.is_floating_point()
        assert x.ndim == 4
    except ValueError as error:
        assert has_a_sentence(error)


@given(x=tensors, y=tensors)
def test_losses_of_any_two_tensors(x, y):
    for loss in (content_loss, style_loss):
        try:
            assert loss(x, y).ndim == 0
        except ValueError as error:
            assert has_a_sentence(error)


@given(x=tensors)
def test_maps_and_gram_matrices_of_any_tensor(x):
    for function in (gram, heat):
        try:
            function(x)
        except ValueError as error:
            assert has_a_sentence(error)


@given(st.lists(tensors, max_size=3), st.sampled_from(["a.gif", "a.webp", "a.avi", "a"]))
def test_a_film_of_any_tensors(frames, name):
    with tempfile.TemporaryDirectory() as folder:
        try:
            assert film(frames, Path(folder, name)).stat().st_size > 0
        except ValueError as error:
            assert has_a_sentence(error)
            assert list(Path(folder).iterdir()) == []


@given(st.sampled_from(["steps", "lr", "pixels", "method", "size"]), anything)
def test_any_setting_of_a_painting(narrow, word, value):
    run = paint_with if word in ("size",) else optimise_with
    try:
        run(narrow, word, value)
    except ValueError as error:
        assert has_a_sentence(error)


def optimise_with(narrow, word, value):
    fixed = {"steps": 2} | {word: value}
    if isinstance(fixed["steps"], int) and fixed["steps"] > 50:
        fixed["steps"] = 50
    optimise(IMAGE, lambda image: image.square().sum(), **fixed)


def paint_with(narrow, word, value):
    if isinstance(value, int) and value > 64:
        value = 64
    paint("ours", IMAGE, IMAGE, narrow, steps=1, **{word: value})


# ---- tables --------------------------------------------------------------------------------------


@given(st.sampled_from(list(Recipe.__dataclass_fields__)), anything)
@settings(max_examples=250)
def test_a_recipe_is_whole_or_refused(word, value):
    """Any field of any value: either the recipe can be copied, or a sentence names it."""
    fields = {"name": "mine", "source": "a test", word: value}
    try:
        made = Recipe(**fields)
        assert made == Recipe(**{name: getattr(made, name) for name in fields})
        assert all(isinstance(text, str) for text in (made.name, made.source, made.choices))
    except ValueError as error:
        assert str(error).startswith(f"{value}: " if word == "name" else "mine: ")


@given(
    st.sampled_from(sorted(RECIPES)), st.sampled_from(list(Recipe.__dataclass_fields__)), anything
)
def test_a_table_of_recipes_is_read_or_refused(name, word, value):
    table = {name: {"source": "a test", word: value}}
    assert_read_or_refused(_read, table, name)


@given(st.sampled_from(KNOWN_OF_EACH), anything | st.none(), st.sampled_from(["china", "mosaic"]))
def test_a_table_of_pictures_is_read_or_refused(word, value, name):
    table = tomllib.loads((DATA / "images.toml").read_text(encoding="utf-8"))
    entry = {key: content for key, content in table[name].items() if key != word}
    if value is not None:
        entry[word] = value
    assert_read_or_refused(_read_manifest, {name: entry}, name)


def assert_read_or_refused(read, table, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.toml")
        try:
            path.write_text(as_toml(table), encoding="utf-8")
        except (TypeError, ValueError, KeyError):  # TOML has no word for such a value
            return
        try:
            assert name in read(path)
        except ValueError as error:
            assert "table.toml" in str(error) or str(error).startswith(f"{name}: ")
