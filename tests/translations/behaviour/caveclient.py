"""Checks of from-caveclient.md."""

CAVECLIENT: dict[str, str] = {
    "`CAVEclient(datastack, server_address, auth_token_file=…, max_retries=…, pool_maxsize=…)`": """
with without_requests():
    g = $1
assert (g.default_owner, g.settings.retries.total, g.settings.pool_size) == ("o", 5, 32)
assert Gateway("https://render.example.org").default_project is None
assert raised(lambda: Gateway("https://render.example.org", max_retries=5)) == "TypeError"
""",
    "lazy subclients: `client.info`, `client.materialize`, …": """
assert "match.group_ids" in [one.name for one in $1]
assert $2 == ["0.0", "1.0", "2.0", "3.0", "4.0"]
""",
    "token: argument, server's file, `cave-secret.json`": """
with MisbehavingServer(answers([])) as server:
    g = Gateway(server.url, $1)
    assert raised(lambda: g.call("owner.list")) == "CredentialsError"
    assert server.requests == []
    write_secret("t.json", "abc")
    g.call("owner.list")
    assert server.requests[0].headers["Authorization"] == "Bearer abc"
    g.close()
""",
    "`save_token`, `setup_token`, command line": """
with MisbehavingServer(answers([])) as server:
    os.environ["RENDERGATEWAY_SERVICE"] = server.url
    assert "are stored in" in command("$1 --token-stdin", typed="good")
    assert server.requests[0].headers["Authorization"] == "Bearer good"
    assert "Deleted" in command("$2")
""",
    "`change_auth(file, key, token)`": """
write_secret("new.json", "new")
with MisbehavingServer(answers([])) as server:
    gateway = Gateway(server.url)
    owners = gateway.owners()
    $1
    other = $2
    owners.ids, other.call("owner.list"), gateway.call("owner.list")
    sent = [one.headers["Authorization"].split()[0] for one in server.requests]
    assert sent == ["Bearer", "Basic", "Bearer"]
    gateway.close()
""",
    "server address from the datastack, remembered in a file": """
path = Path(os.environ["RENDERGATEWAY_CONFIG"])
path.write_text('[profiles.microscopy]\\nservice = "https://render.example.org"\\n')
before = path.read_bytes()
assert $1.server == "https://render.example.org/render-ws/v1"
assert path.read_bytes() == before
""",
    "`info_cache`, `refresh_stored_data()`": """
stack.load()
sent = pickle.dumps(stack)
with without_requests():
    assert pickle.loads(sent).state == "COMPLETE"
with gateway.counting() as requests:
    $1
assert requests == ["stack.read"]
""",
    "`set_session_defaults(max_retries=…, backoff_factor=…)`": """
os.environ["RENDERGATEWAY_SERVICE"] = "https://render.example.org"
settings = $1.settings
assert (settings.retries.total, settings.timeout_s, settings.budget_s) == (5, 10, 900)
assert raised(lambda: setattr(settings, "timeout_s", 1)) == "FrozenInstanceError"
for name, count in (("stack.create", 1), ("stack.save_tiles", 3)):
    with MisbehavingServer(says(503)) as server:
        g = Gateway(server.url, owner="o", project="p", retries=Retries(total=2, backoff_s=0.001))
        assert raised(lambda: g.call(name, owner="o", project="p", stack="s", body={})) == "ServerError"
        assert len(server.requests) == count
        g.close()
""",
    "`client.version = n`, timestamps": """
def change_while_reading():
    $1
        fixed.sections().ids
        with gateway.using().stack("montage").editing():
            pass
        fixed.section(2).tiles().ids
assert raised(change_while_reading) == "StaleStackError"
""",
    "`desired_resolution`": """
assert list($1) == [4 * side for side in tile.bounds]
assert list(($2).min_x_nm) == [4 * one.bounds.min_x for one in section.tiles()]
""",
    "`handle_response`, `HTTPError` with raw bytes": """
try:
    gateway.stack("missing").load()
$1
assert "does not exist" in shown[0][0]
with MisbehavingServer(redirects("https://login.example.org/")) as server:
    g = Gateway(server.url)
    try:
        g.call("owner.list")
    except AddressError as redirected:
        assert "https://login.example.org/" in str(redirected)
    g.close()
""",
    "API version negotiation": """
assert isinstance($1, dict)
assert "/v1" in Gateway("https://render.example.org").server
""",
    "pandas output with `.attrs`": """
assert isinstance(($1).box, np.ndarray) and isinstance(($2).z, np.ndarray)
assert list(($3).tile_id) == section.tiles().ids
""",
    "`TTLCache` of 12 to 24 hours": """
with gateway.counting() as requests:
    stack.state, stack.state
    stack.update(cycle=(2, 1))
    stack.state, stack.state
    $1, stack.state
assert requests == ["stack.read", "stack.set_cycle", "stack.read", "stack.read"]
""",
    "`client.materialize.tables.name(filters).query()`": """
assert ($1).ids == [f"s{z}_r0_c0" for z in (1, 2, 3)]
assert ($2).ids == section.tiles().ids
""",
    "`homepage`, `build_neuroglancer_url`": """
gateway.public_url = "http://render.example.org:8080/render-ws/v1"
tile.load(), stack.load()
with without_requests():
    state = neuroglancer_state($1)
    assert state["layers"][0]["source"] == "render://http://render.example.org:8080/lab/cortex/montage"
    assert $2.startswith("https://catmaid.example.org/?pid=lab__cortex&sid0=montage")
    assert $3.startswith("http://render.example.org:8080/render-ws/view/tile-layer.html?")
""",
    "timestamps": """
assert ($1).utcoffset() == ($2).utcoffset() == timedelta(0)
""",
    "staged writes: `stage_annotations`, `add`, upload state": """
tiles = [TileRecord(tile_id="new", z=7, width=512, height=512, transforms=[AffineModel2D()])]
small = [tiles[0].evolve(tile_id="small", width=9)]
$1
assert stack.tile("new").exists and stack.state == "COMPLETE"
tiles = small
try:
    $1
except RecordError as error:
    assert "no tile was put" in error.__notes__[0]
assert not stack.tile("small").exists and stack.state == "COMPLETE"
""",
    "`CAVEclientMock`": """
assert hasattr(pytest_rendergateway, "$1") and hasattr(pytest_rendergateway, "$2")
""",
    "documentation: tutorial, glossary, changelog": """
assert (ROOT / "$1" / "records.md").is_file()
with contextlib.redirect_stdout(io.StringIO()) as shown:
    $2
assert "A connection to one service" in shown.getvalue()
""",
    "`repr`": """
with without_requests():
    assert "lab/cortex" in $1
gateway.change_auth(("me", "secret"))
assert "secret" not in $1
""",
    "pickling, with the token inside": """
stack = Gateway("localhost:1", owner="o", project="p", auth=("me", "secret")).stack("s")
sent = $1
assert b"secret" not in sent
elsewhere = [sys.executable, "-c", "import pickle, sys; pickle.load(sys.stdin.buffer).load()"]
assert b"CredentialsError" in subprocess.run(elsewhere, input=sent, capture_output=True).stderr
write_secret("t.json", "secret")
gateway.change_auth(TokenFile("t.json"))
stack = gateway.stack("montage")
assert b"secret" not in $1
""",
}
