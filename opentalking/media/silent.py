"""The pictures of a film without its sound, as a film of their own."""

from pathlib import Path

import av
from av.error import FFmpegError

from opentalking.media.mp4 import MarkedFile
from opentalking.media.provenance import Provenance

# `MarkedFile` needs a muxer that turns its fragments into one index when it closes.
_MUXER_OPTIONS = {"movflags": "frag_keyframe+delay_moov+default_base_moof+hybrid_fragmented"}
_BUFFER_BYTES = 1 << 20


def silent_copy(film: Path, target: Path, provenance: Provenance) -> None:
    """Write the pictures of `film` (a finished `MovieWriter` file) to `target`, as they are, marked alike.

    Nothing is encoded again: it costs no more than copying the file. Blocks; raises `OSError`.
    """
    file = MarkedFile(target.open("w+b", buffering=0), provenance.box())
    try:
        with (
            av.open(str(film), "r", format="mp4") as source,
            av.open(file, "w", format="mp4", options=_MUXER_OPTIONS, buffer_size=_BUFFER_BYTES) as copy,
        ):
            copy.metadata.update(provenance.tags)
            pictures = source.streams.video[0]
            stream = copy.add_stream_from_template(pictures)
            for packet in source.demux(pictures):
                if packet.dts is not None:
                    packet.stream = stream
                    copy.mux(packet)
    except FFmpegError as error:
        raise OSError(error.errno, error.strerror) from error
    finally:
        file.close()
