"""Import and export of TrakEM2 projects, KARSH layouts and metadata of SerialEM."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, ImageError, Layout, MipmapLevel, RecordError, StackWrapper, TileRecord
from rendergateway.batch.importers import import_project
from rendergateway.batch.write_project import write_layout, write_project
from rendergateway.model.files.trakem2 import patch_box, read_trakem2
from rendergateway.rendering.output.encoding import file_bytes
from rendergateway.testing import make_stack
from rendergateway.transforms import (
    AffineModel2D,
    PolynomialTransform2D,
    ThinPlateSplineTransform,
    TransformReference,
    fit_thin_plate_spline,
    from_spec,
)
from tests.batch.importers.conftest import Images

PROJECT = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE trakem2 [<!ELEMENT trakem2 (project,t2_layer_set)>]>
<trakem2>
<project id="0" title="t" unuid="17.1.2" storage_folder=""/>
<t2_layer_set oid="3" transform="matrix(1.0,0.0,0.0,1.0,0.0,0.0)">
<t2_calibration pixelWidth="4.0" pixelHeight="5.0" pixelDepth="40.0" unit="nm"/>
<t2_layer oid="5" thickness="10.0" z="0.0">
<t2_patch oid="49" width="80.0" height="60.0" transform="matrix(0.9,0.1,-0.2,1.1,10.5,-5.0)" title="first"
 file_path="images/a.png" o_width="80" o_height="60" min="48.0" max="207.0" alpha_mask_id="134"/>
<t2_patch oid="1234" width="99.0" height="59.0" transform="matrix(1.0,0.0,0.0,1.0,200.0,100.0)" title="second"
 file_path="images/b.png" o_width="80" o_height="60" min="0" max="255">
<ict_transform_list>
<ict_transform class="mpicbg.trakem2.transform.AffineModel2D" data="1.25 0 0 1 -7.5 3.25"/>
<iict_transform class="mpicbg.trakem2.transform.TranslationModel2D" data="-20 4"/>
</ict_transform_list>
</t2_patch>
<t2_patch oid="7" visible="false" transform="matrix(1,0,0,1,0,0)" file_path="gone.png" o_width="9" o_height="9"/>
</t2_layer>
<t2_layer oid="6" thickness="10.0" z="10.0">
<t2_patch oid="50" transform="matrix(1.0,0.0,0.0,1.0,0.0,0.0)" title="slice" type="1" file_path="s.tif-----#slice=2"
 o_width="80" o_height="60" min="1000.0" max="30000.0"/>
</t2_layer>
</t2_layer_set>
</trakem2>
"""


@pytest.fixture
def project(tmp_path: Path, images: Images) -> Path:
    """A project with its images, a stack of two, and a mask."""
    images("a.png", "b.png")
    slices = np.stack([np.full((60, 80), 2000, np.uint16), np.full((60, 80), 3000, np.uint16)])
    (tmp_path / "s.tif").write_bytes(stack_of(slices))
    mask = tmp_path / "trakem2.17.1.2" / "trakem2.masks" / "13" / "4.49.zip"
    mask.parent.mkdir(parents=True)
    with zipfile.ZipFile(mask, "w") as archive:
        archive.writestr("mask.tif", file_bytes(np.full((60, 80), 255, np.uint8), None, "tif"))
    path = tmp_path / "project.xml"
    path.write_text(PROJECT, encoding="iso-8859-1")
    return path


def stack_of(slices: Any) -> bytes:
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(file, slices, photometric="minisblack")
    return file.getvalue()


def boxes(stack: StackWrapper) -> dict[str, list[float]]:
    table = stack.tiles().table()
    return dict(zip(table.tile_id, table.box.tolist(), strict=True))


# TrakEM2


