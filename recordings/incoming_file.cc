#include "recordings/incoming_file.h"

#include <fmt/core.h>
#include <glib.h>

#include "base/files.h"
#include "base/gref.h"
#include "base/text.h"
#include "recordings/growing_file.h"

namespace callbot::recordings {
namespace {

using Checksum = std::unique_ptr<GChecksum, Freer<&g_checksum_free>>;

// "report.pdf", "report-2.pdf" ...: the first that is not there, neither whole nor in part.
fs::path free_name(const fs::path& folder, const std::string& wished, const char* more) {
  const fs::path name = safe_name(wished);
  for (int n = 1;; ++n) {
    const fs::path path = folder / (numbered(name, n) + more);
    std::error_code ignored;
    if (!fs::exists(path, ignored) && !fs::exists(path.string() + ".part", ignored)) return path;
  }
}

// The file on disk; lives on the keeper's thread.
class Growing {
 public:
  Growing(IncomingPlace place, FileOffer offer, std::function<void(Event)> note)
      : folder_(std::move(place.folder)),
        seal_to_(place.seal_to),
        offer_(std::move(offer)),
        note_(std::move(note)),
        checksum_(g_checksum_new(G_CHECKSUM_SHA256)) {}

  void open() {
    if (auto made = make_folder(folder_ / "files"); !made) return fail_with(made.error());
    path_ = free_name(folder_ / "files", offer_.name, seal_to_ ? kSealedExtension : "");
    auto out = GrowingFile::create({.path = path_.string() + ".part", .seal_to = seal_to_});
    if (!out) return fail_with(out.error());
    out_ = std::move(*out);
  }

  void append(const std::string& bytes) {
    if (error_) return;
    if (!out_->write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}))
      return fail_with(out_->failure());
    size_ += bytes.size();
    g_checksum_update(checksum_.get(), reinterpret_cast<const guchar*>(bytes.data()),
                      static_cast<gssize>(bytes.size()));
  }

  Result<ReceivedFile> end(const std::string& announced) {
    const std::string sum = g_checksum_get_string(checksum_.get());
    Text wanted(g_ascii_strdown(announced.c_str(), -1));
    if (!error_ && size_ != offer_.size) fail_with({Code::kBadInput, in_part()});
    if (!error_ && *wanted != '\0' && sum != wanted.get())
      fail_with({Code::kBadInput, "the checksum differs from the one announced"});
    if (!error_) close();
    std::error_code moved;
    if (!error_) fs::rename(path_.string() + ".part", path_, moved);
    if (moved) fail_with({Code::kStorage, path_.string() + ": " + moved.message()});
    if (error_) return refused();
    const auto on_disk = seal_to_ ? sha256_file(path_) : Result<std::string>(sum);
    for (const fs::path& changed : {folder_ / "files", folder_}) (void)sync_path(changed);
    const auto path = "files/" + path_.filename().string();
    note_({.kind = EventKind::kFileReceived,
           .participant = offer_.participant,
           .name = offer_.name,
           .bytes = out_->bytes(),
           .sha256 = on_disk.value_or(sum),
           .path = path});
    return ReceivedFile{path, size_, sum};
  }

  void abandon() {
    if (out_ && !error_) (void)out_->mark_whole();
    if (!error_) error_ = Error{Code::kBadInput, in_part()};
    (void)refused();
  }

 private:
  std::string in_part() const {
    return fmt::format("{} of {} came", size_, counted(offer_.size, "byte"));
  }
  void close() {
    if (auto ended = out_->end(); !ended) return fail_with(ended.error());
    (void)out_->sync();
  }
  void fail_with(Error error) {
    if (!error_) error_ = std::move(error);
  }
  tl::unexpected<Error> refused() {
    note_({.kind = EventKind::kFileRefused,
           .participant = offer_.participant,
           .name = offer_.name,
           .reason = error_->message,
           .path = path_.empty() ? "" : "files/" + path_.filename().string() + ".part"});
    return tl::unexpected(*error_);
  }

  fs::path folder_;
  std::optional<PublicKey> seal_to_;
  FileOffer offer_;
  std::function<void(Event)> note_;
  Checksum checksum_;
  fs::path path_;
  std::unique_ptr<GrowingFile> out_;
  uint64_t size_ = 0;
  std::optional<Error> error_;
};

class Incoming final : public IncomingFile {
 public:
  Incoming(Keeper& keeper, std::shared_ptr<Growing> file, uint64_t announced)
      : keeper_(keeper), file_(std::move(file)), left_(announced) {
    keeper_.job([file = file_] { file->open(); });
  }
  ~Incoming() override {
    if (file_) keeper_.job([file = file_] { file->abandon(); });
  }

  Result<> append(std::string_view bytes) override {
    if (!file_) return fail(Code::kBadInput, "the file has ended");
    if (bytes.size() > left_) return fail(Code::kBadInput, "more bytes than announced");
    left_ -= bytes.size();
    keeper_.job([file = file_, copy = std::string(bytes)] { file->append(copy); });
    return {};
  }
  void end(const std::string& sha256, std::function<void(Result<ReceivedFile>)> done) override {
    if (!file_) return;
    keeper_.job([file = std::move(file_), sha256, done = std::move(done)] {
      auto result = file->end(sha256);
      if (done) done(std::move(result));
    });
    file_ = nullptr;
  }

 private:
  Keeper& keeper_;
  std::shared_ptr<Growing> file_;
  uint64_t left_;
};

}  // namespace

std::unique_ptr<IncomingFile> begin_incoming(Keeper& keeper, IncomingPlace place, FileOffer offer,
                                             std::function<void(Event)> note) {
  const uint64_t announced = offer.size;
  auto growing = std::make_shared<Growing>(std::move(place), std::move(offer), std::move(note));
  return std::make_unique<Incoming>(keeper, std::move(growing), announced);
}

}  // namespace callbot::recordings
