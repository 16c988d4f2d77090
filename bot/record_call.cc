// What a call tells a recorder: into the recording, and said on the console.
#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "bot/record.h"

namespace callbot::bot {

using signaling::Member;

void Record::member_joined(const Member& m) {
  session_.member_joined(m);
  choose(m);
  count_members();
  console_.event("joined",
                 m.name + (m.recorder ? " (a recorder)" : "") +
                     (m.may_be_recorded ? "" : " (asked not to be recorded)"),
                 Json::object().set("member", m.id).set("name", m.name));
}

void Record::member_changed(const Member& before, const Member& after) {
  session_.member_changed(before, after);
  choose(after);
  Json fields = Json::object().set("member", after.id).set("name", after.name);
  if (before.may_be_recorded != after.may_be_recorded)
    console_.event(
        "consent",
        after.name + (after.may_be_recorded ? " may be recorded" : " asked not to be recorded"),
        fields.set("allowed", after.may_be_recorded));
  const auto said = [&](MediaKind kind, Member::State was, Member::State is) {
    if (was == is || is == Member::State::kUnknown) return;
    console_.event("state",
                   fmt::format("{} {} {}", after.name, callbot::name_of(kind),
                               is == Member::State::kOn ? "on" : "off"),
                   Json::object()
                       .set("member", after.id)
                       .set("name", after.name)
                       .set("media", callbot::name_of(kind))
                       .set("on", is == Member::State::kOn));
  };
  said(MediaKind::kAudio, before.audio, after.audio);
  said(MediaKind::kVideo, before.video, after.video);
}

void Record::member_left(const Member& m) {
  session_.member_left(m);
  std::erase(reconnecting_, m.id);
  console_.event("left", m.name, Json::object().set("member", m.id).set("name", m.name));
  count_members();
}

void Record::connected(const std::string& member, signaling::LegId) {
  if (std::erase(reconnecting_, member) > 0) session_.peer(member, false, "");
  console_.event("connected", name_of_member(member), Json::object().set("member", member));
}

void Record::trouble(const std::string& member, const Trouble& trouble) {
  const auto& [error, lost, again, leg] = trouble;
  if (again && error.code != Code::kBadInput) {
    reconnecting_.push_back(member);
    session_.peer(member, true, error.message);
  } else {
    session_.error(member, error);
  }
  console_.event(
      "trouble",
      fmt::format("{}: {}{}", name_of_member(member), error.message, again ? "; trying again" : ""),
      Json::object()
          .set("member", member)
          .set("code", callbot::name_of(error.code))
          .set("message", error.message)
          .set("again", again));
}

void Record::track_added(const TrackInfo& track, bool taken) {
  console_.event("track",
                 fmt::format("{} {} {}{}", track.name, callbot::name_of(track.kind), track.codec,
                             taken                       ? ""
                             : filter_.wants(track.name) ? " (not recorded: asked not to be)"
                                                         : " (not recorded: excluded)"),
                 Json::object()
                     .set("member", track.participant)
                     .set("name", track.name)
                     .set("media", callbot::name_of(track.kind))
                     .set("codec", track.codec)
                     .set("ssrc", track.ssrc)
                     .set("recorded", taken));
}

void Record::track_removed(const TrackInfo& track) {
  shown_.erase(track.id);
  console_.event("track-end", fmt::format("{} {}", track.name, callbot::name_of(track.kind)),
                 Json::object().set("name", track.name).set("media", callbot::name_of(track.kind)));
}

void Record::key_frame_wait(const TrackInfo& track) {
  session_.key_frame(track.id, std::nullopt);
  console_.event("key-wait", track.name + ": picture lost, waiting for a key frame",
                 Json::object().set("name", track.name));
}

void Record::key_frame_found(const TrackInfo& track, std::chrono::nanoseconds wait) {
  session_.key_frame(track.id, wait);
  const double seconds = std::chrono::duration<double>(wait).count();
  console_.event("key-frame", fmt::format("{}: picture back after {:.2f} s", track.name, seconds),
                 Json::object().set("name", track.name).set("wait", seconds));
}

void Record::size_changed(const TrackInfo& track, uint32_t width, uint32_t height) {
  shown_[track.id].codec_size = fmt::format("{} {}x{}", track.codec, width, height);
  console_.event("size", fmt::format("{}: {}x{}", track.name, width, height),
                 Json::object().set("name", track.name).set("width", width).set("height", height));
}

void Record::chat(const Member& from, const std::string& text) {
  session_.chat(from, text);
  // What is encrypted in the folder does not stand in a log file instead.
  const std::string shown = session_.encrypted() ? "(encrypted)" : text;
  console_.event("chat", from.name + ": " + shown,
                 Json::object().set("name", from.name).set("text", shown));
}

void Record::file_begin(const Member& from, const FileBegin& file) {
  session_.file_begin(from, file);
}

void Record::file_chunk(const Member& from, const std::string& bytes) {
  session_.file_chunk(from, bytes);
}

void Record::file_end(const Member& from, const FileEnd* end) {
  session_.file_end(from, end, [this, name = from.name](Result<recordings::ReceivedFile> file) {
    if (!file)
      return console_.event("file", name + ": " + file.error().message,
                            Json::object().set("name", name).set("error", file.error().message));
    console_.event("file",
                   fmt::format("{}: {} ({})", name, file->path, counted(file->bytes, "byte")),
                   Json::object()
                       .set("name", name)
                       .set("path", file->path)
                       .set("bytes", file->bytes)
                       .set("sha256", file->sha256));
  });
}

void Record::interrupted(const std::string& why) {
  session_.signaling(true, why);
  console_.event("interrupted", "server lost, media goes on: " + why,
                 Json::object().set("reason", why));
}

void Record::resumed() {
  session_.signaling(false, "");
  console_.event("resumed", "server is back");
}

}  // namespace callbot::bot
