#include "recordings/probe.h"

#include <algorithm>
#include <map>
#include <thread>

#include "recordings/stream_probe.h"

namespace callbot::recordings {
namespace {

constexpr size_t kPacketsBetweenProgress = 64;

int thread_count(int wanted) {
  if (wanted > 0) return wanted;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
}

}  // namespace

size_t ProbedFile::packets() const {
  size_t sum = 0;
  for (const ProbedStream& stream : streams) sum += stream.packets.size();
  return sum;
}

Result<ProbedFile> probe(const std::filesystem::path& path, int threads,
                         const ProbeProgress& progress) {
  auto opened = open_media(path);
  if (!opened) return tl::unexpected(opened.error());
  AvInput input = std::move(*opened);
  if (!input) return ProbedFile();

  ProbedFile file;
  std::vector<std::unique_ptr<StreamProbe>> probes;
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    auto stream = StreamProbe::open(*input->streams[i], thread_count(threads));
    if (!stream) return tl::unexpected(std::move(stream.error()).in(path.string()));
    probes.push_back(std::move(*stream));
  }
  const int64_t size = std::max<int64_t>(avio_size(input->pb), 1);
  AvPacket packet(av_packet_alloc());
  int read = 0;
  for (size_t n = 0; (read = av_read_frame(input.get(), packet.get())) >= 0; ++n) {
    const auto index = static_cast<size_t>(packet->stream_index);
    if (index < probes.size() && probes[index]) probes[index]->packet(*packet);
    av_packet_unref(packet.get());
    if (n % kPacketsBetweenProgress != 0 || !progress) continue;
    if (!progress(static_cast<double>(avio_tell(input->pb)) / static_cast<double>(size)))
      return fail(Code::kInterrupted, path.string() + ": stopped");
  }
  if (read != AVERROR_EOF) file.damage = av_failure(Code::kBadInput, path.string(), read);
  for (auto& probe : probes) {
    if (probe) file.streams.push_back(probe->finish());
  }
  return file;
}

}  // namespace callbot::recordings
