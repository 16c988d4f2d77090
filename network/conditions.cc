#include "network/conditions.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/bytes.h"
#include "base/units.h"

namespace callbot::network {
namespace {

constexpr double kLongest = 60;         // s; what is under way is kept in memory
constexpr double kSlowest = 1000;       // bit/s
constexpr uint64_t kLeastQueue = 1500;  // bytes: else no full packet ever passes
constexpr uint64_t kMostFile = 4u << 20;
constexpr size_t kMostSteps = 10'000;

constexpr std::pair<const char*, JitterShape> kShapes[] = {{"uniform", JitterShape::kUniform},
                                                           {"normal", JitterShape::kNormal},
                                                           {"pareto", JitterShape::kPareto}};

double get_time(Fields& fields, const char* key, double otherwise) {
  const double value = get_seconds(fields, key, otherwise);
  if (value > kLongest) fields.complain(key, fmt::format("expected at most {} s", kLongest));
  return value;
}

// A time or an amount of bytes; it replaces both.
void read_queue(Fields& fields, Direction& d) {
  if (!fields.has("queue")) return;
  std::string text = fields.raw("queue").text().value_or("");
  d.queue_s = 0;
  d.queue_bytes = 0;
  const bool unit = text.find_first_not_of("0123456789. ") != std::string::npos;
  if (const auto time = parse_seconds(text); time && unit && *time <= kLongest && *time > 0) {
    d.queue_s = *time;
    return;
  }
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  d.queue_bytes = unit ? parse_bytes(text).value_or(0) : 0;
  if (d.queue_bytes < kLeastQueue)
    fields.complain("queue", "expected a time such as 200ms, or bytes from 1500 such as 64KiB");
}

void read_bottleneck(Fields& fields, Direction& d, const fs::path& folder) {
  const bool rate = fields.has("rate");
  d.rate = get_bit_rate(fields, "rate", d.rate);
  if (d.rate > 0 && d.rate < kSlowest) fields.complain("rate", "expected 1 kbit/s or more, or 0");
  if (rate) d.trace = nullptr;
  if (fields.has("trace")) {
    if (rate) fields.complain("trace", "expected a rate or a trace, not both");
    const auto name = fields.get<std::string>("trace", "");
    auto trace = name.empty() ? Result<std::shared_ptr<const Trace>>() : Trace::load(folder / name);
    if (!trace) fields.complain("trace", trace.error().message);
    d.trace = trace.value_or(nullptr);
    d.rate = 0;
  }
  read_queue(fields, d);
}

void read_burst(Fields& fields, Direction& d) {
  if (!fields.has("burst")) return;
  Fields f = fields.object("burst");
  BurstLoss& b = d.burst;
  b.p = get_share(f, "p", b.p);
  b.r = get_share(f, "r", b.r);
  b.good = get_share(f, "good", b.good);
  b.bad = get_share(f, "bad", b.bad);
  if (b.p > 0 && b.r == 0) f.complain("r", "expected above 0: a bad state that ends");
  fields.absorb(f);
}

Kinds read_kinds(Fields& fields, const char* key, Kinds otherwise) {
  if (!fields.has(key)) return otherwise;
  Kinds kinds;
  fields.list(key, [&](const Json& one, const std::string&) {
    const auto& names = kPacketKindNames;
    const auto at = std::find(names.begin(), names.end(), one.text().value_or(""));
    if (at == names.end())
      fields.complain(key, "expected a list of \"stun\", \"dtls\", \"rtp\", \"rtcp\", \"other\"");
    else
      kinds.add(static_cast<PacketKind>(at - names.begin()));
  });
  return kinds;
}

void read_jitter(Fields& fields, Direction& d) {
  d.jitter_s = get_time(fields, "jitter", d.jitter_s);
  d.jitter_reorders = fields.get<bool>("jitter_reorders", d.jitter_reorders);
  if (!fields.has("jitter_shape")) return;
  const auto name = fields.get<std::string>("jitter_shape", "");
  for (const auto& [known, shape] : kShapes) {
    if (name != known) continue;
    d.jitter_shape = shape;
    return;
  }
  fields.complain("jitter_shape", "expected \"uniform\", \"normal\" or \"pareto\"");
}

void read_direction(Fields& fields, Direction& d, const fs::path& folder) {
  read_bottleneck(fields, d, folder);
  d.delay_s = get_time(fields, "delay", d.delay_s);
  read_jitter(fields, d);
  d.loss = get_share(fields, "loss", d.loss);
  read_burst(fields, d);
  d.loss_of = read_kinds(fields, "loss_of", d.loss_of);
  d.reorder = get_share(fields, "reorder", d.reorder);
  d.reorder_by_s = get_time(fields, "reorder_by", d.reorder_by_s);
  d.duplicate = get_share(fields, "duplicate", d.duplicate);
  d.block = read_kinds(fields, "block", d.block);
  d.blackout = fields.get<bool>("blackout", d.blackout);
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : presets())
    if (name == preset.name) return &preset;
  return nullptr;
}

Conditions read_fields(Fields& fields, Conditions c, const fs::path& folder) {
  if (fields.has("preset")) {
    const Preset* preset = find_preset(fields.get<std::string>("preset", ""));
    if (preset == nullptr) fields.complain("preset", "expected one of " + preset_names());
    c = preset != nullptr ? preset->conditions : c;
  }
  for (Direction* direction : {&c.up, &c.down}) read_direction(fields, *direction, folder);
  for (const auto& [key, direction] : {std::pair{"up", &c.up}, {"down", &c.down}}) {
    if (!fields.has(key)) continue;
    Fields f = fields.object(key);
    read_direction(f, *direction, folder);
    fields.absorb(f);
  }
  return c;
}

void read_schedule(Fields& fields, Network& network, const fs::path& folder) {
  Conditions before = network.conditions;
  fields.list("schedule", [&](const Json& json, const std::string& path) {
    Fields f(json, path);
    ScheduleStep step;
    if (!f.has("at")) f.complain("at", "missing, expected a time such as 10s");
    step.at_ns = std::llround(get_seconds(f, "at", 0) * 1e9);
    if (!network.schedule.empty() && step.at_ns < network.schedule.back().at_ns)
      f.complain("at", "expected no earlier time than the step before");
    step.conditions = before = read_fields(f, before, folder);
    if (network.schedule.size() == kMostSteps)
      f.complain("at", fmt::format("expected at most {} steps", kMostSteps));
    fields.absorb(f);
    if (fields.ok()) network.schedule.push_back(std::move(step));
  });
}

std::string kinds_text(Kinds kinds) {
  std::string text;
  for (size_t i = 0; i < kPacketKinds; ++i)
    if (kinds.has(static_cast<PacketKind>(i)))
      text += (text.empty() ? "" : "+") + std::string(kPacketKindNames[i]);
  return text;
}

std::string bottleneck_text(const Direction& d) {
  if (d.rate <= 0 && !d.trace) return "";
  return d.trace ? "trace " + d.trace->name() : bit_rate_text(d.rate);
}

std::string queue_text(const Direction& d) {
  if (d.rate <= 0 && !d.trace) return "";
  return "queue " + (d.queue_bytes != 0 ? fmt::format("{} bytes", d.queue_bytes)
                                        : seconds_text(d.queue_s > 0 ? d.queue_s : kUsualQueue));
}

std::string words_of(const Direction& d, bool with_queue) {
  std::string text;
  const auto say = [&](bool when, const std::string& what) {
    if (when && !what.empty()) text += (text.empty() ? "" : ", ") + what;
  };
  say(d.blackout, "blackout");
  say(true, bottleneck_text(d));
  say(with_queue, queue_text(d));
  say(d.delay_s > 0, "delay " + seconds_text(d.delay_s));
  for (const auto& [name, shape] : kShapes)
    say(d.jitter_s > 0 && shape == d.jitter_shape,
        fmt::format("jitter {} {}", seconds_text(d.jitter_s), name));
  const std::string whose = d.loss_of == Kinds::all() ? "" : " of " + kinds_text(d.loss_of);
  say(d.loss > 0, "loss " + share_text(d.loss) + whose);
  say(d.burst.p > 0 || d.burst.good > 0,
      fmt::format("bursts p {} r {}{}", share_text(d.burst.p), share_text(d.burst.r), whose));
  say(d.reorder > 0,
      fmt::format("reorder {} by {}", share_text(d.reorder), seconds_text(d.reorder_by_s)));
  say(d.duplicate > 0, "duplicate " + share_text(d.duplicate));
  say(!d.block.none(), "no " + kinds_text(d.block));
  return text.empty() ? "clean" : text;
}

}  // namespace

