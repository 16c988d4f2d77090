#include "recordings/matroska_layout.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <vector>

#include "base/files.h"
#include "recordings/sealed_file.h"

namespace callbot::recordings {
namespace {

// Element ids, RFC 9559 section 5.1 and RFC 8794 section 11.2.
constexpr uint32_t kEbml = 0x1A45DFA3, kSegment = 0x18538067, kTracks = 0x1654AE6B;
constexpr uint32_t kCluster = 0x1F43B675, kBlockGroup = 0xA0, kSimpleBlock = 0xA3;
constexpr uint32_t kSeekHead = 0x114D9B74, kInfo = 0x1549A966, kCues = 0x1C53BB6B;
constexpr uint32_t kChapters = 0x1043A770, kAttachments = 0x1941A469, kTags = 0x1254C367;
constexpr uint32_t kVoid = 0xEC, kCrc = 0xBF, kTime = 0xE7, kPosition = 0xA7, kPrevious = 0xAB;

bool is_in_segment(uint32_t id) {
  for (const uint32_t known :
       {kTracks, kCluster, kSeekHead, kInfo, kCues, kChapters, kAttachments, kTags, kVoid, kCrc}) {
    if (id == known) return true;
  }
  return false;
}

bool is_in_cluster(uint32_t id) {
  for (const uint32_t known :
       {kBlockGroup, kSimpleBlock, kVoid, kCrc, kTime, kPosition, kPrevious}) {
    if (id == known) return true;
  }
  return false;
}

struct Element {
  uint32_t id = 0;
  uint64_t data = 0;                     // where its content begins
  std::optional<uint64_t> size = {};     // none: unknown, up to the next that cannot be inside
  MatroskaLayout::SizeField field = {};  // where the size stands
  uint64_t end() const { return data + size.value_or(0); }
};

class Walk {
 public:
  explicit Walk(ReadableFile& file) : file_(file), size_(file.size()) {}

  MatroskaLayout run() {
    out_.size = size_;
    out_.cuttable = !file_.harmed();
    uint64_t at = 0;
    const auto ebml = element(0);
    const bool begins = ebml && ebml->id == kEbml && ebml->size && ebml->end() <= size_;
    if (begins) at = ebml->end();
    const auto segment = begins ? element(at) : std::nullopt;
    if (!segment || segment->id != kSegment) {
      out_.unusable = size_;
      return out_;
    }
    out_.closed = segment->size && segment->end() == size_;
    if (segment->size && segment->end() > size_) out_.too_long.push_back(segment->field);
    at = segment->data;
    while (at < size_) at = child(at);
    out_.closed = out_.closed && out_.header && file_.ended() && file_.lost().empty();
    return out_;
  }

 private:
  std::optional<Element> element(uint64_t at) const {
    std::array<uint8_t, 12> bytes{};
    const auto n = static_cast<int>(file_.read(at, bytes).value_or(0));
    if (n < 2) return std::nullopt;
    const int id_length = std::countl_zero(bytes[0]) + 1;
    if (id_length > 4 || id_length >= n) return std::nullopt;
    Element e;
    for (int i = 0; i < id_length; ++i) e.id = e.id << 8 | bytes[static_cast<size_t>(i)];
    const uint8_t first = bytes[static_cast<size_t>(id_length)];
    const int size_length = std::countl_zero(first) + 1;
    if (size_length > 8 || id_length + size_length > n) return std::nullopt;
    uint64_t size = first & (0xFFU >> size_length);
    bool ones = size == (0xFFU >> size_length);
    for (int i = 1; i < size_length; ++i) {
      const uint8_t byte = bytes[static_cast<size_t>(id_length) + static_cast<size_t>(i)];
      ones = ones && byte == 0xFF;
      size = size << 8 | byte;
    }
    e.data = at + static_cast<uint64_t>(id_length + size_length);
    e.field = {at + static_cast<uint64_t>(id_length), size_length};
    if (!ones) e.size = size;
    return e;
  }

  // An element of the segment; where the next one is.
  uint64_t child(uint64_t at) {
    const auto e = element(at);
    if (!e || !is_in_segment(e->id) || (e->id == kTracks && is_harmed(at, *e)))
      return lost(at, at + 1);
    if (e->id == kCluster) return cluster(*e);
    if (!e->size) return lost(at, at + 1);
    if (e->end() <= size_) {
      out_.header = out_.header || e->id == kTracks;
      return e->end();
    }
    out_.closed = false;  // an index that was being written: it can be made again
    return size_;
  }

