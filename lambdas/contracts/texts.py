"""The bodies of HTTP responses that are text and not JSON."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class TextReply(Struct, frozen=True):
    """A response body of `media_type`, which every reply names as it stands here. `pattern` is JSON Schema's."""

    media_type: str
    description: str
    pattern: str
    example: str


TLOG_PROOF: Final = TextReply(
    media_type="text/plain; charset=utf-8",
    description="A `.tlog-proof` file (c2sp.org/tlog-proof): the entry of the log, which is `<account>/<version> <hash "
    "of the row>`, in Base64 as its extra data; its index; the hashes from it to the root; an empty line; and the "
    "signed checkpoint.",
    pattern=r"^c2sp\.org/tlog-proof@v1\nextra [A-Za-z0-9+/]+=*\nindex (0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=\n)*\n",
    example="""\
c2sp.org/tlog-proof@v1
extra MGI4ZjBhMWUtNmMxZi00YThlLTlkNTctMGQzZjZmNmYyZjEwLzIyIGVGOCt4K3N5OHd1UXpRL1BObGZUaUxYL1FwZnkrWEZ2OW02YmFjQmQzUWs9
index 21
+5g3nMMwRaUZT0qdIgRsjLYTsvctDdlloyBzbEqDGdQ=
qdFmWFkQ+WJvlLA0BmgyL5CYFIaeU2f9P/xN9ZzNhas=
gZYAYJ2dELWf7ah+fazjcAl7qv1cubOcnZM0qLoIiwk=
ECn9B074xGG53MHTKmo3tkzX7An0agNP2hnhP2kHKu0=

daybook/prod/123456789012/eu-west-1/4f1c09a7d2e85b36
24
AdCE5ucnq9nu/jj9Dr305KT6GZVkhmnQnIIf4MKGgns=

— daybook/prod/123456789012/eu-west-1/4f1c09a7d2e85b36 F/H3MY7lN3VGc1hJACtw6yoepdJWmgEsntPx4S9YQ3GucJSyP+MobG86Mqk1\
lReDng6OkyTaSk0o03HDqWF6LX1VZgI=
""",
)