def test_trakem2__places_windows_masks_and_slices(stack: StackWrapper, project: Path) -> None:
    """Patches become tiles with the boxes of render's converter, their windows in order, masks and slices."""
    imported = import_project(stack, project)

    assert boxes(stack) == {"49": [-1, -5, 83, 69], "1234": [199, 100, 299, 160], "50": [0, 0, 80, 60]}
    assert stack.tiles().table().z.tolist() == [0, 0, 1]
    assert imported.notes[:2] == ("1 patch left out because hidden", "z counts layers of 10 px")
    assert list(stack.resolution_nm) == [4, 5, 40]
    tiles = {tile.tile_id: tile for tile in stack.tiles().records()}
    assert (tiles["49"].min_intensity, tiles["49"].max_intensity) == (48, 207)
    last = tiles["1234"].transforms[-1]
    assert last.as_affine().matrix.tolist() == [[1, 0, 227], [0, 1, 93]]
    assert (tiles["50"].mipmaps[0].image_loader_type, tiles["50"].mipmaps[0].image_slice) == ("IMAGEJ_TIFF_STACK", 2)
    assert len(stack.check_images()) == 0


def test_trakem2__ids_and_z(stack: StackWrapper, project: Path) -> None:
    """Titles may be the ids; z may be that of the file, or count the layers."""
    import_project(stack, project, ids="title", z="stored")
    assert stack.tiles().ids == ["first", "second", "slice"]
    assert [section.z for section in stack.sections()] == [0, 10]

    import_project(stack, project, z="order", existing="replace")
    assert [section.z for section in stack.sections()] == [1, 2]


def test_trakem2__gzipped(stack: StackWrapper, project: Path) -> None:
    """A gzipped project is read by its content."""
    packed = project.with_suffix(".xml.gz")
    packed.write_bytes(gzip.compress(project.read_bytes()))

    assert import_project(stack, packed, dry_run=True).tile_count == 3


def test_trakem2__transforms_in_a_file_of_their_own(stack: StackWrapper, project: Path) -> None:
    """Coordinate transforms that the project lacks come from the file of their id; those in it come first."""
    start, end = PROJECT.index("<ict_transform_list>"), PROJECT.index("</ict_transform_list>") + 21
    import_project(stack, project)
    expected = {tile.tile_id: tile.transforms for tile in stack.tiles().records()}
    file = project.parent / "trakem2.17.1.2" / "trakem2.cts" / "12" / "3.1234.ct"
    file.parent.mkdir(parents=True)

    for text, in_file in ((PROJECT, "no XML"), (PROJECT[:start] + PROJECT[end:], PROJECT[start:end])):
        file.write_text(in_file)
        project.write_text(text.replace('oid="1234"', 'oid="1234" ct_id="123"'), encoding="iso-8859-1")
        assert import_project(stack, project, existing="replace").tile_count == 3
        assert {tile.tile_id: tile.transforms for tile in stack.tiles().records()} == expected
    file.write_text("<ict_transform_list></ict_transform_list>")
    with pytest.raises(RecordError, match=r"line 10: coordinate transforms of patch 1234 \(ct_id=123\) are missing"):
        import_project(stack, project, existing="replace")
    file.write_text("<!DOCTYPE a [<!ENTITY e 'x'>]><a/>")
    with pytest.raises(RecordError, match="XML entities are not supported"):
        import_project(stack, project, existing="replace")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("<trakem2>", "<trakem2", "is not XML: "),
        ("trakem2>", "other>", "is not a TrakEM2 project: got root element 'other'"),
        ("matrix(0.9,", "matrix(x,", "line 8: transform of patch 49: could not convert"),
        ("matrix(0.9,0.1,", "matrix(0.9,", "line 8: transform of patch 49: transform must be matrix(a,b,c,d,e,f)"),
        ("matrix(0.9,", "matrix(nan,", "line 8: transform of patch 49: transform must be finite"),
        ('o_width="80"', 'o_width="0"', "line 8: patch 49 has size 0 × 60"),
        ('z="10.0"', 'z="NaN"', "line 19: z must be a finite number: got 'NaN'"),
        ('data="-20 4"', 'data="-20"', "line 14: "),
        (
            'title="first"',
            'title="first" ct_id="3"',
            "line 8: coordinate transforms of patch 49 (ct_id=3) cannot be read",
        ),
        ('title="first"', 'title="first" ct_id="../3"', "line 8: oid and ct_id must be numbers: got '49' and '../3'"),
        ('file_path="images/b.png"', "", "line 10: a patch must have oid and file_path"),
        ("<!ELEMENT trakem2 (project,t2_layer_set)>", "<!ENTITY e 'x'>", "XML entities are not supported: got 'e'"),
        ('oid="1234"', 'oid="49"', "duplicate tile id '49': "),
    ],
)
def test_trakem2__wrong(stack: StackWrapper, project: Path, old: str, new: str, sentence: str) -> None:
    """A malformed project is refused with the line, and nothing is stored."""
    assert old in PROJECT
    project.write_text(PROJECT.replace(old, new), encoding="iso-8859-1")

    with pytest.raises(RecordError) as caught:
        import_project(stack, project)

    assert sentence in str(caught.value)
    assert not stack.exists


