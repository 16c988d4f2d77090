#include "tests/support/exported.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "recordings/stream_probe.h"

extern char** environ;

namespace callbot::test {

using namespace recordings;

Exported::Exported(const std::filesystem::path& path) {
  auto input = open_media(path);
  EXPECT_TRUE(input && *input) << path;
  if (!input || !*input) return;
  EXPECT_GE(avformat_find_stream_info(input->get(), nullptr), 0) << path;
  AVFormatContext& context = **input;
  duration = static_cast<double>(context.duration) / AV_TIME_BASE;
  std::vector<std::unique_ptr<StreamProbe>> probes;
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    auto probe = StreamProbe::open(*context.streams[i], 1);
    EXPECT_TRUE(probe) << path;
    probes.push_back(probe ? std::move(*probe) : nullptr);
  }
  AvPacket packet(av_packet_alloc());
  int read = 0;
  while ((read = av_read_frame(&context, packet.get())) >= 0) {
    auto& probe = probes[static_cast<size_t>(packet->stream_index)];
    if (probe) probe->packet(*packet);
    av_packet_unref(packet.get());
  }
  EXPECT_EQ(read, AVERROR_EOF) << path;
  for (auto& probe : probes) {
    if (!probe) continue;
    auto stream = probe->finish();
    (stream.media == MediaKind::kVideo ? video : audio) = std::move(stream);
  }
}

std::vector<int64_t> Exported::counters() const {
  std::vector<int64_t> out;
  for (const ProbedPicture& p : video.pictures)
    out.push_back(p.mark ? static_cast<int64_t>(p.mark->counter) : -1);
  return out;
}

std::vector<Exported::Skew> Exported::skews() const {
  std::vector<Skew> out;
  for (const ProbedChirp& chirp : audio.chirps) {
    for (const ProbedPicture& p : video.pictures) {
      if (p.mark && (p.mark->flags & kMarkChirp) != 0 && std::abs(p.time - chirp.time) < 0.4)
        out.push_back({chirp.time, chirp.time - p.time});
    }
  }
  return out;
}

double worst_skew(const Exported& file) {
  const auto all = file.skews();
  EXPECT_GE(all.size(), 3u);
  double worst = 0;
  for (const auto& s : all) worst = std::max(worst, std::abs(s.skew));
  return worst;
}

Said ask(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  const int spawned = posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  Said said;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    said.text.append(buffer.data(), static_cast<size_t>(n));
  ::close(ends[0]);
  if (spawned != 0) return {-1, command[0] + " is not there"};
  int status = 0;
  waitpid(pid, &status, 0);
  said.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

std::string faults(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::string out;
  const auto quiet = [&](const std::vector<std::string>& command) {
    const Said said = ask(command);
    if (said.status != 0 || !said.text.empty()) out += command[0] + ": " + said.text + "\n";
  };
  quiet({"ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", name, "-f", "null", "-"});
  const Said probed = ask({"ffprobe", "-v", "error", "-count_packets", "-of", "csv=p=0",
                           "-show_entries", "stream=index", name});
  if (probed.status != 0 || probed.text.find_first_not_of("0123456789\n") != std::string::npos)
    out += "ffprobe: " + probed.text + "\n";
  if (path.extension() != ".mkv" && path.extension() != ".webm") return out;
  const Said merge = ask({"mkvmerge", "-J", name});
  const auto none = [&](const char* key) {
    return merge.text.find(std::string("\"") + key + "\": []") != std::string::npos;
  };
  if (merge.status != 0 || !none("errors") || !none("warnings"))
    out += "mkvmerge: " + merge.text + "\n";
  const Said info = ask({"mkvinfo", "--all", name});
  if (info.status != 0 || info.text.find("Error") != std::string::npos ||
      info.text.find("unknown") != std::string::npos)
    out += "mkvinfo: " + info.text.substr(0, 2000) + "\n";
  return out;
}

}  // namespace callbot::test
