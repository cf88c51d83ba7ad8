"""The page that a browser shows at the address of the service."""

from __future__ import annotations

from rendergateway.version import __version__

__all__ = ["start_page"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>rendergateway</title></head>
<body>
<h1>rendergateway {version}</h1>
<p>This is the embedded service of rendergateway: it speaks the HTTP protocol of render-ws.</p>
<ul>
<li><a href="/render-ws/v1/owners">Owners</a> of stacks, as JSON</li>
<li><a href="/render-ws/swagger.json">All endpoints</a>, as an OpenAPI description</li>
<li><a href="/render-ws/v1/versionInfo">Version</a></li>
</ul>
<p>In Python: <code>rendergateway.Gateway("{base_url}/render-ws")</code></p>
</body>
</html>
"""


def start_page(base_url: str) -> str:
    """Return the page; *base_url* is scheme and host of the request, escaped."""
    return _PAGE.format(version=__version__, base_url=base_url)