def test_trakem2__images(stack: StackWrapper, project: Path, images: Images) -> None:
    """Missing images and those of another size than in the project are listed with their lines."""
    images("a.png", pixels=np.zeros((5, 6), np.uint8))
    (project.parent / "images" / "b.png").unlink()

    with pytest.raises(ImageError, match=r"2 of 3 images cannot be imported: .*line 8: expected 80 × 60 pixels, found"):
        import_project(stack, project)
    assert not stack.exists
    assert len(import_project(stack, project, skip_bad=True).skipped) == 2
    assert stack.tiles().ids == ["50"]


def test_trakem2__box_of_a_mesh() -> None:
    """The box of coordinate transforms is that of the vertices of a mesh: a peak between them does not count."""
    peak = PolynomialTransform2D([[0, 60, 0, -1, 0, 0], [0, 0, 1, 0, 0, 0]])

    # x (60 - x) at 0, 19.75, 39.5, 59.25 and 79; at 26.3 it would be larger.
    assert patch_box([peak], 80, 60, 3)[:3] == (-1501, 0, 2311)


def test_trakem2__round_trip(gateway: Gateway, tmp_path: Path) -> None:
    """A stack with a lens, written and imported, maps all pixels to the same places, to rounding."""
    made = make_stack(gateway, sections=2, images=tmp_path / "images")
    assert write_project(made, tmp_path / "out.xml.gz") == 8
    back = gateway.stack("back")

    import_project(back, tmp_path / "out.xml.gz", ids="title")

    assert back.resolution_nm == made.resolution_nm
    assert [patch.path for patch in read_trakem2(tmp_path / "out.xml.gz").patches][:1] == ["images/s1_r0_c0.png"]
    points = [[0.0, 0.0], [511.0, 3.5], [100.0, 400.0]]
    for tile in made.tiles():
        there = back.tile(tile.tile_id)
        assert np.abs(there.world_from_local(points) - tile.world_from_local(points)).max() < 1e-9
        assert there.z == tile.z


