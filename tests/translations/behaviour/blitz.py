"""Checks of from-blitz.md."""

CONNECTION: dict[str, str] = {
    "`BlitzGateway(user, password, host=, port=, …)`": """
with without_requests():
    g = $1
assert "secret" not in f"{g!r} {g.auth!r}"
assert raised(lambda: Gateway("localhost:4064", "o")) == "TypeError"
""",
    "`connect()`": """
assert $1 is gateway
with refused_url() as url:
    assert raised(lambda: Gateway(url, retries=0).connect()) == "ConnectionFailedError"
with MisbehavingServer(answers({})) as server:
    g = Gateway(server.url, auth=("me", "secret")).connect()
    assert len(server.requests) == 1
    g.close()
""",
    "credentials in unicode": """
with MisbehavingServer(answers([])) as server:
    g = Gateway(server.url, $1)
    g.call("owner.list")
    assert b64decode(server.requests[0].headers["Authorization"][6:]).decode() == "Jürgen:geheim"
    g.close()
""",
    "`getLastError()`": """
try:
    gateway.stack("missing").load()
$1:
    assert error.url.endswith("/missing") and "does not exist" in error.server_message
""",
    "`isConnected()`": """
assert $1 is False
assert $2 is gateway
gateway.close()
assert $1 is True
""",
    "`with BlitzGateway(…) as conn`": """
$1:
    assert conn.owners().ids == []
assert conn.is_closed
with refused_url() as url:
    assert raised(Gateway(url, retries=0).__enter__) == "ConnectionFailedError"
with gateway.using(project="p"):
    pass
assert not gateway.is_closed
""",
    "`close(hard=True)`": """
$1, $1
assert raised(lambda: gateway.stacks().ids) == "ClosedGatewayError"
assert gateway.connect().stacks().ids == ["montage"]
""",
    "`seppuku()`": """
$1
assert gateway.is_closed
""",
    "`keepAlive()`": """
def answers_and_hangs_up(line):
    answers(["lab"])(line)
    line.hang_up()
with MisbehavingServer(answers_and_hangs_up) as server:
    g = Gateway(server.url)
    assert [g.call("owner.list"), g.call("owner.list")] == [["lab"], ["lab"]]
    g.close()
""",
    "`clone()`, `suConn(user)`": """
other = $1
assert other.auth is not None and gateway.auth is None
assert other.stack("montage") == stack
""",
    "`setGroupForSession`, `SERVICE_OPTS`": """
assert $1.stack("s")._key == ("other", "p", "s")
assert $2._key == ("other", "cortex", "s")
assert (gateway.default_owner, gateway.default_project) == ("lab", "cortex")
""",
    "`isSecure`, `setSecure`, `useragent`, `userip`": """
g = $1
assert (g.server[:6], g.settings.headers["User-Agent"]) == ("https:", "mine")
assert raised(lambda: setattr(g, "server", "http://h")) == "AttributeError"
""",
    "`getEventContext`, `getUser`, `isAdmin`, …": """
assert ($1, $2[:9], type($3)) == ("lab", "embedded:", dict)
""",
    "`getClientSettings`, `getMaxPlaneSize`, …": """
assert isinstance($1, dict)
with MisbehavingServer(says(500, "no properties")) as server:
    gateway = Gateway(server.url, retries=0)
    assert raised(lambda: $1) == "ServerError"
    gateway.close()
""",
    "`canCreate()`": """
assert $1.state == "LOADING"
with MisbehavingServer(says(404, "no such stack"), says(403, "not you")) as server:
    gateway = Gateway(server.url, owner="o", project="p")
    assert raised(lambda: $1) == "AuthenticationError"
    gateway.close()
""",
    "`getProperty(key)`": """
assert ($1[:9], $2) == ("embedded:", "cortex")
""",
}

