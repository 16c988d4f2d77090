#include "base/socket_drops.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace callbot {
namespace {

// Columns of /proc/net/udp (Linux, net/ipv4/udp.c, udp4_format_sock).
constexpr size_t kInode = 9, kDrops = 12;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, how] = std::from_chars(text.data(), text.data() + text.size(), value);
  return how == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                : std::nullopt;
}

std::string_view column(std::string_view line, size_t index) {
  constexpr std::string_view kBlank = " \t";
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    const size_t end = std::min(line.find_first_of(kBlank), line.size());
    if (index-- == 0) return line.substr(0, end);
    line.remove_prefix(end);
    if (line.empty()) return line;
  }
}

// "socket:[12345]"
std::set<uint64_t> own_sockets(const fs::path& proc) {
  std::set<uint64_t> all;
  std::error_code error;
  std::error_code walking;
  for (fs::directory_iterator fd(proc / "fd", walking), end; !walking && fd != end;
       fd.increment(walking)) {
    const std::string target = fs::read_symlink(fd->path(), error).string();
    constexpr std::string_view kBegin = "socket:[";
    if (!target.starts_with(kBegin)) continue;
    const auto inode =
        number(std::string_view(target).substr(kBegin.size(), target.size() - kBegin.size() - 1));
    if (inode) all.insert(*inode);
  }
  return all;
}

}  // namespace

SocketDrops::SocketDrops(fs::path proc) : proc_(std::move(proc)) { (void)take(); }

uint64_t SocketDrops::take() {
  std::map<uint64_t, uint64_t> now;
  const auto own = own_sockets(proc_);
  for (const char* table : {"net/udp", "net/udp6"}) {
    std::ifstream file(proc_ / table);
    for (std::string line; std::getline(file, line);) {
      const auto inode = number(column(line, kInode));  // there are those of others too
      if (!inode || !own.contains(*inode)) continue;
      if (const auto drops = number(column(line, kDrops))) now[*inode] = *drops;
    }
  }
  uint64_t more = 0;
  for (const auto& [inode, drops] : now) {
    const auto before = before_.find(inode);
    more += drops - (before == before_.end() ? 0 : std::min(before->second, drops));
  }
  before_ = std::move(now);
  return more;
}

}  // namespace callbot
