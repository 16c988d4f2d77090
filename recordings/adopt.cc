// Media files that the journal does not know: its last lines were lost, or all of it. Their own
// headers say whose they are (title) and when they began (date).
#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "recordings/codec_parameters.h"
#include "recordings/media_mender.h"
#include "recordings/recording_folder.h"

namespace callbot::recordings {
namespace {

struct Header {
  std::string title;
  std::optional<int64_t> start_wall_ns;
  std::vector<const AVCodecParameters*> streams;
  AvInput input;
};

std::string text_in(const AVFormatContext& input, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(input.metadata, key, nullptr, 0);
  return entry != nullptr ? printable(entry->value, 256) : "";
}

std::optional<Header> read_header(const fs::path& path) {
  auto opened = open_media(path, OpenRaw{});
  if (!opened || !*opened) return std::nullopt;
  Header header;
  header.input = std::move(*opened);
  const AVFormatContext& input = *header.input;
  header.title = text_in(input, "title");
  if (const auto time = parse_rfc3339(text_in(input, "creation_time")))
    header.start_wall_ns = *time;
  for (unsigned i = 0; i < input.nb_streams; ++i)
    header.streams.push_back(input.streams[i]->codecpar);
  return header;
}

bool is_media(const fs::path& path) {
  return (is_sealed(path) ? path.stem() : path).extension() == ".mkv";
}

}  // namespace

void MediaMender::adopt_unknown() {
  std::vector<std::string> names;
  for (const fs::path& file : entries_in(folder_ / "media")) {
    auto name = "media/" + file.filename().string();
    if (open_file(file, Links::kRefuse) && is_media(file) && name == printable(name, 4096) &&
        manifest_.file(name) == nullptr)
      names.push_back(std::move(name));
  }
  for (const std::string& name : names) adopt(name);
}

void MediaMender::adopt(const std::string& name) {
  const auto header = read_header(folder_ / name);
  if (!header || header->streams.empty()) return;
  const int64_t wall = header->start_wall_ns.value_or(manifest_.started_wall_ns);
  const std::string stem = parse_media_name(name).stem;
  const std::string who = header->title.empty() ? stem : header->title;
  const auto same = std::find_if(manifest_.participants.begin(), manifest_.participants.end(),
                                 [&](const Participant& p) { return p.name == who; });
  const std::string id = same != manifest_.participants.end() ? same->id : stem;
  const auto tell = [&](Event event) {
    event.wall_ns = std::max(wall, manifest_.started_wall_ns);
    apply(manifest_, event);
    adopted_.push_back(std::move(event));
  };
  if (same == manifest_.participants.end())
    tell({.kind = EventKind::kMemberJoined, .participant = id, .name = who});
  Event opened{.kind = EventKind::kFileOpened, .participant = id, .file = name};
  opened.offset_ns = std::max<int64_t>(wall - manifest_.started_wall_ns, 0);
  TrackId last = 0;
  for (const Track& t : manifest_.tracks) last = std::max(last, t.id);
  for (const AVCodecParameters* p : header->streams) {
    const bool video = p->codec_type == AVMEDIA_TYPE_VIDEO;
    const MediaKind kind = video ? MediaKind::kVideo : MediaKind::kAudio;
    Event began{.kind = EventKind::kTrackBegan, .participant = id, .name = who};
    began.track = ++last;
    began.media = kind;
    began.codec = codec_name(p->codec_id);
    // RFC 3551: the RTP clock of G.722 is 8 kHz; video has 90 kHz.
    began.clock_rate = video ? 90'000 : began.codec == "g722" ? 8000 : p->sample_rate;
    began.channels = video ? 0 : p->ch_layout.nb_channels;
    opened.streams.push_back({last, kind, began.codec});
    tell(std::move(began));
  }
  tell(std::move(opened));
}

}  // namespace callbot::recordings
