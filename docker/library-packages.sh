#!/bin/bash
# library-packages.sh PROGRAM: prints the Debian packages that hold the libraries it is linked to.
# Their names differ between Debian releases (libavformat59, libavformat61; libglib2.0-0t64).
set -euo pipefail

for library in $(objdump -p "${1:?usage: library-packages.sh PROGRAM}" | awk '/NEEDED/ {print $2}'); do
  # Its directory may be known to dpkg with /usr or without; private copies lie deeper.
  package=$(dpkg-query -S "*/$library" |
    awk -F': ' '$2 ~ "^(/usr)?/lib/[^/]+/[^/]+$" && !seen++ {print $1}')
  if [ -z "$package" ]; then
    echo "library-packages.sh: no package has $library" >&2
    exit 1
  fi
  echo "${package%%:*}"
done | sort -u