FINDING: dict[str, str] = {
    '`getObject("Project", oid)`': """
assert $1 is gateway.stack("montage") and $1.is_loaded
assert gateway.getObject("Stack", "missing") is None
assert raised(lambda: gateway.getObject("Image", "a")) == "ValueError"
with without_requests():
    missing = gateway.stack("missing")
assert raised(lambda: missing.state) == "NotFoundError"
""",
    '`getObjects("Image", …)`': """
found = $1
assert len(found) == 1 and list(found) == list(found) == [stack]
assert raised(lambda: gateway.getObjects("Image")) == "ValueError"
""",
    "`buildQuery`, `_getQueryString`": """
assert [one["stackId"]["stack"] for one in $1] == ["montage"]
""",
    "`opts` of a query: `limit`, `offset`, `order_by`, `load_…`": """
tiles = stack.tiles()
assert list($1) == [stack]
assert [one.z for one in $2] == [2, 3]
assert [one.z for one in $3] == [3, 3, 2, 2, 1, 1]
assert raised(lambda: gateway.stacks(stat="COMPLETE")) == "TypeError"
""",
    "`buildCountQuery`": """
assert ($1, $2) == (3, 6)
with gateway.counting() as requests:
    assert [one.tile_count for one in gateway.owner().stacks()] == [6]
assert requests == ["stack.list"]
""",
    "`listProjects`, `listScreens`, `listOrphans`": """
assert ($1.ids, $2.ids, $3.ids) == (["cortex"], ["lab"], ["montage"])
""",
    "`searchObjects(types, text)`": """
assert $1.ids == ["montage"]
assert $2.ids == ["s1_r0_c1", "s2_r0_c1", "s3_r0_c1"]
""",
    "`timelineListImages`, `getObjectsByMapAnnotations`": """
for since, found in ((datetime(2020, 1, 1, tzinfo=timezone.utc), [stack]), (stack.modified, [])):
    assert eval("$1") == found
""",
    "`countAnnotations`, `getAnnotationCounts`": """
with stack.editing() as edit:
    edit.put([tile._obj.evolve(labels=["good"]) for tile in section.tiles()])
assert $1 == {"good": 2}
""",
}

OBJECTS: dict[str, str] = {
    "`_obj`, `_conn`, `_oid`": """
with without_requests():
    assert ($2, $3) == (gateway, "s2_r0_c0")
with gateway.counting() as requests:
    assert $1.tile_id == "s2_r0_c0" and $1 is $1
assert requests == ["tile.read"]
""",
    "`__init__(conn, obj, cache)`": """
conn, obj = gateway, tile._obj
record = obj
with without_requests():
    assert $1.bounds == $2.bounds == tile.bounds
""",
    "`__bstrap__`, `__prepare__`, `__reset__`": """
class MyTile(TileWrapper):
    $1: self.note = extra.get("note", "new")
gateway.register(MyTile)
assert gateway.wrap("tile", tile._key._replace(tile_id="other"), note="given").note == "given"
assert stack.tile("another").note == "new"
class Wrong(TileWrapper):
    def __prepare__(self, other):
        pass
assert raised(lambda: gateway.register(Wrong, replace=True)) == "RegistrationError"
children = section.tiles()
assert section.tiles() is children and section.reload().tiles() is not children
""",
    "`__loadedHotSwap__()`": """
assert $1 is tile and $2 is tile
""",
    "`CHILD_WRAPPER_CLASS`, `OMERO_CLASS`, …": """
assert (SectionWrapper.$1, SectionWrapper.$2, TileWrapper.$3) == ("section", "tile", TileRecord)
""",
    "`listChildren()`": """
with gateway.counting() as requests:
    assert list($1) == list($2) and $2 is stack.sections()
assert requests == ["stack.z_values"]
""",
    "`countChildren()`, `countChildren_cached()`": """
assert $1 == 3
""",
    "`getParent()`, `listParents()`, `getAncestry()`": """
tile = section.tiles()[0]
with without_requests():
    assert $1 == $2 == section
    assert [one.KIND for one in $3] == ["section", "stack", "project", "owner"]
assert raised(lambda: tile.listParents) == "NoAttribute"
""",
    "`getParentLinks`, `getChildLinks`, `findChildByName`": """
assert $1 == $2 and $1.z == 3
""",
    "`w.getX()`, `w.x` through `__getattr__`": """
assert (type($1), $2) == (Bounds, "s2_r0_c0")
with without_requests():
    try:
        stack.tile("s1_r0_c0").bound
    except AttributeError as error:
        assert "bounds" in str(error)
""",
    "`_attrs` mini-language": """
class MyTile(TileWrapper):
    $1
gateway.register(MyTile)
assert {"z", "bounds"} < set(stack.tile("s1_r0_c1").simpleMarshal())
class Wrong(TileWrapper):
    MARSHALLED = ("brightness",)
assert raised(lambda: gateway.register(Wrong, replace=True)) == "RegistrationError"
""",
    "`simpleMarshal(xtra, parents)`": """
assert [one["type"] for one in json.loads(json.dumps($1))["parents"]] == ["section", "stack", "project", "owner"]
assert {tuple(one.simpleMarshal()) for one in stack.tiles()} == {tuple(tile.simpleMarshal())}
""",
    "`save()`, `saveAs()`, `setName()`": """
$2
$3
renamed = $1
assert (renamed.version.cycle_number, renamed.name, renamed.tile_count) == (2, "other", 6)
assert raised(lambda: setattr(renamed, "nam", "other")) == "AttributeError"
""",
    "`canEdit`, `canDelete`, `isOwned`, …": """
assert $1 == "COMPLETE"
try:
    section.delete()
except StackStateError as error:
    assert "LOADING" in str(error)
assert section.reload().tile_count == 2
""",
    "`getDetails`, `getOwner`, `getDate`": """
assert ($1.name, $2.utcoffset(), $3.created.utcoffset()) == ("lab", timedelta(0), timedelta(0))
""",
    "`__eq__`": """
class Mine(StackWrapper):
    pass
a, b = stack, gateway.using(workers=1).stack("montage")
assert $1 and a is not b and {a} == {b}
assert Mine(gateway, stack._obj) == stack
assert stack.rename("other") != stack
""",
    "`__repr__`": """
stack.load()
with without_requests():
    assert repr(stack) == "$1"
""",
    "`_repr_html_`": """
tiles = section.tiles().prefetch()
with without_requests():
    assert "<table" in tiles._repr_html_() and "s2_r0_c0" in tiles[0]._repr_html_()
with gateway.create_stack("s").editing() as edit:
    edit.put([TileRecord(tile_id="<b>", z=1, width=9, height=9, transforms=[AffineModel2D()])])
assert "<b>" not in gateway.stack("s").section(1).tiles().prefetch()._repr_html_()
""",
    "`getPixelSizeX(units=…)`": """
assert ($1, $2) == ((4, 4, 40), 4)
""",
}