def test_trakem2__curved_last_and_masks(gateway: Gateway, tmp_path: Path, images: Images) -> None:
    """A spline after an affine is kept, and a mask is written as TrakEM2 stores it."""
    folder = images("a.png")
    images("mask.png", pixels=np.eye(60, 80, dtype=np.uint8) * 255)
    source = np.array([[0, 0], [80, 0], [0, 60], [80, 60], [40, 30.0]])
    target = np.array([[1, 2], [80, 0], [0, 60], [80, 60], [43, 31.0]])
    spline = fit_thin_plate_spline(source, target)
    stack = gateway.create_stack("curved")
    level = MipmapLevel(image_url=(folder / "a.png").as_uri(), mask_url=(folder / "mask.png").as_uri())
    tile = TileRecord(
        tile_id="a", z=1, width=80, height=60, transforms=[AffineModel2D([[1, 0, 5], [0, 1, 7]]), spline],
        image_url=level.image_url, mask_url=level.mask_url,
    )  # fmt: skip
    with stack.editing() as edit:
        edit.put([tile])
    write_project(stack, tmp_path / "out.xml")
    back = gateway.stack("back")

    import_project(back, tmp_path / "out.xml")

    (there,) = back.tiles()
    assert np.abs(there.world_from_local(source) - stack.tile("a").world_from_local(source)).max() < 1e-9
    assert isinstance(there.transforms[1], ThinPlateSplineTransform)
    assert there.source_image(mask=True).pixels.tolist() == stack.tile("a").source_image(mask=True).pixels.tolist()


def test_trakem2__nothing_written(gateway: Gateway, tmp_path: Path, images: Images) -> None:
    """A tile without an image, a foreign class of transform and a stack without tiles are refused before writing."""
    stack = gateway.create_stack("bare")
    with pytest.raises(RecordError, match="stack bare has no tiles to write"):
        write_project(stack, tmp_path / "out.xml")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=1, width=8, height=8, transforms=[AffineModel2D()])])
    with pytest.raises(RecordError, match="tile 'a' has no image file at level 0: got None; TrakEM2 needs it"):
        write_project(stack, tmp_path / "out.xml")

    name = "org.janelia.alignment.transform.ExponentialFunctionOffsetTransform"
    lens = from_spec({"className": name, "dataString": "3,0.1,0,0"})
    image, mask = (images(name) / name for name in ("a.png", "m.png"))
    with stack.editing() as edit:
        foreign: dict[str, Any] = {"transforms": [lens], "image_url": image.as_uri(), "mask_url": mask.as_uri()}
        edit.put([TileRecord(tile_id="a", z=1, width=80, height=60, **foreign)])
    with pytest.raises(RecordError, match=r"patch 'a': TrakEM2 has no transform of class org\.janelia\."):
        write_project(stack, tmp_path / "out.xml")

    assert [path.name for path in tmp_path.iterdir()] == ["images"]


# KARSH, SCHEFFER, MET


def test_karsh__round_trip(gateway: Gateway, tmp_path: Path, images: Images) -> None:
    """The layout that the service writes is imported with affines, places, cameras and z."""
    folder = images("a b.png")
    stack = gateway.create_stack("made")
    affine = AffineModel2D([[1, 0.25, 3], [0.5, 1, -7]])
    with stack.editing() as edit:
        edit.put(
            [
                TileRecord(
                    tile_id="a", z=2.5, width=80, height=60, image_url=(folder / "a b.png").as_uri(),
                    layout=Layout(section_id="s1", camera_id="c0", image_row=1, image_col=2),
                    transforms=[affine],
                )
            ]
        )  # fmt: skip
    assert write_layout(stack, tmp_path / "out.txt") == 1
    back = gateway.stack("back")

    import_project(back, tmp_path / "out.txt", format="karsh")

    tile = back.tile("a")
    assert (tile.z, tile.image_url, tile.transforms[0]) == (2.5, (folder / "a b.png").as_uri(), affine)
    layout = tile.layout
    assert (layout.section_id, layout.camera_id, layout.image_row, layout.image_col) == ("s1", "c0", 1, 2)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("4 64 1 0 5", "line 1: expected section, tile id, six numbers and an image, got 5 fields"),
        ("4 64 1 0 x 0 1 5 0 0 0 a.png", "line 1: number of the transform must be a finite number: got 'x'"),
        ("4 64 1 0 0 0 1 nan 0 0 0 a.png", "line 1: number of the transform must be a finite number: got 'nan'"),
        ("4 64 1 0 0 0 1 5 1.5 0 0 a.png", "line 1: column must be a whole number: got '1.5'"),
        ("4 64 1 0 0 0 1 5 1 0 0 null", "line 1: tile '64' has no image path"),
        ("s4 64 1 0 0 0 1 5 1 0 0 a.png", "line 1: the section is unknown; pass z=, a number for all images"),
        ("4 64 20 0 0 0 1 5 1 0 0 a.png", "line 1: expected 20 numbers of the transform"),
        ("", "is empty; expected a line per tile"),
    ],
)
def test_karsh__wrong(stack: StackWrapper, tmp_path: Path, images: Images, line: str, sentence: str) -> None:
    """A malformed layout is refused with the line."""
    images("a.png")
    path = tmp_path / "images" / "layout.txt"
    path.write_text(line)

    with pytest.raises(RecordError) as caught:
        import_project(stack, path, format="karsh")

    assert sentence in str(caught.value)
    assert not stack.exists


