#include "base/line_reader.h"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace callbot {

std::vector<std::string> LineReader::read() {
  std::array<char, 4096> bytes{};
  while (pipe_) {
    const ssize_t n = ::read(pipe_.get(), bytes.data(), bytes.size());
    if (n > 0) {
      begun_.append(bytes.data(), static_cast<size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      break;
    } else if (n == 0 || errno != EINTR) {
      pipe_ = Descriptor();
    }
  }
  std::vector<std::string> lines;
  size_t from = 0;
  for (size_t end = 0; (end = begun_.find('\n', from)) != std::string::npos; from = end + 1)
    lines.push_back(begun_.substr(from, end - from));
  begun_.erase(0, from);
  return lines;
}

}  // namespace callbot
