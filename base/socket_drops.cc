#include "base/socket_drops.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

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

// "socket:[12345]"
std::set<uint64_t> own_sockets(const fs::path& proc) {
  std::set<uint64_t> all;
  std::error_code error;
  for (const auto& fd : fs::directory_iterator(proc / "fd", error)) {
    const std::string target = fs::read_symlink(fd.path(), error).string();
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
      std::istringstream words(line);
      std::vector<std::string> columns;
      for (std::string word; words >> word;) columns.push_back(std::move(word));
      if (columns.size() <= kDrops) continue;
      const auto inode = number(columns[kInode]), drops = number(columns[kDrops]);
      if (inode && drops && own.contains(*inode)) now[*inode] = *drops;
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