ANNOTATIONS: dict[str, str] = {
    "annotations: tags, comments, maps, files": """
assert ($1, $2) == ([], None)
""",
    "`AnnotationWrapper.registry`, `_register`": """
class MyTile(TileWrapper):
    pass
$1
assert type(section.tiles()[0]) is MyTile
""",
}

IMAGES: dict[str, str] = {
    "`renderImage`, `renderJpeg`, `renderJpegRegion`, `setActiveChannels`": """
assert ($1).shape == (100, 150)
tile = two_channels()
assert ($2).shape == (512, 512, 3)
assert raised(lambda: gateway.stack("missing").section(1).image(box=Bounds(0, 0, 9, 9))) == "NotFoundError"
""",
    "`getThumbnail(size)`": """
assert ($1).shape[1] == 96
assert "jpeg-image" in $2
assert raised(lambda: stack.tile("missing").thumbnail()) == "NotFoundError"
""",
    "`getThumbnailSet(ids)`": """
tiles = section.tiles()
assert [picture.shape[1] for picture in $1] == [one.thumbnail().shape[1] for one in tiles]
""",
    "`getPlanes`, `getPlane`, `getTiles`, `getTile`": """
from cv2 import IMREAD_UNCHANGED, imread
stored = imread(tile.image_url.removeprefix("file://"), IMREAD_UNCHANGED)
assert np.array_equal(($1)[:-1, :-1], stored[:-1, :-1])
tile = two_channels()
assert ($2).shape == (512, 512)
""",
    "`getChannels`, `getHistogram`, `getPixelLine`, `createMovie`, `exportOmeTiff`": """
tile = two_channels()
assert [channel.name for channel in $1] == ["DAPI", "TdTomato"]
""",
    "`createImageFromNumpySeq(planes, …)`": """
tiles = [TileRecord(tile_id=name, z=7, width=9, height=9, transforms=[AffineModel2D()]) for name in "aab"]
def put():
    with stack.editing() as edit:
        $1
assert raised(put) == "RecordError" and not stack.tile("a").exists
tiles = tiles[1:]
put()
assert stack.tile("a").exists
""",
}

