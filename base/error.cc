#include "base/error.h"

namespace callbot {

const char* name_of(Code code) {
  switch (code) {
    case Code::kUsage:
      return "usage";
    case Code::kConnect:
      return "connect";
    case Code::kDenied:
      return "denied";
    case Code::kTimeout:
      return "timeout";
    case Code::kBadInput:
      return "bad-input";
    case Code::kStorage:
      return "storage";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kUnmeasured:
      return "unmeasured";
    case Code::kInterrupted:
      return "interrupted";
    case Code::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace callbot
