"""
One call of each feature, with the extra it needs; run on its own, against the installed distribution only.

``python -I features.py SERVICE FOLDER`` prints a JSON object: per feature, null if it works, or the error raised.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rendergateway import Gateway

__all__ = ["FEATURES", "Feature", "Place"]


class Place(NamedTuple):
    """Context of a feature."""

    service: str  # a served service that has lab/cortex/montage with images, and the match collection "truth"
    files: Path  # volume.h5, volume.zarr, image.png, render.db
    folder: Path  # for whatever is written


class Feature(NamedTuple):
    """A call and the extras it requires; the error names the first missing one."""

    extras: tuple[str, ...]
    run: Callable[[Place], object]


FEATURES: dict[str, Feature] = {}


def feature(*extras: str) -> Callable[[Callable[[Place], object]], Callable[[Place], object]]:
    def kept(run: Callable[[Place], object]) -> Callable[[Place], object]:
        FEATURES[run.__name__] = Feature(extras, run)
        return run

    return kept


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Gateway]:
    from rendergateway import Gateway

    with Gateway(place.service, owner="lab", project="cortex") as gateway:
        yield gateway


def command(*words: str | os.PathLike[str], given: str = "") -> str:
    """Run the command; if it fails, raise an error with its message."""
    words = ("-I", "-m", "rendergateway.cli", *words)
    done = subprocess.run([sys.executable, *words], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(error_of(done.stderr))
    return done.stdout


def error_of(said: str) -> str:
    """Return the error message without its notes, or the whole output if none is found."""
    lines = said.splitlines()
    return next((line for line in lines if line.startswith(("rendergateway: ", "the rendergateway command "))), said)


# -- the core ----------------------------------------------------------------------------------------------------


@feature()
def navigation(place: Place) -> None:
    with opened(place) as gateway:
        tile = gateway.stack("montage").section(2).tiles()[0]
        assert tile.bounds is not None
        assert tile.bounds.area > 512**2
        assert tile.world_from_local([[0, 0]]).shape == (1, 2)
        assert tile.world_from_local([[0, 0]], compute="service").shape == (1, 2)
        assert gateway.match_collection("truth").pairs()[0].p.shape[1] == 2


@feature()
def tables_as_columns(place: Place) -> None:
    with opened(place) as gateway:
        assert len(gateway.stack("montage").section(1).tiles().table().box) == 4
        assert len(gateway.match_collection("truth").table().p)
        assert gateway.stacks().table()["state"] == ["COMPLETE"]


@feature()
def writing(place: Place) -> None:
    from rendergateway import TileRecord
    from rendergateway.transforms import AffineModel2D

    with opened(place) as gateway, gateway.temporary_stack() as stack:
        with stack.editing() as edit:
            edit.put([TileRecord(tile_id="a", z=1, width=9, height=9, transforms=[AffineModel2D()])])
        assert stack.tile_count == 1


@feature()
def files_of_tiles(place: Place) -> None:
    from rendergateway import TileRecord, read_tiles, write_tiles

    write_tiles(place.folder / "tiles.json.gz", [TileRecord(tile_id="a", z=1, width=9, height=9)])
    assert [tile.tile_id for tile in read_tiles(place.folder / "tiles.json.gz")] == ["a"]


@feature()
def fits(place: Place) -> None:
    from rendergateway import transforms

    corners = [[0, 0], [9, 0], [0, 9], [9, 9], [4, 5]]
    for fit in (transforms.fit_affine, transforms.fit_homography, transforms.fit_thin_plate_spline):
        assert abs(fit(corners, corners).apply(corners) - corners).max() < 1e-6


@feature()
def profiles(place: Place) -> None:
    from rendergateway import Gateway

    file = place.folder / "config.toml"
    file.write_text(f'[profiles.here]\nservice = "{place.service}"\n')
    os.environ["RENDERGATEWAY_CONFIG"] = str(file)
    try:
        with Gateway.from_profile("here") as gateway:
            assert gateway.owners().ids == ["lab"]
    finally:
        del os.environ["RENDERGATEWAY_CONFIG"]


@feature()
def addresses_of_pictures(place: Place) -> None:
    with opened(place) as gateway:
        assert gateway.stack("montage").section(1).url().startswith("http")


@feature()
def progress(place: Place) -> None:
    from rendergateway.progress import tracking

    with tracking(True, "Working", 2) as tell:
        tell(2)


@feature()
def misbehaving_server(place: Place) -> None:
    from rendergateway import Gateway
    from rendergateway.testing.misbehaving import MisbehavingServer, answers

    with MisbehavingServer(answers(["lab"])) as server, contextlib.closing(Gateway(server.url)) as gateway:
        assert gateway.owners().ids == ["lab"]


# -- cli ---------------------------------------------------------------------------------------------------------


@feature("cli")
def command_help(place: Place) -> None:
    assert "tree" in command("--help")


@feature("cli")
def command_tree(place: Place) -> None:
    assert "3 sections" in command("tree", "lab/cortex/montage", "--service", place.service)


@feature("cli")
def command_info(place: Place) -> None:
    words = ("lab/cortex/montage", "--service", place.service)
    assert "in 3 sections" in command("info", *words)
    assert "sections: 3 sections" in command("doctor", *words, "--images", "none")


@feature("cli")
def command_load(place: Place) -> None:
    file = place.folder / "load.json"
    file.write_text('[{"tileId": "a", "z": 1, "width": 9, "height": 9}]')
    words = ("--stack", "lab/other/loaded", "--replace", "--service", place.service)
    assert "1 tile" in command("load", file, *words)


@feature("cli")
def command_config(place: Place) -> None:
    assert place.service in command("config", "show", "--service", place.service)


@feature("cli")
def command_login(place: Place) -> None:
    words = ("--token-stdin", "--service", place.service)
    assert "are stored" in command("login", *words, given="secret")
    assert "Deleted" in command("login", "--forget", "--service", place.service)


@feature("cli")
def command_upkeep(place: Place) -> None:
    assert "no damage" in command("check", place.files / "render.db")


@feature("catalogue")
def pages(place: Place) -> None:
    from rendergateway import Gateway
    from rendergateway.catalogue import application

    with contextlib.closing(Gateway(place.service)) as gateway:
        browser = application(gateway).test_client()
        assert browser.get("/owner/lab/project/cortex/stack/montage/z/1.0/").status_code == 200


@feature("cli", "catalogue")
def command_catalogue(place: Place) -> None:
    words = ("-I", "-m", "rendergateway.cli", "catalogue", "--port", "0", "--service", place.service)
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if not process.stdout.readline():
            raise RuntimeError(error_of(process.stderr.read()))
        process.send_signal(signal.SIGINT)


@feature("cli", "service")
def command_picture(place: Place) -> None:
    words = ("--z", "1", "--scale", "0.1", "-o", place.folder / "command.png", "--service", place.service)
    assert "pixels" in command("picture", "lab/cortex/montage", *words)


@feature("cli", "service")
def command_export(place: Place) -> None:
    words = ("--scale", "0.1", "--to", place.folder / "command", "--service", place.service)
    assert "3 pictures" in command("export", "lab/cortex/montage", *words)


@feature("cli", "service")
def command_for_a_file(place: Place) -> None:
    assert "montage" in command("tree", "--service", f"embedded:{place.files / 'render.db'}")


@feature("cli", "service", "alignment")
def command_demo(place: Place) -> None:
    try:
        assert "What next" in command("demo", place.folder / "demo")
    except RuntimeError:
        assert not (place.folder / "demo").exists()
        raise


@feature("cli", "service")
def command_serve(place: Place) -> None:
    words = ("-I", "-m", "rendergateway.cli", "serve", "--memory", "--port", "0")
    with subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if not process.stdout.readline():
            raise RuntimeError(error_of(process.stderr.read()))
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


# -- service -----------------------------------------------------------------------------------------------------


@feature("service")
def embedded_service(place: Place) -> None:
    from rendergateway import Gateway

    with Gateway("embedded:", owner="o", project="p") as gateway:
        assert gateway.create_stack("new").state == "LOADING"


@feature("service")
def served_service(place: Place) -> None:
    from rendergateway.service.app import app_for

    app_for(place.folder / "app.db").database.close()


@feature("service")
def made_up_images(place: Place) -> None:
    from rendergateway.testing import make_stack

    with opened(place) as gateway:
        name = "lab/other/made_up"
        make_stack(gateway, name, sections=1, rows=1, columns=1, images=place.folder / "images").delete()


@feature("service")
def picture(place: Place) -> None:
    with opened(place) as gateway:
        assert gateway.stack("montage").section(1).image(scale=0.1).shape


@feature("service")
def picture_drawn_here(place: Place) -> None:
    with opened(place) as gateway:
        assert gateway.stack("montage").section(1).image(scale=0.1, compute="local").shape


@feature("service")
def slice_across(place: Place) -> None:
    with opened(place) as gateway:
        assert len(gateway.stack("montage").cross_section(axis="xz", at=300, scale=0.1)) == 3


@feature("service")
def thumbnail(place: Place) -> None:
    with opened(place) as gateway:
        assert gateway.stack("montage").section(1).tiles()[0].thumbnail(width=50).shape[1] == 50


def saved(suffix: str, place: Place) -> None:
    import numpy as np

    from rendergateway.rendering.output.encoding import file_bytes

    assert file_bytes(np.zeros((9, 9), dtype=np.uint8), None, suffix)


for suffix in ("jpg", "png", "tif"):
    FEATURES[f"picture_as_{suffix}"] = Feature(("service",), functools.partial(saved, suffix))


@feature("service")
def reading_tiff(place: Place) -> None:
    from rendergateway.rendering.images.decoding import decoded

    assert decoded(place.files / "image.tif").shape == (9, 9)


@feature("service")
def export(place: Place) -> None:
    with opened(place) as gateway:
        assert gateway.stack("montage").export(place.folder / "export", scale=0.1).drawn == 3


@feature("service")
def check_of_images(place: Place) -> None:
    with opened(place) as gateway:
        assert len(gateway.stack("montage").check_images(z=1)) == 0


@feature("service")
def import_of_images(place: Place) -> None:
    from rendergateway.batch.importers import import_images

    table = place.folder / "positions.csv"
    table.write_text("image,x,y\nimage.png,0,0\n")
    with opened(place) as gateway:
        stack = gateway.stack("lab/other/imported")
        assert import_images(stack, place.files / "*.png", positions=table, z=1, existing="append").tile_count == 1


@feature("service")
def ransac(place: Place) -> None:
    from rendergateway.transforms import fit_affine, fit_ransac

    corners = [[0, 0], [9, 0], [0, 9], [9, 9], [4, 5]]
    assert fit_ransac(fit_affine, corners, corners)[1].all()


@feature("service")
def matching(place: Place) -> None:
    with opened(place) as gateway:
        pairs = gateway.stack("montage").tile_pairs(z=1, z_distance=0)
        target = place.folder / "matches.json"
        collection = gateway.match_collection("derived")
        collection.derive(pairs, workers=1, to=target, filter=False, min_scale=0.2, epsilon_px=3.0)


@feature("dask")
def matching_elsewhere(place: Place) -> None:
    from distributed import LocalCluster

    from rendergateway.wrappers.matching.runners import runner

    cluster = LocalCluster(  # type: ignore[no-untyped-call]
        protocol="tcp://", host="127.0.0.1", n_workers=1, processes=False, dashboard_address=None
    )
    with cluster, runner(1, cluster.scheduler_address) as runs:
        assert list(runs.match([])) == []


# -- alignment -----------------------------------------------------------------------------------------------------


@feature("alignment")
def solve(place: Place) -> None:
    with opened(place) as gateway:
        stack, matches = gateway.stack("montage"), gateway.match_collection("truth", frame="raw")
        stack.solve(matches, "solved", z=1).stack.delete()


# -- tables, remote, volumes -------------------------------------------------------------------------------------


@feature("tables")
def frame_of_tiles(place: Place) -> None:
    with opened(place) as gateway:
        table = gateway.stack("montage").section(1).tiles().table()
        assert len(type(table).from_pandas(table.to_pandas())) == len(table)


@feature("tables")
def frame_of_matches(place: Place) -> None:
    with opened(place) as gateway:
        table = gateway.match_collection("truth").table()
        assert len(type(table).from_pandas(table.to_pandas())) == len(table)


@feature("tables")
def frame_of_coordinates(place: Place) -> None:
    from rendergateway import CoordinateTable

    assert len(CoordinateTable.from_json('[{"tileId": "a", "local": [1.0, 2.0, 1.0]}]').to_pandas()) == 1


@feature("tables")
def frame_of_rows(place: Place) -> None:
    with opened(place) as gateway:
        assert len(gateway.stacks().table().to_pandas()) == 1


@feature("plots")
def plot_of_tiles(place: Place) -> None:
    from rendergateway.plots import tile_map

    with opened(place) as gateway:
        assert tile_map(gateway.stack("montage").section(1).tiles().table()).get_xlabel() == "x (px)"


@feature("remote")
def image_elsewhere(place: Place) -> None:
    from rendergateway.rendering import ImageOpener

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(place.files))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            found = ImageOpener(remote=True)(f"http://127.0.0.1:{server.server_port}/image.png")
        finally:
            server.shutdown()
    assert found == (place.files / "image.png").read_bytes()


@feature("volumes")
def slice_of_hdf5(place: Place) -> None:
    from rendergateway.rendering.images.volumes import volume_slice

    assert volume_slice(place.files / "volume.h5", "dataSet=/s0&z=1", "H5_SLICE").shape == (3, 4)


@feature("volumes")
def slice_of_zarr(place: Place) -> None:
    from rendergateway.rendering.images.volumes import volume_slice

    assert volume_slice(place.files / "volume.zarr", "dataSet=/s0&z=1", "N5_SLICE").shape == (3, 4)


def outcome(run: Callable[[Place], object], place: Place) -> str | None:
    try:
        run(place)
    except Exception as error:  # any error that a user would see
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    here = Place(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    print(json.dumps({name: outcome(one.run, here) for name, one in FEATURES.items()}))