  uint64_t cluster(const Element& cluster) {
    const uint64_t end = cluster.size ? std::min(cluster.end(), size_) : size_;
    if (cluster.size && cluster.end() > size_) {
      out_.closed = false;
      out_.too_long.push_back(cluster.field);
    }
    uint64_t at = cluster.data;
    while (at < end) {
      const auto e = element(at);
      if (e && !cluster.size && is_in_segment(e->id) && !is_in_cluster(e->id)) return at;
      if (!e || !e->size || !is_in_cluster(e->id) || e->end() > end) return lost(at, at);
      if (is_harmed(at, *e)) return lost(at, at);
      at = e->end();
      if (e->id != kSimpleBlock && e->id != kBlockGroup) continue;
      ++out_.frames;
      out_.whole_to = at;
    }
    return at;
  }

  // Something of it is not there any more.
  bool is_harmed(uint64_t at, const Element& e) const {
    return std::any_of(file_.lost().begin(), file_.lost().end(),
                       [&](const ByteRange& r) { return r.from < e.end() && at < r.to; });
  }

  // From `at` on nothing makes sense until the next cluster at or behind `search`.
  uint64_t lost(uint64_t at, uint64_t search) {
    out_.closed = false;
    const uint64_t next = find_cluster(search);
    out_.unusable += next - at;
    if (!file_.lost().empty()) out_.harmed.push_back({at, next});
    return next;
  }
  uint64_t find_cluster(uint64_t at) const {
    static constexpr std::array<uint8_t, 4> kId{0x1F, 0x43, 0xB6, 0x75};
    std::vector<uint8_t> window(4096);
    while (at < size_) {
      const auto n = static_cast<ptrdiff_t>(file_.read(at, window).value_or(0));
      if (n < static_cast<ptrdiff_t>(kId.size())) return size_;
      const auto found = std::search(window.begin(), window.begin() + n, kId.begin(), kId.end());
      if (found != window.begin() + n) return at + static_cast<uint64_t>(found - window.begin());
      at += static_cast<uint64_t>(n) - (kId.size() - 1);
    }
    return size_;
  }

  ReadableFile& file_;
  uint64_t size_;
  MatroskaLayout out_;
};

}  // namespace

Result<MatroskaLayout> read_layout(const std::filesystem::path& path) {
  auto file = ReadableFile::open(path, Damaged::kSalvage);
  if (!file) return tl::unexpected(file.error());
  return Walk(**file).run();
}

namespace {

std::vector<uint8_t> unknown_size(int length) {
  std::vector<uint8_t> bytes(static_cast<size_t>(length), 0xFF);
  bytes[0] = static_cast<uint8_t>(0xFFU >> (length - 1));
  return bytes;
}

// The head of an element of so many bytes that holds nothing; the smallest has two.
std::vector<uint8_t> void_head(uint64_t bytes) {
  if (bytes < 9) return {kVoid, static_cast<uint8_t>(0x80U | (std::max<uint64_t>(bytes, 2) - 2))};
  std::vector<uint8_t> head{kVoid, 0x01};
  for (int shift = 48; shift >= 0; shift -= 8)
    head.push_back(static_cast<uint8_t>((bytes - 9) >> shift));
  return head;
}

Result<> end_sealed(const std::filesystem::path& path, const MatroskaLayout& layout) {
  std::vector<SealedPatch> patches;
  for (const auto& field : layout.too_long)
    patches.push_back({field.at, unknown_size(field.length)});
  if (layout.size > layout.whole_to)
    patches.push_back({layout.whole_to, void_head(layout.size - layout.whole_to)});
  return finish_sealed(path, patches);
}

}  // namespace

Result<> cut_in_place(const std::filesystem::path& path, const MatroskaLayout& layout) {
  if (is_sealed(path)) return end_sealed(path, layout);
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const int fd = file.get();
  bool done = fd >= 0;
  for (const auto& field : layout.too_long) {
    const auto unknown = unknown_size(field.length);
    done = done && write_all_at(fd, unknown, field.at);
  }
  done = done && ftruncate(fd, static_cast<off_t>(layout.whole_to)) == 0 && fsync(fd) == 0;
  if (!done) return storage_failure(path, "cannot cut it");
  return {};
}

}  // namespace callbot::recordings
