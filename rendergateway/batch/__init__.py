"""Work over many tiles, without a JVM."""
