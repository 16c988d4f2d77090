#include "bot/record_control.h"

#include <fmt/core.h>

#include <algorithm>

#include "recordings/manifest.h"

namespace callbot::bot {
namespace {

constexpr size_t kLongestText = 1000;  // of a marker, in bytes
constexpr size_t kLongestBy = 100;

Result<std::string> bounded(Fields& fields, const char* key, size_t most, bool needed) {
  auto text = needed ? fields.need<std::string>(key) : fields.get(key, std::string());
  if (text.size() > most || (needed && text.empty()))
    fields.complain(key, fmt::format("expected 1 to {} bytes", most));
  return fields.ok() ? Result<std::string>(text) : tl::unexpected(fields.done().error());
}

std::string by_whom(Fields& fields) {
  const auto by = bounded(fields, "by", kLongestBy, false);
  return by && !by->empty() ? *by : "control";
}

}  // namespace

Result<> RecordControl::open() {
  auto made = ControlServer::create(log_, session_.folder(),
                                    [this](const Json& request, ControlServer::Answer answer) {
                                      this->answer(request, std::move(answer));
                                    });
  if (!made) return tl::unexpected(made.error());
  server_ = std::move(*made);
  return {};
}

// What was changed is answered once the journal says so: who kills us then finds it there.
void RecordControl::answer(const Json& request, ControlServer::Answer answer) {
  auto done = handle(request);
  if (!done || request.at("do").text() == "status") return answer(std::move(done));
  session_.when_written(alive_.guard([done, answer = std::move(answer)](Result<> written) mutable {
    answer(written ? std::move(done) : tl::unexpected(written.error()));
  }));
}

Result<Json> RecordControl::handle(const Json& request) {
  Fields fields(request);
  const auto what = fields.need<std::string>("do");
  if (what == "pause") return pause(fields);
  if (what == "resume") return resume(fields);
  if (what == "mark") return mark(fields);
  if (what == "split") return split(fields);
  if (what == "status") return status(fields);
  if (what == "include" || what == "exclude") return choose(fields, what == "include");
  fields.complain("do", "expected pause, resume, mark, split, status, include or exclude");
  return tl::unexpected(fields.done().error());
}

Result<std::vector<std::string>> RecordControl::meant(Fields& fields) {
  const auto name = fields.get("member", std::string());
  if (name.empty()) return std::vector<std::string>{""};
  std::vector<std::string> found;
  for (const signaling::Member& m : links_.members()) {
    const std::string participant = links_.participant_of(m.id);
    const bool is = m.name == name || m.id == name || participant == name;
    if (is && std::find(found.begin(), found.end(), participant) == found.end())
      found.push_back(participant);
  }
  // Who has left stays paused, and can be resumed.
  for (const auto& [participant, pause] : session_.pauses())
    if (found.empty() && participant == name) found.push_back(participant);
  if (found.empty())
    return fail(Code::kBadInput, fmt::format("member: nobody here is called \"{}\"", name));
  return found;
}

Result<Json> RecordControl::pause(Fields& fields) {
  const auto policy = fields.get("policy", std::string("cut"));
  if (policy != "cut" && policy != "slate") fields.complain("policy", "expected cut or slate");
  const std::string by = by_whom(fields);
  const auto who = meant(fields);
  if (auto done = fields.done(); !done) return tl::unexpected(done.error());
  if (!who) return tl::unexpected(who.error());
  const bool changes = std::any_of(who->begin(), who->end(), [&](const std::string& one) {
    return !session_.pauses().contains(one);
  });
  if (!changes) return fail(Code::kBadInput, "paused already");
  for (const std::string& participant : *who) session_.pause(participant, policy, by);
  const auto name = fields.get("member", std::string());
  console_.event("paused", name.empty() ? "everybody" : name,
                 Json::object().set_if(!name.empty(), "name", name).set("policy", policy));
  return Json::object().set("paused", static_cast<int64_t>(session_.pauses().size()));
}

Result<Json> RecordControl::resume(Fields& fields) {
  const std::string by = by_whom(fields);
  const auto who = meant(fields);
  if (auto done = fields.done(); !done) return tl::unexpected(done.error());
  if (!who) return tl::unexpected(who.error());
  const bool changes = std::any_of(who->begin(), who->end(), [&](const std::string& one) {
    return session_.pauses().contains(one);
  });
  if (!changes) return fail(Code::kBadInput, "not paused");
  for (const std::string& participant : *who) session_.resume(participant, by);
  const auto name = fields.get("member", std::string());
  console_.event("unpaused", name.empty() ? "everybody" : name,
                 Json::object().set_if(!name.empty(), "name", name));
  return Json::object().set("paused", static_cast<int64_t>(session_.pauses().size()));
}

Result<Json> RecordControl::mark(Fields& fields) {
  const auto text = bounded(fields, "text", kLongestText, true);
  const std::string by = by_whom(fields);
  const auto who = meant(fields);
  if (auto done = fields.done(); !done) return tl::unexpected(done.error());
  if (!who) return tl::unexpected(who.error());
  if (++marks_ > recordings::kMostMarkers)
    return fail(Code::kBadInput, fmt::format("there are {} markers already, more are not kept",
                                             recordings::kMostMarkers));
  const int64_t at_ns = session_.stats().duration_ns;
  session_.mark(*text, by, who->front());
  console_.event("marker", *text, Json::object().set("text", *text).set("by", by));
  return Json::object().set("at_ns", at_ns);
}

Result<Json> RecordControl::split(Fields& fields) {
  if (auto done = fields.done(); !done) return tl::unexpected(done.error());
  session_.split();
  return Json::object();
}

Result<Json> RecordControl::choose(Fields& fields, bool include) {
  const auto pattern = bounded(fields, "pattern", kLongestBy, true);
  if (auto done = fields.done(); !done) return tl::unexpected(done.error());
  if (!links_.choose) return fail(Code::kUnsupported, "there is one member only");
  return links_.choose(include, *pattern).map([&] {
    return Json::object().set("members", members_json(session_.stats()));
  });
}

Json RecordControl::members_json(const recordings::RecordingStats& stats) const {
  Json members = Json::array();
  for (const signaling::Member& m : links_.members()) {
    const std::string participant = links_.participant_of(m.id);
    const bool speaks = std::any_of(
        stats.talkers.begin(), stats.talkers.end(),
        [&](const auto& talker) { return talker.participant == participant && talker.speaks; });
    members.add(Json::object()
                    .set("participant", participant)
                    .set("name", m.name)
                    .set("refused", !m.may_be_recorded)
                    .set("excluded", session_.excluded(m.id))
                    .set("paused", session_.paused(participant))
                    .set("speaks", speaks));
  }
  return members;
}

Result<Json> RecordControl::status(Fields& fields) {
  if (auto done = fields.done(); !done) return tl::unexpected(done.error());
  const auto stats = session_.stats();
  Json tracks = Json::array();
  for (const auto& track : stats.tracks) {
    if (!track.live) continue;
    tracks.add(Json::object()
                   .set("participant", track.info.participant)
                   .set("name", track.info.name)
                   .set("media", callbot::name_of(track.info.kind))
                   .set("codec", track.info.codec)
                   .set("frames", track.frames)
                   .set("bytes", track.bytes)
                   .set_if(track.width > 0, "width", track.width)
                   .set_if(track.height > 0, "height", track.height));
  }
  Json files = Json::array();
  for (const std::string& file : stats.files) files.add(file);
  return Json::object()
      .set("folder", session_.folder().string())
      .set("paused", session_.paused(""))
      .set("duration_ns", stats.duration_ns)
      .set("bytes", stats.bytes)
      .set("members", members_json(stats))
      .set("tracks", tracks)
      .set("files", files);
}

}  // namespace callbot::bot