def test_karsh__polynomial_and_relative_path(stack: StackWrapper, tmp_path: Path, images: Images) -> None:
    """More than six numbers follow their count; a relative path is below the folder of the layout."""
    images("a.png")
    path = tmp_path / "images" / "layout.txt"
    numbers = [0, 2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]
    path.write_text("\t".join(map(str, ["4", "64", 12, *numbers, 8, 9, 1, "a.png", "null", "null", 7.0])))

    import_project(stack, path, format="karsh")

    tile = stack.tile("64")
    assert tile.z == 7
    assert tile.world_from_local([10, 10]).tolist() == [20, 30]


def test_layout__met_and_scheffer(gateway: Gateway, tmp_path: Path) -> None:
    """MET lines have section, tile, a zero and the rows of the last affine; SCHEFFER has boxes and sizes."""
    stack = make_stack(gateway, sections=2, rows=1, columns=1)
    assert write_layout(stack, tmp_path / "a.met", "met", z=2) == 1
    assert write_layout(stack, tmp_path / "a.txt", "scheffer") == 2

    words = (tmp_path / "a.met").read_text().split()
    affine = stack.tiles(z=2).table().last_affine[0]
    assert words[:3] == ["2.0", "s2_r0_c0", "0"]
    assert [float(word) for word in words[3:]] == affine.ravel().tolist()
    assert (tmp_path / "a.txt").read_text().startswith("BBOX ")
    with pytest.raises(ValueError, match="format must be one of karsh, scheffer, met: got 'v1'"):
        write_layout(stack, tmp_path / "b", "v1")
    with pytest.raises(RecordError, match="stack montage has no tiles to write"):
        write_layout(stack, tmp_path / "b", z=9)


def test_layout__met_needs_affines(gateway: Gateway, tmp_path: Path) -> None:
    """A tile whose last transform is curved is refused, and no file is written."""
    stack = make_stack(gateway, sections=1, rows=1, columns=1)
    with stack.editing() as edit:
        tile = next(stack.tiles().records())
        edit.put([tile.evolve(transforms=[TransformReference("lens")])])

    with pytest.raises(RecordError, match="the last transform of tile 's1_r0_c0' is not affine; MET has six numbers"):
        write_layout(stack, tmp_path / "a.met", "met")
    assert not (tmp_path / "a.met").exists()


# SerialEM


def serialem(tmp_path: Path, *lines: str, name: str = "grid.idoc") -> Path:
    path = tmp_path / "images" / name
    path.write_text("\n".join(lines))
    return path


