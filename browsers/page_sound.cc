#include "browsers/page_sound.h"

#include <cmath>

#include "browsers/driver.h"

namespace callbot::browsers {

Result<std::vector<HeardSound>> parse_heard(const Json& taken, const RemoteClock& clock) {
  const Json rows = taken.at("heard");
  if (rows.is_null()) return std::vector<HeardSound>();
  if (!rows.is_array())
    return fail(Code::kBadInput,
                "the page gave no sound: expected what callbotObserver.take() says");
  std::vector<HeardSound> all;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Json row = rows.at(i);
    const auto base = row.at("base").number();
    const auto begin_ns = base ? clock.monotonic_ns_of(*base) : std::nullopt;
    HeardSound heard{row.at("track").text().value_or(""), row.at("name").text().value_or("")};
    heard.rate = row.at("rate").number().value_or(0);
    heard.piece_s = row.at("piece").number().value_or(0);
    heard.first = row.at("first").whole().value_or(0);
    if (!begin_ns || heard.rate < 1) continue;
    heard.local = row.at("local").boolean().value_or(false);
    // A piece is played from when it comes; it was recorded until then.
    heard.begin_ns = *begin_ns - (heard.local ? std::llround(heard.piece_s * 1e9) : 0);
    const std::string bytes = decoded_base64(row.at("samples").text().value_or(""));
    heard.samples.reserve(bytes.size() / 2);
    for (size_t at = 0; at + 2 <= bytes.size(); at += 2) {
      const auto low = static_cast<uint8_t>(bytes[at]), high = static_cast<uint8_t>(bytes[at + 1]);
      heard.samples.push_back(static_cast<float>(static_cast<int16_t>(low | high << 8)) / 32767);
    }
    all.push_back(std::move(heard));
  }
  return all;
}

std::vector<float> Thickened::push(std::span<const float> samples) {
  std::vector<float> out;
  for (const float sample : samples) {
    // Between the one before, number in_ - 1, and this one.
    for (; static_cast<double>(out_) * step_ <= static_cast<double>(in_); ++out_) {
      const double before = static_cast<double>(in_) - static_cast<double>(out_) * step_;
      out.push_back(static_cast<float>(last_ * before + sample * (1 - before)));
    }
    last_ = sample;
    ++in_;
  }
  return out;
}

}  // namespace callbot::browsers
