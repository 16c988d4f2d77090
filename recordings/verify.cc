#include "recordings/verify.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "recordings/checks.h"
#include "recordings/lanes.h"
#include "recordings/manifest.h"
#include "recordings/probe.h"
#include "recordings/thresholds.h"

namespace callbot::recordings {
namespace {

// A checksum reads some 300 MB/s, decoding some 10 MB/s of media (both measured on one core).
constexpr double kHashEffort = 1.0 / 30;

// Progress of all files together, by their bytes: of checksums first, then of decoding.
class Share {
 public:
  Share(const fs::path& folder, const Manifest& m, bool hashes, const Progress& progress)
      : progress_(progress) {
    for (const MediaFileFacts& f : m.media)
      all_ += (1 + (hashes ? kHashEffort : 0)) * static_cast<double>(size_of(folder / f.path));
    for (const FileFacts& f : m.received)
      all_ += (hashes ? kHashEffort : 0) * static_cast<double>(size_of(folder / f.path));
  }
  bool hashed(uint64_t bytes) {
    done_ += kHashEffort * static_cast<double>(bytes);
    return tell(done_);
  }
  ProbeProgress of(const fs::path& path) {
    const double from = done_;
    const auto bytes = static_cast<double>(size_of(path));
    done_ += bytes;
    return [this, from, bytes](double share) {
      return tell(from + bytes * std::clamp(share, 0.0, 1.0));
    };
  }

 private:
  bool tell(double done) const { return !progress_ || progress_(std::min(done / all_, 1.0)); }

  const Progress& progress_;
  double all_ = 1;
  double done_ = 0;
};

// What cannot be opened, or holds nothing, is a finding; the rest is judged.
Result<std::vector<ProbedMedia>> probe_all(const fs::path& folder, const Manifest& m,
                                           const VerifyConfig& config, Share& share,
                                           Findings& out) {
  std::vector<ProbedMedia> media;
  for (const MediaFileFacts& f : m.media) {
    if (!is_there(folder / f.path)) continue;
    Finding finding{.severity = Severity::kFail, .participant = f.participant, .file = f.path};
    std::error_code missing;
    const bool nothing = fs::file_size(folder / f.path, missing) == 0 && !missing;
    auto probed =
        nothing ? ProbedFile() : probe(folder / f.path, config.threads, share.of(folder / f.path));
    if (!probed && probed.error().code == Code::kInterrupted) return tl::unexpected(probed.error());
    if (!probed || probed->damage) {
      finding.code = "file-damaged";
      finding.text = probed ? probed->damage->message : probed.error().message;
      out.add(finding);
    } else if (probed->packets() == 0) {
      finding.code = "empty-file";
      finding.text = "the file holds no frame";
      out.add(finding);
    }
    if (probed) media.push_back({&f, std::move(*probed)});
  }
  return media;
}

TrackMeasure judge(const Lane& lane, const VerifyConfig& config, Findings& out) {
  TrackMeasure measure;
  measure.participant = lane.participant;
  measure.name = lane.name;
  measure.media = name_of(lane.media);
  measure.codec = lane.codec();
  check_coverage(lane, config, measure, out);
  check_waits(lane, config, out);
  check_loss(lane, config, out);
  check_decoding(lane, config, measure, out);
  if (lane.media == MediaKind::kVideo) {
    check_pictures(lane, config, out);
    check_layers(lane, config, out);
    check_marks(lane, config, measure, out);
  } else {
    check_sound(lane, config, out);
  }
  return measure;
}

// A participant whose file is gone has told all there is to tell.
bool has_file_finding(const std::vector<Finding>& findings, const std::string& participant) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
    return f.participant == participant &&
           (f.code == "file-missing" || f.code == "empty-file" || f.code == "file-damaged") &&
           f.file.rfind("media/", 0) == 0;
  });
}

bool follows_from_a_lost_file(const std::string& code) {
  return code == "missing-track" || code == "coverage" || code == "gap";
}

// That another checksum comes of it goes without saying.
bool is_damaged(const std::vector<Finding>& findings, const std::string& file) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) {
    return f.file == file && (f.code == "empty-file" || f.code == "file-damaged");
  });
}

Severity worst(const std::vector<Finding>& findings) {
  Severity severity = Severity::kPass;
  for (const Finding& f : findings) severity = std::max(severity, f.severity);
  return severity;
}

}  // namespace

Result<Verdict> verify(const fs::path& folder, const VerifyConfig& config,
                       const Progress& progress) {
  const auto recording = load(folder);
  if (!recording) return tl::unexpected(recording.error());
  const Manifest& m = recording->manifest;
  Findings out;
  Verdict verdict;
  verdict.folder = folder.string();
  Share share(folder, m, config.checksums, progress);
  const Hashed hashed = [&](uint64_t bytes) { return share.hashed(bytes); };
  if (auto seen = check_folder(folder, *recording, config.checksums ? hashed : Hashed(), out);
      !seen)
    return tl::unexpected(seen.error());
  if (auto keys = check_keys(folder, m); !keys) {
    verdict.unmeasured = keys.error().message;
    verdict.duration = static_cast<double>(m.duration_ns()) / 1e9;
    verdict.findings = out.take();
    verdict.severity = worst(verdict.findings);
    return verdict;
  }
  auto media = probe_all(folder, m, config, share, out);
  if (!media) return tl::unexpected(media.error());

  for (const Threshold& t : thresholds()) {
    if (config.*t.value != VerifyConfig().*t.value) verdict.thresholds[t.key] = config.*t.value;
  }
  verdict.duration = duration_of(m, *media);
  const auto lanes = make_lanes(*recording, std::move(*media), verdict.duration);
  if (lanes.empty() && m.media.empty() && m.state != "failed" && !recording->journal_error)
    return fail(Code::kUnmeasured, folder.string() + ": nobody was there to be recorded");
  for (const Lane& lane : lanes) verdict.tracks.push_back(judge(lane, config, out));
  for (size_t i = 1; i < lanes.size(); ++i) {
    if (lanes[i].participant == lanes[i - 1].participant)
      verdict.tracks[i].av_offset = check_sync(lanes[i - 1], lanes[i], config, out);
  }
  check_alignment(*recording, config, out);
  verdict.findings = out.take();
  verdict.damage = out.take_damage();
  const auto all = verdict.findings;
  std::erase_if(verdict.findings, [&](const Finding& f) {
    return (follows_from_a_lost_file(f.code) && has_file_finding(all, f.participant)) ||
           (f.code == "checksum" && is_damaged(all, f.file));
  });
  verdict.severity = worst(verdict.findings);
  if (progress) progress(1);
  return verdict;
}

}  // namespace callbot::recordings
