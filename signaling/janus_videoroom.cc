#include "signaling/janus_videoroom.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/alive.h"
#include "base/clock.h"
#include "base/files.h"
#include "signaling/janus.h"
#include "signaling/janus_messages.h"
#include "signaling/janus_publisher.h"
#include "signaling/janus_subscriber.h"

namespace callbot::signaling {
namespace {

using namespace janus;

constexpr const char* kPlugin = "janus.plugin.videoroom";

class JanusVideoRoom final : public Signaling {
 public:
  JanusVideoRoom(Loop& loop, Log log, JoinConfig config, Address address, JanusTimes times);

  void start(Events& events) override;
  void send(LegId leg, Message message) override;
  void request(LegId leg, Request request) override;
  void announce(const Self& self) override;
  void close() override;

 private:
  JanusConfig session_config(const JanusTimes& times) const;
  void tell(std::function<void(Events&)> what);
  void finish(Result<> how);

  void attach();
  void join();
  void rejoin();
  void join_failed(const JanusFailure& failure);
  void joined(const JanusEvent& event);
  void lost(const Error& error);
  void handle_event(const JanusEvent& event);
  void room_event(const Json& data);
  void publishers_changed(const Json& list);
  void attendee_came(const Json& one);
  void feed_renamed(const Json& id, const std::string& name);
  void feed_unpublished(const Id& id);
  void feed_left(const Id& id);
  void set_feed(Feed feed);
  void feeds_changed(const std::vector<Id>& announced = {});
  void tell_members();
  bool ours(const Id& id) const { return own_ids_.count(id) > 0; }

