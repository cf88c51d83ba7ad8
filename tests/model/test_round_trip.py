"""The round-trip checklist: records are encoded as they were decoded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rendergateway import TileRecord
from rendergateway.model import ChannelRecord, PathBuilder, TileTable, read_tiles

# One tile with every member of the data model, unknown members at every level, a null, unusual number formats and
# unsorted keys.
EVERYTHING = """{"unknown":{"a":[1,null,1.50]},"tileId":"t","groupId":"g","z":3e0,"labels":["keep","fold"],
 "layout":{"sectionId":"3.0","temca":"7","camera":"2","imageRow":1,"imageCol":2,"stageX":1.0,"stageY":-0.0,
  "rotation":90,"pixelsize":0.1,"distanceZ":35,"note":null},
 "minX":-1.0,"minY":2.00,"maxX":1e3,"maxY":4,"width":2048,"height":2048.0,"meshCellSize":32.0,"frameId":"f",
 "mipmapPathBuilder":{"rootPath":"/m/","numberOfLevels":3,"extension":"png","imageMipmapPatternString":"(.*)(.png)","x":1},
 "mipmapLevels":{"10":{"imageUrl":"c"},"0":{"imageUrl":"file:/a.h5","imageLoaderType":"H5_SLICE","imageSliceNumber":4,
  "maskUrl":"m","maskLoaderType":"DYNAMIC_MASK","maskSliceNumber":5,"y":2},"2":{}},
 "channels":[{"name":"DAPI","minIntensity":0,"maxIntensity":255.0,"mipmapLevels":{"0":{"imageUrl":"d"}},
  "mipmapPathBuilder":{"rootPath":"/d/"},"colour":"blue"},{"name":"GFP"}],
 "transforms":{"type":"list","id":"outer","metaData":{"labels":["all"],"more":1},"specList":[
  {"type":"list","metaData":{"labels":["inner"]},"specList":[{"className":"some.Unknown","dataString":"1  2"}]},
  {"type":"ref","refId":"lens","why":"shared"},
  {"type":"interpolated","id":"i","metaData":{"labels":["l"]},"lambda":0.25,
   "a":{"className":"mpicbg.trakem2.transform.TranslationModel2D","dataString":"1 2"},
   "b":{"className":"mpicbg.trakem2.transform.RigidModel2D","dataString":"0.1 2 3"}},
  {"className":"mpicbg.trakem2.transform.SimilarityModel2D","dataString":"1.2 0.3 5 6"},
  {"type":"leaf","className":"mpicbg.trakem2.transform.AffineModel2D","extra":true,
   "dataString":"0.99999999999999911 0.1 -0.1 1.0000000000000002 1234.5678901234567 -0.0"}]}}"""


def test_checklist__text_is_preserved() -> None:
    """A full tile is encoded as it was decoded, alone and in a table, whichever fields were read."""
    tile = TileRecord.from_json(EVERYTHING)
    table = TileTable([EVERYTHING])

    assert tile.validate() == []
    _ = tile.transforms, tile.layout, tile.mipmaps, table.last_affine, table.image_url
    assert tile.to_json().decode() == EVERYTHING
    assert table.to_json().decode() == f"[{EVERYTHING}]"


@pytest.mark.parametrize("change", ["layout", "mipmaps", "channels", "transforms", "path_builder"])
def test_checklist__parts_encoded_again(change: str) -> None:
    """Each nested part, decoded and encoded again, is equal JSON, including unknown members."""
    tile = TileRecord.from_json(EVERYTHING)

    changed = tile.evolve(**{change: getattr(tile, change)})

    assert json.loads(changed.to_json()) == json.loads(EVERYTHING)


def test_checklist__change_of_columns() -> None:
    """Changed columns change only their members, at every depth."""
    expected = json.loads(EVERYTHING)
    expected["z"] = 7.0
    expected["layout"]["stageX"] = 5.0
    expected["mipmapLevels"]["0"]["imageUrl"] = "new"
    del expected["groupId"]

    table = TileTable([EVERYTHING]).evolve(z=7, stage_x=5.0, image_url="new", group_id=None)

    assert json.loads(table.to_json()) == [expected]


def test_checklist__change_of_the_last_transform() -> None:
    """Only the numbers of the last transform change."""
    text = EVERYTHING.replace('"minX":-1.0,"minY":2.00,"maxX":1e3,"maxY":4,', "")
    matrix = [[1.5, 0.25, -7.0], [0.0, 2.0, 1 / 3]]

    changed = TileTable([text]).evolve(last_affine=[matrix])

    assert changed.last_affine.tolist() == [matrix]
    old = "0.99999999999999911 0.1 -0.1 1.0000000000000002 1234.5678901234567 -0.0"
    assert bytes(changed.texts[0]).decode() == text.replace(old, f"1.5 0.0 0.25 2.0 -7.0 {1 / 3!r}")  # type: ignore[arg-type]


def test_channels__records() -> None:
    """Channels and path builders are records, and can be built."""
    first = TileRecord.from_json(EVERYTHING).to_dict()["channels"][0]
    channel = ChannelRecord.from_json(json.dumps(first))

    assert (channel.name, channel.max_intensity, channel.mipmaps[0].image_url) == ("DAPI", 255.0, "d")
    assert channel.path_builder == PathBuilder(root_path="/d/")
    assert channel.evolve(min_intensity=3).to_dict() == {**first, "minIntensity": 3}


def test_real_files__text_is_preserved(shared_data: Path) -> None:
    """Tiles of real files are encoded unchanged, and their columns equal the fields of their records."""
    for path in sorted(shared_data.glob("asap/*tilespecs*.json")) + sorted(shared_data.glob("warp-test/*.json.gz")):
        tiles = list(read_tiles(path))
        table = TileTable.from_records(tiles)

        assert len(tiles) > 0
        assert [json.loads(bytes(text)) for text in table.texts] == [tile.to_dict() for tile in tiles]  # type: ignore[arg-type]
        assert table.tile_id.tolist() == [tile.tile_id for tile in tiles]
        assert table.z.tolist() == [tile.z for tile in tiles]
        assert table.last_affine.shape == (len(tiles), 2, 3)
        assert table.validate() == []
