#include "bot/scenario_post.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "bot/channel_messages.h"

namespace callbot::bot {
namespace {

// Each time: a tick is 10 ms.
constexpr uint64_t kMostAtOnce = 1u << 20;

const signaling::Member* member_named(const Call& call, const std::string& name) {
  const auto& all = call.members();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& m) { return m.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::unique_ptr<ScenarioPost> ScenarioPost::message(const std::string& text) {
  auto post = std::make_unique<ScenarioPost>();
  post->text_ = chat_message(text);
  return post;
}

Result<std::unique_ptr<ScenarioPost>> ScenarioPost::file(const fs::path& path) {
  static int64_t last_id = 0;
  auto file = open_file(path);
  if (!file) return tl::unexpected(file.error());
  auto hash = sha256_file(path);
  if (!hash) return tl::unexpected(hash.error());
  auto post = std::make_unique<ScenarioPost>();
  post->file_ = std::move(*file);
  post->sha256_ = std::move(*hash);
  post->name_ = path.filename().string();
  post->size_ = fs::file_size(path);
  post->id_ = ++last_id;
  return post;
}

void ScenarioPost::address(std::vector<std::string> to) {
  for (std::string& name : to) ways_.push_back({std::move(name)});
  if (ways_.empty()) failure_ = Error{Code::kConnect, "nobody is there who could get it"};
}

bool ScenarioPost::done() const {
  return !ways_.empty() &&
         std::all_of(ways_.begin(), ways_.end(), [](const Way& way) { return way.done; });
}

void ScenarioPost::go_on(Call& call) {
  for (Way& way : ways_) {
    if (way.done || failure_) continue;
    const signaling::Member* member = member_named(call, way.name);
    const auto sent = member == nullptr ? fail(Code::kConnect, way.name + " is not in the call")
                                        : send(call, member->id, way);
    // What the channel does not take now it may take on the next turn.
    if (!sent) missing_ = sent.error().message;
    if (!sent && sent.error().code == Code::kStorage) failure_ = sent.error();
  }
}

Result<> ScenarioPost::send(Call& call, const std::string& member, Way& way) {
  const auto say = [&](const std::string& text) { return call.send_message(member, true, text); };
  if (!text_.empty()) return say(text_).map([&] { way.done = true; });
  if (!way.begun) {
    if (auto begun = say(file_message(id_, name_, size_)); !begun) return begun;
    way.begun = true;
  }
  char bytes[kFileChunk];
  for (uint64_t sent = 0; way.at < size_ && sent < kMostAtOnce;) {
    const ssize_t got = pread(file_.get(), bytes, sizeof bytes, static_cast<off_t>(way.at));
    if (got <= 0) return fail(Code::kStorage, name_ + " has become shorter while it was sent");
    const std::string_view chunk(bytes, static_cast<size_t>(got));
    if (auto taken = call.send_message(member, false, chunk); !taken) return taken;
    way.at += static_cast<uint64_t>(got);
    sent += static_cast<uint64_t>(got);
  }
  if (way.at < size_) return {};
  return say(file_end_message(id_, sha256_)).map([&] { way.done = true; });
}

void IncomingFiles::begin(const std::string& member, const FileBegin& file) {
  File& incoming = files_[member] = File{.said = file};
  incoming.sum.reset(g_checksum_new(G_CHECKSUM_SHA256));
}

void IncomingFiles::take(const std::string& member, const std::string& bytes) {
  const auto found = files_.find(member);
  if (found == files_.end()) return;
  found->second.bytes += bytes.size();
  g_checksum_update(found->second.sum.get(), reinterpret_cast<const guchar*>(bytes.data()),
                    static_cast<gssize>(bytes.size()));
}

Result<std::string> IncomingFiles::end(const std::string& member, const FileEnd* end) {
  const auto found = files_.find(member);
  if (found == files_.end()) return fail(Code::kBadInput, "a file ended that had not begun");
  const File file = std::move(found->second);
  files_.erase(found);
  const std::string& name = file.said.name;
  if (end == nullptr || file.bytes != file.said.size)
    return fail(Code::kBadInput, fmt::format("of {} came {} of {} bytes", printable(name, 60),
                                             file.bytes, file.said.size));
  if (!end->sha256.empty() && end->sha256 != g_checksum_get_string(file.sum.get()))
    return fail(Code::kBadInput, printable(name, 60) + " came with other bytes than were sent");
  return name;
}

}  // namespace callbot::bot
