#!/bin/bash
# library-packages.sh PROGRAM: prints the Debian packages that hold the libraries it is linked to.
# Their names differ between Debian releases (libavformat59, libavformat61; libglib2.0-0t64).
set -euo pipefail

ldd "${1:?usage: library-packages.sh PROGRAM}" | sed -n 's|.* => .*/\([^ /]*\) (.*|\1|p' |
  while read -r library; do
    # The directory may be known to dpkg with /usr or without; private copies lie elsewhere.
    dpkg-query -S "*/$library" | grep -E ": (/usr)?/lib/[^/]+/$library\$"
  done | cut -d: -f1 | sort -u
