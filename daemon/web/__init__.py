"""The HTTP faces. Today the one for machines: health, metrics, version. aiohttp stays here."""
