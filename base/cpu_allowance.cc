#include "base/cpu_allowance.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "base/text.h"

namespace callbot {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;  // of mountinfo: some kB on a host full of containers

std::string text_in(const fs::path& path) { return read_file(path, kMostBytes).value_or(""); }

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto end = text.data() + text.size();
  const auto got = std::from_chars(text.data(), end, value);
  return got.ec == std::errc() && got.ptr == end ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> parts_of(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(by, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

bool has_cpu(std::string_view controllers) {
  const auto names = parts_of(controllers, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

// A hierarchy of groups as far as it is mounted here.
struct Mount {
  fs::path point;
  fs::path root;  // the group that is seen there; a container's may lie far below the host's
};

// "30 23 0:26 /root /mount/point rw shared:4 - cgroup2 name rw,cpu" (proc(5), mountinfo).
std::optional<Mount> mount_of(const std::string& mounts, bool v2) {
  for (const std::string_view line : parts_of(mounts, '\n')) {
    const auto words = words_of(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const bool is = v2 ? dash[1] == "cgroup2" : dash[1] == "cgroup" && has_cpu(dash[3]);
    if (is) return Mount{fs::path(words[4]), fs::path(words[3])};
  }
  return std::nullopt;
}

// The group's folder and those above it, as far as they are mounted. "0::/a/b" is v2's,
// "4:cpu,cpuacct:/a/b" v1's.
std::vector<fs::path> folders_of(std::string_view group, const std::optional<Mount>& mount) {
  if (!mount) return {};
  std::vector<fs::path> folders;
  fs::path below = fs::path(group).lexically_relative(mount->root);
  // Of a group above what is mounted nothing else can be seen.
  if (below.empty() || *below.begin() == "..") below = ".";
  for (; below != "." && !below.empty(); below = below.parent_path())
    folders.push_back(mount->point / below);
  folders.push_back(mount->point);
  return folders;
}

std::vector<fs::path> groups_in(const fs::path& proc) {
  const std::string mounts = text_in(proc / "mountinfo"), groups = text_in(proc / "cgroup");
  std::vector<fs::path> all;
  for (const std::string_view line : parts_of(groups, '\n')) {
    const auto parts = parts_of(line, ':');
    if (parts.size() < 3) continue;
    const bool v2 = parts[0] == "0" && parts[1].empty();
    if (!v2 && !has_cpu(parts[1])) continue;
    const std::string_view group = line.substr(parts[0].size() + parts[1].size() + 2);
    const auto folders = folders_of(group, mount_of(mounts, v2));
    all.insert(all.end(), folders.begin(), folders.end());
  }
  return all;
}

// "50000 100000", "max 100000"; v1 has a file for each, and -1 for none.
std::optional<double> quota_of(const fs::path& group) {
  std::string text = text_in(group / "cpu.max");
  if (text.empty())
    text = text_in(group / "cpu.cfs_quota_us") + " " + text_in(group / "cpu.cfs_period_us");
  std::replace(text.begin(), text.end(), '\n', ' ');
  const auto words = words_of(text);
  if (words.size() < 2) return std::nullopt;
  const auto most = number(words[0]), period = number(words[1]);
  return most && period && *most > 0 && *period > 0 ? std::optional(*most / *period) : std::nullopt;
}

// "throttled_usec 1234" in v2, "throttled_time 1234000" (ns) in v1.
std::optional<double> held_back_in(const fs::path& group) {
  const std::string text = text_in(group / "cpu.stat");
  for (const std::string_view line : parts_of(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() != 2) continue;
    const double unit = words[0] == "throttled_usec" ? 1e6 : words[0] == "throttled_time" ? 1e9 : 0;
    if (const auto value = number(words[1]); unit > 0 && value) return *value / unit;
  }
  return std::nullopt;
}

int processors_to_run_on() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

}  // namespace

CpuAllowance::CpuAllowance(const fs::path& proc)
    : to_run_on_(processors_to_run_on()), processors_(to_run_on_) {
  for (const fs::path& folder : groups_in(proc)) {
    const auto quota = quota_of(folder);
    groups_.push_back({folder, held_back_in(folder)});
    has_quota_ = has_quota_ || quota;
    if (quota) processors_ = std::min(processors_, *quota);
  }
}

std::optional<double> CpuAllowance::take_held_back() {
  std::optional<double> most;
  for (Group& group : groups_) {
    const auto before = std::exchange(group.held_back, held_back_in(group.folder));
    if (before && group.held_back) most = std::max(most.value_or(0), *group.held_back - *before);
  }
  return most;
}

}  // namespace callbot
