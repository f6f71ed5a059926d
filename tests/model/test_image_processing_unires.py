# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Our own tests of the image processors: pictures and masks of every kind, and bad input."""

import base64
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.image_processing_backends import PilBackend
from transformers.utils import is_torchvision_available

from unires_hf import UniResImageProcessor, UniResImageProcessorPil
from unires_hf.model.image_input_unires import UniResImageInputs

BACKENDS = [UniResImageProcessorPil, *([UniResImageProcessor] if is_torchvision_available() else [])]
MEAN, STD = (
    np.array(numbers)[:, None, None]
    for numbers in (UniResImageProcessorPil.image_mean, UniResImageProcessorPil.image_std)
)


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.__name__)
def backend(request):
    return request.param


@pytest.fixture
def processor(backend):
    return backend(size={"height": 64, "width": 64})


def pixels(processor, image, **kwargs) -> np.ndarray:
    """Colors in 0-255 (3, H, W) of the one picture, normalization undone."""
    values = processor(image, return_tensors="pt", **kwargs)["pixel_values"]
    assert values.dtype == torch.float32
    return (values[0].numpy() * STD + MEAN) * 255


def test_letterbox_is_at_the_top_left_and_padded_with_zero(processor, scene):
    values = processor(scene, return_tensors="pt")["pixel_values"][0]
    assert values.shape == (3, 64, 64)
    assert (values[:, 48:] == 0).all()
    expected = np.asarray(scene.resize((64, 48), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    np.testing.assert_allclose((values[:, :48].numpy() * STD + MEAN) * 255, expected, atol=1.01)


def test_tall_pictures_are_padded_on_the_right(processor, scene):
    values = processor(scene.rotate(90, expand=True), return_tensors="pt")["pixel_values"][0]
    assert (values[:, :, 48:] == 0).all()
    assert (values[:, :, :48] != 0).any()


def test_squash_fills_the_input(backend, scene):
    processor = backend(size={"height": 32, "width": 64}, resize_mode="squash")
    expected = np.asarray(scene.resize((64, 32), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    np.testing.assert_allclose(pixels(processor, scene), expected, atol=1.01)


def test_defaults(backend, scene):
    encoding = backend()(scene, [np.ones((480, 640), dtype=bool)], return_tensors="pt")
    assert encoding["pixel_values"].shape == (1, 3, 448, 448)
    assert encoding["labels"].shape == (1, 112, 112)
    assert encoding["labels"].dtype == torch.float32
    assert encoding["original_sizes"].tolist() == [[480, 640]]


def test_settings_survive_saving(backend, tmp_path):
    backend(
        size={"height": 64, "width": 32}, mask_size={"height": 8, "width": 4}, resize_mode="squash"
    ).save_pretrained(tmp_path)
    loaded = backend.from_pretrained(tmp_path)
    assert (loaded.resize_mode, loaded.size, loaded.mask_size) == (
        "squash",
        {"height": 64, "width": 32},
        {"height": 8, "width": 4},
    )


def flat(mode: str, color) -> Image.Image:
    return Image.new(mode, (60, 60), color)


def palette_with_transparency() -> Image.Image:
    image = flat("P", 1)
    image.putpalette([0, 0, 0, 90, 140, 200])
    image.info["transparency"] = 1
    return image


@pytest.mark.parametrize(
    ("image", "color"),
    [
        (flat("RGB", (90, 140, 200)), (90, 140, 200)),
        (flat("L", 90), (90, 90, 90)),
        (flat("1", 1), (255, 255, 255)),
        (flat("LA", (90, 255)), (90, 90, 90)),
        (flat("LA", (90, 0)), (255, 255, 255)),
        (flat("RGBA", (90, 140, 200, 255)), (90, 140, 200)),
        (flat("RGBA", (0, 0, 0, 51)), (204, 204, 204)),
        (flat("P", 0).convert("RGB").quantize(), (0, 0, 0)),
        (palette_with_transparency(), (255, 255, 255)),
        (flat("CMYK", (255, 0, 0, 0)), (0, 255, 255)),
        (flat("YCbCr", (90, 128, 128)), (90, 90, 90)),
        (flat("I;16", 65535), (255, 255, 255)),
        (flat("I;16", 90 * 257), (90, 90, 90)),
        (flat("I;16B", 90 * 257), (90, 90, 90)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else str(value),
)
def test_modes_of_pillow(processor, image, color):
    expected = np.broadcast_to(np.array(color)[:, None, None], (3, 64, 64))
    np.testing.assert_allclose(pixels(processor, image), expected, atol=1.01)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_modes_without_a_white_level_are_refused(processor, mode):
    with pytest.raises(ValueError, match=rf"images\[0\].*mode '{mode}'.*convert it to 'L' or 'RGB'"):
        processor(flat(mode, 1))


def test_arrays_of_every_layout_and_type_are_the_same_picture(processor, scene):
    array = np.asarray(scene)
    expected = pixels(processor, scene)
    for image in (
        array,
        array.transpose(2, 0, 1),
        torch.from_numpy(array.copy()).permute(2, 0, 1),
        torch.from_numpy(array.copy()),
        array.astype(np.int64),
        array.astype(np.uint16) * 257,
        array.astype(np.float32) / 255,
        torch.from_numpy(array.copy()) / 255,
        (torch.from_numpy(array.copy()).double() / 255),
        array[::-1, ::-1][::-1, ::-1],
    ):
        np.testing.assert_allclose(pixels(processor, image), expected, atol=1e-3)


def test_gray_arrays(processor, scene):
    gray = np.asarray(scene.convert("L"))
    expected = pixels(processor, scene.convert("L"))
    for image in (gray, gray[None], gray[..., None], torch.from_numpy(gray.copy())):
        np.testing.assert_allclose(pixels(processor, image), expected, atol=1e-3)
    np.testing.assert_allclose(pixels(processor, gray > 99), pixels(processor, Image.fromarray(gray > 99)), atol=1e-3)


def test_float_pictures_that_are_not_to_be_rescaled_stay_as_they_are(processor):
    image = np.full((64, 64, 3), 0.25, dtype=np.float32)
    values = processor(image, do_rescale=False, return_tensors="pt")["pixel_values"][0]
    np.testing.assert_allclose(values.numpy() * STD + MEAN, np.full((3, 64, 64), 0.25), atol=3e-3)


@pytest.mark.parametrize("shape", [(1, 4000, 3), (4000, 1, 3), (3, 50, 3), (4, 60, 3)])
def test_numpy_arrays_are_channels_last_where_the_shape_leaves_it_open(processor, shape):
    encoding = processor(np.zeros(shape, dtype=np.uint8), return_tensors="pt")
    assert encoding["original_sizes"].tolist() == [list(shape[:2])]
    assert encoding["pixel_values"].shape == (1, 3, 64, 64)


def test_layout_can_be_said(processor):
    encoding = processor(np.zeros((3, 50, 3), np.uint8), input_data_format="channels_first", return_tensors="pt")
    assert encoding["original_sizes"].tolist() == [[50, 3]]


@pytest.mark.parametrize("mode", ["letterbox", "squash"])
def test_a_line_of_pixels(backend, mode):
    mask = np.ones((1, 4000), dtype=bool)
    encoding = backend(resize_mode=mode)(Image.new("RGB", (4000, 1)), mask, return_tensors="pt")
    assert encoding["original_sizes"].tolist() == [[1, 4000]]
    assert (encoding["labels"][0, 0] > 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(processor, scene, tmp_path, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # transpositions that EXIF's orientations take back
    stored = scene if orientation == 1 else scene.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    upright = pixels(processor, scene)
    for image in (tmp_path / "turned.png", str(tmp_path / "turned.png"), Image.open(tmp_path / "turned.png")):
        np.testing.assert_allclose(pixels(processor, image), upright, atol=1e-3)
        assert processor(image, return_tensors="pt")["original_sizes"].tolist() == [[480, 640]]


def test_masks_belong_to_the_upright_picture(processor, scene, disk_mask, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    scene.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=exif)
    turned = processor(tmp_path / "turned.jpg", disk_mask, return_tensors="pt")["labels"]
    assert torch.equal(turned, processor(scene, disk_mask, return_tensors="pt")["labels"])
    with pytest.raises(ValueError, match=r"mask 0 of images\[0\]: .*\(640, 480\).*480 high and 640 wide"):
        processor(tmp_path / "turned.jpg", disk_mask.T)


def test_a_mask_can_be_of_any_type(processor, scene, disk_mask):
    expected = processor(scene, disk_mask, return_tensors="pt")["labels"]
    assert 0.1 < expected.mean() < 0.2
    for mask in (
        disk_mask.astype(np.uint8),
        disk_mask.astype(np.uint8) * 255,
        disk_mask.astype(np.float32),
        torch.from_numpy(disk_mask),
        Image.fromarray(disk_mask),
        Image.fromarray(disk_mask.astype(np.uint8) * 255),
        [disk_mask],
        [[disk_mask]],
        disk_mask[None],
    ):
        assert torch.equal(processor(scene, mask, return_tensors="pt")["labels"], expected)


def test_masks_are_one_a_picture_or_one_list_a_picture(processor, scene, disk_mask):
    small, small_mask = scene.resize((32, 24)), np.zeros((24, 32), dtype=bool)
    one_list = processor(scene, [disk_mask, ~disk_mask], return_tensors="pt")["labels"]
    assert one_list.shape == (2, 16, 16)
    flat = processor([scene, small], [disk_mask, small_mask], return_tensors="pt")["labels"]
    assert torch.equal(flat[0], one_list[0])
    assert not flat[1].any()
    nested = processor([small, scene], [[], [disk_mask, ~disk_mask]], return_tensors="pt")["labels"]
    assert torch.equal(nested, one_list)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((480, 639), dtype=bool), "480 high and 640 wide"),
        (np.full((480, 640), 7), r"this one holds \[7\]"),
        (np.full((480, 640), 1.5), r"float mask must lie in \[0, 1\]"),
        (np.full((480, 640), np.nan), r"float mask must lie in \[0, 1\]"),
        ([np.ones((480, 640)), [np.ones((480, 640))]], "2 masks or lists of them for 1 images"),
    ],
)
def test_bad_masks(processor, scene, mask, message):
    with pytest.raises(ValueError, match=message):
        processor(scene, mask)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((0, 5, 3), np.uint8), "shape \\(0, 5, 3\\) has no pixels"),
        (Image.new("RGB", (0, 5)), "0x5 and has no pixels"),
        (np.full((5, 5, 3), np.nan), "NaN or infinite"),
        (torch.full((3, 5, 5), float("inf")), "NaN or infinite"),
        (np.full((5, 5, 3), 1.5), r"float64 pixels must lie in \[0, 1\].*\[1.5, 1.5\]"),
        (np.full((5, 5, 3), -1), r"int64 pixels must lie in \[0, 255\]"),
        (np.zeros((5, 5, 2), np.uint8), r"\(5, 5, 2\) is no picture"),
        (np.zeros(5, np.uint8), r"\(5,\) is no picture"),
        ("no/such/picture.jpg", "could not open the picture 'no/such/picture.jpg'"),
        (7, r"images\[1\]: a int is no picture"),
        (None, r"images\[1\]: a NoneType is no picture"),
    ],
)
def test_bad_pictures(processor, scene, image, message):
    with pytest.raises(ValueError, match=message):
        processor([scene, image])


def test_nan_is_refused_without_rescaling_too(processor):
    with pytest.raises(ValueError, match="NaN or infinite"):
        processor(np.full((5, 5, 3), np.nan), do_rescale=False)


def test_no_pictures(processor):
    with pytest.raises(ValueError, match="`images` is empty"):
        processor([])


def test_bad_settings(backend, processor, scene):
    with pytest.raises(ValueError, match="resize_mode.*'stretch'"):
        backend(resize_mode="stretch")
    with pytest.raises(Exception, match="resize_mode"):
        processor(scene, resize_mode="stretch")
    with pytest.raises(ValueError, match="'height' and 'width'"):
        backend(size={"shortest_edge": 448})


def test_a_file_that_is_no_picture(processor, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a picture")
    with pytest.raises(ValueError, match="notes.txt.*cannot identify"):
        processor(path)
    picture = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 50).save(picture)
    picture.write_bytes(picture.read_bytes()[:2000])
    with pytest.raises(ValueError, match="cut.png"):
        processor(picture)


@pytest.fixture
def server(tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pictures_by_url(processor, scene, server, tmp_path):
    scene.save(tmp_path / "scene.png")
    expected = pixels(processor, scene)
    np.testing.assert_allclose(pixels(processor, f"{server}/scene.png"), expected, atol=1e-3)
    data = base64.b64encode((tmp_path / "scene.png").read_bytes()).decode()
    np.testing.assert_allclose(pixels(processor, f"data:image/png;base64,{data}"), expected, atol=1e-3)
    with pytest.raises(ValueError, match="missing.png.*404"):
        processor(f"{server}/missing.png")


def test_a_batch_of_pictures_of_many_sizes(processor, scene):
    images = [scene, scene.resize((50, 70)), np.asarray(scene.resize((200, 20)))]
    batch = processor(images, return_tensors="pt")
    assert batch["original_sizes"].tolist() == [[480, 640], [70, 50], [20, 200]]
    for values, image in zip(batch["pixel_values"], images, strict=True):
        assert torch.equal(values, processor(image, return_tensors="pt")["pixel_values"][0])
    stack = np.stack([np.asarray(scene)] * 2)
    assert processor(stack, return_tensors="pt")["pixel_values"].shape == (2, 3, 64, 64)


@pytest.mark.skipif(not is_torchvision_available(), reason="torchvision is not installed")
@pytest.mark.parametrize("mode", ["letterbox", "squash"])
def test_backends_agree(scene, disk_mask, mode):
    images = [scene, scene.convert("L"), scene.resize((333, 500)), scene.convert("P"), np.asarray(scene) / 255]
    masks = [[disk_mask], [~disk_mask], [], [], []]
    ours, pil = (
        backend(resize_mode=mode)(images, masks, return_tensors="pt")
        for backend in (UniResImageProcessor, UniResImageProcessorPil)
    )
    assert ours.keys() == pil.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], pil[name], atol=2.1 / 255 / min(STD.flat), rtol=0)  # two gray levels
    assert (ours["pixel_values"] - pil["pixel_values"]).abs().mean() < 2e-3


@pytest.mark.skipif(is_torchvision_available(), reason="torchvision is installed")
def test_without_torchvision_its_backend_says_what_is_missing():
    with pytest.raises(ImportError, match="Torchvision"):
        UniResImageProcessor()


VOC = [0, 0, 0, 128, 0, 0] + [0] * 3 * 253 + [224, 224, 192]


@pytest.mark.parametrize("kind", ["white first", "VOC"])
def test_of_a_palettes_mask_the_colors_count(kind, processor):
    inside = np.zeros((64, 64), bool)
    inside[20:40, 10:40] = True
    numbers = ~inside if kind == "white first" else inside * 1
    if kind == "VOC":
        numbers[40:43, 10:40] = 255
    mask = Image.fromarray(numbers.astype(np.uint8), mode="P")
    mask.putpalette([255, 255, 255, 0, 0, 0] if kind == "white first" else VOC)
    labels = [
        processor(Image.new("RGB", (64, 64)), segmentation_maps=one, return_tensors="pt")["labels"]
        for one in (mask, inside)
    ]
    assert torch.equal(*labels) and labels[0].sum() > 0


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_whole_numbers_of_every_type(processor, scene, dtype):
    pixels = np.asarray(scene)
    if dtype is np.uint16:
        same = processor(pixels.astype(dtype) * 257, return_tensors="pt")["pixel_values"]
    else:
        same = processor(pixels.astype(dtype), return_tensors="pt")["pixel_values"]
    assert torch.equal(same, processor(pixels, return_tensors="pt")["pixel_values"])


def test_only_listed_formats_and_files_are_opened(processor, tmp_path):
    (tmp_path / "page.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    os.mkfifo(tmp_path / "pipe.png")
    Image.new("1", (13_500, 13_500)).save(tmp_path / "bomb.png")
    for name, sentence in (
        ("page.eps", "cannot identify"),
        ("pipe.png", "it is no file"),
        (".", "it is no file"),
        ("bomb.png", "exceeds limit"),
    ):
        with pytest.raises(ValueError, match=sentence):
            processor(str(tmp_path / name))
    with pytest.raises(ValueError, match="'in base64'") as error:
        processor("QUJD" * 100)
    assert "QUJD" not in str(error.value)


@pytest.mark.parametrize("mode", ["letterbox", "squash"])
def test_pil_backend_is_that_of_transformers_but_for_a_gray_level(scene, mode):
    class Plain(UniResImageInputs, PilBackend):
        valid_kwargs = UniResImageProcessorPil.valid_kwargs

    images = [scene, scene.resize((500, 333)), np.asarray(scene.resize((20, 70)))]
    ours, theirs = (
        kind(size={"height": 96, "width": 128}, resize_mode=mode)(images, return_tensors="np")["pixel_values"]
        for kind in (UniResImageProcessorPil, Plain)
    )
    np.testing.assert_allclose(ours * STD * 255, theirs * STD * 255, atol=2.01)
    assert (np.abs(ours - theirs) > 1e-5).mean() < 0.02
