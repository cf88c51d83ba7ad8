"""Image files: opening, decoding, mipmap levels."""
