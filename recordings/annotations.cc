#include "recordings/annotations.h"

#include <fmt/core.h>
#include <glib.h>

#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "recordings/folder_lock.h"

namespace callbot::recordings {
namespace {

constexpr const char* kFile = "annotations.json";
constexpr const char* kFormat = "callbot-annotations";
constexpr int kVersion = 1;
constexpr size_t kLongestTag = 64;
constexpr uint64_t kMostBytes = 64u << 10;

Result<Annotations> parse(std::string_view text) {
  const auto json = Json::parse(text, {.most_bytes = kMostBytes, .deepest = 3});
  if (!json) return tl::unexpected(json.error());
  if (json->at("format").text() != kFormat)
    return fail(Code::kBadInput, fmt::format("format: expected \"{}\"", kFormat));
  if (const auto version = json->at("version").whole(); version && *version > kVersion)
    return fail(Code::kUnsupported,
                fmt::format("version {}: this build reads up to {}", *version, kVersion));
  Fields fields(*json);
  Annotations a;
  fields.need<std::string>("format");
  if (fields.need<int>("version") < 1) fields.complain("version", "expected 1 or more");
  a.keep = fields.get("keep", false);
  fields.list("tags", [&](const Json& tag, const std::string&) {
    const auto value = tag.text();
    if (!value || !check_tag(*value)) return fields.complain("tags", "expected a list of tags");
    a.tags.insert(*value);
  });
  if (a.tags.size() > kMostTags)
    fields.complain("tags", fmt::format("expected at most {}", kMostTags));
  return fields.done().map([&] { return a; });
}

std::string to_text(const Annotations& a) {
  Json tags = Json::array();
  for (const std::string& tag : a.tags) tags.add(tag);
  return Json::object()
             .set("format", kFormat)
             .set("version", kVersion)
             .set("tags", tags)
             .set("keep", a.keep)
             .dump(true) +
         "\n";
}

}  // namespace

Result<> check_tag(std::string_view tag) {
  const auto no = [&](const char* expected) {
    return fail(Code::kBadInput, fmt::format("tag \"{}\": expected {}", printable(tag), expected));
  };
  if (tag.empty() || tag.size() > kLongestTag) return no("1 to 64 bytes");
  if (!g_utf8_validate(tag.data(), static_cast<gssize>(tag.size()), nullptr)) return no("UTF-8");
  if (tag.front() == '+' || tag.front() == '-') return no("no '+' or '-' in front");
  if (tag.find(',') != std::string_view::npos) return no("no comma");
  const std::string text(tag);
  for (const char* at = text.c_str(); *at != '\0'; at = g_utf8_next_char(at)) {
    if (g_unichar_isspace(g_utf8_get_char(at))) return no("no white space");
  }
  if (printable(tag) != tag) return no("no control characters");
  return {};
}

Result<Annotations> load_annotations(const fs::path& folder) {
  const fs::path path = folder / kFile;
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::not_found) return Annotations();
  const auto text = read_file(path, kMostBytes);
  if (!text) return tl::unexpected(text.error());
  return parse(*text).map_error([&](Error e) { return std::move(e).in(path.string()); });
}

Result<Annotations> change_annotations(const fs::path& folder,
                                       const std::function<Result<>(Annotations&)>& change) {
  const auto lock = lock_folder(folder, true);
  if (!lock) return tl::unexpected(lock.error());
  auto annotations = load_annotations(folder);
  if (!annotations) return annotations;
  const Annotations before = *annotations;
  if (auto changed = change(*annotations); !changed) return tl::unexpected(changed.error());
  if (annotations->tags.size() > kMostTags)
    return fail(Code::kBadInput,
                fmt::format("{}: at most {} tags a recording", folder.string(), kMostTags));
  if (*annotations == before) return annotations;
  if (auto written = write_atomically(folder / kFile, to_text(*annotations)); !written)
    return tl::unexpected(written.error());
  return annotations;
}

}  // namespace callbot::recordings