def test_serialem__pieces(stack: StackWrapper, tmp_path: Path, images: Images) -> None:
    """Pieces are placed by their best coordinates, which count from the bottom; the pixel size is read."""
    images("a.png", "b.png")
    path = serialem(
        tmp_path, "DataMode = 0", "ImageSize = 80 60", "", "[T = SerialEM: acquired]", "[Image = C:\\data\\a.png]",
        "PieceCoordinates = 0 0 3", "AlignedPieceCoords = 1 0 3", "PixelSpacing = 40.0", "RotationAngle = 90",
        "[Image = b.png]", "PieceCoordinates = 0 50 3", "AlignedPieceCoords = 2 51 3", "PixelSpacing = 40.0",
    )  # fmt: skip

    imported = import_project(stack, path)

    table = stack.tiles().table()
    assert dict(zip(table.tile_id, table.last_affine[:, :, 2].tolist(), strict=True)) == {"a": [1, 0], "b": [2, -51]}
    assert table.z.tolist() == [3, 3]
    assert list(stack.resolution_nm) == [4, 4, None]
    assert "places are AlignedPieceCoords, in pixels" in imported.notes
    assert stack.tile("a").layout.rotation == 90


def test_serialem__stage_positions_and_stacks(stack: StackWrapper, tmp_path: Path, images: Images) -> None:
    """Without pieces stage positions in µm are used; the images of an .mdoc are those of a TIFF stack."""
    images("x.png")
    (tmp_path / "images" / "grid.tif").write_bytes(
        stack_of(np.arange(2 * 60 * 80).reshape(2, 60, 80).astype(np.uint16))
    )
    path = serialem(
        tmp_path, "ImageFile = grid.tif", "[ZValue = 0]", "StagePosition = 0 0", "PixelSpacing = 20", "[ZValue = 1]",
        "StagePosition = 0.1 -0.05", "[MontSection = 0]", name="grid.tif.mdoc",
    )  # fmt: skip

    import_project(stack, path, z=4, flip="y")

    table = stack.tiles().table()
    places = dict(zip(table.tile_id, table.last_affine[:, :, 2].tolist(), strict=True))
    assert places == {"grid_0": [0, 0], "grid_1": [pytest.approx(50), pytest.approx(25)]}
    assert table.stage.tolist() == [[0, 0], [0.1, -0.05]]
    assert stack.tile("grid_1").source_image().pixels[0, 0] == 4800


def mrc(path: Path, pixels: np.ndarray, *, is_of_imod: bool = False) -> Path:
    """Write sections (N, H, W), the lowest row first, as MRC; with the mark of IMOD its bytes are unsigned."""
    mrcfile = pytest.importorskip("mrcfile")
    with mrcfile.new(path, pixels.view(np.int8) if pixels.dtype == np.uint8 else pixels) as file:
        file.set_image_stack()
        if is_of_imod:
            file.header.extra2 = np.frombuffer(bytes(40) + (1146047817).to_bytes(4, "little") + bytes(40), "V84")[0]
    return path


def montage(folder: Path, name: str = "grid.mrc") -> Path:
    """Write the metadata of a montage of two pieces, sections 0 and 1, one below the other."""
    (folder / "images").mkdir(exist_ok=True)
    return serialem(
        folder, f"ImageFile = {name}", "PixelSpacing = 20", "[ZValue = 0]", "PieceCoordinates = 0 0 0",
        "[ZValue = 1]", "PieceCoordinates = 0 50 0", name=f"{name}.mdoc",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "is_of_imod", "first"),
    [("uint8", True, 7), ("int8", False, 135), ("uint16", False, 7), ("int16", False, 32775), ("float32", False, 7)],
)
def test_serialem__mrc(stack: StackWrapper, tmp_path: Path, dtype: str, is_of_imod: bool, first: int) -> None:
    """Sections of an MRC stack are converted to TIFF files, the top row first, with the values of the service."""
    pixels = np.zeros((2, 60, 80), dtype)
    pixels[1, -1, 0], pixels[1, 0, 0] = 7, 3
    path = montage(tmp_path)
    mrc(path.with_suffix(""), pixels, is_of_imod=is_of_imod)

    imported = import_project(stack, path, convert_to=tmp_path / "new" / "tiff")

    table = stack.tiles().table()
    places = dict(zip(table.tile_id, table.last_affine[:, :, 2].tolist(), strict=True))
    assert places == {"grid_0": [0, 0], "grid_1": [0, -50]}
    assert sorted(path.name for path in (tmp_path / "new" / "tiff").iterdir()) == ["grid_0.tif", "grid_1.tif"]
    image = stack.tile("grid_1").source_image().pixels
    assert (image.shape, image[0, 0], image[-1, 0], image[0, 1]) == ((60, 80), first, first - 4, first - 7)
    assert f"2 sections of MRC converted to TIFF in {tmp_path / 'new' / 'tiff'}" in imported.notes


