#include "pipelines/data_channels.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>
#include <vector>

#include "base/text.h"
#include "pipelines/gst_glue.h"

namespace callbot::pipelines {
namespace {

constexpr uint64_t kLimitNotSaid = 64u << 10;  // RFC 8841, 6.1
// On their way to the loop, of all channels; more is a flood.
constexpr uint64_t kMostBytesUnderWay = 64u << 20;
// Waiting to be sent; more means that the other end does not take them.
constexpr uint64_t kMostBytesBuffered = 16u << 20;

}  // namespace

// What webrtcbin's thread needs. Its functions are only ever called on the loop.
struct DataChannels::Shared {
  Loop& loop;
  const uint64_t most_message_bytes;
  std::atomic<uint64_t> bytes_under_way{0};
  std::function<void(ChannelId, GRef<GstWebRTCDataChannel>)> added;
  std::function<void(ChannelId)> opened, closed, refused;
  std::function<void(ChannelId, bool, std::shared_ptr<std::string>)> received;

  static ChannelId next_id() {
    static std::atomic<ChannelId> last{0};
    return ++last;
  }
  void post(const std::function<void(ChannelId)>& what, ChannelId id) {
    loop.post([what, id] { what(id); });
  }
  void listen(const std::shared_ptr<Shared>& self, GstWebRTCDataChannel* channel, ChannelId id);
  void take(ChannelId id, bool text, const char* bytes, size_t size);
};

void DataChannels::Shared::listen(const std::shared_ptr<Shared>& self,
                                  GstWebRTCDataChannel* channel, ChannelId id) {
  on_signal_now(channel, "on-open", [self, id](const GValue*) { self->post(self->opened, id); });
  on_signal_now(channel, "on-close", [self, id](const GValue*) { self->post(self->closed, id); });
  on_signal_now(channel, "on-message-string", [self, id](const GValue* values) {
    const char* text = g_value_get_string(&values[1]);
    self->take(id, true, text != nullptr ? text : "", text != nullptr ? strlen(text) : 0);
  });
  on_signal_now(channel, "on-message-data", [self, id](const GValue* values) {
    gsize size = 0;
    const void* bytes = nullptr;
    if (auto* data = static_cast<GBytes*>(g_value_get_boxed(&values[1])))
      bytes = g_bytes_get_data(data, &size);
    self->take(id, false, static_cast<const char*>(bytes), size);
  });
}

void DataChannels::Shared::take(ChannelId id, bool text, const char* bytes, size_t size) {
  if (size > most_message_bytes || bytes_under_way + size > kMostBytesUnderWay) {
    post(refused, id);
    return;
  }
  bytes_under_way += size;
  auto copy = std::make_shared<std::string>(bytes != nullptr ? std::string(bytes, size) : "");
  loop.post([received = received, id, text, copy] { received(id, text, copy); });
}

DataChannels::DataChannels(Loop& loop, uint64_t most_message_bytes, Events& events)
    : events_(events),
      shared_(new Shared{.loop = loop, .most_message_bytes = most_message_bytes}),
      remote_limit_(kLimitNotSaid) {
  shared_->added = alive_.guard(
      [this](ChannelId id, const GRef<GstWebRTCDataChannel>& object) { added(id, object); });
  shared_->opened = alive_.guard([this](ChannelId id) { when_allowed([=, this] { opened(id); }); });
  shared_->closed = alive_.guard([this](ChannelId id) { when_allowed([=, this] { closed(id); }); });
  shared_->refused = alive_.guard([this](ChannelId id) { refuse(id); });
  shared_->received =
      alive_.guard([this](ChannelId id, bool text, const std::shared_ptr<std::string>& bytes) {
        when_allowed([=, this] { received(id, text, bytes); });
      });
}

DataChannels::~DataChannels() = default;

std::function<void(GstWebRTCDataChannel*)> DataChannels::tap() const {
  return [shared = shared_](GstWebRTCDataChannel* channel) {
    const ChannelId id = Shared::next_id();
    shared->listen(shared, channel, id);
    shared->loop.post([shared, id, object = GRef<GstWebRTCDataChannel>::share(channel)] {
      shared->added(id, object);
      shared->opened(id);
    });
  };
}

Result<ChannelId> DataChannels::open(GstElement* webrtcbin, const std::string& label) {
  GstWebRTCDataChannel* raw = nullptr;
  g_signal_emit_by_name(webrtcbin, "create-data-channel", label.c_str(), nullptr, &raw);
  if (raw == nullptr) return fail(Code::kInternal, "webrtcbin made no data channel");
  const ChannelId id = Shared::next_id();
  channels_[id].object = GRef<GstWebRTCDataChannel>::adopt(raw);
  shared_->listen(shared_, raw, id);
  return id;
}

Result<> DataChannels::send(ChannelId id, bool text, std::string_view bytes) {
  const auto at = channels_.find(id);
  if (at == channels_.end() || !at->second.open)
    return fail(Code::kConnect, "the data channel is not open");
  if (bytes.size() > remote_limit_)
    return fail(Code::kUnsupported,
                fmt::format("a message of {}, but the other end takes {} at most",
                            counted(bytes.size(), "byte"), remote_limit_));
  if (bytes.empty())  // it would end the channel, and the call with it
    return fail(Code::kUnsupported, "webrtcbin cannot send an empty message");
  GstWebRTCDataChannel* channel = at->second.object.get();
  guint64 buffered = 0;
  g_object_get(channel, "buffered-amount", &buffered, nullptr);
  if (buffered + bytes.size() > kMostBytesBuffered)
    return fail(Code::kConnect, "the data channel is congested");
  GError* error = nullptr;
  if (text) {
    const std::string terminated(bytes);
    gst_webrtc_data_channel_send_string_full(channel, terminated.c_str(), &error);
  } else {
    const std::unique_ptr<GBytes, Freer<&g_bytes_unref>> data(
        g_bytes_new(bytes.data(), bytes.size()));
    gst_webrtc_data_channel_send_data_full(channel, data.get(), &error);
  }
  if (error == nullptr) return {};
  return fail(Code::kConnect, ErrorPtr(error)->message);
}

void DataChannels::set_remote_limit(std::optional<uint64_t> bytes) {
  // RFC 8841, 6: zero means any size.
  remote_limit_ = bytes.value_or(kLimitNotSaid);
  if (remote_limit_ == 0) remote_limit_ = kMostBytesBuffered;
}

void DataChannels::allow() {
  allowed_ = true;
  for (const Task& task : std::exchange(waiting_, {})) task();
}

void DataChannels::when_allowed(Task task) {
  if (allowed_)
    task();
  else
    waiting_.push_back(std::move(task));
}

void DataChannels::added(ChannelId id, const GRef<GstWebRTCDataChannel>& object) {
  channels_[id].object = object;
}

void DataChannels::opened(ChannelId id) {
  const auto at = channels_.find(id);
  if (at == channels_.end() || at->second.open) return;
  at->second.open = true;
  gchar* label = nullptr;
  g_object_get(at->second.object.get(), "label", &label, nullptr);
  const Text owned(label);
  events_.channel_opened(id, label != nullptr ? label : "");
}

void DataChannels::received(ChannelId id, bool text, const std::shared_ptr<std::string>& bytes) {
  shared_->bytes_under_way -= bytes->size();
  if (channels_.contains(id)) events_.channel_message(id, text, std::move(*bytes));
}

void DataChannels::refuse(ChannelId id) {
  const auto at = channels_.find(id);
  if (at == channels_.end()) return;
  gst_webrtc_data_channel_close(at->second.object.get());
  closed(id);
}

void DataChannels::closed(ChannelId id) {
  const auto at = channels_.find(id);
  if (at == channels_.end()) return;
  const bool was_open = at->second.open;
  channels_.erase(at);
  if (was_open) events_.channel_closed(id);
}

}  // namespace callbot::pipelines
