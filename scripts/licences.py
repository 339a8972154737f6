"""Prints the licences of all installed packages and of the native libraries inside their wheels.

Runs in .venv. Names come from the packages' own metadata; for native libraries, which have none, from a table
below that is matched against the files that the wheels really installed.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import textwrap
from collections import defaultdict
from typing import NamedTuple

OWN = {"opentalking"}
LONGEST_NAME = 60
COLUMNS = 110
SHORT_NAMES = (
    (r"^(the )?mit( license)?$", "MIT"),
    (r"apache.*2|^apache software license$|^apache-2\.0$", "Apache-2.0"),
    (r"^(bsd[ -]3-clause.*|3-clause bsd license)$", "BSD-3-Clause"),
    (r"^bsd 2-clause license$", "BSD-2-Clause"),
    (r"^bsd license$", "BSD"),
    (r"^isc license.*$", "ISC"),
    (r"mozilla public license 2\.0|^mpl-2\.0$", "MPL-2.0"),
    (r"^python software foundation license$", "PSF-2.0"),
    (r"lesser general public license|^lgpl$", "LGPL"),
)
RECIPROCAL = re.compile(r"\b[AL]?GPL|MPL|EPL|CDDL")


class NativeLibrary(NamedTuple):
    """A library that wheels carry as machine code: how its file is called, what it is, its licence."""

    file_pattern: str
    name: str
    licence: str


NATIVE_LIBRARIES = (
    NativeLibrary(r"libx264[-.]", "x264", "GPL-2.0-or-later"),
    NativeLibrary(r"libx265[-.]", "x265", "GPL-2.0-or-later"),
    NativeLibrary(
        r"libavcodec[-.]", "FFmpeg", "GPL-2.0-or-later when it is built with x264/x265, else LGPL-2.1+"
    ),
    NativeLibrary(r"espeakbridge\.", "espeak-ng", "GPL-3.0-or-later"),
    NativeLibrary(r"soxr_ext|soxr.*\.abi3\.so", "libsoxr", "LGPL-2.1-or-later"),
    NativeLibrary(r"libmp3lame[-.]", "LAME", "LGPL-2.0-or-later"),
    NativeLibrary(r"libgnutls[-.]", "GnuTLS", "LGPL-2.1-or-later"),
    NativeLibrary(r"libgmp[-.]", "GMP", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    NativeLibrary(r"libnettle[-.]", "Nettle", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    NativeLibrary(r"libunistring[-.]", "libunistring", "LGPL-3.0-or-later OR GPL-2.0-or-later"),
    NativeLibrary(r"libasound[-.]", "ALSA", "LGPL-2.1-or-later"),
    NativeLibrary(r"libquadmath[-.]", "libquadmath", "LGPL-2.1-or-later"),
    NativeLibrary(r"libgfortran[-.]", "libgfortran", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    NativeLibrary(r"libgomp[-.]", "libgomp", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    NativeLibrary(r"libvpx[-.]", "libvpx", "BSD-3-Clause"),
    NativeLibrary(r"libopus[-.]", "Opus", "BSD-3-Clause"),
    NativeLibrary(r"libdav1d[-.]", "dav1d", "BSD-2-Clause"),
    NativeLibrary(r"libSvtAv1Enc[-.]", "SVT-AV1", "BSD-3-Clause-Clear"),
    NativeLibrary(r"libwebp[-.]", "WebP", "BSD-3-Clause"),
    NativeLibrary(r"libopencore-amr", "OpenCORE AMR", "Apache-2.0"),
    NativeLibrary(r"libvpl[-.]", "Intel VPL", "MIT"),
    NativeLibrary(r"lib(scipy_)?openblas", "OpenBLAS", "BSD-3-Clause"),
    NativeLibrary(r"libonnxruntime", "ONNX Runtime", "MIT"),
    NativeLibrary(r"libctranslate2", "CTranslate2", "MIT"),
    NativeLibrary(r"xllamacpp.*\.so", "llama.cpp", "MIT"),
    NativeLibrary(r"libnode|^node$", "Node.js", "MIT"),
)


def shortened(licence: str) -> str:
    """One spelling for the usual licences, so that they fall into one line."""
    text = " ".join(licence.split())
    if len(text) > LONGEST_NAME:
        # A whole licence text; it may begin with its name, else the classifiers have it.
        text = text.split(" Copyright")[0]
        return next((short for pattern, short in SHORT_NAMES if re.search(pattern, text, re.IGNORECASE)), "")
    for pattern, short in SHORT_NAMES:
        if re.search(pattern, text, re.IGNORECASE):
            return short
    return text


def licence_of(distribution: importlib.metadata.Distribution) -> str:
    """The licence that the metadata states: expression, else classifiers, else the free text."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [line.split(" :: ") for line in metadata.get_all("Classifier") or []]
    named = [
        shortened(parts[-1]) for parts in classifiers if parts[0] == "License" and "approved" not in parts[-1]
    ]
    text = shortened(metadata["License"]) if "License" in metadata else ""
    if text and (not named or RECIPROCAL.search(text) or "OR" in text or "BSD-" in text):
        return text
    return " OR ".join(sorted(set(filter(None, named)))) or "not stated"


def native_libraries(distribution: importlib.metadata.Distribution) -> set[NativeLibrary]:
    """The known native libraries among a distribution's installed files."""
    names = {file.name for file in distribution.files or () if ".so" in file.name or file.name == "node"}
    return {known for known in NATIVE_LIBRARIES if any(re.search(known.file_pattern, name) for name in names)}


def package_lines() -> list[str]:
    by_licence: dict[str, list[str]] = defaultdict(list)
    for distribution in importlib.metadata.distributions():
        if distribution.name not in OWN:
            by_licence[licence_of(distribution)].append(f"{distribution.name} {distribution.version}")
    # The ones with duties come last, where a reader of a scrolling terminal sees them.
    order = sorted(by_licence, key=lambda licence: (bool(RECIPROCAL.search(licence)), licence))
    return [
        textwrap.fill(
            f"{licence}: {', '.join(sorted(by_licence[licence], key=str.lower))}",
            COLUMNS,
            initial_indent="  ",
            subsequent_indent="      ",
            break_on_hyphens=False,
        )
        for licence in order
    ]


def native_lines() -> list[str]:
    carriers: dict[NativeLibrary, list[str]] = defaultdict(list)
    for distribution in importlib.metadata.distributions():
        for library in native_libraries(distribution):
            carriers[library].append(distribution.name)
    order = sorted(carriers, key=lambda known: (bool(RECIPROCAL.search(known.licence)), known.name.lower()))
    return [
        f"  {known.name} (in {', '.join(sorted(set(carriers[known])))}): {known.licence}" for known in order
    ]


def summary() -> list[str]:
    """What follows from the table for someone who passes the whole on."""
    installed = {distribution.name for distribution in importlib.metadata.distributions()}
    lines = [
        "OpenTalking's own code is Apache-2.0; use it freely. Passing on the whole environment has duties:"
    ]
    lines.append("  - PyAV's wheel holds x264 and x265 (GPL-2.0-or-later); soxr and others are LGPL.")
    if "piper-tts" in installed:
        lines.append(
            "  - The voice engine Piper is GPL-3.0-or-later; LOCAL_VOICES=permissive make run omits it."
        )
    return lines


def main() -> int:
    print("Licences of what is installed in .venv (shown once; again with `make licences`)")
    print("  Apache-2.0: opentalking (this project)")
    for line in package_lines():
        print(line)
    print("Native libraries inside those packages")
    for line in native_lines():
        print(line)
    for line in summary():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
