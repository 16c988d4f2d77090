#include "tests/support/forgetful_fs.h"

#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>

#include "base/files.h"
#include "tests/support/pidfd.h"

namespace callbot::test {
namespace {

namespace fs = std::filesystem;

constexpr int kPatienceMs = 60'000;
constexpr const char* kPowerCut = "/.power-cut";  // rmdir of it cuts the power
constexpr const char* kSyncs = "/.syncs-";        // the size of it and what follows: how many

struct Node {
  bool folder = false;
  mode_t mode = 0644;
  timespec changed{};
  std::string bytes, safe_bytes;
  std::map<std::string, std::shared_ptr<Node>> names, safe_names;

  void forget() {
    bytes = safe_bytes;
    names = safe_names;
    for (auto& [name, node] : names) node->forget();
  }
};
using NodePtr = std::shared_ptr<Node>;

// The server is one process with one thread.
const NodePtr kRoot = std::make_shared<Node>();
std::map<std::string, uint64_t> syncs;  // by path

NodePtr find(const fs::path& path) {
  NodePtr node = kRoot;
  for (const auto& part : path.relative_path()) {
    const auto found = node->names.find(part.string());
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

NodePtr parent_of(const fs::path& path) { return find(path.parent_path()); }

uint64_t syncs_of(const std::string& end) {
  uint64_t n = 0;
  for (const auto& [path, count] : syncs) {
    if (path.size() >= end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0)
      n += count;
  }
  return n;
}

int get_attributes(const char* path, struct stat* out, fuse_file_info*) {
  *out = {};
  out->st_nlink = 1;
  const std::string text(path);
  if (text.rfind(kSyncs, 0) == 0) {
    out->st_mode = S_IFREG | 0444;
    out->st_size = static_cast<off_t>(syncs_of(text.substr(strlen(kSyncs))));
    return 0;
  }
  const auto node = find(path);
  if (!node) return -ENOENT;
  out->st_mode = node->folder ? S_IFDIR | 0755 : S_IFREG | node->mode;
  out->st_size = static_cast<off_t>(node->bytes.size());
  out->st_mtim = node->changed;
  return 0;
}

int make(const char* path, bool folder, mode_t mode) {
  const auto parent = parent_of(path);
  if (!parent) return -ENOENT;
  const auto node = std::make_shared<Node>();
  node->folder = folder;
  node->mode = mode & 0777;
  clock_gettime(CLOCK_REALTIME, &node->changed);
  if (!parent->names.emplace(fs::path(path).filename().string(), node).second) return -EEXIST;
  return 0;
}
int create(const char* path, mode_t mode, fuse_file_info*) { return make(path, false, mode); }
int make_folder(const char* path, mode_t mode) { return make(path, true, mode); }

int remove_name(const char* path) {
  if (strcmp(path, kPowerCut) == 0) {
    kRoot->forget();
    return 0;
  }
  const auto parent = parent_of(path);
  return parent && parent->names.erase(fs::path(path).filename().string()) > 0 ? 0 : -ENOENT;
}

int rename_node(const char* from, const char* to, unsigned flags) {
  const auto node = find(from);
  const auto target = parent_of(to);
  if (!node || !target) return -ENOENT;
  if (flags != 0) return -EINVAL;
  parent_of(from)->names.erase(fs::path(from).filename().string());
  target->names[fs::path(to).filename().string()] = node;
  return 0;
}

int open_file(const char* path, fuse_file_info* info) {
  const auto node = find(path);
  if (!node) return -ENOENT;
  if ((info->flags & O_TRUNC) != 0) node->bytes.clear();
  return 0;
}

int read_bytes(const char* path, char* out, size_t size, off_t offset, fuse_file_info*) {
  const auto node = find(path);
  if (!node) return -ENOENT;
  const auto at = std::min(static_cast<size_t>(offset), node->bytes.size());
  return static_cast<int>(node->bytes.copy(out, size, at));
}

int write_bytes(const char* path, const char* bytes, size_t size, off_t offset, fuse_file_info*) {
  const auto node = find(path);
  if (!node) return -ENOENT;
  const auto at = static_cast<size_t>(offset);
  if (node->bytes.size() < at + size) node->bytes.resize(at + size);
  node->bytes.replace(at, size, bytes, size);
  clock_gettime(CLOCK_REALTIME, &node->changed);
  return static_cast<int>(size);
}

int set_size(const char* path, off_t size, fuse_file_info*) {
  const auto node = find(path);
  if (!node) return -ENOENT;
  node->bytes.resize(static_cast<size_t>(size));
  return 0;
}

int sync_file(const char* path, int, fuse_file_info*) {
  const auto node = find(path);
  if (!node) return 0;  // it was removed
  node->safe_bytes = node->bytes;
  ++syncs[path];
  return 0;
}

int sync_folder(const char* path, int, fuse_file_info*) {
  const auto node = find(path);
  if (!node) return 0;
  node->safe_names = node->names;
  ++syncs[path];
  return 0;
}

int list(const char* path, void* out, fuse_fill_dir_t fill, off_t, fuse_file_info*,
         fuse_readdir_flags) {
  const auto node = find(path);
  if (!node) return -ENOENT;
  for (const char* name : {".", ".."}) fill(out, name, nullptr, 0, {});
  for (const auto& [name, child] : node->names) fill(out, name.c_str(), nullptr, 0, {});
  return 0;
}

int set_times(const char*, const timespec*, fuse_file_info*) { return 0; }
int set_mode(const char*, mode_t, fuse_file_info*) { return 0; }

// Nothing stays in the kernel's memory: what is not here is nowhere.
void* begin(fuse_conn_info*, fuse_config* config) {
  config->direct_io = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->hard_remove = 1;
  return nullptr;
}

[[noreturn]] void serve(const std::string& mount_point) {
  kRoot->folder = true;
  fuse_operations operations{};
  operations.init = begin;
  operations.getattr = get_attributes;
  operations.create = create;
  operations.mkdir = make_folder;
  operations.unlink = remove_name;
  operations.rmdir = remove_name;
  operations.rename = rename_node;
  operations.open = open_file;
  operations.read = read_bytes;
  operations.write = write_bytes;
  operations.truncate = set_size;
  operations.fsync = sync_file;
  operations.fsyncdir = sync_folder;
  operations.readdir = list;
  operations.utimens = set_times;
  operations.chmod = set_mode;
  std::string words[] = {"forgetful", "-f", "-s", mount_point};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  _exit(fuse_main(4, argv, &operations, nullptr));
}

bool is_fuse(const fs::path& path) {
  struct statfs s {};
  return statfs(path.c_str(), &s) == 0 && s.f_type == 0x65735546;  // FUSE_SUPER_MAGIC
}

}  // namespace

ForgetfulFs::ForgetfulFs() {
  const Descriptor mounts(open("/proc/self/mounts", O_RDONLY | O_CLOEXEC));
  server_ = fork();
  if (server_ == 0) serve(folder_.path().string());
  const Descriptor process = pidfd_of(server_);
  // Until it is there (proc(5): a change of what is mounted is POLLPRI), or its process has given
  // up.
  pollfd changes[] = {{mounts.get(), POLLPRI, 0}, {process.get(), POLLIN, 0}};
  bool ended = false;
  while (!(mounted_ = is_fuse(folder_.path())) && !ended) {
    if (poll(changes, 2, kPatienceMs) == 0) return;
    ended = waitpid(server_, nullptr, WNOHANG) != 0;
  }
  if (ended) server_ = -1;
}

ForgetfulFs::~ForgetfulFs() {
  if (server_ <= 0) return;
  umount2(folder_.path().c_str(), MNT_DETACH);
  kill(server_, SIGTERM);
  int status = 0;
  waitpid(server_, &status, 0);
}

void ForgetfulFs::cut_power() {
  mkdir((folder_.path().string() + kPowerCut).c_str(), 0755);
  rmdir((folder_.path().string() + kPowerCut).c_str());
}

uint64_t ForgetfulFs::syncs(const std::string& name_end) const {
  std::error_code gone;
  const auto size = fs::file_size(folder_.path().string() + kSyncs + name_end, gone);
  return gone ? 0 : size;
}

}  // namespace callbot::test
