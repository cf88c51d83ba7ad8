"""Checks of from-mibitracker.md."""

MIBITRACKER: dict[str, str] = {
    "`MibiRequests(url, email, password, token=…, refresh=300, retries=3, session_timeout=10, "
    "data_transfer_timeout=30)`": """
with without_requests():
    g = $1
assert (g.settings.timeout_s, g.settings.data_timeout_s, g.settings.budget_s) == (10, 30, 900)
assert "secret" not in f"{g!r} {g.auth!r}"
""",
    "retries, including those of POST": """
assert $1.backoff_s == 0.3
quick = Retries(total=$1.total, statuses=$1.statuses, backoff_s=0.001)
with MisbehavingServer(answers({}), says(503, "busy")) as server:
    with Gateway(server.url, owner="o", project="p", retries=quick) as g:
        try:
            g.call("owner.list")
        except ServerError as error:
            assert (error.attempts, error.server_message) == (4, "busy")
        assert raised(lambda: g.call("stack.create", owner="o", project="p", stack="s", body={})) == "ServerError"
    assert [one.method for one in server.requests] == ["GET"] + 4 * ["GET"] + ["POST"]
""",
    "`StatusCheckedSession(timeout=10)`": """
with MisbehavingServer(keeps_silent) as server:
    g = Gateway(server.url, owner="o", project="p", data_timeout_s=0.01, retries=0)
    for call in (g.call, g.call_raw):
        assert raised(lambda: call("owner.list")) == "TimedOutError"
    assert raised(lambda: g.request("GET", "owners")) == "TimedOutError"
    g.close()
""",
    "`HTTPError(message, parsed_json)`": """
try:
    gateway.stack("missing").load()
$1
assert shown[0][0] == 404 and "does not exist" in shown[0][1]
""",
    "token refresh every five minutes, `refresh()`": """
tokens = ["one", "two", "three"]
fetch = lambda: tokens.pop(0)
with MisbehavingServer(answers([]), says(401), answers([])) as server:
    gateway = Gateway(server.url, $1)
    gateway.call("owner.list"), gateway.call("owner.list")
    $2
    gateway.call("owner.list")
    sent = [one.headers["Authorization"] for one in server.requests]
    assert sent == ["Bearer one", "Bearer one", "Bearer two", "Bearer three"]
    gateway.close()
""",
    "`get(route)`, `post`, `put`, `delete`": """
with MisbehavingServer(answers(["lung"])) as server:
    gateway = Gateway(server.url)
    assert $1 == ["lung"]
    assert server.requests[-1].path.endswith("/tissues?organ=a%26b")
    gateway.close()
""",
    "`download_file(path)`": """
assert $1[:4] == b"\\x89PNG"
assert $2[:4] == b"\\x89PNG"
with MisbehavingServer(sends(b"<html>login</html>", content_type="text/html")) as server:
    g = Gateway(server.url, owner="o", project="p")
    assert raised(lambda: g.call_raw("section.png", owner="o", project="p", stack="s", z=1)) == "AnswerError"
    g.close()
with MisbehavingServer(sends(b"short", content_type="image/png", length=100)) as server:
    g = Gateway(server.url, owner="o", project="p", retries=0)
    assert raised(lambda: g.call_raw("section.png", owner="o", project="p", stack="s", z=1)) is not None
    g.close()
""",
    "`upload_mibitiff`, `upload_channel`": """
Path("lens.json").write_text(json.dumps([stack.shared_transforms["lens"].to_spec()]))
write_tiles("tiles.json.gz", section.tiles().records())
write_tiles("more.ndjson", [TileRecord(tile_id="more", z=7, width=9, height=9, transforms=[AffineModel2D()])])
with gateway.create_stack("s").editing() as edit:
    $1
    $2
assert gateway.stack("s").tile_count == 3
""",
    "`search_runs`, `run_images`, `image_id(run, fov)`": """
assert list($1) == [stack]
assert $2 == stack.tile("s2_r0_c1")
assert raised(lambda: section.tiles().one()) == "MultipleFoundError"
assert raised(lambda: section.tiles().filter(image_row=9).one()) == "NotFoundError"
""",
    "`copy_run`, `copy_run_image_metadata(**overrides)`": """
assert $1.sections().ids == [101, 102, 103]
assert $2.sections().ids == [1, 2, 3]
""",
    "`get_mibi_image`, `get_channel_data`": """
tile = two_channels()
assert ($1).shape == (512, 512)
try:
    tile.image(channel="GFP")
except MissingChannelError as error:
    assert "DAPI" in str(error)
""",
    "`create_imageset`": """
tiles = section.tiles()[:1]
with stack.editing() as edit:
    $1
assert type($2).__name__ == "TileGroupWrapper" and $2.tiles().ids == ["s2_r0_c0"]
""",
    "tests that patch the session": """
with $1 as server:
    g = Gateway(server.url, retries=Retries(backoff_s=0.001))
    assert g.call("owner.list") == [] and len(server.requests) == 2
    g.close()
""",
}
