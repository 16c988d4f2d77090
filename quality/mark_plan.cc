#include "quality/mark_plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "quality/file_hearing.h"
#include "quality/file_skew.h"

namespace callbot::quality {
namespace {

constexpr double kMostRateOff = 0.02;  // share: it plays too fast or too slowly

// "20s", or a number of seconds.
double time_of(Fields& fields, const char* key, double otherwise) {
  if (!fields.has(key)) return otherwise;
  const Json value = fields.raw(key);
  if (const auto number = value.number(); number && *number >= 0) return *number;
  if (const auto text = value.text()) {
    if (const auto duration = parse_duration(*text))
      return static_cast<double>(duration->count()) / 1000;
  }
  fields.complain(key, "a time such as \"20s\" or a number of seconds");
  return otherwise;
}

double share_of(Fields& fields, const char* key, double otherwise) {
  const double value = fields.get<double>(key, otherwise);
  if (value < 0 || value > 1) fields.complain(key, "a share from 0 to 1");
  return value;
}

void read_must_not_hear(Fields& fields, MarkPlan::Who& who) {
  constexpr const char* kKey = "must_not_hear";
  if (!fields.has(kKey)) return;
  const Json value = fields.raw(kKey);
  if (value.boolean() == true) {
    who.must_not_hear = {{}};
    if (who.heard) fields.complain(kKey, "spans of time, where it has to be heard otherwise");
    return;
  }
  if (!value.is_array() || value.size() == 0)
    fields.complain(kKey, "true, or a list of spans such as {\"from\": \"8s\", \"to\": \"14s\"}");
  fields.list(kKey, [&](const Json& element, const std::string& path) {
    Fields one(element, path);
    MarkPlan::Who::Span span{.from = time_of(one, "from", 0)};
    if (one.has("to")) span.to = time_of(one, "to", 0);
    if (span.to && *span.to <= span.from) one.complain("to", "a time after \"from\"");
    who.must_not_hear.push_back(span);
    fields.absorb(one);
  });
}

MarkPlan::Who who_of(Fields& fields) {
  MarkPlan::Who who;
  const auto source = fields.need<int64_t>("source");
  if (source < 0 || source > 0xffff) fields.complain("source", "a number from 0 to 65535");
  who.source = static_cast<uint16_t>(source);
  who.name = fields.get<std::string>("name", "source " + std::to_string(source));
  who.from = time_of(fields, "from", 0);
  if (fields.has("to")) who.to = time_of(fields, "to", 0);
  who.heard = fields.get<bool>("heard", false);
  if (who.to && *who.to <= who.from) fields.complain("to", "a time after \"from\"");
  read_must_not_hear(fields, who);
  return who;
}

double share(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(whole, 1));
}

// Of one who has to be there.
class Judge {
 public:
  Judge(const MarkedFile& file, const MarkPlan& plan, const MarkPlan::Who& who, MarkVerdict& out)
      : file_(file),
        plan_(plan),
        who_(who),
        until_(who.to.value_or(plan.seconds.value_or(file.seconds))),
        out_(out) {
    for (const MarkedSource& s : file.sources) {
      if (s.source == who.source && (source_ == nullptr || s.read > source_->read)) source_ = &s;
    }
  }

  void run() {
    if (source_ == nullptr) return wrong("is not seen at all");
    presence();
    count("missing", source_->missing, source_->expected, plan_.missing);
    count("there twice", source_->duplicate, source_->read, plan_.duplicate);
    count("out of order", source_->reordered, source_->read, plan_.reordered);
    const double unread = share(source_->unread, source_->read + source_->unread);
    if (unread > plan_.unread)
      out_.unmeasured.push_back(fmt::format("{}: {} of {} pictures' marks could not be read",
                                            who_.name, source_->unread,
                                            source_->read + source_->unread));
    double frozen = 0;
    for (const Stretch& f : source_->freezes) frozen += f.to - f.from;
    if (frozen > plan_.freeze)
      wrong(fmt::format("stands still for {:.2f} s in all, first at {:.2f} s; allowed are {:.2f} s",
                        frozen, source_->freezes.front().from, plan_.freeze));
    if (plan_.fps && source_->rate > 0 && std::abs(source_->rate / *plan_.fps - 1) > kMostRateOff)
      wrong(fmt::format("plays {:.2f} of its frames a second, sent were {:g}", source_->rate,
                        *plan_.fps));
    if (who_.heard) sound();
    for (const MarkPlan::Who::Span& span : who_.must_not_hear) silence(span);
  }

 private:
  void wrong(const std::string& what) { out_.wrong.push_back(who_.name + " " + what); }

  void count(const char* words, uint64_t part, uint64_t whole, double most) {
    if (share(part, whole) > most)
      wrong(
          fmt::format("has {} of {} frames {}; allowed is {:g} %", part, whole, words, most * 100));
  }