std::string preset_names() {
  std::string names;
  for (const Preset& preset : presets())
    names += (names.empty() ? "" : ", ") + std::string(preset.name);
  return names;
}

Result<Conditions> read_conditions(const Json& json, const std::string& path,
                                   const Conditions& before, const fs::path& folder) {
  if (const auto name = json.text()) {
    if (const Preset* preset = find_preset(*name)) return preset->conditions;
    return fail(Code::kBadInput,
                fmt::format("{}{}\"{}\" is no preset: expected one of {}", path,
                            path.empty() ? "" : ": ", printable(*name, 60), preset_names()));
  }
  Fields fields(json, path);
  if (json.is_null()) fields.complain("preset", "expected a preset's name or an object");
  const Conditions read = read_fields(fields, before, folder);
  return fields.done().map([&] { return read; });
}

Result<Network> read_network(const Json& json, const std::string& path, const fs::path& folder) {
  Network network;
  if (!json.is_object())
    return read_conditions(json, path, {}, folder).map([&](const Conditions& conditions) {
      network.conditions = conditions;
      return network;
    });
  Fields fields(json, path);
  network.conditions = read_fields(fields, {}, folder);
  network.seed = fields.get<uint64_t>("seed", network.seed);
  read_schedule(fields, network, folder);
  return fields.done().map([&] { return network; });
}

