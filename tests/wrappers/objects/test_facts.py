"""Metadata of objects."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rendergateway import Bounds, Gateway, MatchCollectionWrapper, NotFoundError, RecordError, StackWrapper, TileRecord
from rendergateway.model import NameRecord, ResolvedTiles, SectionRecord
from rendergateway.transforms import AffineModel2D
from rendergateway.wrappers import MatchPairWrapper, OwnerWrapper, SectionWrapper


def test_stack__facts(stack: StackWrapper) -> None:
    """A COMPLETE stack knows its box, its counts, its version and when it changed."""
    assert stack.bounds == Bounds(1, 2, 191, 82, 1, 3)
    assert (stack.tile_count, stack.section_count, stack.version_number) == (6, 3, 0)
    assert stack.resolution_nm == (4.0, 4.0, 40.0)
    assert stack.modified is not None
    assert stack.modified.utcoffset() is not None
    assert (str(stack), str(stack.owner), str(stack.project)) == ("montage", "lab", "cortex")
    assert repr(stack) == "<StackWrapper lab/cortex/montage COMPLETE>"


def test_section__its_record(stack: StackWrapper) -> None:
    """The record of a section combines its rows."""
    section = stack.section(2)

    assert section._obj == SectionRecord(z=2.0, tile_count=2, min_x=1.0, min_y=2.0, max_x=191.0, max_y=82.0)
    assert section.count_children() == 2
    assert str(section) == "2.0"


def test_tile__facts(stack: StackWrapper) -> None:
    """A tile has labels, levels and an image URL; a missing z is an error."""
    tile = stack.sections()[0].tiles()[0]

    assert tile.labels == []
    assert list(tile.mipmaps) == [0]
    assert tile.image_url == "file:/images/t1_0.png"
    assert tile.parent is tile.section
    with stack.editing(complete=False) as edit:
        # A service takes what put() refuses.
        nowhere = ResolvedTiles.of([TileRecord(tile_id="nowhere", width=5, height=5, transforms=[])])
        stack._bound.call("stack.save_tiles", body=nowhere.to_json(), derive_data=True)
        with pytest.raises(RecordError, match="'nowhere' has no z; set its section with evolve"):
            edit.put(nowhere)
    with pytest.raises(RecordError, match="'nowhere' has no z"):
        _ = stack.tile("nowhere").z
    assert stack.tile("nowhere").image_url is None


def test_pair__alone(matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """A pair made from its key loads itself; the error of a missing one names it."""
    (pair,) = matches.pairs(within="1.0")
    key = pair._key
    assert pair.id == ("1.0", "t1_0", "1.0", "t1_1")
    assert (pair.name, pair.q_group, len(pair), bool(pair)) == ("1.0/t1_0 – 1.0/t1_1", "1.0", 3, True)
    assert pair.match_collection is matches

    with gateway.counting() as requests:
        alone = MatchPairWrapper(gateway, key=key)
        np.testing.assert_array_equal(alone.q, pair.q)
    assert requests == ["match.between_tiles"]
    with pytest.raises(NotFoundError, match=r"no matches of 1\.0/t1_0 – 1\.0/lost"):
        _ = MatchPairWrapper(gateway, key=key._replace(q_id="lost")).p


def test_match_collection__children_and_end(matches: MatchCollectionWrapper, gateway: Gateway) -> None:
    """The children of a collection are its pairs; once deleted it is not listed any more."""
    collections = gateway.match_collections()
    assert collections.ids == ["dmesh"]
    assert collections[0].pair_count == 2
    assert matches.count_children() == 2
    assert matches.owner is gateway.owner()
    assert pickle.loads(pickle.dumps(matches.pairs()[0]._obj)) == matches.pairs()[0]._obj

    matches.delete()

    assert collections.ids == []
    with pytest.raises(NotFoundError):
        len(matches.pairs())


def test_owner__lists(stack: StackWrapper, gateway: Gateway) -> None:
    """An owner lists the stacks of all projects, whose names may be alike."""
    other = gateway.create_stack("second/montage")
    owner = gateway.owner()

    assert owner.stacks().ids == ["cortex/montage", "second/montage"]
    assert owner.stacks().get("second/montage") is other
    assert stack in owner.stacks()
    assert [project.name for project in owner.children()] == ["cortex", "second"]
    assert owner._obj == NameRecord(name="lab")
    assert gateway.project()._obj == NameRecord(name="cortex")
    assert gateway.owner("nobody").projects().ids == []
    assert repr(owner.projects()) == "<Collection of projects of owner lab: 2>"


def test_loose_wrappers__keys_from_records(matches: MatchCollectionWrapper, stack: StackWrapper) -> None:
    """Detached records identify their objects, and a wrapper without a key is refused."""
    assert StackWrapper(obj=stack._obj).id == "montage"
    assert MatchCollectionWrapper(obj=matches.load()._obj).id == "dmesh"
    assert MatchPairWrapper(obj=matches.pairs()[0]._obj).p_id == "t1_0"
    for wrapper_class in (StackWrapper, MatchCollectionWrapper, MatchPairWrapper, SectionWrapper, OwnerWrapper):
        with pytest.raises(TypeError, match="needs key=, or obj= with a record that has one"):
            wrapper_class()


def test_shared_transforms__a_mapping(stack: StackWrapper) -> None:
    """Shared transforms are read one by one, and iteration covers those read so far."""
    shared = stack.shared_transforms

    assert (len(shared), list(shared), "(none read yet)" in repr(shared)) == (0, [], True)
    assert type(shared["lens"]).__name__ == "PolynomialTransform2D"
    assert (len(shared), list(shared), repr(shared)) == (1, ["lens"], "<SharedTransforms lens>")
    with pytest.raises(NotFoundError, match="'nothing' does not exist"):
        _ = shared["nothing"]


def test_collection__records_without_wrapping(stack: StackWrapper, gateway: Gateway) -> None:
    """The records of a listing can be read without a wrapper for each."""
    tiles = stack.section(1).tiles()

    assert [record.to_dict()["tileId"] for record in tiles.records()] == ["t1_0", "t1_1"]
    assert len(list(stack.sections().records())) == 3
    assert tiles == tiles.load()
    assert tiles != stack.section(2).tiles()
    assert len({tiles, tiles}) == 1


def test_epochs__of_a_match_collection_are_its_own(stack: StackWrapper, matches: MatchCollectionWrapper) -> None:
    """Writing matches does not make a stack's tiles old."""
    tiles = stack.section(1).tiles().load()

    matches.put([matches.pairs()[0]._obj])

    assert tiles.is_loaded


def test_edit__batch_of_nothing(stack: StackWrapper) -> None:
    """A batch size below 1 is refused."""
    with pytest.raises(ValueError, match="batch must be >= 1, got 0"):
        stack.editing(batch=0)


def test_section__bounds_of_tiles_without_section_id(gateway: Gateway) -> None:
    """A layer that is in no section data has the box around those of its tiles, asked for once."""
    stack = gateway.create_stack("loose")
    with stack.editing() as edit:
        for name, x in (("a", 0.0), ("b", 20.0)):
            place = AffineModel2D([[1.0, 0.0, x], [0.0, 1.0, 0.0]])
            edit.put([TileRecord(tile_id=name, z=1, width=10, height=5, transforms=[place])])
    section = stack.section(1)

    with gateway.counting() as requests:
        facts = (section.tile_count, section.bounds, section.bounds)

    assert facts == (2, Bounds(0, 0, 30, 5), Bounds(0, 0, 30, 5))
    assert requests.count("section.tile_bounds") == 1