  Loop& loop_;
  Log log_;
  JoinConfig config_;
  Address address_;
  Events* events_ = nullptr;
  bool joined_once_ = false;
  bool ended_ = false;
  std::optional<JanusHandle> handle_;  // of the room: its events, and what we send
  std::optional<Id> self_;
  bool keep_id_ = true;      // ask for the id we had
  std::set<Id> own_ids_;     // this one and earlier ones, which may linger in the room
  std::vector<Feed> feeds_;  // the others, in the order they came
  uint64_t legs_ = 0;
  bool interrupted_ = false;
  std::optional<int64_t> away_since_ns_;  // not in the room since then
  Timer deadline_;
  Timer rejoin_;
  JanusSession session_;
  Context context_;
  Publisher publisher_;
  Subscriber subscriber_;
  Alive alive_;
};

JanusVideoRoom::JanusVideoRoom(Loop& loop, Log log, JoinConfig config, Address address,
                               JanusTimes times)
    : loop_(loop),
      log_(std::move(log)),
      config_(std::move(config)),
      address_(std::move(address)),
      session_(loop, log_, session_config(times),
               {.established = [this] { attach(); },
                .event = [this](const JanusEvent& event) { handle_event(event); },
                .lost = [this](const Error& error) { lost(error); },
                .failed = [this](const Error& error) { finish(tl::unexpected(error)); }}),
      context_{.loop = loop,
               .log = log_,
               .session = session_,
               .new_leg = [this] { return LegId{++legs_}; },
               .tell = [this](auto what) { tell(std::move(what)); },
               .fail = [this](const Error& error) { finish(tl::unexpected(error)); },
               .rejoin = [this] { rejoin(); }},
      publisher_(context_, address_),
      subscriber_(context_, address_, config_) {}

JanusConfig JanusVideoRoom::session_config(const JanusTimes& times) const {
  return {.url = address_.url,
          .trust = {config_.ca_file, config_.insecure},
          .api_secret = address_.api_secret,
          .token = address_.token,
          .deadline = config_.deadline,
          .transaction = times.transaction,
          .keepalive = times.keepalive,
          .reconnect_for = config_.reconnect_for,
          .first_retry = times.first_retry,
          .longest_retry = times.longest_retry};
}

void JanusVideoRoom::start(Events& events) {
  events_ = &events;
  deadline_.once(config_.deadline, [this] {
    finish(fail(Code::kTimeout, fmt::format("not in room {} within {} ms", address_.room.text,
                                            config_.deadline.count())));
  });
  session_.start();
}

// Never from inside a call of the Events' owner, who may destroy us in any of these.
void JanusVideoRoom::tell(std::function<void(Events&)> what) {
  if (ended_) return;
  loop_.post(alive_.guard([this, what = std::move(what)] { what(*events_); }));
}

void JanusVideoRoom::finish(Result<> how) {
  if (ended_) return;
  deadline_.stop();
  rejoin_.stop();
  publisher_.gone();
  subscriber_.gone();
  ended_ = true;
  // Janus frees what it holds for us at once, not when the session times out. Posted, so that it
  // comes after all that was told before.
  session_.close(alive_.guard(
      [this, how] { loop_.post(alive_.guard([this, how] { events_->closed(how); })); }));
}

void JanusVideoRoom::close() { finish({}); }

void JanusVideoRoom::attach() {
  session_.attach(kPlugin, alive_.guard([this](JanusResult<JanusHandle> handle) {
    if (!handle) return join_failed(handle.error());
    handle_ = *handle;
    join();
  }));
}

void JanusVideoRoom::join() {
  Json body = join_body(address_, "publisher").set("display", config_.self.name);
  if (self_ && keep_id_) body.set("id", self_->json());
  session_.message(*handle_, body, nullptr, alive_.guard([this](JanusResult<JanusEvent> reply) {
    if (!reply) return join_failed(reply.error());
    joined(*reply);
  }));
}

void JanusVideoRoom::rejoin() {
  // Leaving sets the id free at once, and others see that what we sent has ended.
  const Json leave = Json::object().set("request", "leave");
  session_.message(*handle_, leave, nullptr, [](JanusResult<JanusEvent>) {});
  session_.detach(*handle_);
  handle_.reset();
  publisher_.gone();
  away_since_ns_ = monotonic_ns();
  attach();
}

void JanusVideoRoom::join_failed(const JanusFailure& failure) {
  if (failure.code == kIdExists && self_ && keep_id_) {
    // What we were before has not left yet; it is still known as ourselves.
    keep_id_ = false;
    return join();
  }
  if (failure.code == kInvalidElement && address_.room.number && !joined_once_) {
    // A server whose ids are texts (string_ids).
    address_.room.number = false;
    return join();
  }
  const Error error = explain(failure, address_.room);
  const int64_t now = monotonic_ns();
  const std::chrono::nanoseconds since(now - away_since_ns_.value_or(now));
  if (!joined_once_ || error.code == Code::kDenied || since > config_.reconnect_for)
    return finish(tl::unexpected(error));
  // A server that was started again may get its rooms later.
  if (handle_) session_.detach(*handle_);
  handle_.reset();
  rejoin_.once(std::chrono::seconds(1), [this] { attach(); });
}

void JanusVideoRoom::joined(const JanusEvent& event) {
  const auto id = id_of(event.data.at("id"));
  if (!id || event.data.at("videoroom").text() != "joined")
    return finish(fail(Code::kBadInput, "Janus let us in without saying as whom"));
  self_ = *id;
  keep_id_ = true;
  away_since_ns_.reset();
  own_ids_.insert(*id);
  deadline_.stop();
  if (!std::exchange(joined_once_, true))
    tell([id = id->text](Events& events) { events.joined(id); });
  else if (std::exchange(interrupted_, false))
    tell([](Events& events) { events.resumed(); });

  feeds_.clear();
  for (auto& feed : feeds_of(event.data.at("publishers"), true)) set_feed(std::move(feed));
  for (auto& feed : feeds_of(event.data.at("attendees"), false)) set_feed(std::move(feed));
  tell_members();
  if (config_.self.sends) publisher_.begin(*handle_);
  if (config_.self.receives) {
    subscriber_.begin(event.data.at("private_id").whole());
    feeds_changed();
  }
}

void JanusVideoRoom::lost(const Error& error) {
  handle_.reset();
  rejoin_.stop();
  publisher_.gone();
  subscriber_.gone();
  if (!joined_once_) return finish(tl::unexpected(error));
  if (!away_since_ns_) away_since_ns_ = monotonic_ns();
  if (std::exchange(interrupted_, true)) return;  // again, before we were back
  tell([why = error.message](Events& events) { events.interrupted(why); });
}

void JanusVideoRoom::handle_event(const JanusEvent& event) {
  subscriber_.handle_event(event);
  if (!handle_ || event.handle != *handle_) return;
  if (event.type == "event") return room_event(event.data);
  if (event.type == "detached") {
    // Only the session takes handles away otherwise; so begin as after its loss.
    lost({Code::kConnect, "Janus dropped us from the room"});
    if (!ended_) attach();
    return;
  }
  publisher_.handle_event(event);
}

void JanusVideoRoom::room_event(const Json& data) {
  const std::string what = data.at("videoroom").text().value_or("");
  if (what == "destroyed")
    return finish(fail(Code::kConnect,
                       fmt::format("room {} of Janus was closed", printable(address_.room.text))));
  if (what != "event") return;
  if (data.at("leaving").text() == "ok")
    return finish(fail(Code::kDenied, fmt::format("removed from room {} of Janus: {}",
                                                  printable(address_.room.text),
                                                  data.at("reason").text().value_or("no reason"))));
  if (data.at("publishers").is_array()) publishers_changed(data.at("publishers"));
  if (const auto name = data.at("display").text()) feed_renamed(data.at("id"), *name);
  if (data.at("joining").is_object()) attendee_came(data.at("joining"));
  if (const auto id = id_of(data.at("unpublished"))) feed_unpublished(*id);
  for (const char* gone : {"leaving", "kicked"})
    if (const auto id = id_of(data.at(gone))) feed_left(*id);
}

void JanusVideoRoom::publishers_changed(const Json& list) {
  std::vector<Id> announced;
  for (auto& feed : feeds_of(list, true)) {
    announced.push_back(feed.id);
    set_feed(std::move(feed));
  }
  feeds_changed(announced);
}

void JanusVideoRoom::attendee_came(const Json& one) {
  for (auto& feed : feeds_of(Json::array().add(one), false)) set_feed(std::move(feed));
  feeds_changed();
}

void JanusVideoRoom::set_feed(Feed feed) {
  if (ours(feed.id)) return;
  const auto same = [&](const Feed& other) { return other.id == feed.id; };
  const auto known = std::find_if(feeds_.begin(), feeds_.end(), same);
  if (known == feeds_.end())
    feeds_.push_back(std::move(feed));
  else
    *known = std::move(feed);
}

void JanusVideoRoom::feed_renamed(const Json& id, const std::string& name) {
  for (auto& feed : feeds_)
    if (feed.id == id_of(id)) feed.name = name;
  feeds_changed();
}

void JanusVideoRoom::feed_unpublished(const Id& id) {
  for (auto& feed : feeds_)
    if (feed.id == id) {
      feed.publishes = false;
      feed.streams.clear();
    }
  feeds_changed();
}

void JanusVideoRoom::feed_left(const Id& id) {
  std::erase_if(feeds_, [&](const Feed& feed) { return feed.id == id; });
  feeds_changed();
}

void JanusVideoRoom::feeds_changed(const std::vector<Id>& announced) {
  tell_members();
  if (config_.self.receives) subscriber_.set_feeds(feeds_, announced);
}

void JanusVideoRoom::tell_members() {
  std::vector<Member> members;
  for (const auto& feed : feeds_) members.push_back({.id = feed.id.text, .name = feed.name});
  tell([members](Events& events) { events.members_changed(members); });
}

void JanusVideoRoom::send(LegId leg, Message message) {
  if (ended_) return;
  if (publisher_.has(leg))
    publisher_.send(std::move(message));
  else if (subscriber_.has(leg))
    subscriber_.send(std::move(message));
}

void JanusVideoRoom::request(LegId leg, Request request) {
  // Janus offers again by itself whenever there is something to offer.
  if (ended_ || request.what != Request::What::kRestart || !subscriber_.has(leg)) return;
  subscriber_.restart("the call asked for it");
}

void JanusVideoRoom::announce(const Self& self) {
  const bool renamed = self.name != config_.self.name;
  config_.self = self;
  if (ended_ || !renamed || !handle_ || !joined_once_) return;
  const Json body = Json::object().set("request", "configure").set("display", self.name);
  session_.message(*handle_, body, nullptr, [](JanusResult<JanusEvent>) {});
}

}  // namespace

Result<std::unique_ptr<Signaling>> make_janus_videoroom(Loop& loop, Log log,
                                                        const JoinConfig& config,
                                                        JanusTimes times) {
  auto address = parse_janus_address(config);
  if (!address) return tl::unexpected(address.error());
  for (const auto& secret : {address->pin, address->api_secret, address->token})
    if (!secret.empty()) Log::hide(secret);
  return std::make_unique<JanusVideoRoom>(loop, std::move(log), config, std::move(*address), times);
}

}  // namespace callbot::signaling
