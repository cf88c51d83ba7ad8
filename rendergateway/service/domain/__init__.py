"""What the service computes, free of HTTP."""
