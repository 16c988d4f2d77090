#include "base/print.h"

#include <atomic>
#include <cerrno>

namespace callbot {
namespace {

std::atomic<int> lost{0};

void note(const FILE* to, bool written) {
  if (!written && to == stdout && errno != EPIPE) lost = errno;
}

}  // namespace

void write_text(FILE* to, std::string_view text) {
  note(to, std::fwrite(text.data(), 1, text.size(), to) == text.size());
}

void flush_output() { note(stdout, std::fflush(stdout) == 0); }

int output_error() { return lost; }

}  // namespace callbot