def test_serialem__wrong_mrc(stack: StackWrapper, tmp_path: Path, images: Images) -> None:
    """An MRC stack that is missing, damaged, too short or of complex numbers is refused; nothing is written."""
    path, target = montage(tmp_path), tmp_path / "tiff"

    def refused(error: type[Exception], sentence: str, file: Path = path) -> None:
        with pytest.raises(error, match=sentence):
            import_project(stack, file, convert_to=target)
        assert not stack.exists
        assert not target.exists() or not any(target.iterdir())

    refused(ImageError, "line 3: MRC stack .* cannot be converted: .*No such file")
    file = mrc(path.with_suffix(""), np.zeros((1, 60, 80), np.uint16))
    refused(ImageError, "line 5: section 1 is not in .*grid.mrc': got 1 sections, from 0")
    file.write_bytes(file.read_bytes()[:-1])
    refused(ImageError, "grid.mrc' is not a complete MRC file")
    file.unlink()
    mrc(file, np.zeros((2, 60, 80), np.complex64))
    refused(ImageError, "has MRC mode 4 and space group 0; only stacks of grey images are supported")
    images("a.png")
    other = serialem(tmp_path, "[Image = a.png]", "PieceCoordinates = 0 0 0")
    with pytest.raises(RecordError, match="has no MRC stacks: got convert_to="):
        import_project(stack, other, convert_to=target)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["[Image = a.png]", "StagePosition = 1 x"], "line 1: StagePosition must be 2 finite numbers: got '1 x'"),
        (["[Image = a.png]", "Dose = 1"], "line 1: the position is missing; AlignedPieceCoordsVS or"),
        (["[Image = a.png]", "StagePosition = 1 2"], "has positions in um; pass resolution_nm=, the size of a pixel"),
        (
            ["ImageFile = g.mrc", "[ZValue = 0]", "PieceCoordinates = 0 0 0"],
            "line 2: 'g.mrc' is an MRC file, which no image loader reads; pass convert_to=, a folder for its sections",
        ),
        (["[ZValue = 0]", "PieceCoordinates = 0 0 0"], "line 1: the image is unknown: got ImageFile ''"),
        (["[Image = a.png]", "no key"], "line 2: expected [Kind = name] or Key = value: got 'no key'"),
        (["[MontSection = 0]"], "lists no images: got blocks MontSection"),
        (["DataMode = 1"], "has no blocks; expected an .mdoc or .idoc file"),
    ],
)
def test_serialem__wrong(stack: StackWrapper, tmp_path: Path, images: Images, lines: list[str], sentence: str) -> None:
    """A malformed file, an MRC file and images without positions are refused with the line."""
    images("a.png")

    with pytest.raises(RecordError) as caught:
        import_project(stack, serialem(tmp_path, *lines))

    assert sentence in str(caught.value)
    assert not stack.exists


# Arguments


def test_arguments__wrong(stack: StackWrapper, tmp_path: Path) -> None:
    """An unknown format, kind of ids or section is refused before the file is read."""
    with pytest.raises(ValueError, match="format must be one of trakem2, serialem, karsh: got None for "):
        import_project(stack, tmp_path / "a.txt")
    with pytest.raises(ValueError, match="ids must be 'id' or 'title': got 'name'"):
        import_project(stack, tmp_path / "a.xml", ids="name")
    with pytest.raises(ValueError, match="z must be a number, 'order' or 'stored': got 'first'"):
        import_project(stack, tmp_path / "a.xml", z="first")