  // Where it has to be seen, and where it must not.
  void presence() {
    double seen_until = who_.from;
    for (const Stretch& s : source_->present) {
      if (s.from < who_.from - plan_.tolerance || s.to > until_ + plan_.tolerance)
        wrong(fmt::format("is seen from {:.2f} to {:.2f} s, and may be from {:.2f} to {:.2f} s",
                          s.from, s.to, who_.from, until_));
      if (s.to < who_.from) continue;
      if (s.from - seen_until > plan_.tolerance && seen_until < until_) absent(seen_until, s.from);
      seen_until = std::max(seen_until, s.to);
    }
    if (until_ - seen_until > plan_.tolerance) absent(seen_until, until_);
  }
  void absent(double from, double to) {
    wrong(fmt::format("is not seen from {:.2f} to {:.2f} s", from, std::min(to, until_)));
  }

  void sound() {
    const SkewStatistics* most = nullptr;
    for (const HeardSound& heard : source_->heard) {
      const bool more = most == nullptr || heard.skew.pairs > most->pairs;
      if (more && has_most(heard, flashes_to_hear())) most = &heard.skew;
    }
    if (most == nullptr) return wrong("is not heard: no sound has its chirps");
    if (most->p95 > plan_.skew)
      wrong(
          fmt::format("is out of sync: sound {:+.0f} ms against the picture (p95 of its size: "
                      "{:.0f} ms); allowed are {:.0f} ms",
                      most->median * 1000, most->p95 * 1000, plan_.skew * 1000));
  }
  size_t flashes_to_hear() const {
    return static_cast<size_t>(
        std::count_if(source_->flashes.begin(), source_->flashes.end(), [&](double time) {
          return std::none_of(who_.must_not_hear.begin(), who_.must_not_hear.end(),
                              [&](auto& s) { return time >= s.from && (!s.to || time <= *s.to); });
        }));
  }

  void silence(const MarkPlan::Who::Span& span) {
    const double end = span.to.value_or(std::max(span.from, file_.seconds));
    // What begins or ends with the file does so at once.
    const Stretch inner{
        span.from > 0 ? span.from + plan_.tolerance : 0,
        span.to ? std::min(*span.to - plan_.tolerance, file_.seconds) : file_.seconds};
    const auto unmeasured = [&](const std::string& why) {
      out_.unmeasured.push_back(fmt::format("{}: whether it is heard from {:.2f} to {:.2f} s: {}",
                                            who_.name, span.from, end, why));
    };
    if (end > file_.seconds + plan_.tolerance || span.from >= file_.seconds)
      unmeasured(fmt::format("the file ends at {:.2f} s", file_.seconds));
    if (span.from >= file_.seconds) return;
    if (inner.to <= inner.from)
      return unmeasured(fmt::format("that is less than the tolerance of {:g} s", plan_.tolerance));
    const Hearing hearing = hearing_of(file_, *source_, inner);
    const std::vector<double>& heard = hearing.chirps;
    if (!hearing.unknown.empty()) return unmeasured(hearing.unknown);
    if (heard.empty()) return;
    const std::string when =
        heard.size() == 1 ? fmt::format("at {:.2f} s", heard.front())
                          : fmt::format("from {:.2f} to {:.2f} s", heard.front(), heard.back());
    wrong(fmt::format("is heard {} ({}), and must not be from {:.2f} to {:.2f} s", when,
                      chirps_text(heard.size()), span.from, end));
  }

  const MarkedFile& file_;
  const MarkPlan& plan_;
  const MarkPlan::Who& who_;
  const double until_;
  MarkVerdict& out_;
  const MarkedSource* source_ = nullptr;
};

std::string place_text(const MarkedSource& s) {
  return fmt::format("{:.0f},{:.0f} {:.0f} px wide, of {}x{}", s.place.x, s.place.y,
                     s.place.cell_width * 48, s.picture_width, s.picture_height);
}

Json to_json(const SkewStatistics& s) {
  return Json::object()
      .set("stream", s.stream)
      .set("pairs", s.pairs)
      .set("median", s.median)
      .set("min", s.least)
      .set("max", s.most)
      .set("p95", s.p95)
      .set_if(s.drift.has_value(), "drift", s.drift.value_or(0));
}

Json to_json(const std::vector<Stretch>& stretches) {
  Json list = Json::array();
  for (const Stretch& s : stretches) list.add(Json::object().set("from", s.from).set("to", s.to));
  return list;
}

Json to_json(const MarkedSource& s) {
  Json skew = Json::array();
  for (const SkewStatistics& one : s.skew) skew.add(to_json(one));
  return Json::object()
      .set("source", int{s.source})
      .set("stream", s.stream)
      .set("from", s.span.from)
      .set("to", s.span.to)
      .set("present", to_json(s.present))
      .set("first_counter", s.first_counter)
      .set("last_counter", s.last_counter)
      .set("read", s.read)
      .set("unread", s.unread)
      .set("expected", s.expected)
      .set("missing", s.missing)
      .set("duplicate", s.duplicate)
      .set("reordered", s.reordered)
      .set("restarts", s.restarts)
      .set("freezes", to_json(s.freezes))
      .set("rate", s.rate)
      .set("place", Json::object()
                        .set("x", s.place.x)
                        .set("y", s.place.y)
                        .set("width", s.place.cell_width * 48)
                        .set("picture_width", s.picture_width)
                        .set("picture_height", s.picture_height))
      .set("skew", skew);
}

}  // namespace

