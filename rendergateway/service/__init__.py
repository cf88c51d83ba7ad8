"""An embedded service that answers as render-ws does, over one SQLite file."""
