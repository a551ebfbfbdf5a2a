"""Foreign request formats ↔ canonical requests; pure, one file each.

A parcel whose `type` is a name in `DIALECTS` carries that vendor's body, unchanged. Whatever comes
after `parse` sees only the canonical form.
"""

from collections.abc import Mapping
from types import MappingProxyType

from daemon.dialects import smsby
from daemon.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType({smsby.DIALECT.name: smsby.DIALECT})
"""The dialects that this daemon speaks, by the `type` of their parcels."""
