// base/error.h: errors are values; each layer adds what it was doing.
//
// Thread:  any; plain values.
// Owner:   the caller.
// Fails:   never; this is how everything else says that it failed.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace callbot {

// What kind of failure it was. bot/main maps it to an exit status, the HTTP routes to an HTTP
// status, nobody else does.
enum class Code {
  kUsage,        // the command line, a configuration key, an argument
  kConnect,      // a server or peer could not be reached or joined, or was lost for good
  kDenied,       // reached, but refused: wrong token, room full, name in use, TLS not trusted
  kTimeout,      // a deadline passed
  kBadInput,     // a file, a message or an SDP that is not what it must be
  kStorage,      // a folder or file could not be read or written
  kUnsupported,  // well-formed, but more than this build can do
  kUnmeasured,   // there was nothing to judge
  kInterrupted,  // the user stopped it
  kInternal,     // a library said no where it must not; a defect
};

struct Error {
  Code code;
  std::string message;

  // The same error, seen from one layer further up: "recording /r/42: <message>".
  Error in(std::string_view doing) && {
    message = std::string(doing) + ": " + message;
    return std::move(*this);
  }
};

template <class T = void>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// A short stable name for logs, journals and JSON: "bad-input".
const char* name_of(Code code);

}  // namespace callbot
