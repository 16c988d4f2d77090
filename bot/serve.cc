#include "bot/serve.h"

#include <fmt/core.h>
#include <gio/gio.h>

#include "base/files.h"
#include "bot/web_files.h"
#include "signaling/tls_auto.h"

namespace callbot::bot {
namespace {

bool is_loopback(const std::string& address) {
  if (address == "localhost") return true;
  const auto parsed = GRef<GInetAddress>::adopt(g_inet_address_new_from_string(address.c_str()));
  return parsed && g_inet_address_get_is_loopback(parsed.get());
}

// What serve was told of its recorders, as record is told.
std::vector<std::string> flags_of(const ServeOptions& o) {
  std::vector<std::string> flags;
  const auto add = [&](bool when, const std::string& flag) {
    if (when) flags.push_back(flag);
  };
  const auto time = [](const auto& d) { return std::to_string(d ? d->count() : 0) + "ms"; };
  const auto kilobytes = [](uint64_t bytes) { return std::to_string(bytes / 1000) + "K"; };
  add(o.duration.has_value(), "--duration=" + time(o.duration));
  add(o.audio_only, "--audio-only");
  add(o.rules.segment_duration.has_value(), "--segment=" + time(o.rules.segment_duration));
  add(o.rules.segment_bytes > 0, "--segment=" + kilobytes(o.rules.segment_bytes));
  add(o.rules.most_bytes > 0, "--max-size=" + kilobytes(o.rules.most_bytes));
  add(o.rules.until_silent.has_value(), "--until-silent=" + time(o.rules.until_silent));
  // The key itself: its file may be gone when a later recorder starts.
  if (o.rules.encrypt_to) add(true, "--encrypt-to=" + recordings::to_text(*o.rules.encrypt_to));
  for (const std::string& pattern : o.rules.include) add(true, "--include=" + pattern);
  for (const std::string& pattern : o.rules.exclude) add(true, "--exclude=" + pattern);
  return flags;
}

fs::path default_tls_dir() { return fs::path(g_get_user_data_dir()) / "callbot" / "tls"; }

}  // namespace

Serve::Serve(Loop& loop, Console& console, ServeOptions options)
    : loop_(loop), console_(console), options_(std::move(options)) {}

Serve::~Serve() = default;

Result<> Serve::find_tls(signaling::HttpServerConfig& config) {
  config.cert_file = options_.tls_cert;
  config.key_file = options_.tls_key;
  if (!options_.tls_auto) return {};
  auto made =
      signaling::auto_certificate(options_.tls_dir.empty() ? default_tls_dir() : options_.tls_dir);
  if (!made) return tl::unexpected(made.error());
  config.cert_file = made->cert_file;
  config.key_file = made->key_file;
  console_.line(signaling::how_to_trust(*made));
  return {};
}

Result<> Serve::start() {
  Log::hide(options_.token);
  if (!is_loopback(options_.address) && options_.token.empty() && !options_.open)
    return fail(Code::kUsage,
                fmt::format("--listen {}: others can reach this address: give --token SECRET, or "
                            "--open to let anybody in",
                            options_.address));
  signaling::HttpServerConfig config;
  config.address = options_.address;
  config.port = options_.port;
  if (auto tls = find_tls(config); !tls) return tls;
  if (options_.record) {
    if (auto made = make_folder(*options_.record); !made) return made;
  }
  auto http = signaling::HttpServer::create(loop_, log_, config);
  if (!http) return tl::unexpected(http.error());
  http_ = std::move(*http);
  add_pages();
  signaling::RoomHooks hooks;
  if (options_.record) {
    add_recording();
    hooks.opened = [this](const std::string& room) { recorders_->opened(room); };
    hooks.emptied = [this](const std::string& room) { recorders_->emptied(room); };
  }
  signaling::RoomServerConfig rooms;
  rooms.token = options_.token;
  rooms.most_members = static_cast<size_t>(options_.most_members);
  rooms_ = std::make_unique<signaling::RoomServer>(loop_, log_, *http_, rooms, std::move(hooks));
  console_.event("serving", url(), Json::object().set("url", url()));
  return {};
}

void Serve::add_pages() {
  for (const WebFile& file : web_files()) {
    const signaling::HttpResponse response{200,
                                           std::string(file.content_type),
                                           std::string(file.content),
                                           {{"Cache-Control", "no-cache"}}};
    const auto serve = [response](const signaling::HttpRequest&, signaling::Responder answer) {
      answer.send(response);
    };
    http_->route("GET", "/" + std::string(file.path), serve);
    if (file.path == "index.html") http_->route("GET", "/", serve);
  }
}

void Serve::add_recording() {
  RecorderCommand command;
  command.out = *options_.record;
  command.token = options_.token;
  command.on_finish = options_.on_finish;
  command.disk = options_.disk;
  command.json = console_.json();
  command.rules = flags_of(options_);
  command.empty_for = options_.rules.empty_for;
  command.base_url = fmt::format(
      "{}://{}:{}", http_->tls() ? "wss" : "ws",
      options_.address == "0.0.0.0" || options_.address == "::" ? "127.0.0.1" : options_.address,
      http_->port());
  disk_ = std::make_unique<DiskWatch>(loop_, *options_.record, [this](uint64_t free) {
    recorders_->disk(free);
    whip_->disk(free);
  });
  recorders_ = std::make_unique<RoomRecorders>(loop_, console_, std::move(command), disk_->free());
  WhipConfig whip{*options_.record, options_.token};
  whip.audio_only = options_.audio_only;
  whip.segment_bytes = options_.rules.segment_bytes;
  whip.seal_to = options_.rules.encrypt_to;
  if (options_.rules.segment_duration)
    whip.segment_duration =
        std::chrono::ceil<std::chrono::seconds>(*options_.rules.segment_duration);
  whip.limits = {.duration = options_.duration,
                 .until_silent = options_.rules.until_silent,
                 .most_bytes = options_.rules.most_bytes};
  whip.disk = options_.disk;
  whip.on_finish = options_.on_finish;
  whip_ = std::make_unique<Whip>(loop_, console_, *http_, std::move(whip), disk_->free());
  open_ = std::make_unique<OpenRecordings>(loop_, console_, options_.on_finish);
  open_->finish(*options_.record);
}

void Serve::stop(std::function<void()> done) {
  if (done_) return;
  done_ = std::move(done);
  if (!rooms_) return loop_.post(alive_.guard([this] { done_(); }));  // it did not start
  const auto one = alive_.guard([this] { stopped_one(); });
  stopping_ = 1 + (recorders_ ? 1 : 0) + (whip_ ? 1 : 0);
  if (whip_) whip_->stop(one);
  if (recorders_) recorders_->stop(one);
  rooms_->shut_down(one);
}

void Serve::stopped_one() {
  if (--stopping_ == 0) done_();
}

}  // namespace callbot::bot