Result<Network> parse_network(const std::string& text) {
  if (text.find_first_not_of(" \n") != std::string::npos &&
      text[text.find_first_not_of(" \n")] == '{')
    return Json::parse(text).and_then([](const Json& json) { return read_network(json, "", ""); });
  if (const Preset* preset = find_preset(text)) return Network{preset->conditions};
  std::error_code ignored;
  if (!fs::exists(text, ignored))
    return fail(Code::kUsage,
                fmt::format("\"{}\": expected one of {}, a file, or an object such as "
                            "{{\"down\":{{\"loss\":\"10%\"}}}}",
                            printable(text, 60), preset_names()));
  return read_file(text, kMostFile)
      .and_then([](const std::string& content) { return Json::parse(content); })
      .and_then(
          [&](const Json& json) { return read_network(json, "", fs::path(text).parent_path()); })
      .map_error([&](Error error) { return std::move(error).in(text); });
}

std::string text_of(const Direction& d) { return words_of(d, true); }

std::string text_of(const Conditions& c) {
  if (c.up == c.down) return c.up == Direction{} ? "clean" : "both ways " + text_of(c.up);
  return fmt::format("up {}; down {}", text_of(c.up), text_of(c.down));
}

std::string label_of(const Conditions& c) {
  for (const Preset& preset : presets())
    if (preset.conditions == c) return preset.name;
  // Where nothing passes, nothing else matters.
  const auto words = [](const Direction& d) {
    return d.blackout ? "blackout" : words_of(d, false);
  };
  const std::string up = words(c.up), down = words(c.down);
  if (up == down) return up;
  if (c.up == Direction{}) return "down " + down;
  if (c.down == Direction{}) return "up " + up;
  return fmt::format("up {}; down {}", up, down);
}

}  // namespace callbot::network