Result<MarkPlan> parse_mark_plan(std::string_view text) {
  const auto json = Json::parse(text);
  if (!json) return fail(Code::kUsage, json.error().message);
  Fields fields(*json);
  MarkPlan plan;
  if (fields.has("fps")) plan.fps = fields.get<double>("fps", 0);
  if (plan.fps && *plan.fps <= 0) fields.complain("fps", "a number above 0");
  if (fields.has("seconds")) plan.seconds = time_of(fields, "seconds", 0);
  plan.missing = share_of(fields, "missing", plan.missing);
  plan.duplicate = share_of(fields, "duplicate", plan.duplicate);
  plan.reordered = share_of(fields, "reordered", plan.reordered);
  plan.unread = share_of(fields, "unread", plan.unread);
  plan.freeze = time_of(fields, "freeze", plan.freeze);
  plan.skew = time_of(fields, "skew", plan.skew);
  plan.tolerance = time_of(fields, "tolerance", plan.tolerance);
  plan.others = fields.get<bool>("others", plan.others);
  fields.list("who", [&](const Json& element, const std::string& path) {
    Fields one(element, path);
    plan.who.push_back(who_of(one));
    fields.absorb(one);
  });
  if (plan.who.empty()) fields.complain("who", "at least one source that should be there");
  if (auto good = fields.done(); !good) return fail(Code::kUsage, good.error().message);
  return plan;
}

MarkVerdict judge_marks(const MarkedFile& file, const MarkPlan& plan) {
  MarkVerdict verdict;
  if (file.sources.empty()) {
    verdict.unmeasured.push_back(
        file.pictures == 0 ? "there is no picture"
                           : fmt::format("no mark could be read in {} pictures", file.pictures));
    return verdict;
  }
  for (const MarkPlan::Who& who : plan.who) Judge(file, plan, who, verdict).run();
  for (const MarkedSource& s : file.sources) {
    const bool planned = std::any_of(plan.who.begin(), plan.who.end(),
                                     [&](const auto& who) { return who.source == s.source; });
    if (!planned && !plan.others)
      verdict.wrong.push_back(
          fmt::format("source {} is seen from {:.2f} to {:.2f} s, and is not in the plan", s.source,
                      s.span.from, s.span.to));
  }
  if (file.damage) verdict.wrong.push_back("reading stopped before the end: " + *file.damage);
  return verdict;
}

std::string to_text(const MarkedFile& file) {
  std::string text = fmt::format("{:.2f} s, {} pictures", file.seconds, file.pictures);
  if (file.bare > 0) text += fmt::format(", {} without a readable mark", file.bare);
  if (file.undecodable > 0) text += fmt::format(", {} packets not decodable", file.undecodable);
  if (file.damage) text += ", damaged: " + *file.damage;
  text += '\n';
  for (const MarkedSource& s : file.sources) {
    text += fmt::format(
        "  source {:<5} {:8.2f} to {:8.2f} s  frames {} to {}, {:.2f} a second, at {}\n"
        "               read {}, missing {}, double {}, out of order {}, unread {}, frozen {} "
        "times\n",
        s.source, s.span.from, s.span.to, s.first_counter, s.last_counter, s.rate, place_text(s),
        s.read, s.missing, s.duplicate, s.reordered, s.unread, s.freezes.size());
    for (const SkewStatistics& k : s.skew) {
      text += fmt::format("               sound {:+.1f} ms (min {:+.1f}, max {:+.1f}, {} pairs)",
                          k.median * 1000, k.least * 1000, k.most * 1000, k.pairs);
      if (k.drift) text += fmt::format(", drift {:+.1f} ms a minute", *k.drift * 1000);
      text += '\n';
    }
  }
  for (const MarkedSound& s : file.sounds)
    text += fmt::format("  sound {} ({}): {} chirps\n", s.stream, s.codec, s.chirps.size());
  return text;
}

Json to_json(const MarkedFile& file, Pictures pictures) {
  Json sources = Json::array(), sounds = Json::array(), each = Json::array();
  for (const ReadPicture& picture : file.each) {
    Json marks = Json::array();
    for (const VideoMark& mark : picture.marks)
      marks.add(Json::object().set("source", int{mark.source}).set("counter", mark.counter));
    each.add(
        Json::object().set("stream", picture.stream).set("time", picture.time).set("marks", marks));
  }
  for (const MarkedSource& s : file.sources) sources.add(to_json(s));
  for (const MarkedSound& s : file.sounds)
    sounds.add(Json::object()
                   .set("stream", s.stream)
                   .set("codec", s.codec)
                   .set("chirps", s.chirps.size())
                   .set("from", s.span.from)
                   .set("to", s.span.to));
  return Json::object()
      .set("seconds", file.seconds)
      .set("pictures", file.pictures)
      .set("bare", file.bare)
      .set("undecodable", file.undecodable)
      .set_if(file.damage.has_value(), "damage", file.damage.value_or(""))
      .set("sources", sources)
      .set("sounds", sounds)
      .set_if(pictures == Pictures::kEach, "each", each);
}

}  // namespace callbot::quality
