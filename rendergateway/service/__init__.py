"""
The embedded service: the HTTP protocol of render-ws over one SQLite file.

`base` < `store` < `domain` < `http` < `handlers` < `app` < `serve` and `embedded`; each imports only those before it.
The service imports `endpoints`, `wire`, `transforms`, `rendering` and the common modules, and nothing of the client.
"""