DELETES: dict[str, str] = {
    "`deleteObjects(spec, ids, dryRun=…)`, `deleteObject(obj)`": """
collection = matches
assert $1.tile_count == 6
stack.set_state("LOADING")
$2
assert stack.sections().ids == [1, 3]
$3
assert gateway.match_collections().ids == ["by_hand"]
""",
    "`wait=True`, `_waitOnCmd`": """
stack.set_state("LOADING")
assert gateway.call("stack.read", **stack._key._asdict())["state"] == "LOADING"
with MisbehavingServer(keeps_silent) as server:
    g = Gateway(server.url, budget_s=0.01)
    assert raised(lambda: g.call("owner.list")) == "TimedOutError"
    g.close()
""",
    "`CmdCallbackI(client, handle)`": """
tiles = [one._obj for one in section.tiles()]
with stack.editing() as edit:
    $1
assert shown[-1] == (2,)
""",
    "`chmodGroup`, `chgrpObjects`, `chownObjects`": """
assert raised(lambda: stack.rename("a/b/c/d")) == "ConfigurationError"
moved = $1
assert moved._key == ("other", "cortex", "montage") and not stack.exists
""",
}

SERVICES: dict[str, str] = {
    "`getQueryService()` and 23 others": """
assert $1["tileId"] == "s2_r0_c0"
assert "tile.read" in [one.name for one in $2]
""",
    "`SafeCallWrapper`": """
seen = []
$1.on_response.append(seen.append)
gateway.stack("montage").reload()
assert [(one.endpoint, one.status) for one in seen] == [("stack.read", 200)]
""",
}

REGISTRATION: dict[str, str] = {
    "`KNOWN_WRAPPERS`, `refreshWrappers()`": """
before = section.tiles()[0]
class MyTile(TileWrapper):
    pass
$1
assert type(stack.tile("s3_r0_c0")) is MyTile and type(before) is TileWrapper
original = rendergateway.TileWrapper
try:
    $2
    with Gateway("embedded:", owner="o", project="p") as other:
        assert type(other.stack("s").tile("t")) is MyTile
finally:
    rendergateway.TileWrapper = original
    refreshWrappers()
""",
    "names imported before": """
tile.load()
class MyStack(StackWrapper):
    pass
gateway.register(MyStack)
gateway.owner().stacks()
assert type(gateway.stack("another")) is MyStack and type(stack) is StackWrapper
assert type(gateway.stack("another").tile("t").stack) is MyStack
""",
    "`AnnotationWrapper._wrap` as a class": """
assert raised(lambda: gateway.register(dict)) == "RegistrationError"
""",
}

WEB: dict[str, str] = {
    "a layer of mixins over nine wrappers, assigned to the module": """
class Mixin:
    def shout(self):
        return self.name.upper()
$1:
    pass
gateway.register(LabTile)
assert stack.tile("s3_r0_c1").shout() == "S3_R0_C1"
with Gateway("embedded:", owner="o", project="p") as other:
    assert type(other.stack("s").tile("t")) is TileWrapper
""",
    "a connection per request, closed after the view": """
with ThreadPoolExecutor(4) as pool:
    assert set(pool.map(lambda _: gateway.stack("montage").reload().state, range(16))) == {"COMPLETE"}
assert gateway.using(auth=("user", "secret")).auth is not None
""",
    "`{{ obj.getOwner.getFullName }}`, `{% for d in c.listParents %}`": """
assert in_django("$1", tile=tile) == "lab"
assert in_django("$2{{ s.z }};{% endfor %}{{ stack.delete }}", stack=stack) .startswith("1.0;2.0;3.0;")
assert stack.exists
""",
    "dicts by hand, `marshal.py`": """
tiles = section.tiles()
found = json.loads($1.content)
assert [one["id"] for one in found["tiles"]] == tiles.ids
""",
    "trees and lists around the wrappers, for speed": """
with gateway.counting() as requests:
    tiles = section.tiles()
    assert [one.bounds for one in tiles][0] is not None
assert requests == ["section.resolved_tiles"]
""",
}

BLITZ = CONNECTION | FINDING | OBJECTS | ANNOTATIONS | IMAGES | DELETES | SERVICES | REGISTRATION | WEB
