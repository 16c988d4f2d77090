#include "recordings/recording_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/sealed_file.h"

namespace callbot::recordings {
namespace {

constexpr int64_t kReserveBytes = 256u << 10;
constexpr int kMostNumber = 999'999'999;  // of a media file: there is a next one

}  // namespace

std::string compact_time(int64_t wall) {
  std::string text = rfc3339(wall).substr(0, 19) + "Z";
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string without_secrets(std::string url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t host = scheme + 3;
  const size_t path = std::min(url.find_first_of("/?#", host), url.size());
  const size_t at = url.rfind('@', path);
  if (at != std::string::npos && at >= host && at < path) url.erase(host, at + 1 - host);
  for (const char* name : {"token", "secret", "pin", "key", "password", "access_token"}) {
    for (const char* before : {"?", "&"}) {
      const std::string parameter = fmt::format("{}{}=", before, name);
      const size_t found = url.find(parameter);
      if (found == std::string::npos) continue;
      const size_t from = found + parameter.size();
      url.replace(from, std::min(url.find_first_of("&#", from), url.size()) - from, "***");
    }
  }
  return url;
}

Result<fs::path> make_fresh_folder(const fs::path& out, const std::string& name) {
  if (auto made = make_folder(out); !made) return tl::unexpected(made.error());
  for (int n = 1; n < 10000; ++n) {
    const fs::path folder = out / (n == 1 ? name : fmt::format("{}-{}", name, n));
    std::error_code error;
    if (fs::create_directory(folder, error)) return folder;
    if (error && error != std::errc::file_exists)
      return fail(Code::kStorage, fmt::format("{}: cannot create the folder: {}", folder.string(),
                                              error.message()));
  }
  return fail(Code::kStorage, (out / name).string() + ": every such name is taken");
}

std::string to_path(const MediaName& name, bool sealed) {
  return fmt::format("media/{}-{}.mkv{}", name.stem, name.number, sealed ? kSealedExtension : "");
}

MediaName parse_media_name(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string stem = name.substr(0, name.rfind(".mkv"));  // what is behind: ".sealed.part"
  const size_t dash = stem.rfind('-');
  if (dash == std::string::npos) return {stem, 0};
  const char* end = stem.data() + stem.size();
  int number = 0;
  const auto read = std::from_chars(stem.data() + dash + 1, end, number);
  const bool is = read.ec == std::errc() && read.ptr == end && number <= kMostNumber;
  return is ? MediaName{stem.substr(0, dash), number} : MediaName{stem, 0};
}

Error no_recording(const fs::path& folder, const char* missing) {
  std::error_code ignored;
  const std::string why = !fs::exists(folder, ignored) ? "no such folder"
                          : !fs::is_directory(folder, ignored)
                              ? "this is no folder"
                              : std::string("no recording: there is no ") + missing;
  return {Code::kBadInput, folder.string() + ": " + why};
}

Result<> write_quickly(const fs::path& path, const std::string& text) {
  const fs::path part = fs::path(path).concat(".part");
  std::ofstream out(part, std::ios::binary);
  out << text;
  out.close();
  std::error_code error;
  if (out) fs::rename(part, path, error);
  if (out && !error) return {};
  return fail(Code::kStorage, path.string() + ": cannot write");
}

Result<> reserve(const fs::path& folder) {
  const auto path = (folder / kReserve).string();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  const int error = fd < 0 ? errno : posix_fallocate(fd, 0, kReserveBytes);
  if (fd >= 0) ::close(fd);
  if (error == 0) return {};
  return fail(Code::kStorage, fmt::format("{}: cannot reserve {} bytes: {}", folder.string(),
                                          kReserveBytes, strerror(error)));
}

}  // namespace callbot::recordings
