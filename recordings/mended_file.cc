#include "recordings/mended_file.h"

#include <fmt/core.h>

#include "base/text.h"

namespace callbot::recordings {

const char* name_of(Mended what) {
  switch (what) {
    case Mended::kWhole:
      return "whole";
    case Mended::kMended:
      return "mended";
    case Mended::kSwapped:
      return "swapped";
    case Mended::kChanged:
      return "changed";
    case Mended::kUnreadable:
      return "unreadable";
    case Mended::kEmpty:
      return "empty";
    case Mended::kMissing:
      return "missing";
    case Mended::kSealed:
      return "sealed";
  }
  return "";
}

std::string to_text(const MendedFile& f) {
  switch (f.what) {
    case Mended::kWhole:
      return f.touched ? counted(f.frames, "frame") + ", whole" : "whole";
    case Mended::kMended: {
      std::string text = counted(f.frames, "frame") + " kept";
      if (f.unusable > 0) text += ", " + counted(f.unusable, "byte") + " not usable";
      if (f.missing_ns > 0)
        text += fmt::format(", {:.3f} s missing", static_cast<double>(f.missing_ns) / 1e9);
      if (f.in_place) text += ", without an index: there was no space for a copy";
      return text;
    }
    case Mended::kSwapped:
      return "was swapped with another file; put back";
    case Mended::kChanged:
      return "is not what was written (its checksum or size differs); left as it is";
    case Mended::kUnreadable:
      return "no frame could be read, " + counted(f.unusable, "byte") + " not usable";
    case Mended::kEmpty:
      return "holds no frame";
    case Mended::kMissing:
      return "is not there as a file";
    case Mended::kSealed:
      return "is encrypted; left for callbot repair --key";
  }
  return "";
}

}  // namespace callbot::recordings
