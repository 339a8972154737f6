"""Where a film comes from, said so that machines can read it: a model made it."""

import html
import struct
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from opentalking import __version__

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media that a trained model made."""
XMP_BOX = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")
"""Extended type of the MP4 box that holds an XMP packet (XMP specification, part 3)."""
_TOOL = f"OpenTalking {__version__}"
_COMMENT = "AI-generated: the face and what it does, and as a rule the voice, are synthetic."
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <xmp:CreateDate>{created}</xmp:CreateDate>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{comment}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The mark that every film carries: AI-generated, by this software, at this time.

    `title` names the film for people; control characters are left out of it.
    """

    title: str
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def tags(self) -> dict[str, str]:
        """Metadata of the MP4 file that common players show."""
        return {"title": self._title, "comment": _COMMENT, "creation_time": self._created}

    def xmp(self) -> bytes:
        """An XMP packet with `Iptc4xmpExt:DigitalSourceType` (IPTC Photo and Video Metadata), UTF-8."""
        values = {
            "source_type": DIGITAL_SOURCE_TYPE,
            "tool": _TOOL,
            "created": self._created,
            "title": self._title,
            "comment": _COMMENT,
        }
        return _PACKET.format_map({name: html.escape(value) for name, value in values.items()}).encode()

    def box(self) -> bytes:
        """The XMP packet as a box of type `uuid`, for the top level of an MP4 file."""
        packet = self.xmp()
        return struct.pack(">I4s16s", 24 + len(packet), b"uuid", XMP_BOX.bytes) + packet

    def as_json(self) -> dict[str, str]:
        """The same, for a JSON file beside the film."""
        return {
            "digital_source_type": DIGITAL_SOURCE_TYPE,
            "creator_tool": _TOOL,
            "created": self._created,
            "title": self._title,
            "comment": _COMMENT,
        }

    @property
    def _title(self) -> str:
        return "".join(letter for letter in self.title if letter.isprintable())

    @property
    def _created(self) -> str:
        return self.created.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
