"""Layouts, image pyramids and channels."""

from __future__ import annotations

from tests.translations.pairs.rows import Row, differs, left_out, same

D_LAYOUT = "d = {'sectionId': '1.0', 'temca': 't', 'camera': 'c', 'imageRow': 2, 'stageX': 3.5, 'pixelsize': 4.0}"
D_PYRAMID = "d = {'0': {'imageUrl': 'a.png', 'maskUrl': 'm.png'}, '2': {'imageUrl': 'b.png'}, '10': {'imageUrl': 'c'}}"
D_CHANNEL = "d = {'name': 'DAPI', 'minIntensity': 5.0, 'maxIntensity': 99.0, 'mipmapLevels': {'0': {'imageUrl': 'a'}}}"

LAYOUT: list[Row] = [
    differs(
        "Layout",
        'Layout(sectionId="1.0", scopeId="t").to_dict()',
        'Layout(section_id="1.0", scope_id="t").to_dict()',
        "there: pixel size 0.1 is invented",
        lambda there, here: there == {**here, "pixelsize": 0.1},
    ),
    same(
        "Layout.to_dict",
        'Layout(sectionId="1.0", pixelsize=4.0).to_dict()',
        'Layout(section_id="1.0", pixel_size=4.0).to_dict()',
    ),
    same("Layout.from_dict", "layout = Layout(); layout.from_dict(d); layout", "Layout.from_dict(d)", setup=D_LAYOUT),
]

IMAGE_PYRAMID: list[Row] = [
    same("MipMap", 'MipMap("a.png", "m.png")', 'MipmapLevel(image_url="a.png", mask_url="m.png")'),
    same("MipMap.to_dict", 'MipMap("a.png").to_dict()', 'MipmapLevel(image_url="a.png").to_dict()'),
    same(
        "MipMapLevel",
        'ImagePyramid({1: MipMapLevel(1, "a.png")})',
        'ImagePyramid().with_level(1, image_url="a.png")',
    ),
    same("MipMapLevel.to_dict", 'MipMapLevel(1, "a.png").to_dict()', 'MipmapLevel(image_url="a.png").to_dict()'),
    left_out("TransformedDict", "level numbers are Python integers"),
    same(
        "ImagePyramid",
        'ImagePyramid({0: MipMap("a.png")})',
        'ImagePyramid({0: MipmapLevel(image_url="a.png")})',
        "a mapping, immutable",
        also_here='assert raised(lambda: _value.__setitem__(1, None)) == "AttributeError"',
    ),
    same(
        "ImagePyramid.to_dict",
        "ImagePyramid.from_dict(d).to_dict()",
        "ImagePyramid.from_dict(d).to_dict()",
        setup=D_PYRAMID,
    ),
    same("ImagePyramid.from_dict", "ImagePyramid.from_dict(d)", "ImagePyramid.from_dict(d)", setup=D_PYRAMID),
    differs(
        "ImagePyramid.levels",
        "list(ImagePyramid.from_dict(d))",
        "list(ImagePyramid.from_dict(d))",
        "integers in order; there: sorted as text",
        lambda there, here: there == ["0", "10", "2"] and here == [0, 2, 10],
        setup=D_PYRAMID,
    ),
]

CHANNEL: list[Row] = [
    same(
        "Channel",
        'Channel("DAPI", minIntensity=5.0, maxIntensity=99.0, ip=ImagePyramid({0: MipMap("a")}))',
        'ChannelRecord(name="DAPI", min_intensity=5, max_intensity=99, '
        'mipmaps=ImagePyramid({0: MipmapLevel(image_url="a")}))',
    ),
    same("Channel.to_dict", "Channel(json=d).to_dict()", "ChannelRecord.from_dict(d).to_dict()", setup=D_CHANNEL),
    differs(
        "Channel.from_dict",
        'Channel(json={"name": "DAPI", "mipmapLevels": {}})',
        'ChannelRecord.from_dict({"name": "DAPI", "mipmapLevels": {}}).name',
        "there: the optional intensities are required",
        lambda there, here: isinstance(there, KeyError) and here == "DAPI",
    ),
]

DOCS: list[Row] = [
    same(
        "tilespec.ImagePyramid(mipMapLevels=[])",
        'ImagePyramid({0: MipMap("a.png")})',
        'ImagePyramid({0: MipmapLevel(image_url="a.png")})',
        "there: today's form",
    ),
    same(
        "tilespec.ImagePyramid.append",
        'p = ImagePyramid.from_dict(d); p[1] = MipMap("a.png"); p',
        'ImagePyramid.from_dict(d).with_level(1, image_url="a.png")',
        "there: today's form",
        setup=D_PYRAMID,
    ),
    same(
        "tilespec.ImagePyramid.get", "ImagePyramid.from_dict(d).get(2)", "ImagePyramid.from_dict(d)[2]", setup=D_PYRAMID
    ),
    same(
        "tilespec.ImagePyramid.update",
        'p = ImagePyramid.from_dict(d); p.update({2: MipMap("a.png")}); p',
        'ImagePyramid.from_dict(d).with_level(2, image_url="a.png")',
        setup=D_PYRAMID,
    ),
]
